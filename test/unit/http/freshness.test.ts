import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCacheControl } from '../../../src/http/cache-control.ts'
import { ageOf, type FreshnessPolicy, initialAgeOf, isFresh, reuseOf } from '../../../src/http/freshness.ts'
import type { Validation } from '../../../src/ports.ts'

const NOW = Date.UTC(2026, 3, 15, 12)
const date = (epoch: number) => new Date(epoch).toUTCString()
const reuse = (control: string, credentialed: boolean, headers: string[] = []) =>
  reuseOf(headers, parseCacheControl(control), credentialed, NOW)

function validation(overrides: Partial<Validation> = {}): Validation {
  return {
    bodyKey: 'body',
    status: 200,
    headers: [],
    etag: '"e"',
    lastModified: undefined,
    confirmedAt: NOW,
    initialAge: 0,
    freshFor: 60_000,
    isPublic: true,
    alwaysRevalidate: false,
    pollInterval: 0,
    staleUse: 'allowed',
    staleWhileRevalidate: 0,
    staleIfError: undefined,
    linkGoodUntil: 0,
    nextPage: 'none',
    epoch: 0,
    ...overrides,
  }
}

describe('how long an answer may be reused', () => {
  test.each([
    // control, for the anonymous, for a credential: seconds
    ['max-age=60', 60, 0],
    ['max-age=60, s-maxage=10', 10, 10],
    ['s-maxage=100, max-age=60', 100, 100],
    ['public, max-age=60', 60, 60],
    ['max-age=60, must-revalidate', 60, 60],
    // RFC 9111 §3.5 names must-revalidate, and not this one.
    ['max-age=60, proxy-revalidate', 60, 0],
    ['private, max-age=60', 0, 0],
    ['private, public, max-age=60, s-maxage=60', 0, 0],
    ['private="set-cookie", max-age=60', 0, 0],
    ['no-cache, public, max-age=60', 0, 0],
    ['public', 0, 0],
    ['', 0, 0],
  ])('%s: %d s for anybody, %d s with a credential', (control, anonymous, credentialed) => {
    expect(reuse(control, false).freshFor).toBe(anonymous * 1000)
    expect(reuse(control, true).freshFor).toBe(credentialed * 1000)
  })

  test('Expires counts from Date where there is no max-age; nonsense means expired', () => {
    const fields = (expires: string, ...rest: string[]) => ['expires', expires, ...rest]
    expect(reuse('public', true, fields(date(NOW + 30_000), 'date', date(NOW - 5000))).freshFor).toBe(35_000)
    expect(reuse('public', true, fields(date(NOW + 30_000))).freshFor).toBe(30_000)
    expect(reuse('public', true, fields(date(NOW - 30_000))).freshFor).toBe(0)
    expect(reuse('public, max-age=1', true, fields(date(NOW + 30_000))).freshFor).toBe(1000)
    expect(reuse('public', true, fields('0')).freshFor).toBe(0)
    expect(reuse('public', true, fields(date(NOW + 30_000), 'expires', date(NOW + 1))).freshFor).toBe(0)
  })

  test('nothing is guessed from Last-Modified', () => {
    expect(reuse('public', false, ['last-modified', date(0), 'date', date(NOW)]).freshFor).toBe(0)
  })
})

describe('what an answer says of its use when it is stale', () => {
  test.each([
    // control, for a credential, for the anonymous
    ['', 'allowed', 'allowed'],
    ['max-age=60', 'allowed', 'allowed'],
    ['private, max-age=60, s-maxage=60', 'allowed', 'forbidden'],
    ['private, proxy-revalidate', 'allowed', 'forbidden'],
    ['private, must-revalidate', 'operator', 'forbidden'],
    ['public, max-age=60', 'allowed', 'allowed'],
    ['public, max-age=60, s-maxage=60', 'operator', 'operator'],
    ['max-age=60, proxy-revalidate', 'operator', 'operator'],
    ['max-age=60, must-revalidate', 'operator', 'operator'],
    ['no-cache', 'forbidden', 'forbidden'],
    ['no-cache="x", max-age=60', 'forbidden', 'forbidden'],
  ])('%s: %s with a credential, %s without', (control, credentialed, anonymous) => {
    expect(reuse(control, true).staleUse).toBe(credentialed)
    expect(reuse(control, false).staleUse).toBe(anonymous)
  })

  test('the durations of RFC 5861 are read once, and the first not where staleness is not allowed', () => {
    const said = 'stale-while-revalidate=30, stale-if-error=300'
    expect(reuse(`max-age=60, ${said}`, true)).toMatchObject({ staleWhileRevalidate: 30_000, staleIfError: 300_000 })
    for (const strict of ['must-revalidate', 'proxy-revalidate', 's-maxage=60', 'no-cache']) {
      expect(reuse(`${strict}, ${said}`, true).staleWhileRevalidate, strict).toBe(0)
    }
    expect(reuse('max-age=60', true)).toMatchObject({ staleWhileRevalidate: 0, staleIfError: undefined })
  })
})

describe('X-Poll-Interval', () => {
  const interval = (value: string, control = 'private', credentialed = true) =>
    reuse(control, credentialed, ['x-poll-interval', value]).pollInterval

  test('is whole seconds, an hour at most, and only with a credential', () => {
    expect(interval('60')).toBe(60_000)
    expect(interval('3600')).toBe(3_600_000)
    expect(interval('3601')).toBe(3_600_000)
    expect(interval('9'.repeat(400))).toBe(3_600_000)
    for (const nonsense of ['', '-1', '1.5', '60s', '60, 60', 'soon']) expect(interval(nonsense), nonsense).toBe(0)
    expect(interval('60', 'public', false)).toBe(0)
    expect(interval('60', 'no-cache')).toBe(0)
    expect(reuse('private', true).pollInterval).toBe(0)
  })
})

