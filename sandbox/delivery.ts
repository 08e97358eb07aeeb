import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { BodySource } from './answer.ts'
import type { Fault } from './faults.ts'
import { replaceHeaders } from './faults.ts'
import type { LogEntry } from './log.ts'

/** An answer with all its headers but those of framing. */
export interface Outgoing {
  status: number
  headers: string[]
  body: Buffer | BodySource | null
  /** HEAD: everything but the body. */
  headOnly: boolean
  /** What a body-less 304 states as its `Content-Length`; null for none. */
  statedLength: number | null
}

export type Coding = 'gzip' | 'br'

/** The coding to use for a caller, if any. GitHub prefers gzip where both are welcome. */
export function negotiateCoding(acceptEncoding: string | undefined): Coding | null {
  const welcome = new Set<string>()
  for (const part of (acceptEncoding ?? '').split(',')) {
    const [name = '', ...parameters] = part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/)
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) welcome.add(name)
  }
  return welcome.has('gzip') ? 'gzip' : welcome.has('br') ? 'br' : null
}

const compressed = new WeakMap<Buffer, Partial<Record<Coding, Buffer>>>()

/** The body in a coding; remembered as long as the body is. */
export function compress(body: Buffer, coding: Coding): Buffer {
  const known = compressed.get(body) ?? {}
  const done =
    known[coding] ??
    (coding === 'gzip' ? gzipSync(body) : brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }))
  known[coding] = done
  compressed.set(body, known)
  return done
}

function frame(outgoing: Outgoing): string[] {
  const { status, body, headers } = outgoing
  if (status === 304) {
    return outgoing.statedLength === null ? headers : [...headers, 'Content-Length', String(outgoing.statedLength)]
  }
  const framed = headers.some((name, index) => index % 2 === 0 && /^(?:content-length|transfer-encoding)$/i.test(name))
  if (status === 204 || status < 200 || framed) return headers
  return [...headers, 'Content-Length', String(body === null ? 0 : body.length)]
}

function slice(outgoing: Outgoing, end: number): Outgoing {
  const { body } = outgoing
  if (!Buffer.isBuffer(body)) return outgoing
  return { ...outgoing, body: body.subarray(0, end) }
}

/** The answer that a fault gives instead of the real one, or null. */
export function substitute(fault: Fault | null, method: string | undefined): Outgoing | null {
  if (fault?.kind !== 'answer') return null
  const body = fault.body === undefined ? null : Buffer.from(fault.body)
  return {
    status: fault.status,
    headers: [...(fault.headers ?? [])],
    body,
    headOnly: method === 'HEAD',
    statedLength: null,
  }
}

/** What is really sent when a fault changes the answer, framing still to come. */
function distort(outgoing: Outgoing, fault: Fault | null): Outgoing {
  if (fault?.kind === 'headers') {
    return { ...outgoing, headers: replaceHeaders(outgoing.headers, fault.set) }
  }
  if (fault?.kind === 'invalid-json') {
    const half = Math.max(Math.floor((outgoing.body?.length ?? 0) / 2), 1)
    return slice(outgoing, half)
  }
  if (fault?.kind === 'corrupt-gzip') {
    const text = Buffer.isBuffer(outgoing.body) ? outgoing.body : Buffer.from('{}')
    const body = Buffer.from(gzipSync(text))
    body.fill(0xff, Math.floor(body.length / 3), Math.ceil((body.length * 2) / 3))
    return { ...outgoing, body, headers: [...replaceHeaders(outgoing.headers, { 'content-encoding': 'gzip' })] }
  }
  return outgoing
}

async function sendPart(
  response: ServerResponse,
  entry: LogEntry,
  body: Outgoing['body'],
  bytes: number,
): Promise<void> {
  if (body === null || bytes === 0) {
    response.flushHeaders()
    return
  }
  const source = Buffer.isBuffer(body) ? [body.subarray(0, bytes)] : body.open(0, bytes)
  for await (const chunk of source) {
    const part = chunk as Buffer
    entry.bytes += part.length
    await new Promise<void>((resolve) => response.write(part, () => resolve()))
    if (response.destroyed) return
  }
}

/**
 * Sends an answer, or what a fault makes of it. Resolves when all has been handed to the socket; at once for answers
 * that hang on purpose.
 */
export async function deliver(response: ServerResponse, answer: Outgoing, fault: Fault | null, entry: LogEntry) {
  if (response.destroyed) return
  if (fault?.kind === 'hang' && fault.when === 'before-headers') return
  if (fault?.kind === 'reset' && fault.when === 'before-headers') {
    response.socket?.resetAndDestroy()
    return
  }
  if (fault?.kind === 'raw') {
    response.socket?.end(fault.data)
    return
  }
  const outgoing = distort(answer, fault)
  const { body } = outgoing
  response.sendDate = false
  response.writeHead(outgoing.status, frame(outgoing))
  const length = outgoing.headOnly ? 0 : (body?.length ?? 0)
  if (fault !== null) {
    const half = Math.floor(length / 2)
    if (fault.kind === 'reset') {
      await sendPart(response, entry, body, fault.when === 'mid-body' ? half : 0)
      response.socket?.resetAndDestroy()
      return
    }
    if (fault.kind === 'truncate') {
      await sendPart(response, entry, body, Math.min(fault.bytes ?? half, length))
      response.socket?.end()
      return
    }
    if (fault.kind === 'hang') {
      await sendPart(response, entry, body, half)
      return
    }
  }
  if (length === 0 || body === null) {
    response.end()
  } else if (Buffer.isBuffer(body)) {
    entry.bytes += body.length
    response.end(body)
  } else {
    const source = body.open(0, body.length)
    source.on('data', (chunk: Buffer) => {
      entry.bytes += chunk.length
    })
    // A client that goes away ends the pipeline with an error, which is its business and noted by the log.
    await pipeline(source, response).catch(() => undefined)
  }
}
