import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RateLimit, Reservation } from '../../src/ports.ts'
import { type Asked, Desk, isGranted, type LedgerMaker, REQUEST } from './ledger-desk.ts'
import { answerOf, NONSENSE, type Processed, UpstreamCounter } from './upstream-counter.ts'

/** Steps of a schedule. `pick` chooses one of those that are there. */
type Step =
  | { readonly do: 'ask'; readonly client: number; readonly isBackground: boolean; readonly longestWait: number }
  | { readonly do: 'process'; readonly pick: number; readonly cost: 0 | 1 }
  | { readonly do: 'answer'; readonly pick: number; readonly nonsense: number | undefined }
  | { readonly do: 'lose'; readonly pick: number }
  | { readonly do: 'giveBack'; readonly pick: number }
  | { readonly do: 'leave'; readonly pick: number }
  | { readonly do: 'pass'; readonly milliseconds: number }
  | { readonly do: 'elsewhere'; readonly units: number }
  | { readonly do: 'limit'; readonly limit: number }

interface Plan {
  readonly limit: number
  readonly length: number
  readonly skew: number
  readonly hasUsed: boolean
  readonly steps: readonly Step[]
}

/** A question that holds a place. */
interface Sent {
  readonly reservation: Reservation
  processed: Processed | undefined
  /** Nobody knew the numbers, and others were on their way to ask for them: it went since they may hang. */
  readonly isBlind: boolean
  /** The limit that it was sent by. */
  readonly limit: number
}

/** Answers in a row, as they arrive, that have no numbers: three say that there are no limits. */
const MOST_SILENT = 2
const ACCOUNT = REQUEST.account

class Play {
  readonly desk: Desk
  readonly upstream: UpstreamCounter
  readonly #asked: { readonly asked: Asked; readonly controller: AbortController }[] = []
  readonly #onTheirWay: Sent[] = []
  readonly #windows = new Set<Processed['window']>()
  #silent = MOST_SILENT
  #latest: RateLimit | undefined
  /** The limit that the newest answer has told of. */
  #told = { order: 0, limit: Number.POSITIVE_INFINITY }
  /** Changes of the limit. */
  #changes = 0
  /** A question that went out at zero has been answered in this step. */
  #isProbed = false
  /** Questions that went out at zero, and the window in which they did. */
  readonly #probes = new Map<Sent, number>()
  #lastSentAt = Number.NEGATIVE_INFINITY
  /** What was noticed while others were told something. */
  readonly #complaints: string[] = []

  constructor(maker: LedgerMaker, plan: Plan) {
    this.desk = new Desk(maker)
    this.desk.onOutcome = (asked) => this.#note(asked)
    this.upstream = new UpstreamCounter(plan)
  }

  async step(step: Step): Promise<void> {
    this.#isProbed = false
    await this.#take(step)
    this.#check()
  }

  async #take(step: Step): Promise<void> {
    const now = this.desk.time.now()
    switch (step.do) {
      case 'ask':
        return this.#ask(step)
      case 'process': {
        const sent = pick(
          this.#onTheirWay.filter(({ processed }) => processed === undefined),
          step.pick,
        )
        if (sent !== undefined) this.#process(sent, step.cost)
        return
      }
      case 'answer': {
        const sent = pick(
          this.#onTheirWay.filter(({ processed }) => processed !== undefined),
          step.pick,
        )
        if (sent !== undefined) await this.#answer(sent, step.nonsense)
        return
      }
      case 'lose': {
        const sent = pick(this.#onTheirWay, step.pick)
        if (sent === undefined) return
        this.#remove(sent)
        // That it was refused is known to nobody.
        if (sent.processed?.isRefused) sent.processed.window.excused++
        sent.reservation.lose()
        sent.reservation.end()
        break
      }
      case 'giveBack': {
        const sent = pick(
          this.#onTheirWay.filter(({ processed }) => processed === undefined),
          step.pick,
        )
        if (sent === undefined) return
        this.#remove(sent)
        this.#probes.delete(sent)
        sent.reservation.giveBack()
        sent.reservation.end()
        break
      }
      case 'leave':
        pick(
          this.#asked.filter(({ asked }) => asked.outcome === 'waiting'),
          step.pick,
        )?.controller.abort()
        break
      case 'pass':
        await this.desk.pass(step.milliseconds)
        break
      case 'elsewhere':
        this.upstream.useElsewhere(now, step.units)
        break
      case 'limit':
        // Twice while the same questions are on their way, and of two answers nobody can say which is the newer.
        if (this.#changes > 0 && this.#onTheirWay.some(({ limit }) => limit !== this.upstream.limit)) return
        this.#changes++
        this.upstream.setLimit(now, step.limit)
        break
    }
    await this.desk.settled()
  }

  async #ask({ client, isBackground, longestWait }: Extract<Step, { do: 'ask' }>): Promise<void> {
    const controller = new AbortController()
    const asked = await this.desk.ask({
      client: { group: `address:192.0.2.${client}`, name: '' },
      isBackground,
      longestWait,
      signal: controller.signal,
    })
    this.#asked.push({ asked, controller })
  }

