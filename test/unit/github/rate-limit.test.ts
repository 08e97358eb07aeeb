import { describe, expect, test } from 'vitest'
import {
  costOf,
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

  test('only a 304 to a credential, and asking about the limits, is free', () => {
    const asked = { method: 'GET', path: '/user', isAnonymous: false }
    expect(costOf(asked, 304, false)).toBe(0)
    expect(costOf({ ...asked, isAnonymous: true }, 304, false)).toBe(1)
    expect(costOf(asked, 200, false)).toBe(1)
    expect(costOf(asked, 404, false)).toBe(1)
    expect(costOf({ ...asked, path: '/rate_limit' }, 200, false)).toBe(0)
    expect(costOf({ ...asked, method: 'OPTIONS' }, 204, false)).toBe(0)
    expect(costOf(asked, 403, true)).toBe(0)
    expect(costOf(asked, 403, false)).toBe(1)
  })
})
