import { Failure } from '../errors.ts'
import { countHeader, headerValue } from '../http/headers.ts'
import type { Digest, HeaderList } from '../ports.ts'

/** Who asks, as far as anything inside may know. */
export interface Credential {
  /** Keyed fingerprint; `'anonymous'` where the request carries none. */
  readonly fingerprint: string
  readonly isAnonymous: boolean
}

const ANONYMOUS: Credential = { fingerprint: 'anonymous', isAnonymous: true }

/** Query parameters that authenticate (GitHub, "Deprecating API authentication through query parameters"). */
const SECRET_PARAMETERS = new Set(['access_token', 'client_id', 'client_secret', 'oauth_token', 'token'])

/** One native search tells most queries apart from those that need a closer look; an escape may hide any name. */
const MAY_HOLD_SECRET = /token|client_|%/i

/**
 * The credential of a request: the exact `Authorization` value (`token x` and `Bearer x` differ, because the upstream's
 * validators differ), the one-time password beside it, and credentials in the query.
 *
 * @throws Failure `bad-request` when there are two `Authorization` fields: which one the upstream believes is unknown,
 *   and with it whose answer would be kept under which name
 */
export function credentialOf(headers: HeaderList, query: string, digest: Digest): Credential {
  const authorization = headerValue(headers, 'authorization')
  const oneTimePassword = headerValue(headers, 'x-github-otp')
  const inQuery = secretsIn(query)
  if (authorization === undefined && oneTimePassword === undefined && inQuery === '') return ANONYMOUS
  if (countHeader(headers, 'authorization') > 1 || countHeader(headers, 'x-github-otp') > 1) {
    throw new Failure('bad-request', { detail: 'more than one credential' })
  }
  const exact = `${authorization ?? ''}\n${oneTimePassword ?? ''}\n${inQuery}`
  return { fingerprint: digest.fingerprint(exact), isAnonymous: false }
}

function secretsIn(query: string): string {
  if (!MAY_HOLD_SECRET.test(query)) return ''
  return query.split(SEPARATOR).filter(isSecret).join('&')
}

/** The token that a query authenticates with, as it stands there, or `undefined`. */
export function accessTokenIn(query: string): string | undefined {
  if (!MAY_HOLD_SECRET.test(query)) return undefined
  const pair = query.split(SEPARATOR).find((each) => isSecret(each) && plainName(each).startsWith('access_token='))
  return pair?.slice(pair.indexOf('=') + 1)
}

/** Where upstreams may see a new parameter begin: older Rack takes a semicolon for an ampersand. */
const SEPARATOR = /[&;]/

/** The query without credentials: what keys may hold. The credential itself is part of a key by its fingerprint. */
export function withoutSecrets(query: string): string {
  if (!MAY_HOLD_SECRET.test(query)) return query
  return query
    .split(/([&;])/)
    .map((part) => (isSecret(part) ? `${part.slice(0, part.indexOf('='))}=` : part))
    .join('')
}

function isSecret(pair: string): boolean {
  const equals = pair.indexOf('=')
  return equals !== -1 && SECRET_PARAMETERS.has(plainName(pair.slice(0, equals)))
}

/** A name as the upstream may understand it: `access%5Ftoken` and, to Rack, `[access_token]` are `access_token` too. */
function plainName(name: string): string {
  return name
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/[\s+[\]]/g, '')
    .toLowerCase()
}
