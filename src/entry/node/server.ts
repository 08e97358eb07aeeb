import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createServer, IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Failure, type FailureTag, toFailure, toRecord } from '../../errors.ts'
import type { Bindings } from '../../middleware/inbound/context.ts'
import type { HeaderList } from '../../ports.ts'
import { Connections } from './connections.ts'
import { createDeliver } from './deliver.ts'
import { readInbound } from './inbound.ts'

export interface ServerOptions {
  /** Address to listen at. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
  /**
   * Answers a request. Its `request.url` is always the same: only `bindings.inbound.target` says what was asked, because
   * a `URL` would normalise it, or not take it at all.
   */
  readonly fetch: (request: Request, bindings: Bindings) => Response | Promise<Response>
  /** How long requests in flight may take to finish when the server is drained, ms. */
  readonly drainTimeout: number
}

export interface RunningServer {
  /** Such as `http://127.0.0.1:8787`. */
  readonly origin: string
  readonly port: number
  /** Takes no more connections, lets requests in flight finish, and resolves with how many had to be cut off. */
  drain(): Promise<number>
  /** Ends everything at once. */
  close(): void
}

/** Longer than the 60 s after which load balancers give up an idle connection, so that ours is never closed under theirs. */
const KEEP_ALIVE_MS = 75_000
const HEADERS_TIMEOUT_MS = 65_000
/** A client that neither sends nor reads for so long is gone. */
const IDLE_CLIENT_MS = 60_000
const MAX_REQUEST_HEAD_BYTES = 32 * 1024
/** How long a request that nobody wants is read on, so that the client gets to see its answer before the connection ends. */
const LINGER_MS = 1_000

/** Node's request with the bindings on their way through the listener, which passes only Node's own objects on. */
class GatewayRequest extends IncomingMessage {
  bindings: Bindings | undefined = undefined
}

/**
 * Listens. Malformed requests are answered here; everything else reaches `fetch`, whatever its target looks like.
 * Rejects with one line that names host and port when it cannot listen.
 */
export function startServer(options: ServerOptions): Promise<RunningServer> {
  const settings = {
    IncomingMessage: GatewayRequest,
    maxHeaderSize: MAX_REQUEST_HEAD_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Checked here: Node's own answer has no body that a client could read.
    requireHostHeader: false,
  }
  let server: Server<typeof GatewayRequest>
  try {
    if (options.tls !== undefined) assertBelongTogether(options.tls)
    server = options.tls === undefined ? createServer(settings) : createTlsServer({ ...settings, ...options.tls })
  } catch (cause) {
    return Promise.reject(
      new Error('The TLS certificate and key cannot be used: check that both are PEM and belong together', { cause }),
    )
  }
  // 0 is no bound: beyond its default of 2000 fields Node drops the rest without a word, and bytes are bounded anyway.
  server.maxHeadersCount = 0
  server.maxRequestsPerSocket = 0
  server.timeout = IDLE_CLIENT_MS
  const connections = new Connections(server, options.tls !== undefined)
  const listener = getRequestListener(
    (request, { incoming }) => answer(options.fetch, request, (incoming as GatewayRequest).bindings as Bindings),
    // The globals stay as they are: nothing here makes a `Response`, so faster ones would only change everybody else's.
    { overrideGlobalObjects: false, autoCleanupIncoming: false },
  )

  server.on('request', (incoming, outgoing) => {
    if (!connections.begin(incoming, outgoing)) return
    const inbound = readInbound(incoming, outgoing)
    const deliver = createDeliver(incoming, outgoing)
    const refusal = whyRefused(incoming, inbound.headers)
    if (inbound.body !== null || refusal !== undefined) lingerAfter(incoming, outgoing)
    if (refusal !== undefined) {
      outgoing.shouldKeepAlive = false
      deliver(toRecord(new Failure(refusal)))
      return
    }
    incoming.bindings = { inbound, deliver }
    incoming.url = PLAIN_HOST.test(incoming.headers.host ?? '') ? '/' : 'http://gateway.invalid/'
    void listener(incoming, outgoing)
  })
  server.on('connect', (_incoming, socket) => refuse(socket, 'method-not-allowed'))
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable || connections.isAnswering(socket)) socket.destroy()
    else refuse(socket, refusals[error.code ?? ''] ?? 'bad-request')
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, options)))
    server.listen(options.port, options.host, () => {
      server.removeAllListeners('error')
      // A failing accept (no file descriptors left) must not end the process; the next one may work.
      server.on('error', () => {})
      const { port } = server.address() as AddressInfo
      resolve({
        origin: `${options.tls === undefined ? 'http' : 'https'}://${reachable(options.host)}:${port}`,
        port,
        drain: () => connections.drain(options.drainTimeout),
        close: () => connections.close(),
      })
    })
  })
}

/** Node notices only a key of the same type that does not fit; with another type every handshake would fail instead. */
function assertBelongTogether({ cert, key }: { cert: string; key: string }): void {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error('not the key of this certificate')
}

