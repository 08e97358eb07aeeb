import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { type ClientRecord, PATIENCE, pauseAfter, SimulatedClient, type Thing } from '../../bench/budget/clients.ts'
import { aimsOf, burstAfter, givenUpBy, jain, type Summary, summarise, waitsOf } from '../../bench/budget/judge.ts'
import { measureLedger } from '../../bench/budget/ledger.ts'
import { parseOptions } from '../../bench/budget/options.ts'
import { type ClientPlan, makePlan, wantedWithin } from '../../bench/budget/plan.ts'
import { aimLine, explanationOf, headOf, lineOf } from '../../bench/budget/report.ts'
import { type RunRecord, run } from '../../bench/budget/run.ts'
import type { Asked, Reply } from '../../bench/budget/subjects.ts'
import { installVirtualTime, type VirtualTime } from '../../bench/budget/time.ts'
import { LIMIT, ORIGIN, targetOf, Upstream } from '../../bench/budget/upstream.ts'
import { headerValue } from '../../src/http/headers.ts'
import type { BudgetLedger, BudgetRequest, Reservation } from '../../src/ports.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 5, 8)

let time: VirtualTime | undefined

/** Virtual time until the test is over. */
function virtualTime(): VirtualTime {
  time = installVirtualTime(START)
  return time
}

afterEach(() => {
  time?.uninstall()
  time = undefined
})

const plan = (more: Partial<ClientPlan> = {}): ClientPlan => ({
  name: 'modest-1',
  kind: 'modest',
  atOnce: 10,
  first: 0,
  every: 60_000,
  each: 1,
  seed: 1,
  ...more,
})

describe('the plan', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(makePlan(1, 100)).toEqual(makePlan(1, 100))
    expect(makePlan(2, 100)).not.toEqual(makePlan(1, 100))
  })

  test.each([
    [1, [1, 0, 0, 0]],
    [10, [3, 3, 3, 1]],
    [100, [30, 30, 35, 5]],
  ] as const)('of %i clients has so many of each kind, all named apart', (count, mix) => {
    const clients = makePlan(1, count)
    expect(new Set(clients.map(({ name }) => name)).size).toBe(count)
    const kinds = ['hungry', 'steady', 'modest', 'nightly']
    expect(kinds.map((kind) => clients.filter((client) => client.kind === kind).length)).toEqual(mix)
  })

  test('has the appetites that it is told to have', () => {
    const wanted = (kind: string, start: number, end: number) =>
      new Set(
        makePlan(3, 100)
          .filter((client) => client.kind === kind)
          .map((client) => wantedWithin(client, start, end)),
      )
    expect(wanted('hungry', 0, HOUR)).toEqual(new Set([Infinity]))
    expect(wanted('steady', HOUR, 2 * HOUR)).toEqual(new Set([1800]))
    expect(wanted('modest', HOUR, 2 * HOUR)).toEqual(new Set([20]))
    expect(wanted('nightly', 0, 7 * 60_000)).toEqual(new Set([0]))
    expect(wanted('nightly', 0, 7 * 60_000 + 1)).toEqual(new Set([500]))
    expect(wanted('nightly', HOUR, 2 * HOUR)).toEqual(new Set([500]))
    // Apps that begin by themselves begin at times of their own.
    expect(new Set(makePlan(3, 100).map(({ first }) => first)).size).toBeGreaterThan(80)
  })

  test('what is wanted within a time is what arrives in it', () => {
    const number = fc.integer({ min: 0, max: 50 })
    fc.assert(
      fc.property(number, fc.integer({ min: 1, max: 9 }), number, number, (first, every, start, length) => {
        let arrived = 0
        for (let at = first; at < start + length; at += every) if (at >= start) arrived++
        expect(wantedWithin(plan({ first, every, each: 3 }), start, start + length)).toBe(3 * arrived)
      }),
    )
  })
})

