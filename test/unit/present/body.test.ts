import { describe, expect, test } from 'vitest'
import { headerValue } from '../../../src/http/headers.ts'
import type { OutgoingAnswer } from '../../../src/ports.ts'
import { FakeBody, JSON_TYPE } from '../outbound/harness.ts'
import { hitOf, PUBLIC_ORIGIN, passedAnswer, presenter, storedAnswer, UPSTREAM, viewOf } from './harness.ts'

const body = (origin: string, padding = 0) =>
  JSON.stringify({ url: `${origin}/api/v3/user`, note: 'x'.repeat(padding) })
const THEIRS = body(UPSTREAM)
const OURS = body(PUBLIC_ORIGIN)
const LARGE = body(UPSTREAM, 5000)
const LARGE_OURS = body(PUBLIC_ORIGIN, 5000)
const GZIP = { 'accept-encoding': 'gzip' }
const JSON_FIELDS = { 'content-type': JSON_TYPE }
const coding = ({ headers }: OutgoingAnswer) => headerValue(headers, 'content-encoding')
const length = ({ headers }: OutgoingAnswer) => headerValue(headers, 'content-length')

describe('rewriting', () => {
  test('happens to stored, held and streamed bodies alike, and states no length of the upstream’s', async () => {
    const passed = (text: string) =>
      passedAnswer(200, { ...JSON_FIELDS, 'content-length': String(text.length) }, new FakeBody([text]))
    const small = presenter({ maxHeldBytes: 10 })
    const cases = [
      await presenter().present(hitOf(storedAnswer(THEIRS)), viewOf()),
      await presenter().present(passed(THEIRS), viewOf()),
      await small.present(passed(THEIRS), viewOf()),
      await presenter().present({ ...passed(THEIRS), body: new TextEncoder().encode(THEIRS) }, viewOf()),
    ]
    for (const answer of cases) {
      expect(answer.text).toBe(OURS)
      expect(length(answer)).toBeUndefined()
    }
  })

  test('not to what is not GitHub’s own JSON, nor to other APIs, parts or codings', async () => {
    const { present } = presenter()
    const unchanged = [
      present(passedAnswer(200, { 'content-type': 'text/plain' }, new FakeBody([THEIRS])), viewOf()),
      present(passedAnswer(200, JSON_FIELDS, new FakeBody([THEIRS])), viewOf({ accept: 'application/vnd.github.raw' })),
      present(passedAnswer(200, JSON_FIELDS, new FakeBody([THEIRS])), viewOf({}, { rewritesBodies: false })),
      present(passedAnswer(206, JSON_FIELDS, new FakeBody([THEIRS])), viewOf()),
      present(passedAnswer(200, { ...JSON_FIELDS, 'content-encoding': 'zstd' }, new FakeBody([THEIRS])), viewOf(GZIP)),
    ]
    for (const answer of await Promise.all(unchanged)) expect(answer.text).toBe(THEIRS)
  })

  test('is worked out once per body and public origin', async () => {
    const { present, derived } = presenter()
    const stored = storedAnswer(THEIRS)
    const first = await present(hitOf(stored), viewOf())
    const again = await present(hitOf(stored), viewOf())
    expect(again.body).toBe(first.body)
    const other = await present(hitOf(stored), viewOf({}, { publicOrigin: 'https://other.example' }))
    expect(other.text).toBe(body('https://other.example'))
    expect(derived.usage().entries).toBe(3)
    const plain = storedAnswer('{}')
    expect((await present(hitOf(plain), viewOf())).body).toBe(plain.body.bytes)
  })

  test('a body that breaks off while it may still be held is an error, not half an answer', async () => {
    async function* broken() {
      yield new TextEncoder().encode('{"half":')
      throw new Error('broke off')
    }
    await expect(presenter().begin(passedAnswer(200, JSON_FIELDS, broken()), viewOf())).rejects.toThrow('broke off')
  })
})

