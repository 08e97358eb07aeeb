import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { APPLICATION, ASSETS, githubETag, PASSWORDS, TOKENS } from '../../sandbox/index.ts'
import { differences } from '../support/compare.ts'
import { type Answer, type Asking, type Pair, startPair } from '../support/pair.ts'

/**
 * What was paid for once is not paid for again by anyone: a caller who never asked is offered to the upstream, and by it
 * confirmed, the bodies that others were sent.
 */

let pair: Pair
beforeEach(async () => {
  pair = await startPair()
})
afterEach(() => pair.close())

const token = TOKENS.octocat
const REPOSITORY = '/repos/octocat/hello-world'
/** The same for everybody who may read it. */
const ISSUE = `${REPOSITORY}/issues/1`
const FREE = 'weir; fwd=uri-miss; fwd-status=304; stored'

const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

/** Asks through the gateway and directly; both must say the same. */
async function asked(path: string, asking: Asking): Promise<{ answer: Answer; cost: number }> {
  const { log } = pair.sandbox
  const before = log.totalCost()
  const answer = await pair.ask(path, asking)
  const cost = log.totalCost() - before
  expect(differences(pair, answer, await pair.direct(path, asking))).toEqual([])
  return { answer, cost }
}

async function expectFree(path: string, asking: Asking): Promise<Answer> {
  const { answer, cost } = await asked(path, asking)
  expect(cost).toBe(0)
  expect(answer.status).toBe(200)
  expect(answer.headers['cache-status']).toBe(FREE)
  return answer
}

describe('a caller who was never seen before', () => {
  const callers: readonly [string, string, () => void][] = [
    ['another token of the same user', `token ${TOKENS.octocatOauth}`, () => {}],
    ['the other scheme with the same token', `Bearer ${token}`, () => {}],
    ['another user', `token ${TOKENS.hubot}`, () => {}],
    ['an installation', `token ${TOKENS.installation}`, () => {}],
    ['a password', basic('hubot', PASSWORDS.hubot), () => {}],
    ['a token as password', basic('hubot', TOKENS.hubot), () => {}],
    [
      'a token after its rotation',
      'token ghs_rotated',
      () => {
        const { world } = pair.sandbox
        world.revokeToken(token)
        world.addToken('octocat', 'ghs_rotated', { scopes: ['repo'] })
      },
    ],
  ]
  test.each(callers)('%s', async (_, authorization, before) => {
    await pair.ask(ISSUE, { token })
    before()
    const answer = await expectFree(ISSUE, { headers: { authorization } })
    // And from now on it has a copy of its own.
    const { cost, answer: second } = await asked(ISSUE, { headers: { authorization } })
    expect(cost).toBe(0)
    expect(second.headers['cache-status']).toBe('weir; fwd=stale; fwd-status=304; stored')
    expect(second.headers['etag']).toBe(answer.headers['etag'])
  })

  test('by a credential in the query', async () => {
    await pair.ask(`${ISSUE}?access_token=${token}`)
    await expectFree(`${ISSUE}?access_token=${TOKENS.hubot}`, {})
  })

  test('what the anonymous were sent serves it, and the other way round nothing does', async () => {
    const { log } = pair.sandbox
    await pair.ask(ISSUE)
    await expectFree(ISSUE, { token })
    pair.clock.advance(61_000)
    log.clear()
    await pair.ask('/users/hubot', { token })
    await pair.ask('/users/hubot')
    expect(log.last).toMatchObject({ account: 'address:127.0.0.1', status: 200 })
    expect(log.last.headers['if-none-match']).toBeUndefined()
  })
})

test.each([
  undefined,
  '',
  '*/*',
  'application/json',
  'application/vnd.github+json',
  'application/vnd.github.v3+json',
  'application/vnd.github.v3+json, application/json;q=0.5',
])('another spelling of the same representation: Accept %j', async (accept) => {
  await pair.ask(ISSUE, { token, headers: { accept: 'application/vnd.github.v3+json; charset=utf-8' } })
  const headers = accept === undefined ? {} : { accept }
  await expectFree(ISSUE, { token: TOKENS.hubot, headers })
})

test('the media type that is named for one spelling is not said of another, where the 304 leaves it out', async () => {
  const accept = 'application/vnd.github.v3+json'
  const first = await pair.ask(ISSUE, { token, headers: { accept } })
  pair.sandbox.switches.faults = () => ({ kind: 'headers', set: { 'X-GitHub-Media-Type': null } })
  const named = async (headers: Record<string, string>) =>
    (await pair.ask(ISSUE, { token: TOKENS.hubot, headers })).headers['x-github-media-type']
  expect(first.headers['x-github-media-type']).toBe('github.v3; format=json')
  expect(await named({ accept: 'application/vnd.github.v4+json' })).toBeUndefined()
  expect(await named({ accept })).toBe('github.v3; format=json')
  expect(pair.sandbox.log.totalCost()).toBe(1)
})

