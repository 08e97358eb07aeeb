/**
 * Whether the upstream's 304s carry `Link`. The entity tag does not cover that field: page 1 of a list can stay the
 * same while a page 2 appears behind it, so what a 304 leaves out may mean "there is none" or nothing at all.
 * Learnt per upstream from what it does; until then a missing `Link` means nothing.
 */
export class LinkMemory {
  #learnt: 'unknown' | 'sends' | 'omits' = 'unknown'

  /** A 304 carried a `Link`. */
  sawLinkOn304(): void {
    this.#learnt = 'sends'
  }

  /** A 304 carried none, and the page fetched right after it did. */
  sawLinkOnlyOn200(): void {
    this.#learnt = 'omits'
  }

  /** A 304 without `Link` says that the page has none. */
  get absenceCounts(): boolean {
    return this.#learnt === 'sends'
  }

  /** A conditional question about a page whose `Link` has run out would be answered in vain. */
  get isOmitted(): boolean {
    return this.#learnt === 'omits'
  }
}
