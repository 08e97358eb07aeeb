import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { barrier, departing, eventually, hold, inFlight } from '../support/concurrency.ts'
import { type Answer, type Asking, type Pair, startPair } from '../support/pair.ts'

/**
 * A caller waits, and not for long, behind another whose answer may bring the body that makes its own question free, but
 * only behind one whom the upstream accepts.
 */

let pair: Pair
let timers: MockInstance<typeof setTimeout>
beforeEach(async () => {
  pair = await startPair()
  // A moment after its start the gateway knows its callers.
  for (const token of [octocat, hubot, monalisa]) await pair.ask('/user', { token })
  pair.sandbox.log.clear()
  timers = vi.spyOn(globalThis, 'setTimeout')
})
afterEach(async () => {
  timers.mockRestore()
  await pair.close()
})

/** How many waits have begun: each sets a timer of a second. One that is over by then would else not be told from none. */
function waits(): number {
  return timers.mock.calls.filter(([, delay]) => delay === 1000).length
}

const { octocat, hubot, monalisa, stranger } = TOKENS
const REPOSITORY = '/repos/octocat/hello-world'
const ISSUE = `${REPOSITORY}/issues/1`
/** Differs by reader, and may be read by all. */
const PERMISSIONS = REPOSITORY

function asked(credential: string): number {
  return pair.sandbox.log.filter({ credential: `token ${credential}` }).length
}

/** Two readers of one resource, of whom the first is held upstream until the gateway has taken in the second. */
async function behind(path: string, first: Asking, second: Asking): Promise<[Answer, Answer]> {
  const held = hold(pair, path)
  const leading = pair.ask(path, first)
  await eventually(() => pair.sandbox.log.count === 1)
  const waited = waits()
  const following = pair.ask(path, second)
  await inFlight(pair.gateway, 2)
  expect(waits()).toBe(waited + 1)
  held.lift()
  return [await leading, await following]
}

