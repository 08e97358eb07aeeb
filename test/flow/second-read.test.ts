import { afterEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { type Pair, startPair } from '../support/pair.ts'

/** The main promise: what has not changed upstream costs its reader nothing. */

let pair: Pair
afterEach(() => pair.close())

const REPOSITORY = '/repos/octocat/hello-world'
const token = TOKENS.octocat

test('a second read with the same token costs nothing and says the same', async () => {
  pair = await startPair()
  const first = await pair.ask(REPOSITORY, { token })
  expect(first.status).toBe(200)
  expect(pair.sandbox.log.totalCost()).toBe(1)
  pair.sandbox.log.clear()

  const second = await pair.ask(REPOSITORY, { token })
  expect(second.status).toBe(200)
  expect(second.text).toBe(first.text)
  expect(second.headers['etag']).toBe(first.headers['etag'])
  expect(second.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(pair.sandbox.log.count).toBe(1)
  expect(pair.sandbox.log.last).toMatchObject({ status: 304, cost: 0, account: 'user:octocat' })
  // The tag alone: a date beside it would be ignored, and in its place it could confirm what it does not cover.
  expect(pair.sandbox.log.last.headers['if-none-match']).toMatch(/^W\/"[0-9a-f]{64}"$/)
  expect(pair.sandbox.log.last.headers['if-modified-since']).toBeUndefined()
  expect(first.headers['cache-status']).toBe('weir; fwd=uri-miss; fwd-status=200; stored')
  expect(second.headers['cache-status']).toBe('weir; fwd=stale; fwd-status=304; stored')
})

test('what was read is what the upstream says, with its addresses moved', async () => {
  pair = await startPair()
  const { ask, direct, moved } = pair
  for (const path of [
    '/',
    '',
    '/users/hubot',
    '/orgs/octo-org',
    '/octo-org',
    `${REPOSITORY}/issues?page=2&per_page=2`,
  ]) {
    const own = await direct(path, { token })
    for (const answer of [await ask(path, { token }), await ask(path, { token })]) {
      expect(answer.status, path).toBe(own.status)
      expect(answer.text, path).toBe(moved(own.text))
      expect(answer.headers['link'] ?? '', path).toBe(moved(String(own.headers['link'] ?? '')))
      for (const name of ['content-type', 'x-oauth-scopes', 'x-github-media-type', 'last-modified']) {
        expect(answer.headers[name], `${path} ${name}`).toBe(own.headers[name])
      }
    }
  }
})

test('a changed representation is fetched, and its successor confirmed', async () => {
  pair = await startPair()
  const before = (await pair.ask(REPOSITORY, { token })).json()
  pair.sandbox.world.updateRepository(pair.sandbox.world.repository('octocat/hello-world'), { description: 'Changed' })
  const changed = await pair.ask(REPOSITORY, { token })
  expect(changed.json().description).toBe('Changed')
  expect(before.description).not.toBe('Changed')
  expect(changed.headers['cache-status']).toBe('weir; fwd=stale; fwd-status=200; stored')
  const after = await pair.ask(REPOSITORY, { token })
  expect(after.text).toBe(changed.text)
  expect(pair.sandbox.log.last.cost).toBe(0)
})

test('a 304 refreshes the stored headers, but not what describes the body', async () => {
  pair = await startPair({ switches: { statusHeader: true } })
  const first = await pair.ask(REPOSITORY, { token })
  pair.clock.advance(5000)
  pair.sandbox.switches.version = '3.20.1'
  pair.sandbox.switches.faults = [
    { fault: { kind: 'headers', set: { 'X-OAuth-Scopes': 'repo', 'X-New': '1', 'Content-Type': 'text/html' } } },
  ]
  const confirmed = await pair.ask(REPOSITORY, { token })
  expect(pair.sandbox.log.last.status).toBe(304)
  expect(confirmed.status).toBe(200)
  expect(confirmed.headers['status']).toBe('200 OK')
  expect(confirmed.headers['x-github-enterprise-version']).toBe('enterprise-server@3.20.1')
  expect(confirmed.headers['x-oauth-scopes']).toBe('repo')
  expect(confirmed.headers['x-new']).toBe('1')
  expect(confirmed.headers['date']).not.toBe(first.headers['date'])
  expect(confirmed.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(confirmed.headers['vary']).toBe(first.headers['vary'])
  expect(first.headers['vary']).toContain('Authorization')
  // What the first 304 brought stays after a second one that does not bring it.
  expect((await pair.ask(REPOSITORY, { token })).headers['x-new']).toBe('1')
})

test('rate-limit headers are live on every answer', async () => {
  pair = await startPair({ switches: { rateLimits: { core: 100 } } })
  const { ask, direct } = pair
  const remaining = async (path: string) => {
    const { headers } = await ask(path, { token })
    return [headers['x-ratelimit-remaining'], headers['x-ratelimit-used'], headers['x-ratelimit-resource']]
  }
  expect(await remaining(REPOSITORY)).toEqual(['99', '1', 'core'])
  expect(await remaining(REPOSITORY)).toEqual(['99', '1', 'core'])
  // Somebody else of the same account spends a unit behind the gateway's back.
  await direct('/user', { token: TOKENS.octocatOauth })
  expect(await remaining(REPOSITORY)).toEqual(['98', '2', 'core'])
  expect(await remaining('/nowhere')).toEqual(['97', '3', 'core'])
  expect(await remaining('/rate_limit')).toEqual(['97', '3', 'core'])
  expect(await remaining(REPOSITORY)).toEqual(['97', '3', 'core'])
  const written = await ask(`${REPOSITORY}/issues`, { token, method: 'POST', payload: { title: 'One' } })
  expect(written.headers['x-ratelimit-remaining']).toBe('96')
  // One value each: the stored copy's own must not come along, nor stay when the limits are switched off.
  const stated = async () =>
    (await ask(REPOSITORY, { token })).rawHeaders.filter((name) => name.toLowerCase().startsWith('x-ratelimit-'))
  expect(await stated()).toHaveLength(5)
  pair.sandbox.switches.rateLimits = 'off'
  // One answer without numbers may be of a server that is unwell; three in a row say that there are none.
  for (let answers = 1; answers < 3; answers++) expect(await stated()).toHaveLength(5)
  expect(await stated()).toEqual([])
  expect(pair.sandbox.log.last.status).toBe(304)
})

test('HEAD is answered from the copy of a GET, after asking', async () => {
  pair = await startPair()
  const got = await pair.ask(REPOSITORY, { token })
  const head = await pair.ask(REPOSITORY, { token, method: 'HEAD' })
  expect(pair.sandbox.log.last).toMatchObject({ method: 'HEAD', status: 304, cost: 0 })
  expect(head).toMatchObject({ status: 200, text: '', complete: true })
  expect(head.headers['content-length']).toBe(got.headers['content-length'])
  expect(head.headers['etag']).toBe(got.headers['etag'])
  expect(head.headers['content-type']).toBe(got.headers['content-type'])
})

test('HEAD without a copy states the length of the rewritten body or none, and stores nothing', async () => {
  pair = await startPair()
  const head = await pair.ask(REPOSITORY, { token, method: 'HEAD' })
  expect(head).toMatchObject({ status: 200, text: '', complete: true })
  const got = await pair.ask(REPOSITORY, { token })
  expect(pair.sandbox.log.last).toMatchObject({ method: 'GET', status: 200 })
  expect([got.headers['content-length'], undefined]).toContain(head.headers['content-length'])
  expect(head.headers['etag']).toBe(got.headers['etag'])
})

test.each(['github', 'opaque', 'git'] as const)('every ETag rule that is stable is enough: %s', async (etagRule) => {
  pair = await startPair({ switches: { etagRule } })
  for (const accept of [undefined, '', 'application/vnd.github.v3+json']) {
    const headers = accept === undefined ? {} : { accept }
    const first = await pair.ask(REPOSITORY, { token, headers })
    const second = await pair.ask(REPOSITORY, { token, headers })
    expect(second.text).toBe(first.text)
    expect(pair.sandbox.log.last).toMatchObject({ status: 304, cost: 0 })
  }
})

test.each([
  ['reads only one tag at a time', { readsTagLists: false }],
  ['states a length on its 304s', { contentLengthOn304: true }],
  ['sends weak tags only', { weakETags: 'always' }],
  ['sends strong tags only', { weakETags: 'never' }],
  ['sends nothing compressed', { gzip: false }],
  ['sends one line of Vary', { vary: 'one-line' }],
] as const)('a second read is free where the upstream %s', async (_, switches) => {
  pair = await startPair({ switches })
  const first = await pair.ask(REPOSITORY, { token })
  for (let round = 0; round < 3; round++) {
    expect(await pair.ask(REPOSITORY, { token })).toMatchObject({ status: 200, text: first.text, complete: true })
    expect(pair.sandbox.log.last).toMatchObject({ status: 304, cost: 0 })
    const held = { 'if-none-match': String(first.headers['etag']) }
    expect((await pair.ask(REPOSITORY, { token, headers: held })).status).toBe(304)
  }
})

test('without an ETag the date is the validator, alone and only for its own reader', async () => {
  pair = await startPair({ switches: { etagRule: 'none' } })
  const first = await pair.ask(REPOSITORY, { token })
  expect(first.headers['etag']).toBeUndefined()
  const second = await pair.ask(REPOSITORY, { token })
  expect(second).toMatchObject({ status: 200, text: first.text })
  const { status, cost, headers } = pair.sandbox.log.last
  expect({ status, cost }).toEqual({ status: 304, cost: 0 })
  expect(headers['if-modified-since']).toBe(first.headers['last-modified'])
  expect(headers['if-none-match']).toBeUndefined()
  const other = await pair.ask(REPOSITORY, { token: TOKENS.hubot })
  expect(pair.sandbox.log.last.headers['if-modified-since']).toBeUndefined()
  expect(other.json().permissions).toMatchObject({ admin: false })
})

test('without any validator every read is fetched', async () => {
  pair = await startPair({ switches: { etagRule: 'none' } })
  for (const expected of [200, 200]) {
    const answer = await pair.ask('/meta', { token })
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-status']).toBe('weir; fwd=uri-miss; fwd-status=200; detail=no-validator')
    expect(pair.sandbox.log.last).toMatchObject({ status: expected, cost: 1 })
  }
})

test('another token that reads the same thing is asked for by itself, and for nothing', async () => {
  pair = await startPair()
  const first = await pair.ask(REPOSITORY, { token })
  const second = await pair.ask(REPOSITORY, { token: TOKENS.octocatOauth })
  expect(second.text).toBe(first.text)
  expect(pair.sandbox.log.last).toMatchObject({ status: 304, cost: 0, account: 'user:octocat' })
  // The scheme is part of the credential, because it is part of GitHub's ETag.
  await pair.ask(REPOSITORY, { headers: { authorization: `Bearer ${token}` } })
  expect(pair.sandbox.log.last).toMatchObject({ status: 304, cost: 0 })
  expect(pair.sandbox.log.count).toBe(3)
})
