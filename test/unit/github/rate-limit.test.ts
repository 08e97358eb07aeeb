import { describe, expect, test } from 'vitest'
import {
  costOf,
  isLimitRefusal,
  isRateLimitField,
  rateLimitFields,
  resourceOf,
  statedRateLimit,
} from '../../../src/github/rate-limit.ts'

const STATED = ['x-ratelimit-limit', '5000', 'x-ratelimit-remaining', '4999', 'x-ratelimit-reset', '1776254400']

describe('rate limits', () => {
  test('are read without the fields that older servers do not send', () => {
    const core = { resource: 'core', limit: 5000, remaining: 4999, used: undefined, reset: 1776254400 }
    expect(statedRateLimit(STATED, '/user')).toEqual(core)
    expect(statedRateLimit(STATED, '/search/issues')).toEqual({ ...core, resource: 'search' })
    const named = [...STATED, 'x-ratelimit-used', '1', 'x-ratelimit-resource', 'code_search']
    expect(statedRateLimit(named, '/user')).toEqual({ ...core, used: 1, resource: 'code_search' })
  })

  test.each(['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'])(
    'are none without a sane %s',
    (name) => {
      for (const value of ['', '-1', '1.5', 'many', '1e9', '9'.repeat(16)]) {
        const at = STATED.indexOf(name)
        expect(statedRateLimit(STATED.with(at + 1, value), '/user'), value).toBeUndefined()
      }
      expect(statedRateLimit(STATED.toSpliced(STATED.indexOf(name), 2), '/user')).toBeUndefined()
    },
  )

  test('a resource that nobody would call so is not taken into a key', () => {
    for (const resource of ['', 'a b', 'x'.repeat(65), 'core, search']) {
      expect(statedRateLimit([...STATED, 'x-ratelimit-resource', resource], '/user')?.resource).toBe('core')
    }
  })

  test('are written as they were read', () => {
    const stated = { resource: 'search', limit: 30, remaining: 29, used: 1, reset: 1776254400 }
    expect(statedRateLimit(rateLimitFields(stated), '/user')).toEqual(stated)
    expect(rateLimitFields({ ...stated, used: undefined }).filter(isRateLimitField)).toHaveLength(3)
  })

  test('the path names the resource where nothing else does', () => {
    expect(['/search', '/search/code', '/search/issues', '/searching', '/user'].map(resourceOf)).toEqual([
      'search',
      'code_search',
      'search',
      'core',
      'core',
    ])
  })

  test.each([
    [429, [], true],
    [403, ['x-ratelimit-remaining', '0'], true],
    [403, ['retry-after', '60'], true],
    [403, ['gh-limited-by', 'x'], true],
    [403, ['x-ratelimit-remaining', '10'], false],
    [403, [], false],
    [404, ['x-ratelimit-remaining', '0'], false],
    [401, ['retry-after', '60'], false],
  ])('a %i with %j is about limits: %s', (status, headers, expected) => {
    expect(isLimitRefusal(status, headers)).toBe(expected)
  })

  test('only a 304 to a credential, and asking about the limits, is free', () => {
    const asked = { method: 'GET', path: '/user', isAnonymous: false }
    expect(costOf(asked, 304, [])).toBe(0)
    expect(costOf({ ...asked, isAnonymous: true }, 304, [])).toBe(1)
    expect(costOf(asked, 200, [])).toBe(1)
    expect(costOf(asked, 404, [])).toBe(1)
    expect(costOf({ ...asked, path: '/rate_limit' }, 200, [])).toBe(0)
    expect(costOf({ ...asked, method: 'OPTIONS' }, 204, [])).toBe(0)
    expect(costOf(asked, 403, ['x-ratelimit-remaining', '0'])).toBe(0)
    expect(costOf(asked, 403, ['x-ratelimit-remaining', '1'])).toBe(1)
  })
})
