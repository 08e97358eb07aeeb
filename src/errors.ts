/**
 * Everything that can go wrong inside Weir, as tags with a cause for the log and a quiet, deterministic answer for the
 * client: no ids, times, addresses or upstream texts, because clients compare error bodies between runs.
 */
export const failures = {
  'not-found': [404, 'Not Found'],
  'bad-target': [400, 'The request target is not one this gateway forwards'],
  'bad-request': [400, 'The request is malformed'],
  'method-not-allowed': [405, 'Method Not Allowed'],
  unauthorized: [401, 'Requires authentication'],
  forbidden: [403, 'Forbidden'],
  'header-overflow': [431, 'Request header fields are too large'],
  'request-timeout': [408, 'The request took too long to arrive'],
  'rate-limited': [403, 'API rate limit exceeded', '/overview/rate-limits-for-the-rest-api'],
  'share-used': [
    403,
    'API rate limit exceeded: this client has had its share of what is left of it',
    '/overview/rate-limits-for-the-rest-api',
  ],
  // Words that each of the common client libraries takes for a secondary limit: octokit, octokit.rb, PyGithub, go-github.
  paused: [
    403,
    'You have exceeded a secondary rate limit and triggered an abuse detection mechanism. Please wait a few minutes before you try again.',
    '/overview/resources-in-the-rest-api#secondary-rate-limits',
  ],
  'login-locked': [403, 'Maximum number of login attempts exceeded. Please try again later.'],
  'only-if-cached': [504, 'No stored answer may be used, and the request forbids asking the upstream'],
  'upstream-unreachable': [502, 'The upstream could not be reached'],
  'upstream-reset': [502, 'The upstream closed the connection before answering'],
  'upstream-truncated': [502, 'The upstream broke off its answer'],
  'upstream-invalid': [502, 'The upstream sent an answer that is not valid HTTP'],
  'upstream-coding': [502, 'The upstream sent an answer whose content coding is broken'],
  'upstream-connect-timeout': [504, 'The upstream did not accept a connection in time'],
  'upstream-headers-timeout': [504, 'The upstream did not answer in time'],
  'upstream-body-timeout': [504, 'The upstream stopped sending its answer'],
  'upstream-busy': [503, 'Too many requests are waiting for the upstream'],
  'client-gone': [499, 'The client closed the connection'],
  internal: [500, 'The gateway failed'],
} as const satisfies Record<string, readonly [status: number, message: string, documentation?: string]>

export type FailureTag = keyof typeof failures

export interface FailureOptions {
  /** More words for the client, deterministic and free of secrets. */
  readonly detail?: string
  readonly cause?: unknown
  /** Fields for the answer, such as `allow` or `www-authenticate`: a `HeaderList` (ports.ts, which this file is below). */
  readonly headers?: readonly string[]
  /** No byte of an answer had arrived and the connection was a kept one: the upstream may just have closed it. */
  readonly onReusedConnection?: boolean
}

/** The only error type that crosses a boundary inside Weir. */
export class Failure extends Error {
  readonly tag: FailureTag
  readonly detail: string | undefined
  readonly headers: readonly string[]
  readonly onReusedConnection: boolean

  constructor(tag: FailureTag, options: FailureOptions = {}) {
    super(options.detail === undefined ? failures[tag][1] : `${failures[tag][1]}: ${options.detail}`, {
      cause: options.cause,
    })
    this.name = 'Failure'
    this.tag = tag
    this.detail = options.detail
    this.headers = options.headers ?? []
    this.onReusedConnection = options.onReusedConnection ?? false
  }

  get status(): number {
    return failures[this.tag][0]
  }

  /** Where it is explained. Clients tell limits apart by the end of it. */
  get documentationUrl(): string {
    return `https://docs.github.com/rest${failures[this.tag][2] ?? ''}`
  }
}

/** Any thrown value as a `Failure`; what is not one already is a fault of our own. */
export function toFailure(thrown: unknown): Failure {
  return thrown instanceof Failure ? thrown : new Failure('internal', { cause: thrown })
}

const encoder = new TextEncoder()

/**
 * The answer for a failure, in the shape of GitHub's own errors (seed, "Client errors"): JSON with `message` and
 * `documentation_url`.
 */
export function toRecord(failure: Failure): { status: number; headers: string[]; body: Uint8Array } {
  const body = encoder.encode(JSON.stringify({ message: failure.message, documentation_url: failure.documentationUrl }))
  return {
    status: failure.status,
    headers: [
      'content-type',
      'application/json; charset=utf-8',
      'x-content-type-options',
      'nosniff',
      ...failure.headers,
    ],
    body,
  }
}
