import { type IncomingMessage, type ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { toFailure, toRecord } from '../../errors.ts'
import { headerValue, withoutHeaders } from '../../http/headers.ts'
import type { Deliver, Delivery, HeaderList, OutgoingAnswer } from '../../ports.ts'
import { DeliveredStream } from './delivered-stream.ts'

/**
 * Writes answers to Node's response directly. Web `Response`s would cost half of the fastest path, merge repeated fields,
 * refuse some statuses and gain a `content-type` that nobody sent.
 *
 * Held bytes are handed over before this returns. A streamed body that breaks off takes the connection with it, so that
 * the answer cannot look whole; where no byte of it has been sent yet, the client is told the failure instead.
 */
export function createDeliver(incoming: IncomingMessage, outgoing: ServerResponse): Deliver {
  return (answer) => ({ response: RESPONSE_ALREADY_SENT, delivered: deliver(incoming.method, outgoing, answer) })
}

function deliver(
  method: string | undefined,
  outgoing: ServerResponse,
  { status, headers, body }: OutgoingAnswer,
): Delivery | Promise<Delivery> {
  if (outgoing.headersSent) {
    // A second answer, from a failure after the first had begun: neither may look whole.
    if (!outgoing.writableEnded) outgoing.destroy()
    return { bytes: 0, aborted: true }
  }
  const bodiless = status === 204 || status === 304
  if (body === null || body instanceof Uint8Array) {
    return writeWhole(outgoing, status, headers, body, { bodiless, head: method === 'HEAD' })
  }
  if (bodiless || method === 'HEAD') {
    // Whoever made the body still has to hear that nobody reads it.
    body[Symbol.asyncIterator]()
      .return?.()
      .then(undefined, () => {})
    return writeWhole(outgoing, status, headers, null, { bodiless, head: true })
  }
  const length = exactLength(headers)
  const framed = withoutHeaders(headers, (name) => FRAMING.has(name))
  if (length !== undefined) framed.push('content-length', String(length))
  return new DeliveredStream(outgoing, body, length, {
    begin: () => writeHead(outgoing, status, framed),
    refuse: (thrown) => {
      const record = toRecord(toFailure(thrown))
      writeWhole(outgoing, record.status, record.headers, record.body, { bodiless: false, head: false })
    },
  }).delivery
}

/** A response without a body (RFC 9110 §6.4.1), and one that only speaks of a body. */
interface Bodies {
  readonly bodiless: boolean
  readonly head: boolean
}

function writeWhole(
  outgoing: ServerResponse,
  status: number,
  headers: HeaderList,
  body: Uint8Array | null,
  { bodiless, head }: Bodies,
): Delivery {
  let framed: HeaderList
  // A HEAD answer without bytes says the length it was given, or none: 0 would be a lie about the GET.
  if (head && !bodiless && body === null) framed = withoutHeaders(headers, (name) => name === 'transfer-encoding')
  else {
    const list = withoutFraming(headers)
    if (!bodiless) list.push('content-length', body === null ? '0' : String(body.byteLength))
    framed = list
  }
  writeHead(outgoing, status, framed)
  const aborted = outgoing.destroyed
  if (body === null || bodiless || head) {
    outgoing.end()
    return { bytes: 0, aborted }
  }
  outgoing.end(body)
  return { bytes: aborted ? 0 : body.byteLength, aborted }
}

/** How an answer is delimited is decided here; `Trailer` makes Node throw. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'trailer'])

function withoutFraming(headers: HeaderList): string[] {
  return withoutHeaders(headers, (name) => FRAMING.has(name))
}

/** The announced length in bytes where it is one plain number. */
function exactLength(headers: HeaderList): number | undefined {
  const value = headerValue(headers, 'content-length')
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

/**
 * An upstream's field may hold what Node's parser lets in and its writer does not let out. Checking every field of every
 * answer beforehand would cost the fast path; Node checks them anyway, so only its refusal leads here.
 */
function writeHead(outgoing: ServerResponse, status: number, headers: HeaderList): void {
  try {
    outgoing.writeHead(status, headers as string[])
  } catch (thrown) {
    const code = (thrown as { code?: unknown }).code
    if (code !== 'ERR_INVALID_CHAR' && code !== 'ERR_INVALID_HTTP_TOKEN') throw thrown
    const writable: string[] = []
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index] as string
      const value = headers[index + 1] as string
      if (isWritable(name, value)) writable.push(name, value)
    }
    outgoing.writeHead(status, writable)
  }
}

function isWritable(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}
