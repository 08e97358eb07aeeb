import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { BudgetRequest } from '../../src/ports.ts'
import { type Asked, Desk, granted, isGranted, type LedgerMaker, RESET, refused, stated } from './ledger-desk.ts'
import { START } from './ledger-time.ts'

const MINUTE = 60_000

/** Who waits, for how long, and whose turn it is. */
export function budgetLedgerTurnsContract(name: string, maker: LedgerMaker): void {
  const client = (number: number | string, more = '') => ({ client: { group: `address:${number}`, name: more } })
  const count = (asked: readonly Asked[], outcome: Asked['outcome']) =>
    asked.filter((each) => each.outcome === outcome).length
  const grants = (asked: readonly Asked[]) => asked.filter(isGranted).length
  const nothingIsLeft = (desk: Desk) => {
    expect(desk.ledger.report()).toMatchObject({ inFlight: 0, waiting: 0 })
    expect(desk.time.alarms).toBe(0)
  }

  /** A ledger whose account has all places but these taken. */
  async function busyDesk(free: number, options: ConstructorParameters<typeof Desk>[1] = {}) {
    const desk = new Desk(maker, { concurrency: 10, ...options })
    await desk.exchange({ stated: stated(5000) })
    const places = await Promise.all(Array.from({ length: 10 - free }, () => desk.grant()))
    return { desk, places }
  }

  describe(`budget ledger, turns: ${name}`, () => {
    test('of one account so many go at a time, and the next when one is over; another account is not concerned', async () => {
      const { desk, places } = await busyDesk(1)
      await desk.grant()
      const eleventh = await desk.ask()
      await desk.grant({ account: 'user:two' })
      places[0]!.settle({ ...ANSWERED, stated: stated(4999) })
      await desk.settled()
      // Its body is still on its way.
      expect(eleventh.outcome).toBe('waiting')
      places[0]!.end()
      await desk.settled()
      granted(eleventh)
      expect(desk.account()).toMatchObject({ inFlight: 10, waiting: 0, concurrency: 10 })
    })

    test('a turn is waited for in any case; it is told once, and only to those who wait', async () => {
      const { desk, places } = await busyDesk(1)
      let waits = 0
      const onWait = () => {
        waits++
      }
      await desk.grant({ onWait })
      const waiting = await desk.ask({ onWait })
      await desk.pass(10 * MINUTE)
      expect(waiting.outcome).toBe('waiting')
      places[0]!.end()
      await desk.settled()
      granted(waiting)
      expect(waits).toBe(1)
    })

    test('units are waited for where they come soon enough, and no longer', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(0), date: START })
      await desk.pass(3_590_000)
      await desk.grant()
      expect((await desk.refusal({ longestWait: 9999 })).retryAt).toBe(RESET * 1000)
      const patient = await desk.ask({ longestWait: 10_000 })
      expect(patient.outcome).toBe('waiting')
      expect(desk.time.alarms).toBe(1)
      await desk.pass(9999)
      expect(patient.outcome).toBe('waiting')
      await desk.pass(1)
      granted(patient)
    })

    test('whoever leaves is gone at once', async () => {
      const { desk, places } = await busyDesk(0)
      const controllers = Array.from({ length: 3 }, () => new AbortController())
      const listeners = () => controllers.map(({ signal }) => getEventListeners(signal, 'abort').length)
      const asked = await Promise.all(controllers.map(({ signal }) => desk.ask({ signal })))
      controllers[0]!.abort()
      await desk.settled()
      expect(asked.map(({ outcome }) => outcome)).toEqual(['gone', 'waiting', 'waiting'])
      expect(desk.account()).toMatchObject({ waiting: 2 })
      places[0]!.end()
      await desk.settled()
      expect([isGranted(asked[1]!), isGranted(asked[2]!)]).toEqual([true, false])
      expect(listeners()).toEqual([0, 0, 1])
      // What is granted already is the caller's to give back.
      controllers[1]!.abort()
      controllers[2]!.abort()
      await desk.settled()
      expect(desk.account()).toMatchObject({ inFlight: 10, waiting: 0 })
      for (const place of [...places.slice(1), granted(asked[1]!)]) place.end()
      nothingIsLeft(desk)
    })

    test('whoever has left before does not begin to wait', async () => {
      const { desk } = await busyDesk(0)
      let waits = 0
      const asked = await desk.ask({ signal: AbortSignal.abort(), onWait: () => waits++ })
      expect([asked.outcome, waits]).toEqual(['gone', 0])
      expect(desk.ledger.report().waiting).toBe(0)
    })

    test('whoever waits for time and leaves, leaves no alarm', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: undefined, refused: 'secondary', retryAfter: 5000, isOrdinary: false })
      const controller = new AbortController()
      await desk.ask({ longestWait: 10_000, signal: controller.signal })
      expect(desk.time.alarms).toBe(1)
      controller.abort()
      await desk.settled()
      nothingIsLeft(desk)
    })

    test('who has less on its way goes first, then who came first; background work comes last', async () => {
      const { desk, places } = await busyDesk(3)
      await Promise.all([desk.grant(client('a')), desk.grant(client('a')), desk.grant(client('b'))])
      const requests: Partial<BudgetRequest>[] = [
        { ...client('c'), isBackground: true },
        client('a'),
        client('b'),
        client('c'),
        client('b'),
      ]
      const asked: Asked[] = []
      for (const request of requests) asked.push(await desk.ask(request))
      const order: number[] = []
      for (const place of places.slice(0, 5)) {
        place.end()
        await desk.settled()
        asked.forEach((each, index) => {
          if (isGranted(each) && !order.includes(index)) order.push(index)
        })
      }
      // `c` has nothing on its way, then one like `b`, which came first; `a` has two as `b` has then, and came first.
      expect(order).toEqual([3, 2, 1, 4, 0])
    })

    test('those who come later do not go past those who wait', async () => {
      const { desk, places } = await busyDesk(0)
      const first = await desk.ask(client('a'))
      const later = await desk.ask(client('b'))
      places[0]!.end()
      await desk.settled()
      expect([isGranted(first), isGranted(later)]).toEqual([true, false])
    })

    test('nor do they when the alarm of those who wait is late', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: undefined, refused: 'secondary', retryAfter: 1000, isOrdinary: false })
      const first = await desk.ask({ ...client('a'), longestWait: 1000 })
      desk.time.passBusily(1000)
      const later = await desk.ask(client('b'))
      await desk.settled()
      expect([isGranted(first), later.outcome]).toEqual([true, 'waiting'])
    })

    test('room that all have in common is given to the accounts in turn', async () => {
      const desk = new Desk(maker, { concurrency: 10, totalConcurrency: 10 })
      const accounts = ['user:one', 'user:two', 'user:three']
      for (const account of accounts) await desk.exchange({ stated: stated(5000) }, { account })
      const places = await Promise.all(Array.from({ length: 10 }, () => desk.grant()))
      const asked = new Map<string, Asked[]>()
      for (const account of accounts) {
        asked.set(account, await Promise.all(Array.from({ length: 10 }, () => desk.ask({ account }))))
      }
      for (const [index, place] of places.slice(0, 9).entries()) {
        await desk.finish(place, { stated: stated(5000), cost: 0 })
        expect(Math.max(...accounts.map((each) => grants(asked.get(each)!)))).toBe(Math.floor(index / 3) + 1)
      }
      expect(accounts.map((each) => grants(asked.get(each)!))).toEqual([3, 3, 3])
      expect(desk.ledger.report().inFlight).toBe(10)
    })

    test('whoever may not go yet is passed over by other accounts, and by other resources of the same', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(0), date: START })
      await desk.exchange({ stated: stated(10, { resource: 'search' }) }, { resource: 'search' })
      await desk.pass(3_595_000)
      await desk.grant()
      const waiting = await desk.ask({ longestWait: 5000 })
      expect(waiting.outcome).toBe('waiting')
      await desk.grant({ resource: 'search' })
      await desk.grant({ account: 'user:two' })
      expect(waiting.outcome).toBe('waiting')
    })

    test('so many wait; of whom more wait than of others, one of those is refused', async () => {
      const { desk, places } = await busyDesk(0, { maxWaiting: 1000 })
      const flood = await Promise.all(Array.from({ length: 1500 }, () => desk.ask(client('flood'))))
      expect(count(flood, 'waiting')).toBe(750)
      expect(refused(flood[750]!)).toMatchObject({ why: 'busy', retryAt: START + 1000, stated: stated(5000) })
      const others = await Promise.all(Array.from({ length: 100 }, (_, index) => desk.ask(client(index))))
      expect(count(others, 'waiting')).toBe(100)
      expect(count(flood, 'waiting')).toBe(650)
      // Who came last of them.
      expect(flood[649]!.outcome).toBe('waiting')
      expect(refused(flood[650]!).why).toBe('busy')
      expect(desk.ledger.report().waiting).toBe(750)
      places[0]!.end()
      places[1]!.end()
      await desk.settled()
      expect([grants(flood), grants(others)]).toEqual([1, 1])
    })

    test('for one who is known nobody is refused who is not, nor the other way round', async () => {
      const desk = new Desk(maker, { maxWaiting: 8, concurrency: 1 })
      const stranger = { account: 'credential:x', isVouchedFor: false, ...client('flood') }
      await desk.grant(stranger)
      const strangers = await Promise.all([desk.ask(stranger), desk.ask(stranger)])
      await desk.exchange({ stated: stated(5000) })
      await desk.grant()
      const known = await Promise.all(Array.from({ length: 6 }, () => desk.ask(client('flood'))))
      await desk.ask(client('other'))
      expect([count(strangers, 'waiting'), count(known, 'waiting')]).toEqual([2, 5])
      await desk.ask({ ...stranger, ...client('other') })
      expect([count(strangers, 'waiting'), count(known, 'waiting')]).toEqual([1, 5])
    })

    test('whoever only waits for budget is told what that is about when others need the place', async () => {
      const desk = new Desk(maker, { maxWaiting: 4 })
      await desk.exchange({ stated: undefined, refused: 'secondary', retryAfter: 5000, isOrdinary: false })
      const waiting = await Promise.all([1, 2, 3].map(() => desk.ask({ ...client('flood'), longestWait: 9000 })))
      await desk.ask({ ...client('other'), longestWait: 9000 })
      expect(refused(waiting[2]!)).toMatchObject({ why: 'paused', retryAt: START + 5000 })
    })

    test('whoever is refused for others is told its own numbers', async () => {
      const { desk } = await busyDesk(0, { maxWaiting: 4, totalConcurrency: 10 })
      const own = [1, 2, 3].map(() => desk.ask(client('flood')))
      const [, , third] = await Promise.all(own)
      const numbers = stated(77, { limit: 80 })
      desk.ledger.observe('user:two', numbers)
      await desk.ask({ account: 'user:two', ...client('other') })
      expect(refused(third!)).toMatchObject({ why: 'busy', stated: stated(5000) })
      const refusedToo = await desk.ask({ account: 'user:two', ...client('flood') })
      expect(refused(refusedToo)).toMatchObject({ why: 'busy', stated: numbers })
    })

    test('credentials that are not accepted yet have a quarter of all room, together, and of all places to wait', async () => {
      const desk = new Desk(maker, { totalConcurrency: 40, maxWaiting: 40 })
      const strange = (index: number) => ({ account: `credential:${index}`, isVouchedFor: false, ...client(index) })
      const strangers = await Promise.all(Array.from({ length: 50 }, (_, index) => desk.ask(strange(index))))
      expect(grants(strangers)).toBe(10)
      expect(count(strangers, 'waiting')).toBe(10)
      await desk.exchange({ stated: stated(5000) })
      for (let index = 0; index < 30; index++) await desk.grant()
      const waiting = await Promise.all(Array.from({ length: 30 }, (_, index) => desk.ask(client(index))))
      expect(count(waiting, 'waiting')).toBe(30)
      // Strangers push out nobody who is known.
      await Promise.all(Array.from({ length: 50 }, (_, index) => desk.ask(strange(100 + index))))
      expect(count(waiting, 'waiting')).toBe(30)
    })

    test('whoever waits with a credential that turns out to be somebody’s waits with them', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(2) })
      const unknown = { account: 'credential:x', isVouchedFor: false }
      const first = await desk.grant(unknown)
      const asked = [await desk.ask(unknown), await desk.ask(unknown), await desk.ask(unknown)]
      const other = { account: 'credential:y', isVouchedFor: false }
      await desk.grant(other)
      const stranger = await desk.ask(other)
      await desk.finish(first, { stated: stated(1) })
      expect(stranger.outcome).toBe('waiting')
      expect(desk.account('credential:y', false)).toMatchObject({ inFlight: 1, waiting: 1 })
      expect(asked.map(isGranted)).toEqual([true, false, false])
      // It is no account of its own any longer.
      expect(() => desk.account('credential:x', false)).toThrow('no account')
      expect(desk.account()).toMatchObject({ inFlight: 1, waiting: 2 })
      await desk.finish(granted(asked[0]!), { stated: stated(0) })
      expect(refused(asked[1]!)).toMatchObject({ why: 'exhausted', stated: stated(0) })
      expect(desk.account()).toMatchObject({ inFlight: 0, waiting: 0 })
    })

    test('an answer that speaks of somebody who is not accepted moves nobody', async () => {
      const { desk, places } = await busyDesk(0)
      const waiting = await desk.ask()
      places[0]!.settle({ ...ANSWERED, account: 'credential:x', isVouchedFor: false, stated: undefined })
      await desk.settled()
      expect(waiting.outcome).toBe('waiting')
      expect(desk.account()).toMatchObject({ inFlight: 10, waiting: 1 })
    })

    test('what was moved can still leave', async () => {
      const desk = new Desk(maker, { concurrency: 1 })
      await desk.exchange({ stated: stated(5000) })
      await desk.grant()
      const unknown = { account: 'credential:x', isVouchedFor: false }
      const first = await desk.grant(unknown)
      const controller = new AbortController()
      const asked = await desk.ask({ ...unknown, signal: controller.signal })
      await desk.finish(first, { stated: stated(4999) })
      expect(asked.outcome).toBe('waiting')
      expect(desk.account().waiting).toBe(1)
      controller.abort()
      await desk.settled()
      expect(asked.outcome).toBe('gone')
      expect(desk.ledger.report().waiting).toBe(0)
    })

    test('an account that turns out to be another is that one from then on, with all that is on its way', async () => {
      const desk = new Desk(maker, { concurrency: 3 })
      const before = { account: 'credential:x', ...client('a') }
      await desk.exchange({ stated: stated(4) }, before)
      const places = [await desk.grant(before), await desk.grant(before), await desk.grant(before)]
      const waiting = await desk.ask({ ...before, longestWait: 1000 })
      desk.ledger.join('credential:x', 'user:one')
      await desk.settled()
      expect(desk.ledger.latest('user:one', 'core')).toEqual(stated(4))
      expect(desk.ledger.latest('credential:x', 'core')).toBeUndefined()
      expect(desk.account()).toMatchObject({ inFlight: 3, waiting: 1 })
      expect(desk.budget()).toMatchObject({ available: 1, clients: [{ client: before.client, used: 4 }] })
      await desk.finish(places[0]!, { stated: stated(3) })
      granted(waiting)
      await desk.finish(places[1]!, { ...REFUSAL, retryAfter: 5000 })
      expect((await desk.refusal()).why).toBe('paused')
    })

    test('where the other is known already, numbers can only be lower, and a pause holds for it', async () => {
      const desk = new Desk(maker)
      const before = { account: 'credential:x', ...client('a') }
      await desk.exchange({ stated: stated(10) })
      await desk.exchange({ stated: stated(7) }, before)
      const search = stated(5, { resource: 'search', limit: 30 })
      await desk.exchange({ stated: search }, { ...before, resource: 'search' })
      desk.ledger.join('credential:x', 'user:one')
      expect(() => desk.account('credential:x')).toThrow('no account')
      expect(desk.budget()).toMatchObject({ available: 7, clients: [{ used: 1 }] })
      expect(desk.budget('user:one', 'search')).toMatchObject({ available: 5, clients: [{ client: before.client }] })
      desk.ledger.join('credential:x', 'user:one')
      await desk.exchange({ stated: stated(9) }, before)
      const place = await desk.grant(before)
      const waiting = await desk.ask({ ...before, isWrite: true, longestWait: 9000 })
      await desk.finish(place, { account: 'credential:x', ...REFUSAL, retryAfter: 5000 })
      const paused = await desk.ask({ ...before, longestWait: 9000 })
      expect(isGranted(waiting)).toBe(true)
      desk.ledger.join('credential:x', 'user:one')
      await desk.settled()
      expect(desk.account()).toMatchObject({ waiting: 1, concurrency: 1, pausedUntil: START + 5000 })
      expect(desk.budget().available).toBe(7)
      await desk.pass(5000)
      granted(paused)
    })

    test('what is not known, or is the same, is joined to nothing', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(10) })
      desk.ledger.join('credential:x', 'user:one')
      desk.ledger.join('user:one', 'user:one')
      desk.ledger.join('credential:x', 'user:two')
      expect(desk.ledger.report().accounts.map(({ account }) => account)).toEqual(['user:one'])
      expect(desk.budget().available).toBe(10)
    })

    test('a pause that a credential was given before it was known whose it is holds for whom it is', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(10) })
      const unknown = { account: 'credential:x', isVouchedFor: false }
      const [first, second] = [await desk.grant(unknown), await desk.grant({ ...unknown, units: 0 })]
      await desk.finish(first, { ...REFUSAL, ...unknown, retryAfter: 5000 })
      await desk.grant()
      await desk.finish(second, { stated: stated(9), cost: 0 })
      expect(await desk.refusal()).toMatchObject({ why: 'paused', retryAt: START + 5000 })
      expect(() => desk.account('credential:x', false)).toThrow('no account')
    })

    test('when the upstream asks to be left alone, those are refused at once who may not wait for so long', async () => {
      const { desk, places } = await busyDesk(0)
      const [brief, patient] = [await desk.ask({ longestWait: 5000 }), await desk.ask({ longestWait: 20_000 })]
      await desk.finish(places[0]!, { stated: undefined, refused: 'secondary', retryAfter: 10_000, isOrdinary: false })
      expect(refused(brief)).toMatchObject({ why: 'paused', retryAt: START + 10_000 })
      expect(patient.outcome).toBe('waiting')
      await desk.pass(10_000)
      granted(patient)
    })
  })
}

const REFUSAL = { stated: undefined, refused: 'secondary', cost: 0, isOrdinary: false } as const

const ANSWERED = {
  account: 'user:one',
  isVouchedFor: true,
  date: undefined,
  cost: 1,
  refused: undefined,
  retryAfter: undefined,
  isOrdinary: true,
} as const
