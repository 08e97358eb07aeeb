import { headerValue } from '../../http/headers.ts'
import type { CacheStore, KnownRepresentations, Validation } from '../../ports.ts'
import type { Arrivals } from './arrivals.ts'
import type { Question, StoredAnswer } from './exchange.ts'
import { knownRepresentation } from './predicted-representation.ts'
import type { Moment } from './representation.ts'

/** What may happen to what is stored for a question when an answer to it has come. */
export interface Keeper {
  /** @param before what was stored when the question was asked */
  keep(question: Question, before: StoredAnswer | undefined, made: StoredAnswer, moment: Moment): Promise<void>
  /**
   * What is stored is not what the upstream says any longer, and nothing takes its place.
   *
   * @returns the number of this arrival
   */
  end(question: Question): Promise<number>
  /** What the caller has just been told is not to be stored; something else must not be told them afterwards. */
  compare(question: Question, told: StoredAnswer): Promise<void>
}

/**
 * Keeps what answers bring. While one was out, another answer to the same question may have been stored, or the stored one
 * ended; which of the two the upstream said last is not known. Then the copy is kept, but only to be confirmed: reused
 * without asking it could show a client what it has already seen replaced.
 */
export function keeper(options: { store: CacheStore; known: KnownRepresentations; arrivals: Arrivals }): Keeper {
  const { store, known, arrivals } = options

  async function end({ key }: Question): Promise<number> {
    const arrival = arrivals.note(key)
    await store.drop(key)
    return arrival
  }

  /** Remembers a body for whoever asks next. */
  function remember(question: Question, { validation, body }: StoredAnswer): void {
    // In a coding that could not be undone the bytes are no body that anybody else would be sent, nor hashed as one.
    if (headerValue(validation.headers, 'content-encoding') !== undefined) return
    const resource = question.resource()
    const before = known.of(resource).find(({ bodyKey }) => bodyKey === body.key)
    known.saw(resource, knownRepresentation(question, validation, body, before))
  }

  return {
    end,
    async compare(question, told) {
      arrivals.note(question.key, told.body.key)
      const stored = await store.validation(question.key)
      if (stored !== undefined && stored.bodyKey !== told.body.key) await end(question)
    },
    async keep(question, before, made, moment) {
      const bodyKey = made.body.key
      arrivals.note(question.key, bodyKey)
      const stored = await store.validation(question.key)
      // Asked after the wait for the store: what has arrived meanwhile counts too, stored or not.
      const agrees = arrivals.agree(moment.arrivals, question.key, bodyKey)
      const isExpected = stored?.bodyKey === bodyKey || isSameValidation(stored, before?.validation)
      const validation = agrees && isExpected ? made.validation : { ...made.validation, ...ONLY_TO_BE_CONFIRMED }
      await store.keep(question.key, validation, made.body)
      remember(question, made)
    },
  }
}

const ONLY_TO_BE_CONFIRMED = { freshFor: 0, alwaysRevalidate: true, staleUse: 'forbidden' } as const

/** By what it says, not by identity: a remote store hands out a new object each time. */
function isSameValidation(left: Validation | undefined, right: Validation | undefined): boolean {
  return left?.bodyKey === right?.bodyKey && left?.confirmedAt === right?.confirmedAt
}
