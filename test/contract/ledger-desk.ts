import { Failure } from '../../src/errors.ts'
import type {
  AccountReport,
  BudgetAnswer,
  BudgetLedger,
  BudgetRefusal,
  BudgetRequest,
  RateLimit,
  Reservation,
  ResourceReport,
} from '../../src/ports.ts'
import type { LedgerOptions } from '../../src/store/memory/ledger/index.ts'
import { LedgerTime, microtasks, START } from './ledger-time.ts'

/** Epoch seconds: an hour after everything begins. */
export const RESET = START / 1000 + 3600

/** In nobody's way, and with no chance in it. */
export const LEDGER_OPTIONS: Omit<LedgerOptions, 'clock' | 'scheduler'> = {
  random: () => 0,
  maxAccounts: 100,
  concurrency: 80,
  totalConcurrency: 128,
  maxWaiting: 1000,
  pointsPerMinute: 0,
  reserve: 0.1,
}

/** What a suite needs to know of an implementation. */
export interface LedgerMaker {
  make(options: LedgerOptions): BudgetLedger
  /** Resolves when everything that was told to a ledger has arrived, and whoever waits has been told. */
  settled?(): Promise<void>
}

export const REQUEST: Omit<BudgetRequest, 'signal'> = {
  account: 'user:one',
  isVouchedFor: true,
  resource: 'core',
  client: { group: 'address:192.0.2.1', name: '' },
  isBackground: false,
  isWrite: false,
  units: 1,
  longestWait: 0,
}

export const ANSWER: BudgetAnswer = {
  account: 'user:one',
  isVouchedFor: true,
  stated: undefined,
  date: undefined,
  cost: 1,
  refused: undefined,
  retryAfter: undefined,
  isOrdinary: true,
}

export function stated(remaining: number, more: Partial<RateLimit> = {}): RateLimit {
  return { resource: 'core', limit: 5000, remaining, used: undefined, reset: RESET, ...more }
}

/** A request that was made, and what has become of it by now. */
export interface Asked {
  readonly request: BudgetRequest
  outcome: Reservation | BudgetRefusal | 'waiting' | 'gone'
}

/** A ledger at work, with a clock of its own. */
export class Desk {
  readonly time = new LedgerTime()
  readonly ledger: BudgetLedger
  readonly settled: () => Promise<void>
  /** Told of every grant and every refusal, when it comes. */
  onOutcome: (asked: Asked) => void = () => {}

  constructor({ make, settled = microtasks }: LedgerMaker, options: Partial<LedgerOptions> = {}) {
    this.ledger = make({ ...LEDGER_OPTIONS, clock: this.time, scheduler: this.time, ...options })
    this.settled = settled
  }

  async ask(more: Partial<BudgetRequest> = {}): Promise<Asked> {
    const request = { ...REQUEST, signal: new AbortController().signal, ...more }
    const asked: Asked = { request, outcome: 'waiting' }
    const reserving = this.ledger.reserve(request)
    if (reserving instanceof Promise) {
      reserving.then(
        (outcome) => {
          asked.outcome = outcome
          this.onOutcome(asked)
        },
        (thrown) => {
          if (!(thrown instanceof Failure && thrown.tag === 'client-gone')) throw thrown
          asked.outcome = 'gone'
        },
      )
      await this.settled()
    } else {
      asked.outcome = reserving
      this.onOutcome(asked)
    }
    return asked
  }

  /** A place that must be granted at once. */
  async grant(more: Partial<BudgetRequest> = {}): Promise<Reservation> {
    return granted(await this.ask(more))
  }

  /** A refusal that must come at once. */
  async refusal(more: Partial<BudgetRequest> = {}): Promise<BudgetRefusal> {
    return refused(await this.ask(more))
  }

  /** It is answered, and its body is over. */
  async finish(reservation: Reservation, more: Partial<BudgetAnswer> = {}): Promise<void> {
    reservation.settle({ ...ANSWER, ...more })
    reservation.end()
    await this.settled()
  }

  /** Asks and is answered at once. */
  async exchange(answer: Partial<BudgetAnswer> = {}, request: Partial<BudgetRequest> = {}): Promise<void> {
    const { account = REQUEST.account, isVouchedFor = true } = request
    await this.finish(await this.grant(request), { account, isVouchedFor, ...answer })
  }

  async pass(milliseconds: number): Promise<void> {
    await this.time.pass(milliseconds, this.settled)
  }

  account(name = REQUEST.account, isVouchedFor = true): AccountReport {
    const found = this.ledger
      .report()
      .accounts.find((each) => each.account === name && each.isVouchedFor === isVouchedFor)
    if (found === undefined) throw new Error(`no account ${name}`)
    return found
  }

  budget(name = REQUEST.account, resource = 'core'): ResourceReport {
    const found = this.account(name).budgets.find((each) => each.resource === resource)
    if (found === undefined) throw new Error(`no budget ${name} ${resource}`)
    return found
  }
}

export function isGranted(asked: Asked): boolean {
  return typeof asked.outcome === 'object' && asked.outcome.isGranted
}

export function granted({ outcome }: Asked): Reservation {
  if (typeof outcome === 'string' || !outcome.isGranted) throw new Error(`not granted: ${JSON.stringify(outcome)}`)
  return outcome
}

export function refused({ outcome }: Asked): BudgetRefusal {
  if (typeof outcome === 'string') throw new Error(`not refused: ${outcome}`)
  if (outcome.isGranted) throw new Error('not refused but granted')
  return outcome
}