/**
 * Hosts from which the listener makes a URL without parsing it. For any other it gets a whole URL: what it would make of
 * `127.1` or of port 443 is its own affair, and its refusals have no body.
 */
const PLAIN_HOST = /^[a-z0-9._-]+(?::(?:[1-5]\d{3,4}|[6-9]\d{3}))?$/

/** Makes the listener do nothing, as `RESPONSE_ALREADY_SENT` does; but reading a real `Headers` costs 1 µs per request. */
class WrittenHeaders extends Headers {
  override has(): boolean {
    return false
  }
  override [Symbol.iterator](): HeadersIterator<[string, string]> {
    return WRITTEN.values() as HeadersIterator<[string, string]>
  }
}
const WRITTEN: readonly [string, string][] = [...RESPONSE_ALREADY_SENT.headers]
const ALREADY_WRITTEN = { body: null, headers: new WrittenHeaders() } as unknown as Response

/** What the app answers, for the listener: it writes only what was not delivered. */
function answer(fetch: ServerOptions['fetch'], request: Request, bindings: Bindings): Response | Promise<Response> {
  try {
    const response = fetch(request, bindings)
    return response === RESPONSE_ALREADY_SENT ? ALREADY_WRITTEN : settled(response, bindings)
  } catch (thrown) {
    return failed(thrown, bindings)
  }
}

async function settled(answering: Response | Promise<Response>, bindings: Bindings): Promise<Response> {
  try {
    const response = await answering
    return response === RESPONSE_ALREADY_SENT ? ALREADY_WRITTEN : response
  } catch (thrown) {
    return failed(thrown, bindings)
  }
}

function failed(thrown: unknown, { deliver }: Bindings): Response {
  deliver(toRecord(toFailure(thrown)))
  return ALREADY_WRITTEN
}

/** Origin-form and nothing else (RFC 9112 §3.2.1); a fragment is never part of a request. */
const ORIGIN_FORM = /^\/[^\0-\x20\x7f#]*$/

/** A name, an IPv4 or a bracketed IPv6 address, and perhaps a port; narrower than RFC 3986 because links are made of it. */
const HOST = /^(?:[\w.-]{1,255}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i

function whyRefused(incoming: IncomingMessage, headers: HeaderList): FailureTag | undefined {
  if (!ORIGIN_FORM.test(incoming.url ?? '')) return 'bad-target'
  let host: string | undefined
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]
    // Node undoes chunks and nothing else: a body in another coding besides would be passed on as if it were plain.
    if (name === 'transfer-encoding' && headers[index + 1]?.toLowerCase() !== 'chunked') return 'bad-request'
    if (name !== 'host') continue
    if (host !== undefined) return 'bad-request'
    host = headers[index + 1]
  }
  // RFC 9112 §3.2: HTTP/1.1 must say exactly one host.
  if (host === undefined) return incoming.httpVersionMinor === 0 ? undefined : 'bad-request'
  return HOST.test(host) ? undefined : 'bad-request'
}

const refusals: Readonly<Record<string, FailureTag>> = {
  HPE_HEADER_OVERFLOW: 'header-overflow',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  HPE_INVALID_URL: 'bad-target',
}

/** Answers on a connection that has no response object, and ends it. */
function refuse(socket: Duplex, tag: FailureTag): void {
  const { status, headers, body } = toRecord(new Failure(tag))
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`
  for (let index = 0; index < headers.length; index += 2) head += `${headers[index]}: ${headers[index + 1]}\r\n`
  head += `content-length: ${body.byteLength}\r\nconnection: close\r\n\r\n`
  socket.end(Buffer.concat([Buffer.from(head, 'latin1'), body]))
  linger(socket, () => socket.destroy())
}

/** Reads on, and throws away, until the sender ends or the time is up: to close on unread bytes is a reset, which can undo the answer. */
function linger(source: Duplex | IncomingMessage, giveUp: () => void): void {
  const timer = setTimeout(giveUp, LINGER_MS)
  source.once('end', () => clearTimeout(timer))
  source.once('close', () => clearTimeout(timer))
  source.once('error', () => clearTimeout(timer))
  source.resume()
}

/** An answer may come before its question is over; the rest of that must be out of the way before the next question. */
function lingerAfter(incoming: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.once('close', () => {
    if (incoming.readableEnded || incoming.destroyed) return
    linger(incoming, () => incoming.socket.destroySoon())
  })
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function listenError(error: NodeJS.ErrnoException, { host, port }: ServerOptions): Error {
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return new Error(`Cannot listen on ${where}: the port is in use; stop what uses it or choose another PORT`, {
        cause: error,
      })
    case 'EACCES':
    case 'EPERM':
      return new Error(`Cannot listen on ${where}: no permission; choose a PORT of 1024 or above`, { cause: error })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new Error(`Cannot listen on ${where}: this machine does not have that address; check HOST`, {
        cause: error,
      })
    default:
      return new Error(`Cannot listen on ${where}: ${error.message}`, { cause: error })
  }
}
