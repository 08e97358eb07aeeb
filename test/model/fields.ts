import type { Fault } from './exchange.ts'
import type { Limited, LimitsProfile, Stated } from './limits.ts'
import type { Truth } from './truth.ts'
import type { World } from './world.ts'

/** What the model's upstream writes on top of its answers, and how it words its refusals by limits. */

/** The fields of an answer that is the truth, or a 304 that confirms it. */
export function fieldsOf(truth: Truth, is304: boolean, world: World, stated: Stated | undefined): string[] {
  const { now, profile, rule } = world
  const fields = ['date', new Date(now).toUTCString(), ...statedFields(stated, profile.limits)]
  const put = (name: string, value: string | undefined) => {
    if (value !== undefined) fields.push(name, value)
  }
  put('x-oauth-scopes', truth.scopes)
  put('cache-control', truth.cacheControl)
  put('x-poll-interval', truth.pollInterval?.toString())
  put('last-modified', truth.lastModified === undefined ? undefined : new Date(truth.lastModified).toUTCString())
  // GitHub's whole answers are weak and its 304s strong.
  const isWeak = rule === 'github' && !is304
  if (!is304 || profile.tagOn304) put('etag', truth.tag && (isWeak ? `W/"${truth.tag}"` : `"${truth.tag}"`))
  if (!is304 || profile.linkOn304) put('link', truth.link)
  if (!is304 || profile.mediaTypeOn304) put('x-github-media-type', truth.mediaType)
  if (is304) return fields
  put('content-type', truth.status === 204 ? undefined : truth.contentType)
  put('vary', truth.variesByAuthorization ? 'Accept, Authorization, Cookie' : 'Accept')
  put('vary', 'Accept-Encoding, Accept, X-Requested-With')
  put('x-github-sso', truth.sso)
  put('location', truth.location)
  return fields
}

export function statedFields(stated: Stated | undefined, { namesResource }: LimitsProfile): string[] {
  if (stated === undefined) return []
  const { limit, remaining, used, reset, resource } = stated
  return [
    ...['x-ratelimit-limit', String(limit)],
    ...['x-ratelimit-remaining', String(remaining)],
    ...['x-ratelimit-reset', String(reset)],
    ...(namesResource ? ['x-ratelimit-used', String(used), 'x-ratelimit-resource', resource] : []),
  ]
}

/** The refusal that goes wrong with one exchange, where it is one by a limit. */
export function limitedByFault(fault: Fault | undefined): Limited | undefined {
  const isOne = fault === '429' || fault === 'limit'
  return isOne ? { kind: 'secondary', retryAfter: '60', waits: 60_000 } : undefined
}

/** Ways to say that a limit was a secondary one, where it is not `Retry-After` that says it. */
const SECONDARY = [
  { message: 'You have exceeded a secondary rate limit. Please wait.', fields: [] },
  { message: 'Please wait.', fields: ['gh-limited-by', 'abuse'] },
  { message: 'Please wait.', fields: [], documentation: '/rate-limits-for-the-rest-api#about-secondary-rate-limits' },
  { message: 'You have triggered an abuse detection mechanism.', fields: [] },
]
const DOCUMENTATION = 'https://docs.github.com/enterprise-server@3.12/rest'

/** A refusal by a limit: what was asked for was not looked at. */
export function limitRefusal(
  exchange: { readonly fault: Fault | undefined; readonly ordinal: number },
  limited: Limited,
  { now, profile }: World,
  stated: Stated | undefined,
): { readonly status: number; readonly body: string; readonly headers: string[] } {
  const headers = ['date', new Date(now).toUTCString(), 'content-type', 'application/json; charset=utf-8']
  if (limited.retryAfter !== undefined) headers.push('retry-after', limited.retryAfter)
  const answer = (status: number, message: string, documentation = '', ...fields: string[]) => ({
    status,
    body: JSON.stringify({ message, documentation_url: `${DOCUMENTATION}${documentation}` }),
    headers: [...headers, ...fields],
  })
  if (exchange.fault === '429') return answer(429, 'Too many')
  // It states a part of a budget that nobody has.
  if (exchange.fault === 'limit') return answer(403, 'API rate limit exceeded', '', 'x-ratelimit-remaining', '0')
  const { refusesWith } = profile.limits
  const numbers = statedFields(stated, profile.limits)
  if (limited.kind === 'primary') return answer(refusesWith, 'API rate limit exceeded.', '#rate-limiting', ...numbers)
  if (limited.retryAfter !== undefined) return answer(refusesWith, 'Please wait.', '', ...numbers)
  const { message, documentation, fields } = SECONDARY[exchange.ordinal % SECONDARY.length]!
  return answer(refusesWith, message, documentation, ...fields, ...numbers)
}

/** What a refusal says that has no body: nothing, where its words alone would have told what it is about. */
export function limitedByFields(status: number, headers: readonly string[], limited: Limited): Limited | undefined {
  if (headers.includes('retry-after') || headers.includes('gh-limited-by')) return limited
  const isSpent = headers[headers.indexOf('x-ratelimit-remaining') + 1] === '0'
  if (isSpent) return { ...limited, kind: 'primary' }
  return status === 429 ? limited : undefined
}
