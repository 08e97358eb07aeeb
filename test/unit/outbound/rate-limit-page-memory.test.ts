import { describe, expect, test } from 'vitest'
import { headerValue } from '../../../src/http/headers.ts'
import type { Answer } from '../../../src/middleware/outbound/exchange.ts'
import { bytesOf, questionFor } from './harness.ts'
import { FIELDS, gatewayWithPage, NAMES, numbers, pageOf, said } from './rate-limit-pages.ts'

const CONFIRMED = { name: 'revalidated', forward: 'stale', forwardStatus: 304, stored: true } as const

/** A body that is still arriving, and can be read once. */
async function* arriving(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield new TextEncoder().encode(chunk)
}

describe('whose page it is', () => {
  test('numbers are the account’s, shape and fields the caller’s own', async () => {
    const { get, upstream, asked } = gatewayWithPage({ accountOf: () => 'user:octocat' })
    upstream(said(pageOf(4999), { fields: { 'x-oauth-scopes': 'repo, admin:org' } }))
    await get()
    const { rate: _, ...short } = JSON.parse(pageOf(4000))
    upstream(said(JSON.stringify(short), { fields: { 'x-oauth-scopes': 'gist' } }))
    // Another token of the same account has not been answered by the upstream yet.
    expect((await get({}, 'token two')).isLocal).toBe(false)
    const one = await get()
    expect(one).toMatchObject({ isLocal: true, text: pageOf(4000) })
    expect(headerValue(one.headers, 'x-oauth-scopes')).toBe('repo, admin:org')
    const two = await get({}, 'token two')
    expect(two).toMatchObject({ isLocal: true, text: JSON.stringify(short) })
    expect(headerValue(two.headers, 'x-oauth-scopes')).toBe('gist')
    expect(asked).toHaveLength(2)
  })

  test('nothing crosses between accounts, the anonymous one included', async () => {
    const { get, upstream } = gatewayWithPage()
    await get()
    upstream(said(pageOf(9)))
    expect(await get({}, 'token two')).toMatchObject({ isLocal: false, text: pageOf(9) })
    upstream(said(pageOf(3)))
    expect(await get({}, null)).toMatchObject({ isLocal: false, text: pageOf(3) })
    expect(await get({}, null)).toMatchObject({ isLocal: true, text: pageOf(3) })
    expect(await get()).toMatchObject({ isLocal: true, text: pageOf(4999) })
    expect(await get({}, 'token two')).toMatchObject({ isLocal: true, text: pageOf(9) })
  })

  test('the account may be known only by its answer', async () => {
    let account = 'credential:x'
    const { get, upstreamSays, heard } = gatewayWithPage({ accountOf: () => account })
    upstreamSays(() => {
      account = 'user:octocat'
      return said(pageOf(4999))
    })
    await get()
    expect([...heard.keys()]).toEqual(['user:octocat core', 'user:octocat search'])
    expect((await get()).isLocal).toBe(true)
  })

  test('of two ways to ask, each has its own', async () => {
    const { get, upstream } = gatewayWithPage()
    await get({ key: 'one json' })
    upstream(said(pageOf(4999), { fields: { 'x-github-media-type': 'github.v4' } }))
    expect((await get({ key: 'one v4' })).isLocal).toBe(false)
    expect(headerValue((await get({ key: 'one json' })).headers, 'x-github-media-type')).toBe(
      FIELDS['x-github-media-type'],
    )
    expect(headerValue((await get({ key: 'one v4' })).headers, 'x-github-media-type')).toBe('github.v4')
  })

  test('of ten thousand callers the one who has not asked for longest is forgotten', async () => {
    const { get, upstreamSays } = gatewayWithPage({ accountOf: () => 'all' })
    // One that the upstream is asked for again counts as new.
    await get({ key: 'first' })
    await get({ key: 'second' })
    await get({ key: 'first', fields: { 'cache-control': 'no-cache' } })
    for (let caller = 2; caller < 10_000; caller++) await get({ key: `caller ${caller}` })
    upstreamSays(() => said('{}', { status: 404 }))
    expect((await get({ key: 'first' })).isLocal).toBe(true)
    expect((await get({ key: 'second' })).isLocal).toBe(true)
    upstreamSays(() => said(pageOf(1)))
    await get({ key: 'one more' })
    upstreamSays(() => said('{}', { status: 404 }))
    expect((await get({ key: 'first' })).isLocal).toBe(true)
    expect((await get({ key: 'second' })).isLocal).toBe(false)
    expect((await get({ key: 'one more' })).isLocal).toBe(true)
  })

  test.each([
    ['a key', { key: 'x'.repeat(2001) }, {}],
    ['fields', {}, { 'x-long': 'x'.repeat(4001) }],
  ])('%s that would fill the memory are not remembered', async (_, one, fields) => {
    const { get, upstream, heard } = gatewayWithPage()
    upstream(said(pageOf(4999), { fields: fields as Record<string, string> }))
    await get(one)
    expect(heard.size).toBe(2)
    expect((await get(one)).isLocal).toBe(false)
  })
})

