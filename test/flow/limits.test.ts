import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { APPLICATION, TOKENS } from '../../sandbox/index.ts'
import { eventually } from '../support/concurrency.ts'
import { rawRequest } from '../support/gateway.ts'
import { startTimed, type Timed } from '../support/timed.ts'

/** What a client sees where a limit leaves nothing to ask with, against a server that counts. */

let timed: Timed
afterEach(() => timed.close())

const token = TOKENS.octocat
const REPOSITORY = '/repos/octocat/hello-world'
const HOUR = { core: 3600, search: 60, code_search: 60, graphql: 3600 }

/** The upstream tells the gateway that so many units are left. */
async function leave(units: number, account = 'user:octocat', limit = 100): Promise<void> {
  timed.sandbox.limits.set(account, 'core', { used: limit - units - 1 })
  await timed.ask('/user', { token: account === 'user:hubot' ? TOKENS.hubot : token })
}

const fieldsOf = (headers: NodeJS.Dict<string | string[]>) => [
  headers['x-ratelimit-limit'],
  headers['x-ratelimit-remaining'],
  headers['retry-after'],
]

describe('where the budget is used up', () => {
  test('the own copy is used, and says so; without one the upstream’s refusal is made here', async () => {
    timed = await startTimed({ rateLimits: { core: 100, windows: HOUR } }, { WEIR_MAX_WAIT: '0s' })
    const { ask, sandbox, time } = timed
    await ask(REPOSITORY, { token })
    await leave(0)
    const asked = sandbox.log.count
    time.step()
    const copy = await ask(REPOSITORY, { token })
    expect(copy).toMatchObject({ status: 200 })
    expect(copy.headers['cache-status']).toMatch(/^weir; fwd=stale; detail=limited$/)
    expect(copy.headers['age']).toBeDefined()
    expect(copy.headers['x-ratelimit-remaining']).toBe('0')

    const refused = await ask(`${REPOSITORY}/issues`, { token })
    expect(refused.status).toBe(403)
    expect(refused.json()).toEqual({
      message: 'API rate limit exceeded',
      documentation_url: 'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api',
    })
    expect(fieldsOf(refused.headers)).toEqual(['100', '0', undefined])
    expect(Number(refused.headers['x-ratelimit-reset'])).toBe(sandbox.limits.quota('user:octocat', 'core')?.reset)
    // Whoever wants what is true now is not given what was.
    const insisting = await ask(REPOSITORY, { token, headers: { 'cache-control': 'no-cache' } })
    expect(insisting.status).toBe(403)
    expect(sandbox.log.count).toBe(asked)
    // Nobody else is concerned.
    expect((await ask(REPOSITORY, { token: TOKENS.hubot })).status).toBe(200)
  })

  test('asking for the limits is free, and answered', async () => {
    timed = await startTimed({ rateLimits: { core: 100, windows: HOUR } }, { WEIR_MAX_WAIT: '0s' })
    const { ask, sandbox } = timed
    await leave(0)
    const page = await ask('/rate_limit', { token })
    expect(page.json().resources.core).toMatchObject({ limit: 100, remaining: 0 })
    const asked = sandbox.log.count
    const again = await ask('/rate_limit', { token })
    expect(again.text).toBe(page.text)
    expect(again.headers['cache-status']).toBe('weir; hit; detail=ledger')
    expect(sandbox.log.count).toBe(asked)
  })

  test('a short wait is waited, and the question goes out when the next window is open', async () => {
    timed = await startTimed({ rateLimits: { core: 100, windows: HOUR } }, { WEIR_STALE_ON_LIMIT: '0s' })
    const { ask, sandbox, time, budgets } = timed
    await leave(0)
    const reset = sandbox.limits.quota('user:octocat', 'core')!.reset
    void time.sleep(reset * 1000 - time.now() - 3000)
    while (time.now() < reset * 1000 - 3000) time.step()
    const waiting = ask(REPOSITORY, { token })
    await eventually(async () => (await budgets()).waiting === 1)
    while ((await budgets()).waiting === 1) time.step()
    expect((await waiting).status).toBe(200)
    expect(time.now()).toBeGreaterThanOrEqual(reset * 1000)
    // One question may have found out that nothing had changed.
    expect(sandbox.log.filter({ status: 403 }).length).toBeLessThanOrEqual(1)
  })

  test('background work stops at the reserve, and others go on', async () => {
    timed = await startTimed({ rateLimits: { core: 100, windows: HOUR } }, { WEIR_MAX_WAIT: '0s', WEIR_RESERVE: '20%' })
    const { ask } = timed
    await leave(20)
    const background = { 'x-weir-priority': 'background' }
    expect((await ask('/users/hubot', { token, headers: background })).status).toBe(403)
    expect((await ask('/users/hubot', { token })).status).toBe(200)
  })
})

