import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDuration, parseOrigin, parseShare, parseSize, ValueProblem } from '../../src/config/values.ts'

const whole = (max: number) => fc.integer({ min: 1, max })

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['5s', 5000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['576h', 2_073_600_000],
  ])('%s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds)
  })

  test('every unit is as long as the same time in milliseconds', () => {
    const units = fc.constantFrom(['s', 1000] as const, ['m', 60_000] as const, ['h', 3_600_000] as const)
    fc.assert(
      fc.property(whole(576), units, (count, [unit, length]) => {
        expect(parseDuration(`${count}${unit}`)).toBe(parseDuration(`${count * length}ms`))
        expect(parseDuration(`${count * length}ms`)).toBe(count * length)
      }),
    )
  })

  test('none is longer than a timer can wait', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.constantFrom('ms', 's', 'm', 'h'), (count, unit) => {
        try {
          const milliseconds = parseDuration(`${count}${unit}`)
          expect(milliseconds).toBeGreaterThan(0)
          expect(milliseconds).toBeLessThan(2 ** 31)
        } catch (error) {
          expect(error).toBeInstanceOf(ValueProblem)
        }
      }),
    )
  })

  test('nothing else is one', () => {
    const texts = fc.string().filter((text) => !/^\d+(?:ms|s|m|h)$/.test(text))
    fc.assert(
      fc.property(texts, (text) => {
        expect(() => parseDuration(text)).toThrow(ValueProblem)
      }),
    )
    for (const text of ['5 s', '5S', '5s\n', '٥s', '5', '5sm', '1h30m']) {
      expect(() => parseDuration(text)).toThrow(ValueProblem)
    }
  })
})

describe('sizes', () => {
  test('every unit is as large as the same number of bytes', () => {
    const units = fc.constantFrom(['KiB', 2 ** 10] as const, ['MiB', 2 ** 20] as const, ['GiB', 2 ** 30] as const)
    fc.assert(
      fc.property(whole(2 ** 20), units, (count, [unit, size]) => {
        expect(parseSize(`${count}${unit}`)).toBe(count * size)
        expect(parseSize(`${count * size}`)).toBe(count * size)
      }),
    )
  })

  test('all are exact', () => {
    expect(parseSize('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER)
    expect(() => parseSize('9007199254740992')).toThrow('too large')
    expect(() => parseSize('8388608GiB')).toThrow('too large')
    expect(() => parseSize('0GiB')).toThrow('nothing')
  })

  test('nothing else is one', () => {
    const texts = fc.string().filter((text) => !/^\d+(?:[KMG]iB)?$/.test(text))
    fc.assert(
      fc.property(texts, (text) => {
        expect(() => parseSize(text)).toThrow(ValueProblem)
      }),
    )
  })
})

test('shares', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), (share) => {
      expect(parseShare((share / 10_000).toFixed(4))).toBe(share / 10_000)
    }),
  )
  expect(parseShare('.5')).toBe(0.5)
  expect(() => parseShare('1.0001')).toThrow(ValueProblem)
})

test('an origin is its own origin, and nothing but one is ever returned', () => {
  expect(parseOrigin('HTTP://BÜCHER.example:80/')).toBe('http://xn--bcher-kva.example')
  const rest = fc.constantFrom('', '/', '//', '/a', '?q', '#f', '\\a', '/..', '@b', ':1', ' ')
  const texts = fc.tuple(
    fc.constantFrom('http://', 'https://', 'HTTPS://', '', '//'),
    fc.oneof(fc.domain(), fc.string()),
    rest,
  )
  fc.assert(
    fc.property(
      texts.map((parts) => parts.join('')),
      (text) => {
        let origin: string
        try {
          origin = parseOrigin(text)
        } catch (error) {
          expect(error).toBeInstanceOf(ValueProblem)
          return
        }
        expect(new URL(origin).origin).toBe(origin)
        expect(parseOrigin(origin)).toBe(origin)
        expect(new URL(text).href).toBe(`${origin}/`)
      },
    ),
    { numRuns: 1000 },
  )
})
