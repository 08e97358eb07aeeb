import { RouteMemory } from './route-memory.ts'

/**
 * Whether the upstream's 304s carry `Link`. The entity tag does not cover that field: page 1 of a list can stay the
 * same while a page 2 appears behind it, so what a 304 leaves out may mean "there is none" or nothing at all.
 * Learnt for each kind of route from what the upstream does there; until then a missing `Link` means nothing.
 */
export class LinkMemory extends RouteMemory<LinkHabit> {
  constructor() {
    super(() => new LinkHabit())
  }
}

/** After so many pages that were fetched at once, the next one is asked for with its validator again. */
const PROBE_EVERY = 16

/** What one kind of route does. */
export class LinkHabit {
  #learnt: 'unknown' | 'sends' | 'omits' = 'unknown'
  #untilProbe = PROBE_EVERY

  /** A 304 carried a `Link`. */
  sawLinkOn304(): void {
    this.#learnt = 'sends'
  }

  /** A 304 carried none, and the page fetched right after it did. */
  sawLinkOnlyOn200(): void {
    this.#learnt = 'omits'
    this.#untilProbe = PROBE_EVERY
  }

  /** A 304 without `Link` says that the page has none. */
  get absenceCounts(): boolean {
    return this.#learnt === 'sends'
  }

  /**
   * Whether a page whose `Link` has run out is fetched at once, because a conditional question would be asked in vain. Now
   * and then it says no: an upstream that was taken for another, or changed, would else be paid for ever.
   */
  fetchAtOnce(): boolean {
    if (this.#learnt !== 'omits') return false
    if (this.#untilProbe-- > 0) return true
    this.#untilProbe = PROBE_EVERY
    return false
  }
}
