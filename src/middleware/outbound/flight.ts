import { Failure } from '../../errors.ts'
import { weaklyEqual } from '../../http/entity-tag.ts'
import { headerValue } from '../../http/headers.ts'
import type { Detail, UpstreamUse } from '../../outcome.ts'
import type { Body, WriteEpochs } from '../../ports.ts'
import { collect, discard } from './collect.ts'
import { isCurrent } from './current.ts'
import type { Answer, Question, StoredAnswer } from './exchange.ts'
import type { Revalidating } from './fresh.ts'
import { forgetOldest } from './oldest.ts'

/** Bytes of an answer that is not stored which are held for others who wait for it. */
const MOST_SHARED_BYTES = 1024 * 1024
/** Requests that may wait for one other; those beyond ask for themselves. */
const MOST_WAITING = 10_000
/** How often one request waits in a row. */
const MOST_JOINS = 2
/** Questions remembered whose answers turned out not to be shareable. */
const MOST_UNSHAREABLE = 1000

/** One question on its way upstream, and how many wait for its answer. */
interface Flight {
  readonly question: Question
  readonly epoch: number
  readonly answer: Promise<Answer>
  readonly giveUp: AbortController
  /** Everybody whose answer this will be, the one who began it included. */
  waiting: number
  isShared: boolean
  /** What asking amounted to: charged to the first who takes the answer, for whoever began it may have left. */
  use: UpstreamUse | undefined
}

/**
 * Lets identical requests of one credential that come while the question is out share its answer: one request upstream,
 * one body read, hashed and stored (RFC 9111 §4, "collapsed requests"). Identical means the same key: credential, URL and
 * every forwarded field.
 */
export class Flights {
  readonly #epochs: WriteEpochs
  readonly #next: Revalidating
  readonly #flights = new Map<string, Flight>()
  /** Keys whose last answer could not be shared: nobody waits for such a thing twice. The oldest goes first. */
  readonly #unshareable = new Set<string>()

  constructor(epochs: WriteEpochs, next: Revalidating) {
    this.#epochs = epochs
    this.#next = next
  }

  /** Whether a request would share the answer of one that is out already. */
  isJoinable(question: Question): boolean {
    return this.#joinable(question) !== undefined
  }

  readonly answer: Revalidating = async (question, stored) => {
    if (question.bypass !== undefined || question.directives.noStore) return this.#unregistered(question, stored)
    for (let joins = 0; joins < MOST_JOINS; joins++) {
      const joined = this.#joinable(question)
      if (joined === undefined) return this.#first(question, stored)
      joined.isShared = true
      const answer = await this.#awaited(joined, question)
      if (isUsable(answer, joined.question, question)) {
        return { ...answer, outcome: { ...answer.outcome, collapsed: true } }
      }
      // It spoke of what its own client holds: the others still make one question among themselves.
      if (answer.outcome.name !== 'confirmed') break
    }
    return this.#alone(question, stored)
  }