describe("Jain's index", () => {
  test('is 1 among equals and 1/n where one has everything', () => {
    expect(jain([7, 7, 7])).toBe(1)
    expect(jain([9, 0, 0])).toBeCloseTo(1 / 3)
    expect(jain([2, 1])).toBeCloseTo(0.9)
  })

  test('says nothing of one alone, nor of nothing', () => {
    expect([jain([]), jain([5]), jain([0, 0])]).toEqual([undefined, undefined, undefined])
  })

  test('stays between the two, whatever the unit', () => {
    const amounts = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 2 }).filter((all) => all.some(Boolean))
    fc.assert(
      fc.property(amounts, (all) => {
        const index = jain(all) ?? Number.NaN
        expect(index).toBeGreaterThanOrEqual(1 / all.length - 1e-9)
        expect(index).toBeLessThanOrEqual(1 + 1e-9)
        expect(jain(all.map((amount) => 3 * amount))).toBeCloseTo(index)
      }),
    )
  })
})

describe('the burst after a reset', () => {
  test('is the most within a second, of the first five', () => {
    expect(burstAfter([], 0)).toBe(0)
    expect(burstAfter([0, 999, 1000, 1500, 1998, 1999], 0)).toBe(4)
    // What came before the reset does not count, nor what came when it had been over for long.
    expect(burstAfter([98, 99, 100, 5101, 5102, 5103], 100)).toBe(1)
  })

  test('is what counting each second by itself finds', () => {
    const arrivals = fc.array(fc.integer({ min: 0, max: 8000 }), { maxLength: 60 })
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 0, max: 3000 }), (unsorted, moment) => {
        const times = unsorted.toSorted((one, other) => one - other)
        const counted = times.filter((at) => at >= moment && at < moment + 5000)
        const most = counted.map((end) => counted.filter((at) => at > end - 1000 && at <= end).length)
        expect(burstAfter(times, moment)).toBe(Math.max(0, ...most))
      }),
    )
  })
})

describe('how long a client waits after a refusal', () => {
  const now = 1_000_000_000_000
  const refused = (...headers: string[]) => pauseAfter({ status: 403, headers }, now)
  const exhausted = ['x-ratelimit-remaining', '0', 'x-ratelimit-reset', String(now / 1000 + 90)]

  test('as Retry-After says, before anything else', () => {
    expect(refused('retry-after', '7')).toBe(7000)
    expect(refused(...exhausted, 'retry-after', '7')).toBe(7000)
  })

  test('until the reset where nothing remains', () => {
    expect(refused(...exhausted)).toBe(90_000)
    expect(refused('x-ratelimit-remaining', '0', 'x-ratelimit-reset', '5')).toBe(0)
  })

  test('a minute where it is told nothing', () => {
    expect(refused()).toBe(60_000)
    expect(refused('x-ratelimit-remaining', '1', 'x-ratelimit-reset', String(now / 1000 + 90))).toBe(60_000)
    expect(pauseAfter({ status: 429, headers: [] }, now)).toBe(60_000)
    expect(pauseAfter({ status: 502, headers: [] }, now)).toBe(1000)
  })
})

describe('virtual time', () => {
  test('passes at once, with every promise settled between two moments', async () => {
    const virtual = virtualTime()
    const seen: string[] = []
    const note = (what: string) => seen.push(`${what} ${(Date.now() - START) / 1000}`)
    setTimeout(async () => {
      note('first')
      for (let step = 0; step < 50; step++) await null
      note('first, settled')
    }, 1000)
    setTimeout(() => note('second'), 1001)
    setTimeout(() => note('never'), 2 * HOUR)
    await virtual.runUntil(() => START + HOUR)
    expect(seen.slice(0, 3)).toEqual(['first 1', 'first, settled 1', 'second 1.001'])
    expect(performance.now()).toBeGreaterThanOrEqual(HOUR)
  })

  test('is over when nothing is left to come, and gives the real clock back', async () => {
    const virtual = virtualTime()
    await virtual.runUntil(() => Infinity)
    expect(Date.now()).toBe(START)
    virtual.uninstall()
    expect(Date.now()).toBeGreaterThan(START)
  })
})

