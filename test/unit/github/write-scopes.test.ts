import { describe, expect, test } from 'vitest'
import { repositoryOf, scopesOfLocations, scopesOfRead, scopesOfWrite } from '../../../src/github/write-scopes.ts'

describe('what a write ends', () => {
  test.each([
    '/repos/octo/hello',
    '/repos/Octo/HELLO/issues/1',
    '/REPOS/octo/hello',
    '/repos/octo/hell%6F/issues',
    '/repos/octo%2Fhello/issues',
    '/%72epos/octo/hello',
    '//repos//octo/hello/',
  ])('%s names the same repository', (path) => {
    expect(repositoryOf(path)).toBe('repository octo/hello')
  })

  test.each(['/repos/octo', '/user/repos', '/orgs/repos/octo/hello', '/reposx/octo/hello', '/', '', '/repos/octo/%'])(
    '%s does not',
    (path) => {
      expect(repositoryOf(path)).not.toBe('repository octo/hello')
    },
  )

  const ends = (write: string, read: string, sameCredential = false) => {
    const ended = scopesOfWrite(write, 'writer')
    const scopes = scopesOfRead(read, sameCredential ? 'writer' : 'reader')
    return ended === 'everything' || scopes.some((scope) => ended.includes(scope))
  }

  test('everything that the same credential has read', () => {
    expect(ends('/user/keys', '/repos/o/r', true)).toBe(true)
    expect(ends('/repos/o/r', '/notifications', true)).toBe(true)
  })

  test('of others, what they have read of the same repository', () => {
    expect(ends('/repos/O/R/issues', '/repos/o/r/commits')).toBe(true)
    expect(ends('/repos/o/r/issues', '/repos/o/r2')).toBe(false)
    expect(ends('/repos/o/r/issues', '/repos/o2/r')).toBe(false)
    expect(ends('/user/keys', '/repos/o/r')).toBe(false)
  })

  test('of others, what they have read of the same URL, whatever its spelling', () => {
    expect(ends('/orgs/github', '/orgs/github')).toBe(true)
    expect(ends('/orgs/GitHub', '/orgs//git%68ub/')).toBe(true)
    expect(ends('/orgs/github', '/orgs/github/teams')).toBe(false)
    expect(ends('/orgs/github/teams', '/orgs/github')).toBe(false)
    expect(ends('/orgs/github', '/orgs/github2')).toBe(false)
    expect(ends('/', '')).toBe(true)
  })

  test('nothing else of those who send no credential either, where the write sent none', () => {
    const ended = scopesOfWrite('/gists', undefined)
    expect(ended).not.toBe('everything')
    const isEnded = (path: string) => scopesOfRead(path, 'anonymous').some((scope) => ended.includes(scope))
    expect(isEnded('/gists')).toBe(true)
    expect(isEnded('/gists/1')).toBe(false)
  })

  test('names stay short, and those that begin alike are ended together', () => {
    const long = `/orgs/${'x'.repeat(5000)}`
    for (const scope of scopesOfRead(long, 'reader')) expect(scope.length).toBeLessThan(300)
    expect(ends(`${long}1`, `${long}2`)).toBe(true)
  })

  test('what was read by number may be the repository that is written by name, and the other way round', () => {
    expect(ends('/repos/o/r/issues', '/repositories/1296269/issues?page=2')).toBe(true)
    expect(ends('/user/keys', '/repositories/1296269/issues')).toBe(false)
    for (const write of ['/repositories/1', '/repositories/1/issues', '/Repositories/1', '/repositorie%73/1']) {
      expect(scopesOfWrite(write, 'writer')).toBe('everything')
    }
    expect(scopesOfWrite('/repositoriesx/1', 'writer')).not.toBe('everything')
  })
})

describe('what the answer to a write names', () => {
  const address = { origin: 'https://ghes.example', target: '/api/v3/orgs/o/teams?x=1' }
  const ended = (fields: readonly string[]) => scopesOfLocations(fields, address, '/orgs/o/teams')
  const reads = (path: string, fields: readonly string[]) =>
    scopesOfRead(path, 'reader').some((scope) => ended(fields).includes(scope))

  test.each([
    ['https://ghes.example/api/v3/teams/7', '/teams/7'],
    ['/api/v3/teams/7?page=1', '/teams/7'],
    ['teams/7', '/orgs/o/teams/7'],
    ['?x', '/orgs/o/teams'],
    ['', '/orgs/o/teams'],
    ['https://GHES.example/api/v3/Teams/%37', '/teams/7'],
  ])('%j is %s', (location, path) => {
    expect(reads(path, ['location', location])).toBe(true)
    expect(reads(path, ['content-location', location])).toBe(true)
  })

  test.each([
    'https://other.example/api/v3/teams/7',
    '//other.example/api/v3/teams/7',
    '/teams/7',
    'http://[',
    'mailto:a',
  ])('%j is nothing that is read here', (location) => {
    expect(ended(['location', location])).toEqual([])
  })

  test('both are, where there are both', () => {
    const fields = ['location', '/api/v3/a', 'content-location', '/api/v3/b']
    expect([reads('/a', fields), reads('/b', fields), reads('/c', fields)]).toEqual([true, true, false])
    expect(ended([])).toEqual([])
  })
})
