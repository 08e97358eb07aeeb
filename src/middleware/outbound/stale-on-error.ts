import { Failure } from '../../errors.ts'
import type { StaleRules } from '../../http/staleness.ts'
import { discard } from './collect.ts'
import type { Answer, Question } from './exchange.ts'
import type { Revalidating } from './fresh.ts'
import type { StandIn } from './stand-in.ts'

export interface StaleOnErrorOptions {
  readonly standIn: StandIn
  readonly rules: StaleRules
}

/** Errors that are the upstream's own, and say nothing about what was asked for (RFC 5861 §4). */
const ERRORS = new Set([500, 502, 503, 504])

/**
 * Where the upstream cannot be asked, or answers with an error of its own, the same credential's copy is used for a while,
 * by the rules for all use of what is stale. Never in place of an answer that is about the request: a refusal, a missing
 * page, a limit.
 */
export function staleOnError(options: StaleOnErrorOptions, next: Revalidating): Revalidating {
  const { standIn, rules } = options

  async function afterFailure(question: Question, failure: Failure): Promise<Answer> {
    const answer = await standIn(question, rules, {
      name: 'stale',
      forward: 'stale',
      detail: 'upstream-failed',
      covered: failure,
    })
    if (answer === undefined) throw failure
    return answer
  }

  async function afterError(question: Question, answer: Answer): Promise<Answer> {
    const { status } = answer
    const outcome = { name: 'stale', forward: 'stale', forwardStatus: status, detail: 'upstream-error' } as const
    const instead = await standIn(question, rules, outcome)
    if (instead === undefined) return answer
    // Nobody reads it now, and its connection must not wait for that.
    await discard(answer.body)
    return instead
  }

  return async function answered(question, stored) {
    if (question.bypass !== undefined) return next(question, stored)
    let answer: Answer
    try {
      answer = await next(question, stored)
    } catch (thrown) {
      // A fault of the gateway, or a client that has left, is no reason.
      if (!(thrown instanceof Failure) || !thrown.tag.startsWith('upstream-')) throw thrown
      return afterFailure(question, thrown)
    }
    return ERRORS.has(answer.status) ? afterError(question, answer) : answer
  }
}
