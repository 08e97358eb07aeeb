import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FreshnessPolicy } from '../../../src/http/freshness.ts'
import { headerValue, joinedHeader } from '../../../src/http/headers.ts'
import { mergeFields } from '../../../src/middleware/outbound/stored-fields.ts'
import type { UpstreamResponse } from '../../../src/ports.ts'
import { turns } from './flights.ts'
import { type Asked, type Chain, chain, held, JSON_TYPE, PRIVATE, questionFor, response } from './harness.ts'

const ONE = { authorization: 'token one' }
const KEY = questionFor(ONE).key
const OLD = response(
  200,
  {
    status: '200 OK',
    'content-type': JSON_TYPE,
    'cache-control': PRIVATE,
    etag: 'W/"a"',
    vary: ['Accept, Authorization', 'Accept-Encoding'],
    'x-oauth-scopes': 'repo',
  },
  'body',
)

describe('a 304', () => {
  test('updates the stored fields, save those that are about the 304 itself or the bytes', async () => {
    const { get, upstream } = chain()
    upstream(
      OLD,
      response(304, {
        status: '304 Not Modified',
        etag: '"a"',
        vary: 'Accept',
        'content-type': 'text/plain',
        'content-length': '0',
        'content-encoding': 'gzip',
        'content-range': 'bytes 0-0/1',
        'content-security-policy': 'none',
        'x-oauth-scopes': 'repo, user',
        'x-poll-interval': '120',
        'x-new': 'yes',
        'cache-control': 'private, max-age=1',
        'x-ratelimit-remaining': '17',
        'x-github-request-id': 'SECOND',
      }),
    )
    await get(ONE)
    for (const answer of [await get(ONE), await get({ ...ONE, fields: { 'cache-control': 'no-cache' } })]) {
      expect(answer).toMatchObject({ status: 200, text: 'body' })
      const { headers, live } = answer
      expect(headerValue(headers, 'status')).toBe('200 OK')
      expect(headerValue(headers, 'etag')).toBe('W/"a"')
      expect(joinedHeader(headers, 'vary')).toBe('Accept, Authorization, Accept-Encoding')
      expect(headerValue(headers, 'content-type')).toBe(JSON_TYPE)
      for (const name of ['content-length', 'content-encoding', 'content-range']) {
        expect(headerValue(headers, name), name).toBeUndefined()
      }
      expect(headerValue(headers, 'content-security-policy')).toBe('none')
      expect(joinedHeader(headers, 'x-oauth-scopes')).toBe('repo, user')
      expect(headerValue(headers, 'x-poll-interval')).toBe('120')
      expect(headerValue(headers, 'x-new')).toBe('yes')
      expect(headerValue(headers, 'cache-control')).toBe('private, max-age=1')
      expect(headerValue(headers, 'x-ratelimit-remaining')).toBeUndefined()
      expect(headerValue(live, 'x-ratelimit-remaining')).toBe('17')
      expect(headerValue(live, 'x-github-request-id')).toBe('SECOND')
    }
  })

  test('never changes what is kept over it, whatever it says', () => {
    const names = ['status', 'vary', 'etag', 'content-encoding', 'content-md5', 'content-x', 'date', 'link', 'x-a']
    const name = fc.constantFrom(...names, 'age')
    const fields = fc.array(fc.tuple(name, fc.constantFrom('1', '2', '3')), { maxLength: 8 }).map((all) => all.flat())
    const isKept = (each: string) => /^(status|vary|etag|content-encoding|content-md5)$/.test(each)
    fc.assert(
      fc.property(fields, fields, (stored, confirming) => {
        const merged = mergeFields(stored, confirming)
        for (const each of names) {
          const updates = isKept(each) ? undefined : joinedHeader(confirming, each)
          expect(joinedHeader(merged, each), each).toBe(updates ?? joinedHeader(stored, each))
        }
      }),
    )
  })

  test.each([
    ['text/plain', 'text/plain;charset=utf-8', 'text/plain;charset=utf-8'],
    ['application/json', 'Application/JSON ; charset=utf-8', 'Application/JSON ; charset=utf-8'],
    ['application/json; charset=utf-8', 'text/plain', 'application/json; charset=utf-8'],
    ['text/plain', undefined, 'text/plain'],
    [undefined, 'text/html', undefined],
  ])('to a body of type %s, with the type %s, makes it %s', (stored, confirming, expected) => {
    const fields = (type: string | undefined) => (type === undefined ? [] : ['content-type', type])
    expect(mergeFields(fields(stored), fields(confirming))).toEqual(fields(expected))
  })

  test.each(['W/"a"', '"a"', undefined])('with the tag %s confirms W/"a"', async (etag) => {
    const { get, upstream, sent } = chain()
    upstream(OLD, response(304, etag === undefined ? {} : { etag }))
    await get(ONE)
    expect((await get(ONE)).outcome.name).toBe('revalidated')
    expect(sent).toHaveLength(2)
  })

  test.each(['"b"', 'W/"aa"', '"A"', 'a', ''])('with the tag %s confirms nothing and is asked again', async (etag) => {
    const { get, upstream, sent } = chain()
    upstream(OLD, response(304, { etag }), response(200, { etag: '"b"' }, 'new'))
    await get(ONE)
    const answer = await get(ONE)
    expect(answer).toMatchObject({ status: 200, text: 'new', outcome: { name: 'replaced', detail: 'unknown-304' } })
    expect(sent).toHaveLength(3)
    expect(sent[2]).toMatchObject({ noneMatch: undefined, modifiedSince: undefined })
  })

  test('that forbids storing ends what is stored', async () => {
    const { get, upstream, store } = chain()
    upstream(OLD, response(304, { 'cache-control': 'No-Store' }))
    await get(ONE)
    const answer = await get(ONE)
    expect(answer).toMatchObject({ status: 200, text: 'body' })
    expect(answer.outcome.stored).toBeUndefined()
    expect(await store.validation(KEY)).toBeUndefined()
  })

  test('to an unconditional question is a 502', async () => {
    const { get, upstream, sent } = chain()
    upstream(response(304, { etag: '"a"' }))
    await expect(get(ONE)).rejects.toMatchObject({ tag: 'upstream-invalid', status: 502 })
    expect(sent).toHaveLength(1)

    const again = chain()
    again.upstream(OLD, response(304, { etag: '"b"' }))
    await again.get(ONE)
    await expect(again.get(ONE)).rejects.toMatchObject({ tag: 'upstream-invalid', status: 502 })
    expect(again.sent).toHaveLength(3)
  })
})

