import { Accounts } from '../../../src/middleware/outbound/accounts.ts'
import { ask } from '../../../src/middleware/outbound/ask.ts'
import { budget } from '../../../src/middleware/outbound/budget.ts'
import type { Question } from '../../../src/middleware/outbound/exchange.ts'
import { noteAccepted } from '../../../src/middleware/outbound/note-accepted.ts'
import { RateLimitResources } from '../../../src/middleware/outbound/rate-limit-resources.ts'
import type {
  BudgetAnswer,
  BudgetLedger,
  BudgetRequest,
  HeaderList,
  MaybePromise,
  Reservation,
  UpstreamRequest,
  UpstreamResponse,
  WriteSpacing,
} from '../../../src/ports.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { memoryKnownAccounts } from '../../../src/store/memory/known-accounts.ts'
import { type LedgerOptions, memoryBudgetLedger } from '../../../src/store/memory/ledger/index.ts'
import {
  type Asked,
  digest,
  FakeBody,
  HandClock,
  LEDGER,
  questionFor,
  START,
  teachThatNothingIsLimited,
} from './harness.ts'

export { basic } from './logins.ts'

/** One place in the budgets, and everything that was done with it. */
export interface Place {
  readonly request: BudgetRequest
  /** In order. */
  readonly done: ('settle' | 'lose' | 'giveBack' | 'end')[]
  readonly answer: BudgetAnswer | undefined
}

/** Writes down what becomes of every place that a ledger grants. */
export function watching(places: Place[]): (ledger: BudgetLedger) => BudgetLedger {
  function noted(request: BudgetRequest, granted: Reservation): Reservation {
    const place = { request, done: [] as Place['done'], answer: undefined as BudgetAnswer | undefined }
    places.push(place)
    const { isGranted, isLimited } = granted
    return {
      isGranted,
      isLimited,
      settle: (answer) => {
        place.done.push('settle')
        place.answer = answer
        granted.settle(answer)
      },
      lose: () => {
        place.done.push('lose')
        granted.lose()
      },
      giveBack: () => {
        place.done.push('giveBack')
        granted.giveBack()
      },
      end: () => {
        place.done.push('end')
        granted.end()
      },
    }
  }

  return (ledger) => ({
    observe: (...all) => ledger.observe(...all),
    latest: (...all) => ledger.latest(...all),
    join: (...all) => ledger.join(...all),
    report: () => ledger.report(),
    reserve(request) {
      const reserved = ledger.reserve(request)
      if (reserved instanceof Promise) return reserved.then((made) => (made.isGranted ? noted(request, made) : made))
      return reserved.isGranted ? noted(request, reserved) : reserved
    },
  })
}

/** Epoch seconds: the end of the window that these tests are in. */
export const RESET = START / 1000 + 3600

/** The fields that state a rate limit. */
export function limitFields(
  remaining: number,
  more: { limit?: number; reset?: number; resource?: string; used?: number } = {},
): Record<string, string> {
  const { limit = 5000, reset = RESET, resource, used } = more
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(reset),
    ...(used === undefined ? {} : { 'x-ratelimit-used': String(used) }),
    ...(resource === undefined ? {} : { 'x-ratelimit-resource': resource }),
  }
}

/** A body that is there once, as all that arrive are: what was read of it and not handed on is gone. */
export class BodyOnce extends FakeBody {
  readonly #once = super[Symbol.asyncIterator]()

  override [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this.#once
  }
}

export const SECONDARY = '{"message":"You have exceeded a secondary rate limit."}'
export const PRIMARY = '{"message":"API rate limit exceeded for user ID 1."}'
export const BAD = '{"message":"Bad credentials"}'

/** Asks without a credential. */
export const NOBODY: Asked = {}

export interface Counter {
  readonly limits?: Partial<LedgerOptions>
  /** Of its second thoughts. */
  readonly compose?: (question: Question) => MaybePromise<HeaderList>
}

/** The mechanism alone, between a ledger and an upstream that says what it is told to. */
export function counter({ limits, compose = ({ headers }) => headers }: Counter = {}) {
  const clock = new HandClock()
  const ledger = memoryBudgetLedger({ ...LEDGER, clock, scheduler: clock, ...limits })
  if (limits === undefined) teachThatNothingIsLimited(ledger)
  const accepted = memoryAcceptedCredentials(100)
  const accounts = new Accounts({
    known: memoryKnownAccounts(100),
    accepted,
    digest,
    configured: new Map(),
    anonymous: 'anonymous',
    application: undefined,
  })
  const resources = new RateLimitResources()
  const places: Place[] = []
  /** What happened, in order. */
  const events: string[] = []
  const sent: UpstreamRequest[] = []
  let says: (request: UpstreamRequest) => MaybePromise<UpstreamResponse> = () => {
    throw new Error('the test did not expect a question')
  }
  const send = async (request: UpstreamRequest) => {
    events.push('send')
    sent.push(request)
    return says(request)
  }
  const spacing: WriteSpacing = {
    next(account, run) {
      events.push(`space ${account}`)
      return run()
    },
  }
  const attempt = budget(
    {
      ledger: watching(places)(ledger),
      accounts,
      resources,
      spacing,
      accepted,
      clock,
      onWait: ({ path }) => events.push(`wait ${path}`),
      onGo: ({ path }) => events.push(`go ${path}`),
    },
    noteAccepted(accepted, ask(send, clock)),
  )
  return {
    clock,
    ledger,
    accepted,
    accounts,
    resources,
    places,
    events,
    sent,
    ask(asked: Asked = {}) {
      const question = questionFor(asked === NOBODY ? {} : { authorization: 'token one', ...asked })
      return attempt(question, () => {
        events.push('compose')
        return compose(question)
      })
    },
    upstream(answer: typeof says | UpstreamResponse) {
      says = typeof answer === 'function' ? answer : () => answer
    },
  }
}
