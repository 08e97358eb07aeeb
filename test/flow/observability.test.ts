import { afterEach, beforeEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { rawRequest } from '../support/gateway.ts'
import { client, type Pair, startPair } from '../support/pair.ts'

/** What the gateway tells about its work, held against what the sandbox saw of it. */

let pair: Pair
beforeEach(async () => {
  pair = await startPair()
})
afterEach(() => pair.close())

const token = TOKENS.octocat
const PAGE = '/repos/octocat/hello-world'

/** Lines of the metrics page that begin with this name. */
async function series(name: string): Promise<string[]> {
  const { text } = await client(pair.gateway.origin)('/_weir/metrics')
  return text.split('\n').filter((line) => line.startsWith(name))
}

/** The sum of a metric over all its labels. */
async function total(name: string): Promise<number> {
  return (await series(name)).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

test('requests and cost upstream are told as the upstream counted them', async () => {
  const { ask, sandbox, gateway } = pair
  for (const path of [PAGE, PAGE, '/user', '/user', '/nowhere', '/rate_limit']) await ask(path, { token })
  await ask(PAGE)
  await ask(PAGE)
  await ask(`${PAGE}/issues`, { token, method: 'POST', payload: { title: 'One' } })
  expect(await total('weir_upstream_requests_total')).toBe(sandbox.log.count)
  expect(await total('weir_upstream_cost_total')).toBe(sandbox.log.totalCost())
  expect(gateway.events.filter(({ route }) => route === 'api').map(({ outcome }) => outcome)).toEqual([
    'filled',
    'revalidated',
    'filled',
    'revalidated',
    'refused',
    'refused',
    'filled',
    'hit',
    'written',
  ])
})

test('one event for each request, refused ones included, none with a query', async () => {
  const { ask, gateway } = pair
  await ask(`${PAGE}?access_token=${token}`)
  await ask('/../x')
  await client(gateway.origin)('/nowhere?q=secret')
  await client(gateway.origin)('/_weir/healthz')
  expect(gateway.events.map(({ route, path, status }) => [route, path, status])).toEqual([
    ['api', `/api/v3${PAGE}`, 200],
    ['api', '/api/v3/../x', 400],
    ['unknown', '/nowhere', 404],
    ['gateway', '/_weir/healthz', 200],
  ])
  expect(JSON.stringify(gateway.events)).not.toContain(token)
})

test('what callers send adds no series', async () => {
  const { ask } = pair
  const visit = async (round: number) => {
    await ask(`/repos/octocat/${round}-${'x'.repeat(round)}`, { token: `token-${round}` })
    await ask(PAGE, { token, headers: { 'user-agent': `agent-${round}`, 'x-request-id': `id-${round}` } })
    await client(pair.gateway.origin)(`/${round}`, { method: 'PATCH', headers: { host: `host-${round}` } })
  }
  for (let round = 0; round < 3; round++) await visit(round)
  // Looking is a request as well, and told the next time.
  await series('weir_')
  const before = await series('weir_')
  for (let round = 3; round < 20; round++) await visit(round)
  const names = (lines: readonly string[]) => lines.map((line) => line.slice(0, line.lastIndexOf(' '))).sort()
  expect(names(await series('weir_'))).toEqual(names(before))
})

test('a request id passes through where it is one, and is made where it is not', async () => {
  const { ask, gateway, sandbox } = pair
  const given = '5f2d1c9e-0000-4000-8000-00000000abcd'
  const kept = await ask(PAGE, { token, headers: { 'x-request-id': given } })
  expect(kept.headers['x-request-id']).toBe(given)
  expect(gateway.events.at(-1)?.requestId).toBe(given)
  for (const bad of ['', 'with space', 'a'.repeat(200), 'quote"', `ghp_${'a'.repeat(30)}`, 'semi;colon']) {
    const { headers } = await ask(PAGE, { token, headers: { 'x-request-id': bad } })
    expect(headers['x-request-id'], bad).toMatch(/^[a-z0-9]{12}-[a-z0-9]+$/)
  }
  for (const path of ['/nowhere', '/_weir/healthz', '/api/v3/../x']) {
    const { headers } = await rawRequest(gateway.origin, path, { headers: { 'x-request-id': given } })
    expect(headers['x-request-id'], path).toBe(given)
  }
  expect(sandbox.log.entries.every(({ headers }) => headers['x-request-id'] === undefined)).toBe(true)
})

test('errors of the gateway’s own are the same every time', async () => {
  const { ask } = pair
  const bodies = new Set<string>()
  for (let round = 0; round < 3; round++) bodies.add((await ask('/a/../b', { token })).text)
  expect(bodies.size).toBe(1)
})

test('readiness tells about the upstream and does not depend on it', async () => {
  const { ask, gateway, sandbox, clock } = pair
  const ready = client(gateway.origin)
  expect((await ready('/_weir/readyz')).json()).toMatchObject({ status: 'ready', upstream: { reachable: null } })
  await ask('/user', { token })
  expect((await ready('/_weir/readyz')).json()).toMatchObject({
    upstream: { reachable: true, lastSuccess: new Date(clock.now()).toISOString(), failure: null },
  })
  clock.advance(1000)
  sandbox.switches.faults = [{ fault: { kind: 'reset', when: 'before-headers' }, times: 2 }]
  await ask(`${PAGE}/issues`, { token, method: 'POST', payload: {} })
  const report = await ready('/_weir/readyz')
  expect(report.status).toBe(200)
  expect(report.json()).toMatchObject({ status: 'ready', upstream: { reachable: false, failure: 'upstream-reset' } })
})
