/** What is left for so large a part of the time until the reset that there is no need to share: half of the limit. */
const TIGHT_BELOW = 1 / 2
/** How far behind its line (as a part of where the line began) what is left may fall before a new line begins. */
const BEHIND = 1 / 20

/**
 * Whether a budget is tight: more than one app asks, less than half of it is left, and what is left goes faster than time
 * does. A lone app is never held back.
 *
 * @param left seconds until the reset
 * @param length of the window, seconds
 */
export function isTight(apps: number, available: number, limit: number, left: number, length: number): boolean {
  return apps > 1 && available < limit * TIGHT_BELOW && available * length < limit * left
}

/**
 * What is left of a tight budget, given out evenly until the reset: a straight line from what there was when it became tight
 * down to nothing. Times are epoch ms.
 */
export class Pace {
  #from = 0
  #startedAt = 0
  #until = 0

  /** Whether what is left is being shared. */
  get isOn(): boolean {
    return this.#from > 0
  }

  /** Ends the line. */
  stop(): void {
    this.#from = 0
  }

  /** Begins the line where there is none for this window, and again where what is left has fallen far behind it. */
  keep(available: number, now: number, resetAt: number): void {
    const isOver = this.#from === 0 || this.#until !== resetAt
    if (!isOver) {
      const line = (this.#from * (this.#until - now)) / (this.#until - this.#startedAt)
      if (available >= line - Math.max(1, this.#from * BEHIND)) return
    }
    this.#from = available
    this.#startedAt = now
    this.#until = resetAt
  }

  /**
   * When the next unit may be given to a client that is not modest.
   *
   * @param others units that are first for others, as long as so many will still be given out until the reset
   */
  opensAt(available: number, others = 0): number {
    const line = Math.max(available - 1 - others, (available - 1) / 2)
    return this.#until - (others === 0 ? available - 1 : line) * this.interval
  }

  /** ms from one unit to the next. */
  get interval(): number {
    return (this.#until - this.#startedAt) / this.#from
  }
}
