import { Failure } from '../../errors.ts'
import { ageOf, type FreshnessPolicy, isFresh } from '../../http/freshness.ts'
import type { CacheStore, Clock, MaybePromise, WriteEpochs } from '../../ports.ts'
import { isCurrent } from './current.ts'
import type { Answer, Answerer, Question, StoredAnswer } from './exchange.ts'
import { lookup } from './lookup.ts'

/** What follows when no stored answer may be used without asking; it is given the copy that may be confirmed. */
export type Revalidating = (question: Question, stored: StoredAnswer | undefined) => Promise<Answer>

/**
 * Answers from the store what may be reused without asking. Takes no lock and never waits for another request.
 *
 * @throws Failure `only-if-cached` when the client forbids asking (RFC 9111 §5.2.1.7)
 */
export function fresh(
  options: { store: CacheStore; epochs: WriteEpochs; clock: Clock; policy: FreshnessPolicy },
  next: Revalidating,
): Answerer {
  const { store, epochs, clock, policy } = options

  function answer(question: Question, stored: StoredAnswer | undefined): MaybePromise<Answer> {
    if (stored !== undefined) {
      const { validation } = stored
      const now = clock.now()
      const credentialed = !question.credential.isAnonymous
      const isReusable = isFresh(validation, policy, question.directives, credentialed, now)
      // A write since then ends reuse in every mode: the writer's next read must see what it wrote.
      if (isReusable && isCurrent(question, validation, epochs)) {
        return {
          status: validation.status,
          headers: validation.headers,
          live: NONE,
          body: stored.body.bytes,
          stored,
          age: ageOf(validation, now),
          outcome: HIT,
        }
      }
    }
    if (question.directives.onlyIfCached) throw new Failure('only-if-cached')
    return next(question, stored)
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

const NONE: readonly string[] = []
const HIT = { name: 'hit' } as const
