import { expect, it } from 'vitest'
import { checkPlans, PATIENCE } from './check.ts'
import { run } from './run.ts'

/*
 * The whole gateway, in this process, between clients and a model of GitHub (world.ts, resources.ts, truth.ts, upstream.ts).
 * A plan (plan.ts) says what clients ask, write and hold, what changes, what goes wrong, who leaves and how time passes;
 * fast-check's scheduler decides when the upstream looks at a request, when the head of its answer and each piece of the body
 * arrive, and when a store that takes its time has done what it was told. Checked are:
 *
 * - every answer, by the judge (judge.ts): it is what the upstream told this very caller for this very request between the
 *   request's arrival and its answer (whole, or by a 304 that confirms it), with the caller's own `Link`, tag, scopes and
 *   the other fields that speak of a caller; or what the same caller was told before, where one of the rules of rules.ts
 *   allows that, and then not across a write nor older than what the caller has seen. A 304 goes only to a client whose own
 *   validator names what the upstream would have sent. A 401 is told again only by the rules of logins.ts. An answer of the
 *   gateway's own (own-answers.ts) goes only where the upstream failed, or by its own word would have refused this very
 *   account (told.ts). Rate limits that an answer states are the caller's own as they were stated (stated-limits.ts);
 * - every request (run.ts): one answer and one event, nothing hangs behind what takes for ever, nobody fails because
 *   another leaves, whoever leaves is gone at once, what nobody waits for any longer is called off, no answer is left unread,
 *   nothing is rejected unheard;
 * - every exchange (checks.ts): somebody asked for it, at most three for a read and one for a write (and as many again after a
 *   refusal by a limit), its date was told to this very caller, and no date goes with a tag;
 * - what is not asked (restraint.ts): no account in a pause, none beyond what is left of its budget but for one probe, none of
 *   which nothing is known but once a second, no credential that was just found bad.
 */

/** Ways for an answer to come about that must all have been met, or the plans have become too tame to prove anything. */
const MET = [
  ...['asked', 'shared', 'fresh', 'max-stale', 'stale-while-revalidate', 'stale-if-error', 'stale-on-limit'].map(
    (rule) => `by rule: ${rule}`,
  ),
  'by rule: refused before',
  ...['failed', 'only-if-cached', 'paused', 'rate-limited', 'share-used'].map((own) => `by rule: gateway: ${own}`),
  ...['predicted', 'revalidated', 'replaced', 'confirmed', 'stale', 'hit', 'written'].map((name) => `outcome: ${name}`),
]

it('gives every caller what the upstream would have given them, whatever happens at once', {
  timeout: PATIENCE,
}, async () => {
  const met = new Map<string, number>()
  const tried = await checkPlans(3 / 4, async (plan, newSchedule) => {
    const { tally } = await run(plan, newSchedule())
    for (const [what, times] of tally) met.set(what, (met.get(what) ?? 0) + times)
  })
  if (process.env['MODEL_RUNS'] !== undefined) console.log(tried, 'plans:', Object.fromEntries([...met].sort()))
  if (tried >= 1000) expect(MET.filter((what) => !met.has(what))).toEqual([])
})
