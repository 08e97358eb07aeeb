import Bottleneck from 'bottleneck'
import type { WriteSpacing } from '../../ports.ts'

/** An account that has written nothing for so long is forgotten, ms. A limiter holds some 5 kB. */
const FORGOTTEN_AFTER = 60_000

/**
 * Spaces writes by Bottleneck, a limiter for each account. Only writes, of which there is one a second: a limiter does a few
 * hundred jobs a second, and what overflows it never recovers. The ledger lets one write of an account go at a time, so none
 * ever waits in here but for the interval to pass.
 *
 * @param interval between the beginnings of two writes, ms
 */
export function memoryWriteSpacing(interval: number): WriteSpacing {
  const limiters = new Bottleneck.Group({
    maxConcurrent: 1,
    minTime: interval,
    timeout: Math.max(FORGOTTEN_AFTER, 2 * interval),
  })
  return { next: (account, run) => limiters.key(account).schedule(run) }
}
