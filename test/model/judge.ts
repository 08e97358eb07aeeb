import { bodiesOf, notModifiedProblem, otherProblem, presented, unpresented } from './compare.ts'
import { type Exchange, isError, isRead, NEVER } from './exchange.ts'
import { refusedBefore } from './logins.ts'
import { type Own, OwnAnswers } from './own-answers.ts'
import { field, type Got, type Reading } from './reading.ts'
import { insists, isWrittenBetween, type Settings, type Use, usable } from './rules.ts'
import { StatedLimits } from './stated-limits.ts'
import { Told } from './told.ts'
import type { Upstream } from './upstream.ts'
import { PUBLIC, UPSTREAM, type World } from './world.ts'

/** What a client got that no rule allows. */
export class Violation extends Error {
  override name = 'Violation'
}

/**
 * How an answer can have come about: asked for, shared with a request before it, used by a rule, told again, or in the
 * gateway's own words.
 */
export type Source = 'asked' | 'shared' | Use | 'refused before' | `gateway: ${Own}`

interface Candidate {
  readonly exchange: Exchange
  readonly source: Source
}

/**
 * Says whether an answer is one that this caller may be given: what the upstream told this very caller for this very request
 * between its arrival and its answer, or what it told them before where `rules.ts` allows that.
 */
export class Judge {
  readonly #upstream: Upstream
  readonly #world: World
  readonly #settings: Settings
  readonly #isSlow: boolean
  readonly #own: OwnAnswers
  readonly #limits: StatedLimits
  readonly told: Told
  /** By key: the latest that its caller has certainly been told. */
  readonly #seen = new Map<string, Exchange>()
  /** Keys of which something stale was used while it was asked about: that was asked on behalf of whoever got it. */
  readonly #behind = new Set<string>()
  /** Reads and writes by key, for what was out when. */
  readonly #readings = new Map<string, Reading[]>()

  /** @param isSlow whether the gateway's store takes its time */
  constructor(upstream: Upstream, world: World, settings: Settings, isSlow: boolean) {
    this.#isSlow = isSlow
    this.#upstream = upstream
    this.#world = world
    this.#settings = settings
    this.told = new Told(upstream, world)
    this.#own = new OwnAnswers(upstream, this.told)
    this.#limits = new StatedLimits(upstream, this.told)
  }

  seen(key: string, generation: number): Exchange | undefined {
    return this.#seen.get(`${generation} ${key}`)
  }

  /** A request has arrived. */
  begins(reading: Reading): void {
    this.told.begins(reading)
    const known = this.#readings.get(reading.key)
    if (known === undefined) this.#readings.set(reading.key, [reading])
    else known.push(reading)
  }

  /** Whether a limit may keep a request back, or may have until now. */
  mayBeKeptBack(reading: Reading, tick: number): boolean {
    return this.#own.mayBeKeptBack(reading, tick)
  }

