import type { RequestEvent } from './outcome.ts'

/**
 * What the core needs from the outside, as types only. Whoever runs Weir (Node, a worker, a test) hands these in;
 * nothing in `src/middleware`, `src/http` or `src/github` reaches for a socket, a clock or a store by itself.
 */

/**
 * Header fields as one flat list: name, value, name, value, … Names are lower case; repeated fields stay apart and in
 * order. It is the shape in which Node reads and writes them, so nothing is converted on the way through.
 */
export type HeaderList = readonly string[]

/** A message body: nothing, bytes that are held, or bytes that are still arriving. */
export type Body = Uint8Array | AsyncIterable<Uint8Array> | null

/** A value that an in-process store has at once and a remote one has later. */
export type MaybePromise<T> = T | Promise<T>

// -------------------------------------------------------------------------------------------------- downstream

/** A client's request as it arrived, before anything about it is believed. */
export interface Inbound {
  readonly method: string
  /** The raw request target, undecoded and not normalised. */
  readonly target: string
  readonly headers: HeaderList
  readonly body: AsyncIterable<Uint8Array> | null
  /** Bytes of `body` where the client announced them. */
  readonly bodyLength: number | undefined
  /** Address of the peer of the connection: the client or the last proxy. */
  readonly peerAddress: string
  /** Whether the connection itself is encrypted. */
  readonly encrypted: boolean
  /** Aborts when the client goes away before its answer is complete. Made on the first call: most hits never need it. */
  signal(): AbortSignal
}

/** An answer ready for the wire. Bytes get their `content-length` from the one who writes them. */
export interface OutgoingAnswer {
  readonly status: number
  readonly headers: HeaderList
  readonly body: Body
}

/** What became of an answer on its way to the client. */
export interface Delivery {
  /** Body bytes written. */
  readonly bytes: number
  /** The client left, or the body broke off, before the end. */
  readonly aborted: boolean
}

/**
 * Writes an answer to the client. `response` is what the framework must be given back (on Node: a marker that it is
 * written already); `delivered` is settled when the last byte is handed over, and never rejects.
 */
export type Deliver = (answer: OutgoingAnswer) => {
  readonly response: Response
  readonly delivered: MaybePromise<Delivery>
}

// ---------------------------------------------------------------------------------------------------- upstream

export interface UpstreamRequest {
  readonly method: string
  /** Scheme, host and port: one of the origins that the settings name, never taken from a request. */
  readonly origin: string
  /** Origin-form request target, raw: it goes on the wire as it is. */
  readonly target: string
  readonly headers: HeaderList
  /** `null`: the request has no body (and no framing that announces one). */
  readonly body: AsyncIterable<Uint8Array> | null
  /** Bytes of `body` where the client announced them, else `undefined` and the body goes out chunked. */
  readonly bodyLength: number | undefined
  /** Aborts the exchange, the response body included. */
  readonly signal: AbortSignal | undefined
}

export interface UpstreamResponse {
  readonly status: number
  /** Without hop-by-hop fields. `content-encoding` is present only where the sender could not decode it. */
  readonly headers: HeaderList
  /** Decoded bytes. Iterating it throws a `Failure` when the upstream breaks off, stalls or sends a broken coding. */
  readonly body: AsyncIterable<Uint8Array> | null
  /** Neither a length nor chunks said where the body ends: one that broke off cannot be told from a complete one. */
  readonly endsWithConnection?: boolean
}

/** Asks the upstream once. Rejects with a `Failure` (errors.ts) whose tag says what went wrong. */
export type Send = (request: UpstreamRequest) => Promise<UpstreamResponse>

// ----------------------------------------------------------------------------------------------------- storage

/** A representation's bytes, content-addressed: the same for everybody who was sent them. */
export interface StoredBody {
  /** SHA-256 of the bytes, base64url. */
  readonly key: string
  readonly bytes: Uint8Array
}

