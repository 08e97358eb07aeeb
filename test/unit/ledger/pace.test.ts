import { describe, expect, test } from 'vitest'
import { isTight, Pace } from '../../../src/store/memory/ledger/pace.ts'

const HOUR = 3_600_000

describe('whether a budget is tight', () => {
  test.each([
    ['one app alone', 1, 10, false],
    ['two, of whom less than half is left and goes faster than time', 2, 2499, true],
    ['half is left', 2, 2500, false],
    ['nothing is left', 2, 0, true],
  ])('%s', (_what, apps, available, expected) => {
    expect(isTight(apps, available, 5000, 3600, 3600)).toBe(expected)
  })

  test('what is left is enough for the time that is left', () => {
    expect(isTight(2, 1251, 5000, 900, 3600)).toBe(false)
    expect(isTight(2, 1250, 5000, 900, 3600)).toBe(false)
    expect(isTight(2, 1249, 5000, 900, 3600)).toBe(true)
  })
})

describe('the pace of what is left', () => {
  test('gives it out evenly until the reset', () => {
    const pace = new Pace()
    expect(pace.isOn).toBe(false)
    pace.keep(100, 0, HOUR)
    expect(pace.isOn).toBe(true)
    expect(pace.interval).toBe(36_000)
    expect(pace.opensAt(100)).toBe(36_000)
    expect(pace.opensAt(51)).toBe(HOUR / 2)
    expect(pace.opensAt(1)).toBe(HOUR)
  })

  test('is kept while what is left stays near it', () => {
    const pace = new Pace()
    pace.keep(100, 0, HOUR)
    pace.keep(46, HOUR / 2, HOUR)
    pace.keep(45, HOUR / 2, HOUR)
    expect(pace.interval).toBe(36_000)
    pace.keep(70, HOUR / 2, HOUR)
    expect(pace.interval).toBe(36_000)
  })

  test('begins anew where what is left has fallen behind it by more than a twentieth, or by a unit of few', () => {
    const pace = new Pace()
    pace.keep(100, 0, HOUR)
    pace.keep(44, HOUR / 2, HOUR)
    expect(pace.interval).toBeCloseTo(HOUR / 2 / 44)
    const few = new Pace()
    few.keep(10, 0, HOUR)
    few.keep(4, HOUR / 2, HOUR)
    expect(few.interval).toBe(360_000)
    few.keep(3, HOUR / 2, HOUR)
    expect(few.interval).toBe(600_000)
  })

  test('begins anew for another window, and where it was stopped', () => {
    const pace = new Pace()
    pace.keep(100, 0, HOUR)
    pace.keep(100, HOUR, 2 * HOUR)
    expect(pace.opensAt(100)).toBe(HOUR + 36_000)
    pace.stop()
    expect(pace.isOn).toBe(false)
    pace.keep(50, HOUR, 2 * HOUR)
    expect(pace.interval).toBe(72_000)
  })

  test('whoever is ahead leaves so many units to others, as long as half of what is left is not waited for', () => {
    const pace = new Pace()
    pace.keep(100, 0, HOUR)
    expect(pace.opensAt(100, 10)).toBe(11 * 36_000)
    expect(pace.opensAt(11, 10)).toBe(HOUR - 5 * 36_000)
    expect(pace.opensAt(1, 10)).toBe(HOUR)
  })
})
