import { Failure } from '../../../errors.ts'
import type { BudgetRefusal, BudgetRequest, MaybePromise, Reservation, Scheduler } from '../../../ports.ts'
import type { Account } from './account.ts'
import type { Budget, Now } from './budget.ts'
import type { Verdict } from './decide.ts'
import type { Lane } from './lane.ts'
import { type Queue, type Waiter, WaitingRoom } from './waiting.ts'

/** What part of all places to wait those have together whom the upstream has not accepted: they push out no others. */
const UNVOUCHED = 1 / 4
/** Writes of one account that may wait: they go one a second, and who waits for longer has left. */
const MOST_WAITING_WRITES = 30

export interface TurnsOptions {
  /** Requests that may wait at a time. */
  readonly maxWaiting: number
  readonly scheduler: Scheduler
  /** The time now. */
  time(): Now
  /** Whether a request may go. */
  decide(account: Account, budget: Budget, request: BudgetRequest, now: Now): Verdict
  /** When it makes sense to decide again what was decided last: epoch ms, local. */
  until(): number
  /** A window of the budget may have begun. */
  roll(account: Account, budget: Budget, now: Now): void
  grant(request: BudgetRequest, account: Account, budget: Budget, now: Now): Reservation
  /** @param until of the decision: epoch ms, local */
  refusal(verdict: Verdict, until: number, budget: Budget, request: BudgetRequest, now: Now): BudgetRefusal
}

/**
 * Those who wait. They are looked through whenever something happens that may let one of them go, and when time alone may:
 * the least served first, background work last. Whoever leaves is gone at once and leaves nothing behind.
 */
export class Turns {
  readonly #options: TurnsOptions
  /** Where somebody waits; the lane that was served last is at the end. */
  readonly #queues = new Map<Lane, Queue>()
  readonly #vouched: WaitingRoom
  readonly #unvouched: WaitingRoom

  constructor(options: TurnsOptions) {
    this.#options = options
    const forUnvouched = Math.floor(options.maxWaiting * UNVOUCHED)
    this.#unvouched = new WaitingRoom(forUnvouched)
    this.#vouched = new WaitingRoom(options.maxWaiting - forUnvouched)
  }

  get waiting(): number {
    return this.#vouched.waiting + this.#unvouched.waiting
  }

  isAnyWaiting(lane: Lane): boolean {
    return this.#queues.size > 0 && this.#queues.has(lane)
  }