describe('what the upstream’s answers teach', () => {
  test.each<[string, () => Answer]>([
    ['bytes', () => said(pageOf(42, 7))],
    ['a stream', () => said(arriving(pageOf(42, 7).slice(0, 20), pageOf(42, 7).slice(20)))],
    ['a copy that a 304 confirmed', () => said(pageOf(42, 7), { outcome: CONFIRMED })],
    ['another’s flight', () => said(pageOf(42, 7), { outcome: { ...CONFIRMED, collapsed: true } })],
  ])('by %s: the ledger, and what to answer', async (_, answer) => {
    const { get, upstream, heard } = gatewayWithPage()
    upstream(answer())
    expect(await get()).toMatchObject({ isLocal: false, text: pageOf(42, 7) })
    expect([...heard.values()].map(({ stated }) => stated)).toEqual(
      [42, 7].map((remaining, index) => ({ resource: NAMES[index], ...numbers(remaining) })),
    )
    expect(await get()).toMatchObject({ isLocal: true, text: pageOf(42, 7) })
  })

  test('goes on as it came', async () => {
    const { answerer, upstream } = gatewayWithPage()
    const answer = said(pageOf(42), { live: ['x-github-request-id', 'A:B'], age: 7 })
    upstream(answer)
    expect(await answerer(questionFor({ path: '/rate_limit' }))).toBe(answer)
    const missing = said('{}', { status: 404 })
    upstream(missing)
    const asksAgain = { path: '/rate_limit', fields: { 'cache-control': 'no-cache' } }
    expect(await answerer(questionFor(asksAgain))).toBe(missing)
  })

  test.each<[string, () => Answer]>([
    [
      'limits that are switched off',
      () => said('{"message":"Rate limiting is not enabled.","documentation_url":"x"}', { status: 404 }),
    ],
    ['a refusal', () => said('{"message":"Bad credentials"}', { status: 401 })],
    ['an error', () => said(pageOf(1), { status: 500 })],
    ['a confirmation of what the client holds', () => said(null, { status: 304 })],
    [
      'another status than the upstream’s',
      () => said(pageOf(1), { status: 203, outcome: { name: 'fetched', forwardStatus: 200 } }),
    ],
    ['another page', () => said('{"resources":{"core":{"limit":1}}}')],
    ['no JSON', () => said('<html>')],
    ['an empty answer', () => said(null)],
    ['a page that is too long', () => said(' '.repeat(64 * 1024) + pageOf(1))],
    ['a page that is too long, in pieces', () => said(arriving(' '.repeat(64 * 1024), pageOf(1)))],
    ['a stale copy', () => said(pageOf(1), { outcome: { name: 'stale', forward: 'stale', forwardStatus: 503 } })],
    ['a copy that was not asked about', () => said(pageOf(1), { outcome: { name: 'hit' } })],
    ['what must not be stored', () => said(pageOf(4999), { fields: { 'cache-control': 'private, no-store' } })],
  ])('is forgotten after %s, which passes as it is', async (_, answer) => {
    const { get, upstream, heard, asked } = gatewayWithPage()
    await get()
    const before = new Map(heard)
    upstream(answer, answer)
    const passed = await get({ fields: { 'cache-control': 'no-cache' } })
    const { status, headers, body } = answer()
    expect(passed).toMatchObject({ status, headers, isLocal: false })
    expect(passed.text).toBe(new TextDecoder().decode(await bytesOf(body)))
    // Nothing new was learnt, but the numbers of a page that is only not to be kept.
    expect([...heard.values()].map(({ stated }) => stated)).toEqual([...before.values()].map(({ stated }) => stated))
    await get()
    expect(asked).toHaveLength(3)
  })

  test('takes no more of a body than a page may have', async () => {
    const { answerer, upstream } = gatewayWithPage()
    let taken = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        taken += 1024
        yield new Uint8Array(1024)
      }
    }
    upstream(said(endless()))
    await answerer(questionFor({ path: '/rate_limit' }))
    expect(taken).toBe(65 * 1024)
  })

  test('is nothing where the client forbids to store it', async () => {
    const { get, upstream, heard, asked } = gatewayWithPage()
    upstream(said(pageOf(42)))
    await get({ fields: { 'cache-control': 'no-store' } })
    expect(heard.size).toBe(0)
    await get()
    expect(asked).toHaveLength(2)
  })

  test('a body that breaks off is an error, and what was known stays', async () => {
    const { get, upstream } = gatewayWithPage()
    await get()
    const broken: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('broken off')) }),
    }
    upstream(said(broken))
    await expect(get({ fields: { 'cache-control': 'no-cache' } })).rejects.toThrow('broken off')
    expect((await get()).isLocal).toBe(true)
  })
})
