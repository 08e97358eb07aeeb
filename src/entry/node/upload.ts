import type { ClientRequest } from 'node:http'
import { Failure, toFailure } from '../../errors.ts'

export interface UploadHooks {
  /** The next bytes are the client's to send. */
  waitingForClient(): void
  /** The next move is the upstream's: it must take what was written, or answer. Called again on progress. */
  waitingForUpstream(): void
  /** The body broke off or is not what was announced. */
  failed(failure: Failure): void
}

/**
 * Passes a request body on, chunk by chunk, no faster than the upstream takes it. The number of bytes is checked against
 * the announced one: a byte too many would be read as the beginning of somebody else's request on that connection.
 */
export class Upload {
  readonly #request: ClientRequest
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #length: number | undefined
  readonly #hooks: UploadHooks
  #stopped = false
  #complete = false
  #wake: (() => void) | undefined

  constructor(request: ClientRequest, body: AsyncIterable<Uint8Array>, length: number | undefined, hooks: UploadHooks) {
    this.#request = request
    this.#iterator = body[Symbol.asyncIterator]()
    this.#length = length
    this.#hooks = hooks
    this.#run().catch((thrown: unknown) => {
      if (this.#stopped) return
      this.stop()
      this.#hooks.failed(thrown instanceof Failure ? thrown : new Failure('client-gone', { cause: thrown }))
    })
  }

  /** Whether all of it has been handed to the connection. */
  get complete(): boolean {
    return this.#complete
  }

  /** Reads and writes no further. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#wake?.()
    // A generator that is waiting for its own source ends when that does; what it throws then concerns nobody.
    this.#iterator.return?.().then(undefined, toFailure)
  }

  async #run(): Promise<void> {
    let sent = 0
    for (;;) {
      if (!this.#complete) this.#hooks.waitingForClient()
      const next = await this.#iterator.next()
      if (this.#stopped) return
      if (next.done === true) break
      if (next.value.byteLength === 0) continue
      sent += next.value.byteLength
      if (this.#length !== undefined && sent > this.#length) throw new Failure('bad-request')
      const room = this.#request.write(next.value)
      // The end is told at the last byte and not one turn later, so that an answer never meets an open request.
      if (sent === this.#length) this.#end()
      else if (!room) await this.#drained()
      if (this.#stopped) return
    }
    if (this.#length !== undefined && sent < this.#length) throw new Failure('client-gone')
    this.#end()
    this.#stopped = true
  }

  #end(): void {
    if (this.#complete) return
    this.#complete = true
    this.#hooks.waitingForUpstream()
    this.#request.once('finish', () => this.#hooks.waitingForUpstream())
    this.#request.end()
  }

  #drained(): Promise<void> {
    this.#hooks.waitingForUpstream()
    return new Promise((resolve) => {
      const done = () => {
        this.#request.off('drain', done)
        this.#request.off('close', done)
        this.#wake = undefined
        resolve()
      }
      this.#wake = done
      this.#request.on('drain', done)
      this.#request.on('close', done)
    })
  }
}
