import { toFailure } from '../../errors.ts'
import type { Clock } from '../../ports.ts'
import type { Attempt } from './exchange.ts'
import type { UpstreamHealth } from './upstream-health.ts'

/** Notes of every attempt whether the upstream answered it. */
export function noteHealth(health: UpstreamHealth, clock: Clock, next: Attempt): Attempt {
  return async function noted(question, compose) {
    try {
      const response = await next(question, compose)
      health.succeeded(clock.now())
      return response
    } catch (thrown) {
      health.failed(clock.now(), toFailure(thrown).tag)
      throw thrown
    }
  }
}
