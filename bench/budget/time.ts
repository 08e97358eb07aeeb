import { install } from '@sinonjs/fake-timers'

/*
 * Virtual time. Hours pass as fast as what happens in them can be computed, and two runs see the same moments. It holds for
 * everything that asks the global `Date`, `performance` or timers, libraries included. It does not hold for real input and
 * output, such as a socket or compression in another thread: hours would pass while it is awaited.
 */

/** Taken before it is replaced. */
const realImmediate = setImmediate

export interface VirtualTime {
  /** Lets time pass until that moment (epoch ms, asked again after each event), or until nothing is left to wait for. */
  runUntil(end: () => number): Promise<void>
  /** Gives the real ones back. Whatever still waits, waits for ever. */
  uninstall(): void
}

/**
 * Replaces the global clock and timers.
 *
 * @param start epoch ms
 * @throws TypeError where they are replaced already
 */
export function installVirtualTime(start: number): VirtualTime {
  const clock = install({
    now: start,
    toFake: [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'clearImmediate',
      'Date',
      'performance',
    ],
  })
  return {
    async runUntil(end) {
      await settle()
      while (clock.now < end() && clock.countTimers() > 0) {
        clock.next()
        await settle()
      }
    },
    uninstall: () => clock.uninstall(),
  }
}

/**
 * Lets every promise settle that can without time passing: a real `setImmediate` comes after all of them. The library's own
 * `nextAsync` waits for a real timer instead, a millisecond for each event.
 */
function settle(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve))
}
