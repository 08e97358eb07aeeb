import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseHttpDate } from '../../../src/http/http-date.ts'

const NOW = Date.UTC(2026, 3, 15)
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** The other two forms of RFC 9110 §5.6.7, written by somebody else than the code under test. */
function otherForms(date: Date): [rfc850: string, asctime: string] {
  const [, day, month, year, time] = date.toUTCString().split(/,? /) as [string, string, string, string, string]
  const name = DAYS[date.getUTCDay()]!
  const padded = day.startsWith('0') ? ` ${day.slice(1)}` : day
  return [
    `${name}, ${day}-${month}-${year.slice(2)} ${time} GMT`,
    `${name.slice(0, 3)} ${month} ${padded} ${time} ${year}`,
  ]
}

const within = (from: number, to: number) =>
  fc.integer({ min: Date.UTC(from, 0) / 1000, max: Date.UTC(to, 0) / 1000 - 1 }).map((seconds) => seconds * 1000)

describe('HTTP dates', () => {
  test('are read in all three forms, in any casing', () => {
    fc.assert(
      fc.property(within(1977, 2076), (epoch) => {
        const date = new Date(epoch)
        const [rfc850, asctime] = otherForms(date)
        for (const text of [date.toUTCString(), rfc850, asctime]) {
          expect(parseHttpDate(text, NOW), text).toBe(epoch)
          expect(parseHttpDate(` ${text.toUpperCase()} `, NOW), text).toBe(epoch)
        }
      }),
    )
    fc.assert(fc.property(within(1000, 9999), (epoch) => parseHttpDate(new Date(epoch).toUTCString(), NOW) === epoch))
  })

  test('a two-digit year is never more than 50 years ahead', () => {
    expect(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT', NOW)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37))
    expect(parseHttpDate('Friday, 06-Nov-76 08:49:37 GMT', NOW)).toBe(Date.UTC(2076, 10, 6, 8, 49, 37))
    expect(parseHttpDate('Sunday, 06-Nov-77 08:49:37 GMT', NOW)).toBe(Date.UTC(1977, 10, 6, 8, 49, 37))
  })

  test.each([
    ['0'],
    ['-1'],
    ['2030'],
    [''],
    ['2026-04-15T12:00:00Z'],
    ['Wed, 15 Apr 2026 12:00:00 CET'],
    ['Wed, 15 Apr 2026 12:00:00 +0000'],
    ['Wed, 15 Apr 2026 12:00:00'],
    ['Wed, 15 Apr 2026 24:00:00 GMT'],
    ['Wed, 15 Apr 2026 12:60:00 GMT'],
    ['Wed, 32 Apr 2026 12:00:00 GMT'],
    ['Wed, 00 Apr 2026 12:00:00 GMT'],
    ['Wed, 15 Foo 2026 12:00:00 GMT'],
    ['Wed, 5 Apr 2026 12:00:00 GMT'],
    ['Wed, 15 Apr 2026 12:00:00 GMT, Wed, 15 Apr 2026 12:00:00 GMT'],
    [undefined],
  ])('%s is none', (text) => {
    expect(parseHttpDate(text, NOW)).toBeUndefined()
  })
})
