import { type EntityTag, isEntityTag, opaqueTag, weaklyEqual } from '../../http/entity-tag.ts'
import { headerValue } from '../../http/headers.ts'
import { parseHttpDate } from '../../http/http-date.ts'
import type { HeaderList } from '../../ports.ts'
import type { ConditionLevel } from './entity-tag-memory.ts'
import type { Question, StoredAnswer } from './exchange.ts'
import type { LinkHabit } from './link-memory.ts'
import type { Prediction } from './predict.ts'

/** One entity tag that is offered to the upstream, and what a 304 that names it confirms. */
export type Candidate =
  | { readonly of: 'stored'; readonly tag: EntityTag }
  | { readonly of: 'prediction'; readonly tag: EntityTag; readonly prediction: Prediction }
  | { readonly of: 'client'; readonly tag: EntityTag }

/** What a question is asked with, and what a 304 to it can therefore mean. */
export interface Conditions {
  readonly level: ConditionLevel
  /** The likeliest first. */
  readonly candidates: readonly Candidate[]
  /** Whose `If-Modified-Since` was sent; only ever without tags (RFC 9110 §13.1.3). */
  readonly date: 'stored' | 'client' | undefined
  /** The fields to send. */
  readonly fields: HeaderList
}

export const UNCONDITIONAL: Conditions = { level: 'none', candidates: [], date: undefined, fields: [] }

/**
 * Characters of `If-None-Match` beyond the first tag: some 30 predictions. Servers limit the length of a field to 4 or 8
 * thousand, and what a client sends is its own to make long.
 */
const MOST_CHARACTERS = 2048

/** What is at hand to compose conditions from. */
export interface Validators {
  readonly stored: StoredAnswer | undefined
  readonly predictions: readonly Prediction[]
  readonly level: ConditionLevel
  readonly link: LinkHabit
  /** Epoch ms. */
  readonly now: number
}

/**
 * Chooses the validators for a question: the stored copy's own tag, the client's, and those predicted for other bodies
 * that are held. A date goes only where there is no tag, never beside one, and never for somebody else's copy. Without a
 * copy the client's own validators go all the same, so that a gateway that lost its memory costs no more than none.
 */
export function composeConditions(question: Question, validators: Validators): Conditions {
  const { stored, predictions, level, link, now } = validators
  if (level === 'none') return UNCONDITIONAL
  const linkRanOut = stored !== undefined && now >= stored.validation.linkGoodUntil && isDoubtful(stored)
  const othersDoubtful = predictions.some(({ representation }) => leavesPagesOpen(representation))
  // The 304 for such a page would leave its Link open, and it would be fetched all the same: one round trip, not two.
  const withoutDoubtful = (linkRanOut || othersDoubtful) && link.fetchAtOnce()

  const own = withoutDoubtful && linkRanOut ? undefined : stored?.validation
  if (own !== undefined && own.etag === undefined && own.lastModified !== undefined && tellsApart(own, now)) {
    return { level, candidates: [], date: 'stored', fields: ['if-modified-since', own.lastModified] }
  }
  const candidates: Candidate[] = []
  if (own?.etag !== undefined) candidates.push({ of: 'stored', tag: own.etag })
  // Before predictions: it names what this very caller was sent last. Without a copy that is the best there is.
  for (const tag of question.clientTags) candidates.push({ of: 'client', tag })
  for (const prediction of predictions) {
    if (withoutDoubtful && leavesPagesOpen(prediction.representation)) continue
    if (prediction.body.key === stored?.body.key) continue
    candidates.push({ of: 'prediction', tag: `"${prediction.opaque}"`, prediction })
  }
  const sent = chosen(candidates, level)
  // What a client holds is likelier to be confirmed than what nobody was sent yet, and a date is read only without tags.
  const isGuess = sent.every((candidate) => candidate.of === 'prediction' && candidate.prediction.isGuess === true)
  if (stored === undefined && isGuess && question.clientModifiedSince !== undefined) {
    return { level, candidates: [], date: 'client', fields: ['if-modified-since', question.clientModifiedSince] }
  }
  if (sent.length > 0) {
    return {
      level,
      candidates: sent,
      date: undefined,
      fields: ['if-none-match', sent.map(({ tag }) => tag).join(', ')],
    }
  }
  return UNCONDITIONAL
}