describe('compressing', () => {
  test('only for a client that asks for it, and only what gains from it', async () => {
    const { present } = presenter()
    const large = hitOf(storedAnswer(LARGE))
    const cases: [Promise<OutgoingAnswer & { text: string }>, string | undefined][] = [
      [present(large, viewOf(GZIP)), 'gzip'],
      [present(large, viewOf()), undefined],
      [present(large, viewOf({ 'accept-encoding': 'identity' })), undefined],
      [present(hitOf(storedAnswer(THEIRS)), viewOf(GZIP)), undefined],
      [present(hitOf(storedAnswer(LARGE, { 'cache-control': 'private, No-Transform' })), viewOf(GZIP)), undefined],
      [present(passedAnswer(200, JSON_FIELDS, new FakeBody([LARGE])), viewOf(GZIP)), 'gzip'],
      [present(passedAnswer(200, JSON_FIELDS, new FakeBody([THEIRS])), viewOf(GZIP)), undefined],
      [present(passedAnswer(200, { 'content-type': 'image/png' }, new FakeBody([LARGE])), viewOf(GZIP)), undefined],
      [present(passedAnswer(206, { 'content-type': 'text/plain' }, new FakeBody([LARGE])), viewOf(GZIP)), undefined],
      [present(passedAnswer(200, { 'content-type': 'text/plain' }, new FakeBody([LARGE])), viewOf(GZIP)), 'gzip'],
    ]
    for (const [index, [answer, expected]] of cases.entries()) {
      expect(coding(await answer), `case ${index}`).toBe(expected)
      expect((await answer).text.length).toBeGreaterThan(THEIRS.length - 10)
    }
    expect((await cases[0]![0]).text).toBe(LARGE_OURS)
    expect((await cases[5]![0]).text).toBe(LARGE_OURS)
  })

  test('is remembered, in memory of its own', async () => {
    const { present, compressed, derived } = presenter()
    const stored = storedAnswer(LARGE)
    const first = await present(hitOf(stored), viewOf(GZIP))
    const again = await present(hitOf(stored), viewOf(GZIP))
    expect(again.body).toBe(first.body)
    expect(compressed).toHaveLength(1)
    const bytes = first.body as Uint8Array
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength)
    await present(hitOf(stored), viewOf({ 'accept-encoding': 'br' }))
    expect(compressed.map(({ coding: used }) => used)).toEqual(['gzip', 'br'])
    expect(derived.usage().bytes).toBeGreaterThan(bytes.byteLength)
  })

  test('streams what may not be held', async () => {
    const { present, compressed } = presenter({ maxHeldBytes: 100 })
    const answer = await present(passedAnswer(200, JSON_FIELDS, new FakeBody([LARGE])), viewOf(GZIP))
    expect(coding(answer)).toBe('gzip')
    expect(length(answer)).toBeUndefined()
    expect(answer.text).toBe(LARGE_OURS)
    expect(answer.body).not.toBeInstanceOf(Uint8Array)
    expect(compressed).toHaveLength(0)
  })
})

describe('lengths', () => {
  test('the upstream’s is passed on with bytes that pass unchanged', async () => {
    const { present } = presenter()
    const fields = { 'content-type': 'application/zip', 'content-length': '4' }
    expect(length(await present(passedAnswer(200, fields, new FakeBody(['1234'])), viewOf(GZIP)))).toBe('4')
    const long = 'x'.repeat(2000)
    const text = { 'content-type': 'text/plain', 'content-length': '2000' }
    expect(length(await present(passedAnswer(200, text, new FakeBody([long])), viewOf()))).toBe('2000')
    expect(length(await present(passedAnswer(200, text, new FakeBody([long])), viewOf(GZIP)))).toBeUndefined()
  })

  test('of an answer to HEAD is that of the GET, or is left out', async () => {
    const { present } = presenter()
    const head = (request: Record<string, string> = {}) => viewOf(request, { method: 'HEAD' })
    const text = { 'content-type': 'text/plain', 'content-length': '5000' }
    expect(length(await present(passedAnswer(200, text), head()))).toBe('5000')
    // A GET would be compressed as it streams, and JSON is rewritten: nobody knows their lengths.
    expect(length(await present(passedAnswer(200, text), head(GZIP)))).toBeUndefined()
    expect(length(await present(passedAnswer(200, { ...JSON_FIELDS, 'content-length': '9' }), head()))).toBeUndefined()
    for (const request of [{}, GZIP]) {
      const stored = hitOf(storedAnswer(LARGE))
      const got = await present(stored, viewOf(request))
      const headed = await present(stored, head(request))
      expect(headed.body).toBe(got.body)
      expect(headed.headers).toEqual(got.headers)
    }
  })
})

describe('what is derived', () => {
  test('stays within its bound', async () => {
    const { present, derived } = presenter({ derivedBytes: 20_000 })
    for (let number = 0; number < 60; number++) {
      const stored = hitOf(storedAnswer(body(UPSTREAM, 100 * number)))
      await present(stored, viewOf(number % 2 === 0 ? GZIP : {}, { publicOrigin: `https://host${number % 7}.example` }))
      expect(derived.usage().bytes).toBeLessThanOrEqual(20_000)
    }
    expect(derived.usage().entries).toBeGreaterThan(5)
  })
})
