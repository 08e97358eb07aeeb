import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Client } from '../../src/ports.ts'
import { ANSWER, type Asked, Desk, granted, isGranted, type LedgerMaker, REQUEST, stated } from './ledger-desk.ts'
import { START } from './ledger-time.ts'
import { answerOf, UpstreamCounter } from './upstream-counter.ts'

const HOUR = 3_600_000

interface AppOptions {
  readonly client: Client
  readonly isBackground?: boolean
  /** ms that it is ready to wait in the gateway, that an answer takes, and between an answer and the next question. */
  readonly longestWait: number
  readonly latency: number
  readonly pause?: number
}

/** An app that asks, and asks again: after a refusal when it is told to. */
class App {
  readonly options: AppOptions
  used = 0
  /** Questions that were not let go at once. */
  held = 0
  /** The least that the upstream had left before one of its units. */
  lowest = Number.POSITIVE_INFINITY
  readonly #desk: Desk
  readonly #upstream: UpstreamCounter

  constructor(desk: Desk, upstream: UpstreamCounter, options: AppOptions) {
    this.#desk = desk
    this.#upstream = upstream
    this.options = options
  }

  async ask(): Promise<void> {
    const { client, isBackground = false, longestWait } = this.options
    const onWait = () => {
      this.held++
    }
    const asked = await this.#desk.ask({ client, isBackground, longestWait, onWait })
    await this.#watch(asked)
  }

  /** What becomes of it, looked at every so often as long as it waits. */
  async #watch(asked: Asked): Promise<void> {
    const { time } = this.#desk
    if (asked.outcome === 'waiting') {
      time.after(10, () => void this.#watch(asked))
    } else if (isGranted(asked)) {
      time.after(this.options.latency, () => void this.#finish(asked))
    } else if (typeof asked.outcome === 'object' && !asked.outcome.isGranted) {
      this.held++
      time.after(Math.max(1, asked.outcome.retryAt - time.now()), () => void this.ask())
    }
  }

  async #finish({ outcome }: Asked): Promise<void> {
    if (typeof outcome === 'string' || !outcome.isGranted) return
    const { time } = this.#desk
    const { window, limit } = this.#upstream
    this.lowest = Math.min(this.lowest, window === undefined ? limit : limit - window.used)
    const processed = this.#upstream.process(time.now(), 1)
    this.used += processed.cost
    await this.#desk.finish(outcome, answerOf(processed, REQUEST.account))
    time.after(this.options.pause ?? 1, () => void this.ask())
  }
}

class Hour {
  readonly desk: Desk
  readonly upstream: UpstreamCounter
  readonly apps: App[]

  constructor(maker: LedgerMaker, limit: number, apps: readonly AppOptions[], reserve = 0.1) {
    this.desk = new Desk(maker, { reserve })
    this.upstream = new UpstreamCounter({ limit, length: 3600, skew: 0, hasUsed: true })
    this.apps = apps.map((options) => new App(this.desk, this.upstream, options))
  }

  /** @returns what each app used after the budget became tight, and what all used */
  async play(): Promise<{ shares: number[]; total: number }> {
    for (const app of this.apps) await app.ask()
    let before = this.apps.map(() => 0)
    for (let second = 0; second < 3598; second++) {
      if (!this.desk.budget().isTight && second < 1800) before = this.apps.map(({ used }) => used)
      await this.desk.pass(1000)
    }
    const shares = this.apps.map(({ used }, index) => used - before[index]!)
    return { shares, total: this.apps.reduce((sum, { used }) => sum + used, 0) }
  }
}

function address(number: number, more = ''): Client {
  return { group: `address:192.0.2.${number}`, name: more }
}

function hungry(client: Client, more: Partial<AppOptions> = {}): AppOptions {
  return { client, longestWait: 5000, latency: 100, ...more }
}

