import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { ASSETS, TOKENS } from '../../sandbox/index.ts'
import type { RequestEvent } from '../../src/outcome.ts'
import { departing, eventually, hold, inFlight } from '../support/concurrency.ts'
import { type Answer, type Asking, type Pair, startUnlimitedPair } from '../support/pair.ts'

/** Identical requests of one credential that come while the first is out share its answer. */

let pair: Pair
afterEach(() => pair.close())

const token = TOKENS.octocat
const REPOSITORY = '/repos/octocat/hello-world'
const TARGET = `/api/v3${REPOSITORY}`
const authorization = `token ${token}`

/** Sends these requests while the first is held upstream, and lets it go when the gateway has taken in all of them. */
async function together(path: string, all: readonly Asking[], held = hold(pair, path)): Promise<Answer[]> {
  const [first = {}, ...others] = all
  const leader = pair.ask(path, first)
  await pair.sandbox.log.waitFor({ target: path })
  const answers = others.map((asking) => pair.ask(path, asking))
  await inFlight(pair.gateway, all.length)
  held.lift()
  return Promise.all([leader, ...answers])
}

function repeated(count: number, asking: Asking = { token }): Asking[] {
  return Array.from({ length: count }, () => asking)
}

function isCollapsed({ headers }: Answer): boolean {
  return /; collapsed(?:;|$)/.test(String(headers['cache-status']))
}

function count(method = 'GET'): number {
  return pair.sandbox.log.filter({ method }).length
}

test('200 identical requests are one upstream request, and all are answered alike', async () => {
  pair = await startUnlimitedPair()
  const answers = await together(REPOSITORY, repeated(200))
  expect(count()).toBe(1)
  expect(pair.sandbox.log.totalCost()).toBe(1)
  const own = await pair.direct(REPOSITORY, { token })
  for (const { status, text, complete } of answers) {
    expect({ status, complete }).toEqual({ status: 200, complete: true })
    expect(text).toBe(answers[0]?.text)
  }
  expect(answers[0]?.json().id).toBe(own.json().id)
  expect(answers.filter(isCollapsed)).toHaveLength(199)
  expect(answers[0]?.headers['cache-status']).toBe('weir; fwd=uri-miss; fwd-status=200; stored')
  expect(answers[1]?.headers['cache-status']).toBe('weir; fwd=uri-miss; fwd-status=200; collapsed')
  // Each is its own request all the same, and what asking cost is told once.
  const events = pair.gateway.events.filter(({ route }) => route === 'api')
  expect(events).toHaveLength(200)
  expect(events.reduce((sum, { upstream }) => sum + upstream.requests, 0)).toBe(1)
  expect(new Set(answers.map(({ headers }) => headers['x-request-id'])).size).toBe(200)
})

test('so are 50 revalidations of one copy, and the copy is good afterwards', async () => {
  pair = await startUnlimitedPair()
  await pair.ask(REPOSITORY, { token })
  pair.sandbox.log.clear()
  const answers = await together(REPOSITORY, repeated(50))
  expect(count()).toBe(1)
  expect(pair.sandbox.log.totalCost()).toBe(0)
  expect(answers.filter(isCollapsed)).toHaveLength(49)
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
})

test('each is answered for what it holds and accepts itself', async () => {
  pair = await startUnlimitedPair()
  const etag = String((await pair.ask(REPOSITORY, { token })).headers['etag'])
  const [plain, holding, outdated, packed] = await together(REPOSITORY, [
    { token },
    { token, headers: { 'if-none-match': etag } },
    { token, headers: { 'if-none-match': '"another"' } },
    { token, headers: { 'accept-encoding': 'gzip' } },
  ])
  expect(count()).toBe(2)
  expect(plain?.status).toBe(200)
  expect(holding).toMatchObject({ status: 304, text: '' })
  expect(outdated).toMatchObject({ status: 200, text: plain?.text })
  expect(packed?.headers['content-encoding']).toBe('gzip')
})

test('a 304 about what one client holds is no answer to the others', async () => {
  pair = await startUnlimitedPair()
  const etag = String((await pair.ask(REPOSITORY, { token })).headers['etag'])
  // Another gateway, which holds nothing; but for its address it would give the tag out as well.
  const fresh = await startUnlimitedPair({ settings: { WEIR_PUBLIC_URL: pair.gateway.origin } })
  const held = { token, headers: { 'if-none-match': etag } }
  await pair.close()
  pair = fresh
  const own = await pair.direct(REPOSITORY, { token })
  const tag = `W/"weir-${etag.split('-')[1]}-s-${String(own.headers['etag']).replace(/^W\/|"/g, '')}"`
  held.headers['if-none-match'] = tag
  pair.sandbox.log.clear()
  const [leader, ...others] = await together(REPOSITORY, [held, held, { token }, { token }, { token }])
  expect(leader).toMatchObject({ status: 304, text: '' })
  expect(others[0]).toMatchObject({ status: 304, text: '' })
  for (const other of others.slice(1)) expect(other.status).toBe(200)
  expect(count()).toBe(2)
  expect(pair.sandbox.log.totalCost()).toBe(1)
})

