import { networkInterfaces } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import { MANAGE_USERS, TOKENS } from '../../sandbox/index.ts'
import { client, type Pair, startPair } from '../support/pair.ts'

/** Pages for operators, asked for from outside: who gets in, and who only looks as if. */

let pair: Pair
afterEach(() => pair.close())

const ADMIN_TOKEN = 'an-admin-token-of-the-test'

async function start(settings: Record<string, string> = {}) {
  pair = await startPair({ settings })
  return client(pair.gateway.origin)
}

/** The same gateway under another address of this machine, where it has one. */
function outsideOrigin(): string | undefined {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address
  return address === undefined ? undefined : `http://${address}:${new URL(pair.gateway.origin).port}`
}

test('metrics are for whoever sits at the machine', async () => {
  const ask = await start()
  const answer = await ask('/_weir/metrics')
  expect(answer.status).toBe(200)
  expect(answer.text).toContain('# TYPE ')
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.headers['access-control-allow-origin']).toBeUndefined()
})

test.each([
  ['a rebound name', { host: 'evil.example' }],
  ['a rebound name with the port', { host: 'evil.example:8787' }],
  ['a name that only begins like this machine', { host: 'localhost.evil.example' }],
  ['a proxy', { 'x-forwarded-for': '127.0.0.1' }],
  ['a proxy that names loopback', { forwarded: 'for=127.0.0.1' }],
  ['another kind of proxy', { via: '1.1 proxy' }],
  ['a proxy with its own field', { 'x-real-ip': '127.0.0.1' }],
  ['another site’s page', { 'sec-fetch-site': 'cross-site' }],
  ['a neighbouring site’s page', { 'sec-fetch-site': 'same-site' }],
])('metrics are not for %s', async (_, headers) => {
  for (const settings of [{}, { WEIR_TRUSTED_PROXIES: '127.0.0.1' }, { WEIR_ADMIN_TOKEN: ADMIN_TOKEN }]) {
    const ask = await start(settings)
    const answer = await ask('/_weir/metrics', { headers })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="weir"')
    expect(answer.text).not.toContain('# TYPE ')
    // Health is for load balancers, who look like any of these.
    expect((await ask('/_weir/healthz', { headers })).status).toBe(200)
    expect((await ask('/_weir/readyz', { headers })).status).toBe(200)
    await pair.close()
  }
  await start()
})

test('the admin token opens them from anywhere, and nothing like it does', async () => {
  const ask = await start({ WEIR_ADMIN_TOKEN: ADMIN_TOKEN })
  const status = async (authorization: string, more: Record<string, string> = {}) => {
    const headers = { host: 'weir.example.com', 'x-forwarded-for': '203.0.113.9', authorization, ...more }
    return (await ask('/_weir/metrics', { headers })).status
  }
  expect(await status(`Bearer ${ADMIN_TOKEN}`)).toBe(200)
  expect(await status(`bearer ${ADMIN_TOKEN}`)).toBe(200)
  for (const wrong of [
    `Bearer ${ADMIN_TOKEN}x`,
    `Bearer ${ADMIN_TOKEN.slice(1)}`,
    `Bearer ${ADMIN_TOKEN.toUpperCase()}`,
    `token ${ADMIN_TOKEN}`,
    ADMIN_TOKEN,
    'Bearer ',
    `Basic ${Buffer.from(`:${ADMIN_TOKEN}`).toString('base64')}`,
  ]) {
    expect(await status(wrong), wrong).toBe(401)
  }
  expect(await status(`Bearer ${ADMIN_TOKEN}`, { 'sec-fetch-site': 'cross-site' })).toBe(401)
  const inQuery = await ask(`/_weir/metrics?access_token=${ADMIN_TOKEN}`, { headers: { host: 'weir.example.com' } })
  expect(inQuery.status).toBe(401)
})

