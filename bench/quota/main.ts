import type { Switches } from '../../sandbox/switches.ts'
import { quantile } from '../load.ts'
import { type Expectations, lookUp } from './expected.ts'
import { type Explanation, explain } from './explain.ts'
import {
  type Asked,
  costOf,
  type Ideal,
  leastByDate,
  leastPerToken,
  leastPossible,
  leastWithoutLinks,
} from './ideals.ts'
import type { Verdict } from './judge.ts'
import { HELP, type ModeName, parseOptions, type QuotaOptions, type SubjectName } from './options.ts'
import { type RunResult, run } from './run.ts'
import { direct, hasNginx, nginx, perToken, type Start, weir } from './subjects.ts'
import { makeTrace, type Trace } from './trace.ts'

/*
 * `npm run bench:quota`: what the reference trace costs, read in several ways, beside the least possible. Costs come from the
 * upstream's own log, verdicts from what another upstream, that nobody else asks, would have said.
 */

/** The headline's upstream: GitHub's rule, and 304s that carry `Link`. */
const REFERENCE: Partial<Switches> = { linkOn304: true }

const AIM = 1.02

/** Payments listed one by one, for each run. */
const LISTED = 200

const WAYS: Readonly<Record<SubjectName, { name: string; start: Start }>> = {
  direct: { name: 'direct access', start: direct },
  'per-token': { name: 'a cache per token, in the client', start: perToken },
  nginx: { name: 'nginx, proxy_cache_revalidate', start: nginx },
  weir: { name: 'Weir', start: weir },
}

interface Mode {
  readonly name: string
  readonly switches: Partial<Switches>
  readonly ideal: Ideal
}

const MODES: Readonly<Record<ModeName, Mode>> = {
  'no-link': { name: 'GitHub’s rule, 304s without Link', switches: { linkOn304: false }, ideal: leastWithoutLinks },
  opaque: { name: 'opaque tags', switches: { ...REFERENCE, etagRule: 'opaque' }, ideal: leastPerToken },
  'single-tags': {
    name: 'lists of tags are not read',
    switches: { ...REFERENCE, readsTagLists: false },
    ideal: leastPossible,
  },
  git: { name: 'git ids as tags', switches: { ...REFERENCE, etagRule: 'git' }, ideal: leastPerToken },
  none: { name: 'no tags, only Last-Modified', switches: { ...REFERENCE, etagRule: 'none' }, ideal: leastByDate },
}

interface Measured {
  /** Units for what the upstream did not refuse. */
  readonly cost: number
  /** Units for what it refused: nothing can save them. */
  readonly refused: number
  readonly requests: number
  readonly verdicts: Readonly<Record<Verdict, number>>
  /** ms */
  readonly median: number
  readonly slowest: number
}

const VERDICTS: readonly Verdict[] = ['right', 'old-link', 'shared', 'stale', 'leaked', 'wrong', 'unjudged']

function measure({ answers, entries }: RunResult): Measured {
  const latencies = Float64Array.from(
    answers.filter(({ read }) => !read.isRefused).map(({ startedAt, endedAt }) => endedAt - startedAt),
  ).sort()
  const sum = (isRefused: boolean) =>
    entries.reduce((total, { status, cost }) => (status >= 400 === isRefused ? total + cost : total), 0)
  const count = (verdict: Verdict) => answers.filter((answer) => answer.verdict === verdict).length
  return {
    cost: sum(false),
    refused: sum(true),
    requests: entries.length,
    verdicts: Object.fromEntries(VERDICTS.map((verdict) => [verdict, count(verdict)])) as Record<Verdict, number>,
    median: quantile(latencies, 0.5),
    slowest: quantile(latencies, 0.99),
  }
}

/** Bad answers of a run; an old `Link` is one where the upstream would have told the new one. */
function badAnswers({ verdicts }: Measured, tellsLinks: boolean): number {
  const { stale, leaked, wrong, unjudged } = verdicts
  return stale + leaked + wrong + unjudged + (tellsLinks ? verdicts['old-link'] : 0)
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), process.env)
  if (options.help) {
    process.stdout.write(HELP)
    return
  }
  const trace = makeTrace(options)
  const expectations = await lookUp(trace)
  const asked = askedBy(trace, expectations)
  const least = costOf(leastPossible, asked)
  describe(trace, options)
  const common = { trace, expectations, concurrent: options.concurrent }
  // The first run of a fresh client is slower than its later ones, and would stand for the upstream.
  await run(direct, { ...common, switches: REFERENCE })
  let bad = 0

  for (const latency of options.latencies) {
    print(`\nUpstream latency ${latency} ms`)
    print(
      columns('', [
        'cost',
        '× least',
        'asked',
        'shared',
        'old Link',
        'stale',
        'leaked',
        'wrong',
        'median ms',
        'p99 ms',
      ]),
    )
    print(columns('the least possible', [least, '1.00']))
    for (const name of options.subjects) {
      const way = WAYS[name]
      if (name === 'nginx' && !hasNginx()) {
        print(columns('nginx', ['not installed']))
        continue
      }
      const result = await run(way.start, { ...common, switches: { ...REFERENCE, latency } })
      const measured = measure(result)
      print(line(way.name, measured, least))
      noteRefusals(measured, trace)
      if (name !== 'weir') continue
      bad += badAnswers(measured, true)
      const explanation = explain(trace, result, expectations, leastPossible)
      print(
        `aim: at most ${AIM} × the least: ${measured.cost <= AIM * least ? 'met' : 'missed'}; ` +
          `${explanation.surplus.length} units were for bodies that had been paid before`,
      )
      if (options.explain) printExplanation(explanation)
      printBad(result)
    }
  }

  if (options.modes.length > 0) {
    print('\nWeir in front of other upstreams, no latency; each beside what is ideal there')
    print(
      columns('', [
        'cost',
        'ideal',
        '× ideal',
        'beyond',
        'asked',
        'shared',
        'old Link',
        'stale',
        'leaked',
        'wrong',
        'median ms',
      ]),
    )
  }
  for (const name of options.modes) {
    const mode = MODES[name]
    const ideal = costOf(mode.ideal, asked)
    const result = await run(weir, { ...common, switches: mode.switches })
    const measured = measure(result)
    bad += badAnswers(measured, mode.switches.linkOn304 === true)
    const { cost, requests, verdicts } = measured
    const counts = countsOf(verdicts)
    const explanation = explain(trace, result, expectations, mode.ideal)
    const beyond = explanation.surplus.length
    print(
      columns(mode.name, [cost, ideal, ratio(cost, ideal), beyond, requests, ...counts, measured.median.toFixed(2)]),
    )
    noteRefusals(measured, trace)
    if (options.explain) printExplanation(explanation)
    printBad(result)
  }
  if (bad > 0) {
    print(`\n${bad} answers of the gateway were stale, leaked or wrong.`)
    process.exitCode = 1
  }
}

