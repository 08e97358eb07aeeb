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
  const offered = pair.sandbox.log.last.headers['if-none-match']
  await pair.ask(PAGE, { token })
  expect(pair.sandbox.log.last).toMatchObject({ status: 200 })
  expect(pair.sandbox.log.last.headers['if-none-match']).toBe(offered)
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

test('X-Poll-Interval passes, also with a confirmed and a reused answer, and is kept to in the default mode too', async () => {
  for (const settings of [{}, { WEIR_FRESHNESS: '10s' }] as Record<string, string>[]) {
    pair = await startPair({ settings, switches: { linkOn304: true } })
    for (const [expected, then] of [
      ['filled', 59_000],
      ['hit', 1000],
      ['revalidated', 59_000],
      ['hit', 0],
    ] as const) {
      const { headers } = await pair.ask('/events', { token })
      expect(headers['x-poll-interval']).toBe('60')
      expect(pair.gateway.events.at(-1)?.outcome).toBe(expected)
      expect(headers['age']).toBe(expected === 'hit' ? '59' : undefined)
      if (expected === 'hit') expect(headers['cache-status']).toBe('weir; hit')
      pair.clock.advance(then)
    }
    asked()
    await pair.ask('/events', { token: TOKENS.hubot })
    await pair.ask('/events', { token, headers: { 'cache-control': 'no-cache' } })
    expect(asked()).toBe(2)
    // Without a credential it is what the answer says of its lifetime that counts.
    await pair.ask('/events')
    pair.sandbox.switches.cacheControl = 'public, max-age=1'
    pair.clock.advance(60_000)
    await pair.ask('/events')
    pair.clock.advance(1000)
    await pair.ask('/events')
    expect(asked()).toBe(3)
    await pair.ask('/user/starred/octocat/hello-world', { token, method: 'PUT' })
    asked()
    await pair.ask('/events', { token })
    expect(asked()).toBe(1)
    if ('WEIR_FRESHNESS' in settings) return
    await pair.close()
  }
})

test('X-Poll-Interval does not stand against an operator who wants everything to be asked about', async () => {
  pair = await startPair({ settings: { WEIR_FRESHNESS: 'revalidate' } })
  for (let round = 0; round < 2; round++) {
    await pair.ask('/events', { token })
    expect(asked()).toBe(1)
  }
})

test.each([201, 203, 204, 299, 301, 404, 410, 500])(
  'a %i that says how long anybody may reuse it is reused for so long',
  async (status) => {
    pair = await startPair()
    const { ask, sandbox, clock, gateway } = pair
    const body = status === 204 ? '' : JSON.stringify({ message: 'as it is', url: `${sandbox.urls.api}/user` })
    const headers = ['Content-Type', 'application/json', 'Cache-Control', 'public, max-age=60', 'ETag', '"one"']
    if (status === 301) headers.push('Location', `${sandbox.urls.api}/repositories/501`)
    const fault = { kind: 'answer', status, headers, body } as const
    sandbox.switches.faults = [{ fault, times: 2 }]
    const first = await ask('/user', { token })
    expect(first).toMatchObject({ status, text: body.replace(sandbox.urls.api, gateway.api) })
    clock.advance(59_000)
    asked()
    const hit = await ask('/user', { token })
    expect(asked()).toBe(0)
    expect(hit).toMatchObject({ status, text: first.text, complete: true })
    expect(hit.headers['age']).toBe('59')
    expect(hit.headers['location']).toBe(first.headers['location'])
    if (status === 301) expect(hit.headers['location']).toBe(`${gateway.api}/repositories/501`)
    // Nothing about it may be told by this field: whoever has no access sees such answers too.
    expect(hit.headers['cache-status']).toBe('weir; fwd=miss')
    const head = await ask('/user', { token, method: 'HEAD' })
    expect(head).toMatchObject({ status, text: '' })
    expect(head.headers['content-length']).toBe(hit.headers['content-length'])
    // It is an answer to whoever was sent it, and a client's condition is about representations.
    const tag = { 'if-none-match': String(hit.headers['etag']) }
    expect((await ask('/user', { token, headers: tag })).status).toBe(status)
    expect(asked()).toBe(0)
    await ask('/user', { token: TOKENS.hubot })
    expect(asked()).toBe(1)
    clock.advance(1000)
    expect((await ask('/user', { token })).json().login).toBe('octocat')
    expect(sandbox.log.last.headers['if-none-match'] ?? '').not.toContain('"one"')
    expect(asked()).toBe(1)
  },
)

test('an error that is reused is rewritten as the error that it is, wherever it stands', async () => {
  pair = await startPair()
  const { ask, sandbox, gateway } = pair
  // What is here in a 200 is an address that somebody typed.
  const path = '/repos/octocat/hello-world/hooks/1/config'
  const body = JSON.stringify({ message: 'Gone', url: `${sandbox.urls.api}/user` })
  const headers = ['Content-Type', 'application/json', 'Cache-Control', 'public, max-age=60']
  sandbox.switches.faults = [{ fault: { kind: 'answer', status: 410, headers, body } }]
  for (let round = 0; round < 2; round++) {
    expect((await ask(path, { token })).json().url).toBe(`${gateway.api}/user`)
  }
  expect(asked()).toBe(1)
})

test('a private 404 is asked about every time, as GitHub’s are', async () => {
  pair = await startPair({ settings: { WEIR_FRESHNESS: '1h' } })
  const fault = { kind: 'answer', status: 404, headers: ['Cache-Control', 'private, max-age=60'], body: '{}' } as const
  pair.sandbox.switches.faults = [{ fault }]
  expect((await pair.ask('/user', { token })).status).toBe(404)
  expect((await pair.ask('/user', { token })).status).toBe(200)
})
