import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BudgetAnswer, BudgetRequest, Reservation } from '../../src/ports.ts'
import { ANSWER, type Asked, Desk, isGranted, type LedgerMaker, RESET, stated } from './ledger-desk.ts'
import { START } from './ledger-time.ts'

interface Asking {
  readonly account: string
  readonly isVouchedFor: boolean
  readonly client: number
  readonly isWrite: boolean
  readonly longestWait: number
}

interface Answering {
  readonly isLost: boolean
  readonly answer: Partial<BudgetAnswer>
}

type Step =
  | { readonly do: 'ask'; readonly asking: Asking }
  | { readonly do: 'answer'; readonly isVouchedFor: boolean; readonly answering: Answering }
  | { readonly do: 'pass'; readonly milliseconds: number }

/** Who may change what for whom, and how much is remembered. */
export function budgetLedgerIsolationContract(name: string, maker: LedgerMaker): void {
  const ACCOUNTS = ['user:one', 'user:two']

  function stepsOf(isVouchedFor: boolean, accounts: readonly string[]): fc.Arbitrary<Step> {
    const asking = fc.record({
      account: fc.constantFrom(...accounts),
      isVouchedFor: fc.constant(isVouchedFor),
      client: fc.nat(2),
      isWrite: fc.boolean(),
      longestWait: fc.constantFrom(0, 2000, 100_000),
    })
    const answer: fc.Arbitrary<Partial<BudgetAnswer>> = fc.oneof(
      fc.nat(5000).map((remaining) => ({ stated: stated(remaining, { limit: 5000 }) })),
      fc.nat(20).map((remaining) => ({ stated: stated(remaining, { limit: 20, reset: RESET - 60 }) })),
      fc.constant({ stated: undefined }),
      fc.constant({ stated: stated(0), refused: 'primary' as const, cost: 0, isOrdinary: false }),
      fc.constantFrom(undefined, 3000, 90_000).map((retryAfter) => ({
        refused: 'secondary' as const,
        retryAfter,
        cost: 0,
        isOrdinary: false,
      })),
      fc.constant({ stated: undefined, isOrdinary: false }),
    )
    const answering = fc.record({ isLost: fc.nat(5).map((number) => number === 0), answer })
    return fc.oneof(
      asking.map((each) => ({ do: 'ask' as const, asking: each })),
      answering.map((each) => ({ do: 'answer' as const, isVouchedFor, answering: each })),
    )
  }

  const pass: fc.Arbitrary<Step> = fc
    .constantFrom(1, 500, 1000, 30_000, 70_000)
    .map((milliseconds) => ({ do: 'pass', milliseconds }))
  /** Of users whom the upstream has accepted, and, marked, of strangers, some of whom call themselves the same. */
  const schedule = fc.array(
    fc.oneof(
      { arbitrary: stepsOf(true, ACCOUNTS), weight: 4 },
      { arbitrary: stepsOf(false, [...ACCOUNTS, 'credential:x', 'credential:y']), weight: 4 },
      { arbitrary: pass, weight: 1 },
    ),
    { maxLength: 80 },
  )

  /** What the users see of it. */
  async function seenByUsers(steps: readonly Step[]): Promise<unknown[]> {
    const desk = new Desk(maker, { totalConcurrency: 1000, concurrency: 5, maxWaiting: 40, pointsPerMinute: 60 })
    const seen: unknown[] = []
    const waiting: { asking: Asking; asked: Asked }[] = []
    const users: Asked[] = []
    const onTheirWay: { asking: Asking; place: Reservation }[] = []
    const collect = () => {
      for (const each of waiting.splice(0)) {
        const { outcome } = each.asked
        if (outcome === 'waiting') waiting.push(each)
        else if (isGranted(each.asked)) onTheirWay.push({ asking: each.asking, place: outcome as Reservation })
      }
    }
    for (const step of steps) {
      if (step.do === 'ask') {
        const { client, ...request } = step.asking
        const asked = await desk.ask({ ...request, client: { group: `address:${client}`, name: '' } })
        if (step.asking.isVouchedFor) users.push(asked)
        waiting.push({ asking: step.asking, asked })
      } else if (step.do === 'answer') {
        const index = onTheirWay.findIndex(({ asking }) => asking.isVouchedFor === step.isVouchedFor)
        const [first] = index === -1 ? [] : onTheirWay.splice(index, 1)
        const { isLost, answer } = step.answering
        if (isLost) first?.place.lose()
        const { account, isVouchedFor } = first?.asking ?? { account: '', isVouchedFor: false }
        first?.place.settle({ ...ANSWER, account, isVouchedFor, ...answer })
        first?.place.end()
        await desk.settled()
      } else {
        await desk.pass(step.milliseconds)
      }
      collect()
      const report = desk.ledger.report().accounts.filter(({ isVouchedFor }) => isVouchedFor)
      if (isStrange(step)) continue
      seen.push([...report].sort((left, right) => left.account.localeCompare(right.account)))
      seen.push(users.map((asked) => (isGranted(asked) ? 'granted' : asked.outcome)))
    }
    return JSON.parse(JSON.stringify(seen))
  }

  function isStrange(step: Step): boolean {
    return (step.do === 'ask' && !step.asking.isVouchedFor) || (step.do === 'answer' && !step.isVouchedFor)
  }

  describe(`budget ledger, isolation: ${name}`, () => {
    test('whatever strangers do, those whom the upstream has accepted see no difference', async () => {
      await fc.assert(
        fc.asyncProperty(schedule, async (steps) => {
          const alone = await seenByUsers(steps.filter((step) => !isStrange(step)))
          expect(await seenByUsers(steps)).toEqual(alone)
        }),
        { numRuns: 100 },
      )
    })

    test('a stranger who is refused slows down no other stranger, and writes of one wait for no other’s', async () => {
      const desk = new Desk(maker)
      const [one, two] = ['credential:1', 'credential:2'].map((account) => ({ account, isVouchedFor: false }))
      const refused = { refused: 'secondary', retryAfter: 1000, cost: 0, isOrdinary: false } as const
      await desk.exchange(refused, one)
      await desk.exchange(refused, two)
      await desk.pass(1000)
      await desk.grant({ ...one, isWrite: true, resource: 'a' })
      expect((await desk.ask({ ...one, isWrite: true, resource: 'b' })).outcome).toBe('waiting')
      await desk.grant({ ...two, isWrite: true })
      for (let index = 0; index < 10; index++) await desk.grant({ ...two, resource: `${index}` })
    })

    test('numbers that strangers are told are nobody else’s', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(0) }, { isVouchedFor: false })
      expect(desk.account('user:one', false).budgets).toMatchObject([{ state: 'known' }])
      await desk.grant()
      expect(desk.ledger.latest('user:one', 'core')).toBeUndefined()
    })

    test('the time that strangers are told ends nobody’s window', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: stated(7), date: START })
      const stranger = { account: 'credential:x', isVouchedFor: false }
      for (let index = 0; index < 3; index++) await desk.exchange({ date: START + 7_200_000 }, stranger)
      expect(desk.ledger.latest('user:one', 'core')).toEqual(stated(7))
    })

    test('what strangers are told does not say whether this upstream limits anybody', async () => {
      const desk = new Desk(maker)
      await desk.exchange({ stated: undefined }, { isVouchedFor: false })
      await desk.grant({ account: 'user:two' })
      expect(desk.budget('user:two').state).toBe('unknown')
    })

    test('a hundred thousand accounts, accepted and not, leave no more than there is room for', async () => {
      const desk = new Desk(maker, { maxAccounts: 500 })
      for (let index = 0; index < 100_000; index++) {
        const isVouchedFor = index % 2 === 0
        const account = `account ${index}`
        const place = desk.ledger.reserve({
          account,
          isVouchedFor,
          resource: 'core',
          client: { group: `address:${index}`, name: '' },
          isBackground: false,
          isWrite: false,
          units: 1,
          longestWait: 0,
          signal: NEVER,
        })
        const granted = place instanceof Promise ? await place : place
        if (!granted.isGranted) throw new Error('there is room for it')
        granted.settle({ ...ANSWER, account, isVouchedFor, stated: stated(10) })
        granted.end()
      }
      await desk.settled()
      const { accounts, leftOut, inFlight, waiting } = desk.ledger.report()
      expect(accounts.length + leftOut).toBe(1000)
      expect({ inFlight, waiting }).toEqual({ inFlight: 0, waiting: 0 })
      expect(accounts[0]).toMatchObject({ account: 'account 99998', isVouchedFor: true })
      expect(desk.ledger.latest('account 99998', 'core')).toBeDefined()
      expect(desk.ledger.latest('account 0', 'core')).toBeUndefined()
    })

    test('strangers push out nobody who is accepted', async () => {
      const desk = new Desk(maker, { maxAccounts: 5 })
      await desk.exchange({ stated: stated(7) })
      for (let index = 0; index < 20; index++) {
        await desk.exchange({ stated: undefined }, { account: `credential:${index}`, isVouchedFor: false })
      }
      expect(desk.ledger.latest('user:one', 'core')).toEqual(stated(7))
    })

    test('resources, clients and names are told apart as far as there is room', async () => {
      const desk = new Desk(maker)
      const request = (more: Partial<BudgetRequest>) =>
        desk.exchange({ stated: undefined, isOrdinary: false, cost: 1 }, more)
      await desk.exchange({ stated: undefined })
      for (let index = 0; index < 200; index++) {
        await request({ resource: `resource ${index}` })
        await desk.pass(1)
        await request({})
      }
      expect(desk.account().budgets.length).toBeLessThanOrEqual(40)
      for (let index = 0; index < 3000; index++) await request({ client: { group: `address:${index}`, name: '' } })
      for (let index = 0; index < 3000; index++) await request({ client: { group: 'address:1', name: `app ${index}` } })
      const { clients } = desk.budget()
      expect(clients.length).toBeLessThanOrEqual(6000)
      expect(clients.filter(({ client }) => client.group === 'address:1').length).toBeLessThanOrEqual(101)
      expect(clients.reduce((sum, { used }) => sum + used, 0)).toBe(6201)
    })
  })
}

const NEVER = new AbortController().signal
