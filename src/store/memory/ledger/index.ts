import { LRUCache } from 'lru-cache'
import type {
  BudgetAnswer,
  BudgetLedger,
  BudgetRefusal,
  BudgetReport,
  BudgetRequest,
  Clock,
  MaybePromise,
  RateLimit,
  Reservation,
  Scheduler,
} from '../../../ports.ts'
import { Account } from './account.ts'
import type { Budget, Heard, Now } from './budget.ts'
import { Decision, pointsOf, type Verdict } from './decide.ts'
import { Lane } from './lane.ts'
import { accountsReport } from './report.ts'
import { Granted } from './reservation.ts'
import type { Member } from './shares.ts'
import { Turns } from './turns.ts'
import { UpstreamClock } from './upstream-clock.ts'

export interface LedgerOptions {
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** From 0 to 1, by chance: so that not everybody comes back in the same moment. */
  readonly random: () => number
  /** How many accounts are remembered; and as many credentials that the upstream has not accepted. */
  readonly maxAccounts: number
  /** Requests of one account on their way at a time. */
  readonly concurrency: number
  /** Of all accounts together. */
  readonly totalConcurrency: number
  /** Requests that may wait at a time, for whatever. */
  readonly maxWaiting: number
  /** Of one account in a minute, for REST, where the upstream limits; 0: not counted. */
  readonly pointsPerMinute: number
  /** The part of each budget that background work may not touch, 0 to 1. */
  readonly reserve: number
}

/** What part of all concurrency those have together whom the upstream has not accepted yet. */
const UNVOUCHED = 1 / 4
/** The next window is used at most so long after it begins, ms. */
const OPENING_DELAY = 1000
/** An upstream that has stated limits to anybody so lately (ms) is taken to have some for those it has not been heard of. */
const LIMITS_REMEMBERED = 3_600_000
/** The ledger of budgets in this process. */
export function memoryBudgetLedger(options: LedgerOptions): BudgetLedger {
  return new MemoryBudgetLedger(options)
}

/**
 * Decides at once where nobody waits. Every question that is sent has a number; answers are told by it from those that they
 * overtook.
 */