describe('the upstream', () => {
  const ask = (upstream: Upstream, client: string, signal?: AbortSignal) =>
    upstream.send({
      method: 'GET',
      origin: ORIGIN,
      target: `/api/v3${targetOf(client, 0)}`,
      headers: [],
      body: null,
      bodyLength: undefined,
      signal,
    })

  test('counts by client, states the numbers, and takes its time', async () => {
    const virtual = virtualTime()
    const upstream = new Upstream(1)
    const pending = [ask(upstream, 'a'), ask(upstream, 'a'), ask(upstream, 'b')]
    await virtual.runUntil(() => START + 5000)
    const answers = await Promise.all(pending)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(answers.map(({ headers }) => headerValue(headers, 'x-ratelimit-remaining'))).toEqual([
      '4999',
      '4998',
      '4997',
    ])
    expect(answers.map(({ headers }) => headerValue(headers, 'date'))).toContain(new Date(START).toUTCString())
    expect(upstream.windows).toEqual([
      {
        reset: START / 1000 + 3600,
        usedBy: new Map([
          ['a', 2],
          ['b', 1],
        ]),
      },
    ])
    expect(upstream.peak).toBe(3)
    expect(Date.now()).toBeGreaterThan(START + 20)
  })

  test('refuses the 101st at once and the 901st of a minute, in the words of a secondary limit', async () => {
    const virtual = virtualTime()
    const upstream = new Upstream(1)
    const settled: Promise<{ status: number; headers: readonly string[] }>[] = []
    for (let batch = 0; batch < 10; batch++) {
      setTimeout(() => {
        for (let count = 0; count < (batch === 9 ? 101 : 100); count++) settled.push(ask(upstream, 'a'))
      }, batch * 5000)
    }
    await virtual.runUntil(() => START + 55_000)
    const answers = await Promise.all(settled)
    expect(answers.slice(0, 900).every(({ status }) => status === 200)).toBe(true)
    expect(answers.slice(900).every(({ status }) => status === 403)).toBe(true)
    expect(upstream.secondaryRefusals).toBe(101)
    expect(headerValue(answers[900]?.headers ?? [], 'retry-after')).toBe('60')
    const crowd = new Upstream(1)
    for (let count = 0; count < 101; count++) void ask(crowd, 'a')
    expect([crowd.secondaryRefusals, crowd.peak]).toEqual([1, 101])
  })

  test('lets go of what nobody waits for', async () => {
    virtualTime()
    const upstream = new Upstream(1)
    const leaving = new AbortController()
    const asked = ask(upstream, 'a', leaving.signal)
    leaving.abort()
    await expect(asked).rejects.toMatchObject({ tag: 'client-gone' })
    await expect(ask(upstream, 'a', leaving.signal)).rejects.toMatchObject({ tag: 'client-gone' })
    expect(upstream.arrivals).toHaveLength(1)
    for (let count = 0; count < 100; count++) void ask(upstream, 'a')
    expect(upstream.secondaryRefusals).toBe(0)
  })
})