  /**
   * A client has got its answer.
   *
   * @param tick now
   * @throws Violation
   */
  judge(reading: Reading, got: Got, tick: number): Source {
    const candidates = this.#candidates(reading, tick)
    const problems: string[] = []
    let source: Source | undefined
    let earliest: Exchange | undefined
    for (const candidate of candidates) {
      const problem = this.#compare(candidate, reading, got, tick)
      if (problem !== undefined) {
        problems.push(`  not exchange ${candidate.exchange.number} (${candidate.source}): ${problem}`)
        continue
      }
      source ??= candidate.source
      const { exchange } = candidate
      if (earliest === undefined || exchange.evaluatedAt < earliest.evaluatedAt) earliest = exchange
    }
    if (source !== undefined && earliest !== undefined) {
      if (!reading.isWrite) this.#sees(earliest, reading)
      if (source === 'stale-while-revalidate') this.#behind.add(reading.key)
      return source
    }
    for (const before of refusedBefore(
      { upstream: this.#upstream, readings: this.told.readings },
      reading,
      got,
      tick,
    )) {
      const problem = otherProblem(before, reading, got) ?? this.#limits.problem(reading, got, undefined, false, tick)
      if (problem === undefined) return 'refused before'
      problems.push(`  not exchange ${before.number} again: ${problem}`)
    }
    const asked = candidates
      .filter(({ source: by }) => by === 'asked' || by === 'shared')
      .map(({ exchange }) => exchange)
    const own = this.#own.judge(reading, got, asked, tick)
    if (typeof own === 'string') {
      const isSpent = own === 'rate-limited' || own === 'share-used'
      const problem = this.#limits.problem(reading, got, undefined, isSpent, tick)
      if (problem === undefined) return `gateway: ${own}`
      problems.push(`  not of the gateway's own (${own}): ${problem}`)
    } else if (own !== undefined) problems.push(`  not of the gateway's own: ${own.problem}`)
    throw new Violation(this.#explain(reading, got, problems))
  }

  #candidates(reading: Reading, tick: number): Candidate[] {
    const found: Candidate[] = []
    const { generation } = reading
    const exchanges = this.#upstream.of(reading.key).filter((each) => each.generation === generation)
    const writes = this.#upstream.exchanges.filter(({ writing }) => writing !== undefined)
    const mayShare = !insists(reading) && reading.directive !== 'only-if-cached'
    for (const exchange of exchanges) {
      if (exchange.arrivedAt === NEVER || isRead(exchange) === reading.isWrite) continue
      const { startedAt } = reading
      if (exchange.evaluatedAt > startedAt) {
        found.push({ exchange, source: 'asked' })
        continue
      }
      if (reading.isWrite || isWrittenBetween(writes, reading, exchange.sentAt, startedAt)) continue
      if (this.#isOlderThanSeen(exchange, reading.floor)) continue
      if (mayShare && this.#wasOut(exchange, startedAt)) found.push({ exchange, source: 'shared' })
    }
    const hasFailed = found.some(({ exchange }) => isError(exchange))
    const isLimited = () =>
      found.some(({ exchange }) => exchange.limited !== undefined) || this.mayBeKeptBack(reading, tick)
    for (const exchange of exchanges) {
      if (reading.isWrite || !this.#tells(exchange)) continue
      if (isWrittenBetween(writes, reading, exchange.sentAt, reading.startedAt)) continue
      if (this.#isOlderThanSeen(exchange, reading.floor)) continue
      const use = usable(exchange, reading, this.#settings, hasFailed, isLimited)
      // What is stale is not told to somebody whom the upstream has refused since.
      const isAccepted = reading.accepted || this.#upstream.accepts(exchange.asked.authorization, generation)
      if (use === 'fresh' || (use !== undefined && isAccepted)) found.push({ exchange, source: use })
    }
    return found
  }

  #tells(exchange: Exchange): boolean {
    const { status, state, fault } = exchange
    if (!isRead(exchange) || status === undefined || exchange.arrivedAt === NEVER || fault === 'lie') return false
    if (status !== 304 && state !== 'complete') return false
    if (this.#behind.has(exchange.key)) return true
    // What was answered only to requests that forbid storing it is nobody else's.
    const during = this.#during(exchange)
    return during.length === 0 || during.some(({ directive }) => directive !== 'no-store')
  }

  /** Requests of the same key that had come and were not over while the exchange was out. */
  #during({ key, sentAt, endedAt }: Exchange): Reading[] {
    const readings = this.#readings.get(key) ?? []
    return readings.filter(({ startedAt, closedAt }) => startedAt <= endedAt && closedAt >= sentAt)
  }

  /** Whether the exchange, or what the gateway did with its answer, was not over at a tick. */
  #wasOut(exchange: Exchange, tick: number): boolean {
    if (exchange.endedAt >= tick) return true
    const readings = this.#readings.get(exchange.key) ?? []
    const open = readings.filter(({ startedAt, closedAt }) => startedAt < tick && closedAt >= tick)
    // A store that takes its time keeps an answer from whoever asked, and from those who came to wait for it.
    return open.some(
      ({ startedAt }) => startedAt < exchange.sentAt || (this.#isSlow && this.#wasOut(exchange, startedAt)),
    )
  }

  #isOlderThanSeen(exchange: Exchange, floor: Exchange | undefined): boolean {
    if (floor === undefined || exchange.evaluatedAt >= floor.evaluatedAt || !speaksOfIt(exchange)) return false
    if (isWhole(exchange) !== isWhole(floor)) return true
    const known = bodiesOf(floor)
    return !bodiesOf(exchange).some((body) => known.includes(body))
  }

  #sees(exchange: Exchange, { directive }: Reading): void {
    if (!speaksOfIt(exchange)) return
    // A store that takes its time may still be about to keep what is older, and nothing that is kept tells it so.
    if (this.#isSlow && directive === 'no-store') return
    const key = `${exchange.generation} ${exchange.key}`
    const known = this.#seen.get(key)
    if (known === undefined || known.evaluatedAt < exchange.evaluatedAt) this.#seen.set(key, exchange)
  }

  /** Why the answer is not what this exchange brought, or `undefined` where it is. */
  #compare({ exchange, source }: Candidate, reading: Reading, got: Got, tick: number): string | undefined {
    const { status, truth } = exchange
    if (status === undefined || truth === undefined) return 'it was not answered'
    const isAsked = source === 'asked' || source === 'shared'
    const limits = this.#limits.problem(reading, got, isAsked ? exchange : undefined, false, tick)
    if (status !== 200 && status !== 304) return otherProblem(exchange, reading, got) ?? limits
    if (reading.isWrite && !got.isWhole) return 'the answer to a write broke off'
    if (got.status === 304)
      return notModifiedProblem(exchange, reading, got) ?? this.#fieldProblem(exchange, got) ?? limits
    if (got.status !== 200) return `it was answered with ${status}`
    if (reading.method !== 'HEAD') {
      const bodies = bodiesOf(exchange).map((body) => presented(body, reading.isJson))
      const isOne = got.isWhole ? bodies.includes(got.body) : bodies.some((body) => body.startsWith(got.body))
      if (!isOne) return `its body is ${bodies.join(' or ')}`
      if (!got.isWhole && exchange.fault !== 'truncated') return 'it came to its end'
    }
    return this.#fieldProblem(exchange, got) ?? limits
  }

  #fieldProblem(exchange: Exchange, got: Got): string | undefined {
    const truth = exchange.truth!
    const { profile } = this.#world
    const is304 = got.status === 304
    const check = (name: string, ...allowed: (string | undefined)[]) => {
      const value = field(got.headers, name)
      return allowed.includes(value) ? undefined : `${name} is ${value}, and not ${allowed.join(' or ')}`
    }
    const fromDate = exchange.status === 304 && exchange.noneMatch === undefined
    const absent304 = exchange.status === 304 ? [undefined] : []
    const tag = field(got.headers, 'etag')
    const isTag = tag === undefined ? truth.tag === undefined || fromDate || is304 : unpresented(tag).tag === truth.tag
    const links = exchange.links.map((link) => link?.replaceAll(UPSTREAM, PUBLIC))
    return (
      (isTag ? undefined : `etag is ${tag}, and not ${truth.tag}`) ??
      check('link', ...links, ...(is304 && !profile.linkOn304 ? [undefined] : [])) ??
      check('x-oauth-scopes', truth.scopes) ??
      check('x-github-sso', truth.sso, ...absent304) ??
      check('x-github-media-type', truth.mediaType, ...absent304) ??
      (is304 ? undefined : check('content-type', truth.contentType)) ??
      this.#dateProblem(exchange, got)
    )
  }

  /** A date may be any that the upstream gave these bytes, to whomever. */
  #dateProblem({ truth, asked, confirmed }: Exchange, got: Got): string | undefined {
    const value = field(got.headers, 'last-modified')
    if (value === undefined || Date.parse(value) === truth!.lastModified) return undefined
    const isKnown = this.#upstream.exchanges.some(
      (each) =>
        each.asked.target === asked.target &&
        (each.truth?.body === truth!.body || confirmed.includes(each.truth?.body ?? '')) &&
        each.truth?.lastModified === Date.parse(value),
    )
    return isKnown ? undefined : `last-modified is ${value}, which was never said of this body`
  }

