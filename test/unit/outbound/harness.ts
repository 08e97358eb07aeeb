import { outbound } from '../../../src/app.ts'
import { createDigest } from '../../../src/entry/node/digest.ts'
import { credentialOf, withoutSecrets } from '../../../src/github/credential.ts'
import { scopesOfRead, scopesOfWrite } from '../../../src/github/write-scopes.ts'
import { parseCacheControl } from '../../../src/http/cache-control.ts'
import type { FreshnessPolicy } from '../../../src/http/freshness.ts'
import { headerValue } from '../../../src/http/headers.ts'
import type { StalePolicy } from '../../../src/http/staleness.ts'
import { type EntityTagHabit, EntityTagMemory } from '../../../src/middleware/outbound/entity-tag-memory.ts'
import type { Answer, Answerer, Question } from '../../../src/middleware/outbound/exchange.ts'
import { LinkMemory } from '../../../src/middleware/outbound/link-memory.ts'
import { UpstreamHealth } from '../../../src/middleware/outbound/upstream-health.ts'
import type {
  AcceptedCredentials,
  BudgetLedger,
  CacheStore,
  Clock,
  KnownRepresentations,
  Scheduler,
  UpstreamRequest,
  UpstreamResponse,
  WriteEpochs,
} from '../../../src/ports.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { memoryBudgetLedger } from '../../../src/store/memory/budget-ledger.ts'
import { memoryCacheStore } from '../../../src/store/memory/cache-store.ts'
import { memoryKnownRepresentations } from '../../../src/store/memory/known-representations.ts'
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
  readonly signal?: AbortSignal
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
    bodyLength: undefined,
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
    isCharged: true,
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
  const ledger = memoryBudgetLedger(100, clock)
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
  const answerer: Answerer = outbound(
    { freshness: policy, staleOnError: rest.stale ?? { milliseconds: 0, isSet: false }, maxEntryBytes },
    {
      send,
      store,
      epochs,
      accepted,
      known,
      predicted: memoryPredictedTags(100_000),
      ledger,
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
    accepted,
    known,
    entityTags,
    links,
  }
}

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
