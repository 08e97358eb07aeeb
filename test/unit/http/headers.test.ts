import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  countHeader,
  headerValue,
  joinedHeader,
  withHeader,
  withoutHeaders,
  withoutHopByHop,
} from '../../../src/http/headers.ts'

// Few names, and values that are names: a value must never be taken for a field.
const name = fc.constantFrom('a', 'b', 'c')
const list = fc
  .array(fc.tuple(name, fc.constantFrom('a', 'b', 'c', 'd', '')), { maxLength: 8 })
  .map((fields) => ({ fields, headers: fields.flat() }))

describe('header lists', () => {
  test('are read by name alone', () => {
    fc.assert(
      fc.property(list, name, ({ fields, headers }, wanted) => {
        const values = fields.filter(([given]) => given === wanted).map(([, value]) => value)
        expect(headerValue(headers, wanted)).toBe(values[0])
        expect(joinedHeader(headers, wanted)).toBe(values.length === 0 ? undefined : values.join(', '))
        expect(countHeader(headers, wanted)).toBe(values.length)
        expect(withoutHeaders(headers, (each) => each === wanted)).toEqual(
          fields.filter(([given]) => given !== wanted).flat(),
        )
      }),
    )
  })

  test('a field that is set stands once, where it first stood, and the rest stays', () => {
    fc.assert(
      fc.property(list, name, ({ fields, headers }, wanted) => {
        const set = withHeader(headers, wanted, 'new')
        expect(countHeader(set, wanted)).toBe(1)
        expect(headerValue(set, wanted)).toBe('new')
        const others = fields.filter(([given]) => given !== wanted).flat()
        expect(withoutHeaders(set, (each) => each === wanted)).toEqual(others)
        const first = fields.findIndex(([given]) => given === wanted)
        expect(set.indexOf('new')).toBe((first === -1 ? others.length / 2 : first) * 2 + 1)
      }),
    )
  })

  test('fields of one connection go, those that Connection names included', () => {
    const headers = ['connection', 'Close, X-Own', 'x-own', '1', 'etag', '"a"', 'te', 'trailers', 'x-other', 'x-own']
    expect(withoutHopByHop(headers)).toEqual(['etag', '"a"', 'x-other', 'x-own'])
    expect(withoutHopByHop(['keep-alive', 'timeout=5', 'upgrade', 'h2', 'date', 'x'])).toEqual(['date', 'x'])
  })
})
