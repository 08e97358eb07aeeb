import { mayStandIn, type StaleRules } from '../../http/staleness.ts'
import type { AcceptedCredentials, CacheStore, Clock, WriteEpochs } from '../../ports.ts'
import { isCurrent } from './current.ts'
import type { Answer, Question } from './exchange.ts'
import { reusedAnswer } from './fresh.ts'
import { lookup } from './lookup.ts'

export interface StandInOptions {
  readonly store: CacheStore
  readonly epochs: WriteEpochs
  readonly accepted: AcceptedCredentials
  readonly clock: Clock
}

/** The same credential's copy as the answer, where the rules let it be used although it is stale. */
export type StandIn = (question: Question, rules: StaleRules, outcome: Answer['outcome']) => Promise<Answer | undefined>

/**
 * Finds the copy that may stand in for an answer. Looked up now, and not taken from before the upstream was to be asked: it
 * may have been replaced or ended since, and something may have been written.
 */
export function standIn({ store, epochs, accepted, clock }: StandInOptions): StandIn {
  return async function found(question, rules, outcome) {
    const stored = await lookup(store, question.key)
    if (stored === undefined || !isCurrent(question, stored.validation, epochs)) return undefined
    const { fingerprint, isAnonymous } = question.credential
    if (!isAnonymous && !accepted.has(fingerprint)) return undefined
    const now = clock.now()
    if (!mayStandIn(stored.validation, rules, question.directives, !isAnonymous, now)) return undefined
    return reusedAnswer(stored, now, outcome)
  }
}
