import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sandbox } from '../../sandbox/index.ts'
import { startSandbox, TOKENS } from '../../sandbox/index.ts'
import { ask, basic, handClock, token } from './ask.ts'

let clock: ReturnType<typeof handClock>
let sandbox: Sandbox
let api: string
beforeEach(async () => {
  clock = handClock()
  sandbox = await startSandbox({ clock })
  api = sandbox.urls.api
})
afterEach(() => sandbox.close())

async function remaining(path: string, headers: Record<string, string>): Promise<[number, string | undefined]> {
  const reply = await ask(api + path, { headers })
  return [reply.status, reply.header('x-ratelimit-remaining')]
}

describe('quotas', () => {
  it('are off at first: no headers, and /rate_limit answers 404, yet cost is counted', async () => {
    const reply = await ask(`${api}/user`, { headers: token(TOKENS.octocat) })
    expect(reply.rawHeaders.filter((text) => /^x-ratelimit/i.test(text))).toEqual([])
    const limit = await ask(`${api}/rate_limit`, { headers: token(TOKENS.octocat) })
    expect([limit.status, limit.json()['message']]).toEqual([404, 'Rate limiting is not enabled.'])
    expect(sandbox.log.totalCost()).toBe(1)
  })

  it('are shared by all tokens of a user and by nobody else', async () => {
    sandbox.switches.rateLimits = { core: 10 }
    expect(await remaining('/user', token(TOKENS.octocat))).toEqual([200, '9'])
    expect(await remaining('/user', basic('octocat', TOKENS.octocatOauth))).toEqual([200, '8'])
    expect(await remaining('/user', token(TOKENS.hubot))).toEqual([200, '9'])
    expect(await remaining('/users/octocat', {})).toEqual([200, '59'])
    expect(await remaining('/search/issues?q=x', token(TOKENS.octocat))).toEqual([200, '29'])
    expect(await remaining('/rate_limit', token(TOKENS.octocat))).toEqual([200, '8'])
  })

  it('are told in full, or as older servers do', async () => {
    sandbox.switches.rateLimits = {}
    const headers = token(TOKENS.octocat)
    const full = await ask(`${api}/search/users?q=octo`, { headers })
    const reset = String(clock() / 1000 + 60)
    expect(full.header('x-ratelimit-reset')).toBe(reset)
    expect([full.header('x-ratelimit-used'), full.header('x-ratelimit-resource')]).toEqual(['1', 'search'])
    sandbox.switches.rateLimitHeaders = 'old'
    const old = await ask(`${api}/user`, { headers })
    expect([old.header('x-ratelimit-limit'), old.header('x-ratelimit-used')]).toEqual(['5000', undefined])
  })

  it('refuse at zero, charge nothing for it, and open again at the reset', async () => {
    sandbox.switches.rateLimits = { core: 2 }
    const headers = token(TOKENS.octocat)
    await ask(`${api}/user`, { headers })
    await ask(`${api}/user`, { headers })
    const refused = await ask(`${api}/user`, { headers })
    expect(refused.status).toBe(403)
    expect(refused.json()['message']).toBe('API rate limit exceeded for user ID 1.')
    expect([refused.header('x-ratelimit-remaining'), refused.header('retry-after')]).toEqual(['0', undefined])
    expect(sandbox.log.last.cost).toBe(0)
    clock.advance(3_599_000)
    expect((await ask(`${api}/user`, { headers })).status).toBe(403)
    clock.advance(1000)
    expect(await remaining('/user', headers)).toEqual([200, '1'])
  })

  it('refuse the anonymous in other words, and with 429 if told', async () => {
    sandbox.switches.rateLimits = {}
    sandbox.switches.primaryStatus = 429
    sandbox.limits.exhaust('address:127.0.0.1')
    const refused = await ask(`${api}/users/octocat`)
    expect([refused.status, refused.json()['message']]).toEqual([
      429,
      "API rate limit exceeded for 127.0.0.1. (But here's the good news: Authenticated requests get a higher rate limit. Check out the documentation for more details.)",
    ])
  })

  it('charge 304s to the anonymous only', async () => {
    sandbox.switches.rateLimits = {}
    for (const [headers, before, after] of [
      [token(TOKENS.octocat), '4999', '4999'],
      [{}, '59', '58'],
    ] as const) {
      const first = await ask(`${api}/users/hubot`, { headers })
      expect(first.header('x-ratelimit-remaining')).toBe(before)
      const again = { ...headers, 'if-none-match': first.header('etag') ?? '' }
      expect(await remaining('/users/hubot', again)).toEqual([304, after])
    }
  })
})

describe('secondary limits', () => {
  it('pause an account, in the documented words, for so long', async () => {
    sandbox.limits.pause('user:octocat', 30)
    const headers = token(TOKENS.octocat)
    const refused = await ask(`${api}/user`, { headers })
    expect([refused.status, refused.header('retry-after')]).toEqual([403, '60'])
    expect(refused.json()['documentation_url']).toMatch(/#abuse-rate-limits$/)
    expect((await ask(`${api}/user`, { headers: token(TOKENS.hubot) })).status).toBe(200)
    clock.advance(30_000)
    expect((await ask(`${api}/user`, { headers })).status).toBe(200)
  })

  it('take the newer shape, a date, or no time at all', async () => {
    sandbox.limits.pause('user:octocat', 30)
    const headers = token(TOKENS.octocat)
    sandbox.switches.secondaryShape = { status: 429, retryAfter: 5, retryAfterAsDate: true, wording: 'secondary' }
    const dated = await ask(`${api}/user`, { headers })
    expect([dated.status, dated.header('retry-after')]).toEqual([429, new Date(clock() + 5000).toUTCString()])
    expect(dated.json()['message']).toMatch(/secondary rate limit/)
    sandbox.switches.secondaryShape = { status: 403, retryAfter: null, retryAfterAsDate: false, wording: 'secondary' }
    expect((await ask(`${api}/user`, { headers })).header('retry-after')).toBeUndefined()
  })

  it('count writes and points a minute', async () => {
    sandbox.switches.secondaryLimits = { writesPerMinute: 1, pointsPerMinute: 100 }
    const headers = token(TOKENS.octocat)
    const star = () => ask(`${api}/user/starred/octocat/hello-world`, { method: 'PUT', headers })
    expect((await star()).status).toBe(204)
    expect((await star()).status).toBe(403)
    expect((await ask(`${api}/user`, { headers })).status).toBe(200)
    clock.advance(60_000)
    expect((await star()).status).toBe(204)
    sandbox.switches.secondaryLimits = { pointsPerMinute: 6 }
    expect((await ask(`${api}/user`, { headers })).status).toBe(200)
    expect((await ask(`${api}/user`, { headers })).status).toBe(403)
  })

  it('count requests in flight', async () => {
    sandbox.switches.secondaryLimits = { concurrent: 1 }
    let release = () => {}
    const until = new Promise<void>((resolve) => {
      release = resolve
    })
    sandbox.switches.faults = [{ fault: { kind: 'wait', when: 'before-sending', until } }]
    const headers = token(TOKENS.octocat)
    const first = ask(`${api}/user`, { headers })
    await sandbox.log.waitFor({ status: 200 })
    expect((await ask(`${api}/user`, { headers })).status).toBe(403)
    expect((await ask(`${api}/user`, { headers: token(TOKENS.hubot) })).status).toBe(200)
    release()
    expect((await first).status).toBe(200)
    expect((await ask(`${api}/user`, { headers })).status).toBe(200)
  })
})
