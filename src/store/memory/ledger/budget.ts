import type { RateLimit } from '../../../ports.ts'
import { LostUnits } from './lost.ts'
import { Pace } from './pace.ts'
import { Shares } from './shares.ts'

/** Resets this close together (seconds) belong to one window: servers of one upstream round them differently. */
const SAME_WINDOW = 5
/** No window of GitHub's is longer than an hour; a reset further away (seconds) is nonsense, or a time in ms. */
const LONGEST_WINDOW = 24 * 3600
/** So many answers in a row without numbers mean that limits were switched off: single ones are of servers that are unwell. */
const SILENT_ANSWERS = 3
/** How long nothing must have been left before the one question goes out that may find out that this has changed, ms. */
const BEFORE_PROBE = 60_000
/** A limit that is not known yet is found out with one question at a time, or with one after so long, ms: it may hang. */
const BETWEEN_UNKNOWN = 1000
/** ms */
const HOUR = 3_600_000

/** Two moments that are the same: by the gateway's clock and by the upstream's, epoch ms. */
export interface Now {
  readonly local: number
  readonly upstream: number
}

/** What became of numbers: they count, they are those of a window that is over, or they make no sense. */
export type Heard = 'counts' | 'late' | 'nonsense'

/**
 * One budget: what the upstream counts for one account and one resource, as far as it is known here. A token bucket that the
 * upstream fills: `remaining` is what it stated last, less what has been given out since and may or may not be counted in it.
 *
 * Questions are numbered in the order in which they are sent, over all budgets. Answers may be overtaken on their way, so
 * within a window `remaining` never rises; what was sent after something became known is newer than that.
 */
export class Budget {
  readonly resource: string
  state: 'unknown' | 'known' | 'unlimited' = 'unknown'
  limit = 0
  remaining = 0
  used: number | undefined
  /** Epoch seconds, by the upstream's clock. */
  reset = 0
  /** Seconds: the longest that this budget's windows have been seen to last. 0: none was ever stated. */
  length = 0
  /** When numbers were last stated: epoch ms, by the gateway's clock. */
  heardAt = Number.NEGATIVE_INFINITY
  /** Units given out to questions that are not answered. */
  inFlight = 0
  /** Somebody was told to come again when the window is over, or waits for that. */
  isAwaited = false
  /** Who used what in this window. */
  shares = new Shares()
  readonly pace = new Pace()
  /** When the next window begins for us: epoch ms by the upstream's clock, a little after it does. */
  #opensAt = 0
  #openingDelay = 0
  /** The last question sent before the present numbers became known: later ones are newer. */
  #knownSince = 0
  #isFromAnswer = false
  readonly #lost = new LostUnits()
  #silent = 0
  #lastSentAt = Number.NEGATIVE_INFINITY
  #emptySince = 0
  /** The question that went out last although nothing seemed to be left, and when (epoch ms, local) while it is not answered. */
  #probe = 0
  #probedAt = Number.NEGATIVE_INFINITY
  #isProbed = false
  #hasBegun = false
  /** Epoch ms, local. */
  #sharedSince = Number.NEGATIVE_INFINITY

  constructor(resource: string) {
    this.resource = resource
  }

  /** Units that may be given out. */
  get available(): number {
    return this.remaining - this.inFlight - this.#lost.count
  }

  /** Epoch ms by the upstream's clock: when there is something again. */
  get opensAt(): number {
    return this.#opensAt
  }

  /** Epoch ms, local. */
  get lastUsedAt(): number {
    return Math.max(this.#lastSentAt, this.heardAt)
  }

  /** Ends the window where its time is over. What the next one holds is known when somebody has asked. */
  roll(now: Now): void {
    if (this.state !== 'known') {
      // Without a window of the upstream's own, what clients used is counted by the hour.
      if (now.local - this.#sharedSince >= HOUR) this.#share(now)
    } else if (now.upstream >= this.#opensAt) {
      this.state = 'unknown'
      this.#begin(now)
    }
  }

  /** Whether a window has begun that others may have been waiting for. Told once. */
  hasBegun(): boolean {
    const hasBegun = this.#hasBegun
    this.#hasBegun = false
    return hasBegun
  }

  #begin(now: Now): void {
    this.#hasBegun ||= this.isAwaited
    this.isAwaited = false
    // One that is still on its way was to tell of the window that is over.
    this.#probe = 0
    this.#isProbed = false
    this.#probedAt = Number.NEGATIVE_INFINITY
    this.#share(now)
  }

  #share(now: Now): void {
    this.shares = new Shares()
    this.#sharedSince = now.local
    this.pace.stop()
  }

  /** Whether a budget that is not known may be asked about now; else the time (epoch ms, local) at which it may in any case. */
  unknownOpensAt(now: Now): number {
    return this.inFlight === 0 ? now.local : this.#lastSentAt + BETWEEN_UNKNOWN
  }

  /**
   * When a question may go although nothing seems to be left (epoch ms, local; `Infinity`: not in this window). Where nothing
   * is left, one may find out whether that is still so. Where it only may have been used by questions that nobody answered,
   * one at a time finds out, and not at once again if that is lost too.
   */
  probeOpensAt(): number {
    const again = this.#probedAt + BEFORE_PROBE
    if (this.remaining > 0) return again
    return this.#isProbed ? Number.POSITIVE_INFINITY : Math.max(again, this.#emptySince + BEFORE_PROBE)
  }

  /** Gives out one unit to the question with this number. */
  take(number: number, now: Now): void {
    if (this.state === 'known' && this.available < 1) {
      this.#probe = number
      this.#probedAt = now.local
      this.#isProbed ||= this.remaining === 0
    }
    this.inFlight++
    this.#lastSentAt = now.local
  }

