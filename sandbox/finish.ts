import type { IncomingMessage } from 'node:http'
import type { Answer } from './answer.ts'
import { Refusal } from './answer.ts'
import type { Identity } from './authentication.ts'
import type { Outgoing } from './delivery.ts'
import { compress, negotiateCoding } from './delivery.ts'
import type { Core } from './exchange.ts'
import type { RequestIds } from './headers.ts'
import { commonHeaders } from './headers.ts'
import type { LogEntry } from './log.ts'
import { escapeSlashes, indent, parseRange, wrapCallback } from './representation.ts'
import type { Resource, Switches } from './switches.ts'
import type { ETags } from './validators.ts'
import { notModified, variesByCredential } from './validators.ts'

/** What came of a request before it is dressed for the way out. */
export interface Evaluated {
  answer: Answer
  identity: Identity
  resource: Resource
  /** Units, should the answer not turn out to be a 304. */
  cost: number
}

/** What has to last longer than a request. */
export interface Tools {
  readonly etags: ETags
  readonly requestIds: RequestIds
}

/** Smaller bodies are not worth compressing. */
const MIN_COMPRESSED_BYTES = 150

function charge(core: Core, entry: LogEntry, evaluated: Evaluated, status: number): void {
  const { identity, resource } = evaluated
  const cost = status === 304 && identity.kind !== 'anonymous' ? 0 : evaluated.cost
  core.limits.charge(identity.account, resource, cost)
  Object.assign(entry, { status, cost, resource, account: identity.account, revision: core.world.revision })
}

function without(headers: readonly string[], names: RegExp): string[] {
  return headers.flatMap((name, index, all) =>
    index % 2 === 1 || names.test(name) ? [] : [name, all[index + 1] ?? ''],
  )
}

function ranged(answer: Answer, range: string | undefined): Answer {
  const { body } = answer
  const headers = [...answer.headers, 'Accept-Ranges', 'bytes']
  const wanted = body === null ? null : parseRange(range, body.length)
  if (body === null || wanted === null) return { ...answer, headers }
  if (wanted === 'unsatisfiable') {
    return { ...answer, status: 416, body: null, headers: [...headers, 'Content-Range', `bytes */${body.length}`] }
  }
  const { start, end } = wanted
  const part = Buffer.isBuffer(body)
    ? body.subarray(start, end)
    : { length: end - start, open: (from: number, to: number) => body.open(start + from, start + to) }
  const contentRange = `bytes ${start}-${end - 1}/${body.length}`
  return { ...answer, status: 206, body: part, headers: [...headers, 'Content-Range', contentRange] }
}

function encoded(answer: Answer, switches: Switches, acceptEncoding: string | undefined): Answer {
  const { body } = answer
  if (!switches.gzip || answer.ranges || !Buffer.isBuffer(body) || body.length < MIN_COMPRESSED_BYTES) return answer
  const coding = negotiateCoding(acceptEncoding)
  if (coding === null) return answer
  return { ...answer, body: compress(body, coding), headers: [...answer.headers, 'Content-Encoding', coding] }
}

function wrapped(callback: string, outgoing: Outgoing): Outgoing {
  if (outgoing.body !== null && !Buffer.isBuffer(outgoing.body)) return outgoing
  const headers = without(outgoing.headers, /^(?:content-type|etag)$/i)
  try {
    const body = wrapCallback(callback, outgoing.status, outgoing.headers, outgoing.body)
    return {
      ...outgoing,
      status: 200,
      headers: [...headers, 'Content-Type', 'application/javascript; charset=utf-8'],
      body,
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { contentType, body, status } = error.answer
    return { ...outgoing, status, headers: [...headers, 'Content-Type', contentType ?? ''], body }
  }
}

function callbackOf(request: IncomingMessage): string | null {
  const target = request.url ?? ''
  // The search is cheap and spares nearly every request the parsing.
  if (request.method !== 'GET' || !target.includes('callback=')) return null
  return new URLSearchParams(target.slice(target.indexOf('?'))).get('callback')
}

/** Validators, conditional requests, cost, ranges, coding and the common headers. Completes the log entry. */
export function finish(
  core: Core,
  tools: Tools,
  request: IncomingMessage,
  entry: LogEntry,
  evaluated: Evaluated,
): Outgoing {
  const { switches, limits } = core
  const { identity, resource } = evaluated
  const { headers } = request
  const headOnly = request.method === 'HEAD'
  if (entry.source === 'fault') {
    const { status, body } = evaluated.answer
    charge(core, entry, evaluated, status)
    return { status, headers: [...evaluated.answer.headers], body, headOnly, statedLength: null }
  }
  const hashed = switches.escapeSlashes ? escapeSlashes(evaluated.answer) : evaluated.answer
  const { body } = hashed
  const tagged = Buffer.isBuffer(body) && (hashed.status === 200 || hashed.status === 201)
  const byCredential = variesByCredential(identity)
  const tag = tagged ? tools.etags.tag(switches.etagRule, hashed.etag, headers, byCredential, body) : null
  const callback = callbackOf(request)
  const unchanged =
    callback === null &&
    (request.method === 'GET' || headOnly) &&
    hashed.status === 200 &&
    notModified(headers, tag, hashed.lastModified ?? null, switches.readsTagLists)
  charge(core, entry, evaluated, unchanged ? 304 : hashed.status)
  let answer = indent(hashed, switches, headers['user-agent'])
  const fullLength = answer.body?.length ?? 0
  let weak = switches.weakETags === 'always'
  if (unchanged) {
    const kept = switches.linkOn304 ? answer.headers : without(answer.headers, /^link$/i)
    answer = { ...answer, headers: kept, body: null, status: 304 }
  } else if (answer.ranges && answer.status === 200) {
    answer = ranged(answer, headers.range)
  } else if (callback === null) {
    const plain = answer.body
    answer = encoded(answer, switches, headers['accept-encoding'])
    weak ||= switches.weakETags === 'compressed' && answer.body !== plain
  }
  entry.status = answer.status
  const apiVersion = headers['x-github-api-version']
  const list = commonHeaders(answer, {
    now: core.clock(),
    identity,
    accept: headers.accept,
    apiVersion: Array.isArray(apiVersion) ? apiVersion[0] : apiVersion,
    requestId: tools.requestIds.next(core.clock()),
    switches,
    rateLimit: limits.headers(identity.account, resource),
    // A 304 names the same tag, but strong.
    etag: tag === null ? null : weak && !unchanged ? `W/"${tag}"` : `"${tag}"`,
  })
  const statedLength = switches.contentLengthOn304 ? fullLength : null
  const outgoing: Outgoing = { status: answer.status, headers: list, body: answer.body, headOnly, statedLength }
  return callback === null ? outgoing : wrapped(callback, outgoing)
}