/** What one credential was told about one variant of one URL: which body, how to ask again, and its own headers. */
export interface Validation {
  readonly bodyKey: string
  /** 200, or the status of an answer that may be reused for the lifetime it states and is never asked about again. */
  readonly status: number
  /** Response fields as the upstream sent them to this credential, 304 updates merged in. */
  readonly headers: HeaderList
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** When the upstream last sent or confirmed it: epoch ms of the answer's arrival. */
  readonly confirmedAt: number
  /** Age it already had when it arrived, ms (RFC 9111 §4.2.3, corrected_initial_age). */
  readonly initialAge: number
  /** How long the upstream lets it be reused without asking, ms, from age zero; 0: ask every time. */
  readonly freshFor: number
  /** Marked `public`: the only kind that callers without a credential may share without asking. */
  readonly isPublic: boolean
  /** `no-cache`: never reused without asking, whatever the operator's freshness setting says. */
  readonly alwaysRevalidate: boolean
  /** For how long after its confirmation the upstream wants not to be asked again, ms; 0: it may be asked at any time. */
  readonly pollInterval: number
  /**
   * Whether it may be used when it is stale: `operator` only where the operator said so himself, for the upstream demands
   * that it be asked about (`must-revalidate` and its like).
   */
  readonly staleUse: 'allowed' | 'operator' | 'forbidden'
  /** For how long after it became stale it may be used while it is asked about in the background, ms (RFC 5861 §3). */
  readonly staleWhileRevalidate: number
  /** For how long after it became stale it may stand in for an error, ms, where the upstream says so (RFC 5861 §4). */
  readonly staleIfError: number | undefined
  /** Until when its `Link` may be repeated although the upstream's 304 does not carry one: epoch ms. */
  readonly linkGoodUntil: number
  /**
   * Whether an unchanged body can have got a page behind it all the same. `stated`: no, and its `Link` cannot have
   * changed either, for the body says how many items there are in all; `none`: no, the page is not full; `possible`: yes.
   */
  readonly nextPage: 'stated' | 'none' | 'possible'
  /** The write epoch when the question behind it was asked. */
  readonly epoch: number
}

export interface StoreCapabilities {
  /** Whether other processes see the same entries. */
  readonly shared: boolean
}

/**
 * Keeps what the rules decided to keep; decides nothing itself and may forget anything at any time. A validation whose
 * body is gone is a miss. A failing store answers as an empty one.
 */
export interface CacheStore {
  readonly capabilities: StoreCapabilities
  validation(key: string): MaybePromise<Validation | undefined>
  body(key: string): MaybePromise<StoredBody | undefined>
  /** Stores the validation, and the body unless it is there already. */
  keep(key: string, validation: Validation, body: StoredBody): MaybePromise<void>
  /** Stores a body that no validation names yet. */
  keepBody(body: StoredBody): MaybePromise<void>
  drop(key: string): MaybePromise<void>
}

/** A body that the upstream sent for a resource to whomever, and what of that answer describes the body for everybody. */
export interface KnownRepresentation {
  readonly bodyKey: string
  /** Bytes of the body. */
  readonly length: number
  readonly contentType: string | undefined
  readonly lastModified: string | undefined
  /** `X-GitHub-Media-Type`, which names the `Accept` rather than the body: good only for the same one. */
  readonly mediaType: string | undefined
  readonly accept: string | undefined
  /** Whether anybody got a `Link` with it: then its pages depend on the reader. */
  readonly seenWithLink: boolean
  /** As in `Validation`. */
  readonly nextPage: Validation['nextPage']
}

/**
 * The last few distinct bodies of each resource: what a caller who never asked may be about to be sent. It names bodies
 * and holds none; nothing in it is an answer to anybody before the upstream has confirmed it to that very caller.
 */
export interface KnownRepresentations {
  /** The likeliest first. */
  of(resource: string): readonly KnownRepresentation[]
  /** It was sent or confirmed just now. */
  saw(resource: string, representation: KnownRepresentation): void
}

/**
 * Entity tags that were worked out before, so that a large body is not hashed at every question. In memory only, never
 * stored or logged: beside a body that somebody knows, such a tag is a way to guess the credential in it.
 */
export interface PredictedTags {
  get(name: string): string | undefined
  set(name: string, tag: string): void
}

/** Counts writes, so that what was learnt before one is not reused after it. */
export interface WriteEpochs {
  /** The number to remember with a question at the moment it is asked. */
  current(): number
  /** A write that concerns these scopes was sent or answered. `everything`: what it touched is not known. */
  bump(scopes: readonly string[] | 'everything'): void
  /** Whether something asked at `epoch` may still be reused for these scopes without asking. */
  isCurrent(epoch: number, scopes: readonly string[]): boolean
}

