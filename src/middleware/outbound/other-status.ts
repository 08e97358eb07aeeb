import type { FreshnessPolicy } from '../../http/freshness.ts'
import type { Outcome } from '../../outcome.ts'
import type { CacheStore, Digest } from '../../ports.ts'
import type { Arrivals } from './arrivals.ts'
import { isLimitRefusal } from './ask.ts'
import { collect } from './collect.ts'
import type { Answer, Question, Response, StoredAnswer } from './exchange.ts'
import type { Keeper } from './keeper.ts'
import { type Moment, reasonNotToStore, representationOf } from './representation.ts'
import { liveFields } from './stored-fields.ts'

export interface OtherStatusOptions {
  readonly store: CacheStore
  readonly arrivals: Arrivals
  readonly end: Keeper['end']
  readonly digest: Digest
  readonly policy: FreshnessPolicy
  /** Largest body that is held, bytes. */
  readonly maxEntryBytes: number
}

/** Makes the answer of a response that is neither 200 nor 304. */
export type OtherStatus = (
  question: Question,
  stored: StoredAnswer | undefined,
  response: Response,
  moment: Moment,
) => Promise<Answer>

/**
 * Answers that are not the representation: most end what was stored and pass by. One that says how long anybody may reuse
 * it is kept for so long (RFC 9111 §3); GitHub's answers to a credential never do. An error of the upstream's own says
 * nothing about the copy, which may have to stand in for it, and is not kept in its place.
 */
export function otherStatus({ store, arrivals, end, digest, policy, maxEntryBytes }: OtherStatusOptions): OtherStatus {
  return async function answered(question, stored, response, moment) {
    const { status, headers } = response
    const forward = stored === undefined ? 'uri-miss' : 'stale'
    const outcome: Outcome = response.isRepeated
      ? REPEATED
      : status < 300
        ? { name: 'fetched', forward, forwardStatus: status }
        : { name: 'refused', forward: 'miss', forwardStatus: status }
    // Also where nothing was stored when it was asked: another answer may have been since.
    const isFirst = !arrivals.since(moment.arrivals, question.key)
    const arrival = endsReuse(response) ? await end(question) : arrivals.current()
    // It was another's, or of another time: nothing of it is kept here.
    if (response.isRepeated) return passed(response, outcome)
    const reason = reasonNotToStore(question, response, policy, maxEntryBytes, moment.arrivedAt)
    if (reason !== undefined) return passed(response, status < 300 ? { ...outcome, detail: reason } : outcome)

    const collected = await collect(response.body, maxEntryBytes)
    if (!collected.complete) return passed({ ...response, body: collected.body }, outcome)
    const kept = representationOf(question, headers, collected.bytes, moment, digest, status)
    const live = liveFields(headers)
    const answer = { status, headers: kept.validation.headers, live, body: kept.body.bytes, age: undefined }
    // A copy that an error of the upstream leaves alone, or one that came while this was being read; or an answer that left
    // nothing to see. Which of the two is the older is not known, and this one could not be asked about.
    const isOnly = isFirst && !arrivals.since(arrival, question.key)
    if (!isOnly || (await store.validation(question.key)) !== undefined)
      return { ...answer, stored: undefined, outcome }
    await store.keep(question.key, kept.validation, kept.body)
    const name = status < 300 ? 'filled' : 'refused'
    return { ...answer, stored: kept, outcome: { ...outcome, name, stored: true } }
  }
}

/**
 * Whether a response ends what was stored: the thing moved, is gone, or may no longer be read by this credential. Limits
 * and faults of the upstream say nothing about the representation.
 */
function endsReuse(response: Response): boolean {
  return response.status < 500 && response.status !== 408 && !isLimitRefusal(response)
}

/** Of an earlier answer that was given again. */
export const REPEATED: Outcome = { name: 'refused', forward: 'miss', detail: 'refused-before' }

/** What an answer says of the limit that it was refused for. */
export function limitedBy({ refusal }: Response): Pick<Answer, 'limited'> {
  return refusal?.kind === 'primary' || refusal?.kind === 'secondary' ? { limited: refusal } : {}
}

/** A response as it is, its body still to be read. */
export function passed(response: Response, outcome: Outcome): Answer {
  const { status, headers, body } = response
  return { status, headers, live: [], body, stored: undefined, age: undefined, outcome, ...limitedBy(response) }
}
