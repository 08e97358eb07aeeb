import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { ASSETS, TOKENS } from '../../sandbox/index.ts'
import { type Pair, startPair } from '../support/pair.ts'

/** What is rewritten for clients and what never is, whatever form the upstream sends it in. */

let pair: Pair
afterEach(() => pair.close())

const REPOSITORY = '/repos/octocat/hello-world'
const token = TOKENS.octocat

test('addresses of the API move; web, git, ssh and avatar addresses stay', async () => {
  pair = await startPair({ settings: { WEIR_PUBLIC_URL: 'https://weir.example.com' } })
  const { ask, direct, sandbox } = pair
  const own = (await direct(REPOSITORY, { token })).json()
  const answer = (await ask(REPOSITORY, { token })).json()
  const api = 'https://weir.example.com/api/v3'
  expect(answer.url).toBe(`${api}${REPOSITORY}`)
  expect(answer.branches_url).toBe(`${api}${REPOSITORY}/branches{/branch}`)
  expect(answer.owner.following_url).toBe(`${api}/users/octocat/following{/other_user}`)
  for (const field of ['html_url', 'git_url', 'ssh_url', 'clone_url', 'svn_url']) {
    expect(answer[field]).toBe(own[field])
  }
  expect(answer.owner.html_url).toBe(own.owner.html_url)
  expect(answer.owner.avatar_url).toContain(sandbox.origin)
  expect(JSON.stringify(answer)).not.toContain('/api/v3/api/v3')
})

test('what people typed stays, although it looks like an address of the API', async () => {
  pair = await startPair()
  const { ask, sandbox, gateway } = pair
  const typed = `${sandbox.urls.api}${REPOSITORY}`
  const read = async (path: string) => (await ask(path, { token })).json()

  const repository = await read(REPOSITORY)
  expect(repository.homepage).toBe(typed)
  expect(repository.description).toContain(typed)
  expect(repository.custom_properties).toEqual({ dashboard: typed, team: 'platform', tags: [typed, 'two'] })
  expect((await read('/users/octocat')).blog).toBe(`${sandbox.urls.api}/users/octocat`)
  const issue = await read(`${REPOSITORY}/issues/1`)
  expect(issue.title).toContain(typed)
  expect(issue.body).toContain(`"url":"${typed}"`)
  const [hook] = await read(`${REPOSITORY}/hooks`)
  expect(hook.config.url).toBe(`${typed}/a-receiver-that-somebody-typed`)
  expect(hook.url).toBe(`${gateway.api}${REPOSITORY}/hooks/8001`)
  const [deployment] = await read(`${REPOSITORY}/deployments`)
  expect(deployment.payload).toEqual({ url: typed, html_url: typed, note: 'typed by a person' })
  const [status] = await read(`${REPOSITORY}/deployments/8101/statuses`)
  expect(status).toMatchObject({
    target_url: `${typed}/typed-target`,
    log_url: `${typed}/typed-log`,
    environment_url: `${typed}/typed-environment`,
    deployment_url: `${gateway.api}${REPOSITORY}/deployments/8101`,
  })
  const { variables } = await read(`${REPOSITORY}/actions/variables`)
  expect(variables).toContainEqual(expect.objectContaining({ name: 'API_ROOT', value: sandbox.urls.api }))
  const values = await read(`${REPOSITORY}/properties/values`)
  expect(values).toContainEqual({ property_name: 'dashboard', value: typed })
})

test('what was typed survives being read, edited and sent back', async () => {
  pair = await startPair()
  const { ask, sandbox } = pair
  const typed = `${sandbox.urls.api}${REPOSITORY}`
  const { homepage, description } = (await ask(REPOSITORY, { token })).json()
  await ask(REPOSITORY, { token, method: 'PATCH', payload: { homepage, description } })
  const stored = sandbox.world.repository('octocat/hello-world')
  expect(stored.homepage).toBe(typed)
  expect(stored.description).toContain(typed)
})

test('raw, html, diff and binary answers pass byte for byte', async () => {
  pair = await startPair()
  const { ask, direct, sandbox } = pair
  const { commits } = sandbox.world.repository('octocat/hello-world')
  const cases: [path: string, accept: string][] = [
    [`${REPOSITORY}/contents/docs/links.md`, 'application/vnd.github.v3.raw'],
    [`${REPOSITORY}/contents/links.json`, 'application/vnd.github.v3.raw'],
    [`${REPOSITORY}/contents/links.json`, 'application/vnd.github.raw+json'],
    [`${REPOSITORY}/contents/links.json`, 'application/vnd.github.v3.html'],
    [`${REPOSITORY}/commits/${commits[0]?.sha}`, 'application/vnd.github.v3.diff'],
    [`${REPOSITORY}/commits/${commits[0]?.sha}`, 'application/vnd.github.v3.patch'],
    [`${REPOSITORY}/releases/assets/${ASSETS.small}`, 'application/octet-stream'],
  ]
  for (const [path, accept] of cases) {
    const own = await direct(path, { token, headers: { accept } })
    for (let round = 0; round < 2; round++) {
      const answer = await ask(path, { token, headers: { accept } })
      expect(answer.body.equals(own.body), accept).toBe(true)
      expect(answer.headers['content-type']).toBe(own.headers['content-type'])
    }
  }
})

