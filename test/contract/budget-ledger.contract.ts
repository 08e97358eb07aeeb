import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BudgetLedger, Clock, RateLimit } from '../../src/ports.ts'

const START = 1_776_254_400
const RESET = START + 3600

export interface LedgerClock extends Clock {
  /** Epoch seconds. */
  set(seconds: number): void
}

/** What every ledger owes its caller. `makeLedger` has room for the few budgets of a test. */
export function budgetLedgerContract(name: string, makeLedger: (clock: Clock) => BudgetLedger): void {
  function clockAt(seconds: number): LedgerClock {
    let now = seconds
    return {
      now: () => now * 1000,
      elapsed: () => now * 1000,
      set: (to) => {
        now = to
      },
    }
  }
  const stated = (remaining: number, more: Partial<RateLimit> = {}): RateLimit => ({
    resource: 'core',
    limit: 5000,
    remaining,
    used: undefined,
    reset: RESET,
    ...more,
  })

  describe(`budget ledger: ${name}`, () => {
    test('knows the numbers of each credential and resource apart', () => {
      const ledger = makeLedger(clockAt(START))
      ledger.observe('one', stated(1))
      ledger.observe('two', stated(2))
      ledger.observe('one', stated(3, { resource: 'search', limit: 30, used: 27 }))
      expect(ledger.latest('one', 'core')).toEqual(stated(1))
      expect(ledger.latest('two', 'core')).toEqual(stated(2))
      expect(ledger.latest('one', 'search')).toEqual(stated(3, { resource: 'search', limit: 30, used: 27 }))
      expect(ledger.latest('two', 'search')).toBeUndefined()
      expect(ledger.latest('three', 'core')).toBeUndefined()
    })

    test('a reset that cannot be true teaches nothing and keeps nothing out', () => {
      const ledger = makeLedger(clockAt(START))
      ledger.observe('one', stated(7, { reset: RESET * 1000 }))
      expect(ledger.latest('one', 'core')).toBeUndefined()
      ledger.observe('one', stated(9))
      expect(ledger.latest('one', 'core')).toEqual(stated(9))
    })

    test('within a window remaining never rises, in whatever order answers arrive', () => {
      const answer = fc.record({ remaining: fc.nat(5000), drift: fc.integer({ min: -2, max: 2 }) })
      fc.assert(
        fc.property(fc.array(answer, { minLength: 1, maxLength: 20 }), (answers) => {
          const ledger = makeLedger(clockAt(START))
          let lowest = Number.POSITIVE_INFINITY
          for (const { remaining, drift } of answers) {
            ledger.observe('one', stated(remaining, { reset: RESET + drift }))
            lowest = Math.min(lowest, remaining)
            expect(ledger.latest('one', 'core')?.remaining).toBe(lowest)
          }
        }),
      )
    })

    test('an answer of an earlier window changes nothing, one of a later window counts', () => {
      const ledger = makeLedger(clockAt(START))
      ledger.observe('one', stated(10))
      ledger.observe('one', stated(5, { reset: RESET - 3600 }))
      expect(ledger.latest('one', 'core')?.remaining).toBe(10)
      ledger.observe('one', stated(4999, { reset: RESET + 3600 }))
      expect(ledger.latest('one', 'core')).toMatchObject({ remaining: 4999, reset: RESET + 3600 })
      ledger.observe('one', stated(3))
      expect(ledger.latest('one', 'core')?.remaining).toBe(4999)
    })

    test('a limit that was changed brings its own remaining', () => {
      const ledger = makeLedger(clockAt(START))
      ledger.observe('one', stated(10))
      ledger.observe('one', stated(9000, { limit: 15_000 }))
      expect(ledger.latest('one', 'core')).toMatchObject({ limit: 15_000, remaining: 9000 })
    })

    test('says nothing about a window that is over', () => {
      const clock = clockAt(START)
      const ledger = makeLedger(clock)
      ledger.observe('one', stated(10))
      clock.set(RESET - 1)
      expect(ledger.latest('one', 'core')?.remaining).toBe(10)
      clock.set(RESET)
      expect(ledger.latest('one', 'core')).toBeUndefined()
      ledger.observe('one', stated(4998, { reset: RESET + 3600 }))
      expect(ledger.latest('one', 'core')?.remaining).toBe(4998)
    })
  })
}
