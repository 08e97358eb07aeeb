import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { rawConversation, rawRequest } from '../support/gateway.ts'
import { type Pair, startPair } from '../support/pair.ts'

/** Messages that two parsers could read in two ways, or that are too much: refused, and nothing of them goes upstream. */

let pair: Pair
let host: string
beforeAll(async () => {
  pair = await startPair()
  host = new URL(pair.gateway.origin).host
})
afterAll(async () => {
  expect((await rawRequest(pair.gateway.origin, '/_weir/healthz')).status).toBe(200)
  await pair.close()
})
beforeEach(() => pair.sandbox.log.clear())

const ISSUES = '/api/v3/repos/octocat/hello-world/issues'
const CREDENTIAL = `Authorization: token ${TOKENS.octocat}`
const SMUGGLED = 'DELETE /api/v3/repos/octocat/hello-world HTTP/1.1\r\nHost: x\r\n\r\n'

/** Statuses of every answer that came back on the connection. */
async function exchange(lines: readonly string[], body = ''): Promise<number[]> {
  const text = await rawConversation(pair.gateway.origin, `${lines.join('\r\n')}\r\n\r\n${body}`)
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}

const POST = [`POST ${ISSUES} HTTP/1.1`, '', CREDENTIAL]

test.each([
  ['a length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked'], `0\r\n\r\n${SMUGGLED}`],
  ['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 4'], `0\r\n\r\n${SMUGGLED}`],
  ['two lengths', ['Content-Length: 2', 'Content-Length: 40'], `{}${SMUGGLED}`],
  ['two equal lengths', ['Content-Length: 2', 'Content-Length: 2'], `{}${SMUGGLED}`],
  ['a list of lengths', ['Content-Length: 2, 2'], `{}${SMUGGLED}`],
  ['a signed length', ['Content-Length: +2'], `{}${SMUGGLED}`],
  ['a hexadecimal length', ['Content-Length: 0x2'], `{}${SMUGGLED}`],
  ['a negative length', ['Content-Length: -1'], `{}${SMUGGLED}`],
  ['chunks twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], `0\r\n\r\n${SMUGGLED}`],
  ['an unknown coding', ['Transfer-Encoding: xchunked'], `0\r\n\r\n${SMUGGLED}`],
  ['a coding before chunks', ['Transfer-Encoding: gzip, chunked'], `0\r\n\r\n${SMUGGLED}`],
  [
    'a coding before chunks in a line of its own',
    ['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'],
    '0\r\n\r\n',
  ],
  ['an identity before chunks', ['Transfer-Encoding: identity, chunked'], `0\r\n\r\n${SMUGGLED}`],
  ['a coding after chunks', ['Transfer-Encoding: chunked, gzip'], `0\r\n\r\n${SMUGGLED}`],
  ['a space before the colon', ['Transfer-Encoding : chunked'], `0\r\n\r\n${SMUGGLED}`],
  ['a folded line', ['Content-Length:', ' 2'], `{}${SMUGGLED}`],
  ['a bare line feed', ['X: 1\nContent-Length: 2'], `{}${SMUGGLED}`],
  ['a NUL in a value', ['X-Github-Otp: a\0b', 'Content-Length: 2'], `{}${SMUGGLED}`],
])('%s: nothing is smuggled', async (_, fields, body) => {
  const statuses = await exchange([POST[0]!, `Host: ${host}`, CREDENTIAL, ...fields], body)
  // Where Node's parser stumbles over the rest, it says so a second time.
  expect(new Set(statuses)).toEqual(new Set([400]))
  expect(pair.sandbox.log.filter({ method: 'DELETE' })).toEqual([])
  for (const { headers } of pair.sandbox.log.entries) {
    expect(headers['content-length'] !== undefined && headers['transfer-encoding'] !== undefined).toBe(false)
  }
  expect(pair.sandbox.world.repository('octocat/hello-world').id).toBe(501)
})

test('a broken chunk after a good beginning is not taken for the whole', async () => {
  const before = pair.sandbox.world.repository('octocat/hello-world').issues.length
  const fields = ['Transfer-Encoding: chunked', 'Content-Type: application/json']
  const body = '13\r\n{"title":"Smuggled"\r\nzz\r\n}\r\n0\r\n\r\n'
  const statuses = await exchange([POST[0]!, `Host: ${host}`, CREDENTIAL, ...fields], body)
  expect(statuses.every((status) => status >= 400)).toBe(true)
  expect(pair.sandbox.world.repository('octocat/hello-world').issues).toHaveLength(before)
})

test('extensions of chunks and trailers do not go upstream', async () => {
  const fields = ['Transfer-Encoding: chunked', 'Trailer: Authorization', 'Connection: close']
  const body = `2;a=b\r\n{}\r\n0\r\nAuthorization: token ${TOKENS.admin}\r\nX-Late: 1\r\n\r\n`
  expect(await exchange([POST[0]!, `Host: ${host}`, CREDENTIAL, ...fields], body)).toEqual([422])
  const { headers, credential } = pair.sandbox.log.last
  expect(credential).toBe(`token ${TOKENS.octocat}`)
  expect(headers['trailer']).toBeUndefined()
  expect(headers['x-late']).toBeUndefined()
})

