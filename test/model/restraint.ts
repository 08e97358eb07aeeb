import { type Exchange, isRead, NEVER, toldAt, toldTime } from './exchange.ts'
import { describe, Violation } from './judge.ts'
import { isSuccess, type Told } from './told.ts'

/*
 * What the upstream must not be asked, whoever wants to know: it has told the gateway to leave an account alone, that nothing
 * is left, or that a credential is bad. Only where it is certain that the gateway knows whose a request is.
 */

const SECOND = 1000
/** A pause that the upstream states no time for, and how long nothing must have been left before one request finds out. */
const MINUTE = 60_000
const LONGEST_PAUSE = 3_600_000
const FIRST_HOLD = 10_000
const LONGEST_HOLD = 300_000
/** For how long a refused login is remembered. */
const MEMORY = 600_000

/** An exchange, and the account that it counts for when it is sent and when it is answered; `undefined`: not certain. */
interface Sent {
  readonly exchange: Exchange
  readonly account: string | undefined
  readonly toldOf: string | undefined
  readonly told: number
}

/** @throws Violation where the upstream was asked what it should not have been */
export function refuseHammering(exchanges: readonly Exchange[], told: Told): void {
  for (const generation of new Set(exchanges.map((each) => each.generation))) {
    const own = exchanges.filter((each) => each.generation === generation)
    const names = new Names(own, told)
    const sent = own.map((exchange) => ({
      exchange,
      account: names.of(exchange, exchange.sentAt, exchange.accepted),
      toldOf: names.of(exchange, toldAt(exchange), exchange.acceptedAfter),
      told: toldAt(exchange),
    }))
    // An answer that says nothing of limits makes the gateway take the account for one without any.
    const isCounted = !own.some((each) => isSuccess(each) && each.stated === undefined)
    const probed = new Set<string>()
    for (const each of sent) {
      refuseBadLogin(each.exchange, own)
      if (each.account === undefined) continue
      refuseInPause(each, sent, told)
      if (isCounted) refuseOverdraft(each, sent, probed, told)
    }
  }
}

/** What the gateway calls accounts, as far as that is certain. */
class Names {
  readonly #firstAccepted = new Map<string, number>()
  readonly #introduced = new Map<string, { readonly from: number; readonly certain: number }>()

