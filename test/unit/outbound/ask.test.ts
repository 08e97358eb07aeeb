import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import { ask, HeldBody, isLimitRefusal } from '../../../src/middleware/outbound/ask.ts'
import type { UpstreamRequest, UpstreamResponse } from '../../../src/ports.ts'
import { BAD, BodyOnce, PRIMARY, SECONDARY } from './budgets.ts'
import { type Asked, bytesOf, chain, HandClock, questionFor, response, textOf } from './harness.ts'

const ONE = { authorization: 'token one' }
const NOTHING = '{"message":"Resource not accessible by integration"}'

function asking(says: UpstreamResponse | (() => UpstreamResponse), asked: Asked = ONE) {
  const clock = new HandClock()
  const sent: UpstreamRequest[] = []
  const attempt = ask(async (request) => {
    sent.push(request)
    clock.advance(7)
    return typeof says === 'function' ? says() : says
  }, clock)
  const question = questionFor(asked)
  return { clock, sent, question, answer: () => attempt(question, () => question.headers) }
}

async function classified(says: UpstreamResponse, asked?: Asked) {
  const { answer, question } = asking(says, asked)
  const { refusal, body } = await answer()
  return { refusal, cost: question.use.cost, text: await textOf(body) }
}

/** A body that breaks off after these. */
function broken(...chunks: string[]): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      for (const chunk of chunks) yield new TextEncoder().encode(chunk)
      throw new Failure('upstream-truncated')
    },
  }
}

describe('a limit is known by', () => {
  const secondary = (retryAfter?: number) => ({ kind: 'secondary', retryAfter })
  const primary = (retryAfter?: number) => ({ kind: 'primary', retryAfter })

  test.each<[string, Record<string, string>, string, object]>([
    ['gh-limited-by', { 'gh-limited-by': 'concurrency' }, NOTHING, secondary()],
    ['Retry-After in seconds', { 'retry-after': '7' }, NOTHING, secondary(7000)],
    ['Retry-After as a date', { 'retry-after': 'Wed, 15 Apr 2026 12:00:30 GMT' }, NOTHING, secondary(29_993)],
    [
      'Retry-After as a date by the clock of whoever sent it',
      { 'retry-after': 'Wed, 15 Apr 2026 13:00:30 GMT', date: 'Wed, 15 Apr 2026 13:00:00 GMT' },
      NOTHING,
      secondary(30_000),
    ],
    [
      'the address of the documentation',
      {},
      '{"message":"No","documentation_url":"https://docs.github.com/rest/overview#secondary-rate-limits"}',
      secondary(),
    ],
    [
      'the older address of it',
      {},
      '{"message":"No","documentation_url":"https://developer.github.com/enterprise/2.18/v3/#abuse-rate-limits"}',
      secondary(),
    ],
    ['its text', {}, SECONDARY, secondary()],
    ['its older text', {}, '{"message":"You have triggered an abuse detection mechanism."}', secondary()],
    ['the text of it', {}, PRIMARY, primary()],
    [
      'a secondary sign though nothing remains',
      { 'x-ratelimit-remaining': '0', 'retry-after': '1' },
      NOTHING,
      secondary(1000),
    ],
  ])('%s, with both statuses; its body passes, and it costs nothing', async (_what, fields, body, refusal) => {
    for (const status of [403, 429]) {
      const chunks = new BodyOnce([body.slice(0, 9), body.slice(9)])
      expect(await classified(response(status, fields, chunks)), String(status)).toEqual({
        refusal,
        cost: 0,
        text: body,
      })
      // Its connection is free although nobody has read the answer yet.
      expect(chunks.ended).toBe('read')
    }
  })

  test('nothing that remains, where it has no words of its own: those are about something else', async () => {
    const spent = { 'x-ratelimit-remaining': '0' }
    expect((await classified(response(429, spent, NOTHING))).refusal).toEqual(primary())
    expect((await classified(response(403, spent, ''))).refusal).toEqual(primary())
    expect(await classified(response(403, spent, '{"message":"Forbidden"}'))).toMatchObject({
      refusal: undefined,
      cost: 1,
    })
  })

  test('the status 429 alone, with a body or without', async () => {
    expect(await classified(response(429, {}, ''))).toEqual({ refusal: secondary(), cost: 0, text: '' })
    expect(await classified(response(429))).toEqual({ refusal: secondary(), cost: 0, text: '' })
    expect((await classified(response(429, {}, 'no JSON'))).refusal).toEqual(secondary())
  })

  test('its fields where it answers a HEAD, which has no body', async () => {
    const head = { ...ONE, method: 'HEAD' }
    expect((await classified(response(403, { 'x-ratelimit-remaining': '0' }), head)).refusal).toEqual(primary())
    expect((await classified(response(403, { 'retry-after': '9' }), head)).refusal).toEqual(secondary(9000))
    expect(await classified(response(403), head)).toEqual({ refusal: undefined, cost: 1, text: '' })
  })
})

