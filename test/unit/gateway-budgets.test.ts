import { expect, it, vi } from 'vitest'
import { Failure, toRecord } from '../../src/errors.ts'
import { headerValue } from '../../src/http/headers.ts'
import { UpstreamHealth } from '../../src/middleware/outbound/upstream-health.ts'
import type { AccountReport, BudgetReport, ResourceReport } from '../../src/ports.ts'
import { type GatewayDependencies, gatewayAnswer } from '../../src/routes/gateway.ts'

async function ask(given: Pick<GatewayDependencies, 'budgets'> & Partial<GatewayDependencies>, method = 'GET') {
  const dependencies: GatewayDependencies = {
    store: () => 'ready',
    upstream: new UpstreamHealth(),
    metrics: { text: async () => '', contentType: 'text/plain' },
    mayAdminister: () => 'yes',
    isDraining: () => false,
    ...given,
  }
  const inbound = { method, headers: ['host', 'localhost'], peerAddress: '127.0.0.1' }
  const answer = await gatewayAnswer('/_weir/budgets', inbound, dependencies)
  const text = answer.body instanceof Uint8Array ? new TextDecoder().decode(answer.body) : ''
  return { ...answer, text }
}

const RESET = 1_700_003_600
const core: ResourceReport = {
  resource: 'core',
  state: 'known',
  stated: { resource: 'core', limit: 5000, remaining: 4000, used: 1001, reset: RESET },
  available: 3990,
  isTight: false,
  clients: [
    { client: { group: 'key:nightly', name: '' }, used: 900 },
    { client: { group: 'address:192.0.2.1', name: 'bot' }, used: 101 },
  ],
}
const octocat: AccountReport = {
  account: 'user:octocat',
  isVouchedFor: true,
  inFlight: 2,
  waiting: 1,
  concurrency: 8,
  pausedUntil: 1_700_000_060_000,
  budgets: [core],
}
const report: BudgetReport = { inFlight: 3, waiting: 1, paused: 4, accounts: [octocat], leftOut: 7 }
const of = (accounts: AccountReport[]) => ask({ budgets: () => ({ ...report, accounts }) })
const budgetOf = async (budget: ResourceReport) =>
  JSON.parse((await of([{ ...octocat, budgets: [budget] }])).text).accounts[0].budgets[0]

it('are told in a shape that does not change', async () => {
  const answer = await of([octocat])
  expect(answer.status).toBe(200)
  expect(headerValue(answer.headers, 'content-type')).toBe('application/json; charset=utf-8')
  expect(JSON.parse(answer.text)).toEqual({
    inFlight: 3,
    waiting: 1,
    paused: 4,
    accounts: [
      {
        account: 'user:octocat',
        accepted: true,
        inFlight: 2,
        waiting: 1,
        concurrency: 8,
        pausedUntil: '2023-11-14T22:14:20.000Z',
        budgets: [
          {
            resource: 'core',
            state: 'known',
            limit: 5000,
            remaining: 4000,
            used: 1001,
            reset: '2023-11-14T23:13:20.000Z',
            available: 3990,
            tight: false,
            clients: [
              { client: 'key:nightly', name: null, used: 900 },
              { client: 'address:192.0.2.1', name: 'bot', used: 101 },
            ],
            clientsLeftOut: 0,
          },
        ],
      },
    ],
    leftOut: 7,
  })
})

it('say null for what is not known', async () => {
  const unknown: ResourceReport = { ...core, state: 'unknown', stated: undefined, available: undefined, clients: [] }
  const answer = await of([{ ...octocat, isVouchedFor: false, pausedUntil: undefined, budgets: [unknown] }])
  const [account] = JSON.parse(answer.text).accounts
  expect(account).toMatchObject({ accepted: false, pausedUntil: null })
  expect(account.budgets).toEqual([
    {
      resource: 'core',
      state: 'unknown',
      limit: null,
      remaining: null,
      used: null,
      reset: null,
      available: null,
      tight: false,
      clients: [],
      clientsLeftOut: 0,
    },
  ])
})

it('tell zero apart from nothing, and what was used where the upstream does not', async () => {
  const stated = { resource: 'core', limit: 0, remaining: 0, used: 0, reset: 0 }
  expect(await budgetOf({ ...core, stated, available: 0, isTight: true })).toMatchObject({
    limit: 0,
    remaining: 0,
    used: 0,
    reset: '1970-01-01T00:00:00.000Z',
    available: 0,
    tight: true,
  })
  const older = { ...stated, limit: 60, remaining: 20, used: undefined }
  expect((await budgetOf({ ...core, stated: older })).used).toBe(40)
  expect((await budgetOf({ ...core, stated: { ...older, remaining: 61 } })).used).toBe(0)
})

it('are told although one reset is no time at all', async () => {
  const stated = { resource: 'core', limit: 1, remaining: 1, used: 0, reset: 999_999_999_999_999 }
  expect(await budgetOf({ ...core, stated })).toMatchObject({ limit: 1, reset: null })
})

it('list the hundred clients who used the most, and say how many they leave out', async () => {
  const clients = Array.from({ length: 103 }, (_, index) => ({
    client: { group: `address:192.0.2.${index}`, name: '' },
    used: 1000 - index,
  }))
  const budget = await budgetOf({ ...core, clients })
  expect(budget.clients).toHaveLength(100)
  expect(budget.clients[99]).toEqual({ client: 'address:192.0.2.99', name: null, used: 901 })
  expect(budget.clientsLeftOut).toBe(3)
  expect((await budgetOf({ ...core, clients: clients.slice(0, 100) })).clientsLeftOut).toBe(0)
})

it.each(['GET', 'HEAD'])('are refused to whom the guard does not let in, and not even made (%s)', async (method) => {
  const budgets = vi.fn(() => report)
  const thrown: unknown = await ask({ budgets, mayAdminister: () => 'unauthorized' }, method).catch((error) => error)
  expect(thrown).toBeInstanceOf(Failure)
  const failure = thrown as Failure
  expect(failure.tag).toBe('unauthorized')
  expect(headerValue(toRecord(failure).headers, 'www-authenticate')).toBe('Bearer realm="weir"')
  expect(budgets).not.toHaveBeenCalled()
})

it('are asked about with what the guard decides by', async () => {
  const mayAdminister = vi.fn(() => 'yes' as const)
  await ask({ budgets: () => report, mayAdminister })
  expect(mayAdminister.mock.calls).toMatchObject([[{ headers: ['host', 'localhost'], peerAddress: '127.0.0.1' }]])
})