  constructor(exchanges: readonly Exchange[], told: Told) {
    for (const each of exchanges) {
      const { credential } = each
      if (!this.#introduced.has(credential)) {
        this.#introduced.set(credential, { from: told.introducedAt(each), certain: told.knownSince(each) })
      }
      if (isSuccess(each) && each.arrivedAt < (this.#firstAccepted.get(credential) ?? NEVER)) {
        this.#firstAccepted.set(credential, each.arrivedAt)
      }
    }
  }

  of({ credential, owner }: Exchange, tick: number, isAccepted: boolean): string | undefined {
    if (credential === 'anonymous') return credential
    // A credential that was accepted once and is not any longer may count for either.
    if (!isAccepted)
      return tick < (this.#firstAccepted.get(credential) ?? NEVER) ? `unaccepted ${credential}` : undefined
    const { from, certain } = this.#introduced.get(credential)!
    if (tick < from) return credential
    return tick >= certain ? owner : undefined
  }
}

/** After a refusal nothing goes out until its time has come; then one request first, and one more for each that is answered. */
function refuseInPause({ exchange, account }: Sent, all: readonly Sent[], told: Told): void {
  // Whatever the account was called when it was told so: it was told to this credential.
  const isOfAccount = ({ toldOf, exchange: { credential } }: Sent) =>
    toldOf === account || (toldOf !== undefined && credential === exchange.credential)
  const isRefusal = (each: Sent) => each.told < exchange.sentAt && each.exchange.limited?.kind === 'secondary'
  const refusals = all
    .filter((each) => isRefusal(each) && isOfAccount(each))
    .sort((left, right) => left.told - right.told)
  for (const [index, refusal] of refusals.entries()) {
    const { waits } = refusal.exchange.limited!
    const guess = MINUTE * 2 ** followed(refusals.slice(0, index), refusal, all)
    const until = toldTime(refusal.exchange) + Math.min(Math.max(waits ?? guess, SECOND), LONGEST_PAUSE)
    if (exchange.sentTime < until) refuse(exchange, `goes out ${until - exchange.sentTime} ms before a pause is over`)
  }
  // Those who are not accepted share the way, and slow down nobody else on it.
  const slowed = refusals.filter((each) => each.toldOf === account && !account?.startsWith('unaccepted'))
  const since = slowed.at(-1)?.told
  if (since === undefined) return
  const after = all.filter((each) => each.exchange.sentAt > since && each.exchange.sentAt < exchange.sentAt)
  const answered = after.filter(
    (each) =>
      (each.account === account || each.toldOf === account) &&
      each.told < exchange.sentAt &&
      each.exchange.limited === undefined,
  ).length
  // The same begins anew with each window, when it is first used: those that are still out then are left out of it.
  const pausedTime = toldTime(slowed.at(-1)!.exchange)
  const resets = told.resets(exchange, exchange.sentAt).map((reset) => reset * 1000)
  if (resets.some((reset) => reset > pausedTime && reset <= exchange.sentTime)) return
  const out = after.filter((each) => each.account === account && each.exchange.endedAt > exchange.sentAt).length
  if (out > answered) refuse(exchange, `goes out beside ${out} others, and ${answered} were answered since a pause`)
}

/** How many refusals, of those before one, have gone before it without anything being answered in between. */
function followed(before: readonly Sent[], refusal: Sent, all: readonly Sent[]): number {
  const last = before.at(-1)
  if (last === undefined) return 0
  const isOver = all.some(
    ({ exchange, told }) =>
      exchange.owner === refusal.exchange.owner &&
      exchange.limited === undefined &&
      told > last.told &&
      told < refusal.told,
  )
  if (isOver) return 0
  const isTogether = refusal.exchange.sentAt < last.told
  return followed(before.slice(0, -1), last, all) + (isTogether ? 0 : 1)
}

/** No more goes out than is left. Where nothing is, one finds out, after a minute; where nothing is known, one a second. */
function refuseOverdraft(sent: Sent, all: readonly Sent[], probed: Set<string>, told: Told): void {
  const { exchange, account } = sent
  const { sentAt, sentTime, resource, generation } = exchange
  const isSameBudget = (each: Sent) => each.exchange.resource === resource
  const out = all.filter(
    (each) =>
      isSameBudget(each) &&
      each.account === account &&
      each.exchange.sentAt < sentAt &&
      Math.min(each.told, each.exchange.endedAt) > sentAt,
  )
  const statements = all
    .filter((each) => isSameBudget(each) && each.toldOf === account && each.told < sentAt && isStatement(each.exchange))
    .sort((left, right) => left.told - right.told)
  const reset = Math.max(0, ...statements.map((each) => each.exchange.stated!.reset))
  if (reset * 1000 > sentTime) {
    refuseParallelWrites(sent, all)
    const { left, since } = leftOf(statements.filter((each) => each.exchange.stated!.reset === reset))
    if (left - out.length >= 1) return
    const probe = `${generation} ${account} ${resource} ${reset}`
    const isProbe = out.length === 0 && sentTime >= since + MINUTE && !probed.has(probe)
    if (!isProbe) refuse(exchange, `goes out where ${left} are left and ${out.length} are out`)
    probed.add(probe)
    return
  }
  const lag = told.lag(generation, sentAt)
  const isKnown = told.statements(exchange, resource, sentAt).some((each) => each.reset * 1000 + lag > sentTime)
  const latest = out.find((each) => sentTime - each.exchange.sentTime < SECOND)
  if (isKnown || latest === undefined) return
  refuse(exchange, `goes out beside exchange ${latest.exchange.number}, and nothing is known of what is left`)
}

/** What is left by what was stated of one window, in this order, and when nothing was (epoch ms). */
function leftOf(statements: readonly Sent[]): { readonly left: number; readonly since: number } {
  let left = NEVER
  let since = 0
  let emptyAt = NEVER
  for (const { exchange, told } of statements) {
    const { remaining } = exchange.stated!
    // Somebody has added to it: told in answer to the request that was to find out.
    if (left === 0 && remaining > 0 && exchange.sentAt > emptyAt) left = remaining
    if (remaining === 0 && left > 0) {
      since = toldTime(exchange)
      emptyAt = told
    }
    left = Math.min(left, remaining)
  }
  return { left, since }
}

/** Where there are limits an account writes one thing at a time. */
function refuseParallelWrites({ exchange, account }: Sent, all: readonly Sent[]): void {
  if (isRead(exchange)) return
  const other = all.find(
    (each) =>
      each.account === account &&
      !isRead(each.exchange) &&
      each.exchange.sentAt < exchange.sentAt &&
      each.exchange.endedAt > exchange.sentAt,
  )
  if (other !== undefined) refuse(exchange, `writes beside exchange ${other.exchange.number}`)
}

/** A credential that is bad is not tried again for a while, and for longer after each further time. */
function refuseBadLogin(exchange: Exchange, own: readonly Exchange[]): void {
  const same = own.filter(({ credential }) => credential === exchange.credential && credential !== 'anonymous')
  const refusals = same
    .filter((each) => isBad(each) && toldAt(each) < exchange.sentAt)
    .sort((left, right) => toldAt(left) - toldAt(right))
  let last: Exchange | undefined
  let hold = 0
  for (const each of refusals) {
    const isOver = last === undefined || isAcceptedSince(last, same, toldAt(each))
    // Those that were out together are one.
    if (last !== undefined && !isOver && each.sentAt < toldAt(last)) continue
    const isForgotten = last !== undefined && toldTime(each) - toldTime(last) >= MEMORY
    hold = isOver || isForgotten ? FIRST_HOLD : Math.min(2 * hold, LONGEST_HOLD)
    last = each
  }
  if (last === undefined || isAcceptedSince(last, same, exchange.sentAt)) return
  const until = toldTime(last) + hold
  if (exchange.sentTime < until)
    refuse(exchange, `tries a bad credential again ${until - exchange.sentTime} ms too soon`)
}

function isAcceptedSince(refusal: Exchange, same: readonly Exchange[], tick: number): boolean {
  return same.some((each) => isSuccess(each) && each.sentAt > refusal.sentAt && each.arrivedAt < tick)
}

function isBad({ status, body, asked }: Exchange): boolean {
  return status === 401 && asked.method !== 'HEAD' && body.includes('Bad credentials')
}

function isStatement({ stated, status, limited }: Exchange): boolean {
  return stated !== undefined && status !== 401 && (status !== 403 || limited !== undefined)
}

function refuse(exchange: Exchange, why: string): never {
  throw new Violation(`exchange ${exchange.number} (${exchange.key}) ${why}:\n${describe(exchange)}`)
}