describe('where the upstream wants to be asked less', () => {
  test.each([
    ['seconds', { status: 403, retryAfter: 60, retryAfterAsDate: false, wording: 'abuse' }],
    ['a date', { status: 429, retryAfter: 60, retryAfterAsDate: true, wording: 'secondary' }],
    ['nothing but words', { status: 403, retryAfter: null, retryAfterAsDate: false, wording: 'secondary' }],
  ] as const)('nothing is sent until then: told by %s', async (_name, secondaryShape) => {
    timed = await startTimed({ secondaryShape }, { WEIR_MAX_WAIT: '0s' })
    const { ask, sandbox, time } = timed
    await ask(REPOSITORY, { token })
    sandbox.limits.pause('user:octocat', 60)
    const first = await ask('/user', { token })
    expect(first.status).toBe(secondaryShape.status)
    const asked = sandbox.log.count
    const second = await ask('/user', { token })
    expect(second.status).toBe(403)
    expect(second.json().message).toContain('secondary rate limit')
    expect(second.json().documentation_url).toMatch(/#secondary-rate-limits$/)
    expect(Number(second.headers['retry-after'])).toBeGreaterThanOrEqual(60)
    expect((await ask(REPOSITORY, { token })).headers['cache-status']).toBe('weir; fwd=stale; detail=limited')
    expect(sandbox.log.count).toBe(asked)
    expect((await ask('/user', { token: TOKENS.hubot })).status).toBe(200)
    // The pause, and at most a tenth of it more.
    void time.sleep(66_000)
    time.step()
    expect((await ask('/user', { token })).status).toBe(200)
  })

  test('what waited goes on one after the other, and then more at a time', async () => {
    timed = await startTimed({ rateLimits: { core: 1000, windows: HOUR } }, { WEIR_MAX_WAIT: '2m' })
    const { ask, sandbox, time, budgets } = timed
    await ask('/user', { token })
    sandbox.limits.pause('user:octocat', 60)
    const all = Array.from({ length: 20 }, (_, page) => ask(`/users/hubot?page=${page}`, { token }))
    await eventually(async () => (await budgets()).waiting === 20)
    const refused = sandbox.log.filter({ status: 403 }).length
    while ((await budgets()).waiting > 0) time.step()
    for (const { status } of await Promise.all(all)) expect(status).toBe(200)
    expect(sandbox.log.filter({ status: 403 })).toHaveLength(refused)
  })
})

describe('whose budget it is', () => {
  test('tokens that the operator says are one account’s share it before anybody asks who they are', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-'))
    try {
      const hash = (text: string) => createHash('sha256').update(text).digest('base64')
      const file = join(folder, 'accounts.json')
      writeFileSync(file, JSON.stringify({ octocat: [hash(TOKENS.octocat), hash(TOKENS.octocatOauth)] }))
      timed = await startTimed(
        { rateLimits: { core: 100, windows: HOUR } },
        { WEIR_ACCOUNTS_FILE: file, WEIR_MAX_WAIT: '0s', WEIR_STALE_ON_LIMIT: '0s' },
      )
      const { ask, sandbox } = timed
      await ask(REPOSITORY, { token: TOKENS.octocatOauth })
      sandbox.limits.set('user:octocat', 'core', { used: 99 })
      await ask('/users/hubot', { token })
      const asked = sandbox.log.count
      expect((await ask('/users/octocat', { token: TOKENS.octocatOauth })).status).toBe(403)
      expect(sandbox.log.count).toBe(asked)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('the operator’s application raises the limit of the anonymous, unseen, until the upstream refuses it', async () => {
    timed = await startTimed(
      { rateLimits: { core: 5000, windows: HOUR } },
      { WEIR_ANONYMOUS_CLIENT_ID: APPLICATION.clientId, WEIR_ANONYMOUS_CLIENT_SECRET: APPLICATION.clientSecret },
    )
    const { ask, sandbox, time, budgets } = timed
    const answer = await ask(REPOSITORY)
    expect(answer.headers['x-ratelimit-limit']).toBe('5000')
    expect(sandbox.log.last).toMatchObject({ account: `application:${APPLICATION.clientId}` })
    expect(JSON.stringify([answer.rawHeaders, answer.text, timed.gateway.events])).not.toContain(APPLICATION.clientId)
    expect((await budgets()).accounts.map(({ account }) => account)).toEqual([`application:${APPLICATION.clientId}`])
    await ask('/user', { token })
    expect(sandbox.log.last.account).toBe('user:octocat')

    sandbox.switches.privateMode = true
    const refused = await ask('/users/octocat')
    expect(refused.status).toBe(401)
    expect(refused.json().message).toBe('Must authenticate to access this API.')
    expect(sandbox.log.last).toMatchObject({ account: expect.stringMatching(/^address:/), credential: null })
    sandbox.switches.privateMode = false
    expect((await ask('/users/hubot')).headers['x-ratelimit-limit']).toBe('60')
    void time.sleep(600_000)
    while ((await ask(`/users/hubot?at=${time.now()}`)).headers['x-ratelimit-limit'] === '60') time.step()
    expect(sandbox.log.last.account).toBe(`application:${APPLICATION.clientId}`)
  })

  test('a stranger who writes somebody’s name changes nothing for them', async () => {
    timed = await startTimed({ rateLimits: { core: 100, windows: HOUR } }, { WEIR_MAX_WAIT: '0s' })
    const { ask, budgets, sandbox } = timed
    await leave(50)
    const before = (await budgets()).accounts.find(({ account }) => account === 'user:octocat')
    const basic = (password: string) => `Basic ${Buffer.from(`octocat:${password}`).toString('base64')}`
    const answers = []
    for (let guess = 0; guess < 8; guess++)
      answers.push(await ask('/user', { headers: { authorization: basic(`${guess}`) } }))
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 403, 403, 403, 403, 403])
    expect(answers.at(-1)?.json().message).toContain('Maximum number of login attempts exceeded')
    expect(sandbox.log.filter({ status: 401 })).toHaveLength(3)
    const after = (await budgets()).accounts.find(({ account }) => account === 'user:octocat')
    expect(after).toEqual(before)
    expect((await ask(REPOSITORY, { token })).status).toBe(200)
  })
})

test('what the operator sees of it names clients and no credential', async () => {
  timed = await startTimed({ rateLimits: { core: 100, windows: HOUR } }, { WEIR_ADMIN_TOKEN: 'operator-operator' })
  const { ask, gateway } = timed
  await ask(REPOSITORY, { token, headers: { 'x-weir-client': 'dashboard' } })
  const page = await rawRequest(gateway.origin, '/_weir/budgets', {
    headers: { authorization: 'Bearer operator-operator' },
  })
  expect(page.status).toBe(200)
  const text = page.body.toString()
  expect(text).not.toContain(token)
  const core = JSON.parse(text).accounts.at(0).budgets.at(0)
  expect(core).toMatchObject({ resource: 'core', state: 'known', limit: 100, remaining: 99 })
  expect(core.clients).toEqual([{ client: 'address:127.0.0.1', name: 'dashboard', used: 1 }])
})
