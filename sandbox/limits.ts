import type { Answer } from './answer.ts'
import { json } from './answer.ts'
import type { Identity } from './authentication.ts'
import type { RateLimits, Resource, Switches } from './switches.ts'
import { DEFAULT_QUOTAS } from './switches.ts'
import { documentation } from './urls.ts'

/** The state of one account's quota for one resource. */
export interface Quota {
  resource: Resource
  limit: number
  used: number
  /** UTC epoch seconds. */
  reset: number
}

export const RESOURCES: readonly Resource[] = ['core', 'search', 'code_search', 'graphql']

/** Which quota a path below the API root counts against. */
export function resourceOf(path: string): Resource {
  if (path === '/search/code') return 'code_search'
  return path.startsWith('/search/') ? 'search' : 'core'
}

interface Recent {
  time: number
  points: number
  write: boolean
}

/** Primary quotas and secondary limits, per account. All times are the sandbox's own. */
export class Limits {
  private readonly switches: Switches
  private readonly clock: () => number
  private readonly windows = new Map<string, { used: number; reset: number }>()
  private readonly paused = new Map<string, number>()
  private readonly inFlight = new Map<string, number>()
  private readonly recent = new Map<string, Recent[]>()

  constructor(switches: Switches, clock: () => number) {
    this.switches = switches
    this.clock = clock
  }

  private quotaLimit(limits: RateLimits, account: string, resource: Resource): number {
    return account.startsWith('address:')
      ? (limits.anonymous?.[resource] ?? DEFAULT_QUOTAS.anonymous[resource])
      : (limits[resource] ?? DEFAULT_QUOTAS[resource])
  }

  private window(limits: RateLimits, account: string, resource: Resource) {
    const key = `${account}\n${resource}`
    const seconds = Math.floor(this.clock() / 1000)
    let window = this.windows.get(key)
    if (window === undefined || window.reset <= seconds) {
      const length = limits.windows?.[resource] ?? DEFAULT_QUOTAS.windows[resource]
      window = { used: 0, reset: seconds + length }
      this.windows.set(key, window)
    }
    return window
  }

  /** The present state, or null where limits are off. Opens a new window where the last has passed. */
  quota(account: string, resource: Resource): Quota | null {
    const limits = this.switches.rateLimits
    if (limits === 'off') return null
    const { used, reset } = this.window(limits, account, resource)
    return { resource, limit: this.quotaLimit(limits, account, resource), used, reset }
  }

  /** Sets what has been used, or when the window ends (epoch seconds). No effect where limits are off. */
  set(account: string, resource: Resource, change: { used?: number; reset?: number }): void {
    const limits = this.switches.rateLimits
    if (limits !== 'off') Object.assign(this.window(limits, account, resource), change)
  }

  /** Uses up an account's quota. */
  exhaust(account: string, resource: Resource = 'core'): void {
    const quota = this.quota(account, resource)
    if (quota !== null) this.set(account, resource, { used: quota.limit })
  }

  /** Charges what a request cost. */
  charge(account: string, resource: Resource, cost: number): void {
    const limits = this.switches.rateLimits
    if (limits !== 'off' && cost > 0) this.window(limits, account, resource).used += cost
  }

  /** Refuses everything that an account asks for so many seconds, as a secondary limit does. */
  pause(account: string, seconds: number): void {
    this.paused.set(account, this.clock() + seconds * 1000)
  }

  /** Counts a request that begins. */
  enter(account: string): void {
    this.inFlight.set(account, (this.inFlight.get(account) ?? 0) + 1)
  }

  /** Counts a request that has ended. */
  leave(account: string): void {
    const left = (this.inFlight.get(account) ?? 1) - 1
    if (left > 0) this.inFlight.set(account, left)
    else this.inFlight.delete(account)
  }

  /** The refusal that a secondary limit makes of this request, or null. Call after `enter`. */
  secondary(account: string, method: string): Answer | null {
    const now = this.clock()
    if ((this.paused.get(account) ?? 0) > now) return this.secondaryRefusal()
    const { concurrent, pointsPerMinute, writesPerMinute } = this.switches.secondaryLimits
    if (concurrent !== undefined && (this.inFlight.get(account) ?? 0) > concurrent) return this.secondaryRefusal()
    if (pointsPerMinute === undefined && writesPerMinute === undefined) return null
    const write = method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
    const recent = (this.recent.get(account) ?? []).filter(({ time }) => time > now - 60_000)
    const next: Recent = { time: now, points: write ? 5 : 1, write }
    const points = recent.reduce((sum, one) => sum + one.points, next.points)
    const writes = recent.filter((one) => one.write).length + (write ? 1 : 0)
    if (points > (pointsPerMinute ?? Infinity) || writes > (writesPerMinute ?? Infinity)) return this.secondaryRefusal()
    this.recent.set(account, [...recent, next])
    return null
  }

  private secondaryRefusal(): Answer {
    const { status, retryAfter, retryAfterAsDate, wording } = this.switches.secondaryShape
    const headers: string[] = []
    if (retryAfter !== null) {
      headers.push(
        'Retry-After',
        retryAfterAsDate ? new Date(this.clock() + retryAfter * 1000).toUTCString() : String(retryAfter),
      )
    }
    const value =
      wording === 'abuse'
        ? {
            message:
              'You have triggered an abuse detection mechanism and have been temporarily blocked from content creation. Please retry your request again later.',
            documentation_url: documentation(
              this.switches.version,
              '/overview/resources-in-the-rest-api#abuse-rate-limits',
            ),
          }
        : {
            message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
            documentation_url: documentation(
              this.switches.version,
              '/overview/resources-in-the-rest-api#secondary-rate-limits',
            ),
          }
    return json(value, { status, headers })
  }

  /** The refusal of a request whose quota is used up, or null. */
  primary(identity: Identity, resource: Resource): Answer | null {
    const quota = this.quota(identity.account, resource)
    if (quota === null || quota.used < quota.limit) return null
    const [, name = ''] = /:(.*)$/s.exec(identity.account) ?? []
    const message =
      identity.kind === 'anonymous'
        ? `API rate limit exceeded for ${name}. (But here's the good news: Authenticated requests get a higher rate limit. Check out the documentation for more details.)`
        : identity.kind === 'user'
          ? `API rate limit exceeded for user ID ${identity.user?.id ?? 0}.`
          : `API rate limit exceeded for ${identity.kind} ID ${name}.`
    return json(
      {
        message,
        documentation_url: documentation(this.switches.version, '/overview/resources-in-the-rest-api#rate-limiting'),
      },
      { status: this.switches.primaryStatus },
    )
  }

  /** The `X-RateLimit-*` lines for an account, none where limits are off. */
  headers(account: string, resource: Resource): string[] {
    const quota = this.quota(account, resource)
    if (quota === null) return []
    const used = Math.min(quota.used, quota.limit)
    const headers = [
      'X-RateLimit-Limit',
      String(quota.limit),
      'X-RateLimit-Remaining',
      String(quota.limit - used),
      'X-RateLimit-Reset',
      String(quota.reset),
    ]
    if (this.switches.rateLimitHeaders === 'full') {
      headers.push('X-RateLimit-Used', String(used), 'X-RateLimit-Resource', resource)
    }
    return headers
  }
}
