import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HashAllowance } from '../../../src/middleware/outbound/hash-allowance.ts'
import { HandClock } from './harness.ts'

const MEBIBYTE = 1024 * 1024
const QUESTION = 8 * MEBIBYTE
const SECOND = 16 * MEBIBYTE

/** Uses up what all callers that were not accepted have together. */
function exhaust(allowance: HashAllowance): void {
  allowance.forQuestion(false).spend(QUESTION)
  allowance.forQuestion(false).spend(QUESTION)
}

describe('one question', () => {
  test.each([true, false])('may hash so many bytes in all (accepted: %s)', (isAccepted) => {
    const question = new HashAllowance(new HandClock()).forQuestion(isAccepted)
    expect(question.spend(QUESTION + 1)).toBe(false)
    expect(question.spend(QUESTION - 10)).toBe(true)
    expect(question.spend(11)).toBe(false)
    expect(question.spend(10)).toBe(true)
    expect(question.spend(1)).toBe(false)
    expect(question.spend(0)).toBe(true)
  })

  test('takes nothing from the next one of an accepted credential', () => {
    const allowance = new HashAllowance(new HandClock())
    exhaust(allowance)
    for (let count = 0; count < 100; count++) expect(allowance.forQuestion(true).spend(QUESTION)).toBe(true)
  })
})

describe('all that were not accepted together', () => {
  test('may hash so many bytes a second', () => {
    const clock = new HandClock()
    const allowance = new HashAllowance(clock)
    exhaust(allowance)
    expect(allowance.forQuestion(false).spend(1)).toBe(false)
    clock.advance(500)
    expect(allowance.forQuestion(false).spend(QUESTION)).toBe(true)
    expect(allowance.forQuestion(false).spend(1)).toBe(false)
    clock.advance(1)
    expect(allowance.forQuestion(false).spend(Math.floor(SECOND / 1000))).toBe(true)
    expect(allowance.forQuestion(false).spend(Math.ceil(SECOND / 1000))).toBe(false)
  })

  test('cannot save up', () => {
    const clock = new HandClock()
    const allowance = new HashAllowance(clock)
    clock.advance(3_600_000)
    exhaust(allowance)
    expect(allowance.forQuestion(false).spend(1)).toBe(false)
  })

  test('a refusal costs neither them nor the question anything', () => {
    const allowance = new HashAllowance(new HandClock())
    exhaust(allowance)
    const question = allowance.forQuestion(false)
    for (let count = 0; count < 10; count++) expect(question.spend(QUESTION)).toBe(false)
    const clock = new HandClock()
    const other = new HashAllowance(clock)
    expect(other.forQuestion(false).spend(QUESTION + 1)).toBe(false)
    expect(other.forQuestion(false).spend(QUESTION)).toBe(true)
    expect(other.forQuestion(false).spend(QUESTION)).toBe(true)
  })

  test('what is refused for all is not counted against the question that comes back later', () => {
    const clock = new HandClock()
    const allowance = new HashAllowance(clock)
    exhaust(allowance)
    const question = allowance.forQuestion(false)
    expect(question.spend(QUESTION)).toBe(false)
    clock.advance(500)
    expect(question.spend(QUESTION)).toBe(true)
  })

  test('a clock that stands still, or goes back, gives them nothing', () => {
    let now = 5000
    const allowance = new HashAllowance({ now: () => 0, elapsed: () => now })
    exhaust(allowance)
    for (let count = 0; count < 1000; count++) expect(allowance.forQuestion(false).spend(1)).toBe(false)
    now = 1000
    expect(allowance.forQuestion(false).spend(1)).toBe(false)
  })

  const step = fc.record({
    bytes: fc.oneof(fc.nat(QUESTION), fc.nat(100)),
    wait: fc.oneof(fc.constant(0), fc.nat(1000), fc.double({ min: 0, max: 5, noNaN: true })),
    isAccepted: fc.boolean(),
  })

  test('in any order never hash more than a second’s worth and what time has earned since', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new HandClock()
        const allowance = new HashAllowance(clock)
        const spent: { at: number; bytes: number }[] = []
        for (const { bytes, wait, isAccepted } of steps) {
          clock.advance(wait)
          if (allowance.forQuestion(isAccepted).spend(bytes) && !isAccepted) spent.push({ at: clock.elapsed(), bytes })
        }
        for (const [first, { at: from }] of spent.entries()) {
          let total = 0
          for (const { at, bytes } of spent.slice(first)) {
            total += bytes
            expect(total).toBeLessThanOrEqual(SECOND * (1 + (at - from) / 1000) + 1)
          }
        }
      }),
    )
  })
})
