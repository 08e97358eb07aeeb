import { Failure } from '../../errors.ts'
import { isLimitRefusal } from '../../github/rate-limit.ts'
import { parseCacheControl } from '../../http/cache-control.ts'
import { isEntityTag, weaklyEqual } from '../../http/entity-tag.ts'
import type { FreshnessPolicy } from '../../http/freshness.ts'
import { headerValue, joinedHeader, withHeader } from '../../http/headers.ts'
import type { Detail, Outcome } from '../../outcome.ts'
import type { CacheStore, Clock, Digest, UpstreamResponse, Validation, WriteEpochs } from '../../ports.ts'
import { collect } from './collect.ts'
import { isCurrent } from './current.ts'
import type { Answer, Attempt, Question, StoredAnswer } from './exchange.ts'
import type { Revalidating } from './fresh.ts'
import type { LinkHabit, LinkMemory } from './link-memory.ts'
import { confirmedRepresentation, type Moment, reasonNotToStore, representationOf } from './representation.ts'
import { liveFields } from './stored-fields.ts'
import { type Conditions, composeConditions, confirmedBy, UNCONDITIONAL } from './validators.ts'

export interface RevalidateOptions {
  readonly store: CacheStore
  readonly epochs: WriteEpochs
  readonly clock: Clock
  readonly digest: Digest
  readonly links: LinkMemory
  readonly policy: FreshnessPolicy
  /** Largest body that is held, bytes. */
  readonly maxEntryBytes: number
}

/**
 * Asks the upstream with the best validators there are, and makes one answer of the outcome: a 304 confirms the stored
 * copy, a 200 replaces it, anything else passes by.
 */
export function revalidate(options: RevalidateOptions, next: Attempt): Revalidating {
  const { store, epochs, clock, digest, links, policy, maxEntryBytes } = options

  /** One exchange with the upstream, and when it was. */
  async function exchange(question: Question, conditions: Conditions): Promise<[UpstreamResponse, Moment]> {
    // Read before asking: a write that comes while the question is out must find the answer old.
    const epoch = epochs.current()
    const askedAt = clock.now()
    const response = await next(question, [...question.headers, ...conditions.fields])
    return [response, { epoch, askedAt, arrivedAt: clock.now() }]
  }

  return async function revalidated(question, found) {
    if (question.bypass !== undefined) {
      const [response] = await exchange(question, UNCONDITIONAL)
      return passed(response, { name: 'bypassed', forward: 'bypass', detail: question.bypass })
    }
    // A write may have put a page behind this one: its Link, or the want of one, is not good any longer either.
    const isOld = found !== undefined && !isCurrent(question, found.validation, epochs)
    const stored = isOld ? { ...found, validation: { ...found.validation, linkGoodUntil: 0 } } : found
    const conditions = composeConditions(question, stored, links, clock.now())
    const [response, moment] = await exchange(question, conditions)
    if (response.status !== 304) return received(question, stored, response, moment, undefined)

    const confirmed = confirmedBy(conditions, stored?.validation.etag, headerValue(response.headers, 'etag'))
    if (confirmed.what === 'client') return passed304(response, confirmed.tag)
    if (confirmed.what === 'stored' && stored !== undefined) {
      const habit = links.of(question.path)
      if (!leavesLinkOpen(stored, response, habit, moment.arrivedAt)) return confirm(question, stored, response, moment)
      return again(question, stored, 'link-unconfirmed')
    }
    if (conditions.fields.length === 0) throw unasked304()
    return again(question, stored, 'unknown-304')
  }

  /** The 304 was not enough: the same question without conditions. */
  async function again(question: Question, stored: StoredAnswer | undefined, detail: Detail): Promise<Answer> {
    const [response, moment] = await exchange(question, UNCONDITIONAL)
    if (response.status === 304) throw unasked304()
    if (detail === 'link-unconfirmed' && headerValue(response.headers, 'link') !== undefined)
      links.of(question.path).sawLinkOnlyOn200()
    return received(question, stored, response, moment, detail)
  }

  async function confirm(question: Question, stored: StoredAnswer, response: UpstreamResponse, moment: Moment) {
    if (headerValue(response.headers, 'link') !== undefined) links.of(question.path).sawLinkOn304()
    const updated = confirmedRepresentation(question, stored, response.headers, moment)
    const forbidden = parseCacheControl(joinedHeader(response.headers, 'cache-control')).noStore
    const mayKeep = !forbidden && !question.directives.noStore
    if (mayKeep) await keep(question, stored, updated)
    else if (forbidden) await store.drop(question.key)
    const outcome: Outcome = {
      name: 'revalidated',
      forward: question.directives.noCache ? 'request' : 'stale',
      forwardStatus: 304,
      ...(mayKeep ? { stored: true } : {}),
    }
    return answerFrom(updated, response, outcome)
  }

  /**
   * Keeps what an answer brought. While it was out, another answer to the same question may have been stored, or the
   * stored one ended; which of the two the upstream said last is not known. Then the copy is kept, but only to be
   * confirmed: reused without asking it could show a client what it has already seen replaced.
   *
   * @param known what was stored when the question was asked
   */
  async function keep(question: Question, known: StoredAnswer | undefined, made: StoredAnswer): Promise<void> {
    const found = store.validation(question.key)
    const present = found instanceof Promise ? await found : found
    const overtaken = !isSameValidation(present, known?.validation) && present?.bodyKey !== made.body.key
    const validation = overtaken ? { ...made.validation, freshFor: 0, alwaysRevalidate: true } : made.validation
    await store.keep(question.key, validation, made.body)
  }

  /** Any answer but a 304. */
  async function received(
    question: Question,
    stored: StoredAnswer | undefined,
    response: UpstreamResponse,
    moment: Moment,
    detail: Detail | undefined,
  ): Promise<Answer> {
    const { status } = response
    if (status >= 300) {
      // Also where nothing was stored when it was asked: another answer may have been since.
      if (endsReuse(response)) await store.drop(question.key)
      return passed(response, { name: 'refused', forward: 'miss', forwardStatus: status })
    }

    const base = { forward: stored === undefined ? 'uri-miss' : 'stale', forwardStatus: status } as const
    /** The stored copy has been replaced upstream by something that is not kept. */
    const unkept = async (of: UpstreamResponse, why?: Detail): Promise<Answer> => {
      if (stored !== undefined) await store.drop(question.key)
      return passed(of, { name: 'fetched', ...base, ...(why === undefined ? {} : { detail: why }) })
    }
    if (question.method === 'HEAD') {
      if (stored !== undefined && hasTagOf(stored, response)) return passed(response, { name: 'fetched', ...base })
      return unkept(response)
    }
    const reason = reasonNotToStore(question, response, policy, maxEntryBytes, moment.arrivedAt)
    if (reason !== undefined) return unkept(response, reason)

    const collected = await collect(response.body, maxEntryBytes)
    if (!collected.complete) return unkept({ ...response, body: collected.body }, 'too-large')
    const kept = representationOf(question, response.headers, collected.bytes, moment, digest)
    await keep(question, stored, kept)
    const name = stored === undefined ? 'filled' : 'replaced'
    return answerFrom(kept, response, { name, ...base, stored: true, ...(detail === undefined ? {} : { detail }) })
  }
}

