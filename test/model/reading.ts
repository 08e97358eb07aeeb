import type { HeaderList, OutgoingAnswer } from '../../src/ports.ts'
import type { Exchange } from './exchange.ts'
import type { RateLimited } from './limits.ts'
import type { App } from './plan.ts'
import type { Owner } from './world.ts'

/** Directives that a client may put on a read; seconds. */
export const DIRECTIVES = [
  undefined,
  'no-cache',
  'max-age=0',
  'max-age=20',
  'min-fresh=30',
  'max-stale=60',
  'max-stale',
  'stale-if-error=10',
  'only-if-cached',
  'no-store',
] as const
export type Directive = (typeof DIRECTIVES)[number]

/** An answer as a client got it. */
export interface Got {
  readonly status: number
  readonly headers: HeaderList
  readonly body: string
  /** Whether the body came to its end. */
  readonly isWhole: boolean
  /** When that was: epoch ms. */
  readonly time: number
}

/** A request of a client, and what became of it. Times are ticks. */
export interface Reading {
  /** The command that it comes from, and which of several it is. */
  readonly name: string
  /** Which gateway was asked. */
  readonly generation: number
  readonly method: string
  readonly target: string
  readonly credential: string
  readonly owner: Owner
  readonly app: App
  /** What it is counted as. */
  readonly resource: RateLimited
  readonly key: string
  readonly directive: Directive
  /** As the client sends them. */
  readonly tags: readonly string[]
  readonly modifiedSince: number | undefined
  /** Whether the body is JSON, whose URLs point at the gateway in the answer. */
  readonly isJson: boolean
  readonly repository: string | undefined
  readonly byId: boolean
  readonly isWrite: boolean
  readonly startedAt: number
  /** Epoch ms. */
  readonly startedTime: number
  /** Whether the gateway had seen the upstream accept the credential, and not refuse it since. */
  readonly accepted: boolean
  /** What the caller has certainly been told before, if anything. */
  readonly floor: Exchange | undefined
  /** Nothing more happens: answered, or noticed that the client had left. */
  closedAt: number
  /** Epoch ms of that. */
  closedTime: number
  hasLeft: boolean
  answers: OutgoingAnswer[]
  got: Got | undefined
  /** From the request's one event. */
  events: { readonly outcome: string; readonly requests: number; readonly failure: string | undefined }[]
}

export function field(headers: HeaderList, name: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) if (headers[index] === name) return headers[index + 1]
  return undefined
}
