import type { Credential } from '../../github/credential.ts'
import type { UpstreamAddress } from '../../github/upstream.ts'
import type { CacheControl } from '../../http/cache-control.ts'
import type { EntityTag } from '../../http/entity-tag.ts'
import type { Detail, Outcome, UpstreamUse } from '../../outcome.ts'
import type { Body, HeaderList, MaybePromise, StoredBody, UpstreamResponse, Validation } from '../../ports.ts'

/** What a client asks, vetted and in the upstream's terms. Everything that outbound mechanisms may know of a request. */
export interface Question {
  readonly method: string
  readonly address: UpstreamAddress
  /** Below the API's root, raw, without the query. */
  readonly path: string
  /** Raw, without `?`. May hold a credential: it goes upstream and nowhere else. */
  readonly query: string
  /** Allow-listed fields, without conditions and without framing. */
  readonly headers: HeaderList
  readonly body: AsyncIterable<Uint8Array> | null
  readonly bodyLength: number | undefined
  readonly credential: Credential
  /** Names credential and variant in the store; holds no secret. */
  readonly key: string
  /**
   * Names what is asked for whoever asks: URL and kind of representation, no secret. Bodies that others were sent for it
   * are worth offering to the upstream. Worked out when asked for: a hit does not need it.
   */
  resource(): string
  /** Origin and target, without credentials in the query. */
  plainAddress(): string
  /**
   * Write scopes that a stored answer to this question depends on, or that this write ends. Worked out when asked for: a
   * hit needs them only where something has been written since.
   */
  scopes(): readonly string[] | 'everything'
  /** The client's own directives. */
  readonly directives: CacheControl
  /** The client's validators, turned back into the upstream's. */
  readonly clientTags: readonly EntityTag[]
  readonly clientModifiedSince: string | undefined
  /** Why the cache takes no part in this read, where it does not. `headers` then hold the client's conditions. */
  readonly bypass: Detail | undefined
  /** Whether the API that is asked has rate limits. */
  readonly isCharged: boolean
  /** What asking amounted to so far. */
  readonly use: UpstreamUse
  /** Aborts when nobody waits for the answer any longer. */
  signal(): AbortSignal
}

/** A validation together with its body. */
export interface StoredAnswer {
  readonly validation: Validation
  readonly body: StoredBody
}

/** The answer to a question, as the upstream said it, and how it came about. */
export interface Answer {
  readonly status: number
  /** Fields of the representation; for a stored answer exactly those of its validation. */
  readonly headers: HeaderList
  /** Fields that belong to this exchange alone: rate limits, request id. */
  readonly live: HeaderList
  readonly body: Body
  /** Where the answer stands in the store: what was derived from this body before can be found again. */
  readonly stored: StoredAnswer | undefined
  /** Age to state, ms, where the answer was reused without asking. */
  readonly age: number | undefined
  readonly outcome: Outcome
}

/**
 * Answers questions. Mechanisms take the next one and return one of the same shape. What is there at once is returned
 * at once.
 */
export type Answerer = (question: Question) => MaybePromise<Answer>

/** Asks the upstream once, with these fields instead of the question's own. */
export type Attempt = (question: Question, headers: HeaderList) => Promise<UpstreamResponse>
