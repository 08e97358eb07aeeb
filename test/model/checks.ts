import type { Clients } from './clients.ts'
import { type Exchange, isRead, NEVER } from './exchange.ts'
import { describe, Violation } from './judge.ts'
import type { Reading } from './reading.ts'
import type { Upstream } from './upstream.ts'

/** A read is asked at most so often: with conditions, one list or tag at a time, without. Lost connections come on top. */
const MOST_ATTEMPTS = 3

export interface Happened {
  readonly readings: readonly Reading[]
  readonly exchanges: readonly Exchange[]
}

/** An exchange that nobody waits for any longer has been called off. */
export function refuseAbandoned(upstream: Upstream, clients: Clients): void {
  for (const exchange of upstream.exchanges) {
    if ((exchange.state !== 'out' && exchange.state !== 'answered') || exchange.isAborted()) continue
    if (
      clients.open().some(({ reading }) => reading.key === exchange.key && reading.generation === exchange.generation)
    )
      continue
    throw new Violation(`exchange ${exchange.number} (${exchange.key}) goes on for nobody:\n${describe(exchange)}`)
  }
}

/**
 * What holds of every run when it is over, however its answers came about.
 *
 * @param backgroundBegun how often the gateway asked of its own accord
 */
export function checkEnd({ readings, exchanges }: Happened, inBackground: number, backgroundBegun: number): void {
  if (inBackground > 0) throw new Violation('work in the background never ends')
  const lost = exchanges.filter(({ fault }) => fault === 'lost' || fault === 'lost late').length
  for (const { name: request, key, answers, events, hasLeft, closedAt, isWrite, directive } of readings) {
    const name = `request ${request}`
    if (closedAt === NEVER) throw new Violation(`${name} never ends`)
    if (answers.length !== 1) throw new Violation(`${name} got ${answers.length} answers`)
    if (events.length !== 1) throw new Violation(`${name} has ${events.length} events`)
    const { requests, failure } = events[0]!
    if (failure === 'client-gone' && !hasLeft) throw new Violation(`${name} failed because somebody else left`)
    // What a limit refused may be asked once more: a write only because it was not carried out.
    const isRepeated = exchanges.some((each) => each.key === key && each.limited !== undefined)
    const most = isWrite ? 1 : MOST_ATTEMPTS + lost
    if (requests > (isRepeated ? 2 * most : most)) throw new Violation(`${name} was asked ${requests} times`)
    if (directive === 'only-if-cached' && requests > 0) throw new Violation(`${name} forbade asking`)
  }
  for (const exchange of exchanges) refuseStray(exchange, exchanges, readings, backgroundBegun > 0)
  const reads = readings.filter(({ isWrite }) => !isWrite).length
  const asked = exchanges.filter(isRead)
  const limited = asked.filter((each) => each.limited !== undefined).length
  if (asked.length > MOST_ATTEMPTS * (reads + backgroundBegun + limited) + lost)
    throw new Violation(`${asked.length} exchanges for ${reads} reads`)
  for (const key of new Set(readings.filter(({ isWrite }) => isWrite).map((reading) => reading.key)))
    checkWrites(
      key,
      readings.filter((reading) => reading.isWrite && reading.key === key),
      exchanges.filter((each) => !isRead(each) && each.key === key),
    )
}

/** A write goes out once, and a second time only after it was refused for a limit. */
function checkWrites(key: string, readings: readonly Reading[], exchanges: readonly Exchange[]): void {
  const counted = readings.flatMap(({ events }) => events).reduce((sum, { requests }) => sum + requests, 0)
  const carriedOut = exchanges.filter(({ limited }) => limited === undefined).length
  if (exchanges.length !== counted || carriedOut > readings.length)
    throw new Violation(`${exchanges.length} exchanges (${counted} counted) for ${readings.length} writes of ${key}`)
}

/** An exchange ends, somebody asked for it, and its validators are its caller's own to send. */
function refuseStray(
  exchange: Exchange,
  exchanges: readonly Exchange[],
  readings: readonly Reading[],
  hasBackground: boolean,
): void {
  const { number, key, generation, state, sentAt, modifiedSince, noneMatch } = exchange
  if (state === 'out' || state === 'answered') throw new Violation(`exchange ${number} is left open (${state})`)
  const asking = readings.filter(
    (reading) => reading.key === key && reading.generation === generation && reading.startedAt < sentAt,
  )
  if (!asking.some(({ closedAt }) => closedAt > sentAt) && !(hasBackground && asking.length > 0)) {
    throw new Violation(
      `nobody asked for exchange ${number} (${key}):\n${describe(exchange)}\nrequests: ${asking.map(({ name, startedAt, closedAt }) => `${name} at ${startedAt}/${closedAt}`).join(', ')}`,
    )
  }
  if (modifiedSince === undefined) return
  if (noneMatch !== undefined) throw new Violation(`exchange ${number} has a tag and a date`)
  const since = Date.parse(modifiedSince)
  const isTold = exchanges.some(
    (each) =>
      each.key === key &&
      each.generation === generation &&
      each.arrivedAt < sentAt &&
      each.truth?.lastModified === since,
  )
  if (!isTold && !asking.some((reading) => reading.modifiedSince === since)) {
    throw new Violation(
      `exchange ${number} (${key}) asks with a date that this caller was never told: ${modifiedSince}`,
    )
  }
}
