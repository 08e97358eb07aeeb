import { describe, expect, test } from 'vitest'
import { repositoryOf, scopesOfRead, scopesOfWrite } from '../../../src/github/write-scopes.ts'

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

  test('what was read by number may be the repository that is written by name, and the other way round', () => {
    expect(ends('/repos/o/r/issues', '/repositories/1296269/issues?page=2')).toBe(true)
    expect(ends('/user/keys', '/repositories/1296269/issues')).toBe(false)
    for (const write of ['/repositories/1', '/repositories/1/issues', '/Repositories/1', '/repositorie%73/1']) {
      expect(scopesOfWrite(write, 'writer')).toBe('everything')
    }
    expect(scopesOfWrite('/repositoriesx/1', 'writer')).not.toBe('everything')
  })
})
