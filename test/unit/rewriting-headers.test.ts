import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rewriteLink, rewriteUrl, type UrlRoots } from '../../src/github/rewriting/index.ts'
import { DOTCOM, GHES, PUBLIC } from './rewriting-model.ts'

const API = 'https://ghe.example.com/api/v3'
const OURS = `${PUBLIC}/api/v3`

describe('rewriteUrl', () => {
  it.each([
    [`${API}/repositories/1?page=2#x`, `${OURS}/repositories/1?page=2#x`],
    [API, OURS],
    [`${API}?a=${API}`, `${OURS}?a=${API}`],
    ['https://ghe.example.com/api/graphql', `${PUBLIC}/api/graphql`],
    ['https://ghe.example.com/api/uploads/repos', `${PUBLIC}/api/uploads/repos`],
  ])('%s', (url, expected) => {
    expect(rewriteUrl(url, GHES, PUBLIC)).toBe(expected)
  })

  it.each([
    `${API}0/x`,
    'https://ghe.example.com.evil/api/v3/x',
    'https://codeload.ghe.example.com/x',
    'https://ghe.example.com/login',
    '/api/v3/x',
    '',
  ])('%j stays', (url) => {
    expect(rewriteUrl(url, GHES, PUBLIC)).toBe(url)
  })

  it('tries the roots of api.github.com in order and never doubles a path', () => {
    expect(rewriteUrl('https://api.github.com/graphql', DOTCOM, PUBLIC)).toBe(`${PUBLIC}/api/graphql`)
    expect(rewriteUrl('https://api.github.com/user', DOTCOM, PUBLIC)).toBe(`${OURS}/user`)
    const roots: UrlRoots = { pairs: [{ upstream: 'http://origin', path: '/api/v3' }] }
    expect(rewriteUrl('http://origin/api/v3/user', roots, PUBLIC)).toBe(`${OURS}/user`)
    expect(rewriteUrl('http://origin/api/v3', roots, PUBLIC)).toBe(OURS)
    expect(rewriteUrl('http://origin/api/v30', roots, PUBLIC)).toBe(`${OURS}/api/v30`)
  })
})

describe('rewriteLink', () => {
  it.each([
    [
      `<${API}/repositories/1/issues?page=2>; rel="next", <${API}/repositories/1/issues?page=4>; rel="last"`,
      `<${OURS}/repositories/1/issues?page=2>; rel="next", <${OURS}/repositories/1/issues?page=4>; rel="last"`,
    ],
    [`<${API}/a>;rel=next,<${API}/b>`, `<${OURS}/a>;rel=next,<${OURS}/b>`],
    [
      ` , \t<${API}/a?q=a,b;c>; title="x, <${API}/no>; \\", <${API}/no>"`,
      ` , \t<${OURS}/a?q=a,b;c>; title="x, <${API}/no>; \\", <${API}/no>"`,
    ],
    [`<${API}/a>; anchor="${API}/b"; rel=next; x=${API}/c`, `<${OURS}/a>; anchor="${API}/b"; rel=next; x=${API}/c`],
    [`<${API}/x{?q}>; rel="search"`, `<${OURS}/x{?q}>; rel="search"`],
  ])('%s', (value, expected) => {
    expect(rewriteLink(value, GHES, PUBLIC)).toBe(expected)
  })

  it.each([
    '',
    ',',
    '<',
    '"',
    `<${API}/a; rel="next"`,
    `${API}/a; rel="next"`,
    `x <${API}/a>; rel="next"`,
    `"<${API}/a>; rel=next`,
    `"\\", <${API}/a>; rel=next`,
    '<https://other.example.com/a>; rel="next"',
    `<https://ghe.example.com/api/v30/a>; rel="next"`,
    `<https://other/?${API}/a>; rel="next"`,
  ])('%j stays', (value) => {
    expect(rewriteLink(value, GHES, PUBLIC)).toBe(value)
  })

  it('never throws, and changes nothing the second time', () => {
    const part = fc.constantFrom('<', '>', '"', '\\', ',', ';', ' ', 'rel=next', API, `${API}/a`, `<${API}/b>`, 'x')
    let changed = 0
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
        const value = parts.join('')
        const once = rewriteLink(value, GHES, PUBLIC)
        if (once !== value) changed++
        expect(rewriteLink(once, GHES, PUBLIC)).toBe(once)
        expect(once.replaceAll(OURS, API)).toBe(value)
      }),
      { numRuns: 1000 },
    )
    expect(changed).toBeGreaterThan(20)
  })
})