describe('age', () => {
  test('on arrival is the greater of what Date shows and what Age and the journey add up to', () => {
    const askedAt = NOW - 400
    expect(initialAgeOf([], askedAt, NOW)).toBe(400)
    expect(initialAgeOf(['age', '10'], askedAt, NOW)).toBe(10_400)
    expect(initialAgeOf(['date', date(NOW - 30_000)], askedAt, NOW)).toBe(30_000)
    expect(initialAgeOf(['date', date(NOW - 30_000), 'age', '40'], askedAt, NOW)).toBe(40_400)
    // A clock that is ahead makes nothing younger, nor does the second that Date rounds away make it older.
    expect(initialAgeOf(['date', date(NOW + 30_000)], askedAt, NOW)).toBe(400)
    expect(initialAgeOf(['date', date(NOW)], NOW + 999, NOW + 999)).toBe(0)
    for (const nonsense of ['', 'old', '-7200', '10.0', '10, 10', '10;x=y', '9'.repeat(400)]) {
      expect(initialAgeOf(['age', nonsense], NOW, NOW), nonsense).toBe(2 ** 31 * 1000)
    }
    expect(initialAgeOf(['age', '10', 'age', '10'], NOW, NOW)).toBe(2 ** 31 * 1000)
  })

  test('grows with the time since, and never shrinks when the clock steps back', () => {
    const stored = validation({ initialAge: 5000 })
    expect(ageOf(stored, NOW + 1500)).toBe(6500)
    expect(ageOf(stored, NOW - 60_000)).toBe(5000)
  })
})

describe('whether an answer is reused without asking', () => {
  const upstream: FreshnessPolicy = { mode: 'upstream' }
  const never: FreshnessPolicy = { mode: 'revalidate' }
  const minute: FreshnessPolicy = { mode: 'duration', milliseconds: 60_000 }
  const ask = (control: string) => parseCacheControl(control)

  test('until its age reaches its lifetime, to the millisecond', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), fc.nat(100_000), (freshFor, initialAge, passed) => {
        const stored = validation({ freshFor, initialAge })
        expect(isFresh(stored, upstream, ask(''), true, NOW + passed)).toBe(initialAge + passed < freshFor)
      }),
    )
  })

  test('the operator’s duration counts from the last confirmation and for credentials alone', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), (initialAge, passed) => {
        const stored = validation({ freshFor: 0, initialAge })
        expect(isFresh(stored, minute, ask(''), true, NOW + passed)).toBe(passed < 60_000)
        expect(isFresh(stored, minute, ask(''), false, NOW + passed)).toBe(false)
      }),
    )
    expect(isFresh(validation({ freshFor: 90_000 }), minute, ask(''), true, NOW + 80_000)).toBe(true)
  })

  test('an answer with another status lives as long as it says, whatever the operator’s duration is', () => {
    const gone = validation({ status: 410, freshFor: 10_000 })
    expect(isFresh(gone, minute, ask(''), true, NOW + 9999)).toBe(true)
    expect(isFresh(gone, minute, ask(''), true, NOW + 10_000)).toBe(false)
  })

  test('for the upstream’s poll interval from the last confirmation, with a credential', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), (initialAge, passed) => {
        const polled = validation({ freshFor: 0, initialAge, pollInterval: 60_000 })
        for (const policy of [upstream, { mode: 'duration', milliseconds: 10_000 } as const]) {
          expect(isFresh(polled, policy, ask(''), true, NOW + passed)).toBe(passed < 60_000)
          expect(isFresh(polled, policy, ask(''), false, NOW + passed)).toBe(false)
          expect(isFresh(polled, policy, ask('max-age=30'), true, NOW + passed)).toBe(
            passed < 60_000 && initialAge + passed < 30_000,
          )
        }
        for (const control of ['no-cache', 'no-store', 'max-age=0', 'min-fresh=60']) {
          expect(isFresh(polled, upstream, ask(control), true, NOW + passed)).toBe(false)
        }
        expect(isFresh(polled, never, ask(''), true, NOW + passed)).toBe(false)
        expect(isFresh({ ...polled, alwaysRevalidate: true }, upstream, ask(''), true, NOW + passed)).toBe(false)
      }),
    )
  })

  test('never in the mode that always asks, nor what the upstream wants to be asked about', () => {
    expect(isFresh(validation(), never, ask(''), true, NOW)).toBe(false)
    for (const policy of [upstream, minute]) {
      expect(isFresh(validation({ alwaysRevalidate: true }), policy, ask(''), true, NOW)).toBe(false)
    }
  })

  test.each(['no-cache', 'no-store', 'max-age=0', 'max-age=nonsense', 'min-fresh=60', 'min-fresh=nonsense'])(
    'never against the client’s %s',
    (directive) => {
      for (const policy of [upstream, minute]) {
        expect(isFresh(validation(), policy, ask(''), true, NOW)).toBe(true)
        expect(isFresh(validation(), policy, ask(directive), true, NOW)).toBe(false)
      }
    },
  )

  test('a client’s max-age and min-fresh are obeyed, and never make anything fresher', () => {
    fc.assert(
      fc.property(fc.nat(90), fc.nat(90), fc.nat(90), (maxAge, minFresh, passed) => {
        const asked = ask(`max-age=${maxAge}, min-fresh=${minFresh}`)
        const wanted = passed < maxAge && 60 - passed > minFresh
        expect(isFresh(validation(), upstream, asked, true, NOW + passed * 1000)).toBe(wanted)
      }),
    )
  })
})
