import type { Failure } from '../../errors.ts'
import type { StaleRules } from '../../http/staleness.ts'
import { collect, discard } from './collect.ts'
import type { Answer, Answerer, Question } from './exchange.ts'
import type { Revalidating } from './fresh.ts'
import { isKeptBack } from './limit-failure.ts'
import type { StandIn } from './stand-in.ts'

export interface OnLimitOptions {
  readonly standIn: StandIn
  /** How long the copy may be used where a limit keeps the upstream from being asked. */
  readonly rules: StaleRules
  /** For how long a request may wait for budget, ms. */
  readonly maxWait: number
}

/**
 * Where a limit leaves no request for a question: the same credential's copy, if it may be used; else a wait, if it is short;
 * else the refusal. A refusal that came from the upstream is waited out likewise, and the question asked once more.
 */
export function onLimit(options: OnLimitOptions, next: Revalidating): Revalidating {
  const { standIn, rules, maxWait } = options

  return async function answered(question, stored) {
    const first = await attempt(() => next(question, stored))
    if (!first.isLimited) return first.answer
    if (question.bypass === undefined) {
      const instead = await standIn(question, rules, outcomeOf(first))
      if (instead !== undefined) {
        if (first.answer !== undefined) await discard(first.answer.body)
        return instead
      }
    }
    const mayAskAgain = maxWait > 0 && question.body === null && !question.directives.onlyIfCached
    return mayAskAgain ? again(first, () => next(waiting(question, maxWait), stored)) : given(first)
  }
}

/** The same for what is no read: it waits at once, and goes out again only where the upstream refused it for a limit. */
export function onLimitOfWrite(maxWait: number, next: Answerer): Answerer {
  return async function answered(question) {
    const first = await attempt(async () => next(waiting(question, maxWait)))
    if (!first.isLimited) return first.answer
    // A body that has gone out once is not there for a second time.
    if (first.failure !== undefined || question.body !== null || maxWait === 0) return given(first)
    return again(first, async () => next(waiting(question, maxWait)))
  }
}

/** Refused for a limit: by the upstream, or here. */
type Limited =
  | { readonly isLimited: true; readonly answer: Answer; readonly failure?: undefined }
  | { readonly isLimited: true; readonly failure: Failure; readonly answer?: undefined }
type Attempted = Limited | { readonly isLimited: false; readonly answer: Answer; readonly failure?: undefined }

async function attempt(run: () => Promise<Answer>): Promise<Attempted> {
  try {
    const answer = await run()
    return { isLimited: answer.limited !== undefined, answer }
  } catch (thrown) {
    if (!isKeptBack(thrown)) throw thrown
    return { isLimited: true, failure: thrown }
  }
}

/** Asks once more; where that is kept back, too, the upstream's own refusal is the better answer. */
async function again(first: Limited, run: () => Promise<Answer>): Promise<Answer> {
  const refusal = first.answer === undefined ? undefined : await held(first.answer)
  // No refusal of GitHub's is so long, and what is still on its way keeps the place that the second attempt may need.
  if (refusal !== undefined && !isHeld(refusal)) return refusal
  const second = await attempt(run)
  return second.failure !== undefined && refusal !== undefined ? refusal : given(second)
}

/** Bytes of a refusal that are held while the question waits. */
const MOST_BYTES = 64 * 1024

/** The answer with its body read to the end, where it is short enough. */
async function held(answer: Answer): Promise<Answer> {
  const { body } = answer
  if (body === null || body instanceof Uint8Array) return answer
  const collected = await collect(body, MOST_BYTES)
  return { ...answer, body: collected.complete ? collected.bytes : collected.body }
}

function isHeld({ body }: Answer): boolean {
  return body === null || body instanceof Uint8Array
}

function given(attempted: Attempted): Answer {
  if (attempted.answer === undefined) throw attempted.failure
  return attempted.answer
}

function waiting(question: Question, longestWait: number): Question {
  return { ...question, longestWait }
}

function outcomeOf({ answer, failure }: Limited): Answer['outcome'] {
  const base = { name: 'stale', forward: 'stale', detail: 'limited' } as const
  if (answer === undefined) return { ...base, covered: failure }
  return { ...base, forwardStatus: answer.status }
}
