import { describe, expect, test } from 'vitest'
import type { BudgetRequest } from '../../../src/ports.ts'
import { Account } from '../../../src/store/memory/ledger/account.ts'
import type { Budget, Now } from '../../../src/store/memory/ledger/budget.ts'
import { Decision, pointsOf } from '../../../src/store/memory/ledger/decide.ts'
import { Lane } from '../../../src/store/memory/ledger/lane.ts'
import { REQUEST, RESET, stated } from '../../contract/ledger-desk.ts'
import { START } from '../../contract/ledger-time.ts'

/** The gateway's clock is two minutes ahead of the upstream's. */
const NOW: Now = { local: START + 120_000, upstream: START }
const later = (milliseconds: number): Now => ({
  local: NOW.local + milliseconds,
  upstream: NOW.upstream + milliseconds,
})
const RESET_HERE = RESET * 1000 + 120_000

function scene(remaining: number | undefined, limit = 5000) {
  const account = new Account('user:one', new Lane(3), true)
  const budget = account.budget('core', 'unknown')
  if (remaining !== undefined) budget.observe(stated(remaining, { limit }), 1, 1, NOW, undefined, () => 0)
  const decision = new Decision({ reserve: 0.1, pointsPerMinute: 9 })
  const decide = (more: Partial<BudgetRequest> = {}, now = NOW, of: Budget = budget) => {
    const request = { ...REQUEST, signal: new AbortController().signal, ...more }
    const verdict = decision.decide(account, of, request, now)
    return [verdict, decision.until] as const
  }
  return { account, budget, decide }
}

const NEVER = Number.POSITIVE_INFINITY

