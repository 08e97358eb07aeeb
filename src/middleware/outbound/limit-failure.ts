import { Failure } from '../../errors.ts'
import { rateLimitFields } from '../../github/rate-limit.ts'
import type { BudgetRefusal } from '../../ports.ts'

/**
 * The upstream's own refusal, made here: nothing was sent. Where the budget is used up it states the true reset and no
 * `Retry-After`, as GitHub does; a client that has had its share is told that nothing remains for it, until when. A pause
 * has `Retry-After` (GitHub REST documentation, "Exceeding the rate limit").
 *
 * @param now epoch ms
 */
export function limitFailure({ why, retryAt, stated }: BudgetRefusal, now: number): Failure {
  const seconds = String(Math.max(1, Math.ceil((retryAt - now) / 1000)))
  const fields = stated === undefined ? [] : rateLimitFields(stated)
  if (why === 'busy') return new Failure('upstream-busy', { headers: ['retry-after', seconds, ...fields] })
  if (why === 'paused' || stated === undefined) {
    return new Failure('paused', { headers: ['retry-after', seconds, ...fields] })
  }
  const nothing = { ...stated, remaining: 0, used: stated.used === undefined ? undefined : stated.limit }
  if (why === 'exhausted') return new Failure('rate-limited', { headers: rateLimitFields(nothing) })
  // Its turn is told by the gateway's clock, and the reset by the upstream's: never later than that.
  const reset = Math.min(stated.reset, Math.ceil(retryAt / 1000))
  return new Failure('share-used', { headers: rateLimitFields({ ...nothing, reset }) })
}

/** Whether a request failed because limits kept it from being asked. */
export function isKeptBack(thrown: unknown): thrown is Failure {
  return thrown instanceof Failure && KEPT_BACK.has(thrown.tag)
}

const KEPT_BACK: ReadonlySet<string> = new Set(['rate-limited', 'share-used', 'paused'])
