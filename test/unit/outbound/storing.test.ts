import { describe, expect, test } from 'vitest'
import { headerValue } from '../../../src/http/headers.ts'
import type { UpstreamResponse } from '../../../src/ports.ts'
import { chain, FakeBody, JSON_TYPE, PRIVATE, PUBLIC, questionFor, response } from './harness.ts'

const TOKEN = 'token one'
const BASE = { 'content-type': JSON_TYPE, 'cache-control': PRIVATE, etag: 'W/"a"' }
const NEVER: UpstreamResponse = response(200, BASE, '{"second":true}')

/** Whether an answer was kept: whether the next question could have been answered with it. */
async function isKept(answer: UpstreamResponse, asked: Parameters<typeof questionFor>[0] = {}): Promise<boolean> {
  const { get, upstream, sent, store, clock } = chain()
  upstream(answer, NEVER)
  const question = { authorization: TOKEN, ...asked }
  await get(question)
  const kept = (await store.validation(questionFor(question).key)) !== undefined
  // After a refusal the upstream is left alone for a while.
  clock.advance(60_000)
  await get({ ...question, method: 'GET', fields: {} })
  // What the store holds must show on the wire as well.
  expect(sent[1]?.noneMatch === 'W/"a"' || sent[1]?.modifiedSince !== undefined).toBe(kept)
  return kept
}