  /** It is granted, or refused. */
  #note(asked: Asked): void {
    if (!isGranted(asked)) return
    const now = this.desk.time.now()
    const { state } = this.desk.budget()
    const isBlind = state === 'unknown' && this.#onTheirWay.length > 0
    if (isBlind && now - this.#lastSentAt < 1000) this.#complaints.push('one went blindly, and another right after it')
    this.#lastSentAt = now
    const sent = { reservation: asked.outcome as Reservation, processed: undefined, isBlind, limit: this.#told.limit }
    const latest = this.desk.ledger.latest(ACCOUNT, 'core')
    if (latest?.remaining === 0 && this.#latest?.remaining === 0 && latest.reset === this.#latest.reset) {
      this.#probes.set(sent, latest.reset)
      const ofWindow = [...this.#probes.values()].filter((reset) => reset === latest.reset)
      if (ofWindow.length > 1) this.#complaints.push('two probes of one window')
    }
    this.#onTheirWay.push(sent)
  }

  #process(sent: Sent, cost: 0 | 1): void {
    const processed = this.upstream.process(this.desk.time.now(), cost)
    sent.processed = processed
    this.#windows.add(processed.window)
    // It takes what another may have counted on.
    if (sent.isBlind) processed.window.excused++
    // Nobody had said that there was less than before.
    if (processed.isRefused && this.upstream.limit < sent.limit) processed.window.excused++
  }

  async #answer(sent: Sent, nonsense: number | undefined): Promise<void> {
    const processed = sent.processed as Processed
    this.#remove(sent)
    const makeNonsense = nonsense === undefined || this.#silent >= MOST_SILENT ? undefined : NONSENSE[nonsense]
    this.#silent = makeNonsense === undefined ? 0 : this.#silent + 1
    if (makeNonsense !== undefined && processed.isRefused) processed.window.excused++
    const stated = processed.stated as RateLimit
    const answer = answerOf(
      { ...processed, stated: makeNonsense === undefined ? stated : makeNonsense(stated) },
      ACCOUNT,
    )
    if (makeNonsense === undefined && processed.order > this.#told.order) {
      this.#told = { order: processed.order, limit: stated.limit }
    }
    this.#isProbed = this.#probes.has(sent)
    await this.desk.finish(sent.reservation, answer)
  }

  #remove(sent: Sent): void {
    this.#onTheirWay.splice(this.#onTheirWay.indexOf(sent), 1)
  }

  #check(): void {
    expect(this.#complaints).toEqual([])
    const report = this.desk.ledger.report()
    expect(report.inFlight, 'on their way').toBe(this.#onTheirWay.length)
    expect(report.waiting, 'waiting').toBe(this.#waiting)
    const latest = this.desk.ledger.latest(ACCOUNT, 'core')
    const before = this.#latest
    this.#latest = latest
    if (latest !== undefined && before?.reset === latest.reset && before.limit === latest.limit && !this.#isProbed) {
      expect(latest.remaining, 'within a window').toBeLessThanOrEqual(before.remaining)
    }
    for (const { refused, excused } of this.#windows) {
      expect(refused, 'refused by the upstream').toBeLessThanOrEqual(excused + 1)
    }
  }

  get #waiting(): number {
    return this.#asked.filter(({ asked }) => asked.outcome === 'waiting').length
  }

  /** Everything is answered, whoever waits has their turn, and nothing is left. */
  async end(): Promise<void> {
    for (let turn = 0; turn < 1000 && this.#onTheirWay.length + this.#waiting > 0; turn++) {
      for (const sent of [...this.#onTheirWay]) {
        if (sent.processed === undefined) this.#process(sent, 1)
        await this.#answer(sent, undefined)
      }
      await this.desk.pass(1000)
      this.#check()
    }
    const { inFlight, waiting } = this.desk.ledger.report()
    expect({ inFlight, waiting }).toEqual({ inFlight: 0, waiting: 0 })
    expect(this.desk.time.alarms, 'alarms').toBe(0)
    // In this window, as far as there is something left, and in the next.
    await this.#lastQuestion()
    await this.desk.pass(2 * 3600 * 1000)
    await this.#lastQuestion()
    expect(this.desk.budget()).toMatchObject({ state: 'known' })
  }

  async #lastQuestion(): Promise<void> {
    const asked = await this.desk.ask()
    const sent = this.#onTheirWay[0]
    if (!isGranted(asked) || sent === undefined) return
    this.#process(sent, 1)
    await this.#answer(sent, undefined)
    const { state, available, stated } = this.desk.budget()
    expect({ state, available }).toEqual({ state: 'known', available: stated?.remaining })
    expect(this.desk.ledger.report()).toMatchObject({ inFlight: 0, waiting: 0 })
  }
}

