/** Keys whose ending is remembered: as many as may be asked about at a time, and more. */
const MOST_KEYS = 10_000

/**
 * When what is stored under a key was last ended: refused, moved, replaced by something that is not kept. A question that
 * was on its way then may bring an answer from before it, and by what is stored nobody could tell: there is nothing stored
 * before and after.
 */
export class Endings {
  readonly #last = new Map<string, number>()
  #running = 0
  #floor = 0

  /** The number to remember with a question at the moment it is asked. */
  current(): number {
    return this.#running
  }

  note(key: string): void {
    this.#running++
    this.#last.delete(key)
    this.#last.set(key, this.#running)
    if (this.#last.size <= MOST_KEYS) return
    for (const [oldest, number] of this.#last) {
      // Forgotten, it may have been of any question asked before it: those cost another question, and never a wrong answer.
      this.#floor = number
      this.#last.delete(oldest)
      return
    }
  }

  /** Whether the answer under a key may have been ended after a question was asked. */
  since(asked: number, key: string): boolean {
    return asked < this.#floor || (this.#last.get(key) ?? 0) > asked
  }
}
