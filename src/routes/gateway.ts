import { Failure } from '../errors.ts'
import type { UpstreamReport } from '../middleware/outbound/upstream-health.ts'
import type { HeaderList, Inbound, MaybePromise, OutgoingAnswer } from '../ports.ts'

/** `degraded`: the store cannot be reached and the gateway knowingly works without it. */
export type StoreState = 'ready' | 'degraded'

export interface GatewayDependencies {
  /** Throwing counts as `degraded`. */
  store(): MaybePromise<StoreState>
  readonly upstream: { report(): UpstreamReport }
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

function json(status: number, value: unknown): Content {
  return { status, type: 'application/json; charset=utf-8', text: JSON.stringify(value) }
}

function toIso(epochMilliseconds: number | null): string | null {
  return epochMilliseconds === null ? null : new Date(epochMilliseconds).toISOString()
}