test.each([
  ['raw', `${REPOSITORY}/contents/links.json`, 'application/vnd.github.v3.raw'],
  ['diff', `${REPOSITORY}/pulls/1`, 'application/vnd.github.diff'],
  ['patch', `${REPOSITORY}/commits/main`, 'application/vnd.github.v3.patch'],
  ['sha', `${REPOSITORY}/commits/main`, 'application/vnd.github.sha'],
  ['binary', `${REPOSITORY}/releases/assets/${ASSETS.small}`, 'application/octet-stream'],
])('a %s answer that claims to be JSON is still a file', async (_, path, accept) => {
  pair = await startPair()
  const body = JSON.stringify({ url: `${pair.sandbox.urls.api}/user` })
  const headers = ['Content-Type', 'application/json; charset=utf-8', 'ETag', '"one"']
  pair.sandbox.switches.faults = [{ fault: { kind: 'answer', status: 200, headers, body } }]
  const answer = await pair.ask(path, { token, headers: { accept } })
  expect(answer).toMatchObject({ status: 200, text: body })
  // The same body where JSON was asked for is rewritten.
  pair.sandbox.switches.faults = [{ fault: { kind: 'answer', status: 200, headers, body } }]
  expect((await pair.ask(path, { token })).json().url).toBe(`${pair.gateway.api}/user`)
})

test.each([['gzip'], ['br']])('%s from the upstream is undone once, and made anew for who asks', async (coding) => {
  pair = await startPair()
  const { ask, sandbox } = pair
  const undo = coding === 'gzip' ? gunzipSync : brotliDecompressSync
  const plain = await ask(REPOSITORY, { token })
  expect(sandbox.log.last.headers['accept-encoding']).toBe('gzip, br')
  expect(plain.headers['content-encoding']).toBeUndefined()
  for (let round = 0; round < 2; round++) {
    const packed = await ask(REPOSITORY, { token, headers: { 'accept-encoding': coding } })
    expect(packed.headers['content-encoding']).toBe(coding)
    expect(packed.headers['vary']).toContain('Accept-Encoding')
    expect(Number(packed.headers['content-length'])).toBe(packed.body.length)
    expect(undo(packed.body).toString()).toBe(plain.text)
    expect(packed.headers['etag']).toBe(plain.headers['etag'])
  }
})

test('an upstream that sends brotli is understood', async () => {
  pair = await startPair()
  const { brotliCompressSync } = await import('node:zlib')
  const body = JSON.stringify({ url: `${pair.sandbox.urls.api}/user`, filler: 'x'.repeat(2000) })
  pair.sandbox.switches.faults = [
    {
      fault: {
        kind: 'answer',
        status: 200,
        headers: ['Content-Type', 'application/json', 'Content-Encoding', 'br', 'ETag', '"one"'],
        body: brotliCompressSync(body),
      },
    },
  ]
  const answer = await pair.ask('/user', { token })
  expect(answer.headers['content-encoding']).toBeUndefined()
  expect(answer.json().url).toBe(`${pair.gateway.api}/user`)
})

test.each([
  ['indented', { prettyPrint: 'always' as const }],
  ['with escaped slashes', { escapeSlashes: true }],
  ['both', { escapeSlashes: true, prettyPrint: 'always' as const }],
])('JSON %s is rewritten in place', async (_, switches) => {
  pair = await startPair({ switches })
  const { ask, direct, gateway } = pair
  const own = await direct('/orgs/octo-org', { token })
  const answer = await ask('/orgs/octo-org', { token })
  expect(answer.json()).toEqual(JSON.parse(pair.moved(JSON.stringify(own.json()))))
  expect(answer.json().url).toBe(`${gateway.api}/orgs/octo-org`)
  expect(answer.text.split('\n')).toHaveLength(own.text.split('\n').length)
  const again = await ask('/orgs/octo-org', { token })
  expect(again.text).toBe(answer.text)
  expect(pair.sandbox.log.last.cost).toBe(0)
})

test('behind a trusted proxy addresses are those that its clients use', async () => {
  pair = await startPair({ settings: { WEIR_TRUSTED_PROXIES: '127.0.0.1' } })
  const headers = {
    'x-forwarded-for': '203.0.113.7',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'weir.example.com',
  }
  const answer = await pair.ask('/repos/octo-org/many-issues/issues', { token, headers })
  expect(answer.json()[0].url).toMatch(/^https:\/\/weir\.example\.com\/api\/v3\/repos\//)
  expect(answer.headers['link']).toMatch(/^<https:\/\/weir\.example\.com\/api\/v3\/repositories\/510\/issues\?/)
})

test('a client that is no trusted proxy cannot choose the addresses', async () => {
  pair = await startPair()
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' }
  const answer = await pair.ask('/user', { token, headers })
  expect(answer.text).not.toContain('evil.example')
  expect(answer.json().url).toBe(`${pair.gateway.api}/users/octocat`)
})

test('JSON over the bound of an entry is rewritten as it streams, and not kept', async () => {
  pair = await startPair({ settings: { WEIR_CACHE_MAX_ENTRY_BYTES: '64KiB' } })
  const { ask, direct, moved, sandbox } = pair
  const own = await direct('/fixed/large')
  expect(own.body.length).toBeGreaterThan(200_000)
  for (const headers of [{}, { 'accept-encoding': 'gzip' }]) {
    const answer = await ask('/fixed/large', { headers })
    const text = answer.headers['content-encoding'] === 'gzip' ? gunzipSync(answer.body).toString() : answer.text
    expect(text).toBe(moved(own.text))
    expect(answer.headers['cache-status']).toContain('detail=too-large')
    expect(sandbox.log.last.status).toBe(200)
  }
})
