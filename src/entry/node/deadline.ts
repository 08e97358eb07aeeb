/** One restartable timer: whatever is being waited for, only one thing is waited for at a time. */
export class Deadline {
  #timer: NodeJS.Timeout | undefined

  /** Calls `expired` after so many ms unless `start` or `stop` comes first. */
  start(milliseconds: number, expired: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(expired, milliseconds)
  }

  /** Starts the running period anew; nothing where none is running. */
  restart(): void {
    this.#timer?.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