/** What is left of a budget is shared. */
export function budgetLedgerSharesContract(name: string, maker: LedgerMaker): void {
  /** Each within a tenth of the mean, or within the unit that cannot be divided. */
  function expectAlike(shares: readonly number[]): void {
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
    for (const share of shares) expect(Math.abs(share - mean), `${shares}`).toBeLessThanOrEqual(Math.max(2, mean / 10))
  }

  describe(`budget ledger, shares: ${name}`, () => {
    test('equals who always ask get the same of what is left when it is tight, and nearly all of it is used', async () => {
      const plan = fc.record({
        apps: fc.integer({ min: 2, max: 12 }),
        limit: fc.integer({ min: 200, max: 1500 }),
        longestWait: fc.constantFrom(0, 1000, 5000, 60_000),
        latency: fc.integer({ min: 5, max: 2000 }),
      })
      await fc.assert(
        fc.asyncProperty(plan, async ({ apps, limit, longestWait, latency }) => {
          const options = Array.from({ length: apps }, (_, index) => hungry(address(index), { longestWait, latency }))
          const hour = new Hour(maker, limit, options)
          const { shares, total } = await hour.play()
          expectAlike(shares)
          expect(hour.upstream.window?.refused).toBe(0)
          expect(total).toBeGreaterThanOrEqual(limit * 0.97 - apps)
        }),
        { numRuns: 12 },
      )
    })

    test('a hundred names at one address have together what one address has', async () => {
      const crowd = Array.from({ length: 100 }, (_, index) => hungry(address(1, `app ${index}`)))
      const { shares } = await new Hour(maker, 3000, [...crowd, hungry(address(2)), hungry(address(3))]).play()
      const crowdShare = shares.slice(0, 100).reduce((sum, share) => sum + share, 0)
      expectAlike([crowdShare, ...shares.slice(100)])
    })

    test('names divide what their address has', async () => {
      const names = ['one', 'two', 'three'].map((each) => hungry(address(1, each)))
      const hour = new Hour(maker, 1500, [...names, hungry(address(2))])
      const { shares } = await hour.play()
      expectAlike(shares.slice(0, 3))
      // Three took thrice as much as one before it was tight: that is made up for.
      const used = hour.apps.map((app) => app.used)
      expectAlike([used[0]! + used[1]! + used[2]!, used[3]!])
      expect(shares[3]).toBeGreaterThan(2 * (shares[0]! + shares[1]! + shares[2]!))
    })

    test('whoever asks for little never waits while something is left', async () => {
      const apps = [1, 2, 3, 4].map((number) => hungry(address(number)))
      const modest = hungry(address(9), { pause: 60_000, longestWait: 0 })
      const hour = new Hour(maker, 1200, [...apps, modest])
      await hour.play()
      const { used, held } = hour.apps[4]!
      // The very first question may meet those of the others: nothing is known yet.
      expect(held).toBeLessThanOrEqual(1)
      expect(used).toBeGreaterThanOrEqual(58)
    })

    test('whoever is alone is never held back, and may use everything at once', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(300, { limit: 300 }) })
      for (let left = 299; left >= 0; left--) {
        await desk.exchange({ ...ANSWER, stated: stated(left, { limit: 300 }) })
        expect(desk.budget().isTight).toBe(false)
      }
      expect((await desk.refusal()).why).toBe('exhausted')
    })

    test('two who ask for less than there is are not held back either', async () => {
      const apps = [1, 2].map((number) => hungry(address(number), { pause: 20_000, longestWait: 0 }))
      const hour = new Hour(maker, 400, apps)
      await hour.play()
      expect(hour.apps.map(({ held }) => held)).toEqual([0, expect.toSatisfy((held: number) => held <= 1)])
    })

    test('whoever has had a share is told when there is something again, and the least served go first', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(1000, { limit: 1000 }) }, { client: address(1) })
      let left = 1000
      let asked = await desk.ask({ client: address(1) })
      while (isGranted(asked)) {
        await desk.finish(granted(asked), { stated: stated(--left, { limit: 1000 }) })
        asked = await desk.ask({ client: address(left % 2) })
      }
      expect(left).toBeLessThan(500)
      await desk.refusal({ client: address(1 - (left % 2)) })
      // Now that both are known to want more, one of them comes a unit after the other.
      const [first, second] = [await desk.refusal({ client: address(0) }), await desk.refusal({ client: address(1) })]
      const interval = HOUR / left
      expect([first.why, second.why]).toEqual(['share', 'share'])
      for (const { retryAt } of [first, second]) {
        expect(retryAt).toBeGreaterThanOrEqual(desk.time.now() + 1000)
        expect(retryAt).toBeLessThanOrEqual(desk.time.now() + 2 * interval + 1)
      }
      expect(Math.abs(first.retryAt - second.retryAt)).toBeCloseTo(interval, 0)
      expect(desk.budget().isTight).toBe(true)
    })

    test('nobody is told to come again sooner than in a second', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(40_000, { limit: 100_000 }) }, { client: address(1) })
      await desk.exchange({ stated: stated(40_000, { limit: 100_000 }), cost: 0 }, { client: address(2) })
      expect(await desk.refusal({ client: address(1) })).toMatchObject({ why: 'share', retryAt: START + 1000 })
    })

    test('background work never takes what is reserved', async () => {
      const plan = fc.record({
        reserve: fc.constantFrom(0, 0.05, 0.1, 0.5),
        limit: fc.integer({ min: 50, max: 600 }),
        foreground: fc.integer({ min: 0, max: 3 }),
        background: fc.integer({ min: 1, max: 3 }),
        latency: fc.integer({ min: 5, max: 500 }),
      })
      await fc.assert(
        fc.asyncProperty(plan, async ({ reserve, limit, foreground, background, latency }) => {
          const others = Array.from({ length: foreground }, (_, index) => hungry(address(index), { latency }))
          const behind = Array.from({ length: background }, (_, index) =>
            hungry(address(100 + index), { latency, isBackground: true }),
          )
          const hour = new Hour(maker, limit, [...others, ...behind], reserve)
          for (const app of hour.apps) await app.ask()
          await hour.desk.pass(HOUR - 2000)
          for (const app of hour.apps.slice(foreground)) {
            // What was on its way at the time may have been used before its own was counted.
            if (app.used > 0) expect(app.lowest).toBeGreaterThan(reserve * limit)
          }
          expect(hour.upstream.window?.refused).toBe(0)
        }),
        { numRuns: 10 },
      )
    })
  })
}
