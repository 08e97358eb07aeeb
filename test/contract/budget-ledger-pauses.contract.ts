import { describe, expect, test } from 'vitest'
import type { BudgetAnswer } from '../../src/ports.ts'
import { type Asked, Desk, granted, isGranted, type LedgerMaker, refused, stated } from './ledger-desk.ts'
import { START } from './ledger-time.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const SECONDARY: Partial<BudgetAnswer> = { refused: 'secondary', cost: 0, isOrdinary: false }

/** When the upstream wants to be left alone, and how it is kept from wanting that. */
export function budgetLedgerPausesContract(name: string, maker: LedgerMaker): void {
  const pausedFor = (desk: Desk) => (desk.account().pausedUntil ?? desk.time.now()) - desk.time.now()

  describe(`budget ledger, pauses: ${name}`, () => {
    test('a secondary refusal pauses the whole account, every resource of it, and nobody else', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ ...SECONDARY, retryAfter: 30_000 })
      expect(await desk.refusal()).toMatchObject({ why: 'paused', retryAt: START + 30_000 })
      expect((await desk.refusal({ resource: 'search' })).why).toBe('paused')
      expect((await desk.refusal({ units: 0 })).why).toBe('paused')
      await desk.grant({ account: 'user:two' })
      expect(desk.ledger.report().paused).toBe(1)
      await desk.pass(30_000)
      expect(desk.ledger.report().paused).toBe(0)
      await desk.grant()
    })

    test.each([
      [0, 1000],
      [999, 1000],
      [1001, 1001],
      [HOUR, HOUR],
      [30 * 24 * HOUR, HOUR],
    ])('a hint of %d ms is obeyed as %d', async (retryAfter, expected) => {
      const desk = new Desk(maker)
      await desk.exchange({ ...SECONDARY, retryAfter })
      expect(pausedFor(desk)).toBe(expected)
    })

    test('without a hint it is a minute, then twice as long each time, and an hour at most', async () => {
      const desk = new Desk(maker)
      const pauses: number[] = []
      for (let index = 0; index < 9; index++) {
        await desk.exchange({ ...SECONDARY })
        pauses.push(pausedFor(desk) / MINUTE)
        await desk.pass(pausedFor(desk))
      }
      expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
    })

    test('an answer to what was asked since begins anew; one to what was on its way does not', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(100) })
      const before = await desk.grant()
      await desk.exchange({ ...SECONDARY, stated: stated(100) })
      await desk.finish(before, { stated: stated(99) })
      await desk.pass(MINUTE)
      await desk.exchange({ ...SECONDARY, stated: stated(99) })
      expect(pausedFor(desk)).toBe(2 * MINUTE)
      await desk.pass(2 * MINUTE)
      await desk.exchange({ stated: stated(98) })
      await desk.exchange({ ...SECONDARY, stated: stated(98) })
      expect(pausedFor(desk)).toBe(MINUTE)
    })

    test('a hundred that are refused together are one refusal', async () => {
      const desk = new Desk(maker, { concurrency: 100 })
      await desk.exchange({ stated: stated(5000) })
      const places = await Promise.all(Array.from({ length: 100 }, () => desk.grant()))
      for (const place of places) {
        await desk.finish(place, { ...SECONDARY, stated: stated(5000) })
        await desk.pass(10)
      }
      expect(pausedFor(desk)).toBe(MINUTE - 10)
      await desk.pass(MINUTE)
      await desk.exchange({ ...SECONDARY, stated: stated(5000) })
      expect(pausedFor(desk)).toBe(2 * MINUTE)
    })

    test('a late refusal from before is no shorter a pause than the first', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(100) })
      const late = await desk.grant()
      await desk.exchange({ ...SECONDARY, stated: stated(100) })
      await desk.pass(MINUTE)
      await desk.exchange({ stated: stated(99) })
      await desk.finish(late, { ...SECONDARY, stated: stated(99) })
      expect(pausedFor(desk)).toBe(MINUTE)
    })

    test('a shorter pause does not end a longer one', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(100) })
      const [first, second] = [await desk.grant(), await desk.grant()]
      await desk.finish(first, { ...SECONDARY, retryAfter: 60_000 })
      await desk.finish(second, { ...SECONDARY, retryAfter: 1000 })
      expect(pausedFor(desk)).toBe(60_000)
    })

    test.each([
      [30_000, 0.5, 31_500],
      [30_000, 1, 33_000],
      [600_000, 1, 605_000],
    ])(
      'chance makes a pause of %d ms longer by a tenth at most, and by five seconds',
      async (retryAfter, chance, expected) => {
        const desk = new Desk(maker, { random: () => chance })
        await desk.exchange({ ...SECONDARY, retryAfter })
        expect(pausedFor(desk)).toBe(expected)
      },
    )

    test('a primary refusal without numbers is a pause; with numbers it is none', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ ...SECONDARY, refused: 'primary' })
      expect((await desk.refusal()).why).toBe('paused')
      await desk.exchange({ ...SECONDARY, refused: 'primary', stated: stated(0) }, { account: 'user:two' })
      expect((await desk.refusal({ account: 'user:two' })).why).toBe('exhausted')
    })

    test('who may wait for long enough waits, who waits already may be refused, and writes like reads', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(100) })
      const place = await desk.grant({ isWrite: true })
      const [brief, patient] = [{ longestWait: 29_000 }, { longestWait: 30_000 }]
      const before = [await desk.ask({ isWrite: true, ...brief }), await desk.ask({ isWrite: true, ...patient })]
      await desk.finish(place, { ...SECONDARY, retryAfter: 30_000 })
      const after = [await desk.ask(brief), await desk.ask(patient)]
      expect([...before, ...after].map(({ outcome }) => (typeof outcome === 'string' ? outcome : 'refused'))).toEqual([
        'refused',
        'waiting',
        'refused',
        'waiting',
      ])
      await desk.pass(30_000)
      granted(before[1]!)
      await desk.finish(granted(before[1]!), { stated: stated(99) })
      granted(after[1]!)
    })

    async function herd(desk: Desk, count: number, longestWait: number): Promise<Asked[]> {
      return Promise.all(Array.from({ length: count }, () => desk.ask({ longestWait })))
    }

    /** Answers all that are on their way, and tells how many those were. */
    async function answerAll(desk: Desk, asked: Asked[], done: Set<Asked>): Promise<number> {
      const ready = asked.filter((each) => isGranted(each) && !done.has(each))
      for (const each of ready) done.add(each)
      for (const each of ready) await desk.finish(granted(each), { stated: stated(4000) })
      return ready.length
    }

    test('after a pause one goes first, and each that is answered makes room for one more', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(5000) })
      const old = await Promise.all(Array.from({ length: 20 }, () => desk.grant()))
      await desk.finish(old[0]!, { ...SECONDARY, retryAfter: 1000 })
      const asked = await herd(desk, 40, 1000)
      // What was on its way already says nothing of a crowd.
      for (const place of old.slice(1)) await desk.finish(place, { stated: stated(4900) })
      await desk.pass(1000)
      const done = new Set<Asked>()
      const waves: number[] = []
      while (done.size < 40) waves.push(await answerAll(desk, asked, done))
      expect(waves).toEqual([1, 2, 4, 8, 16, 9])
    })

    test('what has been on its way for long keeps nobody from going after a pause', async () => {
      const desk = new Desk(maker, { concurrency: 20 })
      await desk.exchange({ stated: stated(5000) })
      const old = await Promise.all(Array.from({ length: 19 }, () => desk.grant()))
      await desk.exchange({ ...SECONDARY, retryAfter: 1000 })
      await desk.pass(1000)
      const first = await desk.grant()
      expect((await desk.ask()).outcome).toBe('waiting')
      // All that there may be are on their way.
      first.end()
      old[0]!.end()
      await desk.settled()
      expect(desk.ledger.report()).toMatchObject({ inFlight: 19, waiting: 0 })
    })

    test('after a reset that others waited for, likewise', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(0), date: START })
      await desk.refusal()
      await desk.pass(HOUR)
      const asked = await herd(desk, 20, 0)
      const done = new Set<Asked>()
      const numbers = { stated: stated(4000, { reset: START / 1000 + 2 * 3600 }), date: desk.time.now() }
      const waves: number[] = []
      while (done.size < 20) {
        const ready = asked.filter((each) => isGranted(each) && !done.has(each))
        waves.push(ready.length)
        for (const each of ready) done.add(each)
        for (const each of ready) await desk.finish(granted(each), numbers)
      }
      expect(waves).toEqual([1, 2, 4, 8, 5])
    })

    test('after a window that an answer shows to have begun, likewise', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(0), date: START })
      await desk.pass(HOUR - 5000)
      const probe = await desk.grant()
      const asked = await herd(desk, 20, 10_000)
      expect(asked.some(isGranted)).toBe(false)
      await desk.finish(probe, { stated: stated(4999, { reset: START / 1000 + 2 * 3600 - 4 }), date: desk.time.now() })
      expect(asked.filter(isGranted)).toHaveLength(1)
    })

    test('a reset that nobody waited for slows nobody down', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(1000), date: START })
      await desk.pass(HOUR)
      const numbers = { stated: stated(4999, { reset: START / 1000 + 2 * 3600 }), date: desk.time.now() }
      await desk.exchange(numbers)
      for (let index = 0; index < 20; index++) await desk.grant()
    })

    test('points: nine hundred a minute, a write counts five, and a little more than a minute is looked back on', async () => {
      const desk = new Desk(maker, { pointsPerMinute: 900 })
      await desk.exchange({ stated: stated(5000) })
      await desk.pass(1000)
      for (let index = 0; index < 178; index++) await desk.exchange({ stated: stated(4000) }, { isWrite: true })
      // One of the first read, 890 of the writes.
      for (let index = 0; index < 9; index++) await desk.exchange({ stated: stated(4000) })
      expect(await desk.refusal()).toMatchObject({ why: 'paused', retryAt: START + 61_000 })
      expect((await desk.refusal({ isWrite: true })).retryAt).toBe(START + 62_000)
      expect(desk.ledger.report().paused).toBe(0)
      await desk.pass(60_000)
      await desk.exchange({ stated: stated(4000) })
      await desk.refusal()
    })

    test('points: the last of a minute are for those who ask little, where several ask', async () => {
      const desk = new Desk(maker, { pointsPerMinute: 100 })
      const other = { client: { group: 'address:192.0.2.2', name: '' } }
      await desk.exchange({ stated: stated(5000) })
      await desk.grant({ ...other, units: 0 })
      for (let index = 0; index < 98; index++) await desk.exchange({ stated: stated(4000) })
      await desk.pass(61_000)
      await desk.exchange({ stated: stated(4000) }, other)
      for (let index = 0; index < 89; index++) await desk.exchange({ stated: stated(4000) })
      expect((await desk.refusal()).why).toBe('paused')
      for (let index = 0; index < 10; index++) await desk.exchange({ stated: stated(4000) }, other)
      expect((await desk.refusal(other)).why).toBe('paused')
    })

    test('points: what was spent before it was known whose it is counts for whom it is', async () => {
      const desk = new Desk(maker, { pointsPerMinute: 5 })
      await desk.exchange({ stated: stated(5000) })
      const place = await desk.grant({ account: 'credential:x', isVouchedFor: false })
      await desk.finish(place, { stated: stated(4999) })
      for (let index = 0; index < 3; index++) await desk.grant()
      await desk.refusal()
    })

    test('points: what was not sent counts none', async () => {
      const desk = new Desk(maker, { pointsPerMinute: 10 })
      await desk.exchange({ stated: stated(5000) })
      for (let index = 0; index < 50; index++) {
        const place = await desk.grant()
        place.giveBack()
        place.end()
      }
      for (let index = 0; index < 9; index++) await desk.grant()
      await desk.refusal()
    })

    test('points: GraphQL has its own two thousand', async () => {
      const desk = new Desk(maker, { pointsPerMinute: 9 })
      const graphql = { resource: 'graphql' }
      await desk.exchange({ stated: stated(5000) })
      await desk.exchange({ stated: stated(5000, graphql) }, graphql)
      for (let index = 0; index < 19; index++) await desk.grant(graphql)
      await desk.refusal(graphql)
      for (let index = 0; index < 8; index++) await desk.grant()
      await desk.refusal()
    })

    test('points: who waits for them goes when there are some', async () => {
      const desk = new Desk(maker, { pointsPerMinute: 5 })
      await desk.exchange({ stated: stated(5000) })
      for (let index = 0; index < 4; index++) await desk.grant()
      const asked = await desk.ask({ longestWait: 61_000 })
      await desk.pass(60_999)
      expect(asked.outcome).toBe('waiting')
      await desk.pass(1)
      granted(asked)
    })

    test('points: an upstream without limits counts none', async () => {
      const desk = new Desk(maker, { pointsPerMinute: 5 })
      await desk.exchange({ stated: undefined })
      for (let index = 0; index < 20; index++) await desk.grant()
    })

    test('points: what was sent before there was a limit counts none', async () => {
      const desk = new Desk(maker, { pointsPerMinute: 5 })
      await desk.exchange({ stated: undefined })
      for (let index = 0; index < 20; index++) await desk.exchange({ stated: undefined })
      await desk.exchange({ stated: stated(5000) })
      // But for the first one, of which nobody knew.
      for (let index = 0; index < 4; index++) await desk.grant()
      await desk.refusal()
    })

    test('writes go one at a time where the upstream limits', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(5000) })
      const first = await desk.grant({ isWrite: true })
      expect(first.isLimited).toBe(true)
      const second = await desk.ask({ isWrite: true })
      expect(second.outcome).toBe('waiting')
      await desk.grant()
      await desk.grant({ isWrite: true, account: 'user:two' })
      first.settle({ ...SECONDARY, refused: undefined, account: 'user:one', isVouchedFor: true } as BudgetAnswer)
      await desk.settled()
      expect(second.outcome).toBe('waiting')
      first.end()
      await desk.settled()
      granted(second)
    })

    test('writes go as they come where it does not', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: undefined })
      const places = await Promise.all(Array.from({ length: 5 }, () => desk.grant({ isWrite: true })))
      expect(places.some(({ isLimited }) => isLimited)).toBe(false)
      // A refusal says that it does.
      await desk.finish(places[0]!, { ...SECONDARY, retryAfter: 1000 })
      await desk.pass(1000)
      for (const place of places.slice(1)) place.end()
      const write = await desk.grant({ isWrite: true })
      expect(write.isLimited).toBe(true)
    })

    test('of one account thirty writes wait, and no more', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(5000) })
      const first = await desk.grant({ isWrite: true })
      const waiting = await Promise.all(Array.from({ length: 30 }, () => desk.ask({ isWrite: true })))
      expect(waiting.every(({ outcome }) => outcome === 'waiting')).toBe(true)
      expect(refused(await desk.ask({ isWrite: true }))).toMatchObject({ why: 'paused', retryAt: START + 30_000 })
      await desk.grant()
      // When one of them goes, another may wait.
      await desk.finish(first, { stated: stated(4999) })
      expect((await desk.ask({ isWrite: true })).outcome).toBe('waiting')
      await desk.refusal({ isWrite: true })
    })
  })
}