describe('other refusals', () => {
  test.each<[number, string, object | undefined]>([
    [401, BAD, { kind: 'bad-credentials', documentationUrl: undefined }],
    [401, '{"message":"Must authenticate to access this API."}', { kind: 'private-mode' }],
    [401, '{"message":"Requires authentication"}', undefined],
    [
      403,
      '{"message":"Maximum number of login attempts exceeded."}',
      { kind: 'login-locked', documentationUrl: undefined },
    ],
    [403, NOTHING, undefined],
    [403, 'rate limits are explained elsewhere', undefined],
    [404, SECONDARY, undefined],
    [200, SECONDARY, undefined],
    [503, SECONDARY, undefined],
  ])('%i with %s', async (status, body, refusal) => {
    expect(await classified(response(status, {}, body))).toEqual({ refusal, cost: 1, text: body })
  })

  test('are not looked for where there are none: the body of anything else is not touched', async () => {
    for (const status of [200, 201, 304, 400, 404, 422, 500, 503]) {
      const body = new BodyOnce([SECONDARY])
      const says = response(status, {}, body)
      expect(await asking(says).answer()).toBe(says)
      expect(body.ended).toBe('no')
    }
  })
})

describe('a body', () => {
  const LONG = `${SECONDARY.slice(0, -1)},"padding":"${'x'.repeat(20_000)}"}`

  test('that is longer than refusals are is not understood, and passes whole', async () => {
    const chunks = [LONG.slice(0, 10_000), LONG.slice(10_000, 17_000), LONG.slice(17_000)]
    expect(await classified(response(403, {}, new BodyOnce(chunks)))).toEqual({
      refusal: undefined,
      cost: 1,
      text: LONG,
    })
    const fields = { 'x-ratelimit-remaining': '0' }
    const { refusal, text } = await classified(response(403, fields, new BodyOnce(chunks)))
    expect([refusal?.kind, text]).toEqual(['primary', LONG])
  })

  test('of just so many bytes is understood', async () => {
    const padded = (length: number) => `${SECONDARY}${' '.repeat(length - SECONDARY.length)}`
    expect((await classified(response(403, {}, padded(16 * 1024)))).refusal?.kind).toBe('secondary')
    expect((await classified(response(403, {}, padded(16 * 1024 + 1)))).refusal).toBeUndefined()
  })

  test('that is longer holds its connection until it is read, and lets go of it when it is given up', async () => {
    const chunks = new BodyOnce([LONG.slice(0, 17_000), LONG.slice(17_000)])
    const { body } = await asking(response(403, {}, chunks)).answer()
    expect(body).not.toBeInstanceOf(HeldBody)
    expect(chunks.ended).toBe('no')
    await body![Symbol.asyncIterator]().return?.()
    expect(chunks.ended).toBe('given up')
  })

  test('that is still coded is not understood, and passes as it is', async () => {
    const coded = gzipSync(SECONDARY)
    const { answer } = asking(response(403, { 'content-encoding': 'gzip, br' }, new BodyOnce([coded])))
    const { refusal, body } = await answer()
    expect(refusal).toBeUndefined()
    expect(Buffer.from(await bytesOf(body))).toEqual(coded)
  })

  test('that breaks off is a failure, whatever its fields say', async () => {
    for (const fields of [{}, { 'retry-after': '1' }] as Record<string, string>[]) {
      const { answer, question } = asking(response(403, fields, broken('{"mess')))
      await expect(answer()).rejects.toMatchObject({ tag: 'upstream-truncated', status: 502 })
      expect(question.use).toMatchObject({ requests: 1, milliseconds: 7 })
    }
  })

  test('that breaks off behind what is looked at passes on until it does', async () => {
    const { body } = await asking(response(403, {}, broken('x'.repeat(17_000)))).answer()
    await expect(textOf(body)).rejects.toMatchObject({ tag: 'upstream-truncated' })
  })

  test('is as it came in whatever pieces it came, and whatever is in it', async () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 6000 }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(pieces, fc.constantFrom(401, 403, 429), async (chunks, status) => {
        const { answer } = asking(response(status, {}, new BodyOnce(chunks)))
        const { body } = await answer()
        expect(Buffer.from(await bytesOf(body)).equals(Buffer.concat(chunks))).toBe(true)
      }),
      { numRuns: 50 },
    )
  })
})

