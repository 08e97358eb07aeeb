import type { RateLimit } from '../ports.ts'
import { unitsUsed } from './rate-limit.ts'

/** What an upstream says of one rate limit. GitHub's own servers write `resource` too, which its documentation leaves out. */
const MEMBERS = ['limit', 'used', 'remaining', 'reset', 'resource'] as const
type Member = (typeof MEMBERS)[number]

/** How an upstream writes the page, without any numbers: enough to write it again. */
export interface RateLimitPageShape {
  readonly resources: readonly { readonly name: string; readonly members: readonly Member[] }[]
  /** Of the older object beside them, which repeats the numbers of `core`; `undefined`: the upstream leaves it out. */
  readonly rate: readonly Member[] | undefined
}

export interface RateLimitPage {
  readonly shape: RateLimitPageShape
  /** In the order of the page. */
  readonly limits: readonly RateLimit[]
}

/** More than any upstream has, and few enough to remember for every caller. */
const MOST_RESOURCES = 50
/** As in the fields of answers (rate-limit.ts): names become part of keys. */
const RESOURCE = /^\w{1,64}$/
/** As many digits as the fields may have. */
const TOO_LARGE = 1e15

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/**
 * Reads the body of an answer to GET /rate_limit (GitHub REST documentation, "Get rate limit status for the authenticated
 * user"): `resources`, and perhaps the older `rate`, which "contains the same information" as `core`.
 *
 * A page that says anything else is not read: written again it would say less than the upstream does. Never throws.
 */
export function readRateLimitPage(bytes: Uint8Array): RateLimitPage | undefined {
  const page = parsed(bytes)
  if (!isObject(page) || !isObject(page['resources'])) return undefined
  const { resources, rate, ...others } = page
  const named = Object.entries(resources as object)
  if (Object.keys(others).length > 0 || named.length === 0 || named.length > MOST_RESOURCES) return undefined
  const limits: RateLimit[] = []
  const shapes: { name: string; members: readonly Member[] }[] = []
  for (const [name, value] of named) {
    const limit = RESOURCE.test(name) ? readLimit(name, value) : undefined
    if (limit === undefined) return undefined
    limits.push(limit)
    const before = shapes.at(-1)?.members ?? []
    const members = membersOf(value)
    // One list for all that are written alike: that is nearly always the whole page.
    shapes.push({ name, members: isSame(members, before) ? before : members })
  }
  if (rate === undefined) return { shape: { resources: shapes, rate: undefined }, limits }
  if (!limits.some(({ resource }) => resource === 'core') || readLimit('core', rate) === undefined) return undefined
  return { shape: { resources: shapes, rate: membersOf(rate) }, limits }
}

/**
 * Writes the page in the shape that the upstream gave it.
 *
 * @param limitOf the numbers of a resource, where they are known
 * @returns `undefined` where those of any resource are not
 */
export function writeRateLimitPage(
  { resources, rate }: RateLimitPageShape,
  limitOf: (resource: string) => RateLimit | undefined,
): Uint8Array | undefined {
  const entries: [name: string, value: Record<string, unknown>][] = []
  let core: RateLimit | undefined
  for (const { name, members } of resources) {
    const limit = limitOf(name)
    if (limit === undefined) return undefined
    if (name === 'core') core = limit
    entries.push([name, written(name, members, limit)])
  }
  // Not by assignment: `__proto__` is a name like any other here.
  const page = { resources: Object.fromEntries(entries) }
  if (rate === undefined) return encoder.encode(JSON.stringify(page))
  if (core === undefined) return undefined
  return encoder.encode(JSON.stringify({ ...page, rate: written('core', rate, core) }))
}

function written(name: string, members: readonly Member[], limit: RateLimit): Record<string, unknown> {
  const values = { ...limit, used: unitsUsed(limit), resource: name }
  return Object.fromEntries(members.map((member) => [member, values[member]]))
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    return undefined
  }
}

function readLimit(name: string, value: unknown): RateLimit | undefined {
  if (!isObject(value) || !Object.keys(value).every(isMember)) return undefined
  const { limit, remaining, reset, used, resource = name } = value
  if (!isCount(limit) || !isCount(remaining) || !isCount(reset) || resource !== name) return undefined
  if (used !== undefined && !isCount(used)) return undefined
  return { resource: name, limit, remaining, used, reset }
}

function membersOf(value: unknown): readonly Member[] {
  return Object.keys(value as object).filter(isMember)
}

function isMember(name: string): name is Member {
  return MEMBERS.some((member) => member === name)
}

function isSame(one: readonly Member[], other: readonly Member[]): boolean {
  return one.length === other.length && one.every((member, index) => member === other[index])
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < TOO_LARGE
}
