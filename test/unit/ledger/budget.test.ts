import { describe, expect, test } from 'vitest'
import type { RateLimit } from '../../../src/ports.ts'
import { Budget, type Heard, type Now } from '../../../src/store/memory/ledger/budget.ts'
import { LostUnits } from '../../../src/store/memory/ledger/lost.ts'
import { RESET, stated } from '../../contract/ledger-desk.ts'
import { START } from '../../contract/ledger-time.ts'

const HOUR = 3_600_000
const at = (milliseconds: number): Now => ({ local: START + milliseconds, upstream: START + milliseconds })
const CLIENT = { group: 'address:1', name: '' }

/** Numbers in the answer to the question with this number, the last that was sent, unless said otherwise. */
function hear(budget: Budget, numbers: RateLimit, number = 1, now = at(0), delay = 0, lastSent = number): Heard {
  return budget.observe(numbers, number, lastSent, now, undefined, () => delay)
}

function known(numbers = stated(5000)): Budget {
  const budget = new Budget('core')
  hear(budget, numbers)
  return budget
}

describe('a budget', () => {
  test('learns how long its windows are from the longest, and unlearns it when that was a mistake', () => {
    const budget = new Budget('core')
    expect(budget.length).toBe(0)
    hear(budget, stated(10, { reset: RESET - 1800 }))
    expect(budget.length).toBe(1800)
    budget.roll(at(HOUR))
    hear(budget, stated(10, { reset: RESET + 3600 }), 2, at(HOUR))
    expect(budget.length).toBe(3600)
    budget.roll(at(2 * HOUR))
    hear(budget, stated(10, { reset: RESET + 2 * 3600 }), 2, at(2.5 * HOUR))
    expect(budget.length).toBe(3600)
    hear(budget, stated(10, { reset: RESET + 20 * 3600 }), 3, at(HOUR))
    expect(budget.length).toBe(20 * 3600)
    // In the window that it is, most of which is over.
    hear(budget, stated(10, { reset: RESET + 3600 }), 4, at(HOUR + 60_000))
    expect(budget.length).toBe(3540)
  })

  test('draws the delay of its opening once a window', () => {
    const budget = new Budget('core')
    hear(budget, stated(10), 1, at(0), 300)
    expect(budget.opensAt).toBe(RESET * 1000 + 300)
    hear(budget, stated(9, { reset: RESET + 2 }), 2, at(0), 900)
    expect(budget.opensAt).toBe(RESET * 1000 + 2300)
    hear(budget, stated(9, { limit: 6000 }), 3, at(0), 900)
    expect(budget.opensAt).toBe(RESET * 1000 + 300)
    hear(budget, stated(9, { reset: RESET + 3600 }), 4, at(0), 900)
    expect(budget.opensAt).toBe((RESET + 3600) * 1000 + 900)
  })

  test('tells once that a window has begun, and only if somebody was kept back in the one before', () => {
    const budget = known()
    budget.roll(at(HOUR))
    expect(budget.hasBegun()).toBe(false)
    hear(budget, stated(0, { reset: RESET + 3600 }), 2, at(HOUR))
    budget.isAwaited = true
    budget.roll(at(2 * HOUR - 1))
    expect(budget.hasBegun()).toBe(false)
    budget.roll(at(2 * HOUR))
    expect([budget.hasBegun(), budget.hasBegun()]).toEqual([true, false])
    hear(budget, stated(10, { reset: RESET + 2 * 3600 }), 3, at(2 * HOUR))
    budget.roll(at(3 * HOUR))
    expect(budget.hasBegun()).toBe(false)
  })

  test('a window that an answer has begun before we thought it would begins likewise', () => {
    const budget = known(stated(3))
    budget.isAwaited = true
    const { shares } = budget
    hear(budget, stated(4999, { reset: RESET + 3600 }), 2, at(HOUR - 100))
    expect(budget.hasBegun()).toBe(true)
    expect(budget.shares).not.toBe(shares)
    expect(budget.available).toBe(4999)
  })

  test('a probe of the window before does not count in the next', () => {
    const budget = known(stated(0))
    expect(budget.probeOpensAt()).toBe(START + 60_000)
    budget.take(2, at(60_000))
    expect(budget.probeOpensAt()).toBe(Number.POSITIVE_INFINITY)
    hear(budget, stated(0, { reset: RESET + 3600 }), 3, at(HOUR - 100))
    expect(budget.probeOpensAt()).toBe(START + HOUR - 100 + 60_000)
    // Nor is it given back to this one.
    budget.take(4, at(HOUR + 60_000))
    budget.giveBack(2)
    expect(budget.probeOpensAt()).toBe(Number.POSITIVE_INFINITY)
  })

  test('shares are counted by the window, and by the hour where there is none', () => {
    const budget = new Budget('core')
    budget.state = 'unlimited'
    budget.roll(at(0))
    const first = budget.shares
    first.take(first.memberOf(CLIENT))
    budget.roll(at(HOUR - 1))
    expect(budget.shares).toBe(first)
    budget.roll(at(HOUR))
    expect(budget.shares).not.toBe(first)
    const limited = known()
    const { shares } = limited
    limited.roll(at(HOUR - 1))
    expect(limited.shares).toBe(shares)
    limited.roll(at(HOUR))
    expect(limited.shares).not.toBe(shares)
  })

  test('a window that was taken for over too early goes on, by newer answers only', () => {
    const budget = known(stated(10))
    budget.roll({ local: START + HOUR, upstream: START + HOUR })
    expect(budget.state).toBe('unknown')
    // The clock was wrong: the window lasts.
    hear(budget, stated(900), 1, at(HOUR - 5000), 0, 3)
    expect(budget.state).toBe('unknown')
    hear(budget, stated(7), 3, at(HOUR - 5000))
    expect([budget.state, budget.remaining]).toEqual(['known', 7])
  })

  test('numbers of a window that is over are late, and those of none are nonsense', () => {
    const budget = known(stated(10))
    budget.take(2, at(0))
    budget.roll(at(HOUR))
    expect(hear(budget, stated(9), 2, at(HOUR))).toBe('late')
    expect(budget.state).toBe('unknown')
    expect(hear(budget, stated(9, { reset: RESET * 1000 }), 2, at(HOUR))).toBe('nonsense')
    expect(hear(budget, stated(9, { reset: RESET + 3600 }), 2, at(HOUR))).toBe('counts')
  })

  test('says what was used as the upstream said it', () => {
    const budget = known(stated(10, { used: 4990 }))
    hear(budget, stated(12, { used: 4988 }), 2)
    expect(budget.stated(at(0))).toMatchObject({ remaining: 10, used: 4990 })
    hear(budget, stated(9, { used: 4991 }), 3)
    expect(budget.stated(at(0))).toMatchObject({ remaining: 9, used: 4991 })
    hear(budget, stated(8), 4)
    expect(budget.stated(at(0))).toMatchObject({ remaining: 8, used: undefined })
  })

  test('of a question that was to find out, only its own refusal tells', () => {
    const budget = known(stated(5))
    budget.refused(1)
    hear(budget, stated(0), 2)
    budget.take(3, at(60_000))
    budget.giveBack(3)
    expect(budget.probeOpensAt()).toBe(START + 60_000)
    budget.refused(2)
    expect(budget.probeOpensAt()).toBe(START + 60_000)
  })

  test('remembers when it was used or heard of last', () => {
    const budget = new Budget('core')
    expect(budget.lastUsedAt).toBe(Number.NEGATIVE_INFINITY)
    budget.take(1, at(5))
    expect(budget.lastUsedAt).toBe(START + 5)
    hear(budget, stated(1), 1, at(9))
    expect(budget.lastUsedAt).toBe(START + 9)
  })
})

describe('units that were lost', () => {
  test('are found by the answer to a question that was sent later', () => {
    const lost = new LostUnits()
    lost.add(5)
    lost.found(5)
    expect(lost.count).toBe(1)
    lost.found(6)
    expect(lost.count).toBe(0)
  })

  test('those that are lost meanwhile are found later', () => {
    const lost = new LostUnits()
    lost.add(5)
    lost.add(7)
    lost.add(8)
    lost.found(6)
    expect(lost.count).toBe(2)
    lost.found(8)
    expect(lost.count).toBe(2)
    lost.add(9)
    lost.found(9)
    expect(lost.count).toBe(1)
    lost.found(10)
    expect(lost.count).toBe(0)
  })

  test('all are found at once by an answer that is newer than all, or forgotten', () => {
    const lost = new LostUnits()
    for (const number of [5, 6, 7]) lost.add(number)
    lost.found(8)
    expect(lost.count).toBe(0)
    for (const number of [9, 10]) lost.add(number)
    lost.forget()
    expect(lost.count).toBe(0)
    lost.add(11)
    expect(lost.count).toBe(1)
  })
})
