import { isRateLimitField } from '../../github/rate-limit.ts'
import { headerValue, withoutHeaders } from '../../http/headers.ts'
import type { HeaderList } from '../../ports.ts'

/** Fields of one exchange: passed on with the answer that brought them and never repeated from the store. */
const OF_ONE_EXCHANGE = new Set(['age', 'x-github-request-id', 'retry-after', 'server-timing', 'x-runtime'])

function isLive(name: string): boolean {
  return isRateLimitField(name) || OF_ONE_EXCHANGE.has(name)
}

/** Fields that are worked out anew for every answer, or that set something at one client only (RFC 9111 §7.3). */
const NEVER_STORED = new Set(['content-length', 'set-cookie', 'cache-status', 'x-request-id'])

/** What of a response is kept with its validation. */
export function storedFields(headers: HeaderList): string[] {
  return withoutHeaders(headers, (name) => isLive(name) || NEVER_STORED.has(name))
}

/** What of a response belongs to this exchange alone. */
export function liveFields(headers: HeaderList): string[] {
  return withoutHeaders(headers, (name) => !isLive(name))
}

/**
 * What a 304 does not update (RFC 9111 §3.2 leaves such exceptions to the cache): fields that are true of the stored
 * bytes alone; `Status` would say 304 of a 200; the `Vary` of GitHub's 304s leaves fields out; its `ETag` is the strong
 * form of the 200's weak one, and the stored form is the one that is known to work.
 */
const KEPT_OVER_304 = new Set([
  'content-encoding',
  'content-range',
  'content-md5',
  'content-digest',
  'repr-digest',
  'digest',
  'status',
  'vary',
  'etag',
])

/** Stored fields, updated by those of a 304 that confirmed them (RFC 9111 §3.2). */
export function mergeFields(stored: HeaderList, confirming: HeaderList): string[] {
  const type = mediaTypeOf(stored)
  // Servers put the type of an empty body on 304s; only what is said of the same type is said of what is stored.
  const isOtherType = (name: string) => name === 'content-type' && mediaTypeOf(confirming) !== type
  const updates = withoutHeaders(storedFields(confirming), (name) => KEPT_OVER_304.has(name) || isOtherType(name))
  const updated = new Set<string>()
  for (let index = 0; index < updates.length; index += 2) updated.add(updates[index] as string)
  return [...withoutHeaders(stored, (name) => updated.has(name)), ...updates]
}

/** The type without its parameters. */
function mediaTypeOf(headers: HeaderList): string | undefined {
  return headerValue(headers, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase()
}
