import type { Account } from './world.ts'

/*
 * What the model's upstream counts, for whom, and whom it refuses for that. A budget belongs to an account, or to the
 * address of those who name none, and to a resource; it has so many requests for each window, and one window follows the
 * other, whoever asks. Secondary limits come and go as the plan says: they are nobody's to foresee.
 */

/** Who is charged: an account, or the address that everybody comes from who names none. */
export type Payer = Account | 'nobody'
export const PAYERS: readonly Payer[] = ['ann', 'bob', 'cat', 'nobody']

export type RateLimited = 'core' | 'search'

/** What never changes about the limits while the upstream runs. */
export interface LimitsProfile {
  /** Whether requests are counted at all: an instance has no limits unless its administrator wants some. */
  readonly counts: boolean
  /** How long the window of `core` is. That of `search` is a minute. */
  readonly windowSeconds: number
  /** Whether answers also say which resource it is, and how much of it was used. */
  readonly namesResource: boolean
  readonly refusesWith: 403 | 429
  /** Whether what is refused for its credential is charged to its address, and says so. */
  readonly chargesAddress: boolean
}

/** A budget as an answer states it. */
export interface Stated {
  readonly payer: Payer
  readonly resource: RateLimited
  readonly limit: number
  readonly remaining: number
  readonly used: number
  /** Epoch seconds. */
  readonly reset: number
}

/** How a secondary refusal says how long to stay away. */
export const HINTS = ['seconds', 'date', 'nothing'] as const
export type Hint = (typeof HINTS)[number]

/** A refusal that is about limits. */
export interface Limited {
  readonly kind: 'primary' | 'secondary'
  /** `Retry-After`. */
  readonly retryAfter: string | undefined
  /** What that amounts to, ms. */
  readonly waits: number | undefined
}

/** Everybody has limits of their own: numbers that somebody else was told are known by them. */
const LIMITS: Record<Payer, Record<RateLimited, number>> = {
  nobody: { core: 60, search: 10 },
  ann: { core: 5001, search: 31 },
  bob: { core: 5002, search: 32 },
  cat: { core: 5003, search: 33 },
}

export function limitOf(payer: Payer, resource: RateLimited): number {
  return LIMITS[payer][resource]
}

export function resourceOf(target: string): RateLimited {
  return target.startsWith('/search/') ? 'search' : 'core'
}

interface Budget {
  remaining: number
  /** Epoch seconds. */
  reset: number
}

/** When the first window of all begins: epoch ms. */
const START = Date.UTC(2026, 3, 15, 12, 0, 0)

export class Limits {
  readonly #profile: LimitsProfile
  readonly #budgets = new Map<string, Budget>()
  readonly #slowedDown = new Map<Payer, { readonly until: number; readonly hint: Hint }>()

  constructor(profile: LimitsProfile) {
    this.#profile = profile
  }

  /** Something else than this gateway uses the budget up, or somebody adds to it: so much is left. */
  leave(payer: Payer, resource: RateLimited, left: number, now: number): void {
    this.#budget(payer, resource, now).remaining = Math.min(left, limitOf(payer, resource))
  }

  /** From now on everything of this payer is refused for so many ms. */
  slowDown(payer: Payer, milliseconds: number, hint: Hint, now: number): void {
    this.#slowedDown.set(payer, { until: now + milliseconds, hint })
  }

  /** Why a request is refused before anything else of it is looked at. */
  refusal(payer: Payer, resource: RateLimited, now: number): Limited | undefined {
    const slowed = this.#slowedDown.get(payer)
    if (slowed !== undefined && now < slowed.until) return secondary(slowed.until, slowed.hint, now)
    const isUsedUp = this.#profile.counts && this.#budget(payer, resource, now).remaining === 0
    return isUsedUp ? { kind: 'primary', retryAfter: undefined, waits: undefined } : undefined
  }

  charge(payer: Payer, resource: RateLimited, cost: number, now: number): void {
    const budget = this.#budget(payer, resource, now)
    budget.remaining = Math.max(0, budget.remaining - cost)
  }

  /** What an answer says; nothing where nothing is counted. */
  stated(payer: Payer, resource: RateLimited, now: number): Stated | undefined {
    if (!this.#profile.counts) return undefined
    const { remaining, reset } = this.#budget(payer, resource, now)
    const limit = limitOf(payer, resource)
    return { payer, resource, limit, remaining, used: limit - remaining, reset }
  }

  #budget(payer: Payer, resource: RateLimited, now: number): Budget {
    const name = `${payer} ${resource}`
    const known = this.#budgets.get(name)
    if (known !== undefined && now < known.reset * 1000) return known
    const seconds = resource === 'search' ? 60 : this.#profile.windowSeconds
    const windows = Math.floor((now - START) / 1000 / seconds) + 1
    const begun = { remaining: limitOf(payer, resource), reset: START / 1000 + windows * seconds }
    this.#budgets.set(name, begun)
    return begun
  }
}

/** @param until epoch ms */
function secondary(until: number, hint: Hint, now: number): Limited {
  if (hint === 'nothing') return { kind: 'secondary', retryAfter: undefined, waits: undefined }
  if (hint === 'seconds') {
    const seconds = Math.ceil((until - now) / 1000)
    return { kind: 'secondary', retryAfter: String(seconds), waits: seconds * 1000 }
  }
  // Beside a `Date` that is a whole second too.
  const date = Math.ceil(until / 1000) * 1000
  const waits = date - Math.floor(now / 1000) * 1000
  return { kind: 'secondary', retryAfter: new Date(date).toUTCString(), waits }
}
