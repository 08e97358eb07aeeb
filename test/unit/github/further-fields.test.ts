import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addFurtherFields, reasonNotToAdd } from '../../../src/github/further-fields.ts'
import { forwardedFields, isForwarded } from '../../../src/github/request-fields.ts'

const further = { keyed: ['x-tenant', 'accept-language'], trace: ['traceparent'] }

function added(headers: readonly string[]): { key: string; fields: string[] } {
  const fields: string[] = []
  return { key: addFurtherFields(headers, further, fields), fields }
}

const keyOf = (name: string, ...values: string[]) => added(values.flatMap((value) => [name, value])).key

describe('further fields', () => {
  test('go upstream as they came, every line of them, and nothing else does', () => {
    const headers = ['traceparent', '00-a', 'x-tenant', ' a ,b', 'cookie', 'c', 'x-tenant', 'C', 'x-tenant-2', 'd']
    expect(added(headers).fields).toEqual(['x-tenant', ' a ,b', 'x-tenant', 'C', 'traceparent', '00-a'])
  })

  test('none are none', () => {
    const fields = ['accept', '*/*']
    expect(addFurtherFields(['x-tenant', 'a'], { keyed: [], trace: [] }, fields)).toBe('')
    expect(fields).toEqual(['accept', '*/*'])
    expect(added(['accept', '*/*'])).toEqual({ key: '', fields: [] })
  })

  test('take part in the key, but for trace fields', () => {
    expect(keyOf('x-tenant', 'a')).not.toBe(keyOf('x-tenant', 'b'))
    expect(keyOf('x-tenant', 'a')).not.toBe(keyOf('x-tenant', 'A'))
    expect(keyOf('x-tenant', '')).not.toBe('')
    expect(keyOf('x-tenant', 'a')).not.toBe(keyOf('accept-language', 'a'))
    expect(keyOf('traceparent', 'a')).toBe('')
    expect(added(['traceparent', 'a', 'x-tenant', 'b']).key).toBe(keyOf('x-tenant', 'b'))
  })

  test('in whatever order they came', () => {
    const one = added(['x-tenant', 'a', 'accept-language', 'de'])
    const other = added(['accept-language', 'de', 'x-tenant', 'a'])
    expect(one.key).toBe(other.key)
  })

  test('a list is one key, however it is written', () => {
    const key = keyOf('x-tenant', 'a,b c')
    for (const value of ['a, b c', ' a ,\tb c ', 'a ,b c']) expect(keyOf('x-tenant', value)).toBe(key)
    expect(keyOf('x-tenant', 'a', 'b c')).toBe(key)
    for (const value of ['b c,a', 'a,b  c', 'a,bc', 'a,,b c', 'A,b c']) expect(keyOf('x-tenant', value)).not.toBe(key)
  })

  test('nothing but spaces and tabs is white space', () => {
    expect(keyOf('x-tenant', 'a\u00a0,b')).not.toBe(keyOf('x-tenant', 'a,b'))
  })

  test('a long value takes time in proportion', () => {
    expect(keyOf('x-tenant', `a${' '.repeat(1_000_000)}b`)).toContain('b')
    expect(keyOf('accept-language', `a${' '.repeat(1_000_000)}b`)).toContain('ab')
  })

  test('what a quoted string holds is not touched', () => {
    expect(keyOf('x-tenant', 'a="b, c"')).not.toBe(keyOf('x-tenant', 'a="b,c"'))
  })

  test('languages have neither case nor order', () => {
    const key = keyOf('accept-language', 'en, de;q=0.5')
    for (const value of ['de;q=0.5,en', 'EN,De;Q=0.5', ' en ,\tde ; q=0.5']) {
      expect(keyOf('accept-language', value)).toBe(key)
    }
    for (const value of ['en;q=0.5, de', 'en', 'en, de;q=0.4']) expect(keyOf('accept-language', value)).not.toBe(key)
  })

  test('two requests with one key differ by nothing but white space around commas and lines', () => {
    const value = fc.string({ unit: fc.constantFrom('a', 'b', ',', ' ', '"'), maxLength: 8 })
    const plain = (text: string) =>
      text.includes('"')
        ? text
        : text
            .split(',')
            .map((part) => part.trim())
            .join(',')
    fc.assert(
      fc.property(value, value, (left, right) => {
        expect(keyOf('x-tenant', left) === keyOf('x-tenant', right)).toBe(plain(left) === plain(right))
      }),
    )
  })
})

test('whatever goes upstream in any case can be added in neither way', () => {
  const standing = forwardedFields(
    ['accept', 'authorization', 'content-type', 'prefer', 'time-zone', 'x-github-otp'].flatMap((name) => [name, 'x']),
  ).filter((_, index) => index % 2 === 0)
  expect(standing).toHaveLength(6)
  for (const name of standing) {
    expect(isForwarded(name)).toBe(true)
    expect(reasonNotToAdd(name, 'keyed')).toBeDefined()
    expect(reasonNotToAdd(name, 'trace')).toBeDefined()
  }
  expect(reasonNotToAdd('x-tenant', 'keyed')).toBeUndefined()
  expect(reasonNotToAdd('x-tenant', 'trace')).toBeUndefined()
})
