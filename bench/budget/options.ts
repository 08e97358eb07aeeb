import { parseArgs } from 'node:util'
import { type ClientCount, MIXES } from './plan.ts'
import { SUBJECTS, type SubjectName } from './subjects.ts'

const COUNTS = Object.keys(MIXES).map(Number) as ClientCount[]
const NAMES = Object.keys(SUBJECTS) as SubjectName[]

export const HELP = `What becomes of one request budget that many clients share, over simulated hours.

  --seed <number>      what is left to chance: when clients begin, latencies, jitter    1
  --windows <number>   windows of the budget, an hour each                              3
  --clients <list>     of ${COUNTS.join(', ')}: how many clients share it                        all
  --subject <list>     of ${NAMES.join(', ')}: what stands between them and the upstream  all
  --explain            lists what each client used, and its longest wait
  --help               this text

The same seed gives the same numbers. Exits with 1 where the gateway misses an aim.
`

export interface BudgetOptions {
  readonly help: boolean
  readonly seed: number
  readonly windows: number
  readonly clients: readonly ClientCount[]
  readonly subjects: readonly SubjectName[]
  readonly explain: boolean
}

/** Reads the flags. @throws Error where one of them is no such value */
export function parseOptions(args: readonly string[]): BudgetOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      windows: { type: 'string', default: '3' },
      clients: { type: 'string', default: COUNTS.join() },
      subject: { type: 'string', default: NAMES.join() },
      explain: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    help: values.help,
    seed: wholeNumber('seed', values.seed, 0, 2 ** 32 - 1),
    windows: wholeNumber('windows', values.windows, 1, 100),
    clients: choices('clients', values.clients, COUNTS),
    subjects: choices('subject', values.subject, NAMES),
    explain: values.explain,
  }
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new Error(`--${flag} is ${text}: a whole number from ${least} to ${most} is wanted`)
}

function choices<T extends string | number>(flag: string, text: string, allowed: readonly T[]): T[] {
  return text.split(',').map((one) => {
    const found = allowed.find((choice) => String(choice) === one)
    if (found === undefined) throw new Error(`--${flag} has ${one}, which is none of ${allowed.join(', ')}`)
    return found
  })
}
