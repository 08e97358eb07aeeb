import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Points } from '../../../src/store/memory/ledger/points.ts'
import { START } from '../../contract/ledger-time.ts'

describe('points of the last minute', () => {
  test('are those of the last 61 seconds that have begun, whatever was spent and given back when', () => {
    const step = fc.record({
      after: fc.oneof(fc.nat(900), fc.nat(20_000), fc.nat(200_000)),
      points: fc.constantFrom(1, 5),
      isGivenBack: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 5, max: 40 }), (steps, most) => {
        const points = new Points()
        let spent: { at: number; points: number }[] = []
        let now = START + 123
        const sumAt = (moment: number) =>
          spent
            .filter(({ at }) => Math.floor(at / 1000) > Math.floor(moment / 1000) - 61)
            .reduce((sum, each) => sum + each.points, 0)
        for (const { after, points: wanted, isGivenBack } of steps) {
          now += after
          const opensAt = points.opensAt(wanted, most, now)
          if (sumAt(now) + wanted <= most) {
            expect(opensAt).toBe(now)
            points.spend(wanted, now)
            spent.push({ at: now, points: wanted })
          } else {
            expect(opensAt).toBeGreaterThan(now)
            expect(sumAt(opensAt) + wanted).toBeLessThanOrEqual(most)
            expect(sumAt(opensAt - 1) + wanted).toBeGreaterThan(most)
          }
          if (isGivenBack && spent.length > 0) {
            const [first] = spent
            points.giveBack(first!.points, first!.at)
            spent = spent.slice(1)
          }
        }
      }),
    )
  })

  test('what costs more than there may ever be goes when nothing else has', () => {
    const points = new Points()
    expect(points.opensAt(5, 3, START)).toBe(START)
    points.spend(5, START)
    expect(points.opensAt(5, 3, START)).toBe(START + 61_000)
    expect(points.opensAt(1, 3, START)).toBe(START + 61_000)
  })

  test('a clock that was set back by long does not keep everything counted', () => {
    const points = new Points()
    points.spend(10, START)
    expect(points.opensAt(1, 10, START - 1000)).toBeGreaterThan(START)
    expect(points.opensAt(1, 10, START - 3_600_000)).toBe(START - 3_600_000)
  })

  test('what was spent before the clock was set back is not given back from another second', () => {
    const points = new Points()
    points.spend(3, START)
    points.spend(3, START - 5000)
    points.giveBack(3, START - 5000)
    expect(points.opensAt(4, 10, START)).toBe(START)
    expect(points.opensAt(5, 10, START)).toBeGreaterThan(START)
  })
})