test.each([
  ['no host', []],
  ['two hosts', ['Host: a', 'Host: b']],
  ['the same host twice', ['Host: a', 'Host: a']],
  ['a host with a path', ['Host: evil.example/x']],
  ['a host with a user', ['Host: user@evil.example']],
  ['a host with markup', ['Host: "><script>']],
  ['a list of hosts', ['Host: a, b']],
  ['an empty host', ['Host:']],
])('%s is refused', async (_, fields) => {
  expect(await exchange(['GET /api/v3/user HTTP/1.1', ...fields, CREDENTIAL, 'Connection: close'])).toEqual([400])
  expect(pair.sandbox.log.count).toBe(0)
})

test.each([
  ['two different credentials', ['Authorization: token a', 'Authorization: token b']],
  ['the same credential twice', [CREDENTIAL, CREDENTIAL]],
  ['two one-time codes', [CREDENTIAL, 'X-GitHub-OTP: 1', 'X-GitHub-OTP: 2']],
])('%s are refused', async (_, fields) => {
  for (const method of ['GET', 'DELETE']) {
    const lines = [`${method} /api/v3/user HTTP/1.1`, `Host: ${host}`, ...fields, 'Connection: close']
    expect(await exchange(lines)).toEqual([400])
  }
  expect(pair.sandbox.log.count).toBe(0)
})

test('more than 32 kB of headers is a 431 in GitHub’s shape', async () => {
  for (const flood of [
    `X-Big: ${'x'.repeat(40_000)}`,
    Array.from({ length: 3000 }, (_, n) => `X-${n}: yyyyyyyy`).join('\r\n'),
  ]) {
    const text = await rawConversation(
      pair.gateway.origin,
      `GET /api/v3/user HTTP/1.1\r\nHost: ${host}\r\n${flood}\r\n\r\n`,
    )
    expect(text).toMatch(/^HTTP\/1\.1 431 /)
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)).message).toBe('Request header fields are too large')
  }
  const target = await rawConversation(
    pair.gateway.origin,
    `GET /api/v3/${'x'.repeat(40_000)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  )
  expect(target).toMatch(/^HTTP\/1\.1 431 /)
  expect(pair.sandbox.log.count).toBe(0)
})

test('20 kB of headers is no flood', async () => {
  const answer = await pair.ask('/user', { token: TOKENS.octocat, headers: { 'x-big': 'x'.repeat(20_000) } })
  expect(answer.status).toBe(200)
})

test('noise instead of a request is refused', async () => {
  for (const noise of [
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'HELO mail.example\r\n\r\n',
    '\0\0\0\0\r\n\r\n',
  ]) {
    expect(await rawConversation(pair.gateway.origin, noise)).toMatch(/^HTTP\/1\.1 400 /)
  }
  expect(pair.sandbox.log.count).toBe(0)
})

test('what is sent behind a refused request is not acted upon', async () => {
  const star = 'PUT /api/v3/user/starred/octocat/hello-world HTTP/1.1'
  const second = `${star}\r\nHost: ${host}\r\n${CREDENTIAL}\r\n\r\n`
  for (const first of [
    ['GET /api/v3/user HTTP/1.1', 'Host: a', 'Host: b'],
    ['GET http://evil.example/ HTTP/1.1', `Host: ${host}`],
    ['GET /api/v3/user HTTP/1.1', `Host: ${host}`, 'Connection: close'],
  ]) {
    expect(await exchange([...first, CREDENTIAL], second)).toHaveLength(1)
    expect(pair.sandbox.log.filter({ method: 'PUT' })).toEqual([])
  }
  // Behind one that is answered and leaves the connection open it is.
  const kept = ['GET /api/v3/nowhere HTTP/1.1', `Host: ${host}`, CREDENTIAL]
  expect(await exchange(kept, `${second.slice(0, -2)}Connection: close\r\n\r\n`)).toEqual([404, 204])
})

test('requests in a pipeline are answered in order, each to its own credential', async () => {
  const request = (token: string, last = false) =>
    `GET /api/v3/user HTTP/1.1\r\nHost: ${host}\r\nAuthorization: token ${token}\r\n${last ? 'Connection: close\r\n' : ''}\r\n`
  const text = await rawConversation(
    pair.gateway.origin,
    request(TOKENS.octocat) + request(TOKENS.hubot) + request(TOKENS.stranger, true),
  )
  expect([...text.matchAll(/"login":"(\w+)"/g)].map(([, login]) => login)).toEqual(['octocat', 'hubot', 'stranger'])
})

test('an upgrade is not negotiated', async () => {
  const answer = await pair.ask('/user', {
    token: TOKENS.octocat,
    headers: { connection: 'Upgrade', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' },
  })
  expect(answer.status).toBe(200)
  expect(pair.sandbox.log.last.headers['upgrade']).toBeUndefined()
  expect(pair.sandbox.log.last.headers['http2-settings']).toBeUndefined()
})
