import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../sandbox/index.ts'
import { rawConversation } from '../support/gateway.ts'
import { type Answer, client } from '../support/pair.ts'
import { type BuiltCli, buildCli, type GatewayProcess, startGatewayProcess } from '../support/process.ts'

/** Credentials that stand out, sent in every way that there is: none of them may show anywhere but upstream. */

const SECRETS = {
  token: 'ghp_CanaryHeaderToken000000000000000001',
  wrong: 'ghp_CanaryWrongToken0000000000000000002',
  query: 'ghp_CanaryQueryToken0000000000000000003',
  password: 'canary-basic-password-4',
  code: '87654321',
  clientSecret: 'canary-client-secret-5',
  cookie: 'canary-cookie-6',
  odd: 'canary-unprintable-7\u00ff',
  duplicate: 'canary-duplicate-8',
  path: 'canary-token-in-path-9',
  manage: 'canary-root-password-10',
  admin: 'canary-admin-token-11',
  body: 'canary-body-12',
  upstreamBody: 'canary-upstream-body-13',
  key: 'canary-key-of-fingerprints-14-0123456789',
}

let cli: BuiltCli
let sandbox: Sandbox
let gateway: GatewayProcess
/** Everything that the gateway made itself: errors and its own pages. */
const made: string[] = []

beforeAll(async () => {
  cli = await buildCli()
  sandbox = await startSandbox()
  sandbox.world.addToken('octocat', SECRETS.token)
  sandbox.world.addToken('octocat', SECRETS.query)
  sandbox.world.updateAccount('hubot', { password: SECRETS.password })
  gateway = await startGatewayProcess(cli, {
    WEIR_UPSTREAM: sandbox.origin,
    WEIR_MANAGE_UPSTREAM: sandbox.manageOrigin,
    WEIR_UPSTREAM_HEADERS_TIMEOUT: '100ms',
    WEIR_UPSTREAM_BODY_TIMEOUT: '100ms',
    WEIR_LOG_LEVEL: 'trace',
    WEIR_ADMIN_TOKEN: SECRETS.admin,
    WEIR_SECRET: SECRETS.key,
  })
})
afterAll(async () => {
  gateway?.child.kill('SIGKILL')
  await sandbox?.close()
  cli?.remove()
})

const basic = (login: string, password: string) => `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`

/** A credential and every form of it that could be guessed from or back to it without the key. */
function forms(secret: string): string[] {
  const shapes = [secret, `token ${secret}`, `Bearer ${secret}`, basic('hubot', secret), basic('api_key', secret)]
  const hashes = shapes.flatMap((shape) =>
    (['hex', 'base64', 'base64url'] as const).map((encoding) => createHash('sha256').update(shape).digest(encoding)),
  )
  const coded = [encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, '')]
  return [secret, ...coded, ...shapes.map((shape) => shape.slice(shape.indexOf(' ') + 1)), ...hashes]
}