describe('a client', () => {
  const OK: Reply = { status: 200, headers: [] }

  /** Lives through a time, with each request answered by `reply`. */
  async function live(
    client: Partial<ClientPlan>,
    milliseconds: number,
    reply: (asked: Asked, number: number) => Reply | Promise<Reply>,
  ) {
    const virtual = virtualTime()
    const log: { at: number; target: string }[] = []
    const simulated = new SimulatedClient(plan(client), async (asked) => {
      log.push({ at: Date.now() - START, target: asked.target })
      return reply(asked, log.length)
    })
    simulated.start()
    // Something always comes, or time would stand still.
    setInterval(() => {}, 1000)
    await virtual.runUntil(() => START + milliseconds)
    return { simulated, log }
  }

  test('asks for each thing once when it is answered', async () => {
    const { simulated, log } = await live({ first: 500 }, 180_000, () => OK)
    expect(log.map(({ at }) => at)).toEqual([500, 60_500, 120_500])
    expect(new Set(log.map(({ target }) => target)).size).toBe(3)
    expect(simulated.things.every(({ isServed, wantedAt, endedAt }) => isServed && wantedAt === endedAt)).toBe(true)
    expect([simulated.answers, simulated.refusals, simulated.failures]).toEqual([3, 0, 0])
  })

  test('asks for the same again when it was told to, and within a second after that', async () => {
    const refusal: Reply = { status: 429, headers: ['retry-after', '20'] }
    const { simulated, log } = await live({ every: Infinity }, HOUR, (_, number) => (number < 3 ? refusal : OK))
    expect(new Set(log.map(({ target }) => target)).size).toBe(1)
    const gaps = log.slice(1).map(({ at }, index) => at - (log[index]?.at ?? 0))
    expect(gaps).toHaveLength(2)
    for (const gap of gaps) {
      expect(gap).toBeGreaterThanOrEqual(20_000)
      expect(gap).toBeLessThan(21_000)
    }
    expect(new Set(gaps).size).toBe(2)
    expect(simulated.things[0]?.endedAt).toBe(START + (log[2]?.at ?? 0))
    expect([simulated.answers, simulated.refusals, simulated.failures]).toEqual([3, 2, 0])
  })

  test('gives up after half an hour, whether it is refused or not answered at all', async () => {
    const signals: AbortSignal[] = []
    const { simulated } = await live({ every: Infinity, each: 2 }, HOUR, ({ signal }, number) => {
      signals.push(signal)
      return number % 2 === 1 ? new Promise(() => {}) : { status: 403, headers: ['retry-after', '4000'] }
    })
    expect(simulated.things.map(({ endedAt, isServed }) => [endedAt, isServed])).toEqual([
      [START + PATIENCE, false],
      [START + PATIENCE, false],
    ])
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  })

  test('counts what is neither an answer nor a refusal apart, and asks again', async () => {
    const { simulated, log } = await live({ every: Infinity }, 60_000, (_, number) => {
      if (number === 1) throw new Error('lost')
      return number === 2 ? { status: 502, headers: [] } : OK
    })
    expect(log).toHaveLength(3)
    expect([simulated.answers, simulated.refusals, simulated.failures]).toEqual([2, 0, 2])
  })

  test('pursues so many things at a time, the newest first', async () => {
    const held: ((reply: Reply) => void)[] = []
    const { simulated, log } = await live(
      { atOnce: 2 },
      PATIENCE + 330_000,
      () => new Promise((resolve) => held.push(resolve)),
    )
    const numbers = log.map(({ target }) => Number(target.split('/').at(-1)))
    // The first two are given up after half an hour; then come the newest, not those that are as old.
    expect(numbers.slice(0, 2)).toEqual([0, 1])
    expect(numbers.slice(2)).toEqual([29, 30])
    expect(simulated.things).toHaveLength(36)
  })

  test('does not begin with what it would give up at once', async () => {
    const hourly = { every: HOUR, each: 5, atOnce: 2 }
    const { simulated, log } = await live(hourly, 1.75 * HOUR, () => new Promise(() => {}))
    expect(log.map(({ at }) => at)).toEqual([0, 0, HOUR, HOUR])
    expect(simulated.things).toHaveLength(10)
  })

  test('that always wants something asks for the next when it has one', async () => {
    let most = 0
    let now = 0
    const hungry = { every: Infinity, each: Infinity, atOnce: 3 }
    const { log } = await live(hungry, 1000, async () => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setTimeout(resolve, 100))
      now--
      return OK
    })
    expect(most).toBe(3)
    expect(log.length).toBeGreaterThanOrEqual(30)
    expect(new Set(log.map(({ target }) => target)).size).toBe(log.length)
  })
})

const thing = (wantedAt: number, endedAt: number | undefined, isServed: boolean): Thing => ({
  wantedAt: START + wantedAt,
  endedAt: endedAt === undefined ? undefined : START + endedAt,
  isServed,
})

const lived = (client: Partial<ClientPlan>, things: Thing[], more: Partial<ClientRecord> = {}): ClientRecord => ({
  plan: plan(client),
  things,
  answers: 0,
  refusals: 0,
  failures: 0,
  ...more,
})

/** Two windows: in the first the hungry share, in the second one of them has nearly everything. */
const record: RunRecord = {
  clients: [
    lived({ name: 'hungry-1', kind: 'hungry', every: Infinity, each: Infinity }, [thing(0, 50, true)], {
      answers: 30,
      refusals: 9,
    }),
    lived({ name: 'hungry-2', kind: 'hungry', every: Infinity, each: Infinity }, [thing(0, 50, true)], {
      answers: 10,
      refusals: 1,
    }),
    lived({}, [
      thing(0, 100, true),
      thing(60_000, 62_000, true),
      thing(HOUR, HOUR + PATIENCE, false),
      thing(HOUR + 60_000, undefined, false),
      thing(2 * HOUR - 4000, undefined, false),
      thing(2 * HOUR, undefined, false),
    ]),
  ],
  upstream: {
    windows: [
      {
        reset: (START + HOUR) / 1000,
        usedBy: new Map([
          ['hungry-1', 2499],
          ['hungry-2', 2499],
          ['modest-1', 2],
        ]),
      },
      {
        reset: (START + 2 * HOUR) / 1000,
        usedBy: new Map([
          ['hungry-1', 4000],
          ['hungry-2', 100],
        ]),
      },
      { reset: (START + 3 * HOUR) / 1000, usedBy: new Map([['hungry-1', 1]]) },
    ],
    arrivals: [START, START + 10, START + 20, START + HOUR, START + HOUR + 700, START + 2 * HOUR],
    primaryRefusals: 4,
    secondaryRefusals: 6,
    peak: 12,
  },
  startedAt: START,
  endedAt: START + 2 * HOUR,
}

