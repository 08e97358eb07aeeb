import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headerValue } from '../../../src/http/headers.ts'
import { type Asked, questionFor, START } from './harness.ts'
import {
  FIELDS,
  fingerprintOf,
  gatewayWithPage,
  HOUR,
  MINUTE,
  NAMES,
  numbers,
  pageOf,
  said,
} from './rate-limit-pages.ts'

describe('the page of rate limits', () => {
  test('comes from the ledger once the upstream has shown it, with the newest numbers', async () => {
    const { get, asked, hear } = gatewayWithPage()
    const first = await get()
    expect(first).toMatchObject({ isLocal: false, text: pageOf(4999) })
    expect(await get()).toMatchObject({ isLocal: true, text: pageOf(4999) })
    hear(4321)
    hear(17, 'search')
    const again = await get()
    expect(again).toMatchObject({
      status: 200,
      text: pageOf(4321, 17),
      live: [],
      stored: undefined,
      age: undefined,
      outcome: { name: 'hit', detail: 'ledger' },
    })
    expect(asked).toHaveLength(1)
  })

  test('is there at once', () => {
    const { answerer, upstream } = gatewayWithPage()
    upstream(said(pageOf(1)))
    const question = questionFor({ path: '/rate_limit', authorization: 'token one' })
    return Promise.resolve(answerer(question)).then(() => {
      expect(answerer(question)).not.toBeInstanceOf(Promise)
    })
  })

  test('has the fields of the upstream’s answer to this caller, without those of one moment', async () => {
    const { get, upstream } = gatewayWithPage()
    const passing = {
      date: 'Wed, 15 Apr 2026 12:00:00 GMT',
      expires: 'Wed, 15 Apr 2026 12:00:00 GMT',
      etag: '"a"',
      'last-modified': 'Wed, 15 Apr 2026 12:00:00 GMT',
      'content-length': '17',
      'content-digest': 'sha-256=:x:',
      'x-ratelimit-remaining': '4999',
      'x-ratelimit-resource': 'core',
      'x-github-request-id': 'A:B',
      'x-request-id': 'theirs',
      'set-cookie': 'session=secret',
      age: '3',
    }
    upstream(said(pageOf(4999), { fields: passing }))
    const first = await get()
    for (const name of Object.keys(passing)) expect(headerValue(first.headers, name), name).toBeDefined()
    expect((await get()).headers).toEqual(Object.entries(FIELDS).flat())
  })

  test('has only the members that the upstream wrote', async () => {
    const { get, upstream } = gatewayWithPage()
    const { used: _, ...older } = numbers(4999)
    upstream(said(JSON.stringify({ resources: { search: older, core: older } })))
    await get()
    expect(await get()).toMatchObject({
      isLocal: true,
      text: JSON.stringify({ resources: { search: older, core: older } }),
    })
  })

  test('answers HEAD too, without a body, and learns nothing from it', async () => {
    const { get, upstream, asked } = gatewayWithPage()
    upstream(said(null))
    expect(await get({ method: 'HEAD' })).toMatchObject({ isLocal: false, body: null })
    expect(await get({ method: 'HEAD' })).toMatchObject({ isLocal: false })
    upstream(said(pageOf(4999)))
    await get()
    const head = await get({ method: 'HEAD' })
    expect(head).toMatchObject({ isLocal: true, status: 200, body: null })
    expect(head.headers).toEqual((await get()).headers)
    expect(asked).toHaveLength(3)
    // The upstream was asked by HEAD because the client wanted its own word: what is known of the page stays.
    upstream(said(null))
    await get({ method: 'HEAD', fields: { 'cache-control': 'no-cache' } })
    expect((await get()).isLocal).toBe(true)
  })

  test('for a minute after each of its numbers was stated', async () => {
    const { get, clock, hear, asked } = gatewayWithPage()
    await get()
    clock.advance(MINUTE)
    expect((await get()).isLocal).toBe(true)
    hear(4000)
    clock.advance(1)
    // The budget of searches was not heard of.
    expect(await get()).toMatchObject({ isLocal: false, text: pageOf(4999) })
    clock.advance(30_000)
    hear(4000)
    hear(5, 'search')
    clock.advance(30_001)
    expect(await get()).toMatchObject({ isLocal: true, text: pageOf(4000, 5) })
    expect(asked).toHaveLength(2)
  })

  test('never longer than five minutes without asking for this very caller', async () => {
    const { get, clock, hear } = gatewayWithPage()
    await get()
    for (let minutes = 0; minutes < 5; minutes++) {
      clock.advance(MINUTE)
      hear(4000)
      hear(5, 'search')
      expect((await get()).isLocal, `after ${minutes + 1} minutes`).toBe(true)
    }
    clock.advance(1)
    hear(4000)
    hear(5, 'search')
    expect((await get()).isLocal).toBe(false)
    expect((await get()).isLocal).toBe(true)
  })

  test('not when a window is over', async () => {
    const { get, clock, upstream } = gatewayWithPage()
    upstream(said(pageOf(1, 1, START / 1000 + 30)))
    await get()
    clock.advance(29_999)
    expect((await get()).isLocal).toBe(true)
    clock.advance(1)
    expect((await get()).isLocal).toBe(false)
  })

  test.each<[string, Asked]>([
    ['no-cache', { fields: { 'cache-control': 'no-cache' } }],
    ['no-store', { fields: { 'cache-control': 'no-store' } }],
    ['max-age=0', { fields: { 'cache-control': 'max-age=0' } }],
    ['what the cache takes no part in', { bypass: 'precondition' }],
    ['a query', { query: 'a=b' }],
    ['another path', { path: '/rate_limit/' }],
    ['another method', { method: 'POST' }],
    ['OPTIONS', { method: 'OPTIONS' }],
  ])('is the upstream’s own for %s', async (_, one) => {
    const { get, upstream } = gatewayWithPage()
    await get()
    upstream(said(pageOf(7)))
    const { key } = questionFor({ path: '/rate_limit', authorization: 'token one' })
    expect(await get({ ...one, key })).toMatchObject({ isLocal: false, text: pageOf(7) })
  })

  test('is as new as the client wants it', async () => {
    const { get, clock } = gatewayWithPage()
    await get()
    clock.advance(10_000)
    expect((await get({ fields: { 'cache-control': 'max-age=10' } })).isLocal).toBe(true)
    expect((await get({ fields: { 'cache-control': 'max-age=9' } })).isLocal).toBe(false)
    expect((await get({ fields: { 'cache-control': 'max-age=9' } })).isLocal).toBe(true)
    clock.advance(MINUTE + 1)
    expect((await get({ fields: { 'cache-control': 'max-age=3600' } })).isLocal).toBe(false)
  })

  test('may be had where asking is forbidden', async () => {
    const { get, asked } = gatewayWithPage()
    await get()
    expect((await get({ fields: { 'cache-control': 'only-if-cached' } })).isLocal).toBe(true)
    expect(asked).toHaveLength(1)
  })
})

