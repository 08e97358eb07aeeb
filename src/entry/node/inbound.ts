import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { Failure } from '../../errors.ts'
import type { HeaderList, Inbound } from '../../ports.ts'
import { ReadableBytes } from './readable-bytes.ts'

/** A request as Node's parser delivered it. Reading it costs one pass over the fields; nothing is copied but them. */
export function readInbound(incoming: IncomingMessage, outgoing: ServerResponse): Inbound {
  const { rawHeaders } = incoming
  const headers = new Array<string>(rawHeaders.length)
  let contentLength: number | undefined
  let chunked = false
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase()
    const value = rawHeaders[index + 1] as string
    headers[index] = name
    headers[index + 1] = value
    // Node's parser has refused a repeated or unreadable length, and a length together with chunks.
    if (name === 'content-length') contentLength = Number(value)
    else if (name === 'transfer-encoding') chunked = true
  }
  const hasBody = chunked || (contentLength !== undefined && contentLength > 0)
  return new NodeInbound(incoming, outgoing, headers, hasBody, hasBody && !chunked ? contentLength : undefined)
}

class NodeInbound implements Inbound {
  readonly method: string
  readonly target: string
  readonly headers: HeaderList
  readonly body: AsyncIterable<Uint8Array> | null
  readonly bodyLength: number | undefined
  readonly peerAddress: string
  readonly encrypted: boolean
  readonly #outgoing: ServerResponse
  #controller: AbortController | undefined

  constructor(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    headers: HeaderList,
    hasBody: boolean,
    bodyLength: number | undefined,
  ) {
    const socket = incoming.socket as TLSSocket
    this.method = incoming.method ?? 'GET'
    this.target = incoming.url ?? ''
    this.headers = headers
    this.body = hasBody ? new RequestBody(incoming) : null
    this.bodyLength = bodyLength
    // Asked for now: a socket forgets its peer when it closes, and the event of an aborted request names it too.
    this.peerAddress = socket.remoteAddress ?? ''
    this.encrypted = socket.encrypted === true
    this.#outgoing = outgoing
  }

  signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal
    const controller = new AbortController()
    this.#controller = controller
    const outgoing = this.#outgoing
    const abortUnlessAnswered = () => {
      if (!outgoing.writableFinished) controller.abort(new Failure('client-gone'))
    }
    if (outgoing.destroyed) abortUnlessAnswered()
    else outgoing.once('close', abortUnlessAnswered)
    return controller.signal
  }
}

/** Attaches itself to the request when it is first read, so that a body nobody reads costs nothing. */
class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #incoming: IncomingMessage
  #bytes: ReadableBytes | undefined

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    if (this.#bytes !== undefined) return this.#bytes
    const incoming = this.#incoming
    // Stopping early leaves the request alone: destroying it would take the connection away from its answer.
    const bytes = new ReadableBytes(incoming, {})
    this.#bytes = bytes
    const gone = (cause?: Error) => bytes.fail(new Failure('client-gone', { cause }))
    if (incoming.readableEnded) bytes.finish()
    else if (incoming.destroyed) gone()
    else {
      incoming.once('error', gone)
      incoming.once('close', () => gone())
    }
    return bytes
  }
}
