import { nextPageOf } from '../../github/page-size.ts'
import { type CacheControl, parseCacheControl } from '../../http/cache-control.ts'
import { isEntityTag } from '../../http/entity-tag.ts'
import { type FreshnessPolicy, initialAgeOf, reuseOf } from '../../http/freshness.ts'
import { headerValue, joinedHeader } from '../../http/headers.ts'
import type { Detail } from '../../outcome.ts'
import type { Digest, HeaderList, StoredBody, UpstreamResponse, Validation } from '../../ports.ts'
import type { Question, StoredAnswer } from './exchange.ts'
import { mergeFields, storedFields } from './stored-fields.ts'

/** When a question was asked and answered. */
export interface Moment {
  /** The write epoch when it was asked. */
  readonly epoch: number
  /** The number of answers that had arrived when it was asked. */
  readonly arrivals: number
  /** Epoch ms when it left. */
  readonly askedAt: number
  /** Epoch ms when the response headers were there. */
  readonly arrivedAt: number
}

/**
 * Why a response may not be kept, or `undefined` where it may (RFC 9111 §3). A complete 200 to GET may be kept to be asked
 * about; any other answer only where it says itself how long anybody may reuse it, and for no longer (`mayLast`).
 *
 * @param maxBytes the largest body that is kept
 */
export function reasonNotToStore(
  question: Question,
  response: UpstreamResponse,
  policy: FreshnessPolicy,
  maxBytes: number,
  now: number,
): Detail | undefined {
  const { status, headers } = response
  // An answer to HEAD has no body, and whoever asked GET next would be given none.
  if (response.endsWithConnection === true || question.method !== 'GET') return 'not-complete'
  if (status !== 200 && !mayLast(question, response)) return 'not-complete'
  const control = parseCacheControl(joinedHeader(headers, 'cache-control'))
  if (forbidsStoring(control, status)) return 'no-store'
  if (question.directives.noStore) return 'request-no-store'
  if (joinedHeader(headers, 'vary')?.includes('*') === true) return 'vary-any'
  if (Number(headerValue(headers, 'content-length') ?? 0) > maxBytes) return 'too-large'
  const hasValidator = isEntityTag(headerValue(headers, 'etag')) || headerValue(headers, 'last-modified') !== undefined
  if (hasValidator && status === 200) return undefined
  const hasLifetime = reuseOf(headers, control, !question.credential.isAnonymous, now).freshFor > 0
  if (hasLifetime && policy.mode !== 'revalidate') return undefined
  const operatorKeepsIt = policy.mode === 'duration' && !question.credential.isAnonymous && !control.noCache
  return operatorKeepsIt && status === 200 ? undefined : 'no-validator'
}

/**
 * Final statuses that RFC 9110 §15 defines and that are not kept whatever they say: they belong to one exchange, one
 * request field or one credential's present standing. 304 and 206 would need the answer they are a part of.
 */
const NEVER_KEPT = new Set([202, 206, 304, 401, 403, 407, 408, 412, 416, 421, 425, 426, 428, 429, 431])

/** Whether an answer with another status than 200 is one that may be reused for the lifetime it states. */
function mayLast({ address }: Question, { status, headers }: UpstreamResponse): boolean {
  if (status < 200 || NEVER_KEPT.has(status)) return false
  const location = headerValue(headers, 'location')
  if (status >= 400 || location === undefined) return true
  // A download on another host is signed for a moment, whatever its redirect says of itself.
  try {
    return new URL(location, address.origin).origin === address.origin
  } catch {
    return false
  }
}

/** Statuses whose meaning for a cache is known here (RFC 9110 §15): what `must-understand` asks for (RFC 9111 §5.2.2.3). */
const UNDERSTOOD = new Set([
  200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 404, 405, 410, 414, 451, 500, 501, 502, 503, 504,
])

/** `must-understand` beside `no-store` speaks to caches that know the status: for them it takes the latter back. */
function forbidsStoring({ noStore, mustUnderstand }: CacheControl, status: number): boolean {
  return mustUnderstand ? !UNDERSTOOD.has(status) : noStore
}