function pick<T>(from: readonly T[], index: number): T | undefined {
  return from[index % Math.max(1, from.length)]
}

function steps(isAlone: boolean): fc.Arbitrary<readonly Step[]> {
  const index = fc.nat(1000)
  const ask = fc.record({
    do: fc.constant('ask' as const),
    client: fc.nat(3),
    isBackground: fc.nat(9).map((number) => number === 0),
    longestWait: fc.constantFrom(0, 0, 1000, 5000, 60_000),
  })
  const process = fc.record({ do: fc.constant('process' as const), pick: index, cost: fc.constantFrom(1, 1, 1, 0) })
  const answer = fc.record({
    do: fc.constant('answer' as const),
    pick: index,
    nonsense: fc.option(fc.nat(NONSENSE.length - 1), { nil: undefined, freq: 8 }),
  })
  const short = fc.constantFrom(1, 20, 200, 999, 1000, 2500, 20_000)
  const long = fc.constantFrom(60_000, 61_500, 200_000, 3_599_000, 3_600_000, 3_602_000)
  const pass = fc.record({
    do: fc.constant('pass' as const),
    milliseconds: fc.oneof({ arbitrary: short, weight: 6 }, long),
  })
  const rare = fc.oneof(
    fc.record({ do: fc.constant('lose' as const), pick: index }),
    fc.record({ do: fc.constant('giveBack' as const), pick: index }),
    fc.record({ do: fc.constant('leave' as const), pick: index }),
  )
  const others = fc.oneof(
    fc.record({ do: fc.constant('elsewhere' as const), units: fc.integer({ min: 1, max: 8 }) }),
    fc.record({ do: fc.constant('limit' as const), limit: fc.integer({ min: 1, max: 30 }) }),
  )
  const step = fc.oneof(
    { arbitrary: ask, weight: 10 },
    { arbitrary: process, weight: 7 },
    { arbitrary: answer, weight: 7 },
    { arbitrary: pass, weight: 4 },
    { arbitrary: rare, weight: 2 },
    { arbitrary: others, weight: isAlone ? 0 : 2 },
  )
  return fc.array(step as fc.Arbitrary<Step>, { minLength: 1, maxLength: 150, size: 'max' })
}

function plans(isAlone: boolean): fc.Arbitrary<Plan> {
  return fc.record({
    limit: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 13, max: 60 })),
    length: fc.constantFrom(60, 3600, 3600),
    skew: fc.oneof(fc.constant(0), fc.integer({ min: -200_000, max: 200_000 })),
    hasUsed: fc.boolean(),
    steps: steps(isAlone),
  })
}

/** What holds against an upstream that counts as GitHub does, whatever happens on the way. */
export function budgetLedgerModelContract(name: string, maker: LedgerMaker): void {
  describe(`budget ledger against an upstream that counts: ${name}`, () => {
    const seed = process.env['LEDGER_SEED']
    const parameters = {
      numRuns: Number(process.env['LEDGER_RUNS'] ?? 150),
      ...(seed === undefined ? {} : { seed: Number(seed) }),
    }
    test.each([
      ['nobody else uses what is there: but for one probe a window, nothing is refused', true],
      ['others use some of it, and an administrator changes the limit: no more is refused than they took', false],
    ])('%s', async (_title, isAlone) => {
      await fc.assert(
        fc.asyncProperty(plans(isAlone), async (plan) => {
          const play = new Play(maker, plan)
          for (const step of plan.steps) await play.step(step)
          await play.end()
        }),
        parameters,
      )
    })
  })
}