describe('the summary of a run', () => {
  const summary = summarise(record, 2)

  test('has what was used of each window that was asked for, and no other', () => {
    expect(summary.windows).toEqual([
      { used: 5000, isTight: true },
      { used: 4100, isTight: true },
    ])
    const idle = { ...record, clients: record.clients.slice(2) }
    expect(summarise(idle, 2).windows.map(({ isTight }) => isTight)).toEqual([false, false])
  })

  test('has refusals, bursts, and the fairness of the worst window', () => {
    expect(summary).toMatchObject({ primaryRefusals: 4, secondaryRefusals: 6, peak: 12, burst: 2, failures: 0 })
    expect(summary.refusedShare).toBe(0.25)
    expect(summary.fairness.hungry).toBeCloseTo(4100 ** 2 / (2 * (4000 ** 2 + 100 ** 2)))
    expect([summary.fairness.modest, summary.fairness.nightly]).toEqual([undefined, undefined])
    expect(summarise(record, 1).burst).toBeUndefined()
  })

  test('has the waits of the modest, those that are not over included', () => {
    const [, , modest] = record.clients
    expect([...waitsOf([modest!], record.endedAt)]).toEqual([0.1, 2, 4, 1800, 1800])
    expect(summary.modest).toEqual({ median: 4, worst: 1800 })
    // The fourth waited for longer than anybody is ready to, though the client never came to ask for it.
    expect(givenUpBy(modest!, record.endedAt)).toBe(2)
    expect(summary.givenUp).toBe(2)
  })

  test('meets the aims where they are met', () => {
    const good: Summary = {
      ...summary,
      windows: [
        { used: 4950, isTight: true },
        { used: 9, isTight: false },
      ],
      primaryRefusals: 0,
      secondaryRefusals: 0,
      fairness: { ...summary.fairness, hungry: 0.99 },
    }
    const met = (more: Partial<Summary>) => aimsOf({ ...good, ...more }).map(({ isMet }) => isMet)
    expect(met({})).toEqual([true, true, true])
    expect(met({ windows: [{ used: 4949, isTight: true }] })).toEqual([false, true, true])
    expect(met({ primaryRefusals: good.windows.length + 1 })).toEqual([true, false, true])
    expect(met({ secondaryRefusals: 1 })).toEqual([true, false, true])
    expect(met({ fairness: { ...summary.fairness, hungry: 0.98 } })).toEqual([true, true, false])
    expect(met({ fairness: { ...summary.fairness, hungry: undefined } })).toEqual([true, true, true])
    expect(aimLine(aimsOf(summary))).toMatch(/^aims: .*: missed; .*: missed; .*: missed$/)
  })

  test('fills a table whose columns stand under their heads', () => {
    for (const windows of [1, 2, 3, 5]) {
      const [, above, below] = headOf(100, windows).split('\n')
      const line = lineOf('octokit', { ...summary, windows: Array(windows).fill({ used: 4000, isTight: true }) })
      expect(line).toHaveLength(below?.length ?? 0)
      expect(above?.indexOf('clients')).toBe(below?.indexOf('refused'))
      for (const end of ['secondary', 'at once', 'worst']) {
        const column = (below?.indexOf(end) ?? 0) + end.length
        expect(line.slice(column - 1, column + 1)).toMatch(/\d /)
      }
    }
    expect(headOf(10, 3)).toMatch(/^10 clients: 3 hungry, 3 steady, 3 modest, 1 nightly\n/)
    expect(headOf(1, 3)).toMatch(/^1 client: 1 hungry\n/)
    expect(lineOf('weir', { ...summary, failures: 3 })).toMatch(/\n {2}3 attempts/)
  })

  test('is explained client by client', () => {
    const lines = explanationOf(record, 2).split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatch(/^ {2}hungry-1 +2499 +4000 {2}units, waited at most 0\.1 s$/)
    expect(lines[2]).toMatch(/^ {2}modest-1 +2 +0 {2}units, waited at most 1800\.0 s$/)
  })
})