describe('clients that go away', () => {
  test('one that waits: nothing happens', async () => {
    pair = await startUnlimitedPair()
    const held = hold(pair, REPOSITORY)
    const leader = pair.ask(REPOSITORY, { token })
    await pair.sandbox.log.waitFor({ target: REPOSITORY })
    const leaving = departing(pair.gateway.origin, TARGET, { authorization })
    const staying = pair.ask(REPOSITORY, { token })
    await inFlight(pair.gateway, 3)
    leaving.leave()
    await inFlight(pair.gateway, 2)
    held.lift()
    expect((await leader).status).toBe(200)
    expect((await staying).text).toBe((await leader).text)
    expect(leaving.isAnswered).toBe(false)
    expect(count()).toBe(1)
    expect(pair.sandbox.log.entries[0]?.aborted).toBe(false)
  })

  test('the one that began it: the others are answered', async () => {
    pair = await startUnlimitedPair()
    const held = hold(pair, REPOSITORY)
    const leader = departing(pair.gateway.origin, TARGET, { authorization })
    await pair.sandbox.log.waitFor({ target: REPOSITORY })
    const others = repeated(3).map((asking) => pair.ask(REPOSITORY, asking))
    await inFlight(pair.gateway, 4)
    leader.leave()
    await inFlight(pair.gateway, 3)
    held.lift()
    for (const answer of await Promise.all(others)) {
      expect(answer.status).toBe(200)
      expect(isCollapsed(answer)).toBe(true)
    }
    expect(count()).toBe(1)
    expect(pair.sandbox.log.entries[0]?.aborted).toBe(false)
    expect(pair.gateway.events.find(({ aborted }) => aborted)).toMatchObject({ failure: 'client-gone' })
  })

  test('all of them: the upstream request is given up, and the next one asks anew', async () => {
    pair = await startUnlimitedPair()
    const { log } = pair.sandbox
    hold(pair, REPOSITORY)
    const leader = departing(pair.gateway.origin, TARGET, { authorization })
    await log.waitFor({ target: REPOSITORY })
    const others = [1, 2].map(() => departing(pair.gateway.origin, TARGET, { authorization }))
    await inFlight(pair.gateway, 3)
    for (const one of [leader, ...others]) one.leave()
    await eventually(() => log.entries[0]?.aborted === true)
    await inFlight(pair.gateway, 0)
    const isApi = ({ route }: RequestEvent) => route === 'api'
    expect(pair.gateway.events.filter(isApi).map(({ failure, aborted }) => ({ failure, aborted }))).toEqual(
      Array.from({ length: 3 }, () => ({ failure: 'client-gone', aborted: true })),
    )
    expect((await pair.ask(REPOSITORY, { token })).status).toBe(200)
    expect(count()).toBe(2)
  })

  test('the one that began it, where the others cannot share what comes: its connection is let go', async () => {
    // With one connection there is none left to ask with, if the first is not.
    pair = await startUnlimitedPair({
      settings: { WEIR_CACHE_MAX_ENTRY_BYTES: '1KiB', WEIR_UPSTREAM_MAX_CONNECTIONS: '1' },
    })
    pair.sandbox.world.setFixedPage('/fixed/huge', randomBytes(8_000_000), 'application/octet-stream')
    const held = hold(pair, '/fixed/huge')
    const leader = departing(pair.gateway.origin, '/api/v3/fixed/huge', { authorization })
    await pair.sandbox.log.waitFor({ target: '/fixed/huge' })
    const other = pair.ask('/fixed/huge', { token })
    await inFlight(pair.gateway, 2)
    leader.leave()
    await inFlight(pair.gateway, 1)
    held.lift()
    expect((await other).body.length).toBe(8_000_000)
  })
})