  #explain(reading: Reading, got: Got, problems: readonly string[]): string {
    const shown = [got.status, ...got.headers.map((text, index) => (index % 2 === 0 ? `\n    ${text}:` : text))].join(
      ' ',
    )
    const history = this.#upstream.of(reading.key).map(describe)
    return [
      `request ${reading.name} (${reading.method} ${reading.key}, ${reading.directive ?? 'no directives'}, begun at ${reading.startedAt}) got what no rule allows:`,
      `    ${shown}\n    ${got.body}${got.isWhole ? '' : ' (broken off)'}`,
      `  its tags: ${reading.tags.join(', ') || 'none'}; its date: ${reading.modifiedSince ?? 'none'}; seen before: ${reading.floor?.number ?? 'nothing'}`,
      ...problems,
      'what the upstream told this caller:',
      ...history,
    ].join('\n')
  }
}

export function describe(exchange: Exchange): string {
  const { number, asked, noneMatch, modifiedSince, status, state, fault, truth } = exchange
  const conditions = [noneMatch, modifiedSince].filter((value) => value !== undefined).join('; ')
  const times = [exchange.sentAt, exchange.evaluatedAt, exchange.arrivedAt, exchange.endedAt].join('/')
  return `  ${number}: ${asked.method} ${conditions} -> ${status} ${state}${fault === undefined ? '' : ` (${fault})`} at ${times}; truth ${truth?.status} "${truth?.tag}" ${truth?.body} ${truth?.link ?? ''}`
}

/** Whether it says how things are with what was asked for. */
function speaksOfIt({ status = 500, fault, limited }: Exchange): boolean {
  return status < 500 && limited === undefined && fault !== '202' && fault !== 'lie'
}

function isWhole({ truth, status }: Exchange): boolean {
  return truth?.status === 200 && (status === 200 || status === 304)
}
