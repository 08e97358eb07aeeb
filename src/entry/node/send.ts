import { Failure } from '../../errors.ts'
import type { Send, UpstreamRequest, UpstreamResponse } from '../../ports.ts'
import { Exchange, type Timeouts } from './exchange.ts'
import { Pool, type PoolOptions } from './pool.ts'

export interface SendOptions extends Timeouts, PoolOptions {
  /** Sent with every request in place of the client's: GitHub formats JSON by it. */
  readonly userAgent: string
}

export interface Sender {
  readonly send: Send
  /** Ends all connections, those in use included. */
  close(): void
  /** Connections that exist, and exchanges that wait for one. */
  connections(): { open: number; waiting: number }
}

/**
 * The way upstream over `node:http` and `node:https`. (Not `fetch`, which adds fields of its own and holds whole bodies;
 * not undici's `request`, which takes a 304 with a `Content-Length` for a broken answer.) Connections are kept alive and
 * bounded per origin. An answer's body must be iterated, or given up with `return()` or the request's signal.
 */
export function createSend(options: SendOptions): Sender {
  const pools = new Map<string, Pool>()
  const poolFor = (origin: string): Pool => {
    let pool = pools.get(origin)
    if (pool === undefined) {
      pool = new Pool(origin, options)
      pools.set(origin, pool)
    }
    return pool
  }
  return {
    send: (request) =>
      new Promise<UpstreamResponse>((resolve, reject) => {
        assertTarget(request)
        const pool = poolFor(request.origin)
        new Exchange(pool, options, request, requestHeaders(request, pool.host, options.userAgent), resolve, reject)
      }),
    close: () => {
      for (const pool of pools.values()) pool.close()
    },
    connections: () => {
      const sum = { open: 0, waiting: 0 }
      for (const pool of pools.values()) {
        sum.open += pool.open
        sum.waiting += pool.waiting
      }
      return sum
    },
  }
}

/** Bytes that can stand in a request line; anything else could end it and begin another one. */
const ORIGIN_FORM = /^\/[\x21-\x7e\x80-\xff]*$/

function assertTarget({ target, method }: UpstreamRequest): void {
  if (!ORIGIN_FORM.test(target) || method === 'CONNECT') throw new Failure('bad-target')
}

/** Fields that this connection decides about, whatever the list says: framing above all, so that nothing is smuggled. */
const OWN_FIELDS = new Set([
  'host',
  'user-agent',
  'accept-encoding',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'te',
  'trailer',
  'expect',
])

function requestHeaders(request: UpstreamRequest, host: string, userAgent: string): string[] {
  const { headers, method, body, bodyLength } = request
  const result = ['host', host, 'user-agent', userAgent]
  let ranged = false
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (OWN_FIELDS.has(name)) continue
    if (name === 'range') ranged = true
    result.push(name, headers[index + 1] as string)
  }
  // A range counts the bytes of the coded form, so a ranged request must not be answered with one.
  result.push('accept-encoding', ranged ? 'identity' : 'gzip, br')
  if (body !== null) {
    if (bodyLength === undefined) result.push('transfer-encoding', 'chunked')
    else result.push('content-length', String(bodyLength))
  } else if (method === 'POST' || method === 'PUT' || method === 'PATCH') {
    // RFC 9110 §8.6: a method that expects content says that there is none. GitHub answers 411 otherwise.
    result.push('content-length', '0')
  }
  return result
}
