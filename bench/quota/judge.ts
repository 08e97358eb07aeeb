import type { Expectations, State } from './expected.ts'
import { JUDGED_TURNS } from './expected.ts'
import type { Read } from './trace.ts'

/** What a client was given for a read, with addresses taken out. */
export interface Given {
  readonly read: Read
  readonly status: number
  readonly body: string
  readonly link: string
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly endedAt: number
  /** How many turns of the world were over when it was sent, and how many had begun when it was answered. */
  readonly firstTurn: number
  readonly lastTurn: number
}

/**
 * - `right`: what the upstream would have said to this caller at some time between question and answer
 * - `old-link`: that body, with the `Link` that this caller would have got with an earlier one
 * - `shared`: stale, but right for a read of the same question that was under way when this one was sent: it shared that
 *   one's exchange with the upstream, and is as old as that
 * - `stale`: a body that the upstream would have sent this caller earlier, but no longer
 * - `leaked`: a body or `Link` that the upstream never would have sent this caller, or would have refused at the time
 * - `wrong`: anything else
 * - `unjudged`: it lasted longer than answers were looked up for
 */
export type Verdict = 'right' | 'old-link' | 'shared' | 'stale' | 'leaked' | 'wrong' | 'unjudged'

/**
 * Judges one answer by itself; whether it was shared only shows beside the others.
 *
 * @throws RangeError where the read's states were not looked up
 */
export function judge(given: Given, expectations: Expectations): Exclude<Verdict, 'shared'> {
  const { read, firstTurn, lastTurn } = given
  const { readerClass, target } = read
  if (lastTurn - firstTurn >= JUDGED_TURNS) return 'unjudged'
  const allowed: State[] = []
  for (let turn = firstTurn; turn <= lastTurn; turn++) allowed.push(expectations.at(readerClass, target, turn))
  const says = (state: State) => state.status === given.status && state.body === given.body
  if (allowed.some((state) => says(state) && state.link === given.link)) return 'right'
  const own = expectations.ever(readerClass, target)
  const others = expectations.toOthers(readerClass, target)
  if (given.status === 200 && allowed.every(({ status }) => status !== 200)) return 'leaked'
  if (allowed.some(says)) {
    if (own.some(({ link }) => link === given.link)) return 'old-link'
    return others.some(({ link }) => link === given.link) ? 'leaked' : 'wrong'
  }
  if (own.some(says)) return 'stale'
  return given.status === 200 && others.some(says) ? 'leaked' : 'wrong'
}

/** Judges all answers of a run. @throws RangeError where a read's states were not looked up */
export function judgeAll<T extends Given>(
  answers: readonly T[],
  expectations: Expectations,
): (T & { verdict: Verdict })[] {
  const judged = answers.map((answer): T & { verdict: Verdict } => ({
    ...answer,
    verdict: judge(answer, expectations),
  }))
  const rightOnes = judged.filter(({ verdict }) => verdict === 'right')
  return judged.map((answer) => {
    const isShared = answer.verdict === 'stale' && rightOnes.some((other) => wasUnderWay(other, answer))
    return isShared ? { ...answer, verdict: 'shared' } : answer
  })
}

/** Whether another read of the same question, answered alike, had been sent and not been answered when this one was sent. */
function wasUnderWay(other: Given, answer: Given): boolean {
  return (
    other.startedAt < answer.startedAt &&
    answer.startedAt < other.endedAt &&
    other.body === answer.body &&
    other.link === answer.link &&
    other.read.target === answer.read.target &&
    other.read.authorization === answer.read.authorization &&
    other.read.accept === answer.read.accept
  )
}
