import type { FaultChooser, FaultRule } from './faults.ts'

/** The rate-limit resources that the sandbox counts, under GitHub's own names. */
export type Resource = 'core' | 'search' | 'code_search' | 'graphql'

/** Quotas per window. Anything left out has GitHub's documented default (see `DEFAULT_QUOTAS`). */
export interface RateLimits {
  /** Units per window for a user, an installation or an OAuth application. */
  core?: number
  search?: number
  code_search?: number
  graphql?: number
  /** Units per window and address for requests without a credential. */
  anonymous?: Partial<Record<Resource, number>>
  /** Length of a window in seconds, by resource. */
  windows?: Partial<Record<Resource, number>>
}

/** Secondary limits. What is left out is not limited. */
export interface SecondaryLimits {
  /** Requests of one account in flight at once. */
  concurrent?: number
  /** Points a minute and account: a read costs 1, a write 5. */
  pointsPerMinute?: number
  /** POST, PUT, PATCH and DELETE requests a minute and account. */
  writesPerMinute?: number
}

/** How a secondary refusal looks. */
export interface SecondaryShape {
  status: 403 | 429
  /** Seconds; `null` sends none; written as an HTTP-date when `retryAfterAsDate`. */
  retryAfter: number | null
  retryAfterAsDate: boolean
  /** `abuse` is the older text of GitHub Enterprise Server, `secondary` the one of github.com. */
  wording: 'abuse' | 'secondary'
}

/**
 * Everything about the sandbox's behaviour that can be changed while it runs. Reading happens at every request, so a
 * change counts from the next request on.
 */
export interface Switches {
  /** `off` is the default of GitHub Enterprise Server: no headers, and `/rate_limit` answers 404. */
  rateLimits: 'off' | RateLimits
  /** `old` leaves out `X-RateLimit-Used` and `-Resource`. */
  rateLimitHeaders: 'full' | 'old'
  /** Status of a primary refusal. */
  primaryStatus: 403 | 429
  secondaryLimits: SecondaryLimits
  secondaryShape: SecondaryShape
  /**
   * `github`: SHA-256 over Accept, Authorization, Cookie and body; `opaque`: differs by credential, follows no known
   * rule, yet is stable; `none`: only `Last-Modified`; `git`: 40 hex of the body alone.
   */
  etagRule: 'github' | 'opaque' | 'none' | 'git'
  /** When a 200's ETag is weak. */
  weakETags: 'compressed' | 'always' | 'never'
  /** Whether `If-None-Match` may be a list; if not, the whole header is compared with the one tag, as Rack does. */
  readsTagLists: boolean
  /** Whether a 304 carries the `Link` of the 200. */
  linkOn304: boolean
  /** Whether a 304 states the 200's `Content-Length`, which is legal and breaks some clients. */
  contentLengthOn304: boolean
  /** GitHub sends `Vary` in two lines. */
  vary: 'two-lines' | 'one-line'
  /** Milliseconds before an answer, or a function of the raw target. */
  latency: number | ((method: string, target: string) => number)
  privateMode: boolean
  /** The same state as `/manage/v1/maintenance` sets. */
  maintenance: boolean
  /** Whether gzip or brotli is sent to those who ask for it. */
  gzip: boolean
  /** Older servers repeat the status in a `Status` header. */
  statusHeader: boolean
  /** GitHub indents JSON, after hashing, for curl and browsers (`agents`). */
  prettyPrint: 'agents' | 'always' | 'never'
  /** Writes `/` in JSON strings as `\/`, as some serialisers do. Hashed as sent. */
  escapeSlashes: boolean
  /** Whether anonymous answers are `public`. */
  publicAnonymous: boolean
  /** Replaces `Cache-Control` on every 200, 201 and 304; `null` is GitHub's own. */
  cacheControl: string | null
  /** The version that `X-GitHub-Enterprise-Version` and `/meta` tell. */
  version: string
  /** Failed logins of one user name within the window, after which all its logins are refused for as long. */
  failedLogins: { limit: number; windowSeconds: number }
  /** Whether `access_token`, or `client_id` with `client_secret`, in the query is a credential (older servers). */
  queryCredentials: boolean
  /** GitHub refuses requests without `User-Agent`. */
  requireUserAgent: boolean
  /** Whether a binary asset is answered by 302 to a signed URL on another origin instead of directly. */
  redirectAssets: boolean
  /** The recorded answers are served for the paths that they were recorded for. */
  recorded: boolean
  /** Faults: a queue of rules, each used `times` times (once unless told), or a function. */
  faults: FaultRule[] | FaultChooser
}

/** GitHub's documented quotas; windows in seconds. */
export const DEFAULT_QUOTAS = {
  core: 5000,
  search: 30,
  code_search: 10,
  graphql: 5000,
  anonymous: { core: 60, search: 10, code_search: 10, graphql: 0 },
  windows: { core: 3600, search: 60, code_search: 60, graphql: 3600 },
} as const

/** A fresh set of switches, as a newly installed GitHub Enterprise Server would stand. */
export function defaultSwitches(): Switches {
  return {
    rateLimits: 'off',
    rateLimitHeaders: 'full',
    primaryStatus: 403,
    secondaryLimits: {},
    secondaryShape: { status: 403, retryAfter: 60, retryAfterAsDate: false, wording: 'abuse' },
    etagRule: 'github',
    weakETags: 'compressed',
    readsTagLists: true,
    linkOn304: false,
    contentLengthOn304: false,
    vary: 'two-lines',
    latency: 0,
    privateMode: false,
    maintenance: false,
    gzip: true,
    statusHeader: false,
    prettyPrint: 'agents',
    escapeSlashes: false,
    publicAnonymous: true,
    cacheControl: null,
    version: '3.19.0',
    failedLogins: { limit: 10, windowSeconds: 300 },
    queryCredentials: true,
    requireUserAgent: false,
    redirectAssets: false,
    recorded: true,
    faults: [],
  }
}
