/** Answers remembered for each key: more than that arrive while one is out only where everything is slow. */
const MOST_ANSWERS = 64

/** What is known of a key while questions about it are out. */
interface Watched {
  out: number
  /** What arrived since the first of them was asked, the last at the end. */
  readonly answers: { readonly number: number; readonly bodyKey: string | undefined }[]
}

/**
 * Which answers arrived while a question was out. An answer may be from before another that overtook it, and what is stored
 * does not always tell: there can be nothing before and after a refusal, the same before and after a confirmation, and what
 * has just arrived may not be stored yet. Keys are remembered only while they are being asked about.
 */
export class Arrivals {
  readonly #watched = new Map<string, Watched>()
  #running = 0

  /** A question is about to be asked. */
  begin(key: string): void {
    const watched = this.#watched.get(key)
    if (watched === undefined) this.#watched.set(key, { out: 1, answers: [] })
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

  /**
   * An answer has arrived.
   *
   * @param bodyKey names the body it brought or confirmed; `undefined` where it says that there is none to keep
   * @returns its number
   */
  note(key: string, bodyKey?: string): number {
    const number = ++this.#running
    const answers = this.#watched.get(key)?.answers
    answers?.push({ number, bodyKey })
    if (answers !== undefined && answers.length > MOST_ANSWERS) answers.shift()
    return number
  }

  /** Whether another answer has arrived after a question was asked, or after the answer with this number. */
  since(number: number, key: string): boolean {
    return (this.#watched.get(key)?.answers.at(-1)?.number ?? 0) > number
  }

  /** Whether all answers that have arrived since a question was asked speak of this body. */
  agree(asked: number, key: string, bodyKey: string): boolean {
    const answers = this.#watched.get(key)?.answers ?? []
    // Where the oldest were forgotten they may have said anything.
    if (answers.length === MOST_ANSWERS && answers[0]!.number > asked + 1) return false
    return answers.every((answer) => answer.number <= asked || answer.bodyKey === bodyKey)
  }
}