/**
 * Whether the date of a copy can tell it from what came after it: dates have whole seconds, and what was sent in the very
 * second in which it was changed may have been changed once more in the same (RFC 9110 §8.8.2.2). A writer's next read
 * must see the second of its two writes.
 */
function tellsApart({ headers, lastModified }: StoredAnswer['validation'], now: number): boolean {
  const modifiedAt = parseHttpDate(lastModified, now)
  const sentAt = parseHttpDate(headerValue(headers, 'date'), now)
  return modifiedAt === undefined || sentAt === undefined || sentAt - modifiedAt >= 1000
}

/** Each tag once, as many as fit. A tag that is both the client's and predicted is worth more as the latter: its body is held. */
function chosen(candidates: readonly Candidate[], level: ConditionLevel): readonly Candidate[] {
  const byTag = new Map<string, Candidate>()
  for (const candidate of candidates) {
    const opaque = opaqueTag(candidate.tag)
    const known = byTag.get(opaque)
    if (known === undefined || known.of === 'client') byTag.set(opaque, candidate)
  }
  const sent: Candidate[] = []
  let characters = 0
  for (const candidate of byTag.values()) {
    if (sent.length > 0) {
      characters += candidate.tag.length + 2
      if (characters > MOST_CHARACTERS) break
    }
    sent.push(candidate)
    if (level === 'one') break
  }
  return sent
}

/** Whether an unchanged body of the caller's own leaves open which pages there are. */
function isDoubtful({ validation }: StoredAnswer): boolean {
  if (validation.nextPage === 'stated') return false
  return validation.nextPage === 'possible' || headerValue(validation.headers, 'link') !== undefined
}

/** The same for a body that others were sent: whose pages they are depends on the reader. */
function leavesPagesOpen({ seenWithLink, nextPage }: Prediction['representation']): boolean {
  return seenWithLink || nextPage === 'possible'
}

/**
 * Whether a 304 leaves open which pages there are. A `Link` on it settles the matter; without one, the stored field is
 * good for the lifetime it came with, and as long as the body itself says how many items there are; after that, and for
 * another caller, only a page that is not full and was never seen with a `Link` surely has nothing behind it.
 *
 * @param link of the 304
 */
export function leavesLinkOpen(
  confirmed: StoredAnswer | Prediction,
  link: string | undefined,
  habit: LinkHabit,
  now: number,
): boolean {
  if (link !== undefined) return false
  if ('representation' in confirmed) {
    const { seenWithLink, nextPage } = confirmed.representation
    return seenWithLink || (nextPage === 'possible' && !habit.absenceCounts)
  }
  const { validation } = confirmed
  if (validation.nextPage === 'stated' || now < validation.linkGoodUntil) return false
  if (headerValue(validation.headers, 'link') !== undefined) return true
  return validation.nextPage === 'possible' && !habit.absenceCounts
}

/** What a 304 confirms. */
export type Confirmed =
  | { readonly what: 'stored' }
  | { readonly what: 'prediction'; readonly prediction: Prediction }
  | { readonly what: 'client'; readonly tag: EntityTag | undefined }
  /** It names nothing that was sent: an upstream that does so cannot be believed about anything. */
  | { readonly what: 'nothing' }

/** @param tag the `ETag` of the 304, if any */
export function confirmedBy({ candidates, date }: Conditions, tag: string | undefined): Confirmed {
  if (date === 'stored') return { what: 'stored' }
  if (date === 'client') return { what: 'client', tag: undefined }
  if (tag === undefined) {
    // It can only mean the one that was sent (RFC 9111 §4.3.4). What was merely predicted has to be named: else whatever
    // says 304 to everything would make empty lists.
    const [only] = candidates
    if (only === undefined || candidates.length > 1 || only.of === 'prediction') return { what: 'nothing' }
    return only.of === 'client' ? { what: 'client', tag: only.tag } : { what: 'stored' }
  }
  const named = candidates.find((sent) => isEntityTag(tag) && weaklyEqual(sent.tag, tag))
  if (named === undefined) return { what: 'nothing' }
  if (named.of === 'prediction') return { what: 'prediction', prediction: named.prediction }
  return named.of === 'client' ? { what: 'client', tag: named.tag } : { what: 'stored' }
}