/** Makes the stored form of a complete answer that `reasonNotToStore` has nothing against. */
export function representationOf(
  question: Question,
  headers: HeaderList,
  bytes: Uint8Array,
  moment: Moment,
  digest: Digest,
  status = 200,
): StoredAnswer {
  const held = ownBytes(bytes)
  const body: StoredBody = { key: digest.contentKey(held), bytes: held }
  const nextPage = isJson(headers) ? nextPageIn(held, question, headers) : 'none'
  const fields = dated(storedFields(headers), moment)
  const validation = validationOf(question, fields, headers, body.key, nextPage, moment)
  return { body, validation: status === 200 ? validation : { ...validation, status, ...ONLY_AS_LONG_AS_FRESH } }
}

/** What an answer with another status than 200 lacks: it is neither asked about nor used beyond its stated lifetime. */
const ONLY_AS_LONG_AS_FRESH = {
  etag: undefined,
  lastModified: undefined,
  pollInterval: 0,
  staleUse: 'forbidden',
  staleWhileRevalidate: 0,
  staleIfError: undefined,
} as const

/** The stored copy, brought up to date by the 304 that confirmed it. */
export function confirmedRepresentation(
  question: Question,
  stored: StoredAnswer,
  confirming: HeaderList,
  moment: Moment,
): StoredAnswer {
  const { validation, body } = stored
  const headers = mergeFields(validation.headers, dated(confirming, moment))
  const updated = validationOf(question, headers, confirming, body.key, validation.nextPage, moment)
  const linkIsNew = headerValue(confirming, 'link') !== undefined
  return { body, validation: linkIsNew ? updated : { ...updated, linkGoodUntil: validation.linkGoodUntil } }
}

/**
 * @param headers what is kept
 * @param arrived the fields of the answer that came just now: its age is reckoned from them alone
 */
export function validationOf(
  question: Question,
  headers: HeaderList,
  arrived: HeaderList,
  bodyKey: string,
  nextPage: Validation['nextPage'],
  moment: Moment,
): Validation {
  const control = parseCacheControl(joinedHeader(headers, 'cache-control'))
  const etag = headerValue(headers, 'etag')
  const initialAge = initialAgeOf(arrived, moment.askedAt, moment.arrivedAt)
  return {
    bodyKey,
    status: 200,
    headers,
    etag: isEntityTag(etag) ? etag : undefined,
    lastModified: headerValue(headers, 'last-modified'),
    confirmedAt: moment.arrivedAt,
    initialAge,
    ...reuseOf(headers, control, !question.credential.isAnonymous, moment.arrivedAt),
    linkGoodUntil: moment.arrivedAt + (control.maxAge ?? 0) * 1000 - initialAge,
    nextPage,
    epoch: moment.epoch,
  }
}

/**
 * With the `Date` that a recipient has to add where it is missing (RFC 9110 §6.6.1). A 304 without one would else leave
 * the stored `Date` beside its own new `Expires`, and the lifetime between the two would be too long.
 */
export function dated(headers: HeaderList, moment: Moment): HeaderList {
  if (headerValue(headers, 'date') !== undefined) return headers
  return [...headers, 'date', new Date(moment.arrivedAt).toUTCString()]
}

/** In a content coding that could not be undone nobody can see whether the page is full. */
function nextPageIn(bytes: Uint8Array, { query }: Question, headers: HeaderList): Validation['nextPage'] {
  return headerValue(headers, 'content-encoding') === undefined ? nextPageOf(bytes, query) : 'possible'
}

function isJson(headers: HeaderList): boolean {
  return /[/+]json\b/i.test(headerValue(headers, 'content-type') ?? '')
}

/**
 * Bytes that hold on to nothing else. What a socket or a decoder hands out is often a small window on a large shared
 * buffer, which would stay alive, uncounted, for as long as the entry.
 */
function ownBytes(bytes: Uint8Array): Uint8Array {
  // Not `slice`: of a Node `Buffer` that is one more window.
  return bytes.buffer.byteLength === bytes.byteLength ? bytes : new Uint8Array(bytes)
}
