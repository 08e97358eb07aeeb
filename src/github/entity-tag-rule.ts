import { headerValue, joinedHeader } from '../http/headers.ts'
import type { Digest, HeaderList } from '../ports.ts'

/**
 * How GitHub makes entity tags (seen on github.com, not documented): SHA-256, in lower-case hex, over the values of the
 * request's `Accept`, `Authorization` and `Cookie`, each followed by a colon, and the body. A field takes part where the
 * request carries it and the 200's `Vary` names it. So for a body that is held, anybody's tag can be worked out before
 * they ask; nothing here is believed before the upstream's own tags have agreed.
 */

/** Which request fields take part. `Cookie` never does: none goes upstream. */
export interface HashedFields {
  readonly accept: boolean
  readonly authorization: boolean
}

/** What most answers say, and what is assumed of a kind of credential that has not been seen yet. */
export const USUAL_FIELDS: HashedFields = { accept: true, authorization: true }

/**
 * Which fields took part in the tag of a 200, by its `Vary` lines (often two). Never asked of a 304, whose `Vary` leaves
 * fields out.
 */
export function hashedFields(headers: HeaderList): HashedFields {
  const named = (joinedHeader(headers, 'vary') ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
  return { accept: named.includes('accept'), authorization: named.includes('authorization') }
}

/** What is hashed before the body, for a request with these fields. Holds the credential: never kept, never shown. */
function hashedPrefix(request: HeaderList, { accept, authorization }: HashedFields): string {
  const acceptValue = accept ? joinedHeader(request, 'accept') : undefined
  const authorizationValue = authorization ? headerValue(request, 'authorization') : undefined
  let prefix = acceptValue === undefined ? '' : `${acceptValue}:`
  if (authorizationValue !== undefined) prefix += `${authorizationValue}:`
  return prefix
}

/**
 * The opaque part of the tag that the upstream gives these bytes in answer to a request with these fields, if it follows
 * the rule. Costs one pass over the bytes.
 */
export function predictedTag(digest: Digest, request: HeaderList, fields: HashedFields, bytes: Uint8Array): string {
  return digest.sha256(hashedPrefix(request, fields), bytes)
}

const HASH = /^[0-9a-f]{64}$/

/** Whether the opaque part of a tag can be such a hash at all: a git object's name, for one, has 40 digits. */
export function looksHashed(opaque: string): boolean {
  return HASH.test(opaque)
}

/**
 * The kinds of credential between which the rule differs: whether `Authorization` takes part depends on whom it names.
 * A closed set, whatever a client writes.
 */
export type CredentialKind = 'basic' | 'token' | 'other'

export function credentialKind(request: HeaderList): CredentialKind {
  const scheme = /^\w+/.exec(headerValue(request, 'authorization') ?? '')?.[0].toLowerCase()
  if (scheme === 'basic') return 'basic'
  return scheme === 'token' || scheme === 'bearer' ? 'token' : 'other'
}
