import type { Clock, Scheduler } from '../../ports.ts'

/** The machine's wall clock, epoch ms. */
export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }

/** Timers that do not keep the process alive. */
export const systemScheduler: Scheduler = {
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
