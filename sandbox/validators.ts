import { createHash, createHmac } from 'node:crypto'
import type { Identity } from './authentication.ts'
import type { Switches } from './switches.ts'
import { blobId } from './world/git.ts'

/** The request headers that take part in an ETag by GitHub's rule, as received. */
export interface HashedHeaders {
  accept?: string | undefined
  authorization?: string | undefined
  cookie?: string | undefined
}

/**
 * Whether answers to this caller vary by `Authorization` and `Cookie`. Those to the anonymous and to OAuth
 * applications do not, and then neither header takes part in the ETag.
 */
export function variesByCredential(identity: Identity): boolean {
  return identity.kind === 'user' || identity.kind === 'installation'
}

/** `Accept:`, `Authorization:` and `Cookie:` values as they stand before the body in the hash. */
function hashPrefix(headers: HashedHeaders, byCredential: boolean): string {
  const values = byCredential ? [headers.accept, headers.authorization, headers.cookie] : [headers.accept]
  return values.map((value) => (value === undefined ? '' : `${value}:`)).join('')
}

/**
 * GitHub's ETag, without quotes: SHA-256, lower-case hex, over each of Accept, Authorization and Cookie that the
 * request carries, its whole value followed by `:`, and then the body, not compressed and not indented. Observed on
 * github.com; GitHub does not document it.
 */
export function githubETag(headers: HashedHeaders, byCredential: boolean, body: Buffer): string {
  return createHash('sha256').update(hashPrefix(headers, byCredential)).update(body).digest('hex')
}

const OPAQUE_KEY = 'nobody outside this file knows how opaque tags are made'

/** Makes ETags by the switch's rule and remembers them as long as the body itself is kept. */
export class ETags {
  private readonly remembered = new WeakMap<Buffer, Map<string, string>>()

  /** The opaque tag, without quotes; null where the rule makes none. `given` is the representation's own git id. */
  tag(
    rule: Switches['etagRule'],
    given: string | undefined,
    headers: HashedHeaders,
    byCredential: boolean,
    body: Buffer,
  ) {
    if (rule === 'none') return null
    if (given !== undefined && rule !== 'opaque') return given
    const prefix = rule === 'git' ? '' : hashPrefix(headers, byCredential)
    const key = `${rule}:${prefix}`
    let known = this.remembered.get(body)
    if (known === undefined) {
      known = new Map()
      this.remembered.set(body, known)
    }
    let tag = known.get(key)
    if (tag === undefined) {
      // Bounded: a flood of callers must not make one body's table grow for ever.
      if (known.size >= 1000) known.clear()
      tag =
        rule === 'git'
          ? blobId(body)
          : rule === 'github'
            ? createHash('sha256').update(prefix).update(body).digest('hex')
            : createHmac('sha256', OPAQUE_KEY).update(prefix).update(body).digest('hex').slice(0, 32)
      known.set(key, tag)
    }
    return tag
  }
}

const TAG = /(?:W\/)?"[^"]*"/g

function matchesTag(header: string, tag: string, readsLists: boolean): boolean {
  const quoted = `"${tag}"`
  if (!readsLists) return header.trim().replace(/^W\//, '') === quoted
  if (header.trim() === '*') return true
  return (header.match(TAG) ?? []).some((candidate) => candidate.replace(/^W\//, '') === quoted)
}

/**
 * Whether the caller's own copy is still good (RFC 9110 §13.2.2): `If-None-Match` decides where it is present,
 * otherwise `If-Modified-Since`, in whole seconds.
 *
 * @param lastModified epoch milliseconds, or null
 */
export function notModified(
  headers: { 'if-none-match'?: string | undefined; 'if-modified-since'?: string | undefined },
  tag: string | null,
  lastModified: number | null,
  readsLists: boolean,
): boolean {
  const match = headers['if-none-match']
  if (match !== undefined) return tag !== null && matchesTag(match, tag, readsLists)
  const since = headers['if-modified-since']
  if (since === undefined || lastModified === null) return false
  const time = Date.parse(since)
  return !Number.isNaN(time) && Math.floor(lastModified / 1000) * 1000 <= time
}