test('only the exact paths, only read', async () => {
  const ask = await start()
  for (const path of [
    '/_weir',
    '/_weir/',
    '/_weir/metrics/',
    '/_weir//metrics',
    '/_weir/%6detrics',
    '/_Weir/metrics',
  ]) {
    expect((await ask(path)).status, path).toBe(404)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await ask('/_weir/metrics', { method })
    expect(answer.status).toBe(405)
    expect(answer.headers['allow']).toBe('GET, HEAD')
  }
  const head = await ask('/_weir/healthz', { method: 'HEAD' })
  expect(head).toMatchObject({ status: 200, text: '' })
  expect(pair.sandbox.log.count).toBe(0)
})

test('an upstream has no part in the gateway’s own pages', async () => {
  const ask = await start()
  pair.sandbox.switches.maintenance = true
  expect((await ask('/_weir/healthz', { token: TOKENS.octocat })).json()).toEqual({ status: 'ok' })
  expect((await ask('/_weir/readyz')).status).toBe(200)
  expect(pair.sandbox.log.count).toBe(0)
})

test('from another machine nobody administers without the token', async () => {
  await start({ HOST: '0.0.0.0', WEIR_ADMIN_TOKEN: ADMIN_TOKEN })
  const origin = outsideOrigin()
  // A machine without any address but loopback cannot be reached from another one.
  if (origin === undefined) return
  const ask = client(origin)
  expect((await ask('/_weir/healthz')).status).toBe(200)
  for (const host of ['localhost', '127.0.0.1', new URL(origin).host]) {
    expect((await ask('/_weir/metrics', { headers: { host } })).status, host).toBe(401)
    expect((await ask('/manage/v1/maintenance', { headers: { host } })).status, host).toBe(403)
  }
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  expect((await ask('/_weir/metrics', { headers })).status).toBe(200)
  expect(pair.sandbox.log.count).toBe(0)
})

const rootPassword = `Basic ${Buffer.from(`api_key:${MANAGE_USERS['api_key']}`).toString('base64')}`

test.each([
  ['a rebound name', { host: 'evil.example' }],
  ['a proxy that nobody trusts', { 'x-forwarded-for': '127.0.0.1' }],
  ['another site’s page', { 'sec-fetch-site': 'cross-site' }],
])('/manage is not for %s, whatever password it has', async (_, more) => {
  const ask = await start()
  for (const method of ['GET', 'POST']) {
    const answer = await ask('/manage/v1/maintenance', { method, headers: { authorization: rootPassword, ...more } })
    expect(answer.status).toBe(403)
    expect(Object.keys(answer.json())).toEqual(['message', 'documentation_url'])
  }
  expect(pair.sandbox.log.filter({ listener: 'manage' })).toEqual([])
})

test('/manage is for the networks that are allowed, by the real address behind trusted proxies', async () => {
  const ask = await start({ WEIR_MANAGE_ALLOW: '10.0.0.0/8', WEIR_TRUSTED_PROXIES: '127.0.0.1' })
  const status = async (headers: Record<string, string>) =>
    (await ask('/manage/v1/maintenance', { headers: { authorization: rootPassword, ...headers } })).status
  expect(await status({})).toBe(403)
  expect(await status({ 'x-forwarded-for': '10.1.2.3' })).toBe(200)
  expect(await status({ 'x-forwarded-for': '11.1.2.3' })).toBe(403)
  // Only the nearest address is the proxy's word; what stands left of it is the client's own.
  expect(await status({ 'x-forwarded-for': '10.1.2.3, 11.1.2.3' })).toBe(403)
  expect(pair.sandbox.log.filter({ listener: 'manage' })).toHaveLength(1)
})

test('/manage switched off is not found', async () => {
  const ask = await start({ WEIR_MANAGE_UPSTREAM: 'off' })
  expect((await ask('/manage/v1/maintenance', { headers: { authorization: rootPassword } })).status).toBe(404)
  expect(pair.sandbox.log.count).toBe(0)
})
