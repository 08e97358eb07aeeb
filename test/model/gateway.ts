import { createApp } from '../../src/app.ts'
import { createDigest } from '../../src/entry/node/digest.ts'
import type { Failure } from '../../src/errors.ts'
import { upstreamAt } from '../../src/github/upstream.ts'
import type { Bindings } from '../../src/middleware/inbound/context.ts'
import { EntityTagMemory } from '../../src/middleware/outbound/entity-tag-memory.ts'
import { UpstreamHealth } from '../../src/middleware/outbound/upstream-health.ts'
import { derivedBodies } from '../../src/middleware/present/derived.ts'
import type { RequestEvent } from '../../src/outcome.ts'
import type { CacheStore, Clock, Compression, Scheduler, Send } from '../../src/ports.ts'
import { memoryAcceptedCredentials } from '../../src/store/memory/accepted-credentials.ts'
import { memoryCacheStore } from '../../src/store/memory/cache-store.ts'
import { memoryKnownAccounts } from '../../src/store/memory/known-accounts.ts'
import { memoryKnownRepresentations } from '../../src/store/memory/known-representations.ts'
import { memoryBudgetLedger } from '../../src/store/memory/ledger/index.ts'
import { memoryPredictedTags } from '../../src/store/memory/predicted-tags.ts'
import { memoryWriteEpochs } from '../../src/store/memory/write-epochs.ts'
import type { Settings } from './rules.ts'
import { PUBLIC, UPSTREAM } from './world.ts'

/** Time as the run says it is, and what waits for it. */
export class HandTime implements Clock, Scheduler {
  readonly #now: () => number
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>()

  constructor(now: () => number) {
    this.#now = now
  }

  now = (): number => this.#now()
  elapsed = (): number => this.#now()

  after = (milliseconds: number, run: () => void): (() => void) => {
    const timer = { at: this.#now() + milliseconds, run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** When the next that waits is due: epoch ms. */
  get next(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...[...this.#timers].map(({ at }) => at))
  }

  /** Runs what is due first, of several alike what has waited for longest. */
  runNext(): void {
    const { next } = this
    for (const timer of this.#timers) {
      if (timer.at !== next) continue
      this.#timers.delete(timer)
      timer.run()
      return
    }
  }
}

export interface GatewayOptions {
  readonly settings: Settings
  /** Largest body that is stored, bytes. */
  readonly maxEntryBytes: number
  /** Room for bodies, bytes: little, and the store forgets. */
  readonly bodyBytes: number
  /** Settles an operation of the store when the schedule says so; `undefined`: at once. */
  readonly storeStep: ((what: string) => Promise<void>) | undefined
  readonly send: Send
  readonly time: HandTime
  readonly recorded: (event: RequestEvent) => void
  readonly failed: (requestId: string, failure: Failure) => void
  readonly background: (work: Promise<void>) => void
}

export type Gateway = (bindings: Bindings) => Response | Promise<Response>

const digest = createDigest(new TextEncoder().encode('key of the model'))
const NO_COMPRESSION: Compression = {
  codings: [],
  compress: async (bytes) => bytes,
  compressStream: (body) => body,
}
/** Hono wants one; everything is read from the bindings. */
const REQUEST = new Request(`${PUBLIC}/`)

/** The whole gateway in this process, as `src/entry/node.ts` puts it together, without sockets. */
export function startGateway(options: GatewayOptions): Gateway {
  const { time, settings } = options
  const memory = memoryCacheStore({ bodyBytes: options.bodyBytes, validationBytes: 1_000_000 })
  const ledger = memoryBudgetLedger({
    clock: time,
    scheduler: time,
    random: () => 0,
    maxAccounts: 100,
    concurrency: 80,
    totalConcurrency: 128,
    maxWaiting: 1000,
    pointsPerMinute: 900,
    reserve: 0.1,
  })
  const app = createApp(
    {
      upstream: upstreamAt(UPSTREAM, '/api/v3', 'github-enterprise-server'),
      manage: { origin: undefined, allows: () => false },
      publicOrigin: PUBLIC,
      isTrustedProxy: () => false,
      fallbackHost: 'localhost',
      freshness: settings.freshness,
      staleOnError: settings.stale,
      budget: {
        staleOnLimit: settings.stale,
        maxWait: 5000,
        accounts: new Map(),
        anonymousAccount: 'anonymous',
        anonymousApplication: undefined,
        clients: new Map(),
      },
      further: { keyed: [], trace: [] },
      maxEntryBytes: options.maxEntryBytes,
    },
    {
      send: options.send,
      store: options.storeStep === undefined ? memory : later(memory, options.storeStep),
      epochs: memoryWriteEpochs(100),
      known: memoryKnownRepresentations(100_000),
      predicted: memoryPredictedTags(32_000),
      accepted: memoryAcceptedCredentials(100),
      ledger,
      spacing: { next: (_account, run) => run() },
      knownAccounts: memoryKnownAccounts(100),
      clock: time,
      scheduler: time,
      digest,
      compression: NO_COMPRESSION,
      derived: derivedBodies(100_000, NO_COMPRESSION),
      health: new UpstreamHealth(),
      entityTags: new EntityTagMemory(),
      telemetry: { record: options.recorded },
      background: options.background,
      newRequestId: () => 'made here',
      reportFailure: options.failed,
      gateway: {
        store: () => 'ready',
        upstream: new UpstreamHealth(),
        budgets: () => ledger.report(),
        metrics: { text: async () => '', contentType: 'text/plain' },
        mayAdminister: () => 'unauthorized',
        isDraining: () => false,
      },
    },
  )
  return (bindings) => app(REQUEST, bindings)
}

/**
 * The same store, somewhere else: operations happen when the schedule says so, in the order in which they were told, as over
 * one connection; and their results come later.
 */
function later(store: CacheStore, step: (what: string) => Promise<void>): CacheStore {
  const told: (() => void)[] = []
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown
      if (typeof member !== 'function') return member
      return (...given: unknown[]) =>
        new Promise((resolve) => {
          told.push(() => resolve(member.apply(target, given)))
          void step(`store ${String(name)}`).then(() => told.shift()?.())
        })
    },
  })
}
