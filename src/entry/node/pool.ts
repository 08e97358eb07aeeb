import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { Failure } from '../../errors.ts'

/**
 * An upstream that closes an idle connection just when a request is written to it costs that request an error, and a
 * write may not be sent again. Common servers keep idle connections 5 s and longer, so ours are given up before that.
 */
const IDLE_TIMEOUT = 4_000

/** What the upstream may send as a head, bytes: four times Node's default, and still a bound. */
const MAX_RESPONSE_HEAD_BYTES = 64 * 1024

export interface PoolOptions {
  /** PEM of the only authorities to believe, `undefined` for the system's. */
  readonly ca: string | undefined
  /** Exchanges at once with one origin, and so connections in use. */
  readonly maxConnections: number
  /** Exchanges that may wait for one of these; more are turned away. */
  readonly maxWaiting: number
  /** How long a connection is kept without a request, ms. */
  readonly idleTimeout?: number
}

/**
 * The connections to one origin. Exchanges queue here and not in Node's agent: an agent's queue is unbounded, keeps
 * requests that were given up, and mixes waiting with connecting.
 */
export class Pool {
  readonly encrypted: boolean
  /** Value of the `Host` field. */
  readonly host: string
  readonly #hostname: string
  readonly #port: string
  readonly #agent: HttpAgent
  readonly #options: PoolOptions
  readonly #waiting = new Set<() => void>()
  #active = 0
  #closed = false

  /** Throws a `Failure` when `origin` is anything but scheme, host and port: a path or user in it would be lost silently. */
  constructor(origin: string, options: PoolOptions) {
    const url = URL.canParse(origin) ? new URL(origin) : undefined
    if (
      url === undefined ||
      (url.protocol !== 'http:' && url.protocol !== 'https:') ||
      url.origin !== trimmed(origin)
    ) {
      throw new Failure('internal', { cause: new TypeError('The upstream origin is not a plain http(s) origin') })
    }
    this.encrypted = url.protocol === 'https:'
    this.host = url.host
    // Node wants an IPv6 address without the brackets that a URL puts around it.
    this.#hostname = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
    this.#port = url.port === '' ? (this.encrypted ? '443' : '80') : url.port
    this.#options = options
    const agentOptions = {
      keepAlive: true,
      scheduling: 'lifo',
      maxFreeSockets: options.maxConnections,
      timeout: options.idleTimeout ?? IDLE_TIMEOUT,
    } as const
    this.#agent = this.encrypted
      ? new HttpsAgent({
          ...agentOptions,
          rejectUnauthorized: true,
          ...(options.ca === undefined ? {} : { ca: options.ca }),
        })
      : new HttpAgent(agentOptions)
  }

  /** Calls `granted` as soon as one more exchange may begin, perhaps at once. Throws a `Failure` when the queue is full. */
  acquire(granted: () => void): void {
    if (this.#active < this.#options.maxConnections) {
      this.#active++
      granted()
    } else if (this.#waiting.size < this.#options.maxWaiting) {
      this.#waiting.add(granted)
    } else {
      throw new Failure('upstream-busy')
    }
  }

  /** Takes a waiting exchange out of the queue. Answers whether it was still in it. */
  abandon(granted: () => void): boolean {
    return this.#waiting.delete(granted)
  }

  /** Gives back what `acquire` granted; whoever has waited longest is next. */
  release(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next)
      next()
      return
    }
    this.#active--
  }

  /** Begins one request. Throws what Node throws on a method, path or field it refuses. */
  request(method: string, path: string, headers: readonly string[]): ClientRequest {
    if (this.#closed) throw new Failure('upstream-unreachable', { cause: new Error('The connections are closed') })
    const options: RequestOptions = {
      agent: this.#agent,
      hostname: this.#hostname,
      port: this.#port,
      method,
      path,
      headers,
      setHost: false,
      maxHeaderSize: MAX_RESPONSE_HEAD_BYTES,
    }
    const request = this.encrypted ? httpsRequest(options) : httpRequest(options)
    // Beyond its default of 2000 fields Node drops the rest without a word; the bound on bytes is bound enough.
    request.maxHeadersCount = 0
    return request
  }

  /** Connections that exist, idle ones included. */
  get open(): number {
    return count(this.#agent.sockets) + count(this.#agent.freeSockets)
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Ends every connection, those in use included, and opens no other. */
  close(): void {
    this.#closed = true
    this.#agent.destroy()
  }
}

function trimmed(origin: string): string {
  return origin.endsWith('/') ? origin.slice(0, -1) : origin
}

function count(sockets: NodeJS.ReadOnlyDict<readonly unknown[]>): number {
  let total = 0
  for (const list of Object.values(sockets)) total += list?.length ?? 0
  return total
}
