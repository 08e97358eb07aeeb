import { Failure } from '../../errors.ts'
import { ageOf, isFresh, remainingLifetime } from '../../http/freshness.ts'
import { type StaleRules, staleReuse } from '../../http/staleness.ts'
import type { Outcome } from '../../outcome.ts'
import type { AcceptedCredentials, CacheStore, Clock, MaybePromise, WriteEpochs } from '../../ports.ts'
import { isCurrent } from './current.ts'
import type { Answer, Answerer, Question, StoredAnswer } from './exchange.ts'
import { lookup } from './lookup.ts'

/** What follows when no stored answer may be used without asking; it is given the copy that may be confirmed. */
export type Revalidating = (question: Question, stored: StoredAnswer | undefined) => Promise<Answer>

/**
 * Asks about a stored copy that has been answered with already.
 *
 * @returns false where too much is being asked in the background; then nothing was begun
 */
export type AskInBackground = (question: Question, stored: StoredAnswer) => boolean

export interface FreshOptions {
  readonly store: CacheStore
  readonly epochs: WriteEpochs
  readonly accepted: AcceptedCredentials
  readonly clock: Clock
  readonly rules: StaleRules
  readonly askInBackground: AskInBackground
}

/**
 * Answers from the store what may be reused without asking. Takes no lock and never waits for another request.
 *
 * @throws Failure `only-if-cached` when the client forbids asking (RFC 9111 §5.2.1.7)
 */
export function fresh(options: FreshOptions, next: Revalidating): Answerer {
  const { store, epochs, accepted, clock, rules, askInBackground } = options

  function answer(question: Question, stored: StoredAnswer | undefined): MaybePromise<Answer> {
    if (stored !== undefined) {
      const { validation } = stored
      const now = clock.now()
      const credentialed = !question.credential.isAnonymous
      const outcome = isFresh(validation, rules.freshness, question.directives, credentialed, now)
        ? HIT
        : staleHit(question, stored, now)
      // A write since then ends reuse in every mode: the writer's next read must see what it wrote.
      if (outcome !== undefined && isCurrent(question, validation, epochs)) {
        // Only where the copy is used: whatever else is in the way, asking is then what the client waits for anyway.
        const isUsed = outcome.detail !== 'stale-while-revalidate' || askInBackground(question, stored)
        if (isUsed) return reusedAnswer(stored, now, outcome)
      }
    }
    if (question.directives.onlyIfCached) throw new Failure('only-if-cached')
    return stored !== undefined && stored.validation.status !== 200 ? nextWithout(question) : next(question, stored)
  }

  /** What a stale copy is used as, where it may be used without asking first. */
  function staleHit(question: Question, { validation }: StoredAnswer, now: number): Outcome | undefined {
    const { fingerprint, isAnonymous } = question.credential
    const detail = staleReuse(validation, rules, question.directives, !isAnonymous, now)
    // The upstream may have refused the credential since: what it was told before is then not told again.
    if (detail === undefined || (!isAnonymous && !accepted.has(fingerprint))) return undefined
    const remaining = remainingLifetime(validation, rules.freshness, !isAnonymous, now)
    return { name: 'hit', detail, ttl: Math.floor(remaining / 1000) }
  }

  /** A redirect or an error that has outlived what it said of itself is worth nothing: it is never asked about. */
  function nextWithout(question: Question): Promise<Answer> {
    const dropped = store.drop(question.key)
    return dropped instanceof Promise ? dropped.then(() => next(question, undefined)) : next(question, undefined)
  }

  return function answerFresh(question) {
    if (question.bypass !== undefined) {
      if (question.directives.onlyIfCached) throw new Failure('only-if-cached')
      return next(question, undefined)
    }
    const found = lookup(store, question.key)
    return found instanceof Promise ? found.then((stored) => answer(question, stored)) : answer(question, found)
  }
}

/** A stored copy as the answer to a question that the upstream was not asked, or could not answer. */
export function reusedAnswer(stored: StoredAnswer, now: number, outcome: Outcome): Answer {
  const { validation, body } = stored
  const { status, headers } = validation
  return { status, headers, live: NONE, body: body.bytes, stored, age: ageOf(validation, now), outcome }
}

const NONE: readonly string[] = []
const HIT: Outcome = { name: 'hit' }