describe('a run', () => {
  const options = { plan: makePlan(1, 1), seed: 1, windows: 1 }

  test('is the same twice, uses the window up, and ends with it', async () => {
    const first = await run('direct', options)
    const { windows, primaryRefusals, secondaryRefusals } = first.upstream
    expect(windows[0]?.usedBy).toEqual(new Map([['hungry-1', LIMIT]]))
    expect(first.endedAt).toBe((windows[0]?.reset ?? 0) * 1000)
    expect(first.clients[0]?.refusals).toBe(primaryRefusals + secondaryRefusals)
    expect(primaryRefusals).toBeGreaterThan(0)
    const again = await run('direct', options)
    expect(again.upstream.arrivals).toEqual(first.upstream.arrivals)
    expect(again.clients[0]?.things).toEqual(first.clients[0]?.things)
    const other = await run('direct', { ...options, seed: 2 })
    expect(other.upstream.arrivals).not.toEqual(first.upstream.arrivals)
  })
})

describe('the options', () => {
  test('have defaults', () => {
    expect(parseOptions([])).toMatchObject({ help: false, seed: 1, windows: 3, clients: [1, 10, 100], explain: false })
    expect(parseOptions([]).subjects).toEqual(expect.arrayContaining(['direct', 'octokit']))
  })

  test('are taken from flags', () => {
    const args = ['--seed', '9', '--windows', '1', '--clients', '100,1', '--subject', 'octokit', '--explain']
    expect(parseOptions(args)).toEqual({
      help: false,
      seed: 9,
      windows: 1,
      clients: [100, 1],
      subjects: ['octokit'],
      explain: true,
    })
  })

  test.each([
    ['--seed', 'x'],
    ['--seed', '4294967296'],
    ['--windows', '0'],
    ['--windows', '1.5'],
    ['--clients', '7'],
    ['--subject', 'nginx'],
    ['--nothing', '1'],
  ])('%s %s is refused', (...args) => {
    expect(() => parseOptions(args)).toThrow(args[0])
  })
})

test('the cost of a ledger is measured over every request that it was asked for', async () => {
  const requests: BudgetRequest[] = []
  const ends: string[] = []
  const dates: number[] = []
  const resets = new Set<number>()
  const remaining = new Map<string, number[]>()
  const ledger = (): BudgetLedger => ({
    reserve(request) {
      requests.push(request)
      if (requests.length % 4 === 0) return { isGranted: false, why: 'share', retryAt: 0, stated: undefined }
      const reservation: Reservation = {
        isGranted: true,
        isLimited: true,
        settle({ account, stated, date }) {
          dates.push(date ?? Number.NaN)
          resets.add(stated?.reset ?? Number.NaN)
          remaining.set(account, [...(remaining.get(account) ?? []), stated?.remaining ?? -1])
        },
        lose: () => ends.push('lost'),
        giveBack: () => ends.push('given back'),
        end: () => ends.push('ended'),
      }
      return requests.length % 2 === 0 ? Promise.resolve(reservation) : reservation
    },
    join() {},
    observe() {},
    latest: () => undefined,
    report() {
      throw new Error('nothing asks for it')
    },
  })
  const costs = await measureLedger(ledger, 1000, 1)
  // A round to warm up, and the one that counts, of each of three cases.
  expect(requests).toHaveLength(6000)
  expect(ends).toEqual(Array(4500).fill('ended'))
  expect(costs.map(({ refusedShare }) => refusedShare)).toEqual([0.25, 0.25, 0.25])
  expect(new Set(requests.map(({ account }) => account)).size).toBe(1000)
  expect(new Set(requests.slice(4000).map(({ client }) => client.group)).size).toBe(100)
  // All within one window, and most of it.
  expect(resets.size).toBe(1)
  const [reset = Number.NaN] = resets
  expect(Math.max(...dates)).toBeLessThan(reset * 1000)
  expect(Math.max(...dates) - Math.min(...dates)).toBeGreaterThan(0.8 * HOUR)
  for (const stated of remaining.values()) expect(Math.min(...stated)).toBeGreaterThanOrEqual(0)
})
