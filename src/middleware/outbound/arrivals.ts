/** What is known of a key while questions about it are out. */
interface Watched {
  out: number
  /** The number of the answer that arrived last; 0: none since the first of them was asked. */
  last: number
}

/**
 * Which answers arrived while a question was out. An answer may be from before another that overtook it, and what is stored
 * does not always tell: there can be nothing before and after a refusal, and the same before and after a confirmation.
 * Keys are remembered only while they are being asked about.
 */
export class Arrivals {
  readonly #watched = new Map<string, Watched>()
  #running = 0

  /** A question is about to be asked. */
  begin(key: string): void {
    const watched = this.#watched.get(key)
    if (watched === undefined) this.#watched.set(key, { out: 1, last: 0 })
    else watched.out++
  }

  /** All that was to be kept of its answer is kept. */
  finish(key: string): void {
    const watched = this.#watched.get(key)
    if (watched === undefined) return
    watched.out--
    if (watched.out === 0) this.#watched.delete(key)
  }

  /** The number to remember with a question at the moment it is asked. */
  current(): number {
    return this.#running
  }

  /** An answer has arrived. @returns its number */
  note(key: string): number {
    const number = ++this.#running
    const watched = this.#watched.get(key)
    if (watched !== undefined) watched.last = number
    return number
  }

  /** Whether no other answer has arrived since the one with this number. */
  isLatest(number: number, key: string): boolean {
    return (this.#watched.get(key)?.last ?? 0) <= number
  }

  /** Whether another answer has arrived after a question was asked. */
  since(asked: number, key: string): boolean {
    return (this.#watched.get(key)?.last ?? 0) > asked
  }
}
