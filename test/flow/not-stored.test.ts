import { afterEach, expect, test } from 'vitest'
import { ONE_TIME_CODE, PASSWORDS, TOKENS } from '../../sandbox/index.ts'
import { type Ask, type Pair, startPair } from '../support/pair.ts'

/** Answers that pass with their status and body and are not kept: all but complete 200s and what says how long it lasts. */

let pair: Pair
afterEach(() => pair.close())

const token = TOKENS.octocat
const basic = (login: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`,
})

/** Asks twice; nothing of the first answer may show in the second question. */
async function twice(...asking: Parameters<Ask>) {
  const first = await pair.ask(...asking)
  const tags = pair.sandbox.log.last.headers['if-none-match']
  pair.sandbox.log.clear()
  const second = await pair.ask(...asking)
  expect(pair.sandbox.log.count).toBe(1)
  // The first may have offered what was kept until then; the second only what may be offered to anybody.
  expect([tags, undefined]).toContain(pair.sandbox.log.last.headers['if-none-match'])
  expect(pair.sandbox.log.last.headers['if-modified-since']).toBeUndefined()
  expect(second.headers['cache-status']).toBe('weir; fwd=miss')
  return [first, second] as const
}

test('a renamed repository is redirected to the gateway, body included, and never kept', async () => {
  pair = await startPair()
  const { gateway, ask } = pair
  for (const answer of await twice('/repos/octocat/old-name/issues?state=all', { token })) {
    const url = `${gateway.api}/repositories/504/issues?state=all`
    expect(answer.status).toBe(301)
    expect(answer.headers['location']).toBe(url)
    expect(answer.json().url).toBe(url)
  }
  const followed = await ask('/repositories/504/issues?state=all', { token })
  expect(followed.json()).toHaveLength(1)
})

test('statistics that are still computed are 202, and then there', async () => {
  pair = await startPair()
  const path = '/repos/octocat/hello-world/stats/contributors'
  const first = await pair.ask(path, { token })
  expect(first).toMatchObject({ status: 202, text: '{}' })
  const second = await pair.ask(path, { token })
  expect(second.status).toBe(200)
  expect(second.json()[0].author.url).toBe(`${pair.gateway.api}/users/octocat`)
})

test('an archive is a redirect to where archives live, not followed, not rewritten, not kept', async () => {
  pair = await startPair()
  for (const answer of await twice('/repos/octocat/hello-world/tarball/main', { token })) {
    expect(answer).toMatchObject({ status: 302, text: '' })
    expect(answer.headers['location']).toMatch(new RegExp(`^${pair.sandbox.codeloadOrigin}/octocat/hello-world/`))
  }
  expect(pair.sandbox.log.filter({ listener: 'codeload' })).toEqual([])
})

test.each([202, 206])('a %i is not kept, whatever it says about being kept', async (status) => {
  pair = await startPair({ settings: { WEIR_FRESHNESS: '1h' } })
  const { ask, sandbox } = pair
  const headers = ['Content-Type', 'application/json', 'Cache-Control', 'public, max-age=3600', 'ETag', '"one"']
  sandbox.switches.faults = [{ fault: { kind: 'answer', status, headers, body: '{"message":"not yet"}' } }]
  expect((await ask('/user', { token })).status).toBe(status)
  expect((await ask('/user', { token })).json().login).toBe('octocat')
  expect(sandbox.log.count).toBe(2)
  expect(sandbox.log.last.headers['if-none-match'] ?? '').not.toContain('"one"')
})

test('401, 403, 404 and 422 pass as they are and are asked again each time', async () => {
  pair = await startPair()
  const { direct } = pair
  const cases: [status: number, ...Parameters<Ask>][] = [
    [401, '/user'],
    [403, '/repos/octocat/hello-world/hooks', { token: TOKENS.stranger }],
    [404, '/repos/octocat/nothing', { token }],
    [404, '/repos/octo-org/secret', { token: TOKENS.stranger }],
    [422, '/repos/octocat/hello-world/issues?state=sideways', { token }],
    [422, '/repos/octocat/hello-world/commits/ffffffffffffffffffffffffffffffffffffffff', { token }],
  ]
  for (const [status, ...asking] of cases) {
    const own = await direct(...asking)
    for (const answer of await twice(...asking)) {
      expect(answer, asking[0]).toMatchObject({ status, text: own.text })
      expect(answer.headers['content-type']).toBe(own.headers['content-type'])
      expect(answer.headers['x-github-media-type']).toBe(own.headers['x-github-media-type'])
    }
  }
})

test('two factors: the demand passes, and the code is part of who asks', async () => {
  pair = await startPair()
  const first = basic('monalisa', PASSWORDS.monalisa)
  const refused = await pair.ask('/user', { headers: first })
  expect(refused.status).toBe(401)
  expect(refused.headers['x-github-otp']).toBe('required; app')
  const accepted = await pair.ask('/user', { headers: { ...first, 'x-github-otp': ONE_TIME_CODE } })
  expect(accepted.json().login).toBe('monalisa')
  const again = await pair.ask('/user', { headers: first })
  expect(again.status).toBe(401)
  const wrong = await pair.ask('/user', { headers: { ...first, 'x-github-otp': '000000' } })
  expect(wrong.status).toBe(401)
})

test('a login that the upstream has locked is refused here until it may be over', async () => {
  pair = await startPair({ switches: { failedLogins: { limit: 2, windowSeconds: 300 } } })
  const { ask, sandbox, clock } = pair
  const wrong = (number: number) => basic('hubot', `not the password ${number}`)
  for (const status of [401, 401, 403]) {
    expect((await ask('/user', { headers: wrong(sandbox.log.count) })).status).toBe(status)
  }
  expect(sandbox.log.count).toBe(3)
  // While that lasts, nothing of this user's that has a password goes upstream; tokens do.
  const right = { headers: basic('hubot', PASSWORDS.hubot) }
  const refused = await ask('/user', right)
  expect(refused.status).toBe(403)
  expect(refused.json().message).toContain('Maximum number of login attempts exceeded')
  expect(sandbox.log.count).toBe(3)
  sandbox.forgetFailures()
  expect((await ask('/user', { token: TOKENS.hubot })).status).toBe(200)
  clock.advance(120_000)
  expect((await ask('/user', right)).status).toBe(200)
})

test('private mode: the anonymous get nothing, not even what they had', async () => {
  pair = await startPair()
  const path = '/repos/octocat/hello-world'
  expect((await pair.ask(path)).status).toBe(200)
  pair.clock.advance(60_000)
  pair.sandbox.switches.privateMode = true
  for (const answer of await twice(path)) {
    expect(answer.status).toBe(401)
    expect(pair.sandbox.log.last.headers['if-none-match']).toBeUndefined()
    expect(answer.json().message).toBe('Must authenticate to access this API.')
  }
  expect((await pair.ask(path, { token })).status).toBe(200)
})

test('maintenance is a 503 that ends by itself, and costs no copy', async () => {
  pair = await startPair({ settings: { WEIR_STALE_ON_ERROR: '0s' } })
  const { ask, sandbox } = pair
  const path = '/repos/octocat/hello-world'
  const before = await ask(path, { token })
  sandbox.switches.maintenance = true
  const down = await ask(path, { token })
  expect(down.status).toBe(503)
  expect(down.json().message).toContain('maintenance')
  sandbox.switches.maintenance = false
  const after = await ask(path, { token })
  expect(after.text).toBe(before.text)
  expect(sandbox.log.last).toMatchObject({ status: 304, cost: 0 })
})

test('limits of the upstream pass in its own words and cost no copy', async () => {
  pair = await startPair({ switches: { rateLimits: { core: 1 } }, settings: { WEIR_STALE_ON_LIMIT: '0s' } })
  const { ask, direct, sandbox } = pair
  const path = '/repos/octocat/hello-world'
  await direct('/user', { token })
  const refused = await ask(path, { token })
  expect(refused.status).toBe(403)
  expect(refused.json().message).toBe('API rate limit exceeded for user ID 1.')
  expect(refused.headers['x-ratelimit-remaining']).toBe('0')
  pair.clock.advance(3_601_000)
  await ask(path, { token })
  pair.clock.advance(3_600_000)
  expect((await ask(path, { token })).status).toBe(200)
  expect(sandbox.log.last).toMatchObject({ status: 304, cost: 0 })
})

test('Status always says what the status line says', async () => {
  pair = await startPair({ switches: { statusHeader: true } })
  const { ask } = pair
  const path = '/repos/octocat/hello-world'
  const filled = await ask(path, { token })
  const confirmed = await ask(path, { token })
  const unchanged = await ask(path, { token, headers: { 'if-none-match': String(filled.headers['etag']) } })
  const missing = await ask('/repos/octocat/nothing', { token })
  const moved = await ask('/repos/octocat/old-name', { token })
  expect(pair.sandbox.log.filter({ status: 304 })).toHaveLength(2)
  const told = [filled, confirmed, unchanged, missing, moved].map(({ status, headers }) => [status, headers['status']])
  expect(told).toEqual([
    [200, '200 OK'],
    [200, '200 OK'],
    [304, '304 Not Modified'],
    [404, '404 Not Found'],
    [301, '301 Moved Permanently'],
  ])
})

test('a wrong credential is refused here for a while with the very same answer, and only there', async () => {
  pair = await startPair()
  const { ask, sandbox, clock } = pair
  const first = await ask('/user', { token: 'ghp_wrong' })
  const again = await ask('/repos/octocat/hello-world', { token: 'ghp_wrong' })
  expect(sandbox.log.count).toBe(1)
  expect(again).toMatchObject({ status: 401, text: first.text })
  expect(again.headers['content-type']).toBe(first.headers['content-type'])
  expect(again.headers['x-github-media-type']).toBe(first.headers['x-github-media-type'])
  expect((await ask('/user', { token })).status).toBe(200)
  clock.advance(10_000)
  await ask('/user', { token: 'ghp_wrong' })
  expect(sandbox.log.count).toBe(3)
})