/** Each allowed read with what the upstream says to it when it is sent. */
function askedBy(trace: Trace, expectations: Expectations): Asked[] {
  const { reads, turns } = trace
  let turn = 0
  return reads.flatMap((read) => {
    if (turns[turn]?.at === read.position) turn++
    return read.isRefused ? [] : [{ read, state: expectations.at(read.readerClass, read.target, turn) }]
  })
}

function describe({ reads, turns }: Trace, options: QuotaOptions): void {
  const refused = reads.filter(({ isRefused }) => isRefused).length
  print(
    `Seed ${options.seed}: ${reads.length - refused} reads and ${refused} that are refused, ${turns.length} changes, ` +
      `tokens replaced ${turns.filter(({ generation }) => generation !== undefined).length} times, ${options.concurrent} requests at a time`,
  )
  print(
    `Costs are units of the primary rate limit, from the upstream's own log; every line paid ${refused} more for refusals.`,
  )
}

function line(name: string, measured: Measured, least: number): string {
  const { cost, requests, verdicts } = measured
  return columns(name, [
    cost,
    ratio(cost, least),
    requests,
    ...countsOf(verdicts),
    measured.median.toFixed(2),
    measured.slowest.toFixed(2),
  ])
}

/** Says where a run did not pay what all are said to pay for refusals. */
function noteRefusals({ refused }: Measured, { reads }: Trace): void {
  if (refused !== reads.filter(({ isRefused }) => isRefused).length) print(`  this one paid ${refused} for refusals`)
}

/** As the columns stand. */
function countsOf({ shared, stale, leaked, wrong, unjudged, ...rest }: Measured['verdicts']): number[] {
  return [shared, rest['old-link'], stale, leaked, wrong + unjudged]
}

function ratio(cost: number, ideal: number): string {
  return (cost / ideal).toFixed(cost < 2 * ideal ? 3 : 2)
}

function columns(name: string, values: readonly (number | string)[]): string {
  return `${name.padEnd(33)}${values.map((value) => String(value).padStart(10)).join('')}`.trimEnd()
}

function printExplanation({ targets, surplus }: Explanation): void {
  const due = targets.reduce((sum, { cold, changed }) => sum + cold + changed, 0)
  print('\n    reads   cold changed surplus')
  for (const { target, reads, cold, changed, surplus: beyond } of targets) {
    print(`  ${[reads, cold, changed, beyond].map((value) => String(value).padStart(7)).join('')}  ${target}`)
  }
  const groups = new Map<string, number>()
  for (const { reason } of surplus) groups.set(reason, (groups.get(reason) ?? 0) + 1)
  print(
    `\n  ${due} payments were due, ${surplus.length} more were made: ${[...groups].map(([reason, count]) => `${count} ${reason}`).join(', ')}`,
  )
  for (const { reason, target, read, candidates, newer, firstPaid, hasOpenLink, turn, cacheStatus } of surplus.slice(
    0,
    LISTED,
  )) {
    print(
      `  ${reason.padEnd(21)}${target}${hasOpenLink ? ' (open Link)' : ''}  read ${read.position} turn ${turn} ` +
        `${read.login} ${read.authorization.split(' ')[0]} …${read.authorization.slice(-2)} ${read.accept.slice(16)} ` +
        `tags ${candidates}, newer bodies ${newer}, ` +
        `${firstPaid === undefined ? 'never due' : `${firstPaid.before.toFixed(1)} ms after ${firstPaid.login}`}  ${cacheStatus ?? ''}`,
    )
  }
  print('')
}

/** The first few answers that were not right, to look into. */
function printBad({ answers }: RunResult): void {
  for (const { read, status, verdict, firstTurn, lastTurn, cacheStatus } of answers
    .filter(({ verdict }) => verdict !== 'right' && verdict !== 'old-link' && verdict !== 'shared')
    .slice(0, 10)) {
    print(
      `  ${verdict}: read ${read.position} by ${read.login} of ${read.target}, ${status}, turns ${firstTurn} to ${lastTurn}  ${cacheStatus ?? ''}`,
    )
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

await main().catch((error: unknown) => {
  process.stderr.write(`bench:quota: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