  async #first(question: Question, stored: StoredAnswer | undefined): Promise<Answer> {
    if (this.#unshareable.has(flightKey(question))) return this.#alone(question, stored)
    const flight = this.#begin(question, stored)
    const answer = await this.#awaited(flight, question, () => {
      // A body that nobody can share was for the one who leaves: its connection must not wait to be read.
      flight.answer.then(({ body }) => discard(body)).catch(() => {})
    })
    // What is still arriving is read by this caller alone: it ends when the caller leaves, and not at its next bytes.
    if (!isHeld(answer.body)) question.signal().addEventListener('abort', () => flight.giveUp.abort(), { once: true })
    return answer
  }

  #joinable(question: Question): Flight | undefined {
    if (question.bypass !== undefined || insistsOnItsOwn(question)) return undefined
    const flight =
      this.#flights.get(question.key) ??
      // What was learnt by asking for the whole answers a question for its head as well.
      (question.method === 'HEAD' ? this.#flights.get(flightKey(question)) : undefined)
    if (flight !== undefined && waitsForAnother(flight, question)) return undefined
    // A read begun after a write must not get what was asked before it.
    if (flight === undefined || flight.waiting >= MOST_WAITING || flight.giveUp.signal.aborted) return undefined
    return isCurrent(question, flight, this.#epochs) ? flight : undefined
  }

  #begin(question: Question, stored: StoredAnswer | undefined): Flight {
    const key = flightKey(question)
    const giveUp = new AbortController()
    // The question belongs to all who wait for it: the one who began it may leave.
    const use = { requests: 0, cost: 0, milliseconds: 0 }
    const detached: Question = { ...question, use, signal: () => giveUp.signal }
    const flight: Flight = {
      question,
      epoch: this.#epochs.current(),
      giveUp,
      waiting: 0,
      isShared: false,
      use,
      answer: this.#next(detached, stored)
        .finally(() => this.#overtake(question, flight))
        .then((answer) => this.#landed(key, flight, answer))
        .finally(() => {
          if (this.#flights.get(key) === flight) this.#flights.delete(key)
        }),
    }
    // Everybody may have left when it fails.
    flight.answer.catch(() => {})
    this.#flights.set(key, flight)
    return flight
  }

  /** Makes an answer that several wait for one that they can share, where it may be shared at all. */
  async #landed(key: string, flight: Flight, answer: Answer): Promise<Answer> {
    if (!mayBeShared(answer)) this.#remember(key)
    const { body } = answer
    if (!flight.isShared || !mayBeShared(answer) || isHeld(body)) return answer
    const collected = await collect(body, MOST_SHARED_BYTES)
    if (collected.complete) return { ...answer, body: collected.bytes }
    this.#remember(key)
    return { ...answer, body: collected.body }
  }

  /** The flight's answer for one of those who wait; whoever leaves is gone at once, and the last one ends the flight. */
  #awaited(flight: Flight, question: Question, onLeave?: () => void): Promise<Answer> {
    const signal = question.signal()
    flight.waiting++
    return new Promise<Answer>((resolve, reject) => {
      const leave = () => {
        flight.waiting--
        onLeave?.()
        // Nobody will get the answer, but it was asked for.
        if (flight.waiting === 0) charge(question, flight)
        reject(new Failure('client-gone'))
        if (flight.waiting === 0) flight.giveUp.abort()
      }
      if (signal.aborted) return leave()
      signal.addEventListener('abort', leave, { once: true })
      const arrive = () => {
        signal.removeEventListener('abort', leave)
        if (!signal.aborted) charge(question, flight)
      }
      flight.answer.then(
        (answer) => {
          arrive()
          resolve(answer)
        },
        (failure: unknown) => {
          arrive()
          reject(failure)
        },
      )
    })
  }

  async #alone(question: Question, stored: StoredAnswer | undefined): Promise<Answer> {
    const answer = await this.#unregistered(question, stored)
    if (mayBeShared(answer) && isHeld(answer.body)) this.#unshareable.delete(flightKey(question))
    return answer
  }

  async #unregistered(question: Question, stored: StoredAnswer | undefined): Promise<Answer> {
    try {
      return await this.#next(question, stored)
    } finally {
      this.#overtake(question)
    }
  }

  /**
   * What else is out for the same was asked before this answer was there, and may be older than what the caller has now
   * been told: whoever comes from now on does not join it.
   */
  #overtake(question: Question, answered?: Flight): void {
    for (const key of [question.key, headKey(question)]) {
      if (this.#flights.get(key) !== answered) this.#flights.delete(key)
    }
  }

  #remember(key: string): void {
    if (this.#unshareable.size >= MOST_UNSHAREABLE) forgetOldest(this.#unshareable)
    this.#unshareable.add(key)
  }
}

function charge({ use }: Question, flight: Flight): void {
  if (flight.use === undefined) return
  use.requests += flight.use.requests
  use.cost += flight.use.cost
  use.milliseconds += flight.use.milliseconds
  flight.use = undefined
}

function flightKey(question: Question): string {
  return question.method === 'HEAD' ? headKey(question) : question.key
}

function headKey({ key }: Question): string {
  return `HEAD ${key}`
}

/**
 * Whether a flight waits for budget as this question would not: it is another client's, whose turn may come later, or of work
 * that can wait, or it may not wait at all and will fail.
 */
function waitsForAnother({ question: begun, use }: Flight, question: Question): boolean {
  if (begun.longestWait < question.longestWait) return true
  // What has left waits for nothing any more.
  if (use?.requests !== 0) return false
  const isOther = begun.client.group !== question.client.group || begun.client.name !== question.client.name
  return isOther || (begun.isBackground && !question.isBackground)
}

/** `no-cache` and `max-age=0` want what is true now, not what was asked before they came. */
function insistsOnItsOwn({ directives }: Question): boolean {
  return directives.noCache || directives.noStore || directives.maxAge === 0
}

/** Answers that belong to the request that they were sent to, and those that are too long to wait for. */
const UNSHAREABLE: readonly (Detail | undefined)[] = ['no-store', 'request-no-store', 'vary-any', 'too-large']

function mayBeShared({ outcome, status }: Answer): boolean {
  return status !== 206 && !UNSHAREABLE.includes(outcome.detail)
}

/** Whether a body is there as a whole, and can be handed to several. */
function isHeld(body: Body): body is Uint8Array | null {
  return body === null || body instanceof Uint8Array
}

/** Whether the answer to one question is an answer to another of the same key. */
function isUsable(answer: Answer, asked: Question, question: Question): boolean {
  if (!mayBeShared(answer) || !isHeld(answer.body)) return false
  if (answer.outcome.name !== 'confirmed') return true
  // A 304 about what a client holds is one for whoever holds the same.
  const tag = headerValue(answer.headers, 'etag')
  if (asked.clientTags.length > 0) {
    return tag !== undefined && question.clientTags.some((held) => weaklyEqual(held, tag))
  }
  return question.clientTags.length === 0 && question.clientModifiedSince === asked.clientModifiedSince
}
