import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { version } from '../../src/version.ts'
import { type Pair, startPair } from '../support/pair.ts'

/** Request headers go upstream by an allow-list, exactly as they came; everything else stays. */

let pair: Pair
beforeAll(async () => {
  pair = await startPair()
})
afterAll(() => pair.close())
beforeEach(() => pair.sandbox.log.clear())

const token = TOKENS.octocat

/** Names and values that arrived upstream, names in lower case. */
function arrived(): [string, string][] {
  const { rawHeaders } = pair.sandbox.log.last
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ''] as [string, string]] : [],
  )
}

const NEVER = {
  cookie: 'user_session=secret',
  'x-forwarded-for': '203.0.113.1',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'https',
  'x-real-ip': '203.0.113.1',
  forwarded: 'for=203.0.113.1',
  via: '1.1 proxy',
  'x-weir-client': 'me',
  'x-weir-anything': '1',
  'x-http-method-override': 'DELETE',
  'x-http-method': 'DELETE',
  'x-method-override': 'DELETE',
  'accept-language': 'de',
  'accept-charset': 'utf-8',
  referer: 'https://example.com/',
  origin: 'https://example.com',
  'sec-fetch-site': 'none',
  'proxy-authorization': 'Basic c2VjcmV0',
  'x-request-id': 'mine-1234567890',
  'x-unknown': '1',
  'user-agent': 'Mozilla/5.0',
  te: 'trailers',
  'keep-alive': 'timeout=5',
  authorization2: 'x',
}

test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])(
  '%s: nothing that is not on the list leaves',
  async (method) => {
    await pair.ask('/repos/octocat/nothing', { token, method, headers: NEVER })
    expect(pair.sandbox.log.last.method).toBe(method)
    const names = new Map(arrived())
    for (const name of Object.keys(NEVER)) if (name !== 'user-agent') expect(names.has(name), name).toBe(false)
    const known = ['host', 'user-agent', 'authorization', 'accept-encoding', 'connection', 'content-length']
    // A read is conditional from the first on: it offers the tag of an empty list.
    if (method === 'GET' || method === 'HEAD') known.push('if-none-match')
    expect([...names.keys()].filter((name) => !known.includes(name))).toEqual([])
  },
)

test('graphql, uploads and manage are no way around it', async () => {
  const { gateway } = pair
  const { client } = await import('../support/pair.ts')
  for (const path of ['/api/graphql', '/api/uploads/x', '/manage/v1/version']) {
    // Sent from a proxy the Manage API is closed anyway, so what would close it is left out.
    const { 'x-forwarded-for': _a, 'x-forwarded-host': _b, 'x-forwarded-proto': _c, ...rest } = NEVER
    const { 'x-real-ip': _d, forwarded: _e, via: _f, ...fields } = rest
    await client(gateway.origin)(path, { token, method: 'POST', headers: path.startsWith('/manage') ? fields : NEVER })
    const names = new Map(arrived())
    for (const name of Object.keys(NEVER)) if (name !== 'user-agent') expect(names.has(name), name).toBe(false)
  }
  expect(pair.sandbox.log.count).toBe(3)
})

test('what GitHub reads arrives as it was sent, each once', async () => {
  const fields = {
    accept: 'application/vnd.github.v3+json, */*;q=0.1',
    'time-zone': 'Europe/Amsterdam',
    'x-github-api-version': '2022-11-28',
    'x-github-otp': '123456',
    'graphql-features': 'preview',
    'content-type': 'application/json; charset=utf-8',
  }
  await pair.ask('/repos/octocat/hello-world/issues', { token, method: 'POST', payload: '{}', headers: fields })
  expect(arrived()).toEqual(expect.arrayContaining(Object.entries(fields)))
  const names = arrived().map(([name]) => name)
  expect(new Set(names).size).toBe(names.length)
})

test('an absent Accept stays absent and an empty one empty', async () => {
  const accepts = () => arrived().filter(([name]) => name === 'accept')
  await pair.ask('/user', { token })
  expect(accepts()).toEqual([])
  await pair.ask('/user', { token, headers: { accept: '' } })
  expect(accepts()).toEqual([['accept', '']])
  await pair.ask('/user', { token, headers: { accept: '*/*' } })
  expect(accepts()).toEqual([['accept', '*/*']])
})

test('the upstream knows one agent and one host', async () => {
  for (const agent of ['curl/8', 'Mozilla/5.0 (X11)', '']) {
    await pair.ask('/user', { token, headers: { 'user-agent': agent } })
    expect(arrived()).toEqual(
      expect.arrayContaining([
        ['user-agent', `weir/${version}`],
        ['host', new URL(pair.sandbox.origin).host],
        ['accept-encoding', 'gzip, br'],
      ]),
    )
  }
})

test('the credential arrives byte for byte', async () => {
  for (const authorization of [`token ${token}`, `Bearer ${token}`, `bearer  ${token}`, `TOKEN ${token}`]) {
    await pair.ask('/user', { headers: { authorization } })
    expect(arrived()).toContainEqual(['authorization', authorization])
  }
})

test('a field that another one names as belonging to the connection stays', async () => {
  await pair.ask('/user', { token, headers: { connection: 'close, X-GitHub-OTP', 'x-github-otp': '1' } })
  const names = arrived().map(([name]) => name)
  expect(names.filter((name) => name === 'connection')).toHaveLength(1)
})