describe('a second reader', () => {
  test('waits for the first one’s 200, and is then free', async () => {
    const [first, second] = await behind(ISSUE, { token: octocat }, { token: hubot })
    expect(second.text).toBe(first.text)
    expect(second.headers['cache-status']).toBe('weir; fwd=uri-miss; fwd-status=304; stored')
    expect(pair.sandbox.log.entries.map(({ account, status, cost }) => [account, status, cost])).toEqual([
      ['user:octocat', 200, 1],
      ['user:hubot', 304, 0],
    ])
  })

  test('so do ten, and one body is paid for once', async () => {
    const { world, log } = pair.sandbox
    const tokens = Array.from({ length: 10 }, (_, index) => `ghp_reader${index}`)
    for (const token of tokens) {
      world.addToken('hubot', token, { scopes: ['repo'] })
      await pair.ask('/user', { token })
    }
    log.clear()
    const held = hold(pair, ISSUE)
    const answers = [pair.ask(ISSUE, { token: octocat })]
    await log.waitFor({ target: ISSUE })
    answers.push(...tokens.map((token) => pair.ask(ISSUE, { token })))
    await inFlight(pair.gateway, 11)
    held.lift()
    expect(new Set((await Promise.all(answers)).map(({ text }) => text)).size).toBe(1)
    expect(log.totalCost()).toBe(1)
    expect(log.count).toBe(11)
  })

  test('waits though it is new here, and gets a refusal if that is its due', async () => {
    await behind(ISSUE, { token: octocat }, { token: stranger })
    expect(pair.sandbox.log.totalCost()).toBe(1)
    pair.sandbox.log.clear()
    const secret = '/repos/octo-org/secret/issues/1'
    const [, refused] = await behind(secret, { token: octocat }, { token: stranger })
    expect(refused.status).toBe(404)
    pair.sandbox.log.clear()
    const [, unknown] = await behind(`${REPOSITORY}/issues/2`, { token: octocat }, { token: 'made-up' })
    expect(unknown.status).toBe(401)
  })

  test('waits for a third one where the first brought nothing new, so that a change is paid for once', async () => {
    const { world, switches, log } = pair.sandbox
    for (const token of [octocat, hubot, monalisa]) await pair.ask(ISSUE, { token })
    const sending = barrier()
    switches.faults = [{ target: ISSUE, fault: { kind: 'wait', until: sending.until, when: 'before-sending' } }]
    log.clear()
    const leading = pair.ask(ISSUE, { token: octocat })
    await log.waitFor({ target: ISSUE, status: 304 })
    const following = [hubot, monalisa].map((token) => pair.ask(ISSUE, { token }))
    await inFlight(pair.gateway, 3)
    const [issue] = world.repository('octocat/hello-world').issues
    if (issue !== undefined) world.updateIssue(issue, { title: 'Changed meanwhile' })
    sending.lift()
    await leading
    for (const answer of await Promise.all(following)) expect(answer.json().title).toBe('Changed meanwhile')
    expect(log.totalCost()).toBe(1)
  })

  test('waits though it spells the same representation otherwise, and by HEAD', async () => {
    await behind(ISSUE, { token: octocat }, { token: hubot, headers: { accept: 'application/vnd.github+json' } })
    expect(pair.sandbox.log.totalCost()).toBe(1)
    pair.sandbox.log.clear()
    const path = `${REPOSITORY}/issues/2`
    const [, head] = await behind(path, { token: octocat }, { token: hubot, method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, text: '' })
    expect(pair.sandbox.log.totalCost()).toBe(1)
  })

  test('goes on when the first one’s question ends in something else', async () => {
    const path = '/repos/octo-org/secret/issues/77'
    const [first, second] = await behind(path, { token: octocat }, { token: hubot })
    expect([first.status, second.status]).toEqual([404, 404])
    pair.sandbox.log.clear()
    const held = barrier()
    pair.sandbox.switches.faults = [{ fault: { kind: 'wait', until: held.until, when: 'before-sending' } }]
    const leading = departing(pair.gateway.origin, `/api/v3${ISSUE}`, { authorization: `token ${octocat}` })
    await eventually(() => asked(octocat) === 1)
    const following = pair.ask(ISSUE, { token: hubot })
    await inFlight(pair.gateway, 2)
    // The first reader leaves, and with it its question.
    leading.leave()
    expect((await following).status).toBe(200)
    expect(asked(hubot)).toBe(1)
    held.lift()
  })

  test('whose own body is another pays for that, and nobody gets another’s', async () => {
    const [first, second] = await behind(PERMISSIONS, { token: octocat }, { token: hubot })
    expect(first.json().permissions.admin).toBe(true)
    expect(second.json().permissions.admin).toBe(false)
    expect(pair.sandbox.log.totalCost()).toBe(2)
  })

  test('waits no longer than a second', async () => {
    const held = hold(pair, ISSUE)
    const first = pair.ask(ISSUE, { token: octocat })
    await pair.sandbox.log.waitFor({ target: ISSUE })
    // The first one is not let go before the second has its answer: a wait without end would never end here.
    const second = await pair.ask(ISSUE, { token: hubot })
    expect(second.status).toBe(200)
    expect(waits()).toBe(1)
    expect(pair.sandbox.log.totalCost({ account: 'user:hubot' })).toBe(1)
    held.lift()
    expect((await first).status).toBe(200)
  })

  test('may leave while it waits', async () => {
    const held = hold(pair, ISSUE)
    const first = pair.ask(ISSUE, { token: octocat })
    await pair.sandbox.log.waitFor({ target: ISSUE })
    const second = departing(pair.gateway.origin, `/api/v3${ISSUE}`, { authorization: `token ${hubot}` })
    await inFlight(pair.gateway, 2)
    second.leave()
    await inFlight(pair.gateway, 1)
    held.lift()
    expect((await first).status).toBe(200)
    expect(pair.gateway.events.find(({ aborted }) => aborted)).toMatchObject({
      failure: 'client-gone',
      upstream: { requests: 0 },
    })
    expect(asked(hubot)).toBe(0)
  })
})

