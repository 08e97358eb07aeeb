import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rateLimitFields, statesRateLimit, unitsUsed } from '../../../src/github/rate-limit.ts'
import { type RateLimitPage, readRateLimitPage, writeRateLimitPage } from '../../../src/github/rate-limit-page.ts'
import type { RateLimit } from '../../../src/ports.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const read = (page: unknown) => readRateLimitPage(encoder.encode(JSON.stringify(page)))
const textOf = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : decoder.decode(bytes))

/** Writes a page again with the numbers that were in it. */
function again({ shape, limits }: RateLimitPage): string | undefined {
  return textOf(writeRateLimitPage(shape, (name) => limits.find(({ resource }) => resource === name)))
}

const RESET = 1_776_254_400
/** As documented for GitHub Enterprise Server 2.18. */
const OLD = {
  resources: {
    core: { limit: 5000, remaining: 4999, reset: RESET },
    search: { limit: 30, remaining: 18, reset: RESET - 3000 },
    graphql: { limit: 5000, remaining: 4993, reset: RESET },
    integration_manifest: { limit: 5000, remaining: 4999, reset: RESET },
  },
  rate: { limit: 5000, remaining: 4999, reset: RESET },
}
/** As api.github.com sends it. */
const NEW = {
  resources: {
    code_search: { limit: 10, remaining: 10, reset: RESET, used: 0, resource: 'code_search' },
    core: { limit: 60, remaining: 59, reset: RESET, used: 1, resource: 'core' },
  },
  rate: { limit: 60, remaining: 59, reset: RESET, used: 1, resource: 'core' },
}

