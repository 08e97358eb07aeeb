import type { Validation } from '../ports.ts'
import type { CacheControl } from './cache-control.ts'
import { ageOf, type FreshnessPolicy, remainingLifetime, sinceConfirmed } from './freshness.ts'

/** How long an answer that nobody confirms may be used (`WEIR_STALE_ON_ERROR`). */
export interface StalePolicy {
  /** ms; 0: never. */
  readonly milliseconds: number
  /** Whether the operator said so, and it is not the default: only then it counts against `must-revalidate`. */
  readonly isSet: boolean
}

/** What decides about the use of a stale copy, besides the copy and the request. */
export interface StaleRules {
  readonly freshness: FreshnessPolicy
  readonly stale: StalePolicy
  /** It is a limit that a copy stands in for: an answer's `stale-if-error` speaks of errors only (RFC 5861 §4). */
  readonly isLimit?: true
}

/**
 * Why a copy that is not fresh may be used without asking first, or `undefined` where it may not be. Neither on a request
 * that wants something newer (`no-cache`, `no-store`, `min-fresh`), nor where the operator wants everything to be asked about.
 *
 * `stale-while-revalidate` (RFC 5861 §3) is obeyed where there is a lifetime that it can extend: a private answer has none
 * unless the operator gave it one. A client that states `max-age` wants nothing stale (RFC 9111 §5.2.1.1).
 *
 * `max-stale` (RFC 9111 §5.2.1.2): for as long as the client says, and never longer after the last confirmation than the
 * operator lets an unconfirmed answer be used at all.
 */
export function staleReuse(
  stored: Validation,
  { freshness, stale }: StaleRules,
  request: CacheControl,
  credentialed: boolean,
  now: number,
): 'stale-while-revalidate' | 'max-stale' | undefined {
  if (freshness.mode === 'revalidate' || stored.alwaysRevalidate || stored.staleUse !== 'allowed') return undefined
  if (request.noCache || request.noStore || request.minFresh !== undefined) return undefined
  const staleFor = -remainingLifetime(stored, freshness, credentialed, now)
  const hasLifetime = stored.freshFor > 0 || (freshness.mode === 'duration' && credentialed)
  if (hasLifetime && request.maxAge === undefined && staleFor < stored.staleWhileRevalidate) {
    return 'stale-while-revalidate'
  }
  const { maxAge, maxStale } = request
  if (maxStale === undefined || staleFor >= maxStale * 1000) return undefined
  if (maxAge !== undefined && ageOf(stored, now) >= maxAge * 1000) return undefined
  return sinceConfirmed(stored, now) < stale.milliseconds ? 'max-stale' : undefined
}

/**
 * Whether a copy may stand in for an answer that the upstream could not give (RFC 9111 §4.2.4). How long after it became
 * stale: as the answer says of itself (`stale-if-error`, RFC 5861 §4), else as the operator says; an answer without a lifetime,
 * as private ones are, is stale from its confirmation on. A request may shorten that by its own `stale-if-error`.
 */
export function mayStandIn(
  stored: Validation,
  { freshness, stale, isLimit }: StaleRules,
  request: CacheControl,
  credentialed: boolean,
  now: number,
): boolean {
  if (stale.milliseconds === 0 || stored.alwaysRevalidate || stored.staleUse === 'forbidden') return false
  if (stored.staleUse === 'operator' && !stale.isSet) return false
  if (request.noCache || request.noStore || request.minFresh !== undefined) return false
  if (request.maxAge !== undefined && ageOf(stored, now) >= request.maxAge * 1000) return false
  const allowed = (isLimit ? undefined : stored.staleIfError) ?? stale.milliseconds
  const wanted = request.staleIfError === undefined ? allowed : Math.min(allowed, request.staleIfError * 1000)
  const staleFor = -remainingLifetime(stored, freshness, credentialed, now)
  // Without a lifetime it counts from the confirmation: an upstream whose clock is wrong sends answers that look old.
  return (stored.freshFor > 0 ? staleFor : Math.min(staleFor, sinceConfirmed(stored, now))) < wanted
}
