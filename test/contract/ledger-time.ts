import type { Clock, Scheduler } from '../../src/ports.ts'

/** 2026-04-15T12:00:00Z, epoch ms: a whole second, so that HTTP dates lose nothing. */
export const START = 1_776_254_400_000

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** The gateway's clock, which stands still until it is told to go on, and its alarms. */
export class LedgerTime implements Clock, Scheduler {
  #now = START
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  elapsed(): number {
    return this.#now - START
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { at: this.#now + milliseconds, run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Alarms that are set. */
  get alarms(): number {
    return this.#timers.size
  }

  /** ms until the next alarm. */
  get toNext(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { at } of this.#timers) next = Math.min(next, at)
    return next - this.#now
  }

  /** Lets time pass; whatever is due on the way happens when it is due. Whoever waited for it is told after `settled`. */
  async pass(milliseconds: number, settled: () => Promise<void> = microtasks): Promise<void> {
    const until = this.#now + milliseconds
    while (this.toNext <= until - this.#now) {
      this.#runNext()
      await settled()
    }
    this.#now = until
    await settled()
  }

  /** Time passes, and alarms are late: something else has kept the process busy. */
  passBusily(milliseconds: number): void {
    this.#now += milliseconds
  }

  #runNext(): void {
    let next: Timer | undefined
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer
    if (next === undefined) return
    this.#timers.delete(next)
    this.#now = Math.max(this.#now, next.at)
    next.run()
  }
}

/** Whoever waits for something that has happened has been told. */
export async function microtasks(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await Promise.resolve()
}
