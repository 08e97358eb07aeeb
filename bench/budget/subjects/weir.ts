import { createApp } from '../../../src/app.ts'
import { systemClock, systemScheduler } from '../../../src/entry/node/clock.ts'
import { createDigest } from '../../../src/entry/node/digest.ts'
import { upstreamAt } from '../../../src/github/upstream.ts'
import type { Bindings } from '../../../src/middleware/inbound/context.ts'
import { EntityTagMemory } from '../../../src/middleware/outbound/entity-tag-memory.ts'
import { UpstreamHealth } from '../../../src/middleware/outbound/upstream-health.ts'
import { derivedBodies } from '../../../src/middleware/present/derived.ts'
import type { Compression, Inbound, Send } from '../../../src/ports.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { memoryCacheStore } from '../../../src/store/memory/cache-store.ts'
import { memoryKnownAccounts } from '../../../src/store/memory/known-accounts.ts'
import { memoryKnownRepresentations } from '../../../src/store/memory/known-representations.ts'
import { memoryBudgetLedger } from '../../../src/store/memory/ledger/index.ts'
import { memoryPredictedTags } from '../../../src/store/memory/predicted-tags.ts'
import { memoryWriteEpochs } from '../../../src/store/memory/write-epochs.ts'
import { memoryWriteSpacing } from '../../../src/store/memory/write-spacing.ts'
import { Random } from '../../quota/random.ts'
import type { Reply, StartSubject } from '../subjects.ts'
import { API_PATH, AUTHORIZATION, ORIGIN } from '../upstream.ts'

/** Real compression would be done in threads that know nothing of virtual time. */
const NO_COMPRESSION: Compression = {
  codings: [],
  compress: async (bytes) => bytes,
  compressStream: (body) => body,
}
/** Hono wants one; everything is read from the bindings. */
const REQUEST = new Request('http://weir.example/')
const NEVER_STOPS = () => {}

/** The whole gateway with its default settings, without sockets. Every client has an address of its own. */
export const startWeir: StartSubject = ({ send, clients }) => {
  const app = gateway(send)
  const addresses = new Map(clients.map(({ name }, index) => [name, `10.0.${index >> 8}.${index & 255}`]))
  return {
    ask: ({ client, target, signal }) =>
      new Promise<Reply>((resolve, reject) => {
        const inbound: Inbound = {
          method: 'GET',
          target: `${API_PATH}${target}`,
          headers: ['host', 'weir.example', 'authorization', AUTHORIZATION, 'accept', 'application/vnd.github+json'],
          body: null,
          bodyLength: undefined,
          peerAddress: addresses.get(client.name) ?? '10.255.255.255',
          encrypted: false,
          signal: () => signal,
        }
        const bindings: Bindings = {
          inbound,
          deliver: ({ status, headers }) => {
            resolve({ status, headers })
            return { response: new Response(), delivered: { bytes: 0, aborted: false } }
          },
        }
        Promise.resolve(app(REQUEST, bindings)).catch(reject)
      }),
  }
}

function gateway(send: Send) {
  const digest = createDigest(new TextEncoder().encode('key of the bench'))
  const chance = new Random(1)
  const ledger = memoryBudgetLedger({
    clock: systemClock,
    scheduler: systemScheduler,
    random: () => chance.next(),
    maxAccounts: 1000,
    concurrency: 80,
    totalConcurrency: 128,
    maxWaiting: 1024,
    pointsPerMinute: 900,
    reserve: 0.1,
  })
  return createApp(
    {
      upstream: upstreamAt(ORIGIN, API_PATH, 'github-enterprise-server'),
      manage: { origin: undefined, allows: () => false },
      publicOrigin: 'http://weir.example',
      isTrustedProxy: () => false,
      fallbackHost: 'localhost',
      freshness: { mode: 'upstream' },
      staleOnError: { milliseconds: 300_000, isSet: false },
      budget: {
        staleOnLimit: { milliseconds: 900_000, isSet: false },
        maxWait: 5000,
        accounts: new Map(),
        anonymousAccount: 'anonymous',
        anonymousApplication: undefined,
        clients: new Map(),
      },
      further: { keyed: [], trace: [] },
      maxEntryBytes: 100_000,
    },
    {
      send,
      store: memoryCacheStore({ bodyBytes: 1_000_000, validationBytes: 1_000_000 }),
      epochs: memoryWriteEpochs(100),
      known: memoryKnownRepresentations(100_000),
      predicted: memoryPredictedTags(100_000),
      accepted: memoryAcceptedCredentials(100),
      knownAccounts: memoryKnownAccounts(100),
      ledger,
      spacing: memoryWriteSpacing(1000),
      clock: systemClock,
      scheduler: systemScheduler,
      digest,
      compression: NO_COMPRESSION,
      derived: derivedBodies(100_000, NO_COMPRESSION),
      health: new UpstreamHealth(),
      entityTags: new EntityTagMemory(),
      telemetry: { record: NEVER_STOPS },
      background: (work) => void work,
      newRequestId: () => 'bench',
      reportFailure: NEVER_STOPS,
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
}
