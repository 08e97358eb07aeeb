import type { Credential } from '../../github/credential.ts'
import type { LimitRefusal, Refusal } from '../../github/refusal.ts'
import type { UpstreamAddress } from '../../github/upstream.ts'
import type { CacheControl } from '../../http/cache-control.ts'
import type { EntityTag } from '../../http/entity-tag.ts'
import type { Detail, Outcome, UpstreamUse } from '../../outcome.ts'
import type { Body, Client, HeaderList, MaybePromise, StoredBody, UpstreamResponse, Validation } from '../../ports.ts'

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
  /** Which app asks: whose share of a budget it is. */
  readonly client: Client
  /** Work that can wait: it may not touch the reserve. */
  readonly isBackground: boolean
  /** For how long this attempt may wait for budget, ms; 0: not at all. */
  readonly longestWait: number
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
  /** The upstream refused for a limit, which says nothing about what was asked. */
  readonly limited?: LimitRefusal
}

/**
 * Answers questions. Mechanisms take the next one and return one of the same shape. What is there at once is returned
 * at once.
 */
export type Answerer = (question: Question) => MaybePromise<Answer>

/** An upstream's answer, and why it refused where the body had to be read to know. */
export interface Response extends UpstreamResponse {
  readonly refusal?: Refusal
  /** It is an earlier answer: the upstream was not asked again. */
  readonly isRepeated?: true
}

/**
 * Asks the upstream once. The fields to ask with, instead of the question's own, are composed when it is its turn: what is
 * known then may spare a unit.
 */
export type Attempt = (question: Question, compose: () => MaybePromise<HeaderList>) => Promise<Response>
