import { Failure } from '../../errors.ts'
import { isLimitRefusal } from '../../github/rate-limit.ts'
import type { FreshnessPolicy } from '../../http/freshness.ts'
import { headerValue, withHeader } from '../../http/headers.ts'
import type { Detail, Outcome } from '../../outcome.ts'
import type { CacheStore, Clock, Digest, UpstreamResponse, WriteEpochs } from '../../ports.ts'
import { collect } from './collect.ts'
import type { Answer, Attempt, Question, StoredAnswer } from './exchange.ts'
import type { Revalidating } from './fresh.ts'
import type { LinkMemory } from './link-memory.ts'
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

  return async function revalidated(question, stored) {
    if (question.bypass !== undefined) {
      const [response] = await exchange(question, UNCONDITIONAL)
      return passed(response, { name: 'bypassed', forward: 'bypass', detail: question.bypass })
    }
    const conditions = composeConditions(question, stored, links, clock.now())
    const [response, moment] = await exchange(question, conditions)
    if (response.status !== 304) return received(question, stored, response, moment, undefined)

    const confirmed = confirmedBy(conditions, stored?.validation.etag, headerValue(response.headers, 'etag'))
    if (confirmed.what === 'client') return passed304(response, confirmed.tag)
    if (confirmed.what === 'stored' && stored !== undefined) {
      if (!leavesLinkOpen(stored, response, links, moment.arrivedAt)) return confirm(question, stored, response, moment)
      return again(question, stored, 'link-unconfirmed')
    }
    return again(question, stored, 'unknown-304')
  }

  /** The 304 was not enough: the same question without conditions. */
  async function again(question: Question, stored: StoredAnswer | undefined, detail: Detail): Promise<Answer> {
    const [response, moment] = await exchange(question, UNCONDITIONAL)
    if (response.status === 304) throw new Failure('upstream-invalid', { detail: '304 to an unconditional request' })
    if (detail === 'link-unconfirmed' && headerValue(response.headers, 'link') !== undefined) links.sawLinkOnlyOn200()
    return received(question, stored, response, moment, detail)
  }

  async function confirm(question: Question, stored: StoredAnswer, response: UpstreamResponse, moment: Moment) {
    if (headerValue(response.headers, 'link') !== undefined) links.sawLinkOn304()
    const updated = confirmedRepresentation(question, stored, response.headers, moment)
    if (!question.directives.noStore) await store.keep(question.key, updated.validation, updated.body)
    const outcome: Outcome = {
      name: 'revalidated',
      forward: question.directives.noCache ? 'request' : 'stale',
      forwardStatus: 304,
      stored: true,
    }
    return answerFrom(updated, response, outcome)
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
    if (stored !== undefined && endsReuse(question, response)) await store.drop(question.key)
    if (status >= 300) return passed(response, { name: 'refused', forward: 'miss', forwardStatus: status })

    const base = { forward: stored === undefined ? 'uri-miss' : 'stale', forwardStatus: status } as const
    const reason =
      question.method === 'HEAD'
        ? undefined
        : reasonNotToStore(question, response, policy, maxEntryBytes, moment.arrivedAt)
    if (question.method === 'HEAD') return passed(response, { name: 'fetched', ...base })
    const fetched = (why: Detail): Outcome => ({ name: 'fetched', ...base, detail: why })
    if (reason !== undefined) return passed(response, fetched(reason))

    const collected = await collect(response.body, maxEntryBytes)
    if (!collected.complete) return passed({ ...response, body: collected.body }, fetched('too-large'))
    const kept = representationOf(question, response.headers, collected.bytes, moment, digest)
    await store.keep(question.key, kept.validation, kept.body)
    const name = stored === undefined ? 'filled' : 'replaced'
    return answerFrom(kept, response, { name, ...base, stored: true, ...(detail === undefined ? {} : { detail }) })
  }
}

/**
 * Whether a 304 leaves open which pages there are. A `Link` on it settles the matter; without one, the stored field is
 * good for the lifetime it came with, and after that only a page that is not full surely has nothing behind it.
 */
function leavesLinkOpen(stored: StoredAnswer, response: UpstreamResponse, links: LinkMemory, now: number): boolean {
  if (headerValue(response.headers, 'link') !== undefined) return false
  const { validation } = stored
  if (now < validation.linkGoodUntil) return false
  if (headerValue(validation.headers, 'link') !== undefined) return true
  return validation.fullPage && !links.absenceCounts
}

/**
 * Whether an answer ends what was stored: the thing moved, is gone, or may no longer be read by this credential. Limits
 * and faults of the upstream say nothing about the representation. A HEAD that was not a 304 says it has changed.
 */
function endsReuse(question: Question, response: UpstreamResponse): boolean {
  const { status } = response
  if (status >= 500 || status === 408 || isLimitRefusal(status, response.headers)) return false
  return status >= 300 || question.method === 'HEAD'
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
