import type { Clock, Scheduler } from '../../src/ports.ts'

/** A clock that stands still while anything happens, and what waits for it: an hour takes as long as what happens in it. */
export interface VirtualTime extends Clock, Scheduler {
  /** Resolves when the clock has been moved so far, ms. */
  sleep(milliseconds: number): Promise<void>
  /** Goes on to the next moment that something waits for, and runs it. Answers false where nothing does. */
  step(): boolean
}

/** Where it begins: a whole second, so that HTTP dates lose nothing. */
const START = Date.parse('2024-06-01T12:00:00Z')

export function virtualTime(): VirtualTime {
  let now = START
  const timers = new Set<{ readonly at: number; readonly run: () => void }>()
  const after = (milliseconds: number, run: () => void) => {
    const timer = { at: now + Math.max(0, milliseconds), run }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  return {
    now: () => now,
    elapsed: () => now - START,
    after,
    sleep: (milliseconds) => new Promise((resolve) => void after(milliseconds, resolve)),
    step() {
      let next: { readonly at: number; readonly run: () => void } | undefined
      for (const timer of timers) if (next === undefined || timer.at < next.at) next = timer
      if (next === undefined) return false
      now = Math.max(now, next.at)
      timers.delete(next)
      next.run()
      return true
    },
  }
}
