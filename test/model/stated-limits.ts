import { type Exchange, isReadFirst, NEVER, toldAt } from './exchange.ts'
import { field, type Got, type Reading } from './reading.ts'
import { isSuccess, type Told } from './told.ts'
import type { Upstream } from './upstream.ts'

const FIELDS = ['limit', 'remaining', 'reset', 'used', 'resource'] as const

/**
 * Says whether the rate limit that an answer states is one that this caller may be told: their own budget's, as the
 * upstream stated it to them, or to another credential that is known to have the same; and that it is stated where it must be.
 */
export class StatedLimits {
  readonly #upstream: Upstream
  readonly #told: Told

  constructor(upstream: Upstream, told: Told) {
    this.#upstream = upstream
    this.#told = told
  }

  /**
   * @param exchange whose answer this is, where the upstream gave it for this request
   * @param isSpent the gateway refused it as nothing is left for it
   */
  problem(
    reading: Reading,
    got: Got,
    exchange: Exchange | undefined,
    isSpent: boolean,
    tick: number,
  ): string | undefined {
    const [limit, remaining, reset, used] = FIELDS.map((name) => field(got.headers, `x-ratelimit-${name}`))
    if (limit === undefined) {
      const isPart = remaining !== undefined && exchange?.fault !== 'limit'
      if (isPart || reset !== undefined || used !== undefined) return 'it states a part of a rate limit'
      const known = remaining === undefined ? this.#certain(reading, got, tick) : undefined
      return known === undefined ? undefined : `it does not state the rate limit that exchange ${known.number} stated`
    }
    const isAccepted = this.#upstream.accepts(reading.credential, reading.generation)
    // Somebody whose credential is none any longer is told nothing of what the account has come to.
    const sources =
      got.status === 401 && !isAccepted
        ? [exchange]
        : this.#upstream.exchanges.filter((each) => each === exchange || this.#mayTell(each, reading, tick))
    const isOne = sources.some((source) => {
      const stated = source?.stated
      if (stated === undefined || String(stated.limit) !== limit) return false
      if (isSpent) return remaining === '0' && Number(reset) <= stated.reset && (used === undefined || used === limit)
      const isUsed = used === undefined || Number(used) === stated.used
      return String(stated.remaining) === remaining && String(stated.reset) === reset && isUsed
    })
    return isOne ? undefined : `it states a rate limit of ${limit}, ${remaining} left until ${reset}: not this caller's`
  }

  #mayTell(told: Exchange, reading: Reading, tick: number): boolean {
    const { credential, generation, resource } = reading
    const { stated, status } = told
    if (stated === undefined || told.resource !== resource || told.generation !== generation) return false
    if (toldAt(told) > tick) return false
    if (credential === 'anonymous') return stated.payer === 'nobody'
    if (status === 401 || !this.#told.isOneAccount(told, reading, tick)) return false
    return told.credential === credential || reading.accepted || this.#upstream.accepts(credential, generation)
  }

  /** What the gateway must know of the caller's budget: stated to this very credential, in a window that is not over. */
  #certain(reading: Reading, got: Got, tick: number): Exchange | undefined {
    const { credential, generation, resource, startedAt, accepted } = reading
    const own = this.#upstream.exchanges.filter((each) => each.generation === generation)
    const saysNothing = own.some((each) => isSuccess(each) && each.stated === undefined)
    const isRefused = own.some(
      (each) =>
        each.credential === credential && each.status === 401 && toldAt(each) >= startedAt && toldAt(each) <= tick,
    )
    if (saysNothing || (credential !== 'anonymous' && (!accepted || isRefused))) return undefined
    return own.find(
      (each) =>
        each.credential === credential &&
        each.resource === resource &&
        each.stated !== undefined &&
        !isReadFirst(each) &&
        each.acceptedAfter &&
        toldAt(each) < startedAt &&
        each.stated.reset * 1000 > got.time &&
        // Whose it is has not turned out since: the account may have got another name.
        (this.#told.introducedAt(reading) === NEVER || this.#told.knownSince(reading) < each.arrivedAt),
    )
  }
}