describe('the page of rate limits', () => {
  test('is read as limits, in its order', () => {
    expect(read(OLD)?.limits).toEqual([
      { resource: 'core', limit: 5000, remaining: 4999, used: undefined, reset: RESET },
      { resource: 'search', limit: 30, remaining: 18, used: undefined, reset: RESET - 3000 },
      { resource: 'graphql', limit: 5000, remaining: 4993, used: undefined, reset: RESET },
      { resource: 'integration_manifest', limit: 5000, remaining: 4999, used: undefined, reset: RESET },
    ])
    expect(read(NEW)?.limits).toEqual([
      { resource: 'code_search', limit: 10, remaining: 10, used: 0, reset: RESET },
      { resource: 'core', limit: 60, remaining: 59, used: 1, reset: RESET },
    ])
  })

  test.each([
    ['older', OLD],
    ['newer', NEW],
    ['without rate', { resources: OLD.resources }],
    ['with members in another order', { resources: { core: { reset: 1, used: 2, remaining: 3, limit: 5 } } }],
    [
      'that says used of some',
      { resources: { core: OLD.resources.core, search: { limit: 30, used: 12, remaining: 18, reset: RESET } } },
    ],
  ])('is written as it was read: %s', (_, page) => {
    expect(again(read(page)!)).toBe(JSON.stringify(page))
  })

  test('holds no numbers in its shape', () => {
    expect(JSON.stringify(read(NEW)?.shape)).not.toMatch(/\d/)
  })

  test('is written with other numbers in the same places', () => {
    const { shape } = read(NEW)!
    const limitOf = (resource: string): RateLimit => ({ resource, limit: 7, remaining: 3, used: 5, reset: 9 })
    const written = { limit: 7, remaining: 3, reset: 9, used: 5 }
    expect(JSON.parse(textOf(writeRateLimitPage(shape, limitOf))!)).toEqual({
      resources: {
        code_search: { ...written, resource: 'code_search' },
        core: { ...written, resource: 'core' },
      },
      rate: { ...written, resource: 'core' },
    })
  })

  test('says what was used where nobody has said it, and nothing where the upstream does not', () => {
    const limitOf = (resource: string): RateLimit => ({ resource, limit: 60, remaining: 37, used: undefined, reset: 9 })
    expect(JSON.parse(textOf(writeRateLimitPage(read(NEW)!.shape, limitOf))!).rate.used).toBe(23)
    const counted = (resource: string): RateLimit => ({ ...limitOf(resource), used: 23 })
    expect(textOf(writeRateLimitPage(read(OLD)!.shape, counted))).not.toContain('used')
  })

  test('is not written where one of its limits is not known', () => {
    const { shape, limits } = read(OLD)!
    for (const missing of limits) {
      expect(writeRateLimitPage(shape, (name) => limits.find((one) => one !== missing && one.resource === name))).toBe(
        undefined,
      )
    }
  })

  const entry = { limit: 1, remaining: 1, reset: 1 }
  const many = (count: number) => ({
    resources: Object.fromEntries(Array.from({ length: count }, (_, index) => [`r${index}`, entry])),
  })
  test.each<[string, unknown]>([
    ['null', null],
    ['a list', [OLD]],
    ['a text', 'rate'],
    ['an error', { message: 'Rate limiting is not enabled.', documentation_url: 'x' }],
    ['no resources', { rate: OLD.rate }],
    ['a list of resources', { resources: [entry] }],
    ['resources that are none', { resources: {} }],
    ['too many resources', many(51)],
    ['an unknown member', { ...OLD, note: 'x' }],
    ['an unknown member of a resource', { resources: { core: { ...entry, burst: 1 } } }],
    ['a resource that is null', { resources: { core: null } }],
    ['a resource that is a list', { resources: { core: [1, 2, 3] } }],
    ['a name that is none', { resources: { 'a b': entry } }],
    ['an empty name', { resources: { '': entry } }],
    ['a long name', { resources: { ['x'.repeat(65)]: entry } }],
    ['the name of another', { resources: { core: { ...entry, resource: 'search' } } }],
    ['a name that is a number', { resources: { core: { ...entry, resource: 1 } } }],
    ['rate without core', { resources: { search: entry }, rate: entry }],
    ['rate that is malformed', { resources: { core: entry }, rate: { limit: 1 } }],
    ['rate that is null', { resources: { core: entry }, rate: null }],
    ['rate of another resource', { resources: { core: entry }, rate: { ...entry, resource: 'search' } }],
  ])('is not read from %s', (_, page) => {
    expect(read(page)).toBeUndefined()
  })

  test('is read with as many resources, and names as long, as it may have', () => {
    expect(read(many(50))?.limits).toHaveLength(50)
    expect(read({ resources: { ['x'.repeat(64)]: entry } })?.limits).toHaveLength(1)
  })

  test.each(['limit', 'remaining', 'reset', 'used'])('is not read without a sane %s', (member) => {
    const whole = { ...entry, used: 0 }
    for (const value of [-1, 1.5, 1e15, '1', null, true, [1], {}]) {
      expect(read({ resources: { core: { ...whole, [member]: value } } }), String(value)).toBeUndefined()
    }
    const { [member as 'limit']: _, ...without } = whole
    expect(read({ resources: { core: without } }) === undefined).toBe(member !== 'used')
    for (const value of [0, 1e15 - 1]) {
      expect(read({ resources: { core: { ...whole, [member]: value } } }), String(value)).toBeDefined()
    }
  })

  test('is not read from what is not JSON, and nothing throws', () => {
    for (const text of ['', '{', '{"resources":', 'null null', '\u0000', JSON.stringify(OLD).slice(0, -1)]) {
      expect(readRateLimitPage(encoder.encode(text)), text).toBeUndefined()
    }
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(readRateLimitPage(bytes)).toBeUndefined()
      }),
    )
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (resources, rate) => {
        expect(read({ resources, rate })).toBeUndefined()
      }),
    )
  })

  const count = fc.integer({ min: 0, max: 1e15 - 1 })
  const name = fc.oneof(
    fc.constantFrom('core', '__proto__', 'constructor', 'toString', '7'),
    fc.stringMatching(/^\w{1,64}$/),
  )
  const members = fc.shuffledSubarray(['limit', 'remaining', 'reset', 'used', 'resource'], { minLength: 5 })
  const page = fc
    .record({
      names: fc.uniqueArray(name, { minLength: 1, maxLength: 50 }),
      orders: fc.array(members, { minLength: 50, maxLength: 50 }),
      numbers: fc.array(count, { minLength: 250, maxLength: 250 }),
      leaveOut: fc.array(fc.constantFrom('used', 'resource', 'nothing'), { minLength: 50, maxLength: 50 }),
      hasRate: fc.boolean(),
    })
    .map(({ names, orders, numbers, leaveOut, hasRate }) => {
      const entries = names.map((resource, index) => {
        const values: Record<string, unknown> = { resource }
        for (const [at, member] of ['limit', 'remaining', 'reset', 'used'].entries())
          values[member] = numbers[index * 5 + at]
        const kept = orders[index]!.filter((member) => member !== leaveOut[index])
        return [resource, Object.fromEntries(kept.map((member) => [member, values[member]]))] as const
      })
      const core = entries.find(([resource]) => resource === 'core')?.[1]
      return { resources: Object.fromEntries(entries), ...(hasRate && core !== undefined ? { rate: core } : {}) }
    })

  test('comes back byte for byte, whatever its resources are called', () => {
    fc.assert(
      fc.property(page, (any) => {
        const found = read(any)
        expect(found).toBeDefined()
        expect(again(found!)).toBe(JSON.stringify(any))
        expect(found!.limits.map(({ resource }) => resource)).toEqual(Object.keys(any.resources))
      }),
    )
  })
})

test('an answer states a rate limit by any one of its fields', () => {
  const stated: RateLimit = { resource: 'core', limit: 60, remaining: 0, used: 61, reset: RESET }
  // A value that looks like a name states nothing.
  const own = ['content-type', 'application/json', 'x-request-id', 'x-ratelimit-none-of-it']
  expect(statesRateLimit([])).toBe(false)
  expect(statesRateLimit(own)).toBe(false)
  expect(statesRateLimit([...own, ...rateLimitFields(stated)])).toBe(true)
  expect(statesRateLimit([...own, 'x-ratelimit-remaining', '0'])).toBe(true)
})

test('what was used is what the upstream says, else what is not left', () => {
  const stated: RateLimit = { resource: 'core', limit: 60, remaining: 0, used: 61, reset: RESET }
  expect(unitsUsed(stated)).toBe(61)
  expect(unitsUsed({ ...stated, used: undefined })).toBe(60)
  expect(unitsUsed({ ...stated, used: undefined, remaining: 70 })).toBe(0)
})
