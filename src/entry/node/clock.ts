import type { Clock } from '../../ports.ts'

/** The machine's wall clock, epoch ms. */
export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
