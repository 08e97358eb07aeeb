import { describe, expect, test } from 'vitest'
import { Account } from '../../../src/store/memory/ledger/account.ts'
import { Lane } from '../../../src/store/memory/ledger/lane.ts'
import { RESET, stated } from '../../contract/ledger-desk.ts'
import { START } from '../../contract/ledger-time.ts'

const MINUTE = 60_000

describe('an account', () => {
  test('is limited once a limit was stated, and while it is paused', () => {
    const account = new Account('user:one', new Lane(10), true)
    const budget = account.budget('core', 'unlimited')
    expect(account.isLimited).toBe(false)
    account.pause(undefined, 1, 1, START, 0)
    expect(account.isLimited).toBe(true)
    account.answered(2)
    expect(account.isLimited).toBe(false)
    budget.observe(stated(5), 3, 3, { local: START, upstream: START }, undefined, () => 0)
    expect(account.isLimited).toBe(true)
  })

  test('of a pause only what was asked since counts', () => {
    const account = new Account('user:one', new Lane(10), true)
    account.pause(undefined, 5, 8, START, 0)
    account.pause(undefined, 8, 8, START, 0)
    expect(account.pausedUntil).toBe(START + MINUTE)
    account.answered(8)
    account.pause(undefined, 9, 9, START, 0)
    expect(account.pausedUntil).toBe(START + 2 * MINUTE)
    account.answered(10)
    account.pause(undefined, 9, 10, START, 0)
    expect(account.pausedUntil).toBe(START + 2 * MINUTE)
    account.pause(undefined, 11, 11, START + 10 * MINUTE, 0)
    expect(account.pausedUntil).toBe(START + 11 * MINUTE)
  })

  test('takes over the pause of what was taken for another, as one that it was given now', () => {
    const [before, account] = ['credential:x', 'user:one'].map((name) => new Account(name, new Lane(10), true))
    account!.takeOver(before!, 5, START)
    expect([account!.pausedUntil, account!.lane.window, account!.isLimited]).toEqual([0, 10, false])
    before!.pause(10 * MINUTE, 1, 1, START, 0)
    account!.takeOver(before!, 5, START + MINUTE)
    expect([account!.pausedUntil, account!.lane.window, account!.isLimited]).toEqual([START + 10 * MINUTE, 1, true])
    // What was asked before is no sign that it is over, nor another sign of it.
    account!.answered(5)
    expect(account!.isLimited).toBe(true)
    account!.pause(undefined, 5, 5, START, 0)
    expect(account!.pausedUntil).toBe(START + 10 * MINUTE)
    account!.pause(undefined, 6, 6, START + 10 * MINUTE, 0)
    expect(account!.pausedUntil).toBe(START + 12 * MINUTE)
    before!.takeOver(new Account('user:two', new Lane(10), true), 5, START)
    account!.takeOver(before!, 7, START)
    expect(account!.pausedUntil).toBe(START + 12 * MINUTE)
    // One that is over is none.
    const other = new Account('user:three', new Lane(10), true)
    other.takeOver(before!, 7, START + 10 * MINUTE)
    expect([other.pausedUntil, other.lane.window]).toEqual([0, 10])
  })

  test('inherits the numbers of what was taken for another, and who used what where that is nobody here', () => {
    const now = { local: START, upstream: START }
    const client = { group: 'address:1', name: '' }
    const before = new Account('credential:x', new Lane(10), true)
    for (const [resource, remaining] of [
      ['core', 7],
      ['search', 5],
    ] as const) {
      const budget = before.budget(resource, 'unknown')
      budget.observe(stated(remaining, { resource }), 1, 1, now, undefined, () => 0)
      budget.shares.take(budget.shares.memberOf(client))
    }
    before.budget('graphql', 'unknown')
    const account = new Account('user:one', new Lane(10), true)
    const core = account.budget('core', 'unknown')
    core.observe(stated(9), 2, 2, now, undefined, () => 0)
    core.shares.take(core.shares.memberOf({ group: 'address:2', name: '' }))
    account.inherit(before, 2, now, () => 300)
    expect([...account.budgets.keys()]).toEqual(['core', 'search'])
    expect([core.remaining, core.shares.groups.has('address:1')]).toEqual([7, false])
    const search = account.budget('search', 'unknown')
    expect([search.state, search.remaining, search.shares.used]).toEqual(['known', 5, 1])
    expect(search.opensAt).toBe(RESET * 1000 + 300)
  })

  test('a window of its own that is over does not stand in the way of what it inherits', () => {
    const account = new Account('user:one', new Lane(10), true)
    const core = account.budget('core', 'unknown')
    core.observe(stated(9), 1, 1, { local: START, upstream: START }, undefined, () => 0)
    const before = new Account('credential:x', new Lane(10), true)
    const later = { local: RESET * 1000, upstream: RESET * 1000 }
    before.budget('core', 'unknown').observe(stated(4999, { reset: RESET + 3600 }), 2, 2, later, undefined, () => 0)
    account.inherit(before, 2, later, () => 0)
    expect(core.remaining).toBe(4999)
  })

  test('GraphQL has points of its own, REST has them together', () => {
    const account = new Account('user:one', new Lane(10), true)
    expect(account.pointsFor('core')).toBe(account.pointsFor('search'))
    expect(account.pointsFor('graphql')).toBe(account.pointsFor('graphql'))
    expect(account.pointsFor('graphql')).not.toBe(account.pointsFor('core'))
  })

  test('of thirty-two resources the one goes that was not used for longest, unless it is in use', () => {
    const account = new Account('user:one', new Lane(10), true)
    for (let index = 0; index < 32; index++) {
      account.budget(`${index}`, 'unknown').take(index + 1, { local: START + index, upstream: START + index })
      if (index !== 0) account.budget(`${index}`, 'unknown').land()
    }
    account.budget('1', 'unknown').take(40, { local: START + 99, upstream: START + 99 })
    account.budget('1', 'unknown').land()
    account.budget('new', 'unknown')
    expect([...account.budgets.keys()]).toEqual(
      Array.from({ length: 32 }, (_, index) => `${index}`)
        .filter((name) => name !== '2')
        .concat('new'),
    )
    expect(account.budget('new', 'unlimited').state).toBe('unknown')
  })

  test('those that the upstream has not accepted slow down nobody in the lane that they share', () => {
    const lane = new Lane(10)
    new Account('credential:x', lane, false).pause(undefined, 1, 1, START, 0)
    expect(lane.window).toBe(10)
    new Account('user:one', lane, true).pause(undefined, 1, 1, START, 0)
    expect(lane.window).toBe(1)
  })
})

