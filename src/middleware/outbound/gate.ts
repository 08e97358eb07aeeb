import { Failure } from '../../errors.ts'
import type { AcceptedCredentials, CacheStore, KnownRepresentations, Scheduler } from '../../ports.ts'
import type { EntityTagMemory } from './entity-tag-memory.ts'
import type { Question } from './exchange.ts'
import type { Flights } from './flight.ts'
import type { Revalidating } from './fresh.ts'
import { lookup } from './lookup.ts'
import type { SentQuestion, SentQuestions } from './sent-questions.ts'
import { WaitingMemory } from './waiting-memory.ts'

/** Longest wait, ms: what an upstream in good health needs for an answer, and little beside what it may take. */
const LONGEST_WAIT = 1000
/** Requests that may wait at a time; those beyond ask at once. */
const MOST_WAITING = 1000

export interface GateOptions {
  readonly store: CacheStore
  readonly known: KnownRepresentations
  readonly accepted: AcceptedCredentials
  readonly tags: EntityTagMemory
  readonly questions: SentQuestions
  readonly scheduler: Scheduler
}

/**
 * Lets a question wait, once and not for long, behind one for the same resource that has already been sent with another
 * credential: its answer may bring the body that makes this question free. Only callers whom the upstream accepts wait,
 * and only for such: what somebody merely claims to be changes nothing for others, nor can it be seen from outside what
 * others are asking. Conditions are composed afterwards, from what is known then.
 */
export function gate(options: GateOptions, flights: Flights): Revalidating {
  const { store, known, accepted, tags, questions, scheduler } = options
  const memory = new WaitingMemory()
  let waiting = 0

  function worthWaitingFor(question: Question): SentQuestion | undefined {
    const { credential, bypass, path } = question
    if (credential.isAnonymous || bypass !== undefined || waiting >= MOST_WAITING) return undefined
    if (!accepted.has(credential.fingerprint) || flights.isJoinable(question)) return undefined
    const sent = questions.before(question)
    if (sent === undefined || !tags.of(path).isPredictable) return undefined
    return memory.mayHelp(question.resource()) ? sent : undefined
  }

  function waited(sent: SentQuestion, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        waiting--
        cancel()
        sent.waiting.delete(go)
        signal.removeEventListener('abort', leave)
      }
      const go = () => {
        end()
        resolve()
      }
      const leave = () => {
        end()
        reject(new Failure('client-gone'))
      }
      waiting++
      const cancel = scheduler.after(LONGEST_WAIT, go)
      sent.waiting.add(go)
      signal.addEventListener('abort', leave, { once: true })
      if (signal.aborted) leave()
    })
  }

  function latest(question: Question): string | undefined {
    return known.of(question.resource())[0]?.bodyKey
  }

  return async function gated(question, stored) {
    const sent = worthWaitingFor(question)
    if (sent === undefined) return flights.answer(question, stored)
    const before = latest(question)
    await waited(sent, question.signal())
    // A wait for what turned out not to have changed says nothing about whether waiting helps.
    const broughtBody = latest(question) !== before
    const answer = await flights.answer(question, await lookup(store, question.key))
    // Nor does each of those who shared an answer: together they waited once.
    const waitedItself = answer.outcome.collapsed !== true
    if (broughtBody && waitedItself) memory.note(question.resource(), answer.outcome.name)
    return answer
  }
}