test('an absent and an empty Accept make different tags, and neither stands for the other', async () => {
  const { world } = pair.sandbox
  const issue = world.repository('octocat/hello-world').issues[0]
  if (issue === undefined) throw new Error('no issue')
  const readers = [{ token: TOKENS.hubot }, { token: TOKENS.hubot, headers: { accept: '' } }]
  for (const title of ['One', 'Two', 'Three']) {
    world.updateIssue(issue, { title })
    await pair.ask(ISSUE, { token })
    for (const reader of readers) expect((await asked(ISSUE, reader)).cost).toBe(0)
    readers.reverse()
  }
})

test.each([
  ['a file', `${REPOSITORY}/contents/README.md`, 'application/vnd.github.v3.raw'],
  ['a difference', `${REPOSITORY}/commits/main`, 'application/vnd.github.v3.diff'],
  ['a download', `${REPOSITORY}/releases/assets/${ASSETS.small}`, 'application/octet-stream'],
])('another representation is not offered, nor made of that body: %s', async (_, path, accept) => {
  await pair.ask(path, { token })
  const json = await pair.direct(path, { token })
  const authorization = `token ${TOKENS.hubot}`
  pair.sandbox.log.clear()
  expect((await asked(path, { headers: { authorization, accept } })).cost).toBe(1)
  const offered = String(pair.sandbox.log.entries[0]?.headers['if-none-match'])
  expect(offered).not.toContain(githubETag({ accept, authorization }, true, json.body))
})

test('HEAD', async () => {
  const got = await pair.ask(ISSUE, { token })
  const head = await expectFree(ISSUE, { token: TOKENS.hubot, method: 'HEAD' })
  expect(head).toMatchObject({ text: '', complete: true })
  expect(head.headers['content-length']).toBe(got.headers['content-length'])
  // What HEAD confirmed is a copy for GET.
  expect((await asked(ISSUE, { token: TOKENS.hubot })).cost).toBe(0)
})

