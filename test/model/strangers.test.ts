import type fc from 'fast-check'
import { expect, it } from 'vitest'
import { checkPlans, PATIENCE } from './check.ts'
import type { Exchange } from './exchange.ts'
import { CALLERS, type Plan, STRANGER } from './plan.ts'
import { plans } from './plans.ts'
import type { Reading } from './reading.ts'
import { type Ran, run } from './run.ts'

/*
 * Whoever the upstream does not accept changes nothing for anybody else. Each plan runs twice on the same schedule: as it
 * is, with what the upstream has to say to the stranger held back for as long as the plan likes; and without the
 * stranger's requests. Everybody else must get the same answers after the same number of steps, and the upstream must be
 * asked the same for them, in the same words.
 */

const withStrangers: fc.Arbitrary<Plan> = plans.map((plan) => ({
  ...plan,
  // The schedule knows no owner of what a store does: strangers' steps in it would shift everybody's.
  store: 'at once',
  // A store that is full forgets what was used least, and being offered to the upstream for a stranger counts as use.
  bodyBytes: 1_000_000,
  cast: [plan.cast[0]!, STRANGER, ...plan.cast.slice(1)],
  // What the upstream tells a stranger of the budget of their address is true, and known for all who have none but that.
  profile: { ...plan.profile, limits: { ...plan.profile.limits, chargesAddress: chargesAddress(plan) } },
}))

function chargesAddress({ cast, profile }: Plan): boolean {
  return profile.limits.chargesAddress && !cast.some((caller) => CALLERS[caller]!.account === 'nobody')
}

it('changes nothing for others because of somebody whom the upstream does not accept', {
  timeout: PATIENCE,
}, async () => {
  let strangers = 0
  let others = 0
  const tried = await checkPlans(
    1 / 4,
    async (plan, newSchedule) => {
      const disturbed = await run(plan, newSchedule(), { holdsStrangers: true })
      const undisturbed = await run(plan, newSchedule(), { withoutStrangers: true, holdsStrangers: true })
      strangers += disturbed.readings.length - undisturbed.readings.length
      others += undisturbed.readings.length
      expect(whatOthersSee(disturbed)).toEqual(whatOthersSee(undisturbed))
    },
    withStrangers,
  )
  if (tried >= 100) expect(Math.min(strangers, others)).toBeGreaterThan(0)
})

function whatOthersSee({ readings, exchanges, durations }: Ran): unknown {
  const answers = readings.filter(isOthers).map((reading) => {
    const { name, key, got, events } = reading
    return [name, key, got, events, `after ${durations.get(reading)} steps`]
  })
  const asked = exchanges.filter(isOthers).map((exchange) => {
    const { key, noneMatch, modifiedSince, status } = exchange
    return [exchange.asked.method, key, noneMatch, modifiedSince, status]
  })
  return { answers, asked }
}

function isOthers({ credential }: Reading | Exchange): boolean {
  return !credential.includes('intruder')
}