describe('nobody waits', () => {
  /** Whether the second one is sent while the first is still out. */
  async function isSentAtOnce(first: Asking, second: Asking, path = ISSUE, secondPath = path): Promise<void> {
    const held = hold(pair, path, 2)
    const leading = pair.ask(path, first)
    await eventually(() => pair.sandbox.log.count === 1)
    const following = pair.ask(secondPath, second)
    await eventually(() => pair.sandbox.log.count === 2)
    expect(waits()).toBe(0)
    held.lift()
    await Promise.all([leading, following])
  }

  test('for a credential that the upstream has not accepted', async () => {
    await isSentAtOnce({ token: 'made-up' }, { token: hubot })
    pair.sandbox.log.clear()
    await isSentAtOnce({ token: stranger }, { token: hubot }, `${REPOSITORY}/issues/2`)
  })

  test('for one who has been refused since', async () => {
    pair.sandbox.world.revokeToken(hubot)
    expect((await pair.ask('/user', { token: hubot })).status).toBe(401)
    // Until then it is refused here.
    pair.clock.advance(10_000)
    pair.sandbox.log.clear()
    await isSentAtOnce({ token: hubot }, { token: octocat })
  })

  test('without a credential, or for one who has none, also while that one is being answered', async () => {
    await isSentAtOnce({}, { token: octocat })
    pair.sandbox.log.clear()
    await isSentAtOnce({ token: octocat }, {}, `${REPOSITORY}/issues/2`)
    pair.sandbox.switches.faults = [{ fault: { kind: 'hang', when: 'mid-body' } }]
    const { leave } = departing(pair.gateway.origin, `/api/v3${PERMISSIONS}`, {})
    await pair.sandbox.log.waitFor({ target: new RegExp(`${PERMISSIONS}$`), status: 200 })
    expect((await pair.ask(PERMISSIONS, { token: octocat })).status).toBe(200)
    expect(waits()).toBe(0)
    leave()
  })

  test('for another resource or another representation', async () => {
    await isSentAtOnce({ token: octocat }, { token: hubot }, ISSUE, `${ISSUE}?per_page=1`)
    pair.sandbox.log.clear()
    const path = `${REPOSITORY}/readme`
    await isSentAtOnce({ token: octocat }, { token: hubot, headers: { accept: 'application/vnd.github.v3.raw' } }, path)
  })

  test('for a HEAD, a download or a part of one, none of which brings a body', async () => {
    await isSentAtOnce({ token: octocat, method: 'HEAD' }, { token: hubot })
    pair.sandbox.log.clear()
    const raw = { accept: 'application/vnd.github.v3.raw' }
    const path = `${REPOSITORY}/contents/README.md`
    const part = { token: octocat, headers: { ...raw, range: 'bytes=0-3' } }
    await isSentAtOnce(part, { token: hubot, headers: raw }, path)
  })

  test('again where the first brought a body: those who waited for it do not wait for each other', async () => {
    const { log } = pair.sandbox
    const first = hold(pair, PERMISSIONS)
    const others = hold(pair, PERMISSIONS, 2)
    const leading = pair.ask(PERMISSIONS, { token: octocat })
    await eventually(() => log.count === 1)
    const following = [hubot, monalisa].map((token) => pair.ask(PERMISSIONS, { token }))
    await inFlight(pair.gateway, 3)
    expect(log.count).toBe(1)
    first.lift()
    expect(waits()).toBe(2)
    await eventually(() => log.count === 3)
    expect(waits()).toBe(2)
    others.lift()
    const [one, two, three] = await Promise.all([leading, ...following])
    expect(one?.json().permissions.admin).toBe(true)
    expect(two?.json().permissions).toMatchObject({ admin: false, push: true })
    expect(three?.json().permissions.push).toBe(false)
  })

  test('where every reader gets another body', async () => {
    const path = '/user'
    const { log } = pair.sandbox
    // Each of them gets its own: after two waits in vain that is known.
    for (let round = 0; round < 3; round++) {
      const { world } = pair.sandbox
      for (const login of ['octocat', 'hubot']) world.updateAccount(login, { bio: `Round ${round}` })
      log.clear()
      const held = hold(pair, path, 2)
      const leading = pair.ask(path, { token: octocat })
      await eventually(() => log.count === 1)
      const following = pair.ask(path, { token: hubot })
      if (round < 2) await inFlight(pair.gateway, 2)
      else await eventually(() => log.count === 2)
      held.lift()
      await Promise.all([leading, following])
      pair.sandbox.switches.faults = []
    }
    expect(waits()).toBe(2)
  })

  test('where tags cannot be predicted', async () => {
    pair.sandbox.switches.etagRule = 'opaque'
    await pair.ask(ISSUE, { token: octocat })
    pair.sandbox.log.clear()
    await isSentAtOnce({ token: octocat }, { token: hubot })
  })

  test('for what is fresh', async () => {
    const held = hold(pair, ISSUE)
    const first = pair.ask(ISSUE, { token: octocat })
    await pair.sandbox.log.waitFor({ target: ISSUE })
    held.lift()
    await first
    const anonymous = await pair.ask(ISSUE)
    expect(anonymous.status).toBe(200)
    const again = hold(pair, ISSUE)
    const asking = pair.ask(ISSUE, { token: octocat })
    await eventually(() => pair.sandbox.log.count === 3)
    expect((await pair.ask(ISSUE)).headers['cache-status']).toBe('weir; hit')
    again.lift()
    await asking
  })
})