describe('whether a request may go', () => {
  test('while there is enough it may', () => {
    expect(scene(100).decide()).toEqual(['go', NEVER])
  })

  test('an upstream without limits counts nothing', () => {
    const { account, budget, decide } = scene(undefined)
    budget.state = 'unlimited'
    account.pointsFor('core').spend(100, NOW.local)
    account.writes = 1
    expect(decide({ isWrite: true })).toEqual(['go', NEVER])
    expect(decide({ isBackground: true })).toEqual(['go', NEVER])
  })

  test('a pause comes before a turn, for one that costs nothing, too', () => {
    const { account, decide } = scene(100)
    for (const group of ['a', 'b', 'c']) account.lane.enter(group)
    expect(decide()).toEqual(['turn', NEVER])
    account.pausedUntil = NOW.local + 1
    expect(decide()).toEqual(['paused', NOW.local + 1])
    expect(decide({ units: 0 })).toEqual(['paused', NOW.local + 1])
    account.pausedUntil = NOW.local
    expect(decide()[0]).toBe('turn')
  })

  test('a write waits for a write, where anything of the account is limited', () => {
    const { account, decide } = scene(100)
    account.writes = 1
    expect(decide({ isWrite: true })).toEqual(['turn', NEVER])
    expect(decide()[0]).toBe('go')
    const search = account.budget('search', 'unlimited')
    expect(decide({ isWrite: true, resource: 'search' }, NOW, search)[0]).toBe('turn')
  })

  test('points: five for a write, one for a read; the rest of the minute is waited for', () => {
    expect([pointsOf({ isWrite: true } as BudgetRequest), pointsOf({ isWrite: false } as BudgetRequest)]).toEqual([
      5, 1,
    ])
    const { account, decide } = scene(100)
    account.pointsFor('core').spend(5, NOW.local)
    expect(decide({ isWrite: true })).toEqual(['paused', NOW.local + 61_000])
    expect(decide()).toEqual(['go', NEVER])
    account.pointsFor('core').spend(4, NOW.local)
    expect(decide({ units: 0 })[0]).toBe('paused')
    const graphql = account.budget('graphql', 'unlimited')
    account.pointsFor('graphql').spend(19, NOW.local)
    expect(decide({ resource: 'graphql' }, NOW, graphql)[0]).toBe('go')
    account.pointsFor('graphql').spend(1, NOW.local)
    expect(decide({ resource: 'graphql' }, NOW, graphql)[0]).toBe('paused')
  })

  test('points: the last tenth is for those who ask little, where several ask for units', () => {
    const { account, budget, decide } = scene(100)
    const greedy = { client: { group: 'address:1', name: '' } }
    const modest = { client: { group: 'address:2', name: '' } }
    const member = budget.shares.memberOf(greedy.client)
    for (let index = 0; index < 9; index++) budget.shares.take(member)
    account.pointsFor('core').spend(8, NOW.local)
    expect(decide(greedy)[0]).toBe('go')
    expect(decide({ ...greedy, units: 0 })[0]).toBe('go')
    // Who asks for no unit is not one of them.
    expect(decide({ ...modest, units: 0 })[0]).toBe('go')
    expect(budget.shares.apps).toBe(1)
    budget.shares.memberOf(modest.client)
    expect(decide(greedy)).toEqual(['paused', NOW.local + 61_000])
    expect(decide({ ...modest, units: 0 })[0]).toBe('paused')
    expect(decide(modest)[0]).toBe('go')
    account.pointsFor('core').spend(1, NOW.local)
    expect(decide(modest)).toEqual(['paused', NOW.local + 61_000])
  })

  test('what is not known is asked by one at a time, or by one a second', () => {
    const { budget, decide } = scene(undefined)
    expect(decide()).toEqual(['go', NEVER])
    budget.take(1, NOW)
    expect(decide()).toEqual(['turn', NOW.local + 1000])
    expect(decide({ units: 0 })[0]).toBe('go')
    expect(decide({}, later(999))[0]).toBe('turn')
    expect(decide({}, later(1000))[0]).toBe('go')
  })

  test('at nothing it is over until the reset, by the upstream’s clock', () => {
    const { budget, decide } = scene(0)
    expect(decide()).toEqual(['exhausted', RESET_HERE])
    expect(budget.isAwaited).toBe(true)
    expect(decide({}, later(60_000))).toEqual(['go', NEVER])
    expect(decide({ isBackground: true }, later(60_000))).toEqual(['exhausted', RESET_HERE])
    budget.take(2, later(60_000))
    expect(decide({}, later(60_000))).toEqual(['exhausted', RESET_HERE])
  })

  test('where the last ones are on their way they may come back', () => {
    const { budget, decide } = scene(1)
    budget.take(2, NOW)
    expect(decide()).toEqual(['turn', NEVER])
    expect(decide({ isBackground: true })[0]).toBe('exhausted')
  })

  test('where the last ones were lost one finds out, then none for a minute', () => {
    const { budget, decide } = scene(1)
    budget.take(2, NOW)
    budget.land()
    budget.countLost(2)
    expect(decide()).toEqual(['go', NEVER])
    budget.take(3, NOW)
    budget.land()
    budget.countLost(3)
    expect(decide()).toEqual(['exhausted', NOW.local + 60_000])
    // Not later than the reset.
    budget.take(4, later(3_590_000))
    budget.land()
    expect(decide({}, later(3_590_000))).toEqual(['exhausted', RESET_HERE])
  })

  test('the reserve is for others than background work', () => {
    const enough = scene(501)
    expect(enough.decide({ isBackground: true })[0]).toBe('go')
    expect(enough.budget.isAwaited).toBe(false)
    const { decide } = scene(500)
    expect(decide({ isBackground: true })).toEqual(['exhausted', RESET_HERE])
    expect(decide()[0]).toBe('go')
  })

  test('of two who want more than there is, the one who has had more leaves the next units to the other', () => {
    const { budget, decide } = scene(360, 1000)
    const clients = [1, 2].map((number) => ({ client: { group: `address:${number}`, name: '' } }))
    const members = clients.map(({ client }) => budget.shares.memberOf(client))
    for (let index = 0; index < 100; index++) budget.shares.take(members[index < 60 ? 0 : 1]!)
    for (const client of clients) expect(decide(client)).toEqual(['share', NOW.local + 10_000])
    expect(decide(clients[0])).toEqual(['share', NOW.local + 30_000])
    expect(decide(clients[1])).toEqual(['share', NOW.local + 10_000])
  })

  test('what is tight is shared: who has had much comes at the pace of it', () => {
    const { budget, decide } = scene(360, 1000)
    const one = budget.shares.memberOf({ group: 'address:1', name: '' })
    for (let index = 0; index < 100; index++) budget.shares.take(one)
    const greedy = { client: { group: 'address:1', name: '' } }
    const modest = { client: { group: 'address:2', name: '' } }
    expect(decide(greedy)[0]).toBe('go')
    budget.shares.memberOf(modest.client)
    expect(decide(modest)).toEqual(['go', NEVER])
    expect(decide(greedy)).toEqual(['share', NOW.local + 10_000])
    expect(budget.isAwaited).toBe(true)
    expect(one.isHeldBack).toBe(true)
    expect(decide(greedy, later(10_000))[0]).toBe('go')
    expect(budget.pace.isOn).toBe(true)
    // Time has passed and little was used.
    expect(decide(greedy, later(3_000_000))[0]).toBe('go')
    expect(budget.pace.isOn).toBe(false)
  })
})
