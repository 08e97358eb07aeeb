import { quantile } from '../load.ts'
import { type ClientRecord, PATIENCE } from './clients.ts'
import { KINDS, type Kind, wantedWithin } from './plan.ts'
import type { RunRecord } from './run.ts'
import { LIMIT } from './upstream.ts'

/** ms after a reset that a burst is looked for in, and what a burst is measured over. */
const AFTER_RESET = 5000
const BURST_LENGTH = 1000

export interface WindowSummary {
  /** Units, of `LIMIT`. */
  readonly used: number
  /** Whether more was wanted than there was. */
  readonly isTight: boolean
}

/** What a run amounts to. Waits are in seconds. */
export interface Summary {
  readonly windows: readonly WindowSummary[]
  /** Refused by the upstream. */
  readonly primaryRefusals: number
  readonly secondaryRefusals: number
  /** Of the answers that clients were given, the share that were refusals; `undefined`: there were no answers. */
  readonly refusedShare: number | undefined
  /** Attempts of clients that ended with another error. */
  readonly failures: number
  /** The most requests that the upstream had in hand at once. */
  readonly peak: number
  /** The most requests that arrived within a second, soon after a reset; `undefined`: no reset lies within the run. */
  readonly burst: number | undefined
  /** Jain's index over the units of each client of a kind, in the window where it is lowest. */
  readonly fairness: Readonly<Record<Kind, number | undefined>>
  readonly modest: { readonly median: number; readonly worst: number } | undefined
  /** Things that clients gave up. */
  readonly givenUp: number
}

/**
 * Jain's fairness index (Jain, Chiu, Hawe 1984): 1 where all have the same, 1/n where one has everything. `undefined` for
 * fewer than two, and where nobody has anything.
 */
export function jain(amounts: readonly number[]): number | undefined {
  const sum = amounts.reduce((total, amount) => total + amount, 0)
  const squares = amounts.reduce((total, amount) => total + amount * amount, 0)
  return amounts.length < 2 || squares === 0 ? undefined : (sum * sum) / (amounts.length * squares)
}

/** The most of the times (ms, ascending) that lie within any second of the first five after a moment. */
export function burstAfter(times: readonly number[], moment: number): number {
  let first = 0
  let most = 0
  for (const [index, time] of times.entries()) {
    if (time >= moment + AFTER_RESET) break
    while (first < index && (times[first]! < moment || times[first]! <= time - BURST_LENGTH)) first++
    if (time >= moment) most = Math.max(most, index - first + 1)
  }
  return most
}

/** How long each thing that was wanted took until it was had, given up or the run ended, seconds, ascending. */
export function waitsOf(clients: readonly ClientRecord[], end: number): Float64Array {
  const waits = clients.flatMap(({ things }) =>
    things
      // The event that ended the run may have been somebody's next wish.
      .filter(({ wantedAt }) => wantedAt < end)
      .map(({ wantedAt, endedAt = end }) => Math.min(Math.min(endedAt, end) - wantedAt, PATIENCE) / 1000),
  )
  return Float64Array.from(waits).sort()
}

/** Things that were not had in the time a client is ready to wait. */
export function givenUpBy({ things }: ClientRecord, end: number): number {
  return things.filter(
    ({ wantedAt, endedAt, isServed }) => !isServed && (endedAt !== undefined || end - wantedAt >= PATIENCE),
  ).length
}

/** @param count windows that the run was to have; the upstream may have opened another as the last one ended */
export function summarise({ clients, upstream, startedAt, endedAt }: RunRecord, count: number): Summary {
  const windows = upstream.windows.slice(0, count)
  const sum = (amount: (client: ClientRecord) => number) => clients.reduce((total, each) => total + amount(each), 0)
  const answers = sum((client) => client.answers)
  const waits = waitsOf(
    clients.filter(({ plan }) => plan.kind === 'modest'),
    endedAt,
  )
  const resets = windows.slice(0, -1).map(({ reset }) => reset * 1000)
  const fairnessOf = (kind: Kind): number | undefined => {
    const names = clients.filter(({ plan }) => plan.kind === kind).map(({ plan }) => plan.name)
    const indexes = windows.flatMap(({ usedBy }) => jain(names.map((name) => usedBy.get(name) ?? 0)) ?? [])
    return indexes.length === 0 ? undefined : Math.min(...indexes)
  }
  return {
    windows: windows.map(({ reset, usedBy }, index) => {
      const begin = index === 0 ? 0 : (windows[index - 1]?.reset ?? 0) * 1000 - startedAt
      const wanted = sum(({ plan }) => wantedWithin(plan, begin, reset * 1000 - startedAt))
      return { used: [...usedBy.values()].reduce((total, units) => total + units, 0), isTight: wanted > LIMIT }
    }),
    primaryRefusals: upstream.primaryRefusals,
    secondaryRefusals: upstream.secondaryRefusals,
    refusedShare: answers === 0 ? undefined : sum(({ refusals }) => refusals) / answers,
    failures: sum(({ failures }) => failures),
    peak: upstream.peak,
    burst: resets.length === 0 ? undefined : Math.max(...resets.map((reset) => burstAfter(upstream.arrivals, reset))),
    fairness: Object.fromEntries(KINDS.map((kind) => [kind, fairnessOf(kind)])) as Summary['fairness'],
    modest: waits.length === 0 ? undefined : { median: quantile(waits, 0.5), worst: waits.at(-1) ?? 0 },
    givenUp: sum((client) => givenUpBy(client, endedAt)),
  }
}

/** The least share of a window that is used where more is wanted, and the least fairness among the hungry. */
const LEAST_USED = 0.99
const LEAST_FAIRNESS = 0.99

export interface Aim {
  readonly name: string
  readonly isMet: boolean
}

/** What the gateway is to reach. */
export function aimsOf({ windows, primaryRefusals, secondaryRefusals, fairness }: Summary): Aim[] {
  return [
    {
      name: `at least ${LEAST_USED * 100} % used where more was wanted`,
      isMet: windows.every(({ used, isTight }) => !isTight || used >= LEAST_USED * LIMIT),
    },
    {
      // One question a window may find out whether there is still nothing left.
      name: 'nothing refused by the upstream but one probe a window',
      isMet: primaryRefusals <= windows.length && secondaryRefusals === 0,
    },
    {
      name: `the hungry alike (Jain's index at least ${LEAST_FAIRNESS})`,
      isMet: fairness.hungry === undefined || fairness.hungry >= LEAST_FAIRNESS,
    },
  ]
}