test.each([
  ['compressed answers with weak tags', { gzip: true, weakETags: 'compressed' }, /^W\/"/],
  ['weak tags only', { gzip: false, weakETags: 'always' }, /^W\/"/],
  ['strong tags only', { gzip: true, weakETags: 'never' }, /^"/],
  ['304s that state a length', { contentLengthOn304: true }, /"/],
  ['escaped slashes', { escapeSlashes: true }, /"/],
  ['Vary in one line', { vary: 'one-line' }, /"/],
  ['a Status field', { statusHeader: true }, /"/],
] as const)('an upstream with %s', async (_, switches, tag) => {
  Object.assign(pair.sandbox.switches, switches)
  await pair.ask(ISSUE, { token })
  const compressed = { 'accept-encoding': 'gzip' }
  expect((await pair.direct(ISSUE, { token, headers: compressed })).headers['etag']).toMatch(tag)
  const answer = await expectFree(ISSUE, { token: TOKENS.hubot, headers: { 'accept-encoding': 'identity' } })
  if ('statusHeader' in switches) expect(answer.headers['status']).toBe('200 OK')
  // A 304's `Vary` leaves out what took part in the tag.
  const vary = String(answer.headers['vary']).toLowerCase().split(/,\s*/)
  expect(vary).toEqual(expect.arrayContaining(['accept', 'authorization', 'accept-encoding']))
})

test('no field of another caller comes along', async () => {
  pair.sandbox.switches.rateLimits = { core: 100 }
  const mine = { 'X-Only-For': 'octocat', 'X-GitHub-SSO': 'partial-results; organizations=1', 'X-Private': 'yes' }
  pair.sandbox.switches.faults = [{ fault: { kind: 'headers', set: mine } }]
  const first = await pair.ask(ISSUE, { token })
  expect(first.headers['x-only-for']).toBe('octocat')
  const other = await expectFree(ISSUE, { token: TOKENS.hubotOauth })
  for (const name of Object.keys(mine)) expect(other.headers[name.toLowerCase()]).toBeUndefined()
  expect(other.headers['x-oauth-scopes']).toBe('repo')
  expect(other.headers['x-github-request-id']).not.toBe(first.headers['x-github-request-id'])
  expect(other.headers['x-ratelimit-remaining']).toBe('100')
  expect(JSON.stringify(other.rawHeaders)).not.toContain('admin:org')
  // Nor later, from its own copy.
  expect(JSON.stringify((await pair.ask(ISSUE, { token: TOKENS.hubotOauth })).rawHeaders)).not.toContain('octocat"')
})

test('a reader with other permissions gets its own body, and the next one with the same gets that for nothing', async () => {
  const { world } = pair.sandbox
  await pair.ask(REPOSITORY, { token })
  const hubot = await asked(REPOSITORY, { token: TOKENS.hubot })
  expect(hubot.cost).toBe(1)
  expect(hubot.answer.json().permissions).toMatchObject({ admin: false, push: true })
  expect((await expectFree(REPOSITORY, { token: TOKENS.hubotOauth })).json().permissions.push).toBe(true)
  expect((await expectFree(REPOSITORY, { token: TOKENS.octocatOauth })).json().permissions.admin).toBe(true)
  // Permissions that become another's: the body is held already.
  world.setCollaborator(world.repository('octocat/hello-world'), 'hubot', 'admin')
  const promoted = await asked(REPOSITORY, { token: TOKENS.hubot })
  expect(promoted.cost).toBe(0)
  expect(promoted.answer.json().permissions.admin).toBe(true)
})

test('a reader who may read less is refused, although the body is held', async () => {
  for (const path of [`${REPOSITORY}/hooks`, '/repos/octo-org/secret', '/repos/octo-org/secret/issues/1']) {
    expect((await asked(path, { token })).answer.status).toBe(200)
    const refused = await asked(path, { token: TOKENS.stranger })
    expect([403, 404]).toContain(refused.answer.status)
    expect(refused.answer.headers['cache-status']).toBe('weir; fwd=miss')
  }
})

test('several bodies of one URL are offered at once, and one that comes back is not paid for again', async () => {
  const { world } = pair.sandbox
  const repository = world.repository('octocat/hello-world')
  const labels = `${REPOSITORY}/topics`
  for (const topics of [['a'], ['b'], ['c'], ['d']]) {
    world.updateRepository(repository, { topics })
    await pair.ask(labels, { token })
  }
  for (const topics of [['b'], ['a'], ['d'], ['c']]) {
    world.updateRepository(repository, { topics })
    expect((await asked(labels, { token: TOKENS.hubot })).cost).toBe(0)
    expect((await asked(labels, { token })).cost).toBe(0)
  }
})

describe('the empty list', () => {
  test.each(['issues', 'pulls', 'labels?per_page=100', 'milestones'])(
    'is known before it was ever seen: %s',
    async (list) => {
      const path = `/repos/octocat/empty/${list}`
      pair.sandbox.world.updateRepository(pair.sandbox.world.repository('octocat/empty'), { labels: [] })
      await expectFree(path, { token: TOKENS.stranger })
      expect(pair.sandbox.log.totalCost({ credential: `token ${TOKENS.stranger}` })).toBe(1) // the direct one
      await expectFree(path, { token })
    },
  )

  test('is not made of a list with something in it, nor of what is no list', async () => {
    for (const path of [`${REPOSITORY}/labels`, REPOSITORY, '/users/hubot']) {
      expect((await asked(path, { token })).cost).toBe(1)
    }
  })

  test('that a list becomes costs nothing either', async () => {
    const { world } = pair.sandbox
    const repository = world.repository('octocat/hello-world')
    await pair.ask(`${REPOSITORY}/labels`, { token })
    world.updateRepository(repository, { labels: [] })
    expect((await asked(`${REPOSITORY}/labels`, { token })).cost).toBe(0)
    expect((await asked(`${REPOSITORY}/labels`, { token: TOKENS.hubot })).cost).toBe(0)
  })

  test('beyond the last page, with the Link that leads back, is nobody else’s', async () => {
    const path = `${REPOSITORY}/labels?page=9`
    const { answer } = await asked(path, { token })
    expect(answer.text).toBe('[]')
    expect(answer.headers['link']).toContain('rel="first"')
    const other = await asked(path, { token: TOKENS.hubot })
    expect(other.answer.headers['link']).toBe(answer.headers['link'])
  })
})

test('an OAuth application, whose tags name no Authorization, is predicted by its own rule', async () => {
  const { world } = pair.sandbox
  const second = world.addApplication({ clientId: 'Iv1.second', clientSecret: 'second-secret', name: 'Second' })
  const one = { headers: { authorization: basic(APPLICATION.clientId, APPLICATION.clientSecret) } }
  const other = { headers: { authorization: basic(second.clientId, second.clientSecret) } }
  await pair.ask(ISSUE, { token })
  // What kind it is, is learnt from its first answer.
  expect((await asked(ISSUE, one)).cost).toBe(1)
  await expectFree(ISSUE, other)
})

test('a client that holds a body which comes back is told so, whichever form its tag had', async () => {
  await pair.close()
  // The 200s carry weak tags, the 304s strong ones.
  pair = await startPair({ switches: { weakETags: 'always' } })
  const { ask, sandbox } = pair
  sandbox.world.setFixedPage('/fixed/flips', '{"now":1}')
  const first = await ask('/fixed/flips', { token })
  sandbox.world.setFixedPage('/fixed/flips', '{"now":2}')
  await ask('/fixed/flips', { token })
  sandbox.world.setFixedPage('/fixed/flips', '{"now":1}')
  await ask('/fixed/flips', { token })
  const again = await ask('/fixed/flips', { token, headers: { 'if-none-match': String(first.headers['etag']) } })
  expect(again.status).toBe(304)
})
