import { Failure } from '../errors.ts'
import { unitsUsed } from '../github/rate-limit.ts'
import type { UpstreamReport } from '../middleware/outbound/upstream-health.ts'
import type {
  AccountReport,
  BudgetReport,
  HeaderList,
  Inbound,
  MaybePromise,
  OutgoingAnswer,
  ResourceReport,
} from '../ports.ts'

/** `degraded`: the store cannot be reached and the gateway knowingly works without it. */
export type StoreState = 'ready' | 'degraded'

export interface GatewayDependencies {
  /** Throwing counts as `degraded`. */
  store(): MaybePromise<StoreState>
  readonly upstream: { report(): UpstreamReport }
  /** What the ledger of request budgets knows. */
  budgets(): BudgetReport
  readonly metrics: { text(): Promise<string>; readonly contentType: string }
  /** The rule of `mayAdminister` (admin-guard.ts) with its options filled in. */
  mayAdminister(request: { readonly headers: HeaderList; readonly peerAddress: string }): 'yes' | 'unauthorized'
  /** Whether the process has been told to stop: a load balancer should send nothing new. */
  isDraining(): boolean
}

type GatewayRequest = Pick<Inbound, 'method' | 'headers' | 'peerAddress'>

interface Page {
  /** Whether `mayAdminister` has to agree. */
  readonly guarded: boolean
  answer(dependencies: GatewayDependencies): MaybePromise<Content>
}

interface Content {
  readonly status: number
  readonly type: string
  readonly text: string
}

const pages: ReadonlyMap<string, Page> = new Map<string, Page>([
  ['/_weir/healthz', { guarded: false, answer: () => json(200, { status: 'ok' }) }],
  ['/_weir/readyz', { guarded: false, answer: readiness }],
  ['/_weir/metrics', { guarded: true, answer: metrics }],
  ['/_weir/budgets', { guarded: true, answer: budgets }],
])

/** Nothing here may be kept or shown as anything else, refusals included; and no page of another origin may read it: no CORS. */
const COMMON = ['cache-control', 'no-store', 'x-content-type-options', 'nosniff'] as const

/**
 * Answers the gateway's own pages. `path` is the raw path; only the exact spelling is served.
 *
 * @throws Failure `not-found`, `method-not-allowed` (only GET and HEAD), `unauthorized`; rejects with what `metrics` throws
 */
export function gatewayAnswer(
  path: string,
  inbound: GatewayRequest,
  dependencies: GatewayDependencies,
): MaybePromise<OutgoingAnswer> {
  const page = pages.get(path)
  // toRecord adds nosniff itself.
  if (page === undefined) throw new Failure('not-found', { headers: ['cache-control', 'no-store'] })
  if (inbound.method !== 'GET' && inbound.method !== 'HEAD') {
    throw new Failure('method-not-allowed', { headers: ['allow', 'GET, HEAD', 'cache-control', 'no-store'] })
  }
  if (page.guarded && dependencies.mayAdminister(inbound) !== 'yes') {
    throw new Failure('unauthorized', {
      headers: ['www-authenticate', 'Bearer realm="weir"', 'cache-control', 'no-store'],
    })
  }
  const content = page.answer(dependencies)
  return content instanceof Promise
    ? content.then((text) => toAnswer(text, inbound.method))
    : toAnswer(content, inbound.method)
}

const encoder = new TextEncoder()

function toAnswer({ status, type, text }: Content, method: string): OutgoingAnswer {
  const bytes = encoder.encode(text)
  const headers = ['content-type', type, ...COMMON]
  // Whoever writes an answer knows the length of the bytes it is given; without bytes it has to be told.
  if (method === 'HEAD') return { status, headers: [...headers, 'content-length', String(bytes.length)], body: null }
  return { status, headers, body: bytes }
}

/**
 * 503 only while the process stops. A store that is away or an upstream that is down is told and is no reason: every
 * replica would leave the load balancer together.
 */
async function readiness({ store, upstream, isDraining }: GatewayDependencies): Promise<Content> {
  const { reachable, lastSuccess, lastFailure, failure } = upstream.report()
  const draining = isDraining()
  return json(draining ? 503 : 200, {
    status: draining ? 'draining' : 'ready',
    store: await stateOf(store),
    upstream: { reachable, lastSuccess: toIso(lastSuccess), lastFailure: toIso(lastFailure), failure },
  })
}

async function stateOf(store: () => MaybePromise<StoreState>): Promise<StoreState> {
  try {
    return await store()
  } catch {
    return 'degraded'
  }
}

async function metrics({ metrics }: GatewayDependencies): Promise<Content> {
  return { status: 200, type: metrics.contentType, text: await metrics.text() }
}

/** Clients of one budget that are listed: those who used the most of it. */
const MOST_CLIENTS = 100

/** The shape is documented (docs/operations.md, "Budgets"): members are added to it, never renamed. */
function budgets({ budgets }: GatewayDependencies): Content {
  const { inFlight, waiting, paused, accounts, leftOut } = budgets()
  return json(200, { inFlight, waiting, paused, accounts: accounts.map(accountOf), leftOut })
}

function accountOf({ account, isVouchedFor, inFlight, waiting, concurrency, pausedUntil, budgets }: AccountReport) {
  return {
    account,
    accepted: isVouchedFor,
    inFlight,
    waiting,
    concurrency,
    pausedUntil: toIso(pausedUntil),
    budgets: budgets.map(budgetOf),
  }
}

function budgetOf({ resource, state, stated, available, isTight, clients }: ResourceReport) {
  return {
    resource,
    state,
    limit: stated?.limit ?? null,
    remaining: stated?.remaining ?? null,
    used: stated === undefined ? null : unitsUsed(stated),
    reset: toIso(stated === undefined ? undefined : stated.reset * 1000),
    available: available ?? null,
    tight: isTight,
    clients: clients.slice(0, MOST_CLIENTS).map(({ client: { group, name }, used }) => ({
      client: group,
      name: name === '' ? null : name,
      used,
    })),
    clientsLeftOut: Math.max(0, clients.length - MOST_CLIENTS),
  }
}

function json(status: number, value: unknown): Content {
  return { status, type: 'application/json; charset=utf-8', text: JSON.stringify(value) }
}

/** `null` also for what is no time at all: one number of an upstream's that makes no sense must not cost the page. */
function toIso(epochMilliseconds: number | null | undefined): string | null {
  if (epochMilliseconds === null || epochMilliseconds === undefined) return null
  return Math.abs(epochMilliseconds) <= LAST_DATE ? new Date(epochMilliseconds).toISOString() : null
}

/** ECMAScript has no later one (ECMA-262, "Time Values and Time Range"), epoch ms. */
const LAST_DATE = 8.64e15
