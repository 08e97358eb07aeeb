import { type BudgetSettings, chargingOf, outbound } from '../../../src/app.ts'
import { createDigest } from '../../../src/entry/node/digest.ts'
import { credentialOf, withoutSecrets } from '../../../src/github/credential.ts'
import { scopesOfRead, scopesOfWrite } from '../../../src/github/write-scopes.ts'
import { parseCacheControl } from '../../../src/http/cache-control.ts'
import type { FreshnessPolicy } from '../../../src/http/freshness.ts'
import { headerValue } from '../../../src/http/headers.ts'
import type { StalePolicy } from '../../../src/http/staleness.ts'
import type { Accounts } from '../../../src/middleware/outbound/accounts.ts'
import { type EntityTagHabit, EntityTagMemory } from '../../../src/middleware/outbound/entity-tag-memory.ts'
import type { Answer, Answerer, Question } from '../../../src/middleware/outbound/exchange.ts'
import { LinkMemory } from '../../../src/middleware/outbound/link-memory.ts'
import { UpstreamHealth } from '../../../src/middleware/outbound/upstream-health.ts'
import type {
  AcceptedCredentials,
  BudgetLedger,
  CacheStore,
  Client,
  Clock,
  KnownRepresentations,
  Scheduler,
  UpstreamRequest,
  UpstreamResponse,
  WriteEpochs,
  WriteSpacing,
} from '../../../src/ports.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { memoryCacheStore } from '../../../src/store/memory/cache-store.ts'
import { memoryKnownAccounts } from '../../../src/store/memory/known-accounts.ts'
import { memoryKnownRepresentations } from '../../../src/store/memory/known-representations.ts'
import { type LedgerOptions, memoryBudgetLedger } from '../../../src/store/memory/ledger/index.ts'
import { memoryPredictedTags } from '../../../src/store/memory/predicted-tags.ts'
import { memoryWriteEpochs } from '../../../src/store/memory/write-epochs.ts'

/** A Wednesday, a whole second: `Date` fields made from it lose nothing. */
export const START = Date.UTC(2026, 3, 15, 12, 0, 0)

export class HandClock implements Clock, Scheduler {
  #now = START
  now = () => this.#now
  elapsed = () => this.#now
  readonly #timers = new Set<{ at: number; run: () => void }>()
  advance(milliseconds: number): void {
    this.#now += milliseconds
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now) continue
      this.#timers.delete(timer)
      timer.run()
    }
  }
  after = (milliseconds: number, run: () => void) => {
    const timer = { at: this.#now + milliseconds, run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }
}

export const digest = createDigest(new TextEncoder().encode('key of the tests'))

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A body as a sender hands it out: in pieces, and it notices when the reader leaves. */
export class FakeBody implements AsyncIterable<Uint8Array> {
  ended: 'no' | 'read' | 'given up' = 'no'
  readonly #chunks: readonly Uint8Array[]
  constructor(chunks: readonly (string | Uint8Array)[]) {
    this.#chunks = chunks.map((chunk) => (typeof chunk === 'string' ? encoder.encode(chunk) : chunk))
  }
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const chunks = this.#chunks.values()
    return {
      next: async () => {
        const { done, value } = chunks.next()
        if (done !== true) return { done: false, value }
        this.ended = 'read'
        return { done: true, value: undefined }
      },
      return: async () => {
        if (this.ended === 'no') this.ended = 'given up'
        return { done: true, value: undefined }
      },
    }
  }
}

export function response(
  status: number,
  fields: Record<string, string | string[]> = {},
  body: string | AsyncIterable<Uint8Array> | null = null,
): UpstreamResponse {
  const headers = Object.entries(fields).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((line) => [name, line]),
  )
  return { status, headers, body: typeof body === 'string' ? new FakeBody([body]) : body }
}

export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly query?: string
  readonly authorization?: string
  /** Request fields that the inbound side reads. */
  readonly fields?: Record<string, string>
  readonly clientTags?: readonly string[]
  readonly clientModifiedSince?: string
  readonly bypass?: Question['bypass']
  readonly body?: Question['body']
  readonly bodyLength?: number
  readonly signal?: AbortSignal
  readonly isCharged?: boolean
  readonly client?: Client
  readonly isBackground?: boolean
  /** ms */
  readonly longestWait?: number
}

