import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isEntityTag, opaqueTag, parseEntityTags, weaklyEqual } from '../../../src/http/entity-tag.ts'

/** RFC 9110 §8.8.3: `etagc`. */
const character = fc
  .integer({ min: 0x21, max: 0xff })
  .filter((code) => code !== 0x22 && code !== 0x7f && (code < 0x7f || code >= 0x80))
  .map((code) => String.fromCharCode(code))
const opaque = fc.string({ unit: character, maxLength: 40 })
const tag = fc.tuple(fc.boolean(), opaque).map(([weak, inside]) => `${weak ? 'W/' : ''}"${inside}"`)

describe('entity tags', () => {
  test('a list is read back, commas and W/ within tags included', () => {
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 20 }), fc.constantFrom(',', ', ', ' , ', ',,'), (tags, separator) => {
        expect(parseEntityTags(tags.join(separator))).toEqual(tags)
        for (const each of tags) expect(isEntityTag(each)).toBe(true)
      }),
    )
  })

  test.each([
    ['abc'],
    ['"abc'],
    ['abc"'],
    ['w/"abc"'],
    ['W/abc'],
    ['W/ "abc"'],
    ['"a b"'],
    ['"a"b"'],
    ['"a", "b"'],
    [' "a"'],
    ['*'],
    [''],
    [undefined],
  ])('%s is not one tag', (value) => {
    expect(isEntityTag(value)).toBe(false)
  })

  test('reading stops at the first thing that is not a tag', () => {
    expect(parseEntityTags('"a", b, "c"')).toEqual(['"a"'])
    expect(parseEntityTags('"a" "b"')).toEqual([])
    expect(parseEntityTags('"a", *')).toEqual(['"a"'])
    expect(parseEntityTags('w/"a"')).toEqual([])
  })

  test('an asterisk counts only alone', () => {
    expect(parseEntityTags(' * ')).toBe('*')
    expect(parseEntityTags('*, "a"')).toEqual([])
    expect(parseEntityTags('"*"')).toEqual(['"*"'])
    expect(parseEntityTags(undefined)).toEqual([])
  })

  test('of thousands only so many are read', () => {
    const list = Array.from({ length: 5000 }, (_, index) => `"${index}"`).join(',')
    expect(parseEntityTags(list)).toHaveLength(64)
    expect(parseEntityTags(list, 3)).toEqual(['"0"', '"1"', '"2"'])
  })

  test('weak comparison looks at the opaque part alone, and at all of it', () => {
    fc.assert(
      fc.property(tag, tag, (left, right) => {
        expect(weaklyEqual(left, right)).toBe(opaqueTag(left) === opaqueTag(right))
        expect(weaklyEqual(left, `W/"${opaqueTag(left)}"`)).toBe(true)
        expect(weaklyEqual(`"${opaqueTag(left)}"`, left)).toBe(true)
      }),
    )
    expect(weaklyEqual('"W/a"', '"a"')).toBe(false)
  })
})
