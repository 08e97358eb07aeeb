/**
 * The requests of one account that are on their way, and how many there may be: the account's concurrency window. All
 * credentials that the upstream has not accepted yet have one lane together.
 *
 * After a pause, and when a budget begins anew that others waited for, one request goes first, and each that is answered
 * well makes room for one more: so a crowd that was waiting does not trip the limit again (slow start). Those that were on
 * their way already are left out of it: neither do their answers say that the crowd may follow, nor does one of them that
 * takes long keep everybody else waiting.
 */
export class Lane {
  readonly most: number
  /** Requests that may be on their way at a time, just now. */
  window: number
  inFlight = 0
  /** The last question sent before the slow start, and how many are still on their way that were sent until then. */
  #slowSince = 0
  #before = 0
  readonly #byGroup = new Map<string, number>()

  /** @param most requests on their way at a time */
  constructor(most: number) {
    this.most = most
    this.window = most
  }

  get isFull(): boolean {
    return this.inFlight >= this.most || this.inFlight - this.#before >= this.window
  }

  /** @param group of clients */
  enter(group: string): void {
    this.inFlight++
    this.#byGroup.set(group, this.ofGroup(group) + 1)
  }

  /** @param number of the question */
  leave(group: string, number: number): void {
    this.inFlight--
    if (number <= this.#slowSince) this.#before--
    const left = this.ofGroup(group) - 1
    if (left > 0) this.#byGroup.set(group, left)
    else this.#byGroup.delete(group)
  }

  /** Requests of one group of clients on their way. */
  ofGroup(group: string): number {
    return this.#byGroup.get(group) ?? 0
  }

  /** @param lastSent the number of the question that was sent last */
  startSlowly(lastSent: number): void {
    this.window = 1
    this.#slowSince = lastSent
    this.#before = this.inFlight
  }

  /** The question with this number was answered well. */
  grow(number: number): void {
    if (this.window < this.most && number > this.#slowSince) this.window++
  }
}
