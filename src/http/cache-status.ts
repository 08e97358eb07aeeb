import type { Outcome } from '../outcome.ts'

/** The name of this cache in `Cache-Status` (RFC 9211 §2). */
const CACHE_NAME = 'weir'
const HIT = `${CACHE_NAME}; hit`

/**
 * The `Cache-Status` member for an answer, or `undefined` where the outcome has none. An answer that is neither 200 nor
 * 304 says plain `fwd=miss`: a stranger's 404 must not reveal that somebody else reads the thing.
 */
export function cacheStatusOf(outcome: Outcome, status: number): string | undefined {
  if (outcome.name === 'served' || outcome.name === 'written') return undefined
  if (status !== 200 && status !== 304) return `${CACHE_NAME}; fwd=miss`
  if (outcome.name === 'hit') {
    // RFC 9211 §2.4: a ttl that is not positive says that the answer was stale.
    if (outcome.detail === undefined) return HIT
    return outcome.ttl === undefined
      ? `${HIT}; detail=${outcome.detail}`
      : `${HIT}; ttl=${outcome.ttl}; detail=${outcome.detail}`
  }
  let member = `${CACHE_NAME}; fwd=${outcome.forward ?? 'miss'}`
  if (outcome.forwardStatus !== undefined) member += `; fwd-status=${outcome.forwardStatus}`
  if (outcome.stored === true && outcome.collapsed !== true) member += '; stored'
  if (outcome.collapsed === true) member += '; collapsed'
  if (outcome.detail !== undefined) member += `; detail=${outcome.detail}`
  return member
}
