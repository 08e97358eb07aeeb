import { parseArgs } from 'node:util'

export const HELP = `What a reference trace costs in units of the primary rate limit, for several ways of reading it.

  --seed <number>          the trace's seed                                        1
  --reads <number>         reads that the upstream allows                          4000
  --change-every <number>  reads between two changes, not below --concurrent        40
  --rotations <number>     how often all tokens are replaced                       4
  --concurrent <number>    requests at a time                                      8
  --latency <list>         upstream latencies to run at, ms, comma-separated       0,40
  --subjects <list>        of direct, per-token, nginx, weir                       all, nginx where it is installed
  --modes <list>           of opaque, single-tags, no-link, git, none; or - for no others  all
  --explain                lists what the gateway paid beyond the least, and why
  --help                   this text

The same settings come from the environment as QUOTA_SEED, QUOTA_CHANGE_EVERY and so on; flags win. Exits with 1 where an answer
of the gateway was stale, leaked or wrong.
`

const FLAGS = {
  seed: { type: 'string' },
  reads: { type: 'string' },
  'change-every': { type: 'string' },
  rotations: { type: 'string' },
  concurrent: { type: 'string' },
  latency: { type: 'string' },
  subjects: { type: 'string' },
  modes: { type: 'string' },
  explain: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

type Name = keyof typeof FLAGS

export const SUBJECTS = ['direct', 'per-token', 'nginx', 'weir'] as const
export const MODES = ['no-link', 'opaque', 'single-tags', 'git', 'none'] as const

export type SubjectName = (typeof SUBJECTS)[number]
export type ModeName = (typeof MODES)[number]

export interface QuotaOptions {
  readonly help: boolean
  readonly seed: number
  readonly reads: number
  readonly changeEvery: number
  readonly rotations: number
  readonly concurrent: number
  /** ms */
  readonly latencies: readonly number[]
  readonly subjects: readonly SubjectName[]
  readonly modes: readonly ModeName[]
  readonly explain: boolean
}

/** Reads flags and environment. @throws Error where one of them is no such value */
export function parseOptions(args: readonly string[], environment: NodeJS.ProcessEnv): QuotaOptions {
  const { values } = parseArgs({ args: [...args], options: FLAGS })
  const text = (name: Name): string | undefined => {
    const flag = values[name]
    return flag === undefined ? environment[`QUOTA_${name.toUpperCase().replaceAll('-', '_')}`] : String(flag)
  }
  const isOn = (name: Name) => ['true', '1', 'yes', 'on'].includes(text(name) ?? '')
  const number = (name: Name, fallback: number, least: number): number => {
    const given = text(name) ?? String(fallback)
    if (!/^\d{1,9}$/.test(given) || Number(given) < least)
      throw new Error(`--${name} is ${given}: a whole number from ${least} on is wanted`)
    return Number(given)
  }
  const list = (name: Name, fallback: string) =>
    (text(name) ?? fallback).split(',').filter((one) => one !== '-' && one !== '')
  const choices = <T extends string>(name: Name, allowed: readonly T[]): T[] =>
    list(name, allowed.join()).map((one) => {
      const found = allowed.find((choice) => choice === one)
      if (found === undefined) throw new Error(`--${name} has ${one}, which is none of ${allowed.join(', ')}`)
      return found
    })
  const latencies = list('latency', '0,40').map((one) => {
    if (!/^\d{1,5}$/.test(one)) throw new Error(`--latency has ${one}, which is no whole number of milliseconds`)
    return Number(one)
  })
  const concurrent = number('concurrent', 8, 1)
  return {
    help: isOn('help'),
    seed: number('seed', 1, 0),
    reads: number('reads', 4000, 1),
    // With more changes than requests at a time, an answer would be older than what is looked up to judge it.
    changeEvery: number('change-every', 40, concurrent),
    rotations: number('rotations', 4, 0),
    concurrent,
    latencies,
    subjects: choices('subjects', SUBJECTS),
    modes: choices('modes', MODES),
    explain: isOn('explain'),
  }
}
