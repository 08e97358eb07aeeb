import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCacheControl } from '../../../src/http/cache-control.ts'
import { type FreshnessPolicy, isFresh, remainingLifetime } from '../../../src/http/freshness.ts'
import { mayStandIn, type StalePolicy, type StaleRules, staleReuse } from '../../../src/http/staleness.ts'
import type { Validation } from '../../../src/ports.ts'

const NOW = Date.UTC(2026, 3, 15, 12)
const ask = (control: string) => parseCacheControl(control)
const upstream: FreshnessPolicy = { mode: 'upstream' }
const fiveMinutes: StalePolicy = { milliseconds: 300_000, isSet: false }
const usual: StaleRules = { freshness: upstream, stale: fiveMinutes }
const set = (milliseconds: number): StaleRules => ({ freshness: upstream, stale: { milliseconds, isSet: true } })

/** An answer to a credential as GitHub sends it, unless a test says otherwise. */
function validation(overrides: Partial<Validation> = {}): Validation {
  return {
    bodyKey: 'body',
    status: 200,
    headers: [],
    etag: '"e"',
    lastModified: undefined,
    confirmedAt: NOW,
    initialAge: 0,
    freshFor: 0,
    isPublic: false,
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

const published = (overrides: Partial<Validation> = {}) =>
  validation({ freshFor: 60_000, isPublic: true, ...overrides })

describe('max-stale', () => {
  const reused = (stored: Validation, control: string, passed: number, rules = usual) =>
    staleReuse(stored, rules, ask(control), true, NOW + passed) === 'max-stale'

  test('for as long as the client says after the answer became stale: a private one is so from the beginning', () => {
    expect(reused(validation(), 'max-stale=30', 29_999)).toBe(true)
    expect(reused(validation(), 'max-stale=30', 30_000)).toBe(false)
    expect(reused(published(), 'max-stale=30', 89_999)).toBe(true)
    expect(reused(published(), 'max-stale=30', 90_000)).toBe(false)
    expect(reused(validation({ initialAge: 20_000 }), 'max-stale=30', 9_999)).toBe(true)
    expect(reused(validation({ initialAge: 20_000 }), 'max-stale=30', 10_000)).toBe(false)
    expect(reused(validation(), 'max-stale=0', 0)).toBe(false)
    expect(reused(validation(), '', 0)).toBe(false)
  })

  test('never longer after the last confirmation than the operator lets an unconfirmed answer be used', () => {
    expect(reused(validation(), 'max-stale', 299_999)).toBe(true)
    expect(reused(validation(), 'max-stale', 300_000)).toBe(false)
    expect(reused(validation(), 'max-stale', 9_999, set(10_000))).toBe(true)
    expect(reused(validation(), 'max-stale', 10_000, set(10_000))).toBe(false)
    expect(reused(validation(), 'max-stale', 0, set(0))).toBe(false)
  })

  test('not where the operator wants everything to be asked about, nor what the upstream wants to be asked about', () => {
    const always: StaleRules = { freshness: { mode: 'revalidate' }, stale: fiveMinutes }
    expect(reused(validation(), 'max-stale', 0, always)).toBe(false)
    expect(reused(validation({ alwaysRevalidate: true }), 'max-stale', 0)).toBe(false)
    for (const staleUse of ['operator', 'forbidden'] as const) {
      // However the operator set the duration: here nothing has failed.
      expect(reused(validation({ staleUse }), 'max-stale', 0, set(300_000)), staleUse).toBe(false)
    }
  })

  test('together with max-age both count', () => {
    expect(reused(validation(), 'max-stale=100, max-age=50', 49_999)).toBe(true)
    expect(reused(validation(), 'max-stale=100, max-age=50', 50_000)).toBe(false)
  })
})

describe('stale-while-revalidate', () => {
  const promising = published({ staleWhileRevalidate: 30_000 })
  const reuse = (stored: Validation, control: string, passed: number, rules = usual, credentialed = true) =>
    staleReuse(stored, rules, ask(control), credentialed, NOW + passed)

  test('for as long as the answer says after its lifetime', () => {
    expect(reuse(promising, '', 89_999)).toBe('stale-while-revalidate')
    expect(reuse(promising, '', 90_000)).toBeUndefined()
    expect(reuse(promising, 'max-stale', 89_999)).toBe('stale-while-revalidate')
    expect(reuse(promising, 'max-stale', 90_000)).toBe('max-stale')
  })

  test('only where there is a lifetime that it extends', () => {
    const own = validation({ staleWhileRevalidate: 30_000 })
    const minute: StaleRules = { freshness: { mode: 'duration', milliseconds: 60_000 }, stale: fiveMinutes }
    expect(reuse(own, '', 1)).toBeUndefined()
    expect(reuse(own, '', 89_999, minute)).toBe('stale-while-revalidate')
    expect(reuse(own, '', 90_000, minute)).toBeUndefined()
    expect(reuse(own, '', 70_000, minute, false)).toBeUndefined()
  })

  test('the operator’s bound for failures is not about this', () => {
    expect(reuse(promising, '', 70_000, set(0))).toBe('stale-while-revalidate')
  })

  test.each(['no-cache', 'no-store', 'max-age=0', 'max-age=3600', 'min-fresh=0', 'min-fresh=1'])(
    'not against %s',
    (control) => {
      expect(reuse(promising, control, 70_000)).toBeUndefined()
    },
  )
})

describe('standing in for an error', () => {
  const may = (stored: Validation, control: string, passed: number, rules = usual, credentialed = true) =>
    mayStandIn(stored, rules, ask(control), credentialed, NOW + passed)

  test('five minutes after it became stale, or as long as the operator says', () => {
    for (const [stored, freshFor] of [
      [validation(), 0],
      [validation({ initialAge: 1_000_000 }), 0],
      [published(), 60_000],
    ] as const) {
      expect(may(stored, '', freshFor + 299_999)).toBe(true)
      expect(may(stored, '', freshFor + 300_000)).toBe(false)
      expect(may(stored, '', freshFor + 9_999, set(10_000))).toBe(true)
      expect(may(stored, '', freshFor + 10_000, set(10_000))).toBe(false)
      expect(may(stored, '', 0, set(0))).toBe(false)
    }
  })

  test('after the operator’s own lifetime it counts from the end of that', () => {
    const hour: StaleRules = { freshness: { mode: 'duration', milliseconds: 3_600_000 }, stale: fiveMinutes }
    expect(may(validation(), '', 3_899_999, hour)).toBe(true)
    expect(may(validation(), '', 3_900_000, hour)).toBe(false)
    expect(may(validation(), '', 300_000, hour, false)).toBe(false)
  })

  test('stale-if-error of the answer takes the place of the duration, unless that is none at all', () => {
    for (const rules of [usual, set(600_000)]) {
      expect(may(validation({ staleIfError: 10_000 }), '', 9_999, rules)).toBe(true)
      expect(may(validation({ staleIfError: 10_000 }), '', 10_000, rules)).toBe(false)
      expect(may(validation({ staleIfError: 3_600_000 }), '', 3_599_999, rules)).toBe(true)
    }
    expect(may(validation({ staleIfError: 10_000 }), '', 1, set(0))).toBe(false)
    // A limit is no error.
    const limited: StaleRules = { ...set(60_000), isLimit: true }
    expect(may(validation({ staleIfError: 10_000 }), '', 59_999, limited)).toBe(true)
    expect(may(validation({ staleIfError: 3_600_000 }), '', 60_000, limited)).toBe(false)
    expect(may(validation(), 'stale-if-error=10', 10_000, limited)).toBe(false)
  })

  test('against must-revalidate only where the operator set the duration, against no-cache never', () => {
    expect(may(validation({ staleUse: 'operator' }), '', 1)).toBe(false)
    expect(may(validation({ staleUse: 'operator', staleIfError: 60_000 }), '', 1)).toBe(false)
    expect(may(validation({ staleUse: 'operator' }), '', 1, set(300_000))).toBe(true)
    expect(may(validation({ staleUse: 'forbidden' }), '', 1, set(300_000))).toBe(false)
    expect(may(validation({ alwaysRevalidate: true }), '', 1, set(300_000))).toBe(false)
  })

  test('what is asked about every time may still stand in', () => {
    expect(may(validation(), '', 1, { freshness: { mode: 'revalidate' }, stale: fiveMinutes })).toBe(true)
  })

  test.each([
    'no-cache',
    'no-store',
    'max-age=0',
    'max-age=10',
    'min-fresh=0',
    'stale-if-error=10',
    'stale-if-error=0',
  ])('not against the client’s %s', (control) => {
    expect(may(validation(), '', 10_000)).toBe(true)
    expect(may(validation(), control, 10_000)).toBe(false)
  })

  test('a client that takes something as old as this gets it, and cannot make it last longer', () => {
    expect(may(validation(), 'max-age=11', 10_000)).toBe(true)
    expect(may(validation(), 'stale-if-error=11', 10_000)).toBe(true)
    expect(may(validation(), 'max-stale, stale-if-error=9999', 300_000)).toBe(false)
  })
})

describe('the rules together', () => {
  const milliseconds = fc.nat(400).map((seconds) => seconds * 1000)
  const copies = fc
    .record({
      status: fc.constantFrom(200, 200, 200, 404),
      initialAge: milliseconds,
      freshFor: fc.oneof(fc.constant(0), milliseconds),
      alwaysRevalidate: fc.boolean(),
      pollInterval: fc.oneof(fc.constant(0), milliseconds),
      staleUse: fc.constantFrom('allowed', 'operator', 'forbidden'),
      staleWhileRevalidate: fc.oneof(fc.constant(0), milliseconds),
      staleIfError: fc.option(milliseconds, { nil: undefined }),
    })
    .map(validation)
  const rules: fc.Arbitrary<StaleRules> = fc.record({
    freshness: fc.oneof(
      fc.constant({ mode: 'upstream' } as const),
      fc.constant({ mode: 'revalidate' } as const),
      milliseconds.map((milliseconds) => ({ mode: 'duration', milliseconds }) as const),
    ),
    stale: fc.record({ milliseconds: fc.oneof(fc.constant(0), milliseconds), isSet: fc.boolean() }),
  })
  const seconds = fc.nat(400)
  const restrictions = fc.oneof(
    fc.constantFrom('no-cache', 'no-store', 'max-age=0', 'min-fresh=0', 'stale-if-error=0'),
    seconds.map((value) => `max-age=${value}`),
    seconds.map((value) => `min-fresh=${value}`),
    seconds.map((value) => `stale-if-error=${value}`),
  )
  const relaxations = fc.oneof(
    fc.constant('max-stale'),
    seconds.map((value) => `max-stale=${value}`),
  )
  const requests = fc.array(fc.oneof(restrictions, relaxations), { maxLength: 3 }).map((all) => all.join(', '))
  const situation = fc.record({
    stored: copies,
    rules,
    request: requests,
    credentialed: fc.boolean(),
    passed: milliseconds,
  })

  const verdicts = (stored: Validation, rules: StaleRules, control: string, credentialed: boolean, now: number) => {
    const request = ask(control)
    const fresh = isFresh(stored, rules.freshness, request, credentialed, now)
    const stale = staleReuse(stored, rules, request, credentialed, now) !== undefined
    return { unasked: fresh || stale, standIn: mayStandIn(stored, rules, request, credentialed, now) }
  }

  test('a request that asks for more never makes a copy usable that was not', () => {
    fc.assert(
      fc.property(situation, restrictions, ({ stored, rules, request, credentialed, passed }, more) => {
        const before = verdicts(stored, rules, request, credentialed, NOW + passed)
        const after = verdicts(stored, rules, `${request}, ${more}`, credentialed, NOW + passed)
        if (!before.unasked) expect(after.unasked).toBe(false)
        if (!before.standIn) expect(after.standIn).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  test('max-stale lets copies be reused and changes nothing else', () => {
    fc.assert(
      fc.property(situation, relaxations, ({ stored, rules, request, credentialed, passed }, more) => {
        // Of two the shorter counts, so only where there was none can it be the wider.
        fc.pre(!request.includes('max-stale'))
        const before = verdicts(stored, rules, request, credentialed, NOW + passed)
        const after = verdicts(stored, rules, `${request}, ${more}`, credentialed, NOW + passed)
        if (before.unasked) expect(after.unasked).toBe(true)
        expect(after.standIn).toBe(before.standIn)
      }),
      { numRuns: 1000 },
    )
  })

  test('time never makes a copy usable that was not', () => {
    fc.assert(
      fc.property(situation, milliseconds, ({ stored, rules, request, credentialed, passed }, later) => {
        const before = verdicts(stored, rules, request, credentialed, NOW + passed)
        const after = verdicts(stored, rules, request, credentialed, NOW + passed + later)
        if (!before.unasked) expect(after.unasked).toBe(false)
        if (!before.standIn) expect(after.standIn).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  test('what the upstream forbids, or the client does not want, is never used stale', () => {
    fc.assert(
      fc.property(situation, ({ stored, rules, request, credentialed, passed }) => {
        const now = NOW + passed
        const { noCache, noStore, minFresh, maxAge } = ask(request)
        const used = staleReuse(stored, rules, ask(request), credentialed, now) !== undefined
        const standsIn = mayStandIn(stored, rules, ask(request), credentialed, now)
        if (stored.alwaysRevalidate || stored.staleUse === 'forbidden') expect(used || standsIn).toBe(false)
        if (noCache || noStore || minFresh !== undefined || maxAge === 0) expect(used || standsIn).toBe(false)
        if (stored.staleUse === 'operator') expect(used).toBe(false)
        if (stored.staleUse === 'operator' && !rules.stale.isSet) expect(standsIn).toBe(false)
        if (rules.stale.milliseconds === 0) expect(standsIn).toBe(false)
        if (rules.freshness.mode === 'revalidate') expect(used).toBe(false)
        // Called only for what is not fresh: then what is used is stale, and Cache-Status says how much.
        const fresh = isFresh(stored, rules.freshness, ask(request), credentialed, now)
        if (used && !fresh) expect(remainingLifetime(stored, rules.freshness, credentialed, now)).toBeLessThanOrEqual(0)
      }),
      { numRuns: 1000 },
    )
  })
})
