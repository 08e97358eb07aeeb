import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { Failure } from '../../errors.ts'
import { headerValue, joinedHeader, withoutHeaders, withoutHopByHop } from '../../http/headers.ts'
import type { UpstreamRequest, UpstreamResponse } from '../../ports.ts'
import { Deadline } from './deadline.ts'
import type { Pool } from './pool.ts'
import { decoderFor, ResponseBody } from './response-body.ts'
import { Upload } from './upload.ts'

/** All in ms. */
export interface Timeouts {
  /** From asking for a connection until it stands, name lookup and TLS included. */
  readonly connectTimeout: number
  /** From the question until the response's head; waiting for a free connection counts. */
  readonly headersTimeout: number
  /** Between two pieces of a body. */
  readonly bodyTimeout: number
}

/**
 * One request and its answer. Node tells about trouble on three objects in no fixed order (request, response, socket);
 * here the first word counts, everything is torn down once, and the place in the pool is given back when the connection
 * is really free.
 */
export class Exchange {
  readonly #pool: Pool
  readonly #timeouts: Timeouts
  readonly #request: UpstreamRequest
  readonly #headers: readonly string[]
  readonly #deadline = new Deadline()
  readonly #resolve: (response: UpstreamResponse) => void
  readonly #reject: (failure: Failure) => void
  readonly #headersDue: number
  #outgoing: ClientRequest | undefined
  #socket: Socket | undefined
  #bytesReadBefore = 0
  #connected = false
  #upload: Upload | undefined
  #response: IncomingMessage | undefined
  #body: ResponseBody | undefined
  #failed = false

