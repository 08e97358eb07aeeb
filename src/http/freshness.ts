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

/** What a response says about its own reuse, read once when it arrives. */
export interface Reuse {
  /** ms; 0 where it must be asked for every time. */
  readonly freshFor: number
  readonly isPublic: boolean
  readonly alwaysRevalidate: boolean
}

/**
 * How long a response may be reused without asking, as a shared cache counts it (RFC 9111 §4.2.1, §5.2.2): `s-maxage`
 * before `max-age` before `Expires`; never a guess from `Last-Modified`. `private`, and anything answered to a
 * credential that is not marked for sharing (§3.5), is kept for that credential but has no lifetime of its own.
 */
export function reuseOf(headers: HeaderList, control: CacheControl, credentialed: boolean, now: number): Reuse {
  const alwaysRevalidate = control.noCache
  const isPublic = !control.isPrivate && !control.noCache && control.isPublic
  const shareable =
    !control.isPrivate &&
    (!credentialed || control.isPublic || control.mustRevalidate || control.sharedMaxAge !== undefined)
  const freshFor = shareable && !alwaysRevalidate ? lifetimeOf(headers, control, now) : 0
  return { freshFor, isPublic, alwaysRevalidate }
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
  const age = headerValue(headers, 'age')
  const stated = age !== undefined && /^\d+$/.test(age) ? Number(age) * 1000 : 0
  return Math.max(apparent, stated + (arrivedAt - askedAt))
}

/** Present age of a stored answer, ms. */
export function ageOf(stored: Validation, now: number): number {
  return stored.initialAge + Math.max(0, now - stored.confirmedAt)
}

/**
 * Whether a stored answer may be reused without asking.
 *
 * @param request the client's own directives: it may ask for more than the upstream and the operator demand, never for less
 * @param credentialed whether the request carries a credential: the operator's duration extends only such copies,
 *   because without a credential nobody can tell whose private answer it was
 */
export function isFresh(
  stored: Validation,
  policy: FreshnessPolicy,
  request: CacheControl,
  credentialed: boolean,
  now: number,
): boolean {
  if (policy.mode === 'revalidate' || stored.alwaysRevalidate || request.noCache || request.noStore) return false
  // The operator's duration counts from the last confirmation, the upstream's lifetime from when the answer was made.
  const age = ageOf(stored, now)
  let remaining = stored.freshFor - age
  if (policy.mode === 'duration' && credentialed) {
    remaining = Math.max(remaining, policy.milliseconds - Math.max(0, now - stored.confirmedAt))
  }
  if (remaining <= (request.minFresh ?? 0) * 1000) return false
  // Not "at most", as RFC 9111 §5.2.1.1 would allow: `max-age=0` is how browsers ask for what is true now.
  return request.maxAge === undefined || age < request.maxAge * 1000
}
