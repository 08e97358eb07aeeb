import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RateLimit } from '../../src/ports.ts'
import { Desk, type LedgerMaker, RESET, refused, stated } from './ledger-desk.ts'
import { START } from './ledger-time.ts'

const HOUR = 3_600_000

/** What is known of budgets, and of which window. */
export function budgetLedgerNumbersContract(name: string, maker: LedgerMaker): void {
  const latest = (desk: Desk) => desk.ledger.latest('user:one', 'core')

  describe(`budget ledger, numbers: ${name}`, () => {
    test('are kept apart by account and resource', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(1) })
      await desk.exchange({ stated: stated(2) }, { account: 'user:two' })
      const search = stated(3, { resource: 'search', limit: 30, used: 27 })
      await desk.exchange({ stated: search }, { resource: 'search' })
      expect(latest(desk)).toEqual(stated(1))
      expect(desk.ledger.latest('user:two', 'core')).toEqual(stated(2))
      expect(desk.ledger.latest('user:one', 'search')).toEqual(search)
      expect(desk.ledger.latest('user:two', 'search')).toBeUndefined()
      expect(desk.ledger.latest('user:three', 'core')).toBeUndefined()
    })

    test('go to the resource that the answer names, and so does what it cost', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(100) })
      await desk.exchange({ stated: stated(9, { resource: 'code_search', limit: 10 }) })
      expect(desk.budget('user:one', 'core')).toMatchObject({ available: 100, clients: [{ used: 1 }] })
      expect(desk.budget('user:one', 'code_search')).toMatchObject({ available: 9, clients: [{ used: 1 }] })
    })

    test.each<[string, Partial<RateLimit>]>([
      ['in milliseconds', { reset: RESET * 1000 }],
      ['more than a day ahead', { reset: START / 1000 + 24 * 3600 + 1 }],
      ['long past', { reset: START / 1000 - 3600 }],
    ])('a reset %s teaches nothing and keeps nothing out', async (_what, more) => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(7, more), date: START })
      expect(latest(desk)).toBeUndefined()
      expect(desk.budget().state).toBe('unknown')
      desk.ledger.observe('user:one', stated(8, more))
      expect(latest(desk)).toBeUndefined()
      await desk.exchange({ stated: stated(9), date: START })
      expect(latest(desk)).toEqual(stated(9))
      await desk.exchange({ stated: stated(6, more), date: START })
      expect(latest(desk)).toEqual(stated(9))
      // What it cost is not forgotten: nothing has told that it was counted.
      expect(desk.budget().available).toBe(8)
    })

    test('a reset a day ahead is believed, and so is one just over', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(7, { reset: START / 1000 + 24 * 3600 }), date: START })
      expect(latest(desk)?.remaining).toBe(7)
      await desk.exchange({ stated: stated(5, { reset: START / 1000 - 4 }), date: START }, { account: 'user:two' })
      expect(desk.budget('user:two').state).toBe('unknown')
    })

    test('more than the limit cannot remain', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(5001) })
      expect(latest(desk)).toBeUndefined()
      await desk.exchange({ stated: stated(5000) })
      expect(latest(desk)).toEqual(stated(5000))
    })

    test('a limit of nothing is believed of a refusal, and not of an answer', async () => {
      const desk = new Desk(maker)
      const nothing = stated(0, { limit: 0 })
      for (let index = 0; index < 2; index++) await desk.exchange({ stated: nothing })
      expect(desk.budget().state).toBe('unknown')
      await desk.exchange({ stated: nothing })
      expect(desk.budget().state).toBe('unlimited')
      const refusal = { stated: nothing, refused: 'primary', cost: 0, isOrdinary: false } as const
      await desk.exchange(refusal, { account: 'user:two' })
      expect((await desk.refusal({ account: 'user:two' })).why).toBe('exhausted')
    })

    test('within a window remaining never rises, in whatever order answers arrive', async () => {
      const answer = fc.record({
        remaining: fc.nat(5000),
        drift: fc.integer({ min: -2, max: 2 }),
        isPage: fc.boolean(),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 20 }), async (answers) => {
          const desk = new Desk(maker)
          await desk.exchange({ stated: stated(5000) })
          const places = await Promise.all(answers.map(() => desk.grant({ units: 0 })))
          let lowest = 5000
          for (const [index, { remaining, drift, isPage }] of answers.entries()) {
            const numbers = stated(remaining, { reset: RESET + drift })
            if (isPage) desk.ledger.observe('user:one', numbers)
            else await desk.finish(places[index]!, { stated: numbers, cost: 0 })
            lowest = Math.min(lowest, remaining)
            expect(latest(desk)?.remaining).toBe(lowest)
          }
        }),
      )
    })

    test('of servers that round a reset differently the last is waited for', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(0), date: START })
      await desk.pass(61_000)
      await desk.exchange({ stated: stated(0, { reset: RESET + 4 }), date: desk.time.now() })
      expect((await desk.refusal()).retryAt).toBe((RESET + 4) * 1000)
    })

    test('an answer of an earlier window changes nothing, one of a later window counts', async () => {
      const desk = new Desk(maker)
      const [late, later] = [await desk.grant(), await desk.grant({ units: 0 })]
      await desk.pass(1000)
      await desk.exchange({ stated: stated(10) })
      await desk.finish(late, { stated: stated(5, { reset: RESET - 3600 }) })
      expect(latest(desk)?.remaining).toBe(10)
      await desk.finish(later, { stated: stated(4999, { reset: RESET + 3600 }) })
      expect(latest(desk)).toEqual(stated(4999, { reset: RESET + 3600 }))
    })

    test('an answer that was made before the reset and comes after it says nothing of the window that began', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(10), date: START })
      const late = await Promise.all([1, 2, 3, 4].map(() => desk.grant()))
      await desk.pass(HOUR + 60_000)
      for (const date of [START + HOUR - 1000, START + HOUR - 500, undefined]) {
        await desk.finish(late.pop()!, { stated: stated(9), date })
        // It has numbers, however old, and does not say that there are no limits.
        expect(desk.budget().state).toBe('unknown')
      }
      expect(latest(desk)).toBeUndefined()
      await desk.pass(1000)
      await desk.exchange({ stated: stated(4999, { reset: RESET + 3600 }), date: desk.time.now() })
      expect(desk.budget().available).toBe(4998)
      // What it cost was a unit of the window before.
      await desk.finish(late.pop()!, { stated: stated(8), date: START + HOUR - 400 })
      expect(desk.budget().available).toBe(4999)
    })

    test('a changed limit brings its own remaining; what was asked before it is older', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(10) })
      const before = await desk.grant()
      await desk.exchange({ stated: stated(9000, { limit: 15_000 }) })
      expect(latest(desk)).toMatchObject({ limit: 15_000, remaining: 9000 })
      await desk.finish(before, { stated: stated(9) })
      expect(latest(desk)).toBeUndefined()
      // Which of the two holds, the next question tells.
      await desk.exchange({ stated: stated(8999, { limit: 15_000 }) })
      expect(latest(desk)).toMatchObject({ limit: 15_000, remaining: 8999 })
    })

    test('an administrator’s cut counts at once', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(4000) })
      await desk.exchange({ stated: stated(0, { limit: 1000 }) })
      expect((await desk.refusal()).why).toBe('exhausted')
    })

    test('are not stated when their window is over', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(10) })
      await desk.pass(HOUR - 1)
      expect(latest(desk)?.remaining).toBe(10)
      await desk.pass(1)
      expect(latest(desk)).toBeUndefined()
    })

    test.each([
      ['ahead', 300_000],
      ['behind', -300_000],
    ])('an upstream whose clock is %s ends its windows by that clock', async (_what, skew) => {
      const desk = new Desk(maker)
      const reset = (START + skew) / 1000 + 3600
      await desk.exchange({ stated: stated(0, { reset }), date: START + skew })
      expect((await desk.refusal()).retryAt).toBe(START + HOUR)
      await desk.pass(HOUR - 1)
      // The question that finds out whether anything has changed.
      await desk.grant()
      await desk.refusal()
      await desk.pass(1)
      expect(desk.budget().state).toBe('unknown')
    })

    test('are told only if they were heard lately, where that is wanted', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(10) })
      await desk.pass(60_000)
      expect(desk.ledger.latest('user:one', 'core', 59_999)).toBeUndefined()
      expect(desk.ledger.latest('user:one', 'core', 60_000)?.remaining).toBe(10)
      // Also if they are the same.
      await desk.exchange({ stated: stated(10), cost: 0 })
      expect(desk.ledger.latest('user:one', 'core', 0)?.remaining).toBe(10)
    })

    test('of a page are taken in where there are none, and lower those of the same window', async () => {
      const desk = new Desk(maker)
      desk.ledger.observe('user:one', stated(10))
      desk.ledger.observe('user:one', stated(20, { limit: 6000 }))
      desk.ledger.observe('user:one', stated(30, { reset: RESET + 600 }))
      desk.ledger.observe('user:one', stated(4, { reset: RESET }))
      expect(latest(desk)).toEqual(stated(30, { reset: RESET + 600 }))
    })

    test('of a page are never believed over those of an answer, also one that only says the same', async () => {
      const desk = new Desk(maker)
      desk.ledger.observe('user:one', stated(10))
      await desk.exchange({ stated: stated(10) })
      desk.ledger.observe('user:one', stated(5000, { reset: RESET + 600 }))
      desk.ledger.observe('user:one', stated(5000, { limit: 6000 }))
      expect(latest(desk)).toEqual(stated(10))
      desk.ledger.observe('user:one', stated(8))
      expect(latest(desk)).toEqual(stated(8))
      await desk.pass(HOUR)
      desk.ledger.observe('user:one', stated(5000, { reset: RESET + 3600 }))
      expect(latest(desk)?.remaining).toBe(5000)
      await desk.grant()
      desk.ledger.observe('user:one', stated(4998, { reset: RESET + 3600 }))
      expect(desk.budget().available).toBe(4997)
    })

    test('that vanish for good mean that there are no limits; single ones that are missing are only costs', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(2) })
      await desk.exchange({ stated: undefined, cost: 0 })
      await desk.exchange({ stated: undefined, cost: 1 })
      expect(desk.budget()).toMatchObject({ state: 'known', available: 1 })
      await desk.exchange({ stated: stated(1) })
      await desk.exchange({ stated: undefined, cost: 0 })
      await desk.exchange({ stated: undefined, cost: 0 })
      expect(desk.budget()).toMatchObject({ state: 'known', available: 1 })
      await desk.exchange({ stated: undefined, cost: 0 })
      expect(desk.budget().state).toBe('unlimited')
      const places = await Promise.all(Array.from({ length: 50 }, () => desk.ask()))
      expect(places.filter(({ outcome }) => typeof outcome === 'object' && outcome.isGranted)).toHaveLength(50)
    })

    test('that come back are believed', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: undefined })
      expect(desk.budget().state).toBe('unlimited')
      await desk.exchange({ stated: stated(0) })
      expect(refused(await desk.ask()).why).toBe('exhausted')
    })

    test('answers of the kind that has none, such as a 404 or a 502, say nothing about limits', async () => {
      const desk = new Desk(maker)
      for (let index = 0; index < 5; index++) await desk.exchange({ stated: undefined, isOrdinary: false })
      expect(desk.budget().state).toBe('unknown')
    })

    test('an upstream that states none to anybody has none for anybody', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: undefined })
      await desk.grant({ account: 'user:two' })
      await desk.grant({ account: 'user:two' })
      expect(desk.budget('user:two').state).toBe('unlimited')
    })

    test('an upstream that has stated some within the hour is asked about everybody', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(10) })
      // Users whom it exempts are told nothing.
      await desk.exchange({ stated: undefined }, { account: 'user:exempt' })
      await desk.grant({ account: 'user:two' })
      expect(desk.budget('user:two').state).toBe('unknown')
      await desk.pass(HOUR)
      await desk.grant({ account: 'user:three' })
      expect(desk.budget('user:three').state).toBe('unlimited')
    })
  })
}
