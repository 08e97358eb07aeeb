import { describe, expect, test } from 'vitest'
import type { BudgetAnswer } from '../../src/ports.ts'
import { ANSWER, Desk, granted, isGranted, type LedgerMaker, RESET, refused, stated } from './ledger-desk.ts'
import { START } from './ledger-time.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const REFUSED: Partial<BudgetAnswer> = { refused: 'primary', cost: 0, isOrdinary: false }

/** Who is given a unit, and when there is none. */
export function budgetLedgerUnitsContract(name: string, maker: LedgerMaker): void {
  /** A ledger that knows how much is left. */
  async function deskWith(remaining: number, options: ConstructorParameters<typeof Desk>[1] = {}) {
    const desk = new Desk(maker, options)
    await desk.exchange({ stated: stated(remaining) })
    return desk
  }

  describe(`budget ledger, units: ${name}`, () => {
    test('a unit is taken before it is sent, and what is on its way counts', async () => {
      const desk = await deskWith(3)
      for (const left of [2, 1, 0]) {
        await desk.grant()
        expect(desk.budget().available).toBe(left)
      }
      const fourth = await desk.ask()
      expect(fourth.outcome).toBe('waiting')
    })

    test('one that was free, such as a 304, or was not sent, comes back', async () => {
      const desk = await deskWith(2)
      const [first, second] = [await desk.grant(), await desk.grant()]
      const third = await desk.ask()
      await desk.finish(first, { stated: stated(2), cost: 0 })
      granted(third)
      const fourth = await desk.ask()
      second.giveBack()
      second.end()
      await desk.settled()
      granted(fourth)
      expect(desk.budget()).toMatchObject({ available: 0, stated: { remaining: 2 }, clients: [{ used: 3 }] })
    })

    test('those who wait for one that may come back are refused when none does', async () => {
      const desk = await deskWith(1)
      const first = await desk.grant()
      const second = await desk.ask()
      await desk.finish(first, { stated: stated(0) })
      expect(refused(second)).toMatchObject({ why: 'exhausted', stated: stated(0), retryAt: RESET * 1000 })
    })

    test('whatever is called twice counts once', async () => {
      const desk = await deskWith(10)
      const place = await desk.grant()
      for (let index = 0; index < 2; index++) {
        place.giveBack()
        place.lose()
        place.settle({ ...(REFUSED as BudgetAnswer), account: 'user:one', isVouchedFor: true, stated: stated(3) })
        place.end()
      }
      expect(desk.budget()).toMatchObject({ available: 10, clients: [{ used: 1 }] })
      expect(desk.ledger.report()).toMatchObject({ inFlight: 0, waiting: 0 })
    })

    test('what ends without a word may have been sent', async () => {
      const desk = await deskWith(10)
      const place = await desk.grant()
      place.end()
      expect(desk.budget().available).toBe(9)
      await desk.exchange({ stated: stated(8) })
      expect(desk.budget().available).toBe(8)
    })

    test('what an answer cost that has no numbers, such as a 404, counts likewise', async () => {
      const desk = await deskWith(10)
      await desk.exchange({ stated: undefined, isOrdinary: false })
      expect(desk.budget().available).toBe(9)
      await desk.exchange({ stated: stated(8) })
      expect(desk.budget().available).toBe(8)
    })

    test('those who wait for numbers, or for a unit, go when these come: before the body is over', async () => {
      const desk = new Desk(maker)
      const first = await desk.grant()
      const second = await desk.ask()
      first.settle({ ...ANSWER, stated: stated(1) })
      await desk.settled()
      const place = granted(second)
      const third = await desk.ask()
      expect(third.outcome).toBe('waiting')
      place.lose()
      await desk.settled()
      expect(isGranted(third)).toBe(true)
    })

    test('what was lost counts until numbers come for a question that was sent later', async () => {
      const desk = await deskWith(10)
      const [first, lost, third] = [await desk.grant(), await desk.grant(), await desk.grant()]
      lost.lose()
      lost.end()
      expect(desk.budget().available).toBe(7)
      await desk.finish(third, { stated: stated(8) })
      expect(desk.budget().available).toBe(6)
      await desk.finish(first, { stated: stated(7) })
      expect(desk.budget().available).toBe(6)
      // An answer without numbers does not say whether it is contained.
      await desk.exchange({ stated: undefined, cost: 0 })
      expect(desk.budget().available).toBe(6)
      await desk.exchange({ stated: stated(6) })
      expect(desk.budget().available).toBe(6)
    })

    test('one after the other is lost and found', async () => {
      const desk = await deskWith(100)
      for (let index = 0; index < 20; index++) {
        const lost = await desk.grant()
        const answered = await desk.grant()
        lost.lose()
        lost.end()
        await desk.finish(answered, { stated: stated(100), cost: 0 })
      }
      // The last two at most: those that were lost after the last question was sent.
      expect(desk.budget().available).toBeGreaterThanOrEqual(98)
    })

    test('where all that is left may have been lost, one question finds out, and not at once again', async () => {
      const desk = await deskWith(2)
      for (let index = 0; index < 2; index++) {
        const place = await desk.grant()
        place.lose()
        place.end()
      }
      const finder = await desk.grant()
      expect((await desk.ask()).outcome).toBe('waiting')
      finder.lose()
      finder.end()
      await desk.pass(MINUTE - 1)
      expect(await desk.refusal()).toMatchObject({ why: 'exhausted', retryAt: START + MINUTE })
      await desk.pass(1)
      await desk.exchange({ stated: stated(1) })
      expect(desk.budget().available).toBe(1)
      const again = await desk.grant()
      again.lose()
      again.end()
      // The last one that was to find out was answered: another may go at once.
      await desk.grant()
    })

    test('one that finds out and was not sent does not count as sent', async () => {
      const desk = await deskWith(1)
      const lost = await desk.grant()
      lost.lose()
      lost.end()
      const finder = await desk.grant()
      finder.giveBack()
      finder.end()
      await desk.grant()
    })

    test('at nothing all are refused; after a minute one may find out whether that is still so, once a window', async () => {
      const desk = await deskWith(0)
      await desk.pass(MINUTE - 1)
      expect(await desk.refusal()).toEqual({
        isGranted: false,
        why: 'exhausted',
        retryAt: RESET * 1000,
        stated: stated(0),
      })
      await desk.pass(1)
      expect((await desk.refusal({ isBackground: true })).why).toBe('exhausted')
      const probe = await desk.grant()
      await desk.refusal()
      await desk.finish(probe, { ...REFUSED, stated: stated(0) })
      await desk.pass(30 * MINUTE)
      await desk.refusal()
    })

    test('a probe that was lost is not sent again; one that was not sent is', async () => {
      const desk = await deskWith(0)
      await desk.pass(MINUTE)
      const unsent = await desk.grant()
      unsent.giveBack()
      unsent.end()
      const probe = await desk.grant()
      probe.lose()
      probe.end()
      await desk.pass(30 * MINUTE)
      await desk.refusal()
    })

    test('a probe that is answered with more raises what is left', async () => {
      const desk = await deskWith(0)
      await desk.pass(MINUTE)
      const probe = await desk.grant()
      await desk.finish(probe, { stated: stated(40) })
      expect(desk.budget().available).toBe(40)
      await desk.grant()
    })

    test('a probe that is answered without numbers has the limit found out anew', async () => {
      const desk = await deskWith(0)
      await desk.pass(MINUTE)
      await desk.exchange({ stated: undefined })
      expect(desk.budget().state).toBe('unknown')
      await desk.exchange({ stated: undefined })
      await desk.exchange({ stated: undefined })
      expect(desk.budget().state).toBe('unlimited')
    })

    test('a question that was refused while nothing was known was the probe of that window', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ ...REFUSED, stated: stated(0) })
      await desk.pass(30 * MINUTE)
      await desk.refusal()
    })

    test('a window in which somebody else used the rest has its probe all the same, and so has the next', async () => {
      const desk = await deskWith(5)
      await desk.exchange({ ...REFUSED, stated: stated(0) })
      await desk.pass(MINUTE)
      await desk.exchange({ ...REFUSED, stated: stated(0) })
      await desk.pass(HOUR)
      await desk.exchange({ stated: stated(0, { reset: RESET + 3600 + 60 }), date: desk.time.now() })
      await desk.pass(MINUTE)
      await desk.grant()
    })

    test('a probe of the window before tells nothing of this one', async () => {
      const desk = await deskWith(0)
      await desk.pass(HOUR - 500)
      const probe = await desk.grant()
      await desk.pass(500)
      const [first, second] = [await desk.ask(), await desk.ask()]
      await desk.pass(1000)
      const later = { reset: RESET + 3600 }
      await desk.finish(granted(first), { stated: stated(0, later), date: desk.time.now() })
      expect(isGranted(second)).toBe(false)
      await desk.finish(probe, { stated: stated(1, later), date: desk.time.now() })
      expect(desk.budget().available).toBe(0)
    })

    test('until anything is known questions go one at a time, or one a second where the last one hangs', async () => {
      const desk = new Desk(maker)
      await desk.grant()
      const [second, third, fourth] = [await desk.ask(), await desk.ask(), await desk.ask()]
      await desk.pass(999)
      expect(isGranted(second)).toBe(false)
      await desk.pass(1)
      expect([isGranted(second), isGranted(third)]).toEqual([true, false])
      await desk.pass(1000)
      expect([isGranted(third), isGranted(fourth)]).toEqual([true, false])
      await desk.finish(granted(second), { stated: stated(10) })
      expect(isGranted(fourth)).toBe(true)
      expect(desk.budget().available).toBe(7)
    })

    test('when a window is over one question finds out what the next one holds', async () => {
      const desk = await deskWith(10)
      await desk.pass(HOUR)
      const first = await desk.grant()
      const second = await desk.ask()
      expect(second.outcome).toBe('waiting')
      await desk.finish(first, { stated: stated(4999, { reset: RESET + 3600 }), date: desk.time.now() })
      granted(second)
      expect(desk.budget().available).toBe(4998)
    })

    test('the next window is used a little after it begins, by chance', async () => {
      for (const chance of [0, 0.4, 1]) {
        const desk = await deskWith(0, { random: () => chance })
        expect((await desk.refusal()).retryAt).toBe(RESET * 1000 + chance * 1000)
        await desk.pass(MINUTE)
        await desk.grant()
        await desk.pass(HOUR - MINUTE + chance * 1000 - 1)
        await desk.refusal()
        await desk.pass(1)
        // The last one hangs, so one more may ask what the new window holds.
        await desk.grant()
        expect(desk.budget().state).toBe('unknown')
      }
    })

    test('what costs nothing is not held back by want of units', async () => {
      const desk = await deskWith(0)
      const place = await desk.grant({ units: 0 })
      await desk.finish(place, { stated: stated(0), cost: 0 })
      expect(desk.budget().clients).toMatchObject([{ used: 1 }])
    })

    test('background work leaves the reserve alone', async () => {
      const desk = await deskWith(502, { reserve: 0.1 })
      const other = { isBackground: true }
      await desk.grant(other)
      await desk.grant(other)
      expect(await desk.refusal(other)).toMatchObject({ why: 'exhausted', retryAt: RESET * 1000 })
      await desk.grant()
    })

    test('background work does not find out what may have been lost', async () => {
      const desk = await deskWith(1, { reserve: 0 })
      const lost = await desk.grant({ isBackground: true })
      lost.lose()
      lost.end()
      await desk.refusal({ isBackground: true })
      await desk.grant()
    })

    test('a refusal that others used what was left excuses nobody: what is known then is nothing', async () => {
      const desk = await deskWith(50)
      const places = await Promise.all(Array.from({ length: 20 }, () => desk.grant()))
      await desk.finish(places[7]!, { ...REFUSED, stated: stated(0) })
      expect((await desk.refusal()).why).toBe('exhausted')
    })

    test('the requests that cost nothing make nobody one of those that share', async () => {
      const desk = await deskWith(100)
      await desk.grant({ units: 0, client: { group: 'address:192.0.2.77', name: '' } })
      expect(desk.budget()).toMatchObject({ isTight: false })
      expect(desk.budget().clients).toHaveLength(1)
    })
  })
}
