import { type Exchange, NEVER, toldAt, toldTime } from './exchange.ts'
import type { RateLimited, Stated } from './limits.ts'
import type { Reading } from './reading.ts'
import type { Upstream } from './upstream.ts'
import type { World } from './world.ts'

/*
 * What the upstream has told a gateway about limits, and for how long that may keep somebody back. Restated here from
 * GitHub's documentation, in the words of the model's history:
 *
 * *One account.* Tokens of one user have one budget. The gateway can know that of two of them when the upstream has said
 * to both, at `/user`, who they are; of passwords as soon as both were accepted, for they stand beside the user's name.
 *
 * *Paused.* After a refusal by a secondary limit the account stays away for as long as the refusal said (an hour at most);
 * where it did not say, for a minute, and for twice as long after each further refusal that follows without anything
 * being answered in between.
 *
 * *Used up.* Until a budget's reset, when an answer said that nothing is left, or no more than may have been used by
 * requests that nobody answered.
 *
 * *Shared.* When two apps ask and less than half of a budget is left, what is on its way counted as used.
 */

/** Whoever asks, as far as limits go. */
export type Who = Pick<Exchange | Reading, 'generation' | 'credential' | 'owner'>

const LONGEST_PAUSE = 3_600_000
const GUESS = 60_000

/** What has become of a request where the gateway holds its answer as a whole. */
const HELD = new Set(['filled', 'replaced', 'revalidated', 'predicted'])

export class Told {
  readonly #upstream: Upstream
  readonly #world: World
  /** All that were ever asked. */
  readonly readings: Reading[] = []

  constructor(upstream: Upstream, world: World) {
    this.#upstream = upstream
    this.#world = world
  }

  begins(reading: Reading): void {
    this.readings.push(reading)
  }

  /** Whether the gateway can know, at a tick, that two credentials belong to one account. */
  isOneAccount(one: Who, other: Who, tick: number): boolean {
    if (one.generation !== other.generation) return false
    if (one.credential === other.credential) return true
    if (one.owner !== other.owner || one.owner === 'intruder') return false
    return this.introducedAt(one) <= tick && this.introducedAt(other) <= tick
  }