describe('what is stored', () => {
  test('a complete 200 to GET with a validator', async () => {
    expect(await isKept(response(200, BASE, '{}'))).toBe(true)
    expect(await isKept(response(200, { 'last-modified': 'Wed, 15 Apr 2026 11:00:00 GMT' }, 'x'))).toBe(true)
    expect(await isKept(response(200, BASE, null))).toBe(true)
    // Opaque bytes with their field; and a field that means nothing on a 200 (RFC 9110 §14.4).
    expect(await isKept(response(200, { ...BASE, 'content-encoding': 'zstd' }, '{}'))).toBe(true)
    expect(await isKept(response(200, { ...BASE, 'content-range': 'bytes 0-1/5' }, '{}'))).toBe(true)
  })

  test.each<[string, UpstreamResponse]>([
    ['no-store', response(200, { ...BASE, 'cache-control': 'no-store' }, '{}')],
    ['No-Store', response(200, { ...BASE, 'cache-control': 'private, No-Store' }, '{}')],
    ['quoted', response(200, { ...BASE, 'cache-control': 'private, no-store=""' }, '{}')],
    ['second line', response(200, { ...BASE, 'cache-control': ['private', 'NO-STORE'] }, '{}')],
    ['Vary: *', response(200, { ...BASE, vary: '*' }, '{}')],
    ['Vary: * in a second line', response(200, { ...BASE, vary: ['Accept', 'Origin, *'] }, '{}')],
    ['no validator, no lifetime', response(200, { 'content-type': JSON_TYPE }, '{}')],
    ['announced too large', response(200, { ...BASE, 'content-length': '10001' }, '{}')],
    ['nothing says where it ends', { ...response(200, BASE, '{'), endsWithConnection: true }],
    ['too large', response(200, BASE, 'x'.repeat(10_001))],
    ['too large in pieces', response(200, BASE, new FakeBody(Array(11).fill('x'.repeat(1000))))],
    ...[
      201, 202, 203, 204, 206, 226, 300, 301, 302, 307, 308, 400, 401, 403, 404, 410, 422, 429, 451, 500, 502, 503,
    ].map((status): [string, UpstreamResponse] => [
      String(status),
      response(status, BASE, status === 204 ? null : '{}'),
    ]),
  ])('not: %s', async (_name, answer) => {
    expect(await isKept(answer)).toBe(false)
  })

  test('in a coding that could not be undone, for the caller alone: nobody knows what is in it', async () => {
    for (const [more, known, nextPage] of [
      [{ 'content-encoding': 'zstd' }, 0, 'possible'],
      [{}, 1, 'none'],
    ] as const) {
      const { get, upstream, store, known: representations } = chain()
      upstream(response(200, { ...BASE, ...more }, '[{}]'))
      await get({ authorization: TOKEN })
      const question = questionFor({ authorization: TOKEN })
      expect(representations.of(question.resource())).toHaveLength(known)
      expect((await store.validation(question.key))?.nextPage).toBe(nextPage)
    }
  })

  test('a body that just fits', async () => {
    expect(await isKept(response(200, BASE, 'x'.repeat(10_000)))).toBe(true)
  })

  test('not what the client forbids to store, nor an answer to HEAD, nor one past the cache', async () => {
    expect(await isKept(response(200, BASE, '{}'), { fields: { 'cache-control': 'No-Store' } })).toBe(false)
    expect(await isKept(response(200, BASE, null), { method: 'HEAD' })).toBe(false)
    const { get, upstream, sent, store } = chain()
    upstream(response(200, BASE, '{}'))
    const answer = await get({ authorization: TOKEN, bypass: 'range' })
    expect(answer.outcome).toEqual({ name: 'bypassed', forward: 'bypass', detail: 'range' })
    expect(await store.validation(questionFor({ authorization: TOKEN }).key)).toBeUndefined()
    expect(sent).toHaveLength(1)
  })

  test('an answer that breaks off is an error and leaves nothing', async () => {
    const { get, upstream, store } = chain()
    const broken: AsyncIterable<Uint8Array> = {
      async *[Symbol.asyncIterator]() {
        yield new TextEncoder().encode('{"half":')
        throw new Error('broke off')
      },
    }
    upstream(response(200, BASE, broken))
    await expect(get({ authorization: TOKEN })).rejects.toThrow('broke off')
    expect(await store.validation(questionFor({ authorization: TOKEN }).key)).toBeUndefined()
  })

  test('without what belongs to one exchange or one client', async () => {
    const { get, upstream, store } = chain()
    const ofOneExchange = {
      'x-ratelimit-remaining': '1',
      'x-ratelimit-resource': 'core',
      'x-github-request-id': 'A:B',
      'x-request-id': 'abc',
      'retry-after': '1',
      'set-cookie': 'a=b',
      'content-length': '2',
      age: '3',
    }
    upstream(response(200, { ...BASE, ...ofOneExchange, link: '<x>; rel="next"' }, '{}'))
    const answer = await get({ authorization: TOKEN })
    const stored = await store.validation(questionFor({ authorization: TOKEN }).key)
    for (const name of Object.keys(ofOneExchange)) {
      expect(headerValue(stored!.headers, name), name).toBeUndefined()
      expect(headerValue(answer.headers, name), name).toBeUndefined()
    }
    expect(headerValue(stored!.headers, 'link')).toBe('<x>; rel="next"')
    for (const name of ['x-ratelimit-remaining', 'x-github-request-id', 'age']) {
      expect(headerValue(answer.live, name), name).toBe(ofOneExchange[name as 'age'])
    }
    expect(headerValue(answer.live, 'set-cookie')).toBeUndefined()
  })

  test('in memory of its own, not as a window on a larger buffer', async () => {
    const large = Buffer.alloc(100_000, 'x')
    const windows: Uint8Array[] = [large.subarray(10, 20), new Uint8Array(large.buffer, large.byteOffset + 10, 10)]
    for (const window of windows) {
      const { get, upstream, store } = chain()
      upstream(response(200, BASE, new FakeBody([window])))
      await get({ authorization: TOKEN })
      const validation = await store.validation(questionFor({ authorization: TOKEN }).key)
      const body = await store.body(validation!.bodyKey)
      expect(body!.bytes.buffer.byteLength).toBe(10)
      window.fill(0x30)
      expect(Buffer.from(body!.bytes).toString()).toBe('x'.repeat(10))
      window.fill(0x78)
    }
  })

  test('what is too large is passed on whole, and given up when nobody wants the rest', async () => {
    const chunks = Array.from({ length: 30 }, (_, index) => String.fromCharCode(97 + (index % 26)).repeat(1000))
    const { get, upstream } = chain()
    upstream(response(200, BASE, new FakeBody(chunks)))
    const answer = await get({ authorization: TOKEN })
    expect(answer.text).toBe(chunks.join(''))
    expect(answer.outcome).toMatchObject({ name: 'fetched', detail: 'too-large' })

    const body = new FakeBody(chunks)
    const other = chain()
    other.upstream(response(200, BASE, body))
    const unread = await other.question(questionFor({ authorization: TOKEN }))
    await (unread.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().return?.()
    expect(body.ended).toBe('given up')
  })

  test('a replaced copy that may not be kept in its new form goes', async () => {
    const replacements = [
      response(200, { ...BASE, etag: '"b"', 'cache-control': 'no-store' }, 'new'),
      response(200, { ...BASE, etag: '"b"' }, 'x'.repeat(20_000)),
      response(202, BASE, '{}'),
    ]
    for (const replacement of replacements) {
      const { get, upstream, store } = chain({ policy: { mode: 'duration', milliseconds: 60_000 } })
      upstream(response(200, BASE, 'old'), replacement)
      await get({ authorization: TOKEN })
      await get({ authorization: TOKEN, fields: { 'cache-control': 'no-cache' } })
      expect(await store.validation(questionFor({ authorization: TOKEN }).key)).toBeUndefined()
    }
  })
})

describe('collecting', () => {
  test('millions of tiny chunks do not cost a hundred times their bytes', async () => {
    const pieces = Array.from({ length: 20_000 }, (_, index) => new Uint8Array([index % 251]))
    const { get, upstream } = chain({ maxEntryBytes: 20_000 })
    upstream(response(200, { ...BASE, 'cache-control': PUBLIC }, new FakeBody(pieces)))
    const answer = await get({ authorization: TOKEN })
    expect(answer.stored?.body.bytes).toEqual(Uint8Array.from(pieces, (piece) => piece[0]!))

    const larger = chain({ maxEntryBytes: 19_999 })
    larger.upstream(response(200, BASE, new FakeBody(pieces)))
    const passing = await larger.question(questionFor({ authorization: TOKEN }))
    const seen: number[] = []
    let chunks = 0
    for await (const chunk of passing.body as AsyncIterable<Uint8Array>) {
      chunks++
      seen.push(...chunk)
    }
    expect(seen).toEqual(pieces.map((piece) => piece[0]))
    expect(chunks).toBeLessThan(400)
  })
})
