/*
 * When an answer may be used that was given before the request came. Restated here from the documents, in the words of
 * the model's history:
 *
 * *Told.* An exchange tells its caller something when it was answered with a whole 200, with a true 304, or with another
 * status that states a lifetime. Only requests of the same key (credential, address, and every other field that goes
 * upstream) may use what was told, and nobody what was told only to requests with `no-store`.
 *
 * *Fresh* (RFC 9111 §4.2): for the lifetime that the answer states to a shared cache, which is none for `private`, for
 * `no-cache`, and for anything told to a credential and not marked for sharing. The operator may set a duration for what
 * is told to a credential; `X-Poll-Interval` counts for the same. Counted from when the answer's head arrived. Never where
 * the operator wants everything revalidated, nor against the request's `no-cache`, `no-store`, `max-age`, `min-fresh`.
 *
 * *Stale*: beyond that by the request's `max-stale` (as far as the operator lets unconfirmed answers be used), by the
 * answer's `stale-while-revalidate`, or in place of an error of the upstream, by `stale-if-error` or the operator's
 * setting; where a limit refuses the request, upstream or here (told.ts), by the operator's setting alone. Only for a credential that the upstream has accepted and not refused since.
 *
 * *Shared* (RFC 9111 §4, collapsed requests): the answer of an exchange that was out, for an earlier request of the same
 * key, when the request came. Not for `no-cache`, `no-store` and `max-age=0`.
 *
 * *Written.* None of these across a write. A write concerns every read of the same credential, of the same path, and of
 * the same repository (by whatever spelling; by number, of every repository). What was asked for before such a write was
 * sent, or before it was answered or failed, is not used by a read that begins after that. For another credential than
 * the writer's this counts only where the upstream had accepted the writer when the write was sent, or carried it out.
 *
 * *Seen.* None of these where the same key has since been answered with something that is newer and different, errors and
 * limits left out: nobody sees what they have already seen replaced. (Where the store takes its time, what was told to a
 * request with `no-store` does not count: nothing in the store can know of it.)
 *
 * A `Link` that a 304 leaves out is also good, for the `max-age` that it came with, where the same key was told it and
 * nothing was written since.
 *
 * What was asked through a gateway before it was restarted counts for nothing afterwards.
 */

import { type Exchange, isReadFirst } from './exchange.ts'
import type { Reading } from './reading.ts'

export type Freshness =
  | { readonly mode: 'upstream' }
  | { readonly mode: 'revalidate' }
  | { readonly mode: 'duration'; readonly milliseconds: number }

export interface Settings {
  readonly freshness: Freshness
  /** How long an answer that nobody confirms may be used, ms. */
  readonly stale: { readonly milliseconds: number; readonly isSet: boolean }
}

interface Control {
  readonly has: (directive: string) => boolean
  /** ms */
  readonly of: (directive: string) => number | undefined
}

function control(value: string | undefined): Control {
  const directives = new Map(
    (value ?? '').split(/\s*,\s*/).map((directive) => directive.split('=') as [string, string | undefined]),
  )
  return {
    has: (directive) => directives.has(directive),
    of: (directive) => {
      const seconds = directives.get(directive)
      return seconds === undefined ? undefined : Number(seconds) * 1000
    },
  }
}

/** How long what this exchange told stays fresh, ms from its arrival. */
export function lifetime({ truth, credential }: Exchange, { freshness }: Settings): number {
  const said = control(truth?.cacheControl)
  if (said.has('no-cache') || said.has('no-store')) return 0
  const isCredentialed = credential !== 'anonymous'
  const isShared = ['public', 's-maxage', 'must-revalidate'].some(said.has)
  const isStated = !said.has('private') && (!isCredentialed || isShared)
  const stated = isStated ? (said.of('s-maxage') ?? said.of('max-age') ?? 0) : 0
  if (!isCredentialed || truth?.status !== 200) return stated
  const operator = freshness.mode === 'duration' ? freshness.milliseconds : 0
  return Math.max(stated, operator, (truth.pollInterval ?? 0) * 1000)
}