class MemoryBudgetLedger implements BudgetLedger {
  readonly #options: LedgerOptions
  readonly #decision: Decision
  readonly #turns: Turns
  readonly #upstreamClock = new UpstreamClock()
  readonly #accounts: LRUCache<string, Account>
  /** Of credentials that the upstream has not accepted: they must not push out those that it has. */
  readonly #unvouched: LRUCache<string, Account>
  readonly #unvouchedLane: Lane
  readonly #now = { local: 0, upstream: 0 }
  #inFlight = 0
  #sent = 0
  /** Whether this upstream states no limits, as far as those whom it accepts are told; and when it stated some, epoch ms. */
  #isUnlimited = false
  #limitsHeardAt = Number.NEGATIVE_INFINITY
  readonly #openingDelay = () => this.#options.random() * OPENING_DELAY
  readonly #isFull = () => this.#inFlight >= this.#options.totalConcurrency

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#decision = new Decision(options)
    this.#turns = new Turns({
      maxWaiting: options.maxWaiting,
      scheduler: options.scheduler,
      time: () => this.#time(),
      decide: (account, budget, request, now) => this.#decide(account, budget, request, now),
      until: () => this.#decision.until,
      roll: (account, budget, now) => this.#roll(account, budget, now),
      grant: (request, account, budget, now) => this.#grant(request, account, budget, now),
      refusal: (verdict, until, budget, request, now) => this.#refusal(verdict, until, budget, request, now),
    })
    this.#accounts = new LRUCache({ max: options.maxAccounts })
    this.#unvouched = new LRUCache({ max: options.maxAccounts })
    this.#unvouchedLane = new Lane(
      Math.max(1, Math.min(options.concurrency, Math.floor(options.totalConcurrency * UNVOUCHED))),
    )
  }

  reserve(request: BudgetRequest): MaybePromise<Reservation | BudgetRefusal> {
    const account = this.#account(request.account, request.isVouchedFor)
    const now = this.#time()
    const budget = account.budget(request.resource, this.#assumed(now))
    this.#roll(account, budget, now)
    // From now on it is one of those that share, also if it is refused.
    if (request.units > 0) budget.shares.memberOf(request.client)
    const verdict = this.#decide(account, budget, request, now)
    if (verdict === 'go') {
      if (!this.#turns.isAnyWaiting(account.lane)) return this.#grant(request, account, budget, now)
    } else if (verdict !== 'turn') {
      const { until } = this.#decision
      if (until > now.local + request.longestWait) return this.#refusal(verdict, until, budget, request, now)
    }
    return this.#turns.wait(request, account, budget, verdict, now)
  }

  observe(name: string, stated: RateLimit): void {
    const account = this.#accounts.get(name) ?? this.#unvouched.get(name) ?? this.#account(name, true)
    const now = this.#time()
    const budget = account.budget(stated.resource, this.#assumed(now))
    // Where nobody has asked since, a window that is over would still stand in the way of the numbers of the next one.
    this.#roll(account, budget, now)
    budget.observe(stated, 0, this.#sent, now, undefined, this.#openingDelay)
  }

  join(name: string, other: string): void {
    const before = this.#accounts.get(name)
    if (before === undefined || name === other) return
    if (!this.#accounts.has(other)) {
      // By its new name it is what it was, what is on its way included.
      this.#accounts.delete(name)
      before.name = other
      this.#accounts.set(other, before)
      return
    }
    const account = this.#account(other, true)
    const now = this.#time()
    account.inherit(before, this.#sent, now, this.#openingDelay)
    account.takeOver(before, this.#sent, now.local)
    this.#turns.move(before, account, this.#assumed(now))
    this.#accounts.delete(name)
    this.#turns.serve(account.lane, now)
  }

  latest(name: string, resource: string, heardWithin?: number): RateLimit | undefined {
    const account = this.#accounts.peek(name) ?? this.#unvouched.peek(name)
    const budget = account?.budgets.get(resource)
    if (budget === undefined) return undefined
    const now = this.#time()
    if (heardWithin !== undefined && now.local - budget.heardAt > heardWithin) return undefined
    return budget.stated(now)
  }

  report(): BudgetReport {
    const now = this.#time()
    const all = [...this.#accounts.values(), ...this.#unvouched.values()]
    return { inFlight: this.#inFlight, waiting: this.#turns.waiting, ...accountsReport(all, now) }
  }

  /** For `Granted`: the question was answered. */
  settle(granted: Granted, answer: BudgetAnswer): void {
    const { account, budget, number, request } = granted
    // What strangers are told must not move anybody's wait, though it is the upstream's own time.
    if (answer.date !== undefined && answer.isVouchedFor) {
      this.#upstreamClock.heard(answer.date, granted.sentAt, this.#options.clock.now())
    }
    const now = this.#time()
    const { stated, refused } = answer
    const isSameAccount = answer.account === account.name && answer.isVouchedFor === account.isVouchedFor
    const charged = isSameAccount ? account : this.#account(answer.account, answer.isVouchedFor)
    const isSame = isSameAccount && (stated === undefined || stated.resource === budget.resource)
    const target = isSame ? budget : charged.budget(stated?.resource ?? budget.resource, this.#assumed(now))
    const heard = this.#hear(target, answer, number, now)
    if (request.units > 0) this.#charge(granted, isSame ? undefined : target, answer, heard, now)
    if (refused === 'primary' && heard === 'counts') {
      target.refused(number)
    } else if (refused !== undefined) {
      charged.pause(answer.retryAfter, number, this.#sent, now.local, this.#options.random())
    } else {
      charged.answered(number)
      charged.lane.grow(number)
    }
    if (!isSameAccount && charged.isVouchedFor) {
      // The upstream has counted it where it belongs, and so must what follows.
      if (granted.points > 0) charged.pointsFor(request.resource).spend(granted.points, granted.sentAt)
      charged.takeOver(account, this.#sent, now.local)
      this.#turns.move(account, charged, this.#assumed(now))
      this.#unvouched.delete(account.name)
    }
    this.#turns.serve(account.lane, now)
    if (charged.lane !== account.lane) this.#turns.serve(charged.lane, now)
  }

  /** For `Granted`: it was sent and not answered. */
  lose({ account, budget, request }: Granted): void {
    if (request.units > 0) {
      budget.land()
      budget.countLost(this.#sent)
    }
    this.#turns.serve(account.lane, this.#time())
  }

  /** For `Granted`: it was not sent. */
  giveBack({ account, budget, request, shares, member, number, points, sentAt }: Granted): void {
    if (member !== undefined) {
      budget.giveBack(number)
      shares.giveBack(member)
    }
    if (points > 0) account.pointsFor(request.resource).giveBack(points, sentAt)
    this.#turns.serve(account.lane, this.#time())
  }

  /** For `Granted`: its place on the way is free. */
  end({ account, request, number }: Granted): void {
    const wasFull = this.#isFull()
    account.lane.leave(request.client.group, number)
    account.inFlight--
    if (request.isWrite) account.writes--
    this.#inFlight--
    if (this.#turns.waiting === 0) return
    // Where all of the room was taken, others have waited for it as long.
    if (wasFull) this.#turns.serveAll(this.#time(), this.#isFull)
    else this.#turns.serve(account.lane, this.#time())
  }

  #hear(target: Budget, { stated, date, isOrdinary }: BudgetAnswer, number: number, now: Now): Heard | undefined {
    if (stated === undefined) return undefined
    // Where nothing is ever allowed, nothing would have been answered.
    if (stated.limit === 0 && isOrdinary) return 'nonsense'
    return target.observe(stated, number, this.#sent, now, date, this.#openingDelay)
  }

  /**
   * Counts what an answer cost where it belongs.
   *
   * @param other the budget that was charged instead
   */
  #charge(granted: Granted, other: Budget | undefined, answer: BudgetAnswer, heard: Heard | undefined, now: Now): void {
    const { request, budget, shares, member, number } = granted
    const { cost, isOrdinary, isVouchedFor } = answer
    budget.land()
    if (member !== undefined && (other !== undefined || cost === 0)) shares.giveBack(member)
    if (other !== undefined && cost > 0) other.shares.take(other.shares.memberOf(request.client))
    const target = other ?? budget
    if (heard !== 'counts' && heard !== 'late') {
      if (isOrdinary) target.observeNothing(number, cost, this.#sent, heard === undefined)
      else if (cost > 0) target.countLost(this.#sent)
    }
    // Strangers could teach it, if what they are told counted.
    if (!isOrdinary || !isVouchedFor) return
    this.#isUnlimited = target.state === 'unlimited'
    if (!this.#isUnlimited) this.#limitsHeardAt = now.local
  }

  /** What a budget is taken for that nothing is known of. */
  #assumed(now: Now): Budget['state'] {
    return this.#isUnlimited && now.local - this.#limitsHeardAt >= LIMITS_REMEMBERED ? 'unlimited' : 'unknown'
  }

  #roll(account: Account, budget: Budget, now: Now): void {
    budget.roll(now)
    if (budget.hasBegun()) account.startSlowly(this.#sent)
  }

  #decide(account: Account, budget: Budget, request: BudgetRequest, now: Now): Verdict {
    const verdict = this.#decision.decide(account, budget, request, now)
    return verdict === 'go' && this.#isFull() ? 'turn' : verdict
  }

  #grant(request: BudgetRequest, account: Account, budget: Budget, now: Now): Reservation {
    const number = ++this.#sent
    let member: Member | undefined
    if (request.units > 0) {
      member = budget.shares.memberOf(request.client)
      budget.take(number, now)
      budget.shares.take(member)
    }
    account.lane.enter(request.client.group)
    account.inFlight++
    if (request.isWrite) account.writes++
    this.#inFlight++
    const points = budget.state === 'unlimited' || this.#options.pointsPerMinute === 0 ? 0 : pointsOf(request)
    if (points > 0) account.pointsFor(request.resource).spend(points, now.local)
    return new Granted(this, request, account, budget, member, number, points, now.local)
  }

  #refusal(verdict: Verdict, until: number, budget: Budget, { client }: BudgetRequest, now: Now): BudgetRefusal {
    const why = verdict === 'exhausted' || verdict === 'share' ? verdict : 'paused'
    const stated = budget.stated(now)
    if (why !== 'share' || stated === undefined) return { isGranted: false, why, retryAt: until, stated }
    // Those who have had less come first, one unit each: coming sooner is in vain.
    const { pace, shares, available } = budget
    const turn = pace.opensAt(available) + pace.interval * shares.rankOf(shares.memberOf(client))
    const retryAt = this.#upstreamClock.whenItIs(Math.min(turn, stated.reset * 1000))
    return { isGranted: false, why, retryAt: Math.max(retryAt, now.local + 1000), stated }
  }

  #account(name: string, isVouchedFor: boolean): Account {
    const accounts = isVouchedFor ? this.#accounts : this.#unvouched
    const known = accounts.get(name)
    if (known !== undefined) return known
    const lane = isVouchedFor ? new Lane(this.#options.concurrency) : this.#unvouchedLane
    const account = new Account(name, lane, isVouchedFor)
    accounts.set(name, account)
    return account
  }

  /** One object, filled anew each time: it is asked for at every step. */
  #time(): Now {
    this.#now.local = this.#options.clock.now()
    this.#now.upstream = this.#upstreamClock.at(this.#now.local)
    return this.#now
  }
}
