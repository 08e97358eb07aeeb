import { describe, expect, test } from 'vitest'
import type { BudgetRefusal, BudgetRequest, MaybePromise, Reservation } from '../../../src/ports.ts'
import { Account } from '../../../src/store/memory/ledger/account.ts'
import type { Budget } from '../../../src/store/memory/ledger/budget.ts'
import type { Verdict } from '../../../src/store/memory/ledger/decide.ts'
import { Lane } from '../../../src/store/memory/ledger/lane.ts'
import { Turns } from '../../../src/store/memory/ledger/turns.ts'
import { WaitingRoom } from '../../../src/store/memory/ledger/waiting.ts'
import { REQUEST } from '../../contract/ledger-desk.ts'
import { LedgerTime, microtasks, START } from '../../contract/ledger-time.ts'

interface Ruling {
  verdict: Verdict
  until: number
}

const WAIT: Ruling = { verdict: 'turn', until: Number.POSITIVE_INFINITY }
const GO: Ruling = { verdict: 'go', until: Number.POSITIVE_INFINITY }

/** Turns whose verdicts the test gives. */
class Bench {
  readonly time = new LedgerTime()
  readonly turns: Turns
  /** By the client's group. */
  readonly rulings = new Map<string, Ruling>()
  /** Whom something has become of, in that order. */
  readonly done: string[] = []
  decisions = 0
  #until = 0
  readonly #now = () => ({ local: this.time.now(), upstream: this.time.now() })

  constructor(maxWaiting = 100) {
    this.turns = new Turns({
      maxWaiting,
      scheduler: this.time,
      time: this.#now,
      decide: (_account, _budget, request) => {
        this.decisions++
        const { verdict, until } = this.rulings.get(request.client.group) ?? WAIT
        this.#until = until
        return verdict
      },
      until: () => this.#until,
      roll: () => {},
      grant: (request, account) => {
        this.rulings.delete(request.client.group)
        account.lane.enter(request.client.group)
        return { isGranted: true } as Reservation
      },
      refusal: (verdict, until) => ({ isGranted: false, why: verdict as 'share', retryAt: until, stated: undefined }),
    })
  }

  account(name = 'user:one', lane = new Lane(50)): Account {
    return new Account(name, lane, true)
  }

  wait(account: Account, group: string, ruling: Ruling, more: Partial<BudgetRequest> = {}): void {
    this.rulings.set(group, ruling)
    const request = { ...REQUEST, client: { group, name: '' }, signal: new AbortController().signal, ...more }
    this.#until = ruling.until
    const budget: Budget = account.budget(request.resource, 'unknown')
    const waiting = this.turns.wait(request, account, budget, ruling.verdict, this.#now())
    void this.#note(group, waiting)
  }

  async #note(group: string, waiting: MaybePromise<Reservation | BudgetRefusal>): Promise<void> {
    const result = await waiting
    this.done.push(`${group} ${result.isGranted ? 'goes' : result.why}`)
  }

