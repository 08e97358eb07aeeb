import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UpstreamClock } from '../../../src/store/memory/ledger/upstream-clock.ts'
import { START } from '../../contract/ledger-time.ts'

const second = (moment: number) => Math.floor(moment / 1000) * 1000

describe('the upstream’s clock', () => {
  /** An answer that was made in the moment in which it was asked for and arrived, by a clock that is so far ahead, ms. */
  const now = (clock: UpstreamClock, ahead: number, at = START) => clock.heard(second(at + ahead), at, at)

  test('is taken to be right before anything is heard', () => {
    const clock = new UpstreamClock()
    expect(clock.at(START)).toBe(START)
    expect(clock.whenItIs(START)).toBe(START)
  })

  test('is never believed to be ahead of what it is, nor further behind than the quickest answer took', () => {
    const answer = fc.record({
      after: fc.nat(5000),
      there: fc.nat(3000),
      back: fc.oneof(fc.nat(3000), fc.nat(200_000)),
    })
    const answers = fc.array(answer, { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(fc.integer({ min: -300_000, max: 300_000 }), answers, (skew, all) => {
        const clock = new UpstreamClock()
        let time = START
        let quickest = Number.POSITIVE_INFINITY
        for (const { after, there, back } of all) {
          const sentAt = time + after
          const madeAt = sentAt + there
          time = madeAt + back
          clock.heard(second(madeAt + skew), sentAt, time)
          quickest = Math.min(quickest, back)
          expect(clock.at(time)).toBeLessThanOrEqual(time + skew)
          expect(clock.at(time)).toBeGreaterThan(time + skew - quickest - 1000)
          expect(clock.whenItIs(clock.at(time))).toBe(time)
        }
      }),
    )
  })

  test('a crowd of answers that were all held up changes nothing', () => {
    const clock = new UpstreamClock()
    now(clock, 0)
    for (let index = 0; index < 9; index++) clock.heard(START + index * 1000, START, START + 60_000)
    expect(clock.at(START)).toBe(START)
  })

  test('a first answer that was held up leaves open what the next one tells', () => {
    const clock = new UpstreamClock()
    clock.heard(START, START - 100, START + 60_000)
    expect(clock.at(START)).toBe(START - 60_000)
    now(clock, 0, START + 61_000)
    expect(clock.at(START)).toBe(START)
  })

  test('one server whose clock is wrong changes nothing', () => {
    const clock = new UpstreamClock()
    now(clock, 0)
    for (const ahead of [3_600_000, -3_600_000, 3_600_000, 0, 3_600_000]) {
      now(clock, ahead)
      expect(clock.at(START)).toBe(START)
    }
  })

  test.each([60_000, -60_000])('a clock that was set by %d ms is believed when two answers agree', (by) => {
    const clock = new UpstreamClock()
    now(clock, 0)
    now(clock, by)
    expect(clock.at(START)).toBe(START)
    clock.heard(START + by, START, START + 400)
    expect(clock.at(START)).toBe(START + by)
    now(clock, by)
    expect(clock.at(START)).toBe(START + by)
    // The better of the two counts, whichever comes first.
    const other = new UpstreamClock()
    now(other, 0)
    other.heard(START + by, START, START + 400)
    now(other, by)
    expect(other.at(START)).toBe(START + by)
  })

  test('what contradicts by far is told from what does not by all that is known', () => {
    const isBelievedAtOnce = (ahead: number, ...before: readonly (() => void)[]) => {
      for (const step of before) step()
      now(clock, ahead)
      return clock.at(START) === START + ahead
    }
    let clock = new UpstreamClock()
    // A second of doubt is left, and ten more are none.
    expect(isBelievedAtOnce(11_000, () => now(clock, 0))).toBe(true)
    clock = new UpstreamClock()
    expect(isBelievedAtOnce(12_000, () => now(clock, 0))).toBe(false)
    // One that took long takes nothing back.
    clock = new UpstreamClock()
    const long = () => clock.heard(START, START - 100_000, START + 60_000)
    expect(isBelievedAtOnce(12_000, () => now(clock, 0), long)).toBe(false)
    // Once it is known to be ahead, it is.
    clock = new UpstreamClock()
    expect(
      isBelievedAtOnce(
        16_000,
        () => now(clock, 0),
        () => now(clock, 5000),
      ),
    ).toBe(true)
    clock = new UpstreamClock()
    expect(
      isBelievedAtOnce(
        11_000,
        () => now(clock, 0),
        () => now(clock, -5000),
      ),
    ).toBe(false)
  })

  test('one that was set forward by less is believed at once, one that was set back by and by', () => {
    const clock = new UpstreamClock()
    now(clock, 0)
    now(clock, 11_000)
    expect(clock.at(START)).toBe(START + 11_000)
    now(clock, 5000)
    expect(clock.at(START)).toBe(START + 11_000 - 0.05 * 5000)
    for (let index = 0; index < 200; index++) now(clock, 5000)
    expect(clock.at(START)).toBeCloseTo(START + 6000, -1)
    // It goes on from there.
    now(clock, 6000)
    now(clock, 7000)
    expect(clock.at(START)).toBe(START + 7000)
  })
})
