import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTarget, queryParameter, refuseDotSegments } from '../../../src/http/target.ts'

const visible = fc
  .integer({ min: 0x21, max: 0xff })
  .filter((code) => code !== 0x7f && code !== 0x23)
  .map((code) => String.fromCharCode(code))

describe('request targets', () => {
  test('are split at the first question mark and otherwise stay byte for byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: visible }), fc.string({ unit: visible }), fc.boolean(), (before, query, marked) => {
        const path = `/${before.replaceAll('?', '')}`
        const target = parseTarget(marked ? `${path}?${query}` : path)
        expect(target).toEqual({ path, query: marked ? query : '' })
      }),
    )
  })

  test.each([
    ['https://ghes.example/user'],
    ['*'],
    [''],
    ['user'],
    ['ghes.example:443'],
    ['/a b'],
    ['/a\tb'],
    ['/a\r\nhost: evil'],
    ['/a\0'],
    ['/a\x7f'],
    ['/a#b'],
    ['/a?b#c'],
  ])('%j is refused', (raw) => {
    expect(() => parseTarget(raw)).toThrowError(expect.objectContaining({ tag: 'bad-target' }))
  })
})

describe('dot segments', () => {
  const dot = fc.constantFrom('.', '%2e', '%2E', '%252e', '%25252E')
  const slash = fc.constantFrom('/', '\\', '%2f', '%2F', '%5c', '%5C', '%252f', '%25255C')
  const word = fc.constantFrom('', 'repos', 'a.b', '%20', '...', 'x..')

  test('are refused however they are written', () => {
    fc.assert(
      fc.property(word, slash, fc.array(dot, { minLength: 1, maxLength: 2 }), word, slash, fc.nat(2), (...parts) => {
        const [before, opening, dots, after, closing, ending] = parts
        const end = ['', `${closing}${after}`, `;x=1${closing}`][ending]
        const path = `/${before}${opening}${dots.join('')}${end}`
        expect(() => refuseDotSegments(path), path).toThrowError(expect.objectContaining({ tag: 'bad-target' }))
      }),
    )
  })

  test.each([
    ['/repos/o/r/contents/.github/workflows/ci.yml'],
    ['/repos/o/r/contents/..a'],
    ['/repos/o/r/contents/...'],
    ['/repos/o/r/branches/a%2Fb'],
    ['/repos/o/r/branches/a%2F.hidden'],
    ['/repos/o/r/compare/v1..v2'],
    ['/repos/o/r/compare/main...topic'],
    ['/repos/o/r/contents/100%25'],
    ['//evil.example/user'],
    ['/'],
    [''],
  ])('%s is forwarded', (path) => {
    expect(() => refuseDotSegments(path)).not.toThrow()
  })
})

test('a query parameter is found by its exact name, undecoded', () => {
  expect(queryParameter('callback=a%20b&callback=c', 'callback')).toBe('a%20b')
  expect(queryParameter('xcallback=a&callback', 'callback')).toBe('')
  expect(queryParameter('a=callback=1', 'callback')).toBeUndefined()
  expect(queryParameter('a=b=c', 'a')).toBe('b=c')
  expect(queryParameter('', 'callback')).toBeUndefined()
})