/**
 * Whether a 304 leaves open which pages there are. A `Link` on it settles the matter; without one, the stored field is
 * good for the lifetime it came with, and as long as the body itself says how many items there are; after that only a
 * page that is not full surely has nothing behind it.
 */
function leavesLinkOpen(stored: StoredAnswer, response: UpstreamResponse, habit: LinkHabit, now: number): boolean {
  if (headerValue(response.headers, 'link') !== undefined) return false
  const { validation } = stored
  if (validation.nextPage === 'stated' || now < validation.linkGoodUntil) return false
  if (headerValue(validation.headers, 'link') !== undefined) return true
  return validation.nextPage === 'possible' && !habit.absenceCounts
}

/**
 * Whether a redirect or error ends what was stored: the thing moved, is gone, or may no longer be read by this
 * credential. Limits and faults of the upstream say nothing about the representation.
 */
function endsReuse({ status, headers }: UpstreamResponse): boolean {
  return status < 500 && status !== 408 && !isLimitRefusal(status, headers)
}

/** Whether an answer to HEAD speaks of the stored representation: it may have been asked without conditions. */
function hasTagOf(stored: StoredAnswer, response: UpstreamResponse): boolean {
  const tag = headerValue(response.headers, 'etag')
  const { etag } = stored.validation
  return isEntityTag(tag) && etag !== undefined && weaklyEqual(tag, etag)
}

/** By what it says, not by identity: a remote store hands out a new object each time. */
function isSameValidation(left: Validation | undefined, right: Validation | undefined): boolean {
  return left?.bodyKey === right?.bodyKey && left?.confirmedAt === right?.confirmedAt
}

function unasked304(): Failure {
  return new Failure('upstream-invalid', { detail: '304 to an unconditional request' })
}

function answerFrom(stored: StoredAnswer, response: UpstreamResponse, outcome: Outcome): Answer {
  const { validation, body } = stored
  const live = liveFields(response.headers)
  return { status: 200, headers: validation.headers, live, body: body.bytes, stored, age: undefined, outcome }
}

function passed(response: UpstreamResponse, outcome: Outcome): Answer {
  const { status, headers, body } = response
  return { status, headers, live: [], body, stored: undefined, age: undefined, outcome }
}

function passed304(response: UpstreamResponse, tag: string | undefined): Answer {
  const outcome: Outcome = { name: 'confirmed', forward: 'uri-miss', forwardStatus: 304 }
  const answer = passed(response, outcome)
  // Said back as the client wrote it: a weak tag confirmed by its strong form is still the client's weak tag.
  return tag === undefined ? answer : { ...answer, headers: withHeader(response.headers, 'etag', tag) }
}