  /** The question with this number was not sent. */
  giveBack(number: number): void {
    this.inFlight--
    if (number !== this.#probe) return
    this.#isProbed = false
    this.#probedAt = Number.NEGATIVE_INFINITY
  }

  /** A question is on its way no longer. */
  land(): void {
    this.inFlight--
  }

  /** Nobody knows whether a unit was used, or when the upstream will say so. */
  countLost(lastSent: number): void {
    this.#lost.add(lastSent)
  }

  /**
   * An answer stated numbers.
   *
   * @param number of the question; 0 where they did not come with an answer to one of ours: never believed over those that did
   * @param lastSent the number of the question that was sent last
   * @param madeAt the answer's own date (epoch ms, by the upstream's clock)
   * @param openingDelay ms after the reset before the next window is used
   */
  observe(
    stated: RateLimit,
    number: number,
    lastSent: number,
    now: Now,
    madeAt: number | undefined,
    openingDelay: () => number,
  ): Heard {
    if (isNonsense(stated, now, madeAt)) return 'nonsense'
    this.#silent = 0
    // The window ended while the answer was on its way: it says nothing of the one that began.
    if (stated.reset * 1000 <= now.upstream) return 'late'
    if (number > 0 && number === this.#probe) this.#probedAt = Number.NEGATIVE_INFINITY
    const isSameWindow = Math.abs(stated.reset - this.reset) <= SAME_WINDOW
    if (this.state === 'known' && isSameWindow && stated.limit === this.limit) {
      if (this.#mayRise(stated, number)) this.#adopt(stated, number, lastSent, now, openingDelay)
      this.#isFromAnswer ||= number > 0
      this.#opensAt = Math.max(this.#opensAt, stated.reset * 1000 + this.#openingDelay)
      this.#lower(stated, now)
    } else if (this.#replaces(stated, number, isSameWindow)) {
      this.#adopt(stated, number, lastSent, now, openingDelay)
    } else if (this.state === 'known' && isSameWindow && number > 0) {
      // Two limits in one window, and nobody can say which is the newer: the next question tells.
      this.state = 'unknown'
      this.#knownSince = lastSent
    }
    this.#lost.found(number)
    return 'counts'
  }

  /**
   * An answer of the kind that has numbers had none that make sense: limits were switched off, or this server does not know
   * them. Where none were ever stated, one answer without any tells that there are no limits.
   *
   * @param cost units that it cost
   * @param saidNothing it had no numbers at all
   */
  observeNothing(number: number, cost: number, lastSent: number, saidNothing: boolean): void {
    if (this.state === 'unlimited') return
    this.#silent++
    const wasNeverStated = saidNothing && this.length === 0
    if (wasNeverStated || this.#silent >= SILENT_ANSWERS) {
      this.state = 'unlimited'
      this.#lost.forget()
      return
    }
    if (cost > 0) this.#lost.add(lastSent)
    // Where nothing was left it would have been refused: what was known holds no longer, and is found out anew.
    const wasEmpty = this.state === 'known' && this.remaining === 0
    if (saidNothing && wasEmpty && number === this.#probe) this.state = 'unknown'
  }

  /**
   * The upstream refused the question with this number. If it was to find out whether nothing is left, or was sent before
   * anything was known, that is found out.
   */
  refused(number: number): void {
    if (number === this.#probe || number <= this.#knownSince) this.#isProbed = true
  }

  /** The numbers as the upstream would state them, while their window lasts. */
  stated(now: Now): RateLimit | undefined {
    if (this.state !== 'known' || now.upstream >= this.reset * 1000) return undefined
    const { resource, limit, remaining, used, reset } = this
    return { resource, limit, remaining, used, reset }
  }

  /** Whether numbers take the place of those that are known, or were last. */
  #replaces({ reset }: RateLimit, number: number, isSameWindow: boolean): boolean {
    const isLater = reset > this.reset + SAME_WINDOW
    if (number > 0) return isLater || number > this.#knownSince
    return this.#isFromAnswer ? isLater && this.state !== 'known' : isLater || isSameWindow
  }

  #adopt(stated: RateLimit, number: number, lastSent: number, now: Now, openingDelay: () => number): void {
    const left = stated.reset - now.upstream / 1000
    if (Math.abs(stated.reset - this.reset) > SAME_WINDOW) {
      if (this.state === 'known') this.#begin(now)
      // An earlier reset than the last one: that was a mistake, and how long the windows are was learnt from it.
      this.length = stated.reset < this.reset ? left : Math.max(this.length, left)
      this.#openingDelay = openingDelay()
    }
    this.state = 'known'
    this.limit = stated.limit
    this.remaining = Number.POSITIVE_INFINITY
    this.used = undefined
    this.reset = stated.reset
    this.#opensAt = stated.reset * 1000 + this.#openingDelay
    this.#knownSince = lastSent
    this.#isFromAnswer = number > 0
    this.#lower(stated, now)
  }

  #lower({ remaining, used }: RateLimit, now: Now): void {
    if (remaining < this.remaining) {
      if (remaining === 0) this.#emptySince = now.local
      this.remaining = remaining
      this.used = used
    }
    this.heardAt = now.local
  }

  /** Only where there was nothing left, and the question went out to find that out. */
  #mayRise(stated: RateLimit, number: number): boolean {
    return this.remaining === 0 && number > 0 && number === this.#probe && stated.remaining > 0
  }
}

function isNonsense({ limit, remaining, reset }: RateLimit, now: Now, madeAt: number | undefined): boolean {
  if (remaining > limit) return true
  if (reset - now.upstream / 1000 > LONGEST_WINDOW) return true
  return madeAt !== undefined && reset < madeAt / 1000 - SAME_WINDOW
}
