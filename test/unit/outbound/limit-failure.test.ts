import { describe, expect, test } from 'vitest'
import { Failure, type FailureTag, toRecord } from '../../../src/errors.ts'
import { headerValue } from '../../../src/http/headers.ts'
import { isKeptBack, limitFailure } from '../../../src/middleware/outbound/limit-failure.ts'
import type { BudgetRefusal, RateLimit } from '../../../src/ports.ts'
import { RESET } from './budgets.ts'
import { START } from './harness.ts'

const STATED: RateLimit = { resource: 'search', limit: 30, remaining: 4, used: 26, reset: RESET }

function failed(why: BudgetRefusal['why'], more: Partial<BudgetRefusal> = {}) {
  const refusal: BudgetRefusal = { isGranted: false, why, retryAt: START + 90_500, stated: STATED, ...more }
  const failure = limitFailure(refusal, START)
  const { status, headers, body } = toRecord(failure)
  const { message, documentation_url: documentation } = JSON.parse(new TextDecoder().decode(body))
  return { tag: failure.tag, status, message, documentation, field: (name: string) => headerValue(headers, name) }
}

const FIELDS = ['limit', 'remaining', 'reset', 'used', 'resource'].map((name) => `x-ratelimit-${name}`)

describe('a budget that is used up', () => {
  test('is refused as the upstream would: nothing remains, the true reset, and no time to wait', () => {
    const { tag, status, message, field } = failed('exhausted')
    expect([tag, status, message]).toEqual(['rate-limited', 403, 'API rate limit exceeded'])
    expect(FIELDS.map(field)).toEqual(['30', '0', String(RESET), '30', 'search'])
    expect(field('retry-after')).toBeUndefined()
  })

  test('of a server that does not say what was used does not begin to', () => {
    const { field } = failed('exhausted', { stated: { ...STATED, used: undefined } })
    expect(FIELDS.map(field)).toEqual(['30', '0', String(RESET), undefined, undefined])
  })

  test('whose window has just ended is worth a moment’s wait', () => {
    const { tag, field } = failed('exhausted', { stated: undefined, retryAt: START + 300 })
    expect([tag, field('retry-after'), field('x-ratelimit-remaining')]).toEqual(['paused', '1', undefined])
  })
})

test('a share that is used up is told as nothing that remains until it may come again', () => {
  const { tag, status, message, field } = failed('share')
  expect([tag, status]).toEqual(['share-used', 403])
  expect(message).toContain('API rate limit exceeded')
  expect(FIELDS.map(field)).toEqual(['30', '0', String(START / 1000 + 91), '30', 'search'])
  expect(field('retry-after')).toBeUndefined()
})

describe('a pause', () => {
  test('is told by the time to wait, in the shape of a secondary limit', () => {
    const { tag, status, message, documentation, field } = failed('paused')
    expect([tag, status]).toEqual(['paused', 403])
    expect(message).toMatch(/secondary rate limit.*abuse detection/)
    expect(documentation).toMatch(/#secondary-rate-limits$/)
    expect(field('retry-after')).toBe('91')
    // What remains of the budget is no secret, and not what is the matter.
    expect(FIELDS.map(field)).toEqual(['30', '4', String(RESET), '26', 'search'])
  })

  test.each([
    [START - 5000, '1'],
    [START, '1'],
    [START + 1, '1'],
    [START + 1000, '1'],
    [START + 1001, '2'],
  ])('until %i is %s seconds from now', (retryAt, seconds) => {
    expect(failed('paused', { retryAt }).field('retry-after')).toBe(seconds)
  })

  test('needs no numbers', () => {
    const { field } = failed('paused', { stated: undefined })
    expect(FIELDS.map(field)).toEqual(Array(5).fill(undefined))
  })
})

test('a gateway that is too busy says so', () => {
  const { tag, status, field } = failed('busy', { retryAt: START + 1000 })
  expect([tag, status, field('retry-after')]).toEqual(['upstream-busy', 503, '1'])
})

test('only what limits kept back is something to wait out', () => {
  const tags: FailureTag[] = ['rate-limited', 'share-used', 'paused']
  for (const tag of tags) expect(isKeptBack(new Failure(tag)), tag).toBe(true)
  for (const tag of ['upstream-busy', 'login-locked', 'client-gone', 'internal'] as const) {
    expect(isKeptBack(new Failure(tag)), tag).toBe(false)
  }
  expect(isKeptBack(new Error('paused'))).toBe(false)
})