  /** The first tick at which the gateway can have learnt whose a credential is. */
  introducedAt({ generation, credential }: Who): number {
    const isPassword = credential.startsWith('Basic ')
    const one = this.#exchanges(generation).find(
      (each) =>
        each.credential === credential &&
        isSuccess(each) &&
        each.arrivedAt < NEVER &&
        (isPassword || (each.asked.target === '/user' && each.asked.method === 'GET')),
    )
    return one?.arrivedAt ?? NEVER
  }

  /** The first tick at which it certainly has: an answer that it holds has passed by. For passwords that is the same. */
  knownSince(who: Who): number {
    const { generation, credential } = who
    if (credential.startsWith('Basic ')) return this.introducedAt(who)
    const one = this.readings.find(
      (each) =>
        each.credential === credential &&
        each.generation === generation &&
        each.target === '/user' &&
        each.method === 'GET' &&
        HELD.has(each.events[0]?.outcome ?? ''),
    )
    return one?.closedAt ?? NEVER
  }

  /**
   * Until when (epoch ms) whoever asks may be kept back because of what was told up to a tick. How many refusals follow one
   * another depends on which of several credentials the gateway took for one account when.
   */
  pauses(who: Who, tick: number): number[] {
    let inARow = 0
    let last: Exchange | undefined
    return this.refusals(who, tick).flatMap((refusal) => {
      if (last !== undefined && this.#isOverSince(last, refusal)) inARow = 0
      // Of several that were out together the first counts.
      if (last === undefined || refusal.sentAt > toldAt(last)) {
        inARow++
        last = refusal
      }
      const { waits } = refusal.limited!
      const doubled = Array.from({ length: Math.max(inARow, 1) }, (_, times) => GUESS * 2 ** times)
      return (waits === undefined ? doubled : [Math.max(waits, 1000)]).map(
        (wait) => toldTime(refusal) + Math.min(wait, LONGEST_PAUSE),
      )
    })
  }

  /** Refusals that pause an account, in the order in which they were told. */
  refusals(who: Who, tick: number): Exchange[] {
    return this.#exchanges(who.generation)
      .filter((each) => isPause(each) && toldAt(each) <= tick && this.isOneAccount(each, who, tick))
      .sort((left, right) => toldAt(left) - toldAt(right))
  }

  /** Whether the credential of a later refusal was answered since an earlier one. */
  #isOverSince(earlier: Exchange, { credential, generation, ...later }: Exchange): boolean {
    return this.#exchanges(generation).some(
      (each) =>
        each.credential === credential &&
        each.limited === undefined &&
        each.sentAt > toldAt(earlier) &&
        toldAt(each) < later.endedAt,
    )
  }

  /**
   * How far the gateway may be behind the upstream's time at a tick, ms: it knows that from the dates of answers to those who
   * are accepted, which are to the second, and old when they arrive. The one that was on its way for the least time tells
   * it best; before the first one the gateway's own clock counts.
   */
  lag(generation: number, tick: number): number {
    const lags = this.#exchanges(generation)
      .filter((each) => each.date !== undefined && each.acceptedAfter && toldAt(each) <= tick)
      .map((each) => toldTime(each) - each.date!)
    return lags.length === 0 ? 0 : Math.min(...lags)
  }

  /** Budgets that may be taken for used up by a request, because of what was told until a tick. */
  usedUp(reading: Reading, tick: number): Stated[] {
    const lag = this.lag(reading.generation, tick)
    return this.statements(reading, reading.resource, tick)
      .filter(({ reset }) => reset * 1000 + lag > reading.startedTime)
      .filter((stated) => stated.remaining <= this.#lost(reading, stated, tick))
  }

  /** Whether a request may be kept back because others want some of what is left. */
  isShared(reading: Reading, tick: number): boolean {
    const apps = new Set(
      this.readings
        .filter((each) => each.resource === reading.resource && this.isOneAccount(each, reading, tick))
        .map(({ app }) => app),
    )
    if (apps.size < 2) return false
    const out = this.#exchanges(reading.generation).filter(
      (each) =>
        each.resource === reading.resource &&
        toldAt(each) >= reading.startedAt &&
        this.isOneAccount(each, reading, tick),
    ).length
    const lag = this.lag(reading.generation, tick)
    return this.statements(reading, reading.resource, tick).some((stated) => {
      const left = stated.remaining - out - this.#lost(reading, stated, tick)
      return stated.reset * 1000 + lag > reading.startedTime && left * 2 < stated.limit
    })
  }

  /** What was stated, up to a tick, of the budget that somebody's requests belong to. */
  statements(who: Who, resource: RateLimited, tick: number): Stated[] {
    const isAnonymous = who.credential === 'anonymous'
    return this.#exchanges(who.generation).flatMap((each) => {
      const { stated, status, limited } = each
      if (stated === undefined || each.resource !== resource || toldAt(each) > tick) return []
      // What is refused for its credential tells of the address.
      if (status === 401) return isAnonymous && stated.payer === 'nobody' ? [stated] : []
      if (status === 403 && limited === undefined) return []
      return this.isOneAccount(each, who, tick) ? [stated] : []
    })
  }

  /** When windows of any of somebody's budgets end, as far as was told up to a tick: epoch seconds. */
  resets(who: Who, tick: number): number[] {
    return [...this.statements(who, 'core', tick), ...this.statements(who, 'search', tick)].map(({ reset }) => reset)
  }

  /** Requests that may have used up something of a budget without anybody having been told. */
  #lost(who: Who, { resource, reset }: Stated, tick: number): number {
    const seconds = resource === 'search' ? 60 : this.#world.profile.limits.windowSeconds
    const begunAt = (reset - seconds - 1) * 1000
    return this.#exchanges(who.generation).filter(
      (each) =>
        each.resource === resource &&
        each.endedAt <= tick &&
        each.endedTime >= begunAt &&
        (toldAt(each) === NEVER || each.stated === undefined) &&
        this.isOneAccount(each, who, tick),
    ).length
  }

  #exchanges(generation: number): Exchange[] {
    return this.#upstream.exchanges.filter((each) => each.generation === generation)
  }
}

export function isSuccess({ status = 500 }: Exchange): boolean {
  return status < 300 || status === 304
}

/** Whether an account stays away because of it, whatever its budget says. */
export function isPause(exchange: Exchange): boolean {
  const { limited, stated } = exchange
  if (limited === undefined || toldAt(exchange) === NEVER) return false
  if (limited.kind === 'secondary') return true
  // Told of a window that is over it is a sign of something else.
  return stated === undefined || stated.reset * 1000 <= toldTime(exchange)
}
