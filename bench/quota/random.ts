/**
 * Numbers that look random and are the same for the same seed (mulberry32): a trace can be repeated, and compared between
 * versions.
 */
export class Random {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  /** At least 0, below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = this.state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number, at least 0 and below `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  /** @throws RangeError where there is nothing to choose from */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to choose from')
    return list[this.below(list.length)] as T
  }

  /** One of the list, each as likely as its weight. @throws RangeError where no weight is above 0 */
  weighted<T>(list: readonly T[], weightOf: (one: T) => number): T {
    const total = list.reduce((sum, one) => sum + weightOf(one), 0)
    if (!(total > 0)) throw new RangeError('nothing to choose from')
    let left = this.next() * total
    for (const one of list) {
      left -= weightOf(one)
      if (left < 0) return one
    }
    return list.findLast((one) => weightOf(one) > 0) as T
  }
}