/** Credentials that the upstream has accepted lately, by fingerprint. One that was forgotten counts as never seen. */
export interface AcceptedCredentials {
  add(fingerprint: string): void
  remove(fingerprint: string): void
  has(fingerprint: string): boolean
}

// ------------------------------------------------------------------------------------------------------ budget

/** A rate limit as the upstream last stated it. */
export interface RateLimit {
  readonly resource: string
  readonly limit: number
  readonly remaining: number
  /** Absent on servers that do not send it. */
  readonly used: number | undefined
  /** Epoch seconds, UTC. */
  readonly reset: number
}

/** One of the apps that share a budget, as far as fair shares go. */
export interface Client {
  /** What earns a share: `key:<name of a configured key>` or `address:<client's address>`. */
  readonly group: string
  /** Divides the group's share: the name that a client gives itself, or `''`. */
  readonly name: string
}

/** What a request asks of the ledger before it may be sent. */
export interface BudgetRequest {
  /** Whom the upstream charges. */
  readonly account: string
  /** Whether the upstream has accepted the credential. Until then it has little room, and nobody's budget but its own. */
  readonly isVouchedFor: boolean
  /** The rate-limit resource that it will probably be charged to: `core`, `search`, … */
  readonly resource: string
  readonly client: Client
  /** Background work may not touch the reserve, and comes after all other. */
  readonly isBackground: boolean
  /** Whether it may change something: such requests go one at a time, spaced, and count five points. */
  readonly isWrite: boolean
  /** Units of the primary limit that it may cost: none for `/rate_limit` and the like. */
  readonly units: 0 | 1
  /** For how long it may wait for units or for the end of a pause, ms; 0: not at all. It waits its turn in any case. */
  readonly longestWait: number
  /** Ends the wait when nobody wants the answer any longer. */
  readonly signal: AbortSignal
  /** Called once, before the first wait. */
  readonly onWait?: () => void
}

/** The ledger's no. */
export interface BudgetRefusal {
  readonly isGranted: false
  /**
   * `exhausted`: the upstream would refuse; `share`: this client has had its share of what is left; `paused`: the upstream
   * has told the account to slow down; `busy`: too many wait already.
   */
  readonly why: 'exhausted' | 'share' | 'paused' | 'busy'
  /** When it makes sense to come again: epoch ms by the gateway's clock. */
  readonly retryAt: number
  /** The budget's numbers, where the upstream states any. */
  readonly stated: RateLimit | undefined
}

/** What an answer says about budgets. */
export interface BudgetAnswer {
  /** Whom the answer speaks of, which may be known only now. */
  readonly account: string
  readonly isVouchedFor: boolean
  readonly stated: RateLimit | undefined
  /** The upstream's own clock: epoch ms, from `Date`. */
  readonly date: number | undefined
  /** Units that it cost. */
  readonly cost: number
  /** Whether the upstream refused it for a limit: the budget's, or one on how fast the account asks. */
  readonly refused: 'primary' | 'secondary' | undefined
  /** How long the upstream wants to be left alone, ms, where it says so. */
  readonly retryAfter: number | undefined
  /** Whether an upstream that limits would have stated numbers: 200, 304 and the like. */
  readonly isOrdinary: boolean
}

/** One request's place in the budgets. `settle`, `lose` or `giveBack` is called once, and `end` last, perhaps twice. */
export interface Reservation {
  readonly isGranted: true
  /** Whether the upstream limits this account at all: then its writes are spaced. */
  readonly isLimited: boolean
  /** It was answered. */
  settle(answer: BudgetAnswer): void
  /** It was sent and no answer tells what it cost: it counts until newer numbers say otherwise. */
  lose(): void
  /** It was not sent. */
  giveBack(): void
  /** The exchange is over, its body included: another may take its place. */
  end(): void
}