async function traffic(): Promise<void> {
  const api = client(`${gateway.origin}/api/v3`)
  const page = '/repos/octocat/hello-world'
  const issues = `${page}/issues`
  const note = (answer: Answer) => {
    if (answer.status >= 400 && answer.headers['x-github-request-id'] === undefined) made.push(answer.text)
    made.push(JSON.stringify(answer.rawHeaders.filter((value) => !value.startsWith('W/"weir-'))))
  }
  const headerCredentials = [
    `token ${SECRETS.token}`,
    `Bearer ${SECRETS.token}`,
    `token ${SECRETS.wrong}`,
    basic('hubot', SECRETS.password),
    `Unknown ${SECRETS.wrong}`,
    SECRETS.odd,
  ]
  const faults = [
    { kind: 'reset', when: 'before-headers' },
    { kind: 'hang', when: 'before-headers' },
    { kind: 'hang', when: 'mid-body' },
    { kind: 'corrupt-gzip' },
    { kind: 'truncate' },
    { kind: 'raw', data: `${SECRETS.upstreamBody}\r\n\r\n` },
    { kind: 'answer', status: 304, headers: ['ETag', `"${SECRETS.upstreamBody}"`] },
  ] as const
  for (const authorization of headerCredentials) {
    const headers = { authorization, 'x-github-otp': SECRETS.code, cookie: SECRETS.cookie }
    for (const path of [page, page, '/nowhere', '/user']) note(await api(path, { headers }))
    note(await api(issues, { method: 'POST', headers, payload: { title: SECRETS.body } }))
  }
  const headers = { authorization: `token ${SECRETS.token}`, 'x-github-otp': SECRETS.code }
  for (const fault of faults) {
    sandbox.switches.faults = [{ fault }]
    note(await api('/users/hubot', { headers }))
    sandbox.switches.faults = [{ fault }]
    note(await api(`/users/octocat?access_token=${SECRETS.query}&client_id=x&client_secret=${SECRETS.clientSecret}`))
    sandbox.switches.faults = []
  }
  for (const query of [
    `access_token=${SECRETS.query}`,
    `access%5Ftoken=${SECRETS.query}`,
    `a=b;access_token=${SECRETS.query}`,
    `client_id=x&client_secret=${SECRETS.clientSecret}`,
    `q=${SECRETS.body}`,
  ]) {
    note(await api(`${page}?${query}`))
    note(await client(gateway.origin)(`/nowhere?${query}`))
  }
  note(await api(`/applications/x/tokens/${SECRETS.path}`, { headers }))
  note(await api(`/%61pplications/x/tokens/${SECRETS.path}`, { headers }))
  note(await api(`/repos/octocat/${SECRETS.wrong}`, { headers }))
  const manage = client(`${gateway.origin}/manage/v1`)
  note(await manage('/maintenance', { headers: { authorization: basic('api_key', SECRETS.manage) } }))
  const graphql = client(`${gateway.origin}/api/graphql`)
  note(await graphql('', { method: 'POST', headers, payload: { query: `{ ${SECRETS.body} }` } }))
}

async function refusedTraffic(): Promise<void> {
  const { host } = new URL(gateway.origin)
  const credential = `Authorization: token ${SECRETS.duplicate}\r\n`
  for (const [target, fields] of [
    ['/api/v3/user', credential],
    ['/api/v3/../user', ''],
    [`http://evil.example/${SECRETS.path}`, ''],
    ['/api/v3/user', `Content-Length: 1\r\nContent-Length: 2\r\n`],
    ['/api/v3/user', `X-Bad: ${SECRETS.cookie}\x01\r\n`],
    ['/api/v3/user', `X-Big: ${'x'.repeat(40_000)}\r\n`],
  ] as const) {
    made.push(
      await rawConversation(
        gateway.origin,
        `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${credential}${fields}Connection: close\r\n\r\n`,
      ),
    )
  }
  const pages = client(gateway.origin)
  for (const token of [SECRETS.admin, SECRETS.wrong]) {
    for (const path of ['/_weir/metrics', '/_weir/readyz', '/_weir/healthz', '/_weir/nothing']) {
      const answer = await pages(path, { headers: { authorization: `Bearer ${token}`, host: 'weir.example.com' } })
      made.push(answer.text)
    }
  }
}

test('no credential shows in the log, in metrics, in errors or in the gateway’s own pages', async () => {
  await traffic()
  await refusedTraffic()
  // The secrets did travel: otherwise this would prove nothing.
  const sent = JSON.stringify(sandbox.log.entries.map(({ target, rawHeaders }) => [target, rawHeaders]))
  for (const name of ['token', 'wrong', 'query', 'code', 'clientSecret', 'path'] as const) {
    expect(sent, name).toContain(SECRETS[name])
  }
  expect(sent).not.toContain(SECRETS.cookie)
  expect((await client(gateway.origin)('/_weir/healthz')).status).toBe(200)
  expect(await gateway.stop()).toBe(0)

  const said = gateway.output() + gateway.errors()
  const lines = said.split('\n').filter((line) => line.includes('"msg":"request"'))
  expect(lines.length).toBeGreaterThan(60)
  expect(made.some((text) => text.includes('# TYPE '))).toBe(true)
  const everything = said + made.join('\n')
  for (const [name, secret] of Object.entries(SECRETS)) {
    for (const form of forms(secret)) expect(everything.includes(form), `${name}: ${form}`).toBe(false)
  }
  // Nor a query of any kind, an entity tag or a body.
  expect(said).not.toMatch(/[?&](?:access_token|client_secret|q)=/)
  expect(said).not.toContain('weir-')
  expect(said).not.toContain('My first repository')
})
