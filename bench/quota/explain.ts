import type { Expectations } from './expected.ts'
import type { Ideal } from './ideals.ts'
import type { Judged, RunResult } from './run.ts'
import type { Read, Trace } from './trace.ts'
import type { UpstreamEntry } from './upstream.ts'

/**
 * Why a body was paid that is not paid there in the ideal case:
 * - `concurrent`: asked before the first one to pay for this body had been answered
 * - `after-304`: paid at once after a 304 that was not enough, mostly because of its `Link`
 * - `unconditional`: the body was known, and nothing was asked with
 * - `not-among-candidates`: the body was known, and none of the tags that were sent was its tag for this reader
 */
export type Reason = 'concurrent' | 'after-304' | 'unconditional' | 'not-among-candidates'

/** A payment that the ideal does without. */
export interface Surplus {
  readonly reason: Reason
  readonly target: string
  readonly read: Read
  /** How many tags were sent. */
  readonly candidates: number
  /** How many other bodies of the target had been confirmed or sent since this one last was, to anybody. */
  readonly newer: number
  /** Who paid what was paid again, and how long before, ms; undefined for what the ideal never pays. */
  readonly firstPaid: { readonly login: string; readonly before: number } | undefined
  /** The body has a `Link`, or is a full page. */
  readonly hasOpenLink: boolean
  readonly turn: number
  /** What the gateway told the client. */
  readonly cacheStatus: string | undefined
}

/** What one target cost. */
export interface TargetCost {
  readonly target: string
  reads: number
  /** Payments that the ideal makes too: before the world had turned, or after. */
  cold: number
  changed: number
  surplus: number
}

export interface Explanation {
  readonly targets: readonly TargetCost[]
  readonly surplus: readonly Surplus[]
}

/** A payment that takes up a validator after less than this came directly after a 304 to the same question, ms. */
const AT_ONCE = 25

/** Goes through the upstream's log and finds every payment that the ideal does without. */
export function explain(trace: Trace, result: RunResult, expectations: Expectations, ideal: Ideal): Explanation {
  const readers = new Map(trace.reads.map((read) => [read.authorization, read]))
  const targets = new Map<string, TargetCost>()
  const costOf = (target: string): TargetCost => {
    const known = targets.get(target) ?? { target, reads: 0, cold: 0, changed: 0, surplus: 0 }
    targets.set(target, known)
    return known
  }
  for (const { target, isRefused } of trace.reads) if (!isRefused) costOf(target).reads++
  const firstGiven = firstTimes(result.answers)
  const answersOf = groupAnswers(result.answers)
  const paid = new Map<string, { login: string; time: number }>()
  const recent = new RecentBodies()
  const lasts = new Map<string, UpstreamEntry>()
  const surplus: Surplus[] = []
  for (const entry of result.entries) {
    const question = questionOf(entry.credential, entry.accept, pathOf(entry))
    const before = lasts.get(question)
    lasts.set(question, entry)
    const target = pathOf(entry)
    const reader = readers.get(entry.credential ?? '')
    if (reader === undefined || (entry.status !== 200 && entry.status !== 304)) continue
    const turn = turnOf(entry, result.revisions)
    const state = expectations.find(reader.readerClass, target, turn)
    // Asked for nobody who waits, long after anybody did.
    if (state === undefined) continue
    const newer = recent.use(target, state.body)
    if (entry.status !== 200 || entry.cost === 0) continue
    const read = { ...reader, accept: entry.accept ?? '', target }
    const price = ideal({ read, state })
    const first = typeof price === 'object' ? paid.get(price.once) : undefined
    const isDue = price !== 'free' && first === undefined
    if (typeof price === 'object' && isDue) paid.set(price.once, { login: reader.login, time: entry.time })
    const cost = costOf(target)
    if (isDue) {
      if (turn === 0) cost.cold++
      else cost.changed++
      continue
    }
    cost.surplus++
    const answer = (answersOf.get(question) ?? []).find(
      ({ startedAt, endedAt }) => startedAt <= entry.time + 1 && entry.time <= endedAt,
    )
    surplus.push({
      reason: reasonOf(entry, before, firstGiven.get(`${target} ${state.body}`)),
      target,
      read: answer?.read ?? read,
      newer,
      candidates: entry.ifNoneMatch?.split(',').length ?? 0,
      firstPaid: first === undefined ? undefined : { login: first.login, before: entry.time - first.time },
      hasOpenLink: state.hasOpenLink,
      turn,
      cacheStatus: answer?.cacheStatus,
    })
  }
  const byCost = (one: TargetCost, other: TargetCost) => other.surplus - one.surplus || other.reads - one.reads
  return { targets: [...targets.values()].sort(byCost), surplus }
}

/** Each target's bodies in the order of their last use. */
class RecentBodies {
  private readonly orders = new Map<string, string[]>()

  /** Notes a use; answers with how many others were used since the last one, or with all of them. */
  use(target: string, body: string): number {
    const order = this.orders.get(target) ?? []
    const place = order.indexOf(body)
    this.orders.set(target, [body, ...order.filter((one) => one !== body)])
    return place === -1 ? order.length : place
  }
}

function reasonOf(entry: UpstreamEntry, before: UpstreamEntry | undefined, firstGivenAt: number | undefined): Reason {
  const isUnconditional = entry.ifNoneMatch === undefined && entry.ifModifiedSince === undefined
  if (isUnconditional && before?.status === 304 && entry.time - before.time < AT_ONCE) return 'after-304'
  if (firstGivenAt === undefined || entry.time < firstGivenAt) return 'concurrent'
  return isUnconditional ? 'unconditional' : 'not-among-candidates'
}

/** When the first client had each body: the gateway knew it from a little earlier on. */
function firstTimes(answers: readonly Judged[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const { read, body, endedAt } of answers) {
    const key = `${read.target} ${body}`
    times.set(key, Math.min(times.get(key) ?? Number.POSITIVE_INFINITY, endedAt))
  }
  return times
}

function groupAnswers(answers: readonly Judged[]): Map<string, Judged[]> {
  const groups = new Map<string, Judged[]>()
  for (const answer of answers) {
    const { accept, authorization, target } = answer.read
    const key = questionOf(authorization, accept, target)
    groups.set(key, [...(groups.get(key) ?? []), answer])
  }
  return groups
}

function questionOf(credential: string | null, accept: string | undefined, target: string): string {
  return `${credential}\n${accept}\n${target}`
}

function pathOf({ target }: UpstreamEntry): string {
  return target.replace(/^\/api\/v3/, '')
}

/** How many turns were over when an answer was made. */
function turnOf({ revision }: UpstreamEntry, revisions: readonly number[]): number {
  return revisions.findLastIndex((one) => one <= (revision ?? 0))
}
