import type { Answer } from './answer.ts'
import type { Identity } from './authentication.ts'
import type { Switches } from './switches.ts'
import { variesByCredential } from './validators.ts'

const EXPOSED = [
  'ETag, Link, Location, Retry-After, X-GitHub-OTP, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Used',
  'X-RateLimit-Resource, X-RateLimit-Reset, X-OAuth-Scopes, X-Accepted-OAuth-Scopes, X-Poll-Interval',
  'X-GitHub-Media-Type, X-GitHub-SSO, X-GitHub-Request-Id, Deprecation, Sunset',
].join(', ')

const SECURITY = [
  'Access-Control-Expose-Headers',
  EXPOSED,
  'Access-Control-Allow-Origin',
  '*',
  'Strict-Transport-Security',
  'max-age=31536000; includeSubdomains; preload',
  'X-Frame-Options',
  'deny',
  'X-Content-Type-Options',
  'nosniff',
  'X-XSS-Protection',
  '0',
  'Referrer-Policy',
  'origin-when-cross-origin, strict-origin-when-cross-origin',
  'Content-Security-Policy',
  "default-src 'none'",
]

/** What the answer to a CORS preflight says besides the common headers (header list of the documentation, and what current clients send besides). */
export const PREFLIGHT = [
  'Access-Control-Allow-Headers',
  'Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, Accept-Encoding, X-GitHub-OTP, X-Requested-With, User-Agent, GraphQL-Features, X-GitHub-Api-Version',
  'Access-Control-Allow-Methods',
  'GET, POST, PATCH, PUT, DELETE',
  'Access-Control-Max-Age',
  '86400',
]

/** What `X-GitHub-Media-Type` says of an `Accept` value: the version, the parameter and the format that were read. */
export function mediaType(accept: string | undefined): string {
  for (const part of (accept ?? '').split(',')) {
    const type = (part.split(';')[0] ?? '').trim().toLowerCase()
    const known =
      /^application\/vnd\.github(?:\.(v\d+))?(?:\.([a-z-]+(?:\.[a-z-]+)*))?(?:-preview)?(?:\+(json))?$/.exec(type)
    if (known !== null) {
      const [, version = 'v3', parameter, format] = known
      return `github.${version}${parameter === undefined ? '' : `; param=${parameter}`}${format === undefined ? '' : '; format=json'}`
    }
    if (type === 'application/json') return 'github.v3; format=json'
  }
  return 'github.v3'
}

/** Makes request ids of GitHub's form. */
export class RequestIds {
  private count = 0

  next(now: number): string {
    this.count += 1
    const hex = (value: number, width: number) => value.toString(16).toUpperCase().padStart(width, '0')
    return `0680:${hex(this.count % 0x10000, 4)}:${hex(this.count, 6)}:${hex(this.count * 7, 6)}:${hex(Math.floor(now / 1000), 8)}`
  }
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  422: 'Unprocessable Entity',
}

/** Everything that the common headers depend on besides the answer itself. */
export interface Surroundings {
  /** Epoch milliseconds. */
  now: number
  identity: Identity
  accept: string | undefined
  apiVersion: string | undefined
  requestId: string
  switches: Switches
  rateLimit: readonly string[]
  /** Quoted, weak mark included; null for none. */
  etag: string | null
}

const CACHED = new Set([200, 201, 304])
let dateText = { seconds: -1, text: '' }

/** An HTTP-date (RFC 9110 §5.6.7); the last one is kept, since making it costs more than the rest of the header. */
export function httpDate(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  if (dateText.seconds !== seconds) dateText = { seconds, text: new Date(seconds * 1000).toUTCString() }
  return dateText.text
}

/**
 * The headers of an answer in GitHub's order and case, framing (`Content-Length` and the like) not included. Only
 * successes that have a body vary by credential: redirects, refusals and 204s do not say so.
 */
export function commonHeaders(answer: Answer, around: Surroundings): string[] {
  const { switches, identity } = around
  const headers = ['Server', 'GitHub.com', 'Date', httpDate(around.now)]
  if (answer.contentType !== null && answer.status !== 304) headers.push('Content-Type', answer.contentType)
  if (switches.statusHeader) headers.push('Status', `${answer.status} ${REASONS[answer.status] ?? ''}`.trim())
  const vary: string[] = []
  const described = CACHED.has(answer.status) && (answer.contentType !== null || answer.status === 304)
  if (described) {
    const shared = identity.user === null && switches.publicAnonymous
    const kind = `${shared ? 'public' : 'private'}, max-age=60, s-maxage=60`
    headers.push('Cache-Control', switches.cacheControl ?? answer.cacheControl ?? kind)
    if (answer.status !== 304) {
      vary.push(variesByCredential(identity) ? 'Accept, Authorization, Cookie, X-GitHub-OTP' : 'Accept')
    }
    if (around.etag !== null) headers.push('ETag', around.etag)
    if (answer.lastModified != null) headers.push('Last-Modified', new Date(answer.lastModified).toUTCString())
  } else if (answer.cacheControl !== undefined) headers.push('Cache-Control', answer.cacheControl)
  vary.push('Accept-Encoding, Accept, X-Requested-With')
  if (identity.scopes !== null) {
    headers.push('X-OAuth-Scopes', identity.scopes.join(', '), 'X-Accepted-OAuth-Scopes', answer.acceptedScopes ?? '')
  }
  headers.push(...answer.headers)
  headers.push('X-GitHub-Media-Type', mediaType(around.accept))
  headers.push('X-GitHub-Enterprise-Version', `enterprise-server@${switches.version}`)
  if (around.apiVersion !== undefined) headers.push('X-GitHub-Api-Version-Selected', around.apiVersion)
  headers.push(...around.rateLimit, ...SECURITY)
  if (switches.vary === 'one-line') headers.push('Vary', vary.join(', '))
  else for (const line of vary) headers.push('Vary', line)
  headers.push('X-GitHub-Request-Id', around.requestId)
  return headers
}
