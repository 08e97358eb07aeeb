import { type Exchange, toldAt, toldTime } from './exchange.ts'
import type { Got, Reading } from './reading.ts'
import { isSuccess } from './told.ts'
import type { Upstream } from './upstream.ts'

/*
 * When the gateway may refuse a login without asking. Restated here:
 *
 * *Refused before.* A 401 that the upstream told this very credential is told again: `Bad credentials` whatever is asked for,
 * any other for the same question, and so one to HEAD, which says nothing. For ten seconds, and twice as long with each further one, up to five minutes; and while
 * one request finds out whether it still holds, for at most ten seconds, if it was told within ten minutes. Never when
 * something that was sent after it has been accepted since.
 *
 * *Locked.* A password that the upstream has not accepted, when three others of the same user were wrong within a minute.
 *
 * Neither for requests without a credential.
 */

const FIRST = 10_000
const LONGEST = 300_000
const MEMORY = 600_000
const WINDOW = 60_000
const MOST_WRONG = 3

/** The exchanges whose 401 this may be, told again. */
export function refusedBefore(
  { upstream, readings }: History,
  reading: Reading,
  got: Got,
  tick: number,
): readonly Exchange[] {
  if (reading.credential === 'anonymous' || got.status !== 401) return []
  const isMeant = ({ body }: Exchange) => reading.method === 'HEAD' || got.body === body
  // It may have been told to a request whose answer this one shares: to one for the whole, also where only the head is wanted.
  const shared = readings.filter(
    ({ key, generation, method, startedAt, closedAt }) =>
      key === reading.key &&
      generation === reading.generation &&
      (method === 'GET' || method === reading.method) &&
      startedAt < reading.startedAt &&
      closedAt > reading.startedAt,
  )
  return upstream.exchanges.filter(
    (each) =>
      isMeant(each) && [reading, ...shared].some((asking) => mayRepeat({ upstream, readings }, each, asking, tick)),
  )
}

/** Everything that was asked, by clients and of the upstream. */
interface History {
  readonly upstream: Upstream
  readonly readings: readonly Reading[]
}

function mayRepeat({ upstream, readings }: History, refusal: Exchange, reading: Reading, tick: number): boolean {
  if (refusal.status !== 401 || toldAt(refusal) > tick) return false
  // An answer to HEAD has no words.
  const isExplained = refusal.asked.method !== 'HEAD'
  const isBad = isExplained && refusal.body.includes('Bad credentials')
  const isOfCredential = ({ generation, credential }: Exchange) =>
    generation === reading.generation && credential === reading.credential
  const isSame = (each: Exchange) =>
    isOfCredential(each) && (isBad || (each.asked.method === reading.method && each.key === reading.key))
  if (!isSame(refusal)) return false
  const same = upstream.exchanges.filter((each) => isSame(each))
  const isAcceptedSince = upstream.exchanges.some(
    (each) =>
      (isExplained ? isSame(each) : isOfCredential(each)) &&
      isSuccess(each) &&
      each.sentAt > refusal.sentAt &&
      each.arrivedAt < reading.startedAt,
  )
  if (isAcceptedSince) return false
  const age = reading.startedTime - toldTime(refusal)
  const times = same.filter((each) => each.status === 401 && toldAt(each) <= tick).length
  if (age < Math.min(FIRST * 2 ** (times - 1), LONGEST)) return true
  if (age >= MEMORY) return false
  const isTried = same.some(
    ({ sentAt, sentTime, endedAt }) =>
      sentAt > toldAt(refusal) && endedAt >= reading.startedAt && reading.startedTime - sentTime < FIRST,
  )
  // One may be about to be sent, when the store has answered or it is its turn.
  const isAboutTo = readings.some(
    (each) =>
      each !== reading &&
      each.generation === reading.generation &&
      each.credential === reading.credential &&
      each.startedAt <= tick &&
      each.closedAt > reading.startedAt &&
      !same.some(
        ({ key, sentAt, endedAt }) => key === each.key && sentAt > each.startedAt && endedAt > reading.startedAt,
      ),
  )
  return isTried || isAboutTo
}

/** Whether the gateway may take a user's logins for about to be locked. */
export function mayBeLocked(upstream: Upstream, reading: Reading, tick: number): boolean {
  if (!reading.credential.startsWith('Basic ') || upstream.accepts(reading.credential, reading.generation)) return false
  const wrong = upstream.exchanges.filter(
    (each) =>
      each.generation === reading.generation &&
      each.owner === reading.owner &&
      each.credential !== reading.credential &&
      each.sentAt <= tick &&
      (each.endedAt > reading.startedAt || reading.startedTime - each.endedTime < WINDOW) &&
      (each.status === 401 || each.status === undefined),
  )
  return new Set(wrong.map(({ credential }) => credential)).size >= MOST_WRONG
}