describe('what asking amounts to', () => {
  test('is counted with what reading a refusal takes', async () => {
    const { answer, question, sent } = asking(response(403, {}, NOTHING))
    await answer()
    expect(question.use).toEqual({ requests: 1, cost: 1, milliseconds: 7 })
    expect(sent[0]).toMatchObject({ method: 'GET', target: '/api/v3/user', headers: question.headers })
  })

  test.each<[string, Asked, number, number]>([
    ['a 304 to somebody', ONE, 304, 0],
    ['a 304 to nobody', {}, 304, 1],
    ['the page of the limits', { ...ONE, path: '/rate_limit' }, 200, 0],
    ['a preflight', { method: 'OPTIONS' }, 204, 0],
    ['what is missing', ONE, 404, 1],
    ['an API without limits', { ...ONE, isCharged: false }, 200, 0],
  ])('costs, for %s', async (_what, asked, status, cost) => {
    expect((await classified(response(status), asked)).cost).toBe(cost)
  })

  test('costs nothing for nobody’s 304 where the gateway’s own application asked', async () => {
    const { question, clock } = asking(response(304), {})
    const attempt = ask(async () => response(304), clock)
    await attempt(question, async () => ['authorization', 'Basic x'])
    expect(question.use.cost).toBe(0)
  })

  test('is not counted where nothing could be composed', async () => {
    const { question, sent, clock } = asking(response(200))
    const attempt = ask(async () => response(200), clock)
    const failure = new Failure('login-locked')
    await expect(
      attempt(question, () => {
        throw failure
      }),
    ).rejects.toBe(failure)
    expect(question.use).toEqual({ requests: 0, cost: 0, milliseconds: 0 })
    expect(sent).toEqual([])
  })
})

test('only refusals for a limit are about limits', () => {
  const of = (refusal: object) => isLimitRefusal({ ...response(403), refusal } as Parameters<typeof isLimitRefusal>[0])
  expect(of({ kind: 'primary', retryAfter: undefined })).toBe(true)
  expect(of({ kind: 'secondary', retryAfter: 1 })).toBe(true)
  for (const kind of ['private-mode', 'bad-credentials', 'login-locked']) expect(of({ kind })).toBe(false)
  expect(isLimitRefusal(response(403))).toBe(false)
})

test('through the whole chain a limit’s body reaches the client as it came, and ends nothing that is kept', async () => {
  const { get, upstream, store } = chain()
  upstream(response(200, { etag: '"a"' }, 'kept'), response(403, { 'retry-after': '1' }, SECONDARY))
  await get(ONE)
  expect(await get(ONE)).toMatchObject({
    status: 403,
    text: SECONDARY,
    outcome: { name: 'refused', forwardStatus: 403 },
    limited: { kind: 'secondary', retryAfter: 1000 },
  })
  expect(await store.validation(questionFor(ONE).key)).toBeDefined()
})