/** A question as the inbound side would make it, without needing the inbound side. */
export function questionFor({ method = 'GET', path = '/user', query = '', ...rest }: Asked = {}): Question {
  const headers: string[] = []
  if (rest.authorization !== undefined) headers.push('authorization', rest.authorization)
  const credential = credentialOf(headers, query, digest)
  const isRead = method === 'GET' || method === 'HEAD'
  return {
    method,
    address: { origin: 'https://ghes.example', target: `/api/v3${path}${query === '' ? '' : `?${query}`}` },
    path,
    query,
    headers,
    body: rest.body ?? null,
    bodyLength: rest.bodyLength,
    credential,
    key: `${credential.fingerprint} ${path}?${withoutSecrets(query)}`,
    resource: () => `${path}?${withoutSecrets(query)} json`,
    plainAddress: () => `https://ghes.example/api/v3${path}`,
    scopes: () =>
      isRead
        ? scopesOfRead(path, credential.fingerprint)
        : scopesOfWrite(path, credential.isAnonymous ? undefined : credential.fingerprint),
    directives: parseCacheControl(rest.fields?.['cache-control']),
    clientTags: rest.clientTags ?? [],
    clientModifiedSince: rest.clientModifiedSince,
    bypass: rest.bypass,
    isCharged: rest.isCharged ?? true,
    client: rest.client ?? { group: 'address:192.0.2.1', name: '' },
    isBackground: rest.isBackground ?? false,
    longestWait: rest.longestWait ?? 0,
    use: { requests: 0, cost: 0, milliseconds: 0 },
    signal: () => rest.signal ?? new AbortController().signal,
  }
}

/** What was put on the wire, with the conditions in sight. */
export interface Sent extends UpstreamRequest {
  readonly noneMatch: string | undefined
  readonly modifiedSince: string | undefined
}

export type Script = (request: Sent, number: number) => UpstreamResponse | Promise<UpstreamResponse>

export interface Chain {
  /** Asks and collects the body. */
  get(asked?: Asked): Promise<Answer & { text: string }>
  question(question: Question): Promise<Answer>
  /** What the upstream will say from now on: an answer each, the last one again and again; or a function. */
  upstream(...says: [Script] | UpstreamResponse[]): void
  readonly sent: Sent[]
  readonly clock: HandClock
  readonly store: CacheStore
  readonly epochs: WriteEpochs
  readonly ledger: BudgetLedger
  readonly accounts: Accounts
  readonly accepted: AcceptedCredentials
  readonly known: KnownRepresentations
  readonly entityTags: EntityTagMemory
  readonly links: LinkMemory
}

export interface ChainOptions {
  readonly policy?: FreshnessPolicy
  readonly maxEntryBytes?: number
  readonly store?: CacheStore
  readonly stale?: StalePolicy
  readonly budget?: Partial<BudgetSettings>
  readonly limits?: Partial<LedgerOptions>
  /** Puts something between the mechanisms and the ledger. */
  readonly watch?: (ledger: BudgetLedger) => BudgetLedger
  readonly spacing?: WriteSpacing
  /** Whether tags are predicted: off where a test is about something else, and makes tags up. */
  readonly predicts?: boolean
}

class NothingPredictable extends EntityTagMemory {
  override of(path: string, accept?: string): EntityTagHabit {
    const habit = super.of(path, accept)
    habit.sawDifference()
    return habit
  }
}