/** How long a `Link` may be repeated that a 304 leaves out, ms. */
export function linkLifetime({ truth }: Exchange): number {
  return control(truth?.cacheControl).of('max-age') ?? 0
}

export type Use = 'fresh' | 'max-stale' | 'stale-while-revalidate' | 'stale-if-error' | 'stale-on-limit'

/** Whether what was told may be used for the request, and by which rule; whatever has been written or seen since. */
export function usable(
  told: Exchange,
  reading: Reading,
  settings: Settings,
  hasFailed: boolean,
  isLimited: () => boolean,
): Use | undefined {
  const { freshness, stale } = settings
  const asked = control(reading.directive)
  const said = control(told.truth?.cacheControl)
  const age = Math.max(0, reading.startedTime - told.arrivedTime)
  const remaining = lifetime(told, settings) - age
  if (insists(reading) || said.has('no-store')) return undefined
  const maxAge = asked.of('max-age')
  if (maxAge !== undefined && age >= maxAge) return undefined
  if (freshness.mode !== 'revalidate' && remaining > (asked.of('min-fresh') ?? 0)) return 'fresh'
  const isSharedCopy = !said.has('private') && (said.has('s-maxage') || said.has('proxy-revalidate'))
  const mustRevalidate = said.has('must-revalidate') || isSharedCopy
  const isStrangers = said.has('private') && told.credential === 'anonymous'
  if (said.has('no-cache') || asked.has('min-fresh') || isStrangers || told.truth?.status !== 200) return undefined
  if (!mustRevalidate && freshness.mode !== 'revalidate') {
    const whileRevalidated = said.of('stale-while-revalidate') ?? 0
    if (maxAge === undefined && -remaining < whileRevalidated) return 'stale-while-revalidate'
    const maxStale = asked.has('max-stale') ? (asked.of('max-stale') ?? stale.milliseconds) : 0
    if (-remaining < maxStale && age < stale.milliseconds) return 'max-stale'
  }
  if (stale.milliseconds === 0 || (mustRevalidate && !stale.isSet)) return undefined
  const mayBeStale = (allowed: number) => -remaining < Math.min(allowed, asked.of('stale-if-error') ?? allowed)
  if (hasFailed && mayBeStale(said.of('stale-if-error') ?? stale.milliseconds)) return 'stale-if-error'
  return mayBeStale(stale.milliseconds) && isLimited() ? 'stale-on-limit' : undefined
}

/** Whether a request wants what is true now, and no answer that was given before it came. */
export function insists({ directive }: Reading): boolean {
  return directive === 'no-cache' || directive === 'no-store' || directive === 'max-age=0'
}

/** Whether a write that concerns these reads was sent, answered or lost after one tick and not after another. */
export function isWrittenBetween(
  writes: readonly Exchange[],
  read: {
    readonly generation: number
    readonly credential: string
    readonly target: string
    readonly repository: string | undefined
    readonly byId: boolean
  },
  after: number,
  until: number,
): boolean {
  const isIn = (tick: number) => tick > after && tick <= until
  return writes.some((write) => {
    if (write.generation !== read.generation) return false
    const isOwn = write.credential === read.credential && write.credential !== 'anonymous'
    const { repository, byId = false } = write.writing!
    const isSame = repository !== undefined && (byId || repository === read.repository)
    const isAnyOf = repository !== undefined && read.byId
    const touches = isSame || isAnyOf || pathOf(write.asked.target) === pathOf(read.target)
    const sentCounts = isOwn || (touches && write.accepted)
    const isCarriedOut = write.arrivedAt < Infinity && write.state !== 'failed' && (write.status ?? 500) < 400
    const endCounts = sentCounts || (touches && isCarriedOut)
    // A refusal is read before it is an answer.
    const end = isReadFirst(write) ? write.endedAt : Math.min(write.arrivedAt, write.endedAt)
    return (sentCounts && isIn(write.sentAt)) || (endCounts && isIn(end))
  })
}

function pathOf(target: string): string {
  return target.replace(/\?.*/, '').toLowerCase()
}
