import { afterEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { type Pair, startPair } from '../support/pair.ts'

/** `WEIR_FRESHNESS` in its three modes, and what anonymous and published answers may be reused for. */

let pair: Pair
afterEach(() => pair.close())

const PAGE = '/repos/octocat/hello-world'
const token = TOKENS.octocat

/** How often the upstream was asked since the last call. */
function asked(): number {
  const { count } = pair.sandbox.log
  pair.sandbox.log.clear()
  return count
}

test('upstream: a private answer is confirmed every time, although it has a max-age', async () => {
  pair = await startPair()
  for (let round = 0; round < 3; round++) {
    const { headers } = await pair.ask(PAGE, { token })
    expect(headers['cache-control']).toBe('private, max-age=60, s-maxage=60')
    expect(headers['age']).toBeUndefined()
    expect(asked()).toBe(1)
  }
})

test('upstream: an anonymous public answer is reused for its max-age, by the anonymous only', async () => {
  pair = await startPair()
  const first = await pair.ask(PAGE)
  expect(first.headers['cache-control']).toBe('public, max-age=60, s-maxage=60')
  expect(asked()).toBe(1)
  pair.clock.advance(59_000)
  const hit = await pair.ask(PAGE)
  expect(asked()).toBe(0)
  expect(hit.text).toBe(first.text)
  expect(hit.headers['age']).toBe('59')
  expect(hit.headers['cache-status']).toBe('weir; hit')
  const reader = await pair.ask(PAGE, { token })
  expect(asked()).toBe(1)
  expect(reader.json().permissions).toMatchObject({ admin: true })
  pair.clock.advance(1000)
  const stale = await pair.ask(PAGE)
  expect(asked()).toBe(1)
  expect(stale.headers['age']).toBeUndefined()
  expect(stale.headers['cache-status']).toBe('weir; fwd=stale; fwd-status=304; stored')
})

test('upstream: a client that asks for what is true now gets it', async () => {
  pair = await startPair()
  await pair.ask(PAGE)
  asked()
  for (const [name, value] of [
    ['cache-control', 'no-cache'],
    ['cache-control', 'max-age=0'],
    ['pragma', 'no-cache'],
  ] as const) {
    await pair.ask(PAGE, { headers: { [name]: value } })
    expect(asked(), `${name}: ${value}`).toBe(1)
  }
  const only = await pair.ask('/users/hubot', { headers: { 'cache-control': 'only-if-cached' } })
  expect(only.status).toBe(504)
  expect(asked()).toBe(0)
  await pair.ask(PAGE, { headers: { 'cache-control': 'only-if-cached' } })
  expect(asked()).toBe(0)
})

test('upstream: no-store is neither kept nor answered from what is kept', async () => {
  pair = await startPair({ switches: { cacheControl: 'no-store' } })
  const first = await pair.ask(PAGE, { token })
  expect(first.headers['cache-status']).toBe('weir; fwd=uri-miss; fwd-status=200; detail=no-store')
  await pair.ask(PAGE, { token })
  expect(pair.sandbox.log.last).toMatchObject({ status: 200 })
  expect(pair.sandbox.log.last.headers['if-none-match']).toBeUndefined()
})

test('revalidate: even public answers are confirmed every time', async () => {
  pair = await startPair({ settings: { WEIR_FRESHNESS: 'revalidate' } })
  for (let round = 0; round < 3; round++) {
    await pair.ask(PAGE)
    expect(asked()).toBe(1)
    await pair.ask(PAGE, { token })
    expect(asked()).toBe(1)
  }
})

test('a duration: the same credential reuses its private answer for so long, and nobody else', async () => {
  pair = await startPair({ settings: { WEIR_FRESHNESS: '5m' } })
  const first = await pair.ask(PAGE, { token })
  expect(asked()).toBe(1)
  pair.clock.advance(299_000)
  const hit = await pair.ask(PAGE, { token })
  expect(asked()).toBe(0)
  expect(hit).toMatchObject({ status: 200, text: first.text })
  expect(hit.headers).toMatchObject({ age: '299', 'cache-status': 'weir; hit' })
  const other = await pair.ask(PAGE, { token: TOKENS.hubot })
  expect(asked()).toBe(1)
  expect(other.json().permissions.admin).toBe(false)
  await pair.ask(PAGE, { token: TOKENS.octocatOauth })
  expect(asked()).toBe(1)
  pair.clock.advance(1000)
  await pair.ask(PAGE, { token })
  expect(asked()).toBe(1)
  // The confirmation begins the time anew.
  pair.clock.advance(299_000)
  await pair.ask(PAGE, { token })
  expect(asked()).toBe(0)
})

test('a duration: a hit states the limits that were last seen', async () => {
  pair = await startPair({ settings: { WEIR_FRESHNESS: '5m' }, switches: { rateLimits: { core: 100 } } })
  await pair.ask(PAGE, { token })
  await pair.ask('/user', { token })
  const hit = await pair.ask(PAGE, { token })
  expect(hit.headers['cache-status']).toBe('weir; hit')
  expect(hit.headers['x-ratelimit-remaining']).toBe('98')
})

test('a duration: a write ends it for the writer and for readers of that repository', async () => {
  pair = await startPair({ settings: { WEIR_FRESHNESS: '5m' } })
  const { ask } = pair
  const issues = `${PAGE}/issues`
  for (const reader of [token, TOKENS.hubot]) await ask(issues, { token: reader })
  await ask('/users/hubot', { token: TOKENS.hubot })
  asked()
  await ask('/repos/OCTOCAT/Hello-World/issues', { token, method: 'POST', payload: { title: 'New' } })
  asked()
  for (const reader of [token, TOKENS.hubot]) {
    expect((await ask(issues, { token: reader })).json()[0].title).toBe('New')
    expect(asked()).toBe(1)
  }
  await ask('/users/hubot', { token: TOKENS.hubot })
  expect(asked()).toBe(0)
})

test('a duration: anonymous answers keep their own max-age', async () => {
  pair = await startPair({ settings: { WEIR_FRESHNESS: '5m' } })
  await pair.ask(PAGE)
  pair.clock.advance(60_000)
  asked()
  await pair.ask(PAGE)
  expect(asked()).toBe(1)
})

test('X-Poll-Interval passes, also with a confirmed and a reused answer', async () => {
  pair = await startPair({ settings: { WEIR_FRESHNESS: '10s' } })
  for (const expected of ['filled', 'hit', 'revalidated']) {
    const { headers } = await pair.ask('/events', { token })
    expect(headers['x-poll-interval']).toBe('60')
    expect(pair.gateway.events.at(-1)?.outcome).toBe(expected)
    if (expected === 'hit') pair.clock.advance(10_000)
  }
})
