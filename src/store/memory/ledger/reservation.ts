import type { BudgetAnswer, BudgetRequest, Reservation } from '../../../ports.ts'
import type { Account } from './account.ts'
import type { Budget } from './budget.ts'
import type { Member, Shares } from './shares.ts'

/** What the ledger does when something becomes of a request. */
export interface Bookkeeper {
  settle(granted: Granted, answer: BudgetAnswer): void
  lose(granted: Granted): void
  giveBack(granted: Granted): void
  end(granted: Granted): void
}

/** One request's place in the budgets. Whatever is called twice counts once: nothing is given back that was not taken. */
export class Granted implements Reservation {
  readonly isGranted = true
  readonly request: BudgetRequest
  readonly account: Account
  readonly budget: Budget
  /** In the order in which questions are sent. */
  readonly number: number
  /** Points that were spent on it, and when: epoch ms, local. */
  readonly points: number
  readonly sentAt: number
  /** The shares that its unit is counted in: those of the window that it was taken from. */
  readonly shares: Shares
  /** Whose unit it is; `undefined` where it costs none. */
  readonly member: Member | undefined
  readonly #books: Bookkeeper
  #isSettled = false
  #isOver = false

  constructor(
    books: Bookkeeper,
    request: BudgetRequest,
    account: Account,
    budget: Budget,
    member: Member | undefined,
    number: number,
    points: number,
    sentAt: number,
  ) {
    this.#books = books
    this.request = request
    this.account = account
    this.budget = budget
    this.member = member
    this.number = number
    this.points = points
    this.sentAt = sentAt
    this.shares = budget.shares
  }

  get isLimited(): boolean {
    return this.account.isLimited
  }

  settle(answer: BudgetAnswer): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#books.settle(this, answer)
  }

  lose(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#books.lose(this)
  }

  giveBack(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#books.giveBack(this)
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    // Nothing was said of it: it may have been sent.
    this.lose()
    this.#books.end(this)
  }
}
