import type { HeaderList, Validation } from '../ports.ts'
import type { CacheControl } from './cache-control.ts'
import { headerValue, joinedHeader } from './headers.ts'
import { parseHttpDate } from './http-date.ts'

/**
 * The operator's choice (`WEIR_FRESHNESS`), how long a stored private response may be used without asking. `upstream`: RFC
 * 9111 as a shared cache, private responses revalidated every time. `revalidate`: always ask. `duration`: as `upstream`,
 * and the same credential's private response is also reused for so many milliseconds.
 */
export type FreshnessPolicy =
  | { readonly mode: 'upstream' }
  | { readonly mode: 'revalidate' }
  | { readonly mode: 'duration'; readonly milliseconds: number }

/** What a response says about its own reuse, read once when it arrives: nothing is parsed again when it is reused. */
export interface Reuse {
  /** ms; 0 where it must be asked for every time. */
  readonly freshFor: number
  readonly isPublic: boolean
  readonly alwaysRevalidate: boolean
  /** ms; 0 where it may be asked for at any time. */
  readonly pollInterval: number
  readonly staleUse: Validation['staleUse']
  /** ms; 0 where it does not allow this. */
  readonly staleWhileRevalidate: number
  /** ms */
  readonly staleIfError: number | undefined
}

/**
 * How long a response may be reused without asking, as a shared cache counts it (RFC 9111 §4.2.1, §5.2.2): `s-maxage`
 * before `max-age` before `Expires`; never a guess from `Last-Modified`. `private`, and anything answered to a
 * credential that is not marked for sharing (§3.5), is kept for that credential but has no lifetime of its own.
 * What it says of its use when it is stale is in `staleness.ts`.
 */
export function reuseOf(headers: HeaderList, control: CacheControl, credentialed: boolean, now: number): Reuse {
  const alwaysRevalidate = control.noCache
  const isPublic = !control.isPrivate && !control.noCache && control.isPublic
  const shareable =
    !control.isPrivate &&
    (!credentialed || control.isPublic || control.mustRevalidate || control.sharedMaxAge !== undefined)
  const freshFor = shareable && !alwaysRevalidate ? lifetimeOf(headers, control, now) : 0
  const staleUse = staleUseOf(control, credentialed)
  return {
    freshFor,
    isPublic,
    alwaysRevalidate,
    pollInterval: credentialed && !alwaysRevalidate ? pollIntervalOf(headers) : 0,
    staleUse,
    staleWhileRevalidate: staleUse === 'allowed' ? (control.staleWhileRevalidate ?? 0) * 1000 : 0,
    staleIfError: control.staleIfError === undefined ? undefined : control.staleIfError * 1000,
  }
}

/**
 * Whether a response may be used when it is stale (RFC 9111 §4.2.4). `s-maxage` and `proxy-revalidate` bind what is
 * shared (§5.2.2.8, §5.2.2.10), so not a `private` response: that is kept for its one credential, as a private cache
 * would. Without a credential nobody can tell whose private answer it was.
 */
function staleUseOf(control: CacheControl, credentialed: boolean): Validation['staleUse'] {
  if (control.noCache || (control.isPrivate && !credentialed)) return 'forbidden'
  const asShared = !control.isPrivate && (control.proxyRevalidate || control.sharedMaxAge !== undefined)
  return control.mustRevalidate || asShared ? 'operator' : 'allowed'
}

/** An upstream that asks for less than one question an hour is taken for mistaken. ms */
const LONGEST_POLL_INTERVAL = 3_600_000

/** How long GitHub wants to be left alone about a resource that changes often ("Events", "Notifications"), ms. */
function pollIntervalOf(headers: HeaderList): number {
  const stated = headerValue(headers, 'x-poll-interval')
  if (stated === undefined || !/^\d+$/.test(stated)) return 0
  return Math.min(Number(stated) * 1000, LONGEST_POLL_INTERVAL)
}