  async serve(account: Account): Promise<void> {
    this.turns.serve(account.lane, this.#now())
    await microtasks()
  }

  async serveAll(isFull: () => boolean): Promise<void> {
    this.turns.serveAll(this.#now(), isFull)
    await microtasks()
  }
}

const share = (milliseconds: number): Ruling => ({ verdict: 'share', until: START + milliseconds })

describe('a waiting room', () => {
  test('knows which group waits with the most, and forgets those who have left', () => {
    const room = new WaitingRoom(10)
    for (const group of ['a', 'b', 'b', 'c', 'c']) room.enter(group)
    expect([room.waiting, room.largestGroup('a'), room.largestGroup('c'), room.largestGroup('d')]).toEqual([
      5,
      'b',
      'c',
      'b',
    ])
    for (const group of ['b', 'b', 'c', 'c', 'a']) room.leave(group)
    expect([room.waiting, room.largestGroup('d')]).toEqual([0, 'd'])
  })
})

describe('turns', () => {
  test('one alarm is set for a lane, for the first moment at which anything may change', async () => {
    const bench = new Bench()
    const account = bench.account()
    bench.wait(account, 'a', WAIT)
    expect(bench.time.alarms).toBe(0)
    bench.wait(account, 'b', share(5000), { longestWait: 9000, resource: 'b' })
    expect([bench.time.alarms, bench.time.toNext]).toEqual([1, 5000])
    bench.wait(account, 'c', share(7000), { longestWait: 9000, resource: 'c' })
    expect([bench.time.alarms, bench.time.toNext]).toEqual([1, 5000])
    bench.wait(account, 'd', { verdict: 'turn', until: START + 1000.5 }, { resource: 'd' })
    expect([bench.time.alarms, bench.time.toNext]).toEqual([1, 1001])
    bench.rulings.set('d', WAIT)
    await bench.time.pass(1001)
    expect([bench.time.alarms, bench.time.toNext]).toEqual([1, 3999])
    expect(bench.done).toEqual([])
  })

  test('a deadline is looked at even when nothing may go before it', async () => {
    const bench = new Bench()
    const account = bench.account()
    bench.wait(account, 'a', share(5000), { longestWait: 5000 })
    bench.rulings.set('a', share(6000))
    await bench.time.pass(5000)
    expect(bench.done).toEqual(['a share'])
    expect(bench.time.alarms).toBe(0)
  })

  test('whoever may go at last when time is up goes', async () => {
    const bench = new Bench()
    bench.wait(bench.account(), 'a', share(5000), { longestWait: 5000 })
    bench.rulings.set('a', GO)
    await bench.time.pass(5000)
    expect(bench.done).toEqual(['a goes'])
  })

  test('an alarm that was for now is not for never', async () => {
    const bench = new Bench()
    bench.wait(bench.account(), 'a', share(0), { longestWait: 5000 })
    expect(bench.time.toNext).toBe(1)
  })

  test('all go who may, the full lane excepted', async () => {
    const bench = new Bench()
    const account = bench.account('user:one', new Lane(2))
    for (const group of ['a', 'b', 'c']) bench.wait(account, group, WAIT)
    for (const group of ['a', 'b', 'c']) bench.rulings.set(group, GO)
    await bench.serve(account)
    expect(bench.done).toEqual(['a goes', 'b goes'])
    account.lane.leave('a', 1)
    await bench.serve(account)
    expect(bench.done).toEqual(['a goes', 'b goes', 'c goes'])
    expect(account.waiting).toBe(0)
  })

  test('a lane that is full is looked through for those whom a pause refuses', async () => {
    const bench = new Bench()
    const account = bench.account('user:one', new Lane(1))
    account.lane.enter('x')
    bench.wait(account, 'a', WAIT)
    bench.rulings.set('a', { verdict: 'paused', until: START + 1000 })
    await bench.serve(account)
    expect(bench.done).toEqual([])
    account.pausedUntil = START + 1000
    await bench.serve(account)
    expect(bench.done).toEqual(['a paused'])
  })

  test('room in common goes round the lanes, the one that was served last coming last', async () => {
    const bench = new Bench()
    const [one, two] = [bench.account('user:one'), bench.account('user:two')]
    for (const group of ['a', 'b', 'c']) bench.wait(one, group, WAIT)
    bench.wait(two, 'd', WAIT)
    bench.wait(two, 'e', WAIT)
    for (const group of 'abcde') bench.rulings.set(group, GO)
    let room = 2
    await bench.serveAll(() => room-- === 0)
    expect(bench.done).toEqual(['a goes', 'd goes'])
    room = 2
    await bench.serveAll(() => room-- === 0)
    expect(bench.done).toEqual(['a goes', 'd goes', 'b goes', 'e goes'])
    await bench.serveAll(() => false)
    expect(bench.done).toHaveLength(5)
    expect(bench.turns.waiting).toBe(0)
  })

  test('a thousand who wait alike are decided on once', async () => {
    const bench = new Bench(2000)
    const account = bench.account()
    for (let index = 0; index < 1000; index++) bench.wait(account, 'a', WAIT)
    bench.decisions = 0
    await bench.serve(account)
    expect(bench.decisions).toBe(1)
  })

  test.each<[string, Partial<BudgetRequest>]>([
    ['a write', { isWrite: true }],
    ['background work', { isBackground: true }],
    ['one that costs nothing', { units: 0 }],
    ['one for another resource', { resource: 'search' }],
  ])('what is decided of one says nothing of %s', async (_what, more) => {
    const bench = new Bench()
    const account = bench.account()
    bench.wait(account, 'a', WAIT)
    bench.wait(account, 'b', WAIT, more)
    bench.rulings.set('a', { verdict: 'exhausted', until: START + 1000 })
    bench.rulings.set('b', GO)
    await bench.serve(account)
    expect(bench.done.sort()).toEqual(['a exhausted', 'b goes'])
  })

  test('nor of another account in the same lane', async () => {
    const bench = new Bench()
    const lane = new Lane(10)
    const [one, two] = [bench.account('credential:1', lane), bench.account('credential:2', lane)]
    bench.wait(one, 'a', WAIT)
    bench.wait(two, 'b', WAIT)
    bench.rulings.set('a', { verdict: 'exhausted', until: START + 1000 })
    bench.rulings.set('b', GO)
    await bench.serve(one)
    expect(bench.done.sort()).toEqual(['a exhausted', 'b goes'])
  })

  test('a share is each client’s own', async () => {
    const bench = new Bench()
    const account = bench.account()
    bench.wait(account, 'a', WAIT)
    bench.wait(account, 'b', WAIT)
    bench.rulings.set('a', share(1000))
    bench.rulings.set('b', GO)
    await bench.serve(account)
    expect(bench.done.sort()).toEqual(['a share', 'b goes'])
  })

  test('of a budget that is shared whoever has used less of it goes first; else whoever has less on its way', async () => {
    for (const isShared of [true, false]) {
      const bench = new Bench()
      const account = bench.account()
      const budget = account.budget('core', 'unknown')
      if (isShared) budget.pace.keep(10, 0, 1000)
      bench.wait(account, 'much used', WAIT)
      bench.wait(account, 'much on its way', WAIT)
      budget.shares.take(budget.shares.memberOf({ group: 'much used', name: '' }))
      account.lane.enter('much on its way')
      bench.rulings.set('much used', GO)
      bench.rulings.set('much on its way', GO)
      await bench.serve(account)
      const order = isShared ? ['much on its way goes', 'much used goes'] : ['much used goes', 'much on its way goes']
      expect(bench.done).toEqual(order)
    }
  })

  test('the group comes before the name: many names do not get ahead by having used little each', async () => {
    const bench = new Bench()
    const account = bench.account()
    const { pace, shares } = account.budget('core', 'unknown')
    pace.keep(10, 0, 1000)
    for (const name of ['x', 'y', 'z']) shares.take(shares.memberOf({ group: 'many', name }))
    for (let index = 0; index < 2; index++) shares.take(shares.memberOf({ group: 'one', name: '' }))
    bench.wait(account, 'many', WAIT, { client: { group: 'many', name: 'x' } })
    bench.wait(account, 'one', WAIT)
    for (const group of ['many', 'one']) bench.rulings.set(group, GO)
    await bench.serve(account)
    expect(bench.done).toEqual(['one goes', 'many goes'])
  })

  test('of two that have used the same the one comes first whose name has used less, then who came first', async () => {
    const bench = new Bench()
    const account = bench.account()
    const budget = account.budget('core', 'unknown')
    budget.pace.keep(10, 0, 1000)
    for (const name of ['x', 'y', 'z']) bench.wait(account, name, WAIT, { client: { group: 'a', name } })
    budget.shares.take(budget.shares.memberOf({ group: 'a', name: 'x' }))
    for (let index = 0; index < 3; index++) {
      bench.rulings.set('a', GO)
      await bench.serve(account)
    }
    expect(bench.done).toEqual(['y goes', 'z goes', 'x goes'])
  })

  test('of the one who came last of the largest group there is one less, wherever it waits', async () => {
    const bench = new Bench(8)
    const [one, two] = [bench.account('user:one'), bench.account('user:two')]
    for (const account of [one, two, one]) bench.wait(account, 'large', WAIT)
    bench.wait(two, 'small', WAIT)
    bench.wait(two, 'medium', WAIT)
    bench.wait(two, 'medium', WAIT)
    await microtasks()
    expect(bench.done).toEqual([])
    bench.wait(one, 'new', WAIT)
    await microtasks()
    expect(bench.done).toEqual(['large busy'])
    expect([one.waiting, two.waiting]).toEqual([2, 4])
    // Now two groups wait with two each: none has more than this one would have.
    bench.wait(one, 'small', WAIT)
    await microtasks()
    expect(bench.done).toEqual(['large busy', 'small busy'])
  })

  test('whoever goes at once needs no place to wait', async () => {
    const bench = new Bench(0)
    const account = bench.account()
    bench.wait(account, 'a', GO)
    bench.wait(account, 'b', WAIT)
    await microtasks()
    expect(bench.done.sort()).toEqual(['a goes', 'b busy'])
  })
})
