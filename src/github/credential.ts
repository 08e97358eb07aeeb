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
const MAY_HOLD_SECRET = /(?:^|&)(?:access_token|client_id|client_secret|oauth_token|token)=/i

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
  return query.split('&').filter(isSecret).join('&')
}

/** The query without credentials: what keys may hold. The credential itself is part of a key by its fingerprint. */
export function withoutSecrets(query: string): string {
  if (!MAY_HOLD_SECRET.test(query)) return query
  return query
    .split('&')
    .map((pair) => (isSecret(pair) ? `${pair.slice(0, pair.indexOf('='))}=` : pair))
    .join('&')
}

function isSecret(pair: string): boolean {
  const equals = pair.indexOf('=')
  return equals !== -1 && SECRET_PARAMETERS.has(pair.slice(0, equals).toLowerCase())
}
