import { type Context, Hono } from 'hono'
import { Failure } from './errors.ts'
import type { Credential } from './github/credential.ts'
import type { FurtherFields } from './github/further-fields.ts'
import type { Upstream } from './github/upstream.ts'
import type { FreshnessPolicy } from './http/freshness.ts'
import type { NetworkMatcher } from './http/networks.ts'
import type { StalePolicy } from './http/staleness.ts'
import { answerFailures } from './middleware/inbound/answer-failures.ts'
import { clientOf } from './middleware/inbound/client.ts'
import type { Bindings, Handler } from './middleware/inbound/context.ts'
import { event } from './middleware/inbound/event.ts'
import { identify } from './middleware/inbound/identify.ts'
import { Accounts } from './middleware/outbound/accounts.ts'
import { AnonymousApplication } from './middleware/outbound/anonymous-application.ts'
import { ask } from './middleware/outbound/ask.ts'
import { askInBackground } from './middleware/outbound/background.ts'
import { budget } from './middleware/outbound/budget.ts'
import type { EntityTagMemory } from './middleware/outbound/entity-tag-memory.ts'
import type { Answerer, Question } from './middleware/outbound/exchange.ts'
import { Flights } from './middleware/outbound/flight.ts'
import { fresh } from './middleware/outbound/fresh.ts'
import { gate } from './middleware/outbound/gate.ts'
import { HashAllowance } from './middleware/outbound/hash-allowance.ts'
import { learnInstallations, learnUsers } from './middleware/outbound/learn-accounts.ts'
import { LinkMemory } from './middleware/outbound/link-memory.ts'
import { noteAccepted } from './middleware/outbound/note-accepted.ts'
import { noteHealth } from './middleware/outbound/note-health.ts'
import { onLimit, onLimitOfWrite } from './middleware/outbound/on-limit.ts'
import { predict } from './middleware/outbound/predict.ts'
import { protectLogins } from './middleware/outbound/protect-logins.ts'
import { rateLimitPage } from './middleware/outbound/rate-limit-page.ts'
import { RateLimitResources } from './middleware/outbound/rate-limit-resources.ts'
import { rememberWritten } from './middleware/outbound/remember-written.ts'
import { retryLostConnection } from './middleware/outbound/retry.ts'
import { revalidate } from './middleware/outbound/revalidate.ts'
import { SentQuestions } from './middleware/outbound/sent-questions.ts'
import { staleOnError } from './middleware/outbound/stale-on-error.ts'
import { standIn } from './middleware/outbound/stand-in.ts'
import type { UpstreamHealth } from './middleware/outbound/upstream-health.ts'
import { write } from './middleware/outbound/write.ts'
import type { DerivedBodies } from './middleware/present/derived.ts'
import { presentationNames } from './middleware/present/presentation-names.ts'
import type {
  AcceptedCredentials,
  Background,
  BudgetLedger,
  CacheStore,
  Clock,
  Compression,
  Digest,
  KnownAccounts,
  KnownRepresentations,
  PredictedTags,
  Scheduler,
  Send,
  Telemetry,
  WriteEpochs,
  WriteSpacing,
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
 *            one event  as      who,       ├─ /api/graphql ──┤            ┌ GET, HEAD ─ reads ──┐
 *            per        answers which      ├─ /api/uploads ──┼─ question ─┤                     ├─ each attempt
 *            request            name       ├─ /manage ─(who  │            └ others ─── writes ──┘
 *                                          │       may?)─────┘
 *                                          └─ /_weir
 *
 *   reads ── limits ── fresh ── stale ── limit ─── gate ────────── flight ──────── revalidate ─────────── retry ─ each attempt
 *            page      reuse    when it  copy,     one wait for    one question    predict, compose,    a lost
 *                               fails    or wait   others' answer  per credential  ask, confirm, store  connection
 *
 *   writes ─ installations ─ remember ─ limit ─ write ─ each attempt
 *            learn whose     the body   wait    once,
 *            a token is      answered           bumps epochs
 *
 *   each attempt ── logins ── application ─ budget ──── accepted ─ health ─ announce ─ ask
 *                   what is   for the       may it      notes      notes    a 200      on the
 *                   refused   anonymous     be sent?                        to gate    wire
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
  readonly staleOnError: StalePolicy
  readonly budget: BudgetSettings
  /** Request fields that go upstream besides the allow-list. */
  readonly further: FurtherFields
  /** Largest body that is stored, bytes. */
  readonly maxEntryBytes: number
}

/** What the operator says about budgets. */
export interface BudgetSettings {
  readonly staleOnLimit: StalePolicy
  /** For how long a request may wait for budget, ms. */
  readonly maxWait: number
  /** Accounts by the base64 of the SHA-256 of a bare token. */
  readonly accounts: ReadonlyMap<string, string>
  /** The account of requests without a credential. */
  readonly anonymousAccount: string
  readonly anonymousApplication: { readonly clientId: string; readonly clientSecret: string } | undefined
  /** Keys of the apps that have a share of their own, by the app's name. */
  readonly clients: ReadonlyMap<string, readonly string[]>
}

