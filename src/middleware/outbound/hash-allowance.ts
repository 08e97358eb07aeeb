import type { Clock } from '../../ports.ts'

/** Bytes that are hashed for one question at most: a body as large as an entry may be, or many ordinary ones. */
const MOST_PER_QUESTION = 8 * 1024 * 1024
/** Bytes a second for all callers together whom the upstream has not accepted yet: about a hundredth of one core. */
const PER_SECOND_UNACCEPTED = 16 * 1024 * 1024

/**
 * How much may be hashed to predict entity tags. An accepted credential pays for its questions with its own budget; one
 * that somebody made up costs its sender nothing, so all of those share one small allowance.
 */
export class HashAllowance {
  readonly #clock: Clock
  #unaccepted = PER_SECOND_UNACCEPTED
  #countedAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#countedAt = clock.elapsed()
  }

  /** The allowance of one question. */
  forQuestion(isAccepted: boolean): QuestionAllowance {
    let left = MOST_PER_QUESTION
    return {
      spend: (bytes) => {
        if (bytes > left || (!isAccepted && !this.#spendUnaccepted(bytes))) return false
        left -= bytes
        return true
      },
    }
  }

  #spendUnaccepted(bytes: number): boolean {
    const now = this.#clock.elapsed()
    const earned = ((now - this.#countedAt) / 1000) * PER_SECOND_UNACCEPTED
    this.#countedAt = now
    this.#unaccepted = Math.min(PER_SECOND_UNACCEPTED, this.#unaccepted + Math.max(0, earned))
    if (bytes > this.#unaccepted) return false
    this.#unaccepted -= bytes
    return true
  }
}

export interface QuestionAllowance {
  /** Whether so many bytes more may be hashed; if so, they count as hashed. */
  spend(bytes: number): boolean
}