describe('a client’s own validators', () => {
  test('go where nothing is stored, and their 304 passes with the client’s own word for the tag', async () => {
    const { get, upstream, sent, store } = chain()
    upstream(response(304, { etag: '"b"', 'x-ratelimit-remaining': '5', link: '<x>; rel="next"' }))
    const answer = await get({ ...ONE, clientTags: ['"a"', 'W/"b"'] })
    expect(sent[0]?.noneMatch).toBe('"a", W/"b"')
    expect(answer).toMatchObject({ status: 304, text: '', outcome: { name: 'confirmed', forwardStatus: 304 } })
    expect(headerValue(answer.headers, 'etag')).toBe('W/"b"')
    expect(headerValue(answer.headers, 'x-ratelimit-remaining')).toBe('5')
    expect(headerValue(answer.headers, 'link')).toBe('<x>; rel="next"')
    expect(await store.validation(KEY)).toBeUndefined()
  })

  test('a 304 without a tag is understood where there is but one thing it can mean', async () => {
    const single = chain()
    single.upstream(response(304))
    expect((await single.get({ ...ONE, clientTags: ['"a"'] })).status).toBe(304)
    const several = chain()
    several.upstream(response(304), response(200, {}, 'new'))
    expect(await several.get({ ...ONE, clientTags: ['"a"', '"b"'] })).toMatchObject({ status: 200, text: 'new' })
    expect(several.sent[1]?.noneMatch).toBeUndefined()
    const date = chain()
    date.upstream(response(304, { etag: '"whatever"' }))
    const answer = await date.get({ ...ONE, clientModifiedSince: 'Wed, 15 Apr 2026 11:00:00 GMT' })
    expect(answer).toMatchObject({ status: 304, outcome: { name: 'confirmed' } })
    expect(date.sent[0]).toMatchObject({ noneMatch: undefined, modifiedSince: 'Wed, 15 Apr 2026 11:00:00 GMT' })
  })

  test('a 304 that names none of them is asked again', async () => {
    const { get, upstream, sent } = chain()
    upstream(response(304, { etag: '"z"' }), response(200, { etag: '"z"' }, 'new'))
    expect(await get({ ...ONE, clientTags: ['"a"'] })).toMatchObject({ status: 200, text: 'new' })
    expect(sent).toHaveLength(2)
  })
})

describe('answers that end a stored copy', () => {
  test.each([301, 302, 307, 400, 401, 403, 404, 410, 422, 451])('%i', async (status) => {
    const { get, upstream, sent, store } = chain()
    upstream(OLD, response(status, {}, '{"message":"no"}'), OLD)
    await get(ONE)
    const refused = await get(ONE)
    expect(refused).toMatchObject({ status, text: '{"message":"no"}', outcome: { name: 'refused', forward: 'miss' } })
    expect(await store.validation(KEY)).toBeUndefined()
    await get(ONE)
    expect(sent[2]?.noneMatch).toBeUndefined()
  })

  test.each([
    [429, {}],
    [403, { 'retry-after': '60' }],
    [403, { 'x-ratelimit-remaining': '0' }],
    [408, {}],
    [500, {}],
    [502, {}],
    [503, {}],
  ])('but not %i %j', async (status, fields) => {
    const { get, upstream, sent, clock } = chain()
    upstream(OLD, response(status, fields as Record<string, string>, 'limit'), response(304))
    await get(ONE)
    expect(await get(ONE)).toMatchObject({ status, text: 'limit' })
    // After a limit the upstream is left alone for a while.
    clock.advance(60_000)
    expect(await get(ONE)).toMatchObject({ status: 200, text: 'body', outcome: { name: 'revalidated' } })
    expect(sent[2]?.noneMatch).toBe('W/"a"')
  })
})

