/** Keys that are remembered: as many as may be asked about while one answer is on its way, and more. */
const MOST_KEYS = 10_000

/**
 * When an answer to each question last arrived, whatever it was. One that was on its way then may be from before it, and
 * what is stored does not always tell: there can be nothing before and after a refusal, and the same before and after a
 * confirmation.
 */
export class Arrivals {
  readonly #last = new Map<string, number>()
  #running = 0
  #floor = 0

  /** The number to remember with a question at the moment it is asked. */
  current(): number {
    return this.#running
  }

  /** @returns the number of this arrival */
  note(key: string): number {
    const number = ++this.#running
    this.#last.delete(key)
    this.#last.set(key, number)
    if (this.#last.size > MOST_KEYS) this.#forgetOldest()
    return number
  }

  #forgetOldest(): void {
    for (const [oldest, number] of this.#last) {
      // Forgotten, it may have been to any question asked before it: those cost another question, and never a wrong answer.
      this.#floor = number
      this.#last.delete(oldest)
      return
    }
  }

  /** Whether no other answer has arrived since the one with this number. */
  isLatest(number: number, key: string): boolean {
    return this.#last.get(key) === number
  }

  /** Whether another answer may have arrived under a key after a question was asked. */
  since(asked: number, key: string): boolean {
    return asked < this.#floor || (this.#last.get(key) ?? 0) > asked
  }
}
