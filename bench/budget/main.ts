import { systemScheduler } from '../../src/entry/node/clock.ts'
import { memoryBudgetLedger } from '../../src/store/memory/ledger/index.ts'
import { aimsOf, summarise } from './judge.ts'
import { ledgerTable } from './ledger.ts'
import { HELP, parseOptions } from './options.ts'
import { makePlan } from './plan.ts'
import { aimLine, explanationOf, headOf, lineOf } from './report.ts'
import { run } from './run.ts'
import { JUDGED } from './subjects.ts'
import { LIMIT } from './upstream.ts'

/*
 * `npm run bench:budget`: what becomes of one budget that many clients share. Clients, subjects and an upstream that counts as
 * GitHub does live through some hours of virtual time; what was used and refused is the upstream's own count.
 */

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) {
    process.stdout.write(HELP)
    return
  }
  const { seed, windows } = options
  print(`Seed ${seed}: one account, ${LIMIT} units an hour, ${windows} windows, nothing can be cached`)
  const begun = process.hrtime.bigint()
  for (const count of options.clients) {
    print(`\n${headOf(count, windows)}`)
    const plan = makePlan(seed, count)
    for (const name of options.subjects) {
      const record = await run(name, { plan, seed, windows })
      const summary = summarise(record, windows)
      print(lineOf(name, summary))
      if (options.explain) print(explanationOf(record, windows))
      if (name !== JUDGED) continue
      const aims = aimsOf(summary)
      print(aimLine(aims))
      if (aims.some(({ isMet }) => !isMet)) process.exitCode = 1
    }
  }
  // Beside the report, which is the same whenever it is made.
  process.stderr.write(`\nsimulated in ${(Number(process.hrtime.bigint() - begun) / 1e9).toFixed(1)} s\n`)
  const table = await ledgerTable((clock) => memoryBudgetLedger({ ...LEDGER, clock }))
  process.stderr.write(`\n${table}\n`)
}

/** Without points a minute, which a loop that does nothing else would spend in a moment. */
const LEDGER = {
  scheduler: systemScheduler,
  random: Math.random,
  maxAccounts: 20_000,
  concurrency: 80,
  totalConcurrency: 128,
  maxWaiting: 1024,
  pointsPerMinute: 0,
  reserve: 0.1,
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

await main().catch((error: unknown) => {
  process.stderr.write(`bench:budget: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
