/**
 * Units of questions that were sent and never answered with numbers: nobody knows whether the upstream counted them. They
 * count until numbers come in answer to a question that was sent later: in those they are contained, or never will be.
 *
 * Two generations of them are told apart, so that a steady loss does not keep the first for ever.
 */
export class LostUnits {
  #first = 0
  #firstUntil = 0
  #second = 0
  #secondUntil = 0

  get count(): number {
    return this.#first + this.#second
  }

  /** @param lastSent the number of the question that was sent last */
  add(lastSent: number): void {
    if (this.#first === 0) {
      this.#first = 1
      this.#firstUntil = lastSent
    } else {
      this.#second++
      this.#secondUntil = lastSent
    }
  }

  /** Numbers came in answer to the question with this number. */
  found(number: number): void {
    if (this.#first === 0 || number <= this.#firstUntil) return
    const isSecondFound = number > this.#secondUntil
    this.#first = isSecondFound ? 0 : this.#second
    this.#firstUntil = this.#secondUntil
    this.#second = 0
  }

  forget(): void {
    this.#first = 0
    this.#second = 0
  }
}
