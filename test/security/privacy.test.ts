import { afterEach, beforeEach, expect, test } from 'vitest'
import { APPLICATION, ONE_TIME_CODE, PASSWORDS, TOKENS } from '../../sandbox/index.ts'
import { type Asking, type Pair, startPair } from '../support/pair.ts'

/** What one reader may know never reaches another, in body, header, status or timing of the cache. */

let pair: Pair
beforeEach(async () => {
  pair = await startPair()
})
afterEach(() => pair.close())

const SECRET = '/repos/octo-org/secret'
const PUBLIC = '/repos/octocat/hello-world'
const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

test('a private repository does not exist for those who may not read it, before and after others did', async () => {
  const { ask, direct } = pair
  const outsiders = [TOKENS.stranger, TOKENS.octocatPublicOnly, undefined]
  const look = async () => {
    for (const token of outsiders) {
      const asking = token === undefined ? {} : { token }
      const answer = await ask(SECRET, asking)
      expect(answer.status).toBe(404)
      expect(answer.text).toBe((await direct(SECRET, asking)).text)
      expect(answer.headers['cache-status']).toBe('weir; fwd=miss')
      expect(answer.headers['etag']).toBeUndefined()
      expect(answer.headers['last-modified']).toBeUndefined()
    }
  }
  await look()
  const read = await ask(SECRET, { token: TOKENS.octocat })
  expect(read.json().full_name).toBe('octo-org/secret')
  await look()
  // Not even with the entity tag of somebody who may.
  const stolen = { 'if-none-match': String(read.headers['etag']) }
  for (const token of outsiders) {
    const answer = await ask(SECRET, { ...(token === undefined ? {} : { token }), headers: stolen })
    expect(answer).toMatchObject({ status: 404 })
  }
})

test('permissions are the reader’s own, however reads interleave', async () => {
  const { ask } = pair
  const expected: [token: string, permissions: Record<string, boolean>][] = [
    [TOKENS.octocat, { admin: true, push: true, pull: true }],
    [TOKENS.hubot, { admin: false, push: true, pull: true }],
    [TOKENS.monalisa, { admin: false, push: false, pull: true }],
    [TOKENS.stranger, { admin: false, push: false, pull: true }],
  ]
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      [...expected, ...expected].map(async ([token, permissions]) => {
        const { json, headers } = await ask(PUBLIC, { token })
        expect(json().permissions).toMatchObject(permissions)
        expect(headers['cache-control']).toContain('private')
      }),
    )
    expect((await ask(PUBLIC)).json().permissions).toBeUndefined()
  }
})

test('headers are the reader’s own too', async () => {
  const { ask, sandbox } = pair
  sandbox.switches.rateLimits = { core: 1000 }
  for (let round = 0; round < 2; round++) {
    const octocat = await ask(PUBLIC, { token: TOKENS.octocat })
    const hubot = await ask(PUBLIC, { token: TOKENS.hubotOauth })
    expect(octocat.headers['x-oauth-scopes']).toContain('admin:org')
    expect(hubot.headers['x-oauth-scopes']).toBe('repo')
    expect(octocat.headers['x-ratelimit-limit']).toBe('1000')
    const anonymous = await ask(PUBLIC)
    expect(anonymous.headers['x-oauth-scopes']).toBeUndefined()
    expect(anonymous.headers['x-ratelimit-limit']).toBe('60')
    const ids = [octocat, hubot].map(({ headers }) => headers['x-github-request-id'])
    expect(new Set(ids).size).toBe(2)
  }
})

test('access that is withdrawn is gone with the next read', async () => {
  const { ask, sandbox } = pair
  const repository = sandbox.world.repository('octo-org/secret')
  const monalisa = { token: TOKENS.monalisa }
  const first = await ask(SECRET, monalisa)
  expect(first.status).toBe(200)
  sandbox.world.setCollaborator(repository, 'monalisa', null)
  expect((await ask(SECRET, monalisa)).status).toBe(404)
  const conditional = { ...monalisa, headers: { 'if-none-match': String(first.headers['etag']) } }
  expect((await ask(SECRET, conditional)).status).toBe(404)
  // Given back, it is there again with the upstream's word for it: the body is the one that was held.
  sandbox.world.setCollaborator(repository, 'monalisa', 'pull')
  expect(await ask(SECRET, monalisa)).toMatchObject({ status: 200, text: first.text })
  expect(sandbox.log.last).toMatchObject({ status: 304, cost: 0 })
})

test('a revoked token gets a 401 and nothing else', async () => {
  const { ask, sandbox } = pair
  await ask('/user', { token: TOKENS.hubot })
  sandbox.world.revokeToken(TOKENS.hubot)
  const answer = await ask('/user', { token: TOKENS.hubot })
  expect(answer.status).toBe(401)
  expect(answer.text).not.toContain('hubot')
})