function lifetimeOf(headers: HeaderList, control: CacheControl, now: number): number {
  const seconds = control.sharedMaxAge ?? control.maxAge
  if (seconds !== undefined) return seconds * 1000
  const expires = joinedHeader(headers, 'expires')
  if (expires === undefined) return 0
  const expiresAt = parseHttpDate(expires, now)
  if (expiresAt === undefined) return 0
  return Math.max(0, expiresAt - (parseHttpDate(headerValue(headers, 'date'), now) ?? now))
}

/**
 * The age that a response already has when it arrives, ms (RFC 9111 §4.2.3).
 *
 * @param askedAt epoch ms when the request left
 * @param arrivedAt epoch ms when the response headers were there
 */
export function initialAgeOf(headers: HeaderList, askedAt: number, arrivedAt: number): number {
  const date = parseHttpDate(headerValue(headers, 'date'), arrivedAt)
  // `Date` has whole seconds: less than one of them says nothing about age.
  const apparent = date === undefined || arrivedAt - date < 1000 ? 0 : arrivedAt - date
  return Math.max(apparent, statedAge(headers) + (arrivedAt - askedAt))
}

/** Older than anything that is fresh (RFC 9111 §1.2.2), ms. */
const OLDEST = 2 ** 31 * 1000

/**
 * `Age`, ms. One that cannot be read counts as the oldest: ignored, as RFC 9111 §5.1 suggests, it would make an answer of
 * unknown age look new, and what cannot be read may cost a question but never give a wrong answer.
 */
function statedAge(headers: HeaderList): number {
  const age = joinedHeader(headers, 'age')
  if (age === undefined) return 0
  return /^\d+$/.test(age) ? Math.min(Number(age) * 1000, OLDEST) : OLDEST
}

/** Present age of a stored answer, ms. */
export function ageOf(stored: Validation, now: number): number {
  return stored.initialAge + sinceConfirmed(stored, now)
}

/**
 * How long a stored answer is still fresh, ms; negative: how long it has been stale. The upstream's lifetime counts from
 * when the answer was made, the operator's duration from the last confirmation.
 *
 * @param credentialed whether the request carries a credential: the operator's duration extends only such copies,
 *   because without a credential nobody can tell whose private answer it was
 */
export function remainingLifetime(
  stored: Validation,
  policy: FreshnessPolicy,
  credentialed: boolean,
  now: number,
): number {
  const stated = stored.freshFor - ageOf(stored, now)
  if (policy.mode !== 'duration' || !credentialed || stored.status !== 200) return stated
  return Math.max(stated, policy.milliseconds - sinceConfirmed(stored, now))
}

/** ms; a clock that steps back makes nothing younger. */
export function sinceConfirmed(stored: Validation, now: number): number {
  return Math.max(0, now - stored.confirmedAt)
}

/**
 * Whether a stored answer may be reused without asking, because it is fresh or because the upstream wants to be asked no
 * more often (`X-Poll-Interval`).
 *
 * @param request the client's own directives: it may ask for more than the upstream and the operator demand, never for less
 */
export function isFresh(
  stored: Validation,
  policy: FreshnessPolicy,
  request: CacheControl,
  credentialed: boolean,
  now: number,
): boolean {
  if (policy.mode === 'revalidate' || stored.alwaysRevalidate || request.noCache || request.noStore) return false
  let remaining = remainingLifetime(stored, policy, credentialed, now)
  if (stored.pollInterval > 0 && credentialed) {
    remaining = Math.max(remaining, stored.pollInterval - sinceConfirmed(stored, now))
  }
  if (remaining <= (request.minFresh ?? 0) * 1000) return false
  // Not "at most", as RFC 9111 §5.2.1.1 would allow: `max-age=0` is how browsers ask for what is true now.
  return request.maxAge === undefined || ageOf(stored, now) < request.maxAge * 1000
}