describe('what cannot be shared', () => {
  test('an answer that is larger than an entry: nobody waits for its body, and later ones not at all', async () => {
    pair = await startUnlimitedPair({ settings: { WEIR_CACHE_MAX_ENTRY_BYTES: '64KiB' } })
    const path = `${REPOSITORY}/releases/assets/${ASSETS.big}`
    const asking = { token, headers: { accept: 'application/octet-stream' } }
    const held = hold(pair, path)
    const target = `/api/v3${path}`
    const slow = departing(pair.gateway.origin, target, { authorization, ...asking.headers })
    await pair.sandbox.log.waitFor({ target: path })
    const other = departing(pair.gateway.origin, target, { authorization, ...asking.headers })
    await inFlight(pair.gateway, 2)
    held.lift()
    await eventually(() => slow.isAnswered && other.isAnswered)
    expect(count()).toBe(2)
    // 200 MB each: neither can be complete.
    expect(pair.sandbox.log.entries.every(({ bytes }) => bytes < 200_000_000)).toBe(true)
    const later = hold(pair, path, 2)
    const two = [1, 2].map(() => departing(pair.gateway.origin, target, { authorization, ...asking.headers }))
    // Both have left: neither waits for the other.
    await eventually(() => count() === 4)
    later.lift()
    for (const one of [slow, other, ...two]) one.leave()
  })

  test.each([
    ['no-store', 'no-store'],
    ['private, no-store', 'private, no-store, max-age=0'],
  ])('an answer that says %s', async (_, cacheControl) => {
    pair = await startUnlimitedPair({ switches: { cacheControl } })
    const answers = await together(REPOSITORY, repeated(4))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(answers.filter(isCollapsed)).toEqual([])
    expect(count()).toBe(4)
  })

  test('an answer that may be shared after all is, from the next time on', async () => {
    pair = await startUnlimitedPair({ switches: { cacheControl: 'no-store' } })
    await pair.ask(REPOSITORY, { token })
    pair.sandbox.switches.cacheControl = null
    await pair.ask(REPOSITORY, { token })
    pair.sandbox.log.clear()
    expect((await together(REPOSITORY, repeated(4))).filter(isCollapsed)).toHaveLength(3)
    expect(count()).toBe(1)
  })

  test('other credentials, other fields, other targets', async () => {
    pair = await startUnlimitedPair()
    const held = hold(pair, REPOSITORY, 6)
    const askings: Asking[] = [
      { token },
      { token: TOKENS.hubot },
      { headers: { authorization: `Bearer ${token}` } },
      { token, headers: { accept: 'application/json' } },
      { token, headers: { 'x-github-api-version': '2022-11-28' } },
      {},
    ]
    const answers = askings.map((asking) => pair.ask(REPOSITORY, asking))
    await eventually(() => count() === 6)
    held.lift()
    for (const answer of await Promise.all(answers)) expect(isCollapsed(answer)).toBe(false)
  })

  test.each(['no-cache', 'no-store', 'max-age=0'])('a request that says %s', async (control) => {
    pair = await startUnlimitedPair()
    const insisting = { token, headers: { 'cache-control': control } }
    const held = hold(pair, REPOSITORY, 2)
    const first = pair.ask(REPOSITORY, { token })
    await pair.sandbox.log.waitFor({ target: REPOSITORY })
    const second = pair.ask(REPOSITORY, insisting)
    await eventually(() => count() === 2)
    held.lift()
    expect((await first).status).toBe(200)
    expect((await second).status).toBe(200)
    expect(isCollapsed(await second)).toBe(false)
  })
})

describe('HEAD', () => {
  test('joins GET', async () => {
    pair = await startUnlimitedPair()
    const [got, head] = await together(REPOSITORY, [{ token }, { token, method: 'HEAD' }])
    expect(count()).toBe(1)
    expect(count('HEAD')).toBe(0)
    expect(head).toMatchObject({ status: 200, text: '', complete: true })
    expect(head?.headers['content-length']).toBe(got?.headers['content-length'])
    expect(isCollapsed(head as Answer)).toBe(true)
  })

  test('and HEAD joins HEAD, but GET does not', async () => {
    pair = await startUnlimitedPair()
    const held = hold(pair, REPOSITORY, 2)
    const head = pair.ask(REPOSITORY, { token, method: 'HEAD' })
    await pair.sandbox.log.waitFor({ method: 'HEAD' })
    const got = pair.ask(REPOSITORY, { token })
    await pair.sandbox.log.waitFor({ method: 'GET' })
    held.lift()
    expect((await got).json().id).toBe(501)
    expect((await head).status).toBe(200)
    const heads = await together('/users/hubot', repeated(3, { token, method: 'HEAD' }))
    expect(heads.filter(isCollapsed)).toHaveLength(2)
  })
})