test('a duration of freshness does not outlive what the upstream refuses', async () => {
  await pair.close()
  pair = await startPair({ settings: { WEIR_FRESHNESS: '1h' } })
  const { ask, sandbox } = pair
  const { token } = { token: TOKENS.monalisa }
  await ask(SECRET, { token })
  sandbox.world.setCollaborator(sandbox.world.repository('octo-org/secret'), 'monalisa', null)
  // Within the hour the copy may be used; whoever asks for what is true now is told, and then so is everybody.
  expect((await ask(SECRET, { token })).headers['cache-status']).toBe('weir; hit')
  expect((await ask(SECRET, { token, headers: { 'cache-control': 'no-cache' } })).status).toBe(404)
  expect((await ask(SECRET, { token })).status).toBe(404)
})

test('a duration of freshness is one credential’s, and every part of it counts', async () => {
  await pair.close()
  pair = await startPair({ settings: { WEIR_FRESHNESS: '1h' } })
  const { ask, sandbox } = pair
  const password = { authorization: basic('monalisa', PASSWORDS.monalisa) }
  const readers: Asking[] = [
    { headers: { ...password, 'x-github-otp': ONE_TIME_CODE } },
    { headers: password },
    { headers: { ...password, 'x-github-otp': '000000' } },
    { headers: { authorization: basic('monalisa', 'wrong') } },
    { headers: { 'x-github-otp': ONE_TIME_CODE } },
    { token: TOKENS.monalisa },
    { headers: { authorization: `Bearer ${TOKENS.monalisa}` } },
    { headers: { authorization: `token ${TOKENS.monalisa} ` } },
    {},
  ]
  const queries = [`access_token=${TOKENS.monalisa}`, 'access_token=wrong', `access%5Ftoken=${TOKENS.monalisa}`]
  for (const reader of readers) await ask('/user', reader)
  for (const query of queries) await ask(`/user?${query}`)
  // Spaces at the end of a field are no part of it (RFC 9110 §5.5), so that one reader was the same as another.
  expect(sandbox.log.count).toBe(readers.length + queries.length - 1)
})

test('an anonymous copy is for the anonymous, and nobody’s copy for them', async () => {
  const { ask, sandbox } = pair
  await ask(PUBLIC, { token: TOKENS.octocat })
  const anonymous = await ask(PUBLIC)
  expect(anonymous.json().permissions).toBeUndefined()
  expect(anonymous.headers['cache-status']).toContain('fwd=uri-miss')
  sandbox.log.clear()
  for (const authorization of [
    basic('hubot', PASSWORDS.hubot),
    basic(APPLICATION.clientId, APPLICATION.clientSecret),
    `token ${TOKENS.stranger}`,
    'token wrong',
    '',
  ]) {
    await ask(PUBLIC, { headers: { authorization } })
  }
  expect(sandbox.log.count).toBe(5)
  await ask(PUBLIC, { headers: { 'x-github-otp': '1' } })
  await ask(`${PUBLIC}?access_token=wrong`)
  expect(sandbox.log.count).toBe(7)
})

test('Basic and token of the same user are two readers', async () => {
  const { ask, sandbox } = pair
  await ask('/user', { token: TOKENS.hubot })
  for (const password of [PASSWORDS.hubot, 'wrong', PASSWORDS.hubot]) {
    const answer = await ask('/user', { headers: { authorization: basic('hubot', password) } })
    expect(answer.status).toBe(password === 'wrong' ? 401 : 200)
  }
  expect(sandbox.log.entries.map(({ status }) => status)).toEqual([200, 304, 401, 304])
})

test('media types and API versions are different things', async () => {
  const { ask } = pair
  const token = TOKENS.octocat
  const path = `${PUBLIC}/contents/README.md`
  const json = await ask(path, { token })
  const raw = await ask(path, { token, headers: { accept: 'application/vnd.github.v3.raw' } })
  const html = await ask(path, { token, headers: { accept: 'application/vnd.github.v3.html' } })
  expect(new Set([json.text, raw.text, html.text]).size).toBe(3)
  for (const version of ['2022-11-28', '2026-03-10']) {
    const answer = await ask(PUBLIC, { token, headers: { 'x-github-api-version': version } })
    expect(answer.headers['x-github-api-version-selected']).toBe(version)
    const own = await pair.direct(PUBLIC, { token, headers: { 'x-github-api-version': version } })
    expect(pair.moved(answer.text)).toBe(pair.moved(own.text))
  }
})
