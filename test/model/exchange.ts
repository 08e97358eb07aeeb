import type { Limited, RateLimited, Stated } from './limits.ts'
import type { Writing } from './resources.ts'
import type { Asked, Truth } from './truth.ts'
import type { Owner } from './world.ts'

/**
 * What goes wrong with one exchange. `429`, `limit`: it alone is refused for a limit. `refused`: no connection. `lost`: a kept connection turned out to be closed; `lost late`:
 * the same after the upstream had acted. `reset`: broken off before the answer; `reset late`: after the upstream had acted. `lie`: a
 * 304 to nothing that was asked. `stall`: it takes until everything else is over.
 */
export const FAULTS = [
  '500',
  '503',
  '429',
  'limit',
  '202',
  'truncated',
  'lie',
  'refused',
  'lost',
  'lost late',
  'reset',
  'reset late',
  'stall',
] as const
export type Fault = (typeof FAULTS)[number]

/** `Infinity` where it has not happened. */
export const NEVER = Number.POSITIVE_INFINITY

/** One request that arrived upstream, and what became of it. Times are ticks of the run's one counter. */
export interface Exchange {
  readonly number: number
  /** Among those of the same key. */
  readonly ordinal: number
  /** Which gateway asked: none knows what was asked by one before it. */
  readonly generation: number
  readonly asked: Asked
  /** Exact `Authorization`, or `anonymous`. */
  readonly credential: string
  readonly owner: Owner
  /** What it is counted as. */
  readonly resource: RateLimited
  /** Credential and everything of the request that goes upstream, but the method and the conditions. */
  readonly key: string
  readonly writing: Writing | undefined
  readonly noneMatch: string | undefined
  readonly modifiedSince: string | undefined
  /** Whether the upstream had accepted the credential, in an answer that the gateway has seen, when this was sent. */
  readonly accepted: boolean
  /** The same when its answer has been taken in. */
  acceptedAfter: boolean
  readonly sentAt: number
  /** Epoch ms of that. */
  readonly sentTime: number
  evaluatedAt: number
  /** The head of the answer, or the news that there will be none, was handed over. */
  arrivedAt: number
  /** Epoch ms of that. */
  arrivedTime: number
  /** Nothing more comes. */
  endedAt: number
  /** Epoch ms of that. */
  endedTime: number
  state: 'out' | 'answered' | 'complete' | 'failed' | 'given up' | 'aborted'
  fault: Fault | undefined
  /** What the upstream would have answered without conditions and faults. */
  truth: Truth | undefined
  /** What it did answer. */
  status: number | undefined
  /** Body of what it did answer. */
  body: string
  /** Why it was refused, where that is about limits. */
  limited: Limited | undefined
  /** `Date` of the answer, where it has one: epoch ms. */
  date: number | undefined
  /** The budget that the answer states. */
  stated: Stated | undefined
  /** Whether it stated the Link, or the want of one. */
  statesLink: boolean
  /** Bodies that this credential was sent for this key with the validator that a 304 confirms. */
  confirmed: readonly string[]
  /** Links that this answer leaves good: its own, or those that were stated not too long before. */
  readonly links: (string | undefined)[]
  readonly isAborted: () => boolean
}

export function isRead({ asked }: Exchange): boolean {
  return asked.method === 'GET' || asked.method === 'HEAD'
}

/** Whether the upstream gave no answer of its own, or one that cannot be used. */
export function isFailure({ state, fault }: Exchange): boolean {
  return state === 'failed' || fault === 'lie' || fault === 'truncated'
}

/** Whether it says nothing about what was asked for. */
export function isError({ status, state, fault }: Exchange): boolean {
  return state === 'failed' || fault === 'lie' || (status ?? 0) >= 500
}

/** Whether the answer is one of which the whole has to be read before it means anything: a refusal says why in its body. */
export function isReadFirst({ status }: Exchange): boolean {
  return status === 401 || status === 403 || status === 429
}

/** The tick at which the gateway learnt what the answer means for whoever asked; `NEVER` where it did not. */
export function toldAt(exchange: Exchange): number {
  if (exchange.status === undefined) return NEVER
  if (isReadFirst(exchange)) return exchange.state === 'complete' ? exchange.endedAt : NEVER
  return exchange.arrivedAt
}

/** Epoch ms of that. */
export function toldTime(exchange: Exchange): number {
  return isReadFirst(exchange) ? exchange.endedTime : exchange.arrivedTime
}
