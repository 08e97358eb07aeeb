import { headerValue } from '../http/headers.ts'
import type { HeaderList, RateLimit } from '../ports.ts'

const COUNT = /^\d{1,15}$/
/** Names become part of keys, so what nobody would call a resource is not taken for one. */
const RESOURCE = /^\w{1,64}$/

/**
 * The rate limit that an answer states (GitHub REST documentation, "Rate limits"), or `undefined` where it states none
 * that makes sense: GHES has limits off by default and then sends no such fields.
 *
 * @param path below the API root; names the resource where the answer itself does not (older GHES)
 */
export function statedRateLimit(headers: HeaderList, path: string): RateLimit | undefined {
  const limit = count(headers, 'x-ratelimit-limit')
  const remaining = count(headers, 'x-ratelimit-remaining')
  const reset = count(headers, 'x-ratelimit-reset')
  if (limit === undefined || remaining === undefined || reset === undefined) return undefined
  const resource = headerValue(headers, 'x-ratelimit-resource')
  return {
    resource: resource !== undefined && RESOURCE.test(resource) ? resource : resourceOf(path),
    limit,
    remaining,
    used: count(headers, 'x-ratelimit-used'),
    reset,
  }
}

function count(headers: HeaderList, name: string): number | undefined {
  const value = headerValue(headers, name)
  return value !== undefined && COUNT.test(value) ? Number(value) : undefined
}

/** The resource that a path is charged to, as far as the path can tell. */
export function resourceOf(path: string): string {
  if (path === '/graphql') return 'graphql'
  if (path.startsWith('/search/code')) return 'code_search'
  if (path === '/search' || path.startsWith('/search/')) return 'search'
  return 'core'
}

/** The fields that state a rate limit. They are always live, so they are never repeated from a stored answer. */
export function isRateLimitField(name: string): boolean {
  return name.startsWith('x-ratelimit-')
}

/** The fields for an answer that was made here, in GitHub's order. */
export function rateLimitFields(stated: RateLimit): string[] {
  const fields = [
    'x-ratelimit-limit',
    String(stated.limit),
    'x-ratelimit-remaining',
    String(stated.remaining),
    'x-ratelimit-reset',
    String(stated.reset),
  ]
  if (stated.used !== undefined) {
    fields.push('x-ratelimit-used', String(stated.used), 'x-ratelimit-resource', stated.resource)
  }
  return fields
}

/** Whether an answer states a rate limit itself, or a part of one. */
export function statesRateLimit(headers: HeaderList): boolean {
  for (let index = 0; index < headers.length; index += 2) if (isRateLimitField(headers[index] as string)) return true
  return false
}

/** Units that were used in the window, also where the upstream does not say so. */
export function unitsUsed({ limit, remaining, used }: RateLimit): number {
  return used ?? Math.max(0, limit - remaining)
}

/**
 * Units of the primary limit that one exchange costs, as far as an answer tells: nothing for a 304 to an authorised request
 * ("Best practices for using the REST API": conditional requests; an anonymous one costs), for `/rate_limit`, for a
 * preflight, or for a refusal by a limit; one for everything else.
 *
 * @param isLimited the answer is such a refusal
 */
export function costOf(
  question: { readonly method: string; readonly path: string; readonly isAnonymous: boolean },
  status: number,
  isLimited: boolean,
): number {
  if (isFree(question) || isLimited) return 0
  return status === 304 && !question.isAnonymous ? 0 : 1
}

/** Whether asking costs nothing whatever the answer is. */
export function isFree({ method, path }: { readonly method: string; readonly path: string }): boolean {
  return path === '/rate_limit' || method === 'OPTIONS'
}