/** The whole way outwards, as app.ts assembles it, with a scripted upstream at its end. */
export function chain({ policy = { mode: 'upstream' }, maxEntryBytes = 10_000, ...rest }: ChainOptions = {}): Chain {
  const clock = new HandClock()
  const store = rest.store ?? memoryCacheStore({ bodyBytes: 1_000_000, validationBytes: 1_000_000 })
  const epochs = memoryWriteEpochs(1000)
  const ledger = memoryBudgetLedger({ ...LEDGER, clock, scheduler: clock, ...rest.limits })
  // Else what is not known yet is asked one at a time.
  if (rest.limits === undefined) teachThatNothingIsLimited(ledger)
  const watched = rest.watch?.(ledger) ?? ledger
  const sent: Sent[] = []
  let script: Script = () => {
    throw new Error('the test did not expect a question')
  }
  const send = async (request: UpstreamRequest): Promise<UpstreamResponse> => {
    const seen: Sent = {
      ...request,
      noneMatch: headerValue(request.headers, 'if-none-match'),
      modifiedSince: headerValue(request.headers, 'if-modified-since'),
    }
    sent.push(seen)
    return script(seen, sent.length)
  }
  const accepted = memoryAcceptedCredentials(100)
  const links = new LinkMemory()
  const known = memoryKnownRepresentations(100_000)
  const entityTags = rest.predicts === true ? new EntityTagMemory() : new NothingPredictable()
  const budget: BudgetSettings = {
    staleOnLimit: { milliseconds: 0, isSet: false },
    maxWait: 0,
    accounts: new Map(),
    anonymousAccount: 'anonymous',
    anonymousApplication: undefined,
    clients: new Map(),
    ...rest.budget,
  }
  const charging = chargingOf(budget, { knownAccounts: memoryKnownAccounts(100), accepted, digest, clock })
  const answerer: Answerer = outbound(
    { freshness: policy, staleOnError: rest.stale ?? { milliseconds: 0, isSet: false }, maxEntryBytes, budget },
    {
      ...charging,
      spacing: rest.spacing ?? { next: (_account, run) => run() },
      send,
      store,
      epochs,
      accepted,
      known,
      predicted: memoryPredictedTags(100_000),
      ledger: watched,
      clock,
      scheduler: clock,
      digest,
      health: new UpstreamHealth(),
      entityTags,
      links,
      background: (work) => void work,
      reportInBackground: (failure) => {
        throw failure
      },
    },
  )
  const question = async (asked: Question) => answerer(asked)
  return {
    async get(asked) {
      const answer = await question(questionFor(asked))
      return { ...answer, text: await textOf(answer.body) }
    },
    question,
    upstream(...says) {
      const [first] = says
      if (typeof first === 'function') {
        script = first
        return
      }
      const answers = says as UpstreamResponse[]
      let next = 0
      script = () => answers[Math.min(next++, answers.length - 1)]!
    },
    sent,
    clock,
    store,
    epochs,
    ledger,
    accounts: charging.accounts,
    accepted,
    known,
    entityTags,
    links,
  }
}

/** An upstream with limits off answers once. */
export function teachThatNothingIsLimited(ledger: BudgetLedger): void {
  const place = ledger.reserve({
    account: 'somebody',
    isVouchedFor: true,
    resource: 'core',
    client: { group: 'address:192.0.2.9', name: '' },
    isBackground: false,
    isWrite: false,
    units: 1,
    longestWait: 0,
    signal: new AbortController().signal,
  })
  if (place instanceof Promise || !place.isGranted) throw new Error('a new ledger grants at once')
  place.settle({
    account: 'somebody',
    isVouchedFor: true,
    stated: undefined,
    date: undefined,
    cost: 1,
    refused: undefined,
    retryAfter: undefined,
    isOrdinary: true,
  })
  place.end()
}

/** A ledger that is in nobody's way, for tests of something else. */
export const LEDGER = {
  random: () => 0,
  maxAccounts: 100,
  concurrency: 1000,
  totalConcurrency: 4000,
  maxWaiting: 1000,
  pointsPerMinute: 0,
  reserve: 0,
} as const

export async function textOf(body: Answer['body']): Promise<string> {
  return decoder.decode(await bytesOf(body))
}

export async function bytesOf(body: Answer['body']): Promise<Uint8Array> {
  if (body === null) return new Uint8Array(0)
  if (body instanceof Uint8Array) return body
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export const JSON_TYPE = 'application/json; charset=utf-8'
export const PRIVATE = 'private, max-age=60, s-maxage=60'
export const PUBLIC = 'public, max-age=60, s-maxage=60'

/** An answer that is settled by hand: for two that overtake each other. */
export function held<T>(): { promise: Promise<T>; settle: (value: T) => void } {
  let settle: (value: T) => void = () => {}
  const promise = new Promise<T>((resolve) => {
    settle = resolve
  })
  return { promise, settle }
}
