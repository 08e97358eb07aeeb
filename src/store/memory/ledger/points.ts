/** Seconds that are looked back on: a minute, and the second that has begun. */
const SECONDS = 61

/**
 * Points of the last minute (GitHub REST documentation, "About secondary rate limits": a read counts one, a write five), by
 * the second in which they were spent. A little more than a minute is counted: what goes out one after the other may
 * arrive closer together.
 */
export class Points {
  readonly #spent = new Uint32Array(SECONDS)
  #second = 0
  #sum = 0

  /** @param now epoch ms */
  spend(points: number, now: number): void {
    this.#turn(now)
    this.#spent[this.#second % SECONDS]! += points
    this.#sum += points
  }

  /**
   * They were not used after all.
   *
   * @param spentAt epoch ms
   */
  giveBack(points: number, spentAt: number): void {
    const second = Math.floor(spentAt / 1000)
    // What is a minute ago is not in the sum any longer.
    const isCounted = second <= this.#second && this.#second - second < SECONDS
    if (!isCounted || this.#spent[second % SECONDS]! < points) return
    this.#spent[second % SECONDS]! -= points
    this.#sum -= points
  }

  /** When so many points can be spent: epoch ms, `now` where they can at once. */
  opensAt(wanted: number, most: number, now: number): number {
    this.#turn(now)
    // What counts more than there may ever be goes alone, rather than never.
    const points = Math.min(wanted, most)
    let sum = this.#sum
    if (sum + points <= most) return now
    for (let age = SECONDS - 1; age > 0; age--) {
      sum -= this.#spent[(this.#second - age + SECONDS) % SECONDS]!
      if (sum + points <= most) return (this.#second - age + SECONDS) * 1000
    }
    return (this.#second + SECONDS) * 1000
  }

  #turn(now: number): void {
    const second = Math.floor(now / 1000)
    const passed = second - this.#second
    if (passed >= SECONDS || passed <= -SECONDS) {
      // A clock that was set back by more than a minute would keep everything counted until it has caught up.
      this.#spent.fill(0)
      this.#sum = 0
    } else if (passed > 0) {
      for (let each = this.#second + 1; each <= second; each++) {
        this.#sum -= this.#spent[each % SECONDS]!
        this.#spent[each % SECONDS] = 0
      }
    } else {
      return
    }
    this.#second = second
  }
}
