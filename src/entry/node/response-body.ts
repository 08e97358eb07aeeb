import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { Failure } from '../../errors.ts'
import { Deadline } from './deadline.ts'
import { ReadableBytes } from './readable-bytes.ts'

/** The decoder for a `Content-Encoding`, or `undefined` where there is none for it (a list of codings included). */
export function decoderFor(coding: string | undefined): (() => Transform) | undefined {
  switch (coding?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip
    case 'br':
      return createBrotliDecompress
    default:
      return undefined
  }
}

/** The bytes of an upstream answer, decoded, with a bound on every wait for the upstream. */
export class ResponseBody implements AsyncIterable<Uint8Array> {
  readonly #response: IncomingMessage
  readonly #decoder: Transform | undefined
  readonly #bytes: ReadableBytes
  readonly #abandon: () => void
  readonly #deadline = new Deadline()
  #started = false

  /** `timeout`: longest wait for the next bytes, ms. `abandon` is called when the rest is not wanted or of no use. */
  constructor(response: IncomingMessage, decoder: Transform | undefined, timeout: number, abandon: () => void) {
    this.#response = response
    this.#decoder = decoder
    this.#abandon = abandon
    const watch = () => this.#deadline.start(timeout, () => this.fail(new Failure('upstream-body-timeout')))
    this.#bytes = new ReadableBytes(decoder ?? response, {
      waiting: watch,
      served: () => this.#deadline.stop(),
      abandoned: () => this.#giveUp(),
    })
    response.once('error', (cause) => this.fail(new Failure('upstream-truncated', { cause })))
    // An answer that nobody begins to read must not hold its connection for ever.
    watch()
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    this.#deadline.stop()
    if (!this.#started && this.#bytes.open && this.#decoder !== undefined) this.#decode(this.#decoder)
    this.#started = true
    return this.#bytes
  }

  /** Ends the iteration with this error, unless it has ended already. */
  fail(failure: Failure): void {
    if (!this.#bytes.open) return
    this.#bytes.fail(failure)
    this.#giveUp()
  }

  #giveUp(): void {
    this.#deadline.stop()
    this.#decoder?.destroy()
    this.#abandon()
  }

  #decode(decoder: Transform): void {
    const response = this.#response
    let received = false
    response.on('data', (chunk: Uint8Array) => {
      received = true
      this.#deadline.restart()
      if (!decoder.write(chunk)) response.pause()
    })
    decoder.on('drain', () => response.resume())
    response.once('end', () => decoder.end())
    decoder.on('error', (cause) => {
      // No bytes at all are an empty body that somebody labelled, not a broken coding.
      if (received) this.fail(new Failure('upstream-coding', { cause }))
      else this.#bytes.finish()
    })
  }
}
