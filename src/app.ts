import { type Context, Hono } from 'hono'
import { Failure } from './errors.ts'
import type { Upstream } from './github/upstream.ts'
import type { FreshnessPolicy } from './http/freshness.ts'
import type { NetworkMatcher } from './http/networks.ts'
import { answerFailures } from './middleware/inbound/answer-failures.ts'
import type { Bindings, Handler } from './middleware/inbound/context.ts'
import { event } from './middleware/inbound/event.ts'
import { identify } from './middleware/inbound/identify.ts'
import { ask } from './middleware/outbound/ask.ts'
import type { Answerer } from './middleware/outbound/exchange.ts'
import { fresh } from './middleware/outbound/fresh.ts'
import { LinkMemory } from './middleware/outbound/link-memory.ts'
import { noteAccepted } from './middleware/outbound/note-accepted.ts'
import { noteHealth } from './middleware/outbound/note-health.ts'
import { observeBudget } from './middleware/outbound/observe-budget.ts'
import { retryLostConnection } from './middleware/outbound/retry.ts'
import { revalidate } from './middleware/outbound/revalidate.ts'
import type { UpstreamHealth } from './middleware/outbound/upstream-health.ts'
import { write } from './middleware/outbound/write.ts'
import type { DerivedBodies } from './middleware/present/derived.ts'
import { presentationNames } from './middleware/present/presentation-names.ts'
import type {
  AcceptedCredentials,
  BudgetLedger,
  CacheStore,
  Clock,
  Compression,
  Digest,
  Send,
  Telemetry,
  WriteEpochs,
} from './ports.ts'
import { apiRoute } from './routes/api.ts'
import type { ForwardDependencies } from './routes/forward.ts'
import type { GatewayDependencies } from './routes/gateway.ts'
import { gatewayRoute } from './routes/gateway-pages.ts'
import { graphqlRoute } from './routes/graphql.ts'
import { manageRoute } from './routes/manage.ts'
import { uploadsRoute } from './routes/uploads.ts'

/*
 * A request runs through these, in this order and never back:
 *
 *   entry ── event ─ failures ─ identify ──┬─ /api/v3 ───────┐
 *            one event  as      who,       ├─ /api/graphql ──┤            ┌ GET, HEAD ─ fresh ─ revalidate ─ retry ┐
 *            per        answers which      ├─ /api/uploads ──┼─ question ─┤            reuse   ask, merge,   lost  ├ accepted ─ budget ─ health ─ ask
 *            request            name       ├─ /manage ─(who  │            │                    store         conn. │ notes      observes
 *                                          │       may?)─────┘            └ others ─── write ─────────────────────┘
 *                                          └─ /_weir                                   once, bumps epochs
 *
 *   answer ── present ── deliver:  fields, the client's own 304, rewritten and compressed body
 */

export interface AppOptions {
  readonly upstream: Upstream
  readonly manage: { readonly origin: string | undefined; readonly allows: NetworkMatcher }
  readonly publicOrigin: string | undefined
  readonly isTrustedProxy: NetworkMatcher
  readonly fallbackHost: string
  readonly freshness: FreshnessPolicy
  /** Largest body that is stored, bytes. */
  readonly maxEntryBytes: number
}

export interface AppPorts {
  readonly send: Send
  readonly store: CacheStore
  readonly epochs: WriteEpochs
  readonly accepted: AcceptedCredentials
  readonly ledger: BudgetLedger
  readonly clock: Clock
  readonly digest: Digest
  readonly compression: Compression
  readonly derived: DerivedBodies
  readonly telemetry: Telemetry
  readonly health: UpstreamHealth
  readonly newRequestId: () => string
  readonly gateway: GatewayDependencies
  /** Told why a request failed: more than its event may hold. */
  readonly reportFailure: (requestId: string, failure: Failure) => void
}

/** Builds the gateway. The only place where the order of things is written. */
export function createApp(
  options: AppOptions,
  ports: AppPorts,
): (request: Request, bindings: Bindings) => Response | Promise<Response> {
  const app = new Hono<{ Bindings: Bindings }>({
    // Routing reads the raw target: what Hono would read has been normalised by a URL parser.
    getPath: (_request, init) => pathOf((init as { env: Bindings }).env.inbound.target),
  })
  const on = (route: Handler) => {
    const run = event(ports, answerFailures(ports.reportFailure, identify(options, route)))
    return (c: Context<{ Bindings: Bindings }>) => run(c.env)
  }
  const routes: ForwardDependencies = {
    outbound: outbound(options, ports),
    presentation: { ...ports, maxHeldBytes: Math.min(options.maxEntryBytes, MOST_HELD_UNSTORED) },
    names: presentationNames(ports.digest),
    digest: ports.digest,
  }
  const { upstream, manage, publicOrigin } = options
  // One handler a path, and none that matches everything: Hono then calls it directly, without a chain of promises.
  app.all('/api/v3/*', on(apiRoute(routes, upstream)))
  app.all('/api/graphql', on(graphqlRoute(routes, upstream)))
  app.all('/api/uploads/*', on(uploadsRoute(routes, upstream)))
  app.all('/manage/*', on(manageRoute(routes, manage.origin, { ...manage, publicOrigin })))
  app.all('/_weir/*', on(gatewayRoute(ports.gateway)))
  app.notFound(on(notFound))
  // Nothing throws this far but a fault of the outermost mechanism itself, which the entry answers.
  app.onError((thrown) => {
    throw thrown
  })
  return (request, bindings) => app.fetch(request, bindings)
}

/**
 * Bytes of an answer that is not stored which are read whole before they are passed on: enough for a clean 502 where an
 * ordinary answer breaks off, little enough for clients that do not read what they asked for.
 */
const MOST_HELD_UNSTORED = 1024 * 1024

const notFound: Handler = () => {
  throw new Failure('not-found')
}

/** Every mechanism between a question and the upstream. */
function outbound(options: AppOptions, ports: AppPorts): Answerer {
  const { store, epochs, accepted, clock, digest, ledger, send, health } = ports
  const once = noteAccepted(accepted, observeBudget(ledger, noteHealth(health, clock, ask(send, clock))))
  const reads = fresh(
    { store, epochs, clock, policy: options.freshness },
    revalidate(
      {
        store,
        epochs,
        clock,
        digest,
        links: new LinkMemory(),
        policy: options.freshness,
        maxEntryBytes: options.maxEntryBytes,
      },
      retryLostConnection(once),
    ),
  )
  const writes = write(epochs, accepted, once)
  return (question) => (question.method === 'GET' || question.method === 'HEAD' ? reads(question) : writes(question))
}

function pathOf(target: string): string {
  const mark = target.indexOf('?')
  return mark === -1 ? target : target.slice(0, mark)
}
