import { Failure } from '../../errors.ts'
import { joinedHeader } from '../../http/headers.ts'
import type {
  AcceptedCredentials,
  CacheStore,
  Clock,
  KnownRepresentations,
  MaybePromise,
  Scheduler,
} from '../../ports.ts'
import type { EntityTagMemory } from './entity-tag-memory.ts'
import type { Answer, Question, StoredAnswer } from './exchange.ts'
import type { Flights } from './flight.ts'
import type { Revalidating } from './fresh.ts'
import { lookup } from './lookup.ts'
import type { SentQuestion, SentQuestions } from './sent-questions.ts'
import { WaitingMemory } from './waiting-memory.ts'

/** Longest wait, ms: what an upstream in good health needs for an answer, and little beside what it may take. */
const LONGEST_WAIT = 1000
/** Requests that may wait at a time; those beyond ask at once. */
const MOST_WAITING = 1000
/** Of these, requests with credentials that are not known to be good: whoever makes some up must not take all places. */
const MOST_UNACCEPTED = 100

export interface GateOptions {
  readonly store: CacheStore
  readonly known: KnownRepresentations
  readonly accepted: AcceptedCredentials
  readonly tags: EntityTagMemory
  readonly questions: SentQuestions
  readonly clock: Clock
  readonly scheduler: Scheduler
}

/**
 * Lets a question wait, and not for long, behind one for the same resource that another caller, or the same in other
 * words, has on its way: its answer may bring the body that makes this question free. Only behind one of a caller whom the upstream
 * accepts: what somebody merely claims to be delays nobody. Conditions are composed afterwards, from what is known then.
 *
 * One wait, except where it brought nothing and others waited too: all sent at once, they would all pay for a change
 * that came meanwhile. Then one goes and the others wait for it.
 */
export function gate(options: GateOptions, flights: Flights): Revalidating {
  const { store, known, accepted, tags, questions, clock, scheduler } = options
  const memory = new WaitingMemory()
  let waiting = 0

  function worthWaitingFor(question: Question): SentQuestion | undefined {
    const { credential, bypass, path, headers } = question
    if (credential.isAnonymous || bypass !== undefined) return undefined
    if (waiting >= (accepted.has(credential.fingerprint) ? MOST_WAITING : MOST_UNACCEPTED)) return undefined
    if (flights.isJoinable(question)) return undefined
    const sent = questions.before(question)
    if (sent === undefined || !tags.of(path, joinedHeader(headers, 'accept')).isPredictable) return undefined
    return memory.mayHelp(question.resource()) ? sent : undefined
  }

  /**
   * @param longest ms
   * @returns whether the other's answer came in time
   */
  function waited(sent: SentQuestion, signal: AbortSignal, longest: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const end = () => {
        waiting--
        cancel()
        sent.waiting.delete(come)
        signal.removeEventListener('abort', leave)
      }
      const come = () => {
        end()
        resolve(true)
      }
      const leave = () => {
        end()
        reject(new Failure('client-gone'))
      }
      waiting++
      const cancel = scheduler.after(longest, () => {
        end()
        resolve(false)
      })
      sent.waiting.add(come)
      signal.addEventListener('abort', leave, { once: true })
      if (signal.aborted) leave()
    })
  }

  function latest(question: Question): string | undefined {
    return known.of(question.resource())[0]?.bodyKey
  }

  async function asked(question: Question, found: MaybePromise<StoredAnswer | undefined>): Promise<Answer> {
    // Before any wait for the store: those who were let go together look for each other in this turn. One who joins a flight
    // sends nothing: whoever began it has noted it, and may have taken that back because it waits for its turn.
    const settle = flights.isJoinable(question) ? undefined : questions.send(question)
    try {
      return await flights.answer(question, found instanceof Promise ? await found : found)
    } finally {
      // The one who began it may have left while others wait for the answer: it is settled when that is there.
      if (!flights.isJoinable(question)) settle?.()
    }
  }

  return async function gated(question, stored) {
    const sent = worthWaitingFor(question)
    if (sent === undefined) return asked(question, stored)
    const before = latest(question)
    const startedAt = clock.elapsed()
    const cameInTime = await waited(sent, question.signal(), LONGEST_WAIT)
    // A wait for what turned out not to have changed says nothing about whether waiting helps. One that was too short does.
    const tells = !cameInTime || latest(question) !== before
    const next = tells ? undefined : worthWaitingFor(question)
    if (next !== undefined) await waited(next, question.signal(), LONGEST_WAIT - (clock.elapsed() - startedAt))
    const answer = await asked(question, lookup(store, question.key))
    // Nor does each of those who shared an answer: together they waited once.
    const waitedItself = answer.outcome.collapsed !== true
    if (tells && waitedItself) memory.note(question.resource(), answer.outcome.name)
    return answer
  }
}