/** What is known of the budgets, for the operator. Holds no credential. */
export interface BudgetReport {
  /** Requests on their way upstream, and those that wait for their turn. */
  readonly inFlight: number
  readonly waiting: number
  /** Accounts that the upstream wants to be left alone just now. */
  readonly paused: number
  /** The last used first. */
  readonly accounts: readonly AccountReport[]
  /** Accounts that are known and left out here. */
  readonly leftOut: number
}

export interface AccountReport {
  readonly account: string
  readonly isVouchedFor: boolean
  readonly inFlight: number
  readonly waiting: number
  /** Requests that it may have on their way at a time, just now. */
  readonly concurrency: number
  /** Epoch ms; `undefined`: not paused. */
  readonly pausedUntil: number | undefined
  readonly budgets: readonly ResourceReport[]
}

export interface ResourceReport {
  readonly resource: string
  /** `unknown`: not stated yet, or the window is over; `unlimited`: the upstream states no limit. */
  readonly state: 'unknown' | 'known' | 'unlimited'
  readonly stated: RateLimit | undefined
  /** Units that may still be given out. */
  readonly available: number | undefined
  /** Whether what is left is being shared. */
  readonly isTight: boolean
  /** What each client used in this window (of an unlimited budget: in this hour), the most first. */
  readonly clients: readonly { readonly client: Client; readonly used: number }[]
}

/**
 * The request budgets, account by rate-limit resource, as the upstream counts them: nothing is sent that it would refuse,
 * and what is left is shared.
 */
export interface BudgetLedger {
  /** Grants or refuses at once where it can; else when it is this request's turn. Rejects with `client-gone` when its signal aborts. */
  reserve(request: BudgetRequest): MaybePromise<Reservation | BudgetRefusal>
  /** Takes in numbers that did not come with an answer to a reservation. Never believed over those that did. */
  observe(account: string, stated: RateLimit): void
  /** It has turned out that what was taken for an account is another: what is known of the first, a pause too, holds for that. */
  join(before: string, account: string): void
  /**
   * The last stated numbers, or `undefined` where the upstream states none (or the window they belong to is over).
   *
   * @param heardWithin ms: only if they were stated so lately
   */
  latest(account: string, resource: string, heardWithin?: number): RateLimit | undefined
  report(): BudgetReport
}

/** Spaces what an account writes: one at a time, each so long after the one before. */
export interface WriteSpacing {
  /** Runs it when it is the account's turn. */
  next<T>(account: string, run: () => Promise<T>): Promise<T>
}

/** Whose credentials are whose, as the upstream said. One that was forgotten is its own account again. */
export interface KnownAccounts {
  /** @param fingerprint of a credential, or of a bare token */
  of(fingerprint: string): string | undefined
  learn(fingerprint: string, account: string): void
}

// ------------------------------------------------------------------------------------------------------- tools

export interface Clock {
  /** Epoch ms. */
  now(): number
  /** ms, with fractions, since some fixed moment: for measuring how long things take. Never goes back. */
  elapsed(): number
}

/** Runs something later: for waits that have a bound. */
export interface Scheduler {
  /** @returns cancels it; harmless afterwards */
  after(milliseconds: number, run: () => void): () => void
}

/** Work that goes on when the answer is out. The runtime must stay alive for it; it never rejects. */
export type Background = (work: Promise<void>) => void

/** Hashing is a port: WebCrypto is asynchronous and far dearer on short input than what each platform has natively. */
export interface Digest {
  /** Keyed hash (HMAC-SHA-256 with the secret, base64url): how a credential is known everywhere inside. */
  fingerprint(secretText: string): string
  /** SHA-256 of bytes, base64url: how a body is known. */
  contentKey(bytes: Uint8Array): string
  /** SHA-256 of a text (a byte a character, as header fields are read) and the bytes after it, lower-case hex. */
  sha256(text: string, bytes: Uint8Array): string
}

export type ContentCoding = 'br' | 'gzip'

export interface Compression {
  /** What can be produced, preferred first. */
  readonly codings: readonly ContentCoding[]
  compress(bytes: Uint8Array, coding: ContentCoding): Promise<Uint8Array>
  compressStream(body: AsyncIterable<Uint8Array>, coding: ContentCoding): AsyncIterable<Uint8Array>
}

/** Where the one event of each request goes: log, metrics, a test's array. Must not throw. */
export interface Telemetry {
  record(event: RequestEvent): void
}
