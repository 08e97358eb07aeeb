import { type EntityTag, weaklyEqual } from '../../http/entity-tag.ts'
import { headerValue } from '../../http/headers.ts'
import type { HeaderList } from '../../ports.ts'
import type { Question, StoredAnswer } from './exchange.ts'
import type { LinkMemory } from './link-memory.ts'

/** What a question is asked with, and what a 304 to it can therefore mean. */
export interface Conditions {
  /** Whether the stored copy's own validator was sent. */
  readonly own: 'etag' | 'last-modified' | undefined
  /** Client tags that were sent because no copy is held. */
  readonly clientTags: readonly EntityTag[]
  /** Whether the client's `If-Modified-Since` was sent. */
  readonly clientDate: boolean
  /** The fields to send. */
  readonly fields: HeaderList
}

export const UNCONDITIONAL: Conditions = { own: undefined, clientTags: [], clientDate: false, fields: [] }

/**
 * Chooses the validators for a question. The stored copy's own goes alone: whether an upstream reads lists of tags is
 * not established, and one that does not would never match. A date goes only where there is no tag, never beside one
 * (RFC 9110 §13.1.3), and never for somebody else's copy. Without a copy the client's own validators go, so that a
 * gateway that lost its memory costs no more than none.
 */
export function composeConditions(
  question: Question,
  stored: StoredAnswer | undefined,
  links: LinkMemory,
  now: number,
): Conditions {
  if (stored !== undefined) {
    const { validation } = stored
    const linkRanOut = now >= validation.linkGoodUntil
    const hasLink = headerValue(validation.headers, 'link') !== undefined
    // Its 304 would leave the Link open and the page would be fetched all the same: one round trip instead of two.
    const isDoubtful = validation.nextPage !== 'stated' && (hasLink || validation.nextPage === 'possible')
    if (linkRanOut && isDoubtful && links.of(question.path).fetchAtOnce()) return UNCONDITIONAL
    if (validation.etag !== undefined) {
      return { ...UNCONDITIONAL, own: 'etag', fields: ['if-none-match', validation.etag] }
    }
    if (validation.lastModified !== undefined) {
      return { ...UNCONDITIONAL, own: 'last-modified', fields: ['if-modified-since', validation.lastModified] }
    }
    return UNCONDITIONAL
  }
  if (question.clientTags.length > 0) {
    const fields = ['if-none-match', question.clientTags.join(', ')]
    return { ...UNCONDITIONAL, clientTags: question.clientTags, fields }
  }
  if (question.clientModifiedSince !== undefined) {
    return { ...UNCONDITIONAL, clientDate: true, fields: ['if-modified-since', question.clientModifiedSince] }
  }
  return UNCONDITIONAL
}

/** What a 304 confirms. */
export type Confirmed =
  | { readonly what: 'stored' }
  | { readonly what: 'client'; readonly tag: EntityTag | undefined }
  /** It names nothing that was sent: an upstream that does so cannot be believed about anything. */
  | { readonly what: 'nothing' }

/** @param tag the `ETag` of the 304, if any */
export function confirmedBy(conditions: Conditions, ownTag: EntityTag | undefined, tag: string | undefined): Confirmed {
  if (conditions.own === 'last-modified') return { what: 'stored' }
  if (conditions.own === 'etag') {
    // Without a tag of its own the 304 can only mean the one that was sent (RFC 9111 §4.3.4).
    const matches = tag === undefined || (ownTag !== undefined && weaklyEqual(tag, ownTag))
    return matches ? { what: 'stored' } : { what: 'nothing' }
  }
  if (conditions.clientDate) return { what: 'client', tag: undefined }
  const { clientTags } = conditions
  if (tag === undefined) return clientTags.length === 1 ? { what: 'client', tag: clientTags[0] } : { what: 'nothing' }
  const named = clientTags.find((sent) => weaklyEqual(sent, tag))
  return named === undefined ? { what: 'nothing' } : { what: 'client', tag: named }
}
