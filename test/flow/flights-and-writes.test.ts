import { afterEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { barrier, hold, inFlight } from '../support/concurrency.ts'
import { type Answer, type Pair, startUnlimitedPair } from '../support/pair.ts'

/** A read that begins after a write gets nothing that was asked before it. */

let pair: Pair
afterEach(() => pair.close())

const token = TOKENS.octocat
const REPOSITORY = '/repos/octocat/hello-world'

function isCollapsed({ headers }: Answer): boolean {
  return /; collapsed(?:;|$)/.test(String(headers['cache-status']))
}

const payload = { description: 'Written just now' }

/** A read that is out, and has been evaluated before the write; then the write; then another read. */
async function readAfterWrite(settings: Readonly<Record<string, string>>, writer: string): Promise<Answer[]> {
  pair = await startUnlimitedPair({ settings })
  const { world, switches, log } = pair.sandbox
  world.setCollaborator(world.repository('octocat/hello-world'), 'hubot', 'admin')
  // The gateway knows both, as it does in all but the first moments.
  await pair.ask('/user', { token })
  await pair.ask('/user', { token: TOKENS.hubot })
  const { until, lift } = barrier()
  switches.faults = [{ method: 'GET', target: REPOSITORY, fault: { kind: 'wait', until, when: 'before-sending' } }]
  const early = pair.ask(REPOSITORY, { token })
  await log.waitFor({ target: REPOSITORY, status: 200 })
  const written = await pair.ask(REPOSITORY, { token: writer, method: 'PATCH', payload })
  expect(written.status).toBe(200)
  const late = await pair.ask(REPOSITORY, { token })
  lift()
  return [await early, late, await pair.ask(REPOSITORY, { token })]
}

test.each([
  ['its own', token, {}],
  ['another’s to the same repository', TOKENS.hubot, {}],
  ['its own, where copies are reused for a minute', token, { WEIR_FRESHNESS: '1m' }],
  ['another’s, where copies are reused for a minute', TOKENS.hubot, { WEIR_FRESHNESS: '1m' }],
  ['its own, where every read asks', token, { WEIR_FRESHNESS: 'revalidate' }],
])('%s: never joins, and what was asked before is not stored over it', async (_, writer, settings) => {
  const [early, late, last] = await readAfterWrite(settings, writer)
  expect(early?.json().description).not.toBe(payload.description)
  expect(late?.json().description).toBe(payload.description)
  expect(isCollapsed(late as Answer)).toBe(false)
  expect(last?.json().description).toBe(payload.description)
})

test.each([
  ['its own', token],
  ['another’s', TOKENS.hubot],
])('a read that was out while the write was (%s) is not joined when it is answered', async (_, writer) => {
  pair = await startUnlimitedPair({ settings: { WEIR_FRESHNESS: '1m' } })
  const { world, switches, log } = pair.sandbox
  world.setCollaborator(world.repository('octocat/hello-world'), 'hubot', 'admin')
  await pair.ask('/user', { token })
  await pair.ask('/user', { token: TOKENS.hubot })
  const acting = barrier()
  const sending = barrier()
  switches.faults = [
    { method: 'PATCH', fault: { kind: 'wait', until: acting.until, when: 'before-evaluating' } },
    { method: 'GET', target: REPOSITORY, fault: { kind: 'wait', until: sending.until, when: 'before-sending' } },
  ]
  const writing = pair.ask(REPOSITORY, { token: writer, method: 'PATCH', payload })
  await log.waitFor({ method: 'PATCH' })
  const early = pair.ask(REPOSITORY, { token })
  await log.waitFor({ method: 'GET', target: REPOSITORY, status: 200 })
  acting.lift()
  expect((await writing).status).toBe(200)
  const late = await pair.ask(REPOSITORY, { token })
  sending.lift()
  expect((await early).json().description).not.toBe(payload.description)
  expect(late.json().description).toBe(payload.description)
  expect((await pair.ask(REPOSITORY, { token })).json().description).toBe(payload.description)
})

test.each([
  ['its own', token],
  ['another’s', TOKENS.hubot],
])('a read that begins when the write (%s) is only sent reuses no copy and joins nothing', async (_, writer) => {
  pair = await startUnlimitedPair({ settings: { WEIR_FRESHNESS: '1m' } })
  const { world, switches, log } = pair.sandbox
  world.setCollaborator(world.repository('octocat/hello-world'), 'hubot', 'admin')
  await pair.ask('/user', { token: TOKENS.hubot })
  const copied = await pair.ask(REPOSITORY, { token })
  const insisting = { authorization: `token ${token}`, 'cache-control': 'no-cache' }
  const sending = barrier()
  const { until } = sending
  switches.faults = [{ method: 'GET', target: REPOSITORY, fault: { kind: 'wait', until, when: 'before-sending' } }]
  const early = pair.ask(REPOSITORY, { headers: insisting })
  await log.waitFor({ method: 'GET', target: REPOSITORY, status: 304 })
  switches.faults = [{ method: 'PATCH', fault: { kind: 'wait', until, when: 'before-sending' } }]
  const writing = pair.ask(REPOSITORY, { token: writer, method: 'PATCH', payload })
  // The upstream has acted on it, and has not said so.
  await log.waitFor({ method: 'PATCH', status: 200 })
  const late = await pair.ask(REPOSITORY, { token })
  expect(late.json().description).toBe(payload.description)
  sending.lift()
  expect((await early).text).toBe(copied.text)
  expect((await writing).status).toBe(200)
  expect((await pair.ask(REPOSITORY, { token })).json().description).toBe(payload.description)
})

test('of something else joins', async () => {
  pair = await startUnlimitedPair()
  await pair.ask('/user', { token: TOKENS.hubot })
  const held = hold(pair, '/users/octocat')
  const first = pair.ask('/users/octocat', { token })
  await pair.sandbox.log.waitFor({ target: '/users/octocat' })
  await pair.ask(`${REPOSITORY}/issues`, { token: TOKENS.hubot, method: 'POST', payload: { title: 'One' } })
  const second = pair.ask('/users/octocat', { token })
  await inFlight(pair.gateway, 2)
  held.lift()
  await first
  expect(isCollapsed(await second)).toBe(true)
})
