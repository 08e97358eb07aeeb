import type { BudgetAnswer, RateLimit } from '../../src/ports.ts'

export interface CounterOptions {
  readonly limit: number
  /** Seconds. */
  readonly length: number
  /** ms by which its clock is ahead of the gateway's. */
  readonly skew: number
  /** Servers of old do not say what was used. */
  readonly hasUsed: boolean
}

/** What an upstream made of one request, and said of it. */
export interface Processed {
  readonly isRefused: boolean
  readonly cost: number
  readonly stated: RateLimit | undefined
  /** Epoch ms, as a `Date` tells it: whole seconds. */
  readonly date: number
  /** The window that it was counted in. */
  readonly window: CountedWindow
  /** Later ones are newer, in whatever order they arrive. */
  readonly order: number
}

/** A window, and what must be known to judge who used it. */
export interface CountedWindow {
  /** Epoch seconds by the upstream's clock. */
  readonly reset: number
  used: number
  refused: number
  /** Refusals that nobody behind the gateway could have foreseen. */
  excused: number
}

/**
 * How GitHub counts, written down a second time: windows of a fixed length, the next of which opens with the first request
 * after the last one ended; a 200 counts one and a 304 nothing; at the limit everything is refused. What it says holds at
 * the moment at which it says it.
 */
export class UpstreamCounter {
  readonly options: CounterOptions
  limit: number
  window: CountedWindow | undefined
  #processed = 0

  constructor(options: CounterOptions) {
    this.options = options
    this.limit = options.limit
  }

  /** Its own clock, epoch ms. */
  clock(now: number): number {
    return now + this.options.skew
  }

  /** @param cost of the answer, if it is not a refusal */
  process(now: number, cost: 0 | 1): Processed {
    const window = this.#open(now)
    const isRefused = window.used >= this.limit
    if (isRefused) window.refused++
    else window.used += cost
    return {
      isRefused,
      cost: isRefused ? 0 : cost,
      stated: this.#numbers(window),
      date: Math.floor(this.clock(now) / 1000) * 1000,
      window,
      order: ++this.#processed,
    }
  }

  /** Somebody who does not come through the gateway uses some. */
  useElsewhere(now: number, units: number): void {
    const window = this.#open(now)
    const used = Math.min(units, Math.max(0, this.limit - window.used))
    window.used += used
    window.excused += used
  }

  /** An administrator sets another limit. */
  setLimit(now: number, limit: number): void {
    this.#open(now)
    this.limit = limit
  }

  #open(now: number): CountedWindow {
    const seconds = this.clock(now) / 1000
    if (this.window === undefined || seconds >= this.window.reset) {
      this.window = { reset: Math.floor(seconds) + this.options.length, used: 0, refused: 0, excused: 0 }
    }
    return this.window
  }

  #numbers({ used, reset }: CountedWindow): RateLimit {
    return {
      resource: 'core',
      limit: this.limit,
      remaining: Math.max(0, this.limit - used),
      used: this.options.hasUsed ? used : undefined,
      reset,
    }
  }
}

/** Numbers that no upstream in its senses would state. */
export const NONSENSE: readonly ((stated: RateLimit) => RateLimit | undefined)[] = [
  () => undefined,
  (stated) => ({ ...stated, reset: stated.reset * 1000 }),
  (stated) => ({ ...stated, reset: stated.reset - 10 * 24 * 3600 }),
  (stated) => ({ ...stated, reset: stated.reset + 48 * 3600 }),
  (stated) => ({ ...stated, remaining: stated.limit + 1 }),
]

/** What the gateway makes of such an answer. */
export function answerOf({ isRefused, cost, stated, date }: Processed, account: string): BudgetAnswer {
  return {
    account,
    isVouchedFor: true,
    stated,
    date,
    cost,
    refused: isRefused ? 'primary' : undefined,
    retryAfter: undefined,
    isOrdinary: !isRefused,
  }
}
