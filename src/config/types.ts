import type { FreshnessPolicy } from '../http/freshness.ts'
import type { NetworkMatcher } from '../http/networks.ts'
import type { StalePolicy } from '../http/staleness.ts'

/** Which of GitHub's products the upstream is: it decides where REST, GraphQL and uploads live. */
export type UpstreamProfile = 'github-enterprise-server' | 'api.github.com'

/** How log lines are written; `auto` is `pretty` on a terminal and `json` elsewhere, which only the entry can tell. */
export type LogFormat = 'auto' | 'json' | 'pretty' | 'off'

/** pino's levels, without `silent`: that is what the format `off` is for. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/**
 * All settings, parsed, checked against each other and deeply frozen (maps by their types alone).
 * An origin is `scheme://host[:port]`: lower-case, without a default port and without a slash at the end.
 * Holds secrets (`adminToken`, `secret`, `tls.key`, `budget.anonymousApplication`, `budget.clients`): never log this object.
 */
export interface Settings {
  readonly upstream: {
    readonly origin: string
    readonly profile: UpstreamProfile
    /** Where REST lives: `/`, or a path without a slash at its end. */
    readonly apiPath: string
    /** PEM text of the private CA; undefined: the system's CAs. */
    readonly caCertificate: string | undefined
    /** From the start of a connection to its being usable, TLS included. */
    readonly connectTimeoutMilliseconds: number
    /** From the request being sent to the headers of its response. */
    readonly headersTimeoutMilliseconds: number
    /** Between two pieces of a response body. */
    readonly bodyTimeoutMilliseconds: number
    readonly maxConnections: number
    /** Request fields that go upstream besides the allow-list, lower case: part of every key. */
    readonly forwardHeaders: readonly string[]
    /** The same, part of no key: they never change the answer. */
    readonly traceHeaders: readonly string[]
  }
  readonly manage: {
    /** Root origin that serves `/manage`; undefined: switched off. */
    readonly origin: string | undefined
    /** Whether a client at this address may use `/manage`. */
    readonly allows: NetworkMatcher
  }
  readonly listen: {
    readonly host: string
    /** 0: the system chooses. */
    readonly port: number
    /** PEM texts; undefined: plain http. */
    readonly tls: { readonly certificate: string; readonly key: string } | undefined
  }
  /** The origin clients use; undefined: the request's own scheme and `Host`. */
  readonly publicOrigin: string | undefined
  /** Whether the `X-Forwarded-*` headers of a peer at this address are believed. */
  readonly isTrustedProxy: NetworkMatcher
  /** Bearer token for `/_weir/*` other than health; undefined: only direct loopback requests. */
  readonly adminToken: string | undefined
  /** Key of all credential fingerprints; undefined: the caller makes 32 random bytes. */
  readonly secret: string | undefined
  readonly cache: {
    readonly maxBytes: number
    /** Never more than `maxBytes`. */
    readonly maxEntryBytes: number
    readonly freshness: FreshnessPolicy
    readonly staleOnError: StalePolicy
  }
  readonly budget: {
    /** Share of each budget, 0 to 1, that background work may not touch. */
    readonly reserve: number
    /** How long a request may wait for units or for the end of a pause; 0: not at all. */
    readonly maxWaitMilliseconds: number
    readonly staleOnLimit: StalePolicy
    /** Most requests of one account on their way at a time. */
    readonly concurrency: number
    /** Most points of one account in a minute, at least those of one write; 0: not counted. */
    readonly pointsPerMinute: number
    /** Between two writes of one account; 0: none. */
    readonly writeIntervalMilliseconds: number
    /** Account by the SHA-256 of a bare token, in base64 with padding. */
    readonly accounts: ReadonlyMap<string, string>
    /** Names the address that anonymous requests leave from; undefined: each process counts for itself. */
    readonly sharedEgress: string | undefined
    /** In whose name requests without a credential are sent; undefined: in nobody's. */
    readonly anonymousApplication: { readonly clientId: string; readonly clientSecret: string } | undefined
    /** Keys by the name of the app that has a share of its own. */
    readonly clients: ReadonlyMap<string, readonly string[]>
  }
  /** How long requests in flight may take to finish after SIGTERM or SIGINT; 0: not at all. */
  readonly drainTimeoutMilliseconds: number
  readonly log: {
    readonly format: LogFormat
    readonly level: LogLevel
    /** Share of fresh hits that are logged, 0 to 1. */
    readonly hitShare: number
  }
}

/** Reads a text file; throws when it cannot (an error with Node's `code`, such as `ENOENT`, is explained better). */
export type ReadFile = (path: string) => string

/** The start cannot go on. `message` holds every problem, one a line; no value of a secret is in it. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}
