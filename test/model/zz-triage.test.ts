import fc from 'fast-check'
import { it } from 'vitest'
import { type Plan, plans } from './plan.ts'
import { run } from './run.ts'
import { show } from './show.ts'

it('t', { timeout: 36e5 }, async () => {
  const N = Number(process.env['N'] ?? 10)
  for (let i = 0; i < N; i++) {
    let ignored = 0
    const property = fc.asyncProperty(plans, fc.scheduler(), async (plan, schedule) => {
      try {
        await run(plan, schedule)
      } catch (e) {
        const m = String((e as Error).message)
        for (const pat of (process.env['IGNORE'] ?? '\u0000').split('@'))
          if (m.includes(pat)) {
            ignored++
            return
          }
        throw e
      }
    })
    const d = await fc.check(property, { numRuns: 300, seed: Number(process.env['S'] ?? 1) + i })
    if (d.failed) {
      const [plan] = d.counterexample as [Plan, fc.Scheduler]
      console.log(
        `=== seed ${d.seed} path ${d.counterexamplePath}\n${show(plan)}\n${(d.errorInstance as Error)?.stack?.split('\n    at')[0]}`,
      )
    } else console.log('ok, ignored', ignored)
  }
})
