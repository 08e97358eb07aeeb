import { Random } from '../quota/random.ts'

/** Appetites, the greediest first. */
export const KINDS = ['hungry', 'steady', 'modest', 'nightly'] as const
export type Kind = (typeof KINDS)[number]

/** What one client wants, all of it known before the run: no subject can change it. */
export interface ClientPlan {
  readonly name: string
  readonly kind: Kind
  /** Things that it pursues at a time, its waits included, as an app's pool of workers does. The others stand in its own queue. */
  readonly atOnce: number
  /** When it first wants something, ms after the start. */
  readonly first: number
  /** From then on once in so many ms; `Infinity`: never again. */
  readonly every: number
  /** So many things each time; `Infinity`: there is always a next one, wanted when the client gets round to it. */
  readonly each: number
  /** For what the client itself leaves to chance. */
  readonly seed: number
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

interface Appetite extends Pick<ClientPlan, 'atOnce' | 'every' | 'each'> {
  /** ms after the start. */
  first(random: Random): number
}

const APPETITES: Readonly<Record<Kind, Appetite>> = {
  hungry: { atOnce: 5, every: Infinity, each: Infinity, first: (random) => random.below(SECOND) },
  steady: { atOnce: 5, every: 2 * SECOND, each: 1, first: (random) => random.below(2 * SECOND) },
  // Less than a hundredth of the budget: a hundred such clients could share it.
  modest: { atOnce: 5, every: 3 * MINUTE, each: 1, first: (random) => random.below(3 * MINUTE) },
  // A script without a pool. All of them run at the same time, as what is written in a crontab does.
  nightly: { atOnce: 500, every: HOUR, each: 500, first: () => 7 * MINUTE },
}

/** How many of each kind there are among so many clients. */
export const MIXES = {
  1: { hungry: 1, steady: 0, modest: 0, nightly: 0 },
  10: { hungry: 3, steady: 3, modest: 3, nightly: 1 },
  100: { hungry: 30, steady: 30, modest: 35, nightly: 5 },
} as const satisfies Record<number, Record<Kind, number>>

export type ClientCount = keyof typeof MIXES

/** Who takes part and what they want. The same for the same seed. */
export function makePlan(seed: number, count: ClientCount): ClientPlan[] {
  const random = new Random(seed)
  const mix: Readonly<Record<Kind, number>> = MIXES[count]
  return KINDS.flatMap((kind) => {
    const { first, ...appetite } = APPETITES[kind]
    return Array.from({ length: mix[kind] }, (_, index) => ({
      name: `${kind}-${index + 1}`,
      kind,
      ...appetite,
      first: first(random),
      seed: random.below(2 ** 32),
    }))
  })
}

/** How many things a client wants from `start` up to and not including `end`, ms after the start of the run. */
export function wantedWithin({ first, every, each }: ClientPlan, start: number, end: number): number {
  if (each === Infinity) return end > first ? Infinity : 0
  const before = (time: number) => Math.max(0, Math.ceil((time - first) / every))
  return each * (before(end) - before(start))
}
