import type { Failure, FailureTag } from './errors.ts'

/**
 * Every way a request can end, as closed sets: logs, metrics, `Cache-Status` and tests share these words and no others.
 * ARCHITECTURE.md holds the same table; a test compares the two.
 */

/** What became of the request. */
export const outcomes = {
  hit: 'answered from the store; the upstream was not asked',
  revalidated: 'the upstream confirmed the stored copy with a 304',
  predicted: 'the upstream confirmed with a 304 a body that this caller had not been sent before',
  replaced: 'a copy was stored, the upstream sent a new representation',
  filled: 'nothing was stored; the upstream sent a representation and it was stored',
  fetched: 'the upstream sent a representation that may not, or could not, be stored',
  stale: 'the upstream failed, or limits kept it from being asked; the stored copy was used',
  confirmed: "the upstream confirmed the client's own validator with a 304; no copy is held here",
  bypassed: 'a read that the cache takes no part in (see the detail)',
  written: 'a request with another method than GET or HEAD, passed on once',
  refused: 'the upstream answered something else than 200 or 304',
  failed: 'the upstream could not be asked, or its answer was unusable',
  rejected: 'refused by the gateway itself; nothing was sent upstream',
  served: "one of the gateway's own pages under /_weir",
} as const
export type OutcomeName = keyof typeof outcomes

/** Why it became so, where the outcome alone does not say. These are the only values of `Cache-Status`' `detail`. */
export const details = {
  'no-store': 'the upstream forbids storing it',
  'request-no-store': 'the client forbids storing it',
  'no-validator': 'it has neither a validator nor a lifetime, so keeping it would save nothing',
  'too-large': 'it is larger than one entry may be',
  'vary-any': 'the upstream says that it varies by everything',
  'not-complete': 'it is an intermediate or partial answer (202, 206, …), or nothing says where it ends',
  'link-unconfirmed': "the 304 did not cover the page's Link, so the page was fetched again",
  'unknown-304': 'the upstream sent a 304 for nothing that was asked, so it was asked again without conditions',
  'max-stale': 'it is stale, and the client accepts that',
  'stale-while-revalidate': 'it is stale, and the upstream allows that while it is asked in the background',
  'upstream-error': 'the upstream answered with an error of its own (500, 502, 503 or 504)',
  'upstream-failed': 'the upstream could not be asked, or its answer was unusable',
  limited: "a rate limit, or the upstream's wish to be asked less, left no request for it",
  ledger: 'the numbers of the rate limits that were stated lately',
  'refused-before': 'the upstream refused this credential a moment ago and was not asked again',
  range: 'the client asked for a range',
  precondition: 'the client sent If-Match, If-Unmodified-Since or If-None-Match: *',
  'request-body': 'the read carries a body',
  'other-api': 'not an API whose answers are cached',
} as const
export type Detail = keyof typeof details

/** Why the upstream was asked, in the words of RFC 9211 §2.2. */
export type ForwardReason = 'uri-miss' | 'stale' | 'request' | 'bypass' | 'miss'

export interface Outcome {
  readonly name: OutcomeName
  readonly forward?: ForwardReason
  /** The status the upstream answered with, where it was asked. */
  readonly forwardStatus?: number
  readonly stored?: boolean
  /** The answer is that of another request of the same credential, which was out already. */
  readonly collapsed?: boolean
  readonly detail?: Detail
  /** Of a stored copy that is used although it is stale: seconds until it would no longer be fresh, so 0 or less. */
  readonly ttl?: number
  /** What went wrong, where a stored copy was used instead of telling the client. */
  readonly covered?: Failure
}

/** Which part of the contract a request used; the only label of its kind in metrics. */
export type RouteName = 'api' | 'graphql' | 'uploads' | 'manage' | 'gateway' | 'unknown'

/** What asking the upstream amounted to, added up over all attempts of one request. */
export interface UpstreamUse {
  requests: number
  /** Units of the primary rate limit: a 304 to an accepted credential is free, everything else costs one. */
  cost: number
  /** ms spent waiting for the upstream's response headers, and for bodies that were read before answering. */
  milliseconds: number
}

/** The one event of a request. Holds no credential, query, entity tag or body. */
export interface RequestEvent {
  readonly requestId: string
  readonly method: string
  readonly route: RouteName
  /** Raw path without the query; `undefined` where the target was refused. */
  readonly path: string | undefined
  readonly status: number
  readonly outcome: OutcomeName
  readonly detail: Detail | undefined
  /** Tag of the failure behind a gateway-made error. */
  readonly failure: FailureTag | undefined
  readonly upstream: Readonly<UpstreamUse>
  /** ms from the request's headers to the end of the answer. */
  readonly milliseconds: number
  /** Body bytes written to the client. */
  readonly bytes: number
  /** Whether the client went away before the answer was complete. */
  readonly aborted: boolean
  /** Keyed fingerprint of the credential, `undefined` for anonymous requests. */
  readonly credential: string | undefined
  /** The real client address (trusted proxies resolved). */
  readonly address: string
}
