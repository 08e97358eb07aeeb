import { Failure } from '../../src/errors.ts'
import type { Exchange } from './exchange.ts'

export interface Arrival {
  readonly step: (what: string, exchange: Exchange) => Promise<void>
  readonly ended: (state: Exchange['state']) => void
}

const encoder = new TextEncoder()

/** The body of an upstream answer, a piece at a time, each when the schedule says so. */
export class ArrivingBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #exchange: Exchange
  readonly #arrival: Arrival
  readonly #pieces: Uint8Array[]
  #failure: Failure | undefined
  #isOver = false
  #reject: ((failure: Failure) => void) | undefined

  constructor(exchange: Exchange, arrival: Arrival) {
    this.#exchange = exchange
    this.#arrival = arrival
    const bytes = encoder.encode(exchange.body)
    const half = Math.ceil(bytes.length / 2)
    this.#pieces = exchange.ordinal % 2 === 0 ? [bytes] : [bytes.slice(0, half), bytes.slice(half)]
    if (exchange.fault === 'truncated') this.#pieces = [bytes.slice(0, half)]
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isOver) return { done: true, value: undefined }
    const isTruncated = this.#exchange.fault === 'truncated' && this.#pieces.length === 0
    if (this.#pieces.length > 0 || isTruncated) {
      await Promise.race([
        this.#arrival.step('piece', this.#exchange),
        new Promise<never>((_, reject) => {
          this.#reject = reject
        }),
      ])
    }
    if (isTruncated) {
      const failure = new Failure('upstream-truncated')
      this.fail(failure, 'failed')
      throw failure
    }
    const piece = this.#pieces.shift()
    if (piece !== undefined) return { done: false, value: piece }
    this.#over('complete')
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#over('given up')
    return { done: true, value: undefined }
  }

  fail(failure: Failure, state: 'failed' | 'aborted'): void {
    if (this.#isOver) return
    this.#failure = failure
    this.#over(state)
    this.#reject?.(failure)
  }

  #over(state: Exchange['state']): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#arrival.ended(state)
  }
}
