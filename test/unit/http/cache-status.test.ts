import { expect, test } from 'vitest'
import { cacheStatusOf } from '../../../src/http/cache-status.ts'
import { type OutcomeName, outcomes } from '../../../src/outcome.ts'

test.each([
  [{ name: 'hit' }, 200, 'weir; hit'],
  [{ name: 'hit', ttl: -30, detail: 'max-stale' }, 200, 'weir; hit; ttl=-30; detail=max-stale'],
  [{ name: 'hit', ttl: 0, detail: 'stale-while-revalidate' }, 304, 'weir; hit; ttl=0; detail=stale-while-revalidate'],
  [
    { name: 'stale', forward: 'stale', forwardStatus: 503, detail: 'upstream-error' },
    200,
    'weir; fwd=stale; fwd-status=503; detail=upstream-error',
  ],
  [{ name: 'stale', forward: 'stale', detail: 'upstream-failed' }, 200, 'weir; fwd=stale; detail=upstream-failed'],
  [
    { name: 'revalidated', forward: 'stale', forwardStatus: 304, stored: true },
    200,
    'weir; fwd=stale; fwd-status=304; stored',
  ],
  [
    { name: 'filled', forward: 'uri-miss', forwardStatus: 200, stored: true },
    200,
    'weir; fwd=uri-miss; fwd-status=200; stored',
  ],
  [
    { name: 'fetched', forward: 'uri-miss', forwardStatus: 200, detail: 'no-store' },
    200,
    'weir; fwd=uri-miss; fwd-status=200; detail=no-store',
  ],
  [{ name: 'confirmed', forward: 'uri-miss', forwardStatus: 304 }, 304, 'weir; fwd=uri-miss; fwd-status=304'],
  [{ name: 'bypassed', forward: 'bypass', detail: 'range' }, 200, 'weir; fwd=bypass; detail=range'],
] as const)('%o', (outcome, status, member) => {
  expect(cacheStatusOf(outcome, status)).toBe(member)
})

test('anything but a 200 or 304 says the same whatever came before it', () => {
  const names = (Object.keys(outcomes) as OutcomeName[]).filter((name) => name !== 'written' && name !== 'served')
  for (const name of names) {
    for (const status of [202, 206, 301, 401, 403, 404, 429, 500, 502, 504]) {
      const outcome = { name, forward: 'stale', forwardStatus: status, stored: true, detail: 'range' } as const
      expect(cacheStatusOf(outcome, status), `${name} ${status}`).toBe('weir; fwd=miss')
    }
  }
})

test('a write and the gateway’s own pages say nothing', () => {
  expect(cacheStatusOf({ name: 'written' }, 200)).toBeUndefined()
  expect(cacheStatusOf({ name: 'served' }, 200)).toBeUndefined()
})