export interface AppPorts {
  readonly send: Send
  readonly store: CacheStore
  readonly epochs: WriteEpochs
  readonly accepted: AcceptedCredentials
  readonly known: KnownRepresentations
  readonly predicted: PredictedTags
  readonly ledger: BudgetLedger
  readonly spacing: WriteSpacing
  readonly knownAccounts: KnownAccounts
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly digest: Digest
  readonly compression: Compression
  readonly derived: DerivedBodies
  readonly telemetry: Telemetry
  readonly health: UpstreamHealth
  readonly entityTags: EntityTagMemory
  readonly background: Background
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
  const charging = chargingOf(options.budget, ports)
  // Only to whom the upstream accepts: a token that was revoked is nobody's, and its account's numbers are none of its business.
  const limits = (credential: Credential, path: string) =>
    credential.isAnonymous || ports.accepted.has(credential.fingerprint)
      ? ports.ledger.latest(charging.accounts.nameOf(credential), charging.resources.of(path))
      : undefined
  const on = (route: Handler) => {
    const run = event(ports, answerFailures(ports.reportFailure, limits, identify(options, route)))
    return (c: Context<{ Bindings: Bindings }>) => run(c.env)
  }
  const routes: ForwardDependencies = {
    outbound: outbound(options, {
      ...ports,
      ...charging,
      links: new LinkMemory(),
      reportInBackground: (failure) => ports.reportFailure(ports.newRequestId(), failure),
    }),
    presentation: { ...ports, limits, maxHeldBytes: Math.min(options.maxEntryBytes, MOST_HELD_UNSTORED) },
    names: presentationNames(ports.digest),
    digest: ports.digest,
    clientOf: clientOf(options.budget.clients, ports.digest),
    further: options.further,
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

/** Who is charged for what, and what keeps others from being charged. */
export interface Charging {
  readonly accounts: Accounts
  readonly resources: RateLimitResources
  readonly application: AnonymousApplication | undefined
}

export function chargingOf(
  settings: BudgetSettings,
  ports: Pick<AppPorts, 'knownAccounts' | 'accepted' | 'digest' | 'clock'>,
): Charging {
  const { anonymousApplication: named, accounts: configured, anonymousAccount: anonymous } = settings
  const application =
    named === undefined ? undefined : new AnonymousApplication(named.clientId, named.clientSecret, ports.clock)
  const accounts = new Accounts({ ...ports, known: ports.knownAccounts, configured, anonymous, application })
  return { accounts, resources: new RateLimitResources(), application }
}

export type OutboundOptions = Pick<AppOptions, 'freshness' | 'staleOnError' | 'maxEntryBytes'> & {
  readonly budget: Pick<BudgetSettings, 'staleOnLimit' | 'maxWait'>
}
export type OutboundPorts = Pick<
  AppPorts,
  | 'send'
  | 'store'
  | 'epochs'
  | 'accepted'
  | 'known'
  | 'predicted'
  | 'ledger'
  | 'spacing'
  | 'clock'
  | 'scheduler'
  | 'digest'
  | 'health'
  | 'entityTags'
  | 'background'
> &
  Charging & { readonly links: LinkMemory; readonly reportInBackground: (failure: Failure) => void }

/** Every mechanism between a question and the upstream. */
export function outbound(options: OutboundOptions, ports: OutboundPorts): Answerer {
  const { epochs, accepted, clock, ledger, send, health, accounts, application, entityTags: tags } = ports
  const { staleOnLimit, maxWait } = options.budget
  const questions = new SentQuestions(accepted)
  const sent = noteAccepted(accepted, noteHealth(health, clock, questions.announce(ask(send, clock))))
  const onWait = (question: Question) => questions.holdBack(question)
  const onGo = (question: Question) => void questions.send(question)
  const once = protectLogins(ports, sent, (noted) => {
    const charged = budget({ ...ports, onWait, onGo }, noted)
    return application?.identify(charged) ?? charged
  })
  const asking = revalidate(
    {
      ...ports,
      ...options,
      policy: options.freshness,
      predict: predict({ ...ports, allowance: new HashAllowance(clock) }),
      tags,
    },
    retryLostConnection(once),
  )
  const flights = new Flights(epochs, learnUsers(accounts, ledger, questions.settle(asking)))
  const shared = gate({ ...ports, tags, questions }, flights)
  const instead = standIn(ports)
  const onError = { freshness: options.freshness, stale: options.staleOnError }
  const whenLimited = { freshness: options.freshness, stale: staleOnLimit, isLimit: true } as const
  const behind = askInBackground({ ...ports, report: ports.reportInBackground }, shared)
  const limited = onLimit({ standIn: instead, rules: whenLimited, maxWait }, shared)
  const asked = staleOnError({ standIn: instead, rules: onError }, limited)
  const known = fresh({ ...ports, rules: onError, askInBackground: behind }, asked)
  const accountOf = (question: Question) => accounts.of(question).name
  const reads = rateLimitPage({ ledger, clock, accountOf }, known)
  const written = onLimitOfWrite(maxWait, write(epochs, accepted, once))
  const writes = learnInstallations(accounts, rememberWritten(ports, written))
  return (question) => (question.method === 'GET' || question.method === 'HEAD' ? reads(question) : writes(question))
}

function pathOf(target: string): string {
  const mark = target.indexOf('?')
  return mark === -1 ? target : target.slice(0, mark)
}
