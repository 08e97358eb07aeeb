import type { HeaderList } from '../ports.ts'
import { type EntityTag, parseEntityTags, weaklyEqual } from './entity-tag.ts'
import { headerValue, joinedHeader } from './headers.ts'
import { parseHttpDate } from './http-date.ts'

/** What a client's GET or HEAD holds already (RFC 9110 §13.1). */
export interface ClientValidators {
  /** `'*'`: any representation at all. */
  readonly tags: readonly EntityTag[] | '*'
  /** The field as sent; ignored, as §13.1.3 wants it, where there is an `If-None-Match`. */
  readonly modifiedSince: string | undefined
}

/** Reads the validators of a request. */
export function clientValidators(headers: HeaderList): ClientValidators {
  const noneMatch = joinedHeader(headers, 'if-none-match')
  if (noneMatch !== undefined) return { tags: parseEntityTags(noneMatch), modifiedSince: undefined }
  return { tags: [], modifiedSince: headerValue(headers, 'if-modified-since') }
}

/**
 * Whether a 200 with these headers is what the client holds already, so that it gets a 304 (RFC 9110 §13.2.2). A client
 * that sent no validator never does.
 *
 * @param now epoch ms
 * @param isSame how tags are compared
 */
export function isNotModified(
  validators: ClientValidators,
  headers: HeaderList,
  now: number,
  isSame: (left: EntityTag, right: EntityTag) => boolean = weaklyEqual,
): boolean {
  if (validators.tags === '*') return true
  if (validators.tags.length > 0) {
    const tag = headerValue(headers, 'etag')
    return tag !== undefined && validators.tags.some((held) => isSame(held, tag))
  }
  if (validators.modifiedSince === undefined) return false
  const lastModified = parseHttpDate(headerValue(headers, 'last-modified'), now)
  const since = parseHttpDate(validators.modifiedSince, now)
  return lastModified !== undefined && since !== undefined && lastModified <= since
}

/** Fields that a 304 repeats (RFC 9110 §15.4.5) or that are live; what describes the body stays away. */
const DESCRIBES_BODY = new Set([
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'accept-ranges',
])

/** Whether a field of a 200 is left out of the 304 made from it. */
export function isLeftOutOf304(name: string): boolean {
  return DESCRIBES_BODY.has(name)
}
