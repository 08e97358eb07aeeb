import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CacheControl, parseCacheControl } from '../../../src/http/cache-control.ts'

const flags = {
  'no-cache': 'noCache',
  'no-store': 'noStore',
  private: 'isPrivate',
  public: 'isPublic',
  'must-revalidate': 'mustRevalidate',
  'proxy-revalidate': 'proxyRevalidate',
  'must-understand': 'mustUnderstand',
  'only-if-cached': 'onlyIfCached',
} as const satisfies Record<string, keyof CacheControl>

const flag = fc.constantFrom(...(Object.keys(flags) as (keyof typeof flags)[]))
const anyCase = (word: string) =>
  fc
    .array(fc.boolean(), { minLength: word.length, maxLength: word.length })
    .map((upper) => [...word].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(''))
const separator = fc.constantFrom(',', ', ', ' ,', ' , ', ',,', '\t,', ', ,')

describe('Cache-Control', () => {
  test('finds each directive in any casing, order and spacing, and no other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(flag), fc.infiniteStream(separator), (names, gaps) => {
        const text = names.reduce((before, name) => `${before}${before === '' ? '' : gaps.next().value}${name}`, '')
        const parsed = parseCacheControl(text)
        for (const [name, property] of Object.entries(flags)) {
          const wanted = names.some((given) => flags[given] === property)
          expect(parsed[property], `${name} in ${text}`).toBe(wanted)
        }
      }),
    )
    fc.assert(fc.property(anyCase('no-store'), (name) => parseCacheControl(`max-age=1, ${name}`).noStore))
  })

  test.each([
    ['No-Store'],
    ['no-store=""'],
    ['no-store="x, y"'],
    ['private,no-store'],
    ['extension="a, b", no-store'],
    ['extension="a \\", b", no-store'],
    ['max-age=60; no-store'],
    ['private no-store'],
    ['"broken, no-store'],
    ['x="broken, no-store'],
    ['(), no-store'],
    [', , ,no-store'],
  ])('%s forbids storing', (value) => {
    expect(parseCacheControl(value).noStore).toBe(true)
  })

  test.each([
    ['x="no-store"'],
    ['x="a, no-store, b"'],
    ['x="\\", no-store"'],
    ['no-storey'],
    ['xno-store'],
    ['max-age=no-store'],
    [''],
  ])('%s does not', (value) => {
    expect(parseCacheControl(value).noStore).toBe(false)
  })

  test('reads lifetimes as tokens and as quoted strings; of several the shortest', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), fc.boolean(), (ages, quoted) => {
        const text = ages.map((age) => (quoted ? `max-age="${age}"` : `MAX-AGE = ${age}`)).join(', ')
        expect(parseCacheControl(text).maxAge).toBe(Math.min(...ages))
      }),
    )
  })

  test.each([
    ['max-age', 0],
    ['max-age=', 0],
    ['max-age=-1', 0],
    ['max-age=1.5', 0],
    ['max-age=60x', 0],
    ['max-age="60', 0],
    ['max-age=1e3', 0],
    ['max-age=60, max-age=oops', 0],
    ['max-age=99999999999999999999999', 2 ** 31],
    ['s-maxage=60', undefined],
  ])('%s: what is no number of seconds costs a question and gives no wrong answer', (value, maxAge) => {
    expect(parseCacheControl(value).maxAge).toBe(maxAge)
  })

  test('takes the greatest min-fresh, and nonsense for the greatest of all', () => {
    expect(parseCacheControl('min-fresh=5, min-fresh=9').minFresh).toBe(9)
    expect(parseCacheControl('min-fresh=soon').minFresh).toBe(2 ** 31)
  })

  test.each([
    // max-stale, stale-while-revalidate, stale-if-error: seconds
    ['max-stale', 2 ** 31, undefined, undefined],
    ['max-stale=60', 60, undefined, undefined],
    ['max-stale="60"', 60, undefined, undefined],
    ['max-stale, max-stale=60', 60, undefined, undefined],
    ['max-stale=60, max-stale', 60, undefined, undefined],
    ['max-stale=60, max-stale=soon', 0, undefined, undefined],
    ['max-stale=', 0, undefined, undefined],
    ['max-stale=-1', 0, undefined, undefined],
    ['stale-while-revalidate=30, Stale-If-Error=300', undefined, 30, 300],
    ['stale-while-revalidate, stale-if-error', undefined, 0, 0],
    ['stale-if-error=60, stale-if-error=30', undefined, undefined, 30],
  ])('%s: of what is stale', (value, maxStale, staleWhileRevalidate, staleIfError) => {
    expect(parseCacheControl(value)).toMatchObject({ maxStale, staleWhileRevalidate, staleIfError })
  })

  test('never throws and ends, whatever it is given', () => {
    fc.assert(fc.property(fc.string(), (text) => parseCacheControl(text) !== undefined))
    const pieces = fc.constantFrom('"', '\\', ',', ';', '=', ' ', 'no-store', 'max-age', '1', 'é')
    fc.assert(fc.property(fc.array(pieces, { maxLength: 40 }), (all) => parseCacheControl(all.join('')) !== undefined))
  })
})
