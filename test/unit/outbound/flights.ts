import type { Answer, Question } from '../../../src/middleware/outbound/exchange.ts'
import { Flights } from '../../../src/middleware/outbound/flight.ts'
import type { Revalidating } from '../../../src/middleware/outbound/fresh.ts'
import type { Outcome } from '../../../src/outcome.ts'
import { memoryWriteEpochs } from '../../../src/store/memory/write-epochs.ts'
import { type Asked, questionFor } from './harness.ts'

/** A question that was passed on, and is answered by hand. */
export interface Call {
  readonly question: Question
  readonly signal: AbortSignal
  answer(answer: Answer): void
  fail(thrown: unknown): void
}

/** A caller: its question, what becomes of it, and its leaving. */
export interface Caller {
  readonly promise: Promise<Answer>
  /** `waiting` until it is settled; read it after `turns()`. */
  readonly state: 'waiting' | 'answered' | 'failed'
  readonly answer: Answer | undefined
  readonly failure: unknown
  /** The answer's body as text, where it is held. */
  readonly text: string | undefined
  leave(): void
}

const TEXT = new TextDecoder()

/** Flights with nothing behind them but what the test answers. */
export function runway() {
  const calls: Call[] = []
  const epochs = memoryWriteEpochs(100)
  const next: Revalidating = (question) => {
    return new Promise<Answer>((resolve, reject) => {
      calls.push({ question, signal: question.signal(), answer: resolve, fail: reject })
    })
  }
  const flights = new Flights(epochs, next)
  const callers: Caller[] = []
  return {
    flights,
    calls,
    callers,
    epochs,
    /** Asks `flights` as another client would: with a signal of its own. */
    join(asked: Asked & { key?: string } = {}): Caller {
      const leaving = new AbortController()
      const { key, ...rest } = asked
      const question = questionFor({ authorization: 'token one', signal: leaving.signal, ...rest })
      const made = caller(flights.answer(key === undefined ? question : { ...question, key }, undefined), leaving)
      callers.push(made)
      return made
    },
  }
}

function caller(promise: Promise<Answer>, leaving: AbortController): Caller {
  let state: Caller['state'] = 'waiting'
  let answer: Answer | undefined
  let failure: unknown
  promise.then(
    (settled) => {
      state = 'answered'
      answer = settled
    },
    (thrown: unknown) => {
      state = 'failed'
      failure = thrown
    },
  )
  return {
    promise,
    get state() {
      return state
    },
    get answer() {
      return answer
    },
    get failure() {
      return failure
    },
    get text() {
      return answer?.body instanceof Uint8Array ? TEXT.decode(answer.body) : undefined
    },
    leave: () => leaving.abort(),
  }
}

/** An answer as what lies behind makes them. */
export function answered(
  body: string | Answer['body'] = 'body',
  outcome: Partial<Outcome> = {},
  more: Partial<Answer> = {},
): Answer {
  return {
    status: 200,
    headers: [],
    live: [],
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
    stored: undefined,
    age: undefined,
    outcome: { name: 'filled', forward: 'uri-miss', forwardStatus: 200, stored: true, ...outcome },
    ...more,
  }
}

/** The client's own validator was confirmed: nothing is held here. */
export function confirmed(etag: string | undefined): Answer {
  const headers = etag === undefined ? [] : ['etag', etag]
  return answered(null, { name: 'confirmed', forwardStatus: 304, stored: false }, { status: 304, headers })
}

/** Lets everything that can go on go on. No timers are behind it. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
}
