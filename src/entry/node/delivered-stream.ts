import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Delivery } from '../../ports.ts'

export interface StreamStart {
  /** Writes the head; called when the first bytes, or the end, are there. */
  begin(): void
  /** Answers a body that broke off before anything was written. */
  refuse(thrown: unknown): void
}

/**
 * Passes a body on to a client, no faster than the client takes it. When the client leaves, the body is told so at once
 * and not when its next bytes arrive: that is what stops the upstream's work.
 */
export class DeliveredStream {
  /** Settled when the last byte is handed over or nothing more can be; never rejects. */
  readonly delivery: Promise<Delivery>
  readonly #outgoing: ServerResponse
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #length: number | undefined
  readonly #start: StreamStart
  #bytes = 0
  #settled = false
  #settle!: (delivery: Delivery) => void
  #drained: (() => void) | undefined

  /** `length`: bytes that the head announces, `undefined` where it announces none. */
  constructor(
    outgoing: ServerResponse,
    body: AsyncIterable<Uint8Array>,
    length: number | undefined,
    start: StreamStart,
  ) {
    this.#outgoing = outgoing
    this.#iterator = body[Symbol.asyncIterator]()
    this.#length = length
    this.#start = start
    this.delivery = new Promise((resolve) => {
      this.#settle = resolve
    })
    outgoing.once('finish', this.#onFinish)
    outgoing.once('close', this.#onClose)
    outgoing.on('drain', this.#onDrain)
    if (outgoing.destroyed) this.#onClose()
    else {
      this.#run().catch((thrown: unknown) => {
        if (!this.#settled) this.#breakOff(thrown)
      })
    }
  }

  readonly #onFinish = (): void => this.#end(false)
  readonly #onClose = (): void => this.#end(true)
  readonly #onDrain = (): void => this.#drained?.()

  async #run(): Promise<void> {
    let next = await this.#iterator.next()
    if (this.#settled) return
    this.#start.begin()
    while (next.done !== true) {
      this.#bytes += next.value.byteLength
      // Beyond the announced length a client would read the rest as its next answer.
      if (this.#length !== undefined && this.#bytes > this.#length) throw new RangeError('The body is too long')
      if (!this.#outgoing.write(next.value)) await this.#drain()
      if (this.#settled) return
      next = await this.#iterator.next()
      if (this.#settled) return
    }
    if (this.#length !== undefined && this.#bytes < this.#length) throw new RangeError('The body is too short')
    this.#outgoing.end()
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }

  #breakOff(thrown: unknown): void {
    const outgoing = this.#outgoing
    if (!outgoing.headersSent) {
      this.#end(true)
      this.#start.refuse(thrown)
      return
    }
    const socket = outgoing.socket
    this.#end(true)
    // To a client of HTTP/1.0 an orderly close is the end of the body: only a reset tells it otherwise.
    const delimitedByClose = this.#length === undefined && !outgoing.chunkedEncoding
    if (delimitedByClose && socket !== null && !('encrypted' in socket)) (socket as Socket).resetAndDestroy()
    else outgoing.destroy()
  }

  #end(aborted: boolean): void {
    if (this.#settled) return
    this.#settled = true
    this.#outgoing.off('finish', this.#onFinish)
    this.#outgoing.off('close', this.#onClose)
    this.#outgoing.off('drain', this.#onDrain)
    this.#drained?.()
    if (aborted) this.#iterator.return?.().then(undefined, () => {})
    this.#settle({ bytes: this.#bytes, aborted })
  }
}
