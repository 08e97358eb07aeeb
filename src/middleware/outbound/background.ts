import { type Failure, toFailure } from '../../errors.ts'
import { NO_DIRECTIVES } from '../../http/cache-control.ts'
import type { Background } from '../../ports.ts'
import { discard } from './collect.ts'
import type { Question, StoredAnswer } from './exchange.ts'
import type { AskInBackground, Revalidating } from './fresh.ts'

/** Questions in the background at a time: beyond that clients wait for their answers, which is what slows them down. */
const MOST_AT_A_TIME = 100

/**
 * Revalidates behind the client's back (RFC 5861 §3), each answer at most once at a time.
 *
 * @param report is told what went wrong: no client is
 * @param next must not answer with a stale copy instead of failing
 */
export function askInBackground(
  options: { background: Background; report: (failure: Failure) => void },
  next: Revalidating,
): AskInBackground {
  const { background, report } = options
  const asked = new Set<string>()

  async function ask(question: Question, stored: StoredAnswer): Promise<void> {
    try {
      const { body } = await next(question, stored)
      await discard(body)
    } catch (thrown) {
      report(toFailure(thrown))
    } finally {
      asked.delete(question.key)
    }
  }

  return function begin(question, stored) {
    const { key } = question
    if (asked.has(key)) return true
    if (asked.size >= MOST_AT_A_TIME) return false
    asked.add(key)
    background(ask(detached(question), stored))
    return true
  }
}

/** The question for the answer's own sake: nothing of what this client wants or holds, and it may leave. */
function detached(question: Question): Question {
  return {
    ...question,
    method: 'GET',
    body: null,
    bodyLength: undefined,
    directives: NO_DIRECTIVES,
    clientTags: [],
    clientModifiedSince: undefined,
    isBackground: true,
    longestWait: 0,
    use: { requests: 0, cost: 0, milliseconds: 0 },
    signal: () => new AbortController().signal,
  }
}
