import type { BudgetRefusal, BudgetRequest, Reservation } from '../../../ports.ts'
import type { Account } from './account.ts'
import type { Budget } from './budget.ts'

/** A request that waits for its turn, or for budget. */
export interface Waiter {
  readonly request: BudgetRequest
  /** Changes when it turns out whose its credential is. */
  account: Account
  budget: Budget
  /** When it has waited for as long as it may for anything but its turn: epoch ms. */
  readonly deadline: number
  settle(result: Reservation | BudgetRefusal): void
}

/** Those who wait for one lane, in the order in which they came, and the alarm for when it may be somebody's turn. */
export interface Queue {
  readonly waiters: Set<Waiter>
  /** Epoch ms, local; `Infinity`: nothing is set. */
  wakeAt: number
  cancelWake: (() => void) | undefined
}

/** Places to wait. Whoever would take more than others do is refused first, so that nobody can keep the others out. */
export class WaitingRoom {
  readonly most: number
  waiting = 0
  readonly #byGroup = new Map<string, number>()

  constructor(most: number) {
    this.most = most
  }

  enter(group: string): void {
    this.waiting++
    this.#byGroup.set(group, (this.#byGroup.get(group) ?? 0) + 1)
  }

  leave(group: string): void {
    this.waiting--
    const left = (this.#byGroup.get(group) ?? 1) - 1
    if (left > 0) this.#byGroup.set(group, left)
    else this.#byGroup.delete(group)
  }

  /** The group that waits with the most requests; of several alike this one. */
  largestGroup(preferred: string): string {
    let largest = preferred
    let most = this.#byGroup.get(preferred) ?? 0
    for (const [group, count] of this.#byGroup) if (count > most) [largest, most] = [group, count]
    return largest
  }
}
