import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asksForRaw } from '../../../src/github/media-type.ts'
import { addressOf, upstreamAt } from '../../../src/github/upstream.ts'

describe('upstream addresses', () => {
  const server = upstreamAt('https://ghes.example', '/api/v3', 'github-enterprise-server')
  const github = upstreamAt('https://api.github.com', '/', 'api.github.com')

  test('each API has its place', () => {
    expect(addressOf(server.rest, '/user', 'a=1')).toEqual({
      origin: 'https://ghes.example',
      target: '/api/v3/user?a=1',
    })
    expect(addressOf(server.rest, '', '').target).toBe('/api/v3')
    expect(addressOf(server.rest, '/', '').target).toBe('/api/v3/')
    expect(addressOf(server.graphql, '', '').target).toBe('/api/graphql')
    expect(addressOf(server.uploads, '/x', '').target).toBe('/api/uploads/x')
    expect(addressOf(github.rest, '', '').target).toBe('/')
    expect(addressOf(github.rest, '/user', '').target).toBe('/user')
    expect(addressOf(github.graphql, '', '').target).toBe('/graphql')
    expect(addressOf(github.uploads, '/x', '')).toEqual({ origin: 'https://uploads.github.com', target: '/x' })
  })

  test('nothing in a path or query changes where a request goes', () => {
    const part = fc.constantFrom('/', '//', 'evil.example', '@', ':', '?', 'user', '%2f', '\\', 'https:', '..')
    fc.assert(
      fc.property(fc.array(part), fc.array(part), (below, query) => {
        const address = addressOf(github.rest, `/${below.join('')}`, query.join(''))
        expect(address.origin).toBe('https://api.github.com')
        expect(address.target.startsWith('/')).toBe(true)
      }),
    )
  })

  test.each(['user', '@evil.example/', '.evil.example/', ':1/'])('%s does not begin a path', (below) => {
    expect(() => addressOf(github.rest, below, '')).toThrowError(expect.objectContaining({ tag: 'bad-target' }))
  })
})

test.each([
  [undefined, false],
  ['', false],
  ['*/*', false],
  ['application/json', false],
  ['application/vnd.github+json', false],
  ['application/vnd.github.v3+json', false],
  ['application/vnd.github.v3.full+json', false],
  ['application/vnd.github.v3.raw+json', true],
  ['application/vnd.github.raw', true],
  ['application/vnd.github.v3.html', true],
  ['application/vnd.github.diff', true],
  ['application/vnd.github.patch', true],
  ['application/vnd.github.v3.sha', true],
  ['application/vnd.github.v3.base64', true],
  ['Application/Octet-Stream', true],
  ['application/json, application/vnd.github.raw', true],
  ['application/vnd.github.rawhide-preview+json', false],
  ['application/json, text/plain, */*', false],
  ['text/html,application/xhtml+xml,*/*;q=0.8', false],
  ['text/plain', true],
])('Accept: %s may be answered with other bytes than GitHub’s JSON: %s', (accept, raw) => {
  expect(asksForRaw(accept, '/repos/o/r/contents/file')).toBe(raw)
})

test('a flavour of a resource that stays JSON is JSON', () => {
  expect(asksForRaw('application/vnd.github.raw+json', '/repos/o/r/issues/1')).toBe(false)
  expect(asksForRaw('application/vnd.github.diff', '/repos/o/r/pulls/1')).toBe(true)
})
