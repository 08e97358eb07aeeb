import { Budget, type Now } from './budget.ts'
import type { Lane } from './lane.ts'
import { Points } from './points.ts'

/** Without a hint the upstream wants at least so long a pause, ms (GitHub REST documentation, "Exceeding the rate limit"). */
const SHORTEST_GUESS = 60_000
/** Pauses grow up to this, and no hint is obeyed for longer: then one question finds out, ms. */
const LONGEST_PAUSE = 3_600_000
/** Everybody else waits for the same moment: a part of the pause, and at most so many ms, is added by chance. */
const JITTER = 0.1
const MOST_JITTER = 5000
/** Resources of one account; upstreams name some fourteen, and what they send is not trusted to stay that few. */
const MOST_RESOURCES = 32

/** Whom the upstream charges: its budgets, and what it may do at a time. */
export class Account {
  name: string
  readonly lane: Lane
  readonly isVouchedFor: boolean
  readonly budgets = new Map<string, Budget>()
  /** Requests on their way, and of these such as may change something. */
  inFlight = 0
  writes = 0
  /** Requests that wait for their turn, and of these such as may change something. */
  waiting = 0
  waitingWrites = 0
  /** Epoch ms by the gateway's clock. */
  pausedUntil = 0
  #points: Points | undefined
  #graphqlPoints: Points | undefined
  /** The last question sent before the pause: what is answered of those that were out is no sign that it is over. */
  #pausedAt = 0
  #pauses = 0

  constructor(name: string, lane: Lane, isVouchedFor: boolean) {
    this.name = name
    this.lane = lane
    this.isVouchedFor = isVouchedFor
  }

  /** Whether the upstream limits it at all, as far as is known. */
  get isLimited(): boolean {
    if (this.#pauses > 0) return true
    for (const budget of this.budgets.values()) if (budget.state === 'known') return true
    return false
  }

  /** What it asked for in the last minute: GraphQL is counted by itself. Most accounts are never limited, and need none. */
  pointsFor(resource: string): Points {
    if (resource !== 'graphql') {
      this.#points ??= new Points()
      return this.#points
    }
    this.#graphqlPoints ??= new Points()
    return this.#graphqlPoints
  }

  budget(resource: string, assumed: Budget['state']): Budget {
    return this.budgets.get(resource) ?? this.#newBudget(resource, assumed)
  }

  /**
   * The upstream has asked to be left alone. Refusals of questions that were out together are one sign, not many.
   *
   * @param hint ms, where the upstream said how long
   * @param number of the question that was refused
   * @param random from 0 to 1
   */
  pause(hint: number | undefined, number: number, lastSent: number, now: number, random: number): void {
    if (number > this.#pausedAt) {
      this.#pauses++
      this.#pausedAt = lastSent
    }
    // A late refusal from before a pause that is over may come when there is none to count.
    const guess = SHORTEST_GUESS * 2 ** Math.min(Math.max(this.#pauses - 1, 0), 10)
    const wait = Math.min(Math.max(hint ?? guess, 1000), LONGEST_PAUSE)
    const until = now + wait + random * Math.min(wait * JITTER, MOST_JITTER)
    this.pausedUntil = Math.max(this.pausedUntil, until)
    this.startSlowly(lastSent)
  }

  /** What was taken for another account is this one: if it was asked to be left alone, that was meant for this. */
  takeOver({ pausedUntil }: Account, lastSent: number, now: number): void {
    if (pausedUntil <= now) return
    this.pausedUntil = Math.max(this.pausedUntil, pausedUntil)
    this.#pauses = Math.max(this.#pauses, 1)
    this.#pausedAt = lastSent
    this.startSlowly(lastSent)
  }

  /** One request first, then more. Those that the upstream has not accepted share a lane, and slow down nobody else in it. */
  startSlowly(lastSent: number): void {
    if (this.isVouchedFor) this.lane.startSlowly(lastSent)
  }

  /** Numbers of what was taken for another account; and who used what, where nobody has used any of it by this name. */
  inherit({ budgets }: Account, lastSent: number, now: Now, openingDelay: () => number): void {
    for (const budget of budgets.values()) {
      const stated = budget.stated(now)
      if (stated === undefined) continue
      const own = this.budget(budget.resource, 'unknown')
      own.roll(now)
      own.observe(stated, 0, lastSent, now, undefined, openingDelay)
      if (own.shares.used === 0) own.shares = budget.shares
    }
  }

  /** A question was answered as usual. */
  answered(number: number): void {
    if (number > this.#pausedAt) this.#pauses = 0
  }

  #newBudget(resource: string, assumed: Budget['state']): Budget {
    if (this.budgets.size >= MOST_RESOURCES) this.#forgetBudget()
    const budget = new Budget(resource)
    budget.state = assumed
    this.budgets.set(resource, budget)
    return budget
  }

  /** The one that was not used for longest. */
  #forgetBudget(): void {
    let oldest: Budget | undefined
    for (const budget of this.budgets.values()) {
      const isOlder = oldest === undefined || budget.lastUsedAt < oldest.lastUsedAt
      if (budget.inFlight === 0 && isOlder) oldest = budget
    }
    if (oldest !== undefined) this.budgets.delete(oldest.resource)
  }
}
