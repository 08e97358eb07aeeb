import type { Readable } from 'node:stream'
import type { Failure } from '../../errors.ts'

export interface ReadableBytesHooks {
  /** A reader waits and nothing is there. */
  waiting?(): void
  /** Nobody waits any more. */
  served?(): void
  /** The reader wants no more, before the end. */
  abandoned?(): void
}

type Waiter = {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void
  readonly reject: (failure: Failure) => void
}

/**
 * A Node stream as an iterable of bytes, to be iterated once, that leaves what becomes of the stream to its owner. Neither
 * a generator nor Node's own iterator would do: their `return()` waits for the chunk that is being waited for, so a client
 * that leaves while the other side stalls could not stop anything.
 */
export class ReadableBytes implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: Readable
  readonly #hooks: ReadableBytesHooks
  readonly #waiters: Waiter[] = []
  #started = false
  #ended = false
  #failure: Failure | undefined

  constructor(source: Readable, hooks: ReadableBytesHooks) {
    this.#source = source
    this.#hooks = hooks
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#started && !this.#ended) {
      this.#started = true
      this.#source.on('readable', this.#serve)
      this.#source.once('end', this.finish)
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      this.#serve()
    })
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.open) {
      this.finish()
      this.#hooks.abandoned?.()
    }
    return Promise.resolve({ done: true, value: undefined })
  }

  /** Whether the end is still to come. */
  get open(): boolean {
    return !this.#ended && this.#failure === undefined
  }

  /** Ends the iteration with this error, unless it has ended already. */
  fail(failure: Failure): void {
    if (!this.open) return
    this.#failure = failure
    this.#detach()
    this.#serve()
  }

  /** Ends the iteration as if the source had. */
  readonly finish = (): void => {
    if (!this.open) return
    this.#ended = true
    this.#detach()
    this.#serve()
  }

  #detach(): void {
    this.#source.off('readable', this.#serve)
    this.#source.off('end', this.finish)
  }

  readonly #serve = (): void => {
    while (this.#waiters.length > 0) {
      const chunk: Uint8Array | null = this.open ? this.#source.read() : null
      if (chunk === null && this.open) {
        this.#hooks.waiting?.()
        return
      }
      const waiter = this.#waiters.shift() as Waiter
      if (chunk !== null) waiter.resolve({ done: false, value: chunk })
      else if (this.#failure === undefined) waiter.resolve({ done: true, value: undefined })
      else {
        // An iterator is over after it has thrown once.
        const failure = this.#failure
        this.#failure = undefined
        this.#ended = true
        waiter.reject(failure)
      }
    }
    this.#hooks.served?.()
  }
}
