import fc from 'fast-check'
import { expect } from 'vitest'
import type { Plan } from './plan.ts'
import { plans } from './plans.ts'
import { show } from './show.ts'

/*
 * `MODEL_RUNS` says how many plans the tests of this folder try, all together; `MODEL_SEED` and `MODEL_PATH` repeat a
 * failure that they reported.
 */

const { MODEL_RUNS, MODEL_SEED, MODEL_PATH } = process.env

/** Plans that the whole folder tries where nobody says otherwise: what continuous integration has time for. */
const DEFAULT_RUNS = 3200

/** How long a test may take, ms: far more than it needs, because runs that were asked for must not be cut off. */
export const PATIENCE = 24 * 3_600_000

/**
 * Tries plans on schedules until one fails, finds the shortest plan that still does, and tells it in words.
 *
 * @param share of all runs that this test has
 * @param holds throws where it does not; every schedule that it makes for itself is the same
 * @returns how many were tried
 */
export async function checkPlans(
  share: number,
  holds: (plan: Plan, newSchedule: () => fc.Scheduler) => Promise<void>,
  from: fc.Arbitrary<Plan> = plans,
): Promise<number> {
  const numRuns = Math.ceil((MODEL_RUNS === undefined ? DEFAULT_RUNS : Number(MODEL_RUNS)) * share)
  const onSchedule = (plan: Plan, seed: number) => holds(plan, () => scheduleOf(seed))
  const property = fc.asyncProperty(from, fc.noShrink(fc.integer()), onSchedule)
  const details = await fc.check(property, {
    numRuns,
    ...(MODEL_SEED === undefined ? {} : { seed: Number(MODEL_SEED) }),
    ...(MODEL_PATH === undefined ? {} : { path: MODEL_PATH }),
  })
  const { failed, numRuns: tried, seed, counterexample, counterexamplePath, errorInstance } = details
  if (!failed) return tried
  const again = `MODEL_SEED=${seed} MODEL_PATH=${counterexamplePath}`
  const why = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance)
  return expect.fail(`after ${tried} plans; again with ${again}\n${show(counterexample![0])}\n${why}`)
}

/**
 * The schedule that a number stands for. A schedule that fast-check copies, to try a shorter plan on it, goes on where the
 * last one ended; one that is made anew is the same every time.
 */
function scheduleOf(seed: number): fc.Scheduler {
  return fc.sample(fc.scheduler(), { seed, numRuns: 1 })[0]!
}
