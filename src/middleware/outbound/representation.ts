import { nextPageOf } from '../../github/page-size.ts'
import { parseCacheControl } from '../../http/cache-control.ts'
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
  /** Epoch ms when it left. */
  readonly askedAt: number
  /** Epoch ms when the response headers were there. */
  readonly arrivedAt: number
}

/**
 * Why a response may not be kept, or `undefined` where it may (RFC 9111 §3, stricter: only complete 200s to GET).
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
  if (response.status !== 200 || response.endsWithConnection === true) return 'not-complete'
  const { headers } = response
  const control = parseCacheControl(joinedHeader(headers, 'cache-control'))
  if (control.noStore) return 'no-store'
  if (question.directives.noStore) return 'request-no-store'
  if (joinedHeader(headers, 'vary')?.includes('*') === true) return 'vary-any'
  if (headerValue(headers, 'content-encoding') !== undefined) return 'unknown-coding'
  if (headerValue(headers, 'content-range') !== undefined) return 'not-complete'
  if (Number(headerValue(headers, 'content-length') ?? 0) > maxBytes) return 'too-large'
  const hasValidator = isEntityTag(headerValue(headers, 'etag')) || headerValue(headers, 'last-modified') !== undefined
  if (hasValidator) return undefined
  const hasLifetime = reuseOf(headers, control, !question.credential.isAnonymous, now).freshFor > 0
  const operatorKeepsIt = policy.mode === 'duration' && !question.credential.isAnonymous && !control.noCache
  return (hasLifetime && policy.mode !== 'revalidate') || operatorKeepsIt ? undefined : 'no-validator'
}

/** Makes the stored form of a complete 200. */
export function representationOf(
  question: Question,
  headers: HeaderList,
  bytes: Uint8Array,
  moment: Moment,
  digest: Digest,
): StoredAnswer {
  const held = ownBytes(bytes)
  const body: StoredBody = { key: digest.contentKey(held), bytes: held }
  const nextPage = isJson(headers) ? nextPageOf(held, question.query) : 'none'
  return {
    body,
    validation: validationOf(question, dated(storedFields(headers), moment), headers, body.key, nextPage, moment),
  }
}

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
function validationOf(
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
function dated(headers: HeaderList, moment: Moment): HeaderList {
  if (headerValue(headers, 'date') !== undefined) return headers
  return [...headers, 'date', new Date(moment.arrivedAt).toUTCString()]
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
