import { afterEach, describe, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { differences } from '../support/compare.ts'
import { barrier } from '../support/concurrency.ts'
import { type Answer, type Asking, type Pair, startPair } from '../support/pair.ts'

/** Who may have what: what one caller was told is nothing that another knows. */

let pair: Pair
afterEach(() => pair.close())

const { octocat, hubot, monalisa, stranger } = TOKENS
const REPOSITORY = '/repos/octocat/hello-world'
const SECRET = '/repos/octo-org/secret'

async function read(path: string, asking: Asking): Promise<Answer> {
  const answer = await pair.ask(path, asking)
  expect(differences(pair, answer, await pair.direct(path, asking))).toEqual([])
  return answer
}

/** Upstream requests since the last call, and what they cost. */
function asked(): { count: number; cost: number } {
  const { log } = pair.sandbox
  const result = { count: log.count, cost: log.totalCost() }
  log.clear()
  return result
}

describe('the anonymous, whose 304s cost', () => {
  test('share one answer within its lifetime, for one unit in all', async () => {
    pair = await startPair()
    const first = await pair.ask(REPOSITORY)
    for (let round = 0; round < 5; round++) {
      pair.clock.advance(11_000)
      expect((await pair.ask(REPOSITORY, { headers: { accept: '' } })).status).toBe(200)
      expect((await pair.ask(REPOSITORY)).text).toBe(first.text)
      expect((await pair.ask(REPOSITORY, { method: 'HEAD' })).status).toBe(200)
    }
    // The other Accept is another answer.
    expect(asked()).toEqual({ count: 2, cost: 2 })
    pair.clock.advance(11_000)
    expect((await pair.ask(REPOSITORY)).text).toBe(first.text)
    expect(asked()).toEqual({ count: 1, cost: 1 })
  })

  test('are never answered with what a credential was told', async () => {
    for (const settings of [{}, { WEIR_FRESHNESS: '1h' }]) {
      if (settings.WEIR_FRESHNESS !== undefined) await pair.close()
      pair = await startPair({ settings })
      await pair.ask(SECRET, { token: octocat })
      await pair.ask(REPOSITORY, { token: octocat })
      expect((await pair.ask(SECRET)).status).toBe(404)
      expect((await pair.ask(REPOSITORY)).json().permissions).toBeUndefined()
    }
  })

  test('nor is a credential answered with what they were told, without asking', async () => {
    pair = await startPair()
    await pair.ask('/users/hubot')
    asked()
    await pair.ask('/users/hubot', { token: octocat })
    expect(asked()).toEqual({ count: 1, cost: 0 })
    // A wrong credential is refused, though everybody may read it.
    expect((await pair.ask('/users/hubot', { token: 'wrong' })).status).toBe(401)
    expect((await pair.ask('/users/hubot', { headers: { authorization: '' } })).status).toBe(
      (await pair.direct('/users/hubot', { headers: { authorization: '' } })).status,
    )
  })

  test('are not answered without asking where the answer is not for all', async () => {
    pair = await startPair({ switches: { publicAnonymous: false } })
    for (let round = 0; round < 2; round++) await pair.ask(REPOSITORY)
    expect(asked().count).toBe(2)
  })
})

describe('X-Poll-Interval', () => {
  test('is obeyed for the same credential, and for no other', async () => {
    pair = await startPair()
    const path = `${REPOSITORY}/events`
    const first = await read(path, { token: octocat })
    expect(first.headers['x-poll-interval']).toBe('60')
    asked()
    pair.clock.advance(59_000)
    const second = await pair.ask(path, { token: octocat })
    expect(asked().count).toBe(0)
    expect(second).toMatchObject({ status: 200, text: first.text })
    expect(second.headers['cache-status']).toBe('weir; hit')
    await read(path, { token: hubot })
    expect(asked().count).toBeGreaterThan(0)
    pair.clock.advance(1000)
    await pair.ask(path, { token: octocat })
    expect(asked().count).toBeGreaterThan(0)
  })

  test('gives way to a client that wants to know, and to a write', async () => {
    pair = await startPair()
    const path = `${REPOSITORY}/events`
    await pair.ask(path, { token: octocat })
    asked()
    await pair.ask(path, { token: octocat, headers: { 'cache-control': 'no-cache' } })
    expect(asked().count).toBeGreaterThan(0)
    await pair.ask(`${REPOSITORY}/issues`, { token: octocat, method: 'POST', payload: { title: 'One' } })
    asked()
    await pair.ask(path, { token: octocat })
    expect(asked().count).toBeGreaterThan(0)
  })
})

describe('access that is withdrawn', () => {
  test.each([
    ['upstream', {}],
    ['revalidate', { WEIR_FRESHNESS: 'revalidate' }],
  ])('the other one is told so at once, while one who may still reads: freshness %s', async (_, settings) => {
    pair = await startPair({ settings })
    const { world } = pair.sandbox
    const secret = world.repository('octo-org/secret')
    const path = `${SECRET}/issues/1`
    for (const token of [octocat, hubot, monalisa]) await read(path, { token })
    world.setCollaborator(secret, 'monalisa', null)
    for (let round = 0; round < 3; round++) {
      expect((await read(path, { token: octocat })).status).toBe(200)
      expect((await read(path, { token: monalisa })).status).toBe(404)
      expect((await pair.ask(path, { token: monalisa, method: 'HEAD' })).status).toBe(404)
    }
    world.setCollaborator(secret, 'monalisa', 'pull')
    asked()
    expect((await pair.ask(path, { token: monalisa })).status).toBe(200)
    expect(asked().cost).toBe(0)
  })

  test('where copies are reused for an hour: as soon as the upstream has said so, in whatever way', async () => {
    pair = await startPair({ settings: { WEIR_FRESHNESS: '1h' } })
    const { world } = pair.sandbox
    const secret = world.repository('octo-org/secret')
    const path = `${SECRET}/issues/1`
    world.setCollaborator(secret, 'stranger', 'pull')
    for (const token of [octocat, monalisa, stranger]) await read(path, { token })
    for (const login of ['monalisa', 'stranger']) world.setCollaborator(secret, login, null)
    // What the operator chose: nobody asks for an hour.
    expect((await pair.ask(path, { token: monalisa })).status).toBe(200)
    const asking = { headers: { authorization: `token ${monalisa}`, 'cache-control': 'no-cache' } }
    expect((await pair.ask(path, asking)).status).toBe(404)
    await pair.ask(path, { token: octocat })
    for (let round = 0; round < 2; round++) expect((await pair.ask(path, { token: monalisa })).status).toBe(404)
    // HEAD says it as well.
    const head = { ...asking, method: 'HEAD', headers: { ...asking.headers, authorization: `token ${stranger}` } }
    expect((await pair.ask(path, head)).status).toBe(404)
    expect((await pair.ask(path, { token: stranger })).status).toBe(404)
    expect((await pair.ask(path, { token: octocat })).status).toBe(200)
  })

  test('no copy stands in for it when the upstream fails afterwards', async () => {
    pair = await startPair({ settings: { WEIR_FRESHNESS: '1h' } })
    const { world, switches } = pair.sandbox
    const path = `${SECRET}/issues/1`
    for (const token of [octocat, monalisa]) await read(path, { token })
    world.setCollaborator(world.repository('octo-org/secret'), 'monalisa', null)
    const asking = { headers: { authorization: `token ${monalisa}`, 'cache-control': 'no-cache' } }
    await pair.ask(path, asking)
    switches.faults = () => ({ kind: 'reset', when: 'before-headers' })
    const answer = await pair.ask(path, { token: monalisa })
    expect(answer.status).toBe(502)
    expect(answer.text).not.toContain('Nobody may know')
  })

  test('an answer that was out when it happened does not come back later', async () => {
    pair = await startPair({ settings: { WEIR_FRESHNESS: '1h' } })
    const { world, switches, log } = pair.sandbox
    const path = `${SECRET}/issues/1`
    const sending = barrier()
    const asking = { headers: { authorization: `token ${monalisa}`, 'cache-control': 'no-cache' } }
    await read(path, { token: monalisa })
    switches.faults = [{ target: path, fault: { kind: 'wait', until: sending.until, when: 'before-sending' } }]
    log.clear()
    const early = pair.ask(path, asking)
    await log.waitFor({ target: path, status: 304 })
    world.setCollaborator(world.repository('octo-org/secret'), 'monalisa', null)
    expect((await pair.ask(path, asking)).status).toBe(404)
    sending.lift()
    expect((await early).status).toBe(200)
    expect((await pair.ask(path, { token: monalisa })).status).toBe(404)
  })

  test('a token that is revoked is worth nothing, and its successor all', async () => {
    pair = await startPair()
    const { world } = pair.sandbox
    const path = `${SECRET}/issues/1`
    await read(path, { token: monalisa })
    world.revokeToken(monalisa)
    world.addToken('monalisa', 'ghp_new', { scopes: ['repo'] })
    world.addToken('monalisa', 'ghp_public', { scopes: ['public_repo'] })
    asked()
    expect((await pair.ask(path, { token: monalisa })).status).toBe(401)
    expect((await pair.ask(path, { token: 'ghp_public' })).status).toBe(404)
    asked()
    expect((await pair.ask(path, { token: 'ghp_new' })).status).toBe(200)
    expect(asked().cost).toBe(0)
    expect((await pair.ask(path, { token: stranger })).status).toBe(404)
  })
})

describe('fields of one caller', () => {
  /** Everything that GitHub says to one caller about that caller. */
  const OWN = {
    'X-OAuth-Scopes': 'only:octocat',
    'X-Accepted-OAuth-Scopes': 'only:octocat',
    'X-OAuth-Client-Id': 'only-octocat',
    'X-GitHub-SSO': 'only-octocat',
    'GitHub-Authentication-Token-Expiration': 'only-octocat',
    'X-Accepted-GitHub-Permissions': 'only-octocat',
    Link: '<https://only-octocat.example/?page=2>; rel="next"',
    Deprecation: 'only-octocat',
    Warning: '199 - "only-octocat"',
    'Set-Cookie': 'only=octocat',
  }

  test.each([
    ['by reading', 'GET'],
    ['by asking for its head', 'HEAD'],
  ])('are not said to another, who is confirmed the same body %s', async (_, method) => {
    pair = await startPair({ switches: { rateLimits: { core: 50 }, linkOn304: true } })
    const path = `${REPOSITORY}/issues/1`
    pair.sandbox.switches.faults = ({ target, headers }) =>
      target.includes(path) && headers['authorization'] === `token ${octocat}` ? { kind: 'headers', set: OWN } : null
    const first = await pair.ask(path, { token: octocat })
    expect(JSON.stringify(first.headers)).toContain('only-octocat')
    for (let round = 0; round < 2; round++) {
      for (const asking of [
        { token: hubot, method },
        { headers: { authorization: `Bearer ${octocat}` }, method },
      ]) {
        const answer = await pair.ask(path, asking)
        expect(answer.status).toBe(200)
        expect(JSON.stringify(answer.rawHeaders)).not.toMatch(/only[-:=]octocat/)
      }
    }
  })

  test('of a write’s answer are not said to who reads it', async () => {
    pair = await startPair()
    const path = `${REPOSITORY}/issues/1`
    pair.sandbox.switches.faults = [{ method: 'PATCH', fault: { kind: 'headers', set: OWN } }]
    await pair.ask(path, { token: octocat, method: 'PATCH', payload: { title: 'New' } })
    asked()
    for (const token of [hubot, octocat]) {
      const answer = await pair.ask(path, { token })
      expect(answer.json().title).toBe('New')
      expect(JSON.stringify(answer.rawHeaders)).not.toMatch(/only[-:=]octocat/)
    }
  })
})
