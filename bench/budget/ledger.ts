import type { BudgetAnswer, BudgetLedger, BudgetRequest, Clock, RateLimit } from '../../src/ports.ts'
import { median } from '../load.ts'

/*
 * What the ledger itself costs: a request's place taken, settled and given up, measured in real time, without a network. The
 * ledger's own clock goes so fast that the requests fill most of a window: one that paces what is left would refuse them all
 * otherwise. The yardstick is a map of numbers that counts as many times, by the same names, in the same run.
 */

interface Case {
  readonly name: string
  readonly accounts: number
  /** Of each account. */
  readonly clients: number
  /** Units that remain at first, as a share of the limit. */
  readonly remaining: number
}

const CASES: readonly Case[] = [
  { name: 'one account, one client', accounts: 1, clients: 1, remaining: 1 },
  { name: '1,000 accounts, 3 clients each', accounts: 1000, clients: 3, remaining: 1 },
  { name: 'a tight budget, 100 clients', accounts: 1, clients: 100, remaining: 0.1 },
]

const OPERATIONS = 200_000
const ROUNDS = 5
const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 5, 8)
/** The part of a window that all requests together take. */
const FILLED = 0.9

/** Makes a fresh ledger that reads this clock. Nothing it schedules by another one comes in time. */
export type MakeLedger = (clock: Clock) => BudgetLedger

/** What one case took, medians of the rounds. */
export interface LedgerCost {
  readonly name: string
  /** Requests a second of real time. */
  readonly perSecond: number
  /** Times the yardstick. */
  readonly ratio: number
  /** Of the requests, those that the ledger refused. */
  readonly refusedShare: number
}

/**
 * Measures each case on ledgers of its own.
 *
 * @param operations requests of each round
 */
export async function measureLedger(make: MakeLedger, operations = OPERATIONS, rounds = ROUNDS): Promise<LedgerCost[]> {
  const costs: LedgerCost[] = []
  for (const each of CASES) {
    const requests = requestsOf(each)
    const seconds: number[] = []
    const ratios: number[] = []
    let refused = 0
    // The first round is for the compiler.
    for (let round = 0; round <= rounds; round++) {
      const counting = timed(() => count(requests, operations))
      const time = { now: START }
      const ledger = make({ now: () => time.now, elapsed: () => time.now - START })
      const begun = performance.now()
      const refusedNow = await spend(ledger, time, requests, operations, each.remaining)
      const taken = performance.now() - begun
      if (round === 0) continue
      refused += refusedNow
      seconds.push(taken / 1000)
      ratios.push(taken / counting)
    }
    costs.push({
      name: each.name,
      perSecond: operations / median(seconds),
      ratio: median(ratios),
      refusedShare: refused / (operations * rounds),
    })
  }
  return costs
}

/** The measurements as a table. */
export async function ledgerTable(make: MakeLedger): Promise<string> {
  const lines = (await measureLedger(make)).map(
    ({ name, perSecond, ratio, refusedShare }) =>
      `${name.padEnd(33)}${Math.round(perSecond).toString().padStart(12)}${ratio.toFixed(1).padStart(10)}` +
      `${`${(100 * refusedShare).toFixed(1)} %`.padStart(10)}`,
  )
  return [
    `${'reserve, settle, end'.padEnd(33)}${'a second'.padStart(12)}${'× a map'.padStart(10)}${'refused'.padStart(10)}`,
  ]
    .concat(lines)
    .join('\n')
}

/** Every account's clients in turn. */
function requestsOf({ accounts, clients }: Case): BudgetRequest[] {
  const { signal } = new AbortController()
  return Array.from({ length: accounts * clients }, (_, index) => ({
    account: `user:${index % accounts}`,
    isVouchedFor: true,
    resource: 'core',
    client: { group: `address:192.0.2.${Math.floor(index / accounts)}`, name: '' },
    isBackground: false,
    isWrite: false,
    units: 1,
    longestWait: 0,
    signal,
  }))
}

/** Answers with how many requests were refused. */
async function spend(
  ledger: BudgetLedger,
  time: { now: number },
  requests: readonly BudgetRequest[],
  operations: number,
  remaining: number,
): Promise<number> {
  // So that the last request finds the last unit.
  const limit = Math.ceil(operations / remaining)
  const step = (FILLED * HOUR) / operations
  const reset = (time.now + HOUR) / 1000
  const used = new Map<string, number>()
  let refused = 0
  for (let number = 0; number < operations; number++) {
    const request = requests[number % requests.length] as BudgetRequest
    const { account } = request
    time.now += step
    const pending = ledger.reserve(request)
    // What is there at once is not awaited: that would be measured too.
    const reservation = pending instanceof Promise ? await pending : pending
    if (!reservation.isGranted) {
      refused++
      continue
    }
    const spent = (used.get(account) ?? limit - Math.ceil(limit * remaining)) + 1
    used.set(account, spent)
    const stated: RateLimit = { resource: 'core', limit, remaining: limit - spent, used: spent, reset }
    const answer: BudgetAnswer = {
      account,
      isVouchedFor: true,
      stated,
      date: time.now,
      cost: 1,
      refused: undefined,
      retryAfter: undefined,
      isOrdinary: true,
    }
    reservation.settle(answer)
    reservation.end()
  }
  return refused
}

function count(requests: readonly BudgetRequest[], operations: number): number {
  const counts = new Map<string, number>()
  for (let number = 0; number < operations; number++) {
    const { account } = requests[number % requests.length] as BudgetRequest
    counts.set(account, (counts.get(account) ?? 0) + 1)
  }
  return counts.size
}

/** ms of real time. */
function timed(run: () => void): number {
  const begun = performance.now()
  run()
  return performance.now() - begun
}
