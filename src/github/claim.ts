import { headerValue } from '../http/headers.ts'
import type { HeaderList } from '../ports.ts'
import { accessTokenIn } from './credential.ts'

/**
 * What a credential says of itself. A claim and no more: anybody can write any name beside a wrong password, so nothing of
 * it counts before the upstream has accepted the credential.
 */
export type Claim =
  | { readonly kind: 'none' }
  /** A token, whichever way it is sent: alone, or in the place of a password or of a user name. */
  | { readonly kind: 'token'; readonly token: string }
  /** A JSON Web Token that a GitHub App signed for itself; another one every few minutes. */
  | { readonly kind: 'signed' }
  /** `userName` in lower case and without spaces and control characters: GitHub does not tell cases apart in names. */
  | { readonly kind: 'password'; readonly userName: string }
  /** An OAuth application's client id and secret. */
  | { readonly kind: 'application'; readonly clientId: string }
  /** A scheme that GitHub does not read, or something that cannot be read. */
  | { readonly kind: 'unreadable' }

/**
 * Tokens by their shape (GitHub, "GitHub's token formats"): prefixed ones, whose rest may come to be a JSON Web Token with
 * its dots; the forty hexadecimal digits of older ones; and older installation tokens.
 */
const TOKEN = /^(?:gh[a-z]_[\w.-]+|github_pat_\w+|[0-9a-f]{40}|v1\.[0-9a-f]{40})$/
/**
 * Client ids of OAuth applications and GitHub Apps (GitHub, "Differences between GitHub Apps and OAuth apps"): twenty
 * hexadecimal digits, `Iv1.` and sixteen, or twenty characters that begin so. No more than these: `ivanovich` is a user.
 */
const CLIENT_ID = /^(?:[0-9a-f]{20}|Iv1\.[0-9a-f]{16}|[IO]v\d\d[0-9A-Za-z]{16})$/
const JSON_WEB_TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/
const LONGEST_USER_NAME = 100

/** Reads what the credential of a request claims to be. Never throws. */
export function claimOf(headers: HeaderList, query: string): Claim {
  const authorization = headerValue(headers, 'authorization')
  if (authorization === undefined) {
    const token = accessTokenIn(query)
    if (token !== undefined) return { kind: 'token', token }
    return headerValue(headers, 'x-github-otp') === undefined ? { kind: 'none' } : { kind: 'unreadable' }
  }
  // Cut rather than matched as a whole: that takes time by the square of a long run of spaces.
  const words = authorization.trim()
  const end = Math.max(0, words.search(/\s/))
  const value = words.slice(end).trim()
  switch (words.slice(0, end).toLowerCase()) {
    case 'token':
    case 'bearer':
      return JSON_WEB_TOKEN.test(value) && !TOKEN.test(value) ? { kind: 'signed' } : { kind: 'token', token: value }
    case 'basic':
      return basicClaim(value)
    default:
      return { kind: 'unreadable' }
  }
}

function basicClaim(encoded: string): Claim {
  const pair = decoded(encoded)
  const colon = pair.indexOf(':')
  const name = colon === -1 ? pair : pair.slice(0, colon)
  const password = colon === -1 ? '' : pair.slice(colon + 1)
  // Before tokens: older secrets of applications are forty hexadecimal digits too.
  if (CLIENT_ID.test(name) && password !== '') return { kind: 'application', clientId: name }
  // Tokens of kinds that are not known yet, by the word beside them (GitHub, "Authenticating to the REST API"): that is nobody's name.
  if (TOKEN.test(password) || name === 'x-access-token') return { kind: 'token', token: password }
  if (TOKEN.test(name) || password === 'x-oauth-basic') return { kind: 'token', token: name }
  // Whatever else it holds, the upstream may take it for somebody's name: directories have others than GitHub.
  const userName = name.replace(/[\s\p{Cc}]+/gu, '').toLowerCase()
  const isName = userName !== '' && userName.length <= LONGEST_USER_NAME
  return isName ? { kind: 'password', userName } : { kind: 'unreadable' }
}

/**
 * As Ruby decodes it, and with it the upstream: what is no base64 is passed over, and the first `=` ends it. Read more
 * strictly, a password would not be known for one, and could be tried as often as anybody likes.
 */
function decoded(encoded: string): string {
  const [digits = ''] = encoded.replace(/[^A-Za-z0-9+/=]+/g, '').split('=', 1)
  // One digit that is left over holds no whole byte.
  const whole = digits.length % 4 === 1 ? digits.slice(0, -1) : digits
  return new TextDecoder().decode(Uint8Array.from(atob(whole), (character) => character.charCodeAt(0)))
}