describe('HEAD', () => {
  const head = { ...ONE, method: 'HEAD' }

  test('is answered from a copy that a GET brought, once it is confirmed', async () => {
    const { get, upstream, sent } = chain()
    upstream(OLD, response(304, { etag: '"a"' }))
    await get(ONE)
    expect(await get(head)).toMatchObject({ status: 200, outcome: { name: 'revalidated' }, text: 'body' })
    expect(sent[1]).toMatchObject({ method: 'HEAD', noneMatch: 'W/"a"' })
  })

  test('passes without being stored, and ends a copy that it shows to have changed', async () => {
    const { get, upstream, store } = chain()
    upstream(response(200, { etag: '"b"', 'content-length': '10' }))
    expect(await get(head)).toMatchObject({ status: 200, outcome: { name: 'fetched' }, body: null })
    expect(await store.validation(KEY)).toBeUndefined()
    upstream(OLD, response(200, { etag: '"b"' }))
    await get(ONE)
    await get(head)
    expect(await store.validation(KEY)).toBeUndefined()
  })

  test('leaves a copy alone whose tag it names', async () => {
    const { get, upstream, store } = chain()
    upstream(OLD, response(200, { etag: '"a"' }))
    await get(ONE)
    await get(head)
    expect(await store.validation(KEY)).toBeDefined()
  })
})

describe('a question that has to wait for its turn', () => {
  const NO_CACHE = { ...ONE, fields: { 'cache-control': 'no-cache' } }
  const OTHER = { ...ONE, path: '/other' }

  /** One question is out, and others of the same account wait for it. */
  async function queue(chained: Chain, ...waiting: Asked[]) {
    const first = held<UpstreamResponse>()
    chained.upstream(() => first.promise)
    const before = chained.get({ ...ONE, path: '/first' })
    await turns()
    const answers = waiting.map((asked) => chained.get(asked))
    await turns()
    expect(chained.ledger.report()).toMatchObject({ inFlight: 1, waiting: waiting.length })
    const from = chained.sent.length
    return async (...says: Parameters<Chain['upstream']>) => {
      chained.upstream(...says)
      first.settle(response(200, {}, 'first'))
      await before
      const outcomes = (await Promise.all(answers)).map(({ outcome }) => outcome.name)
      return { outcomes, offered: chained.sent.slice(from).map(({ noneMatch }) => noneMatch) }
    }
  }
  const oneAtATime = (policy?: FreshnessPolicy) =>
    chain({ limits: { concurrency: 1 }, ...(policy === undefined ? {} : { policy }) })

  test('offers what the same credential was sent meanwhile', async () => {
    const letGo = await queue(oneAtATime(), ONE, OTHER, NO_CACHE)
    const { outcomes, offered } = await letGo(OLD, response(404), response(304, { etag: '"a"' }))
    expect(outcomes).toEqual(['filled', 'refused', 'revalidated'])
    expect(offered).toEqual([undefined, undefined, 'W/"a"'])
  })

  test('does not offer what was ended meanwhile', async () => {
    const chained = oneAtATime()
    chained.upstream(OLD)
    await chained.get(ONE)
    const letGo = await queue(chained, ONE, OTHER, NO_CACHE)
    const { offered } = await letGo(response(404), response(404), OLD)
    expect(offered).toEqual(['W/"a"', undefined, undefined])
  })

  test('is asked when it goes: what was written while it waited makes nothing old', async () => {
    const chained = oneAtATime({ mode: 'duration', milliseconds: 60_000 })
    const letGo = await queue(chained, ONE)
    chained.epochs.bump('everything')
    chained.clock.advance(10_000)
    await letGo(OLD)
    expect(await chained.get(ONE)).toMatchObject({ age: 0, outcome: { name: 'hit' } })
  })
})

test('a validation whose body is gone is a miss', async () => {
  const { get, upstream, sent, store } = chain()
  upstream(OLD)
  await get(ONE)
  const forgetful = chain({ store: { ...store, body: () => undefined } })
  forgetful.upstream(OLD)
  expect((await forgetful.get(ONE)).outcome).toMatchObject({ name: 'filled', forward: 'uri-miss' })
  expect(forgetful.sent[0]?.noneMatch).toBeUndefined()
  expect(sent).toHaveLength(1)
})

test('a store that answers later is as good', async () => {
  const { get, upstream, store } = chain()
  upstream(OLD)
  await get(ONE)
  const later = chain({
    store: {
      ...store,
      validation: async (key) => store.validation(key),
      body: async (key) => store.body(key),
      keep: async (...kept) => store.keep(...kept),
      drop: async (key) => store.drop(key),
    },
  })
  later.upstream(response(304, { 'cache-control': 'public, max-age=60' }))
  expect((await later.get(ONE)).outcome.name).toBe('revalidated')
  expect((await later.get(ONE)).outcome.name).toBe('hit')
})
