import { randomBytes } from 'node:crypto'
import { createApp } from '../app.ts'
import type { Settings } from '../config.ts'
import { upstreamAt } from '../github/upstream.ts'
import { createRequestIds } from '../http/request-id.ts'
import { adminTokenFingerprint, mayAdminister } from '../middleware/inbound/admin-guard.ts'
import { EntityTagMemory } from '../middleware/outbound/entity-tag-memory.ts'
import { UpstreamHealth } from '../middleware/outbound/upstream-health.ts'
import { derivedBodies } from '../middleware/present/derived.ts'
import type { Clock, Scheduler, Telemetry } from '../ports.ts'
import { memoryAcceptedCredentials } from '../store/memory/accepted-credentials.ts'
import { memoryCacheStore } from '../store/memory/cache-store.ts'
import { memoryKnownAccounts } from '../store/memory/known-accounts.ts'
import { memoryKnownRepresentations } from '../store/memory/known-representations.ts'
import { memoryBudgetLedger } from '../store/memory/ledger/index.ts'
import { memoryPredictedTags } from '../store/memory/predicted-tags.ts'
import { memoryWriteEpochs } from '../store/memory/write-epochs.ts'
import { memoryWriteSpacing } from '../store/memory/write-spacing.ts'
import { version } from '../version.ts'
import { systemClock, systemScheduler } from './node/clock.ts'
import { compression } from './node/compression.ts'
import { createDigest } from './node/digest.ts'
import { createLog, type Log } from './node/log.ts'
import { createMetrics } from './node/metrics.ts'
import { createSend } from './node/send.ts'
import { startServer } from './node/server.ts'
import { combine } from './node/telemetry.ts'

/** Shares of the cache's bytes: bodies, what is known about them, and what was worked out of them. */
const BODY_SHARE = 1 / 2
const VALIDATION_SHARE = 3 / 16
/** And what is remembered to predict entity tags with: which bodies a resource had, and tags that were worked out. */
const KNOWN_SHARE = 1 / 32
const PREDICTED_SHARE = 1 / 32

/** Bounds of what grows with callers but is not counted in bytes. */
const MAX_WRITE_SCOPES = 50_000
const MAX_ACCEPTED_CREDENTIALS = 20_000
const MAX_ACCOUNTS = 20_000
/** How many turns of the event loop a stop waits for the events of requests that were cut off. */
const TURNS_FOR_LAST_EVENTS = 1000
/** Requests that may wait for a connection to the upstream, per connection that there may be. */
const WAITING_PER_CONNECTION = 8

export interface StartOptions {
  /** For tests; default: the system's. */
  readonly clock?: Clock
  readonly scheduler?: Scheduler
  /** Is told every event as well. */
  readonly telemetry?: Telemetry
}

export interface RunningGateway {
  /** Scheme, host and port that it listens on. */
  readonly origin: string
  readonly log: Log
  /** Stops accepting, lets requests in flight finish (bounded by the settings), then lets go of everything. */
  stop(): Promise<void>
  /** Ends at once. */
  kill(): void
}

/**
 * Starts the gateway on Node: reads nothing but the settings it is given.
 *
 * @throws Error with one line that says what to do, when it cannot listen
 */
