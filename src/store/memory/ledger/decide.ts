import type { BudgetRequest } from '../../../ports.ts'
import type { Account } from './account.ts'
import type { Budget, Now } from './budget.ts'
import { isTight } from './pace.ts'

/** GitHub's limit on points a minute is 2,000 for GraphQL where it is 900 for REST ("About secondary rate limits"). */
const GRAPHQL_POINTS = 2000 / 900

/** The part of a minute's points that is kept for apps that ask little, where several ask. */
const FOR_MODEST = 1 / 10

/** `turn`: others are on their way, and when one is back it may be this one's turn. The others need time to pass. */
export type Verdict = 'go' | 'turn' | 'exhausted' | 'share' | 'paused'

export interface Rules {
  /** The part of each budget that background work may not touch, 0 to 1. */
  readonly reserve: number
  /** Of one account in a minute, for REST, where the upstream limits; 0: not counted. */
  readonly pointsPerMinute: number
}

/** Points that a request counts (GitHub REST documentation, "Calculating points for the secondary rate limit"). */
export function pointsOf({ isWrite }: BudgetRequest): number {
  return isWrite ? 5 : 1
}

/**
 * Decides whether a request may be sent now. What holds for a whole account comes first; whether there is room on the way
 * to the upstream in all is the caller's to know.
 */
export class Decision {
  /** When it makes sense to decide again: epoch ms by the gateway's clock; `Infinity`: when something happens. */
  until = Number.POSITIVE_INFINITY
  readonly #rules: Rules

  constructor(rules: Rules) {
    this.#rules = rules
  }

  /** @returns the verdict; `until` is then set */
  decide(account: Account, budget: Budget, request: BudgetRequest, now: Now): Verdict {
    const { lane } = account
    this.until = Number.POSITIVE_INFINITY
    if (account.pausedUntil > now.local) return this.#at('paused', account.pausedUntil)
    if (lane.isFull) return 'turn'
    if (budget.state === 'known' || account.isLimited) {
      if (request.isWrite && account.writes > 0) return 'turn'
      const opensAt = this.#pointsOpenAt(account, budget, request, now.local)
      if (opensAt > now.local) return this.#at('paused', opensAt)
    }
    return request.units === 0 ? 'go' : this.#decideUnit(budget, request, now)
  }

  #decideUnit(budget: Budget, request: BudgetRequest, now: Now): Verdict {
    if (budget.state === 'unlimited') return 'go'
    if (budget.state === 'unknown') {
      const opensAt = budget.unknownOpensAt(now)
      return opensAt <= now.local ? 'go' : this.#at('turn', opensAt)
    }
    const { available, limit } = budget
    const opensAt = now.local + (budget.opensAt - now.upstream)
    if (request.isBackground && available - 1 < this.#rules.reserve * limit) {
      return this.#keepBack('exhausted', opensAt, budget)
    }
    if (available >= 1) return this.#decideShare(budget, request, now)
    if (budget.inFlight > 0) {
      // Some of those on their way may turn out to be free.
      return budget.remaining > 0 ? 'turn' : this.#keepBack('exhausted', opensAt, budget)
    }
    const probeAt = budget.probeOpensAt()
    if (probeAt <= now.local) return 'go'
    return this.#keepBack('exhausted', budget.remaining > 0 ? Math.min(probeAt, opensAt) : opensAt, budget)
  }

  #decideShare(budget: Budget, request: BudgetRequest, now: Now): Verdict {
    const { available, limit, shares, pace } = budget
    const left = budget.reset - now.upstream / 1000
    if (!isTight(shares.apps, available, limit, left, budget.length)) {
      pace.stop()
      return 'go'
    }
    const member = shares.memberOf(request.client)
    if (shares.isModest(member)) return 'go'
    pace.keep(available, now.upstream, budget.reset * 1000)
    const opensAt = pace.opensAt(available, shares.isAhead(member) ? shares.heldBackApps : 0)
    if (opensAt > now.upstream) shares.holdBack(member)
    return opensAt <= now.upstream ? 'go' : this.#keepBack('share', now.local + (opensAt - now.upstream), budget)
  }

  /** When the account has the points for it. The last of a minute are for those who ask little: the others need not wait. */
  #pointsOpenAt(account: Account, { shares }: Budget, request: BudgetRequest, now: number): number {
    const { pointsPerMinute } = this.#rules
    if (pointsPerMinute === 0) return now
    const most = request.resource === 'graphql' ? Math.floor(pointsPerMinute * GRAPHQL_POINTS) : pointsPerMinute
    const points = account.pointsFor(request.resource)
    const cost = pointsOf(request)
    const opensAt = points.opensAt(cost, most * (1 - FOR_MODEST), now)
    if (opensAt <= now) return now
    const isModest = request.units > 0 && shares.isModest(shares.memberOf(request.client))
    const isOneOfMany = shares.apps > 1 && !isModest
    return isOneOfMany ? opensAt : points.opensAt(cost, most, now)
  }

  /** Whoever is kept back may come again when the window is over. */
  #keepBack(verdict: Verdict, until: number, budget: Budget): Verdict {
    budget.isAwaited = true
    return this.#at(verdict, until)
  }

  #at(verdict: Verdict, until: number): Verdict {
    this.until = until
    return verdict
  }
}
