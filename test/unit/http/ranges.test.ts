import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rangeRequestOf, selectedPart } from '../../../src/http/ranges.ts'

const part = (range: string, length = 10, condition?: string, fields: readonly string[] = ['etag', '"a"']) =>
  selectedPart({ range, condition }, fields, length)

describe('a range', () => {
  test.each([
    ['bytes=0-1', { first: 0, last: 1 }],
    ['Bytes= 0-1 ', { first: 0, last: 1 }],
    ['bytes=4-', { first: 4, last: 9 }],
    ['bytes=4-99', { first: 4, last: 9 }],
    ['bytes=9-9', { first: 9, last: 9 }],
    ['bytes=-3', { first: 7, last: 9 }],
    ['bytes=-99', { first: 0, last: 9 }],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=10-12', 'unsatisfiable'],
    ['bytes=99999999999999999999-', 'unsatisfiable'],
  ])('%s of ten bytes', (range, expected) => {
    expect(part(range)).toEqual(expected)
  })

  test.each([
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=5-4',
    'bytes=a-b',
    'bytes=0-1,3-4',
    'items=0-1',
    'bytes=0',
    'bytes=--1',
  ])('%j asks for the whole', (range) => {
    expect(part(range)).toBeUndefined()
  })

  test('of nothing is nothing', () => {
    expect(part('bytes=0-', 0)).toBeUndefined()
  })

  test('lies within the body, whatever is asked', () => {
    const number = fc.oneof(fc.nat(30).map(String), fc.constant(''))
    fc.assert(
      fc.property(number, number, fc.nat(20), (from, to, length) => {
        const found = part(`bytes=${from}-${to}`, length)
        if (found === undefined || found === 'unsatisfiable') return
        expect(found.first).toBeGreaterThanOrEqual(0)
        expect(found.first).toBeLessThanOrEqual(found.last)
        expect(found.last).toBeLessThan(length)
      }),
    )
  })

  test('takes time in proportion to its length', () => {
    expect(part(`bytes=${'1'.repeat(100_000)}`)).toBeUndefined()
    expect(part(`bytes=0-1${' '.repeat(100_000)}x`)).toBeUndefined()
  })
})

test('If-Range wants exactly the strong tag', () => {
  const whole = undefined
  expect(part('bytes=0-1', 10, '"a"')).toEqual({ first: 0, last: 1 })
  expect(part('bytes=0-1', 10, '"b"')).toBe(whole)
  expect(part('bytes=0-1', 10, 'W/"a"')).toBe(whole)
  expect(part('bytes=0-1', 10, 'W/"a"', ['etag', 'W/"a"'])).toBe(whole)
  expect(part('bytes=0-1', 10, '"a"', ['etag', 'W/"a"'])).toBe(whole)
  expect(part('bytes=0-1', 10, '"a"', [])).toBe(whole)
  const date = 'Sat, 01 Jun 2024 12:00:00 GMT'
  expect(part('bytes=0-1', 10, date, ['last-modified', date])).toBe(whole)
})

test('a request for a part is one with Range', () => {
  expect(rangeRequestOf(['accept', '*/*', 'if-range', '"a"'])).toBeUndefined()
  expect(rangeRequestOf(['if-range', '"a"', 'range', 'bytes=0-1'])).toEqual({ range: 'bytes=0-1', condition: '"a"' })
  expect(rangeRequestOf(['range', 'bytes=0-1'])).toEqual({ range: 'bytes=0-1', condition: undefined })
})
