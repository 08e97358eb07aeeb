import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFullPage, nextPageOf, pageItemCount } from '../../src/github/page-size.ts'

const count = (text: string): number | 'total' | undefined => pageItemCount(new TextEncoder().encode(text))

describe('pageItemCount', () => {
  it.each([
    ['[]', 0],
    [' [ ] ', 0],
    ['[1]', 1],
    ['[{"a":[1,2,3]},{"b":"],["}]', 2],
    ['\ufeff[null,[],{},"\\"",-1.5]\n', 5],
    ['["x","total_count"]', 2],
    ['{"jobs":[1,2]}', 2],
    ['{"a":[1],"total":3,"b":[1,2,3],"c":{"d":[1,2,3,4]}}', 3],
    ['{"a":[]}', 0],
    ['{"note":"total_count","a":[1]}', 1],
    ['{"a":[{"total_count":3}]}', 1],
  ])('%s lists %i', (text, expected) => {
    expect(count(text)).toBe(expected)
  })

  it.each(['{"total_count":2,"items":[1,2]}', '{"items":[1,2],"total_count" : 2}', '{"total_count":0}'])(
    '%s says how many there are in all',
    (text) => {
      expect(count(text)).toBe('total')
    },
  )

  it.each([
    '{"total_count":2,"items":[1,2]',
    '{"total_count":2}x',
    '{}',
    '{"a":{"b":[1]}}',
    '"[1]"',
    '17',
    '',
    'x',
    '[1,2',
    '[1,2]x',
    '{"a":[1]',
    '["a',
    '["\\',
  ])('%s lists nothing that counts', (text) => {
    expect(count(text)).toBeUndefined()
  })

  it('counts what JSON.parse counts', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 2), (text, indent) => {
        const value: unknown = JSON.parse(text)
        let expected: number | 'total' | undefined
        if (Array.isArray(value)) expected = value.length
        else if (value !== null && typeof value === 'object' && 'total_count' in value) expected = 'total'
        else if (value !== null && typeof value === 'object') {
          const lengths = Object.values(value).flatMap((item) => (Array.isArray(item) ? [item.length] : []))
          if (lengths.length > 0) expected = Math.max(...lengths)
        }
        expect(count(JSON.stringify(value, null, indent))).toBe(expected)
      }),
      { numRuns: 1000 },
    )
  })

  it('survives anything', () => {
    expect(count('['.repeat(10_000))).toBeUndefined()
    expect(count(`${'['.repeat(10_000)}${']'.repeat(10_000)}`)).toBe(1)
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void pageItemCount(bytes)))
  })
})

describe('isFullPage', () => {
  it.each([
    [undefined, '', false],
    [0, '', false],
    [0, 'per_page=0', false],
    [29, '', false],
    [30, '', true],
    [31, '', true],
    [9, 'per_page=10', false],
    [10, 'page=2&per_page=10', true],
    [10, 'per%5Fpage=10', true],
    [99, 'per_page=100', false],
    [100, 'per_page=100', true],
    [100, 'per_page=1000', true],
    [99, 'per_page=1000', false],
    // An endpoint that does not read per_page.
    [30, 'per_page=100', true],
    [29, 'per_page=100', false],
    [30, 'per_page=abc', true],
    [29, 'per_page=abc', false],
    [29, 'per_page=', false],
    [29, 'per_page=-5', false],
    [29, 'per_page=0', false],
    [5, 'per_page=5abc', true],
    // Which of two counts is the upstream's business.
    [10, 'per_page=10&per_page=50', true],
    [10, 'per_page=50&per_page=10', true],
    [10, 'per_page=%', false],
  ] as const)('%s items of %j: %s', (items, query, expected) => {
    expect(isFullPage(items, query)).toBe(expected)
  })
})

describe('nextPageOf', () => {
  it.each([
    ['[1,2]', 'per_page=2', 'possible'],
    ['[1,2]', 'per_page=3', 'none'],
    ['{"total_count":9,"items":[1,2]}', 'per_page=2', 'stated'],
    ['{"name":"no list"}', 'per_page=1', 'none'],
  ])('%s of %s: %s', (text, query, expected) => {
    expect(nextPageOf(new TextEncoder().encode(text), query)).toBe(expected)
  })
})