export async function startGateway(settings: Settings, options: StartOptions = {}): Promise<RunningGateway> {
  const clock = options.clock ?? systemClock
  const scheduler = options.scheduler ?? systemScheduler
  const digest = createDigest(settings.secret === undefined ? randomBytes(32) : Buffer.from(settings.secret))
  const { maxBytes, freshness, staleOnError } = settings.cache
  const bodyBytes = Math.floor(maxBytes * BODY_SHARE)
  // What would not fit beside nothing else is not collected, and not said to be stored.
  const maxEntryBytes = Math.min(settings.cache.maxEntryBytes, Math.floor(bodyBytes / 2))
  const store = memoryCacheStore({
    bodyBytes,
    validationBytes: Math.floor(maxBytes * VALIDATION_SHARE),
  })
  const derived = derivedBodies(
    Math.floor(maxBytes * (1 - BODY_SHARE - VALIDATION_SHARE - KNOWN_SHARE - PREDICTED_SHARE)),
    compression,
  )
  const known = memoryKnownRepresentations(Math.floor(maxBytes * KNOWN_SHARE))
  const predicted = memoryPredictedTags(Math.floor(maxBytes * PREDICTED_SHARE))
  const health = new UpstreamHealth()
  const entityTags = new EntityTagMemory()
  const { upstream } = settings
  const sender = createSend({
    ca: upstream.caCertificate,
    connectTimeout: upstream.connectTimeoutMilliseconds,
    headersTimeout: upstream.headersTimeoutMilliseconds,
    bodyTimeout: upstream.bodyTimeoutMilliseconds,
    maxConnections: upstream.maxConnections,
    maxWaiting: upstream.maxConnections * WAITING_PER_CONNECTION,
    userAgent: `weir/${version}`,
  })
  const { budget } = settings
  const ledger = memoryBudgetLedger({
    clock,
    scheduler,
    random: Math.random,
    maxAccounts: MAX_ACCOUNTS,
    concurrency: budget.concurrency,
    totalConcurrency: upstream.maxConnections,
    maxWaiting: upstream.maxConnections * WAITING_PER_CONNECTION,
    pointsPerMinute: budget.pointsPerMinute,
    reserve: budget.reserve,
  })
  const log = createLog(settings.log)
  let inFlight = 0
  let draining = false
  const metrics = createMetrics(
    {
      cache: () => [...store.usage(), known.usage(), predicted.usage(), derived.usage()],
      entityTags: () => entityTags.evidence(),
      upstream: () => sender.connections(),
      budgets: () => ledger.report(),
      inFlight: () => inFlight,
    },
    version,
  )
  const counting: Telemetry = { record: () => inFlight-- }
  const publicHost = settings.publicOrigin === undefined ? undefined : new URL(settings.publicOrigin).host
  const adminToken = settings.adminToken === undefined ? undefined : adminTokenFingerprint(settings.adminToken, digest)

  const app = createApp(
    {
      upstream: upstreamAt(upstream.origin, upstream.apiPath, upstream.profile),
      manage: settings.manage,
      publicOrigin: settings.publicOrigin,
      isTrustedProxy: settings.isTrustedProxy,
      fallbackHost: `localhost:${settings.listen.port}`,
      freshness,
      staleOnError,
      budget: {
        staleOnLimit: budget.staleOnLimit,
        maxWait: budget.maxWaitMilliseconds,
        accounts: budget.accounts,
        anonymousAccount: budget.sharedEgress === undefined ? 'anonymous' : `egress:${budget.sharedEgress}`,
        anonymousApplication: budget.anonymousApplication,
        clients: budget.clients,
      },
      further: { keyed: upstream.forwardHeaders, trace: upstream.traceHeaders },
      maxEntryBytes,
    },
    {
      send: sender.send,
      store,
      epochs: memoryWriteEpochs(MAX_WRITE_SCOPES),
      known,
      predicted,
      accepted: memoryAcceptedCredentials(MAX_ACCEPTED_CREDENTIALS),
      ledger,
      spacing: memoryWriteSpacing(budget.writeIntervalMilliseconds),
      // As many names as accepted credentials, and for each token that is one beside it.
      knownAccounts: memoryKnownAccounts(2 * MAX_ACCEPTED_CREDENTIALS),
      clock,
      scheduler,
      digest,
      compression,
      derived,
      health,
      entityTags,
      telemetry: combine(counting, log.telemetry, metrics.telemetry, ...(options.telemetry ? [options.telemetry] : [])),
      // A process that serves lives long enough for it; one that stops lets go of the upstream.
      background: (work) => void work.catch(() => {}),
      newRequestId: createRequestIds(),
      reportFailure: log.failed,
      gateway: {
        store: () => 'ready',
        upstream: health,
        budgets: () => ledger.report(),
        metrics,
        mayAdminister: (request) =>
          mayAdminister(request, { adminToken, digest, knownHosts: (host) => host === publicHost }),
        isDraining: () => draining,
      },
    },
  )
  const { host, port, tls } = settings.listen
  const server = await startServer({
    host,
    port,
    ...(tls === undefined ? {} : { tls: { cert: tls.certificate, key: tls.key } }),
    drainTimeout: settings.drainTimeoutMilliseconds,
    fetch: (request, bindings) => {
      inFlight++
      return app(request, bindings)
    },
  })
  return {
    origin: server.origin,
    log,
    async stop() {
      draining = true
      const cutOff = await server.drain()
      sender.close()
      // The events of what was cut off are on their way: they are worth their line more than any other.
      for (let turn = 0; inFlight > 0 && turn < TURNS_FOR_LAST_EVENTS; turn++) await new Promise(setImmediate)
      if (cutOff === 0) log.logger.info('stopped')
      else log.logger.warn(`stopped; the drain timeout was over and ${cutOff} requests were cut off`)
      await log.close()
    },
    kill() {
      server.close()
      sender.close()
    },
  }
}