test('whatever happens, a page is repeated only from what is new enough, and says just that', async () => {
  const who = fc.constantFrom('token one', 'token two', 'token three')
  const step = fc.oneof(
    fc.record({ kind: fc.constant('wait' as const), milliseconds: fc.constantFrom(1, 10_000, 30_000, MINUTE) }),
    fc.record({
      kind: fc.constant('hear' as const),
      who,
      resource: fc.constantFrom(...NAMES),
      remaining: fc.nat(5000),
    }),
    fc.record({
      kind: fc.constant('get' as const),
      who,
      core: fc.nat(5000),
      search: fc.nat(5000),
      isOff: fc.boolean(),
    }),
  )
  // The first two belong to one account.
  const accountOf = (authorization: string) => (authorization === 'token three' ? 'b' : 'a')
  const accounts = new Map(
    ['one', 'two', 'three'].map((one) => [fingerprintOf(`token ${one}`), accountOf(`token ${one}`)]),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { get, clock, ledger, upstream } = gatewayWithPage({
        accountOf: ({ credential }) => accounts.get(credential.fingerprint)!,
      })
      const numbersAt = new Map<string, { remaining: number; at: number }>()
      const shownAt = new Map<string, number>()
      for (const one of steps) {
        const now = clock.now()
        if (one.kind === 'wait') clock.advance(one.milliseconds)
        else if (one.kind === 'hear') {
          const account = accountOf(one.who)
          ledger.observe(account, { resource: one.resource, ...numbers(one.remaining) })
          numbersAt.set(`${account} ${one.resource}`, { remaining: one.remaining, at: now })
        } else {
          const account = accountOf(one.who)
          const known = NAMES.map((name) => numbersAt.get(`${account} ${name}`))
          const isNew = known.every((each) => each !== undefined && now - each.at <= MINUTE)
          const shown = shownAt.get(one.who)
          const isLocal = isNew && shown !== undefined && now - shown <= 5 * MINUTE && now / 1000 < HOUR
          upstream(one.isOff ? said('{}', { status: 404 }) : said(pageOf(one.core, one.search)))
          const answer = await get({}, one.who)
          expect(answer.isLocal).toBe(isLocal)
          if (isLocal) {
            expect(answer.text).toBe(pageOf(known[0]!.remaining, known[1]!.remaining))
          } else if (one.isOff) shownAt.delete(one.who)
          else {
            shownAt.set(one.who, now)
            numbersAt.set(`${account} core`, { remaining: one.core, at: now })
            numbersAt.set(`${account} search`, { remaining: one.search, at: now })
          }
        }
      }
    }),
  )
})