  /**
   * Waits until it is granted or refused. Rejects with `client-gone` when its signal aborts.
   *
   * @param verdict what was decided of it just now; `go`: but others wait already; it may wait for what it is to wait for
   */
  wait(
    request: BudgetRequest,
    account: Account,
    budget: Budget,
    verdict: Verdict,
    now: Now,
  ): MaybePromise<Reservation | BudgetRefusal> {
    const { signal } = request
    if (signal.aborted) return Promise.reject(new Failure('client-gone'))
    const until = this.#options.until()
    if (request.isWrite && account.waitingWrites >= MOST_WAITING_WRITES) {
      return refused('paused', 1000 * account.waitingWrites, budget, now)
    }
    let result: Reservation | BudgetRefusal | undefined
    let resolve: ((result: Reservation | BudgetRefusal) => void) | undefined
    const waiter: Waiter = {
      request,
      account,
      budget,
      deadline: now.local + request.longestWait,
      settle: (settled) => {
        result = settled
        resolve?.(settled)
      },
    }
    const queue = this.#add(waiter)
    if (verdict === 'go') this.serve(account.lane, now)
    else this.#wakeBy(until, queue, account.lane, now)
    if (result === undefined) this.#makeRoom(waiter, now)
    if (result !== undefined) return result
    request.onWait?.()
    return new Promise((settle, reject) => {
      const leave = () => {
        if (this.#takeOut(waiter)) reject(new Failure('client-gone'))
      }
      resolve = (settled) => {
        signal.removeEventListener('abort', leave)
        settle(settled)
      }
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** Lets go whoever may, and refuses those for whom waiting has become hopeless; sets the time for the next look. */
  serve(lane: Lane, now: Now): void {
    const queue = this.#queues.get(lane)
    if (queue === undefined) return
    let isServed = true
    while (isServed) isServed = this.#serveOne(lane, queue, now)
  }

  /** Room that is common to all has become free: each lane in turn has some of it. */
  serveAll(now: Now, isFull: () => boolean): void {
    for (let isAnyServed = this.#queues.size > 0; isAnyServed; ) {
      isAnyServed = false
      for (const [lane, queue] of [...this.#queues]) {
        if (isFull()) return
        if (this.#serveOne(lane, queue, now)) isAnyServed = true
      }
    }
  }

  /** It has turned out whose credential it is that these waited with. */
  move(from: Account, to: Account, assumed: Budget['state']): void {
    if (from.waiting === 0) return
    for (const waiter of [...(this.#queues.get(from.lane)?.waiters ?? [])]) {
      if (waiter.account !== from) continue
      const { request } = waiter
      this.#takeOut(waiter)
      waiter.account = to
      waiter.budget = to.budget(request.resource, assumed)
      if (request.units > 0) waiter.budget.shares.memberOf(request.client)
      this.#add(waiter)
    }
  }

  /** @returns whether one was let go */
  #serveOne(lane: Lane, queue: Queue, now: Now): boolean {
    const [first] = queue.waiters
    // Nobody can go, and nobody is to be refused.
    if (first === undefined || (lane.isFull && first.account.pausedUntil <= now.local)) return false
    const next = this.#next(lane, queue, now)
    if (next === undefined) return false
    this.#takeOut(next)
    const { request, account, budget } = next
    next.settle(this.#options.grant(request, account, budget, now))
    // The other lanes have waited for longer now.
    if (this.#queues.delete(lane)) this.#queues.set(lane, queue)
    return true
  }

  /** Of those who wait, the one whose turn it is; where there is none, sets the alarm for when it may be somebody's. */
  #next(lane: Lane, queue: Queue, now: Now): Waiter | undefined {
    const { decide, until: decidedUntil, refusal, roll } = this.#options
    let best: Waiter | undefined
    let wakeAt = Number.POSITIVE_INFINITY
    let last: Waiter | undefined
    let verdict: Verdict = 'go'
    let until = 0
    for (const waiter of queue.waiters) {
      const { request, account, budget, deadline } = waiter
      // Many who wait alike are decided on once: they would be looked at one by one at every answer otherwise.
      const isDecided = last !== undefined && verdict !== 'go' && verdict !== 'share' && isAlike(waiter, last)
      if (!isDecided) {
        roll(account, budget, now)
        verdict = decide(account, budget, request, now)
        until = decidedUntil()
        last = waiter
      }
      if (verdict === 'go') {
        if (best === undefined || comesBefore(waiter, best, lane)) best = waiter
      } else if (verdict === 'turn' || until <= deadline) {
        wakeAt = Math.min(wakeAt, until)
      } else {
        this.#takeOut(waiter)
        waiter.settle(refusal(verdict, until, budget, request, now))
      }
    }
    if (best !== undefined) return best
    stopAlarm(queue)
    this.#wakeBy(wakeAt, queue, lane, now)
    return undefined
  }

  /** Looks again at that moment (epoch ms, local) or before. */
  #wakeBy(wakeAt: number, queue: Queue, lane: Lane, now: Now): void {
    if (wakeAt >= queue.wakeAt || queue.waiters.size === 0) return
    const { scheduler, time } = this.#options
    stopAlarm(queue)
    queue.wakeAt = wakeAt
    queue.cancelWake = scheduler.after(Math.max(1, Math.ceil(wakeAt - now.local)), () => {
      stopAlarm(queue)
      this.serve(lane, time())
    })
  }

  /** Where too many wait, one of the group that has most of the places is refused: the newcomer, or who came last of them. */
  #makeRoom(newcomer: Waiter, now: Now): void {
    const { isVouchedFor } = newcomer.account
    const room = this.#roomOf(newcomer.account)
    if (room.waiting <= room.most) return
    const own = newcomer.request.client.group
    const largest = room.largestGroup(own)
    const last = largest === own ? newcomer : (this.#lastOf(largest, isVouchedFor) ?? newcomer)
    this.#takeOut(last)
    // Whoever only waits for budget is told what that is about, as if there were no waiting.
    const { account, budget, request } = last
    const verdict = this.#options.decide(account, budget, request, now)
    const isBusy = verdict === 'go' || verdict === 'turn'
    const until = this.#options.until()
    last.settle(
      isBusy ? refused('busy', 1000, budget, now) : this.#options.refusal(verdict, until, budget, request, now),
    )
  }

  #lastOf(group: string, isVouchedFor: boolean): Waiter | undefined {
    let last: Waiter | undefined
    for (const { waiters } of this.#queues.values()) {
      for (const waiter of waiters) {
        if (waiter.request.client.group === group && waiter.account.isVouchedFor === isVouchedFor) last = waiter
      }
      if (last !== undefined) return last
    }
    return last
  }

  #roomOf({ isVouchedFor }: Account): WaitingRoom {
    return isVouchedFor ? this.#vouched : this.#unvouched
  }

  #add(waiter: Waiter): Queue {
    const { account, request } = waiter
    let queue = this.#queues.get(account.lane)
    if (queue === undefined) {
      queue = { waiters: new Set(), wakeAt: Number.POSITIVE_INFINITY, cancelWake: undefined }
      this.#queues.set(account.lane, queue)
    }
    queue.waiters.add(waiter)
    account.waiting++
    if (request.isWrite) account.waitingWrites++
    this.#roomOf(account).enter(request.client.group)
    return queue
  }

  /** @returns whether it was waiting */
  #takeOut(waiter: Waiter): boolean {
    const { account, request } = waiter
    const queue = this.#queues.get(account.lane)
    if (queue === undefined || !queue.waiters.delete(waiter)) return false
    account.waiting--
    if (request.isWrite) account.waitingWrites--
    this.#roomOf(account).leave(request.client.group)
    if (queue.waiters.size === 0) {
      this.#queues.delete(account.lane)
      stopAlarm(queue)
    }
    return true
  }
}

/** @param waits ms */
function refused(why: BudgetRefusal['why'], waits: number, budget: Budget, now: Now): BudgetRefusal {
  return { isGranted: false, why, retryAt: now.local + waits, stated: budget.stated(now) }
}

function stopAlarm(queue: Queue): void {
  queue.cancelWake?.()
  queue.cancelWake = undefined
  queue.wakeAt = Number.POSITIVE_INFINITY
}

function isAlike(one: Waiter, other: Waiter): boolean {
  if (one.account !== other.account || one.budget !== other.budget) return false
  const { isWrite, isBackground, units } = one.request
  return (
    isWrite === other.request.isWrite && isBackground === other.request.isBackground && units === other.request.units
  )
}

/**
 * Who of two that may both go is served first: background work last; of a budget that is being shared, whoever has used less
 * of it; else who has less on its way; then who came first.
 */
function comesBefore(one: Waiter, other: Waiter, lane: Lane): boolean {
  if (one.request.isBackground !== other.request.isBackground) return other.request.isBackground
  const [mine, theirs] = [memberOf(one), memberOf(other)]
  const isShared = one.budget === other.budget && one.budget.pace.isOn
  const used = mine.group.used - theirs.group.used || mine.used - theirs.used
  const onTheirWay = lane.ofGroup(mine.group.key) - lane.ofGroup(theirs.group.key)
  return (isShared ? used || onTheirWay : onTheirWay || used) < 0
}

function memberOf({ budget, request }: Waiter) {
  return budget.shares.memberOf(request.client)
}