describe('a lane', () => {
  test('has so many places', () => {
    const lane = new Lane(2)
    lane.enter('a')
    expect(lane.isFull).toBe(false)
    lane.enter('a')
    expect([lane.isFull, lane.ofGroup('a'), lane.ofGroup('b')]).toEqual([true, 2, 0])
    lane.leave('a', 1)
    expect([lane.isFull, lane.ofGroup('a')]).toEqual([false, 1])
  })

  test('starts slowly beside those that are on their way, and never has more places than before', () => {
    const lane = new Lane(4)
    for (let number = 1; number <= 3; number++) lane.enter('a')
    lane.startSlowly(3)
    expect(lane.isFull).toBe(false)
    lane.enter('b')
    expect(lane.isFull).toBe(true)
    lane.leave('a', 1)
    expect(lane.isFull).toBe(true)
    lane.grow(3)
    expect(lane.window).toBe(1)
    lane.grow(4)
    expect([lane.window, lane.isFull]).toEqual([2, false])
    lane.enter('b')
    lane.leave('b', 4)
    lane.leave('a', 2)
    lane.leave('a', 3)
    expect(lane.inFlight).toBe(1)
    lane.enter('b')
    expect(lane.isFull).toBe(true)
    for (let index = 0; index < 9; index++) lane.grow(9)
    expect(lane.window).toBe(4)
    lane.enter('b')
    lane.startSlowly(9)
    for (let index = 0; index < 9; index++) lane.grow(10)
    expect([lane.window, lane.isFull]).toEqual([4, false])
    lane.enter('b')
    expect([lane.inFlight, lane.isFull]).toEqual([4, true])
  })
})