  constructor(
    pool: Pool,
    timeouts: Timeouts,
    request: UpstreamRequest,
    headers: readonly string[],
    resolve: (response: UpstreamResponse) => void,
    reject: (failure: Failure) => void,
  ) {
    this.#pool = pool
    this.#timeouts = timeouts
    this.#request = request
    this.#headers = headers
    this.#resolve = resolve
    this.#reject = reject
    this.#headersDue = performance.now() + timeouts.headersTimeout
    if (request.signal?.aborted === true) {
      this.#fail(new Failure('client-gone'))
      return
    }
    request.signal?.addEventListener('abort', this.#onAbort)
    // Until there is a connection, what takes so long is our own queue.
    this.#expire('upstream-busy', timeouts.headersTimeout)
    try {
      pool.acquire(this.#open)
    } catch (thrown) {
      this.#fail(thrown instanceof Failure ? thrown : new Failure('internal', { cause: thrown }))
    }
  }

  readonly #onAbort = (): void => this.#fail(new Failure('client-gone'))

  readonly #open = (): void => {
    const { method, target, body } = this.#request
    let outgoing: ClientRequest
    try {
      outgoing = this.#pool.request(method, target, this.#headers)
    } catch (cause) {
      // A method or field that cannot be written: the client's, since everything else was checked.
      this.#fail(cause instanceof Failure ? cause : new Failure('bad-request', { cause }))
      this.#pool.release()
      return
    }
    this.#outgoing = outgoing
    outgoing.on('error', (error) => this.#onError(error))
    outgoing.once('socket', (socket) => this.#onSocket(socket))
    outgoing.once('response', (response) => this.#onResponse(response))
    outgoing.once('upgrade', (_response, socket) => {
      socket.destroy()
      this.#fail(new Failure('upstream-invalid', { cause: new Error('The upstream switched protocols unasked') }))
    })
    outgoing.once('close', () => this.#onClose())
    const untilHeadersDue = this.#untilHeadersDue()
    if (this.#timeouts.connectTimeout < untilHeadersDue) {
      this.#expire('upstream-connect-timeout', this.#timeouts.connectTimeout)
    } else {
      this.#expire('upstream-headers-timeout', untilHeadersDue)
    }
    if (body === null) outgoing.end()
  }

  #onSocket(socket: Socket): void {
    this.#socket = socket
    this.#bytesReadBefore = socket.bytesRead
    if (this.#outgoing?.reusedSocket === true) this.#onConnected()
    else socket.once(this.#pool.encrypted ? 'secureConnect' : 'connect', () => this.#onConnected())
  }

  #onConnected(): void {
    this.#connected = true
    if (this.#failed || this.#response !== undefined) return
    const { body, bodyLength } = this.#request
    if (body === null) {
      this.#expire('upstream-headers-timeout', this.#untilHeadersDue())
      return
    }
    this.#upload = new Upload(this.#outgoing as ClientRequest, body, bodyLength, {
      waitingForClient: () => this.#expire('request-timeout', this.#timeouts.bodyTimeout),
      waitingForUpstream: () => this.#expire('upstream-headers-timeout', this.#timeouts.headersTimeout),
      failed: (failure) => this.#fail(failure),
    })
  }

  #onResponse(response: IncomingMessage): void {
    this.#response = response
    this.#deadline.stop()
    const status = response.statusCode ?? 0
    if (status < 100) {
      this.#fail(new Failure('upstream-invalid', { cause: new Error('The upstream sent an impossible status') }))
      return
    }
    // An error that comes before the upload is over means that the rest of it is not wanted (RFC 9112 §9.5).
    if (status >= 400 && this.#upload?.complete === false) this.#upload.stop()
    response.once('end', () => {
      // An answer that was complete before its question cannot leave the connection usable.
      if (this.#upload !== undefined && !this.#upload.complete) this.#outgoing?.destroy()
    })
    const raw = lowerCased(response.rawHeaders)
    const isFramed =
      headerValue(raw, 'content-length') !== undefined || headerValue(raw, 'transfer-encoding') !== undefined
    let headers: readonly string[] = withoutHopByHop(raw)
    const empty = this.#request.method === 'HEAD' || status === 204 || status === 304
    // Part of a coded representation cannot be decoded.
    const coding = joinedHeader(headers, 'content-encoding')?.trim().toLowerCase()
    const decoder = status === 206 ? undefined : decoderFor(coding)
    // "No coding", said with words that answers should not use (RFC 9110 §8.4.1): nothing is coded.
    if (coding === '' || coding === 'identity') headers = withoutHeaders(headers, (name) => name === 'content-encoding')
    const length = joinedHeader(headers, 'content-length')
    if (decoder !== undefined) {
      headers = withoutHeaders(headers, (name) => name === 'content-encoding' || name === 'content-length')
    }
    if (empty || length === '0') {
      response.once('error', () => {})
      response.resume()
    } else {
      this.#body = new ResponseBody(response, decoder?.(), this.#timeouts.bodyTimeout, () => this.#outgoing?.destroy())
    }
    const body = this.#body ?? null
    this.#resolve({ status, headers, body, ...(body === null || isFramed ? {} : { endsWithConnection: true }) })
  }

  #onError(error: Error & { code?: string }): void {
    const invalid = error.code?.startsWith('HPE_') === true
    if (this.#response === undefined) {
      if (invalid) this.#fail(new Failure('upstream-invalid', { cause: error }))
      else if (!this.#connected) this.#fail(new Failure('upstream-unreachable', { cause: error }))
      else {
        const silent = this.#socket?.bytesRead === this.#bytesReadBefore
        const onReusedConnection = silent && this.#outgoing?.reusedSocket === true
        this.#fail(new Failure('upstream-reset', { cause: error, onReusedConnection }))
      }
    } else if (!this.#response.complete) {
      this.#fail(new Failure(invalid ? 'upstream-invalid' : 'upstream-truncated', { cause: error }))
    }
  }

  #onClose(): void {
    if (this.#response === undefined) this.#fail(new Failure('upstream-reset'))
    this.#settle()
    this.#upload?.stop()
    // Node puts the connection back right after this event; a successor that came sooner would open another one.
    process.nextTick(() => this.#pool.release())
  }

  #fail(failure: Failure): void {
    if (this.#failed) return
    this.#failed = true
    this.#settle()
    this.#upload?.stop()
    this.#pool.abandon(this.#open)
    this.#outgoing?.destroy()
    this.#body?.fail(failure)
    // Does nothing once the response has been handed over.
    this.#reject(failure)
  }

  #settle(): void {
    this.#deadline.stop()
    this.#request.signal?.removeEventListener('abort', this.#onAbort)
  }

  #expire(
    tag: 'upstream-busy' | 'upstream-connect-timeout' | 'upstream-headers-timeout' | 'request-timeout',
    milliseconds: number,
  ): void {
    if (this.#failed || this.#response !== undefined) return
    this.#deadline.start(milliseconds, () => this.#fail(new Failure(tag)))
  }

  #untilHeadersDue(): number {
    return Math.max(0, this.#headersDue - performance.now())
  }
}

function lowerCased(rawHeaders: readonly string[]): string[] {
  const headers = rawHeaders.slice()
  for (let index = 0; index < headers.length; index += 2) headers[index] = (headers[index] as string).toLowerCase()
  return headers
}
