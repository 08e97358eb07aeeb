import type { HashedFields } from '../../github/entity-tag-rule.ts'
import { type EntityTag, weaklyEqual } from '../../http/entity-tag.ts'
import { headerValue, joinedHeader, withoutHeaders } from '../../http/headers.ts'
import type { HeaderList, KnownRepresentation, StoredBody, Validation } from '../../ports.ts'
import type { Question, StoredAnswer } from './exchange.ts'
import type { Prediction } from './predict.ts'
import { dated, type Moment, validationOf } from './representation.ts'
import { storedFields } from './stored-fields.ts'

/**
 * What a caller would have been sent, had its question not been answered with a 304 to a predicted tag: the bytes that
 * the tag proves, what describes these bytes for everybody, and for all else the fields of its own 304. No field of
 * another caller's answer is in it.
 */
export function predictedRepresentation(
  question: Question,
  { body, representation, opaque, fields }: Prediction,
  confirming: HeaderList,
  moment: Moment,
): StoredAnswer {
  const own = withoutHeaders(storedFields(confirming), isNotOfConfirming)
  const headers = [...dated(own, moment)]
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined && headerValue(own, name) === undefined) headers.push(name, value)
  }
  if (headerValue(confirming, 'status') !== undefined) add('status', '200 OK')
  add('content-type', representation.contentType)
  add('last-modified', representation.lastModified)
  if (representation.accept === joinedHeader(question.headers, 'accept')) {
    add('x-github-media-type', representation.mediaType)
  }
  // A 304 does not tell whether the 200 would have been weak. A client that holds it knows, and compares what it is given.
  const tag: EntityTag = `"${opaque}"`
  const held = question.clientTags.find((one) => weaklyEqual(one, tag))
  headers.push('etag', held ?? headerValue(confirming, 'etag') ?? tag)
  headers.push(...missingFromVary(own, fields))
  const { nextPage } = representation
  return { body, validation: validationOf(question, headers, confirming, body.key, nextPage, moment) }
}

/** What of a 304 is not true of the 200 that it stands for, or is put together anew. */
function isNotOfConfirming(name: string): boolean {
  if (name.startsWith('content-')) return !name.startsWith('content-security-policy')
  return name === 'status' || name === 'etag'
}

/** The `Vary` of a 304 leaves fields out; those that took part in the tag are sure to belong there. */
function missingFromVary(headers: HeaderList, { accept, authorization }: HashedFields): string[] {
  const named = (joinedHeader(headers, 'vary') ?? '').toLowerCase().split(/[\s,]+/)
  const missing: string[] = []
  if (accept && !named.includes('accept')) missing.push('Accept')
  if (authorization && !named.includes('authorization')) missing.push('Authorization')
  return missing.length === 0 ? [] : ['vary', missing.join(', ')]
}

/**
 * What of a caller's answer describes its body for everybody.
 *
 * @param before what was known of it
 */
export function knownRepresentation(
  question: Question,
  { headers, nextPage }: Pick<Validation, 'headers' | 'nextPage'>,
  body: StoredBody,
  before: KnownRepresentation | undefined,
): KnownRepresentation {
  const seenWithLink = before?.seenWithLink === true || headerValue(headers, 'link') !== undefined
  // The same object as long as nothing is new: then there is nothing to store.
  if (before !== undefined && before.seenWithLink === seenWithLink) return before
  return {
    bodyKey: body.key,
    length: body.bytes.byteLength,
    contentType: headerValue(headers, 'content-type'),
    lastModified: headerValue(headers, 'last-modified'),
    mediaType: headerValue(headers, 'x-github-media-type'),
    accept: joinedHeader(question.headers, 'accept'),
    seenWithLink,
    nextPage,
  }
}
