import { Failure } from '../../errors.ts'
import { costOf, isFree, statedRateLimit } from '../../github/rate-limit.ts'
import { headerValue } from '../../http/headers.ts'
import { parseHttpDate } from '../../http/http-date.ts'
import type { BudgetLedger, Clock, HeaderList, RateLimit, Reservation, WriteSpacing } from '../../ports.ts'
import type { Accounts, ChargedAccount } from './accounts.ts'
import { HeldBody, isLimitRefusal } from './ask.ts'
import { whenOver } from './collect.ts'
import type { Attempt, Question, Response } from './exchange.ts'
import { limitFailure } from './limit-failure.ts'
import type { RateLimitResources } from './rate-limit-resources.ts'

export interface BudgetOptions {
  readonly ledger: BudgetLedger
  readonly accounts: Accounts
  readonly resources: RateLimitResources
  readonly spacing: WriteSpacing
  readonly accepted: { has(fingerprint: string): boolean }
  readonly clock: Clock
  /** Told of a question that has to wait: it is not on its way. */
  readonly onWait: (question: Question) => void
  /** Told that it goes now. */
  readonly onGo: (question: Question) => void
}

/** What goes wrong before anything is sent. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'bad-target',
  'upstream-unreachable',
  'upstream-connect-timeout',
  'upstream-busy',
])

/**
 * Lets every attempt pass the ledger: a unit is reserved before it is sent, and what its answer says of the budgets is taken
 * in, 304s included. Only from answers that accept the credential: a 401, or a 403 that is not about limits, carries the
 * numbers of whoever was charged instead.
 *
 * @throws Failure `rate-limited`, `share-used`, `paused` or `upstream-busy` where it may not be sent
 */
export function budget(options: BudgetOptions, next: Attempt): Attempt {
  const { ledger, accounts, resources, spacing, accepted, clock, onWait, onGo } = options

  return async function budgeted(question, compose) {
    if (!question.isCharged) return next(question, compose)
    const account = accounts.of(question)
    const isWrite = isSpacedWrite(question)
    let waited = false
    const reserving = ledger.reserve({
      account: account.name,
      isVouchedFor: account.isVouchedFor,
      resource: resources.of(question.path),
      client: question.client,
      isBackground: question.isBackground,
      isWrite,
      units: isFree(question) ? 0 : 1,
      longestWait: question.longestWait,
      signal: question.signal(),
      onWait: () => {
        waited = true
        onWait(question)
      },
    })
    const place = reserving instanceof Promise ? await reserving : reserving
    if (!place.isGranted) throw limitFailure(place, clock.now())
    if (waited) onGo(question)

    let sent: HeaderList | undefined
    const go = async () => {
      refuseIfGone(question)
      return next(question, async () => {
        const headers = await compose()
        refuseIfGone(question)
        sent = headers
        return headers
      })
    }
    try {
      const isSpaced = isWrite && place.isLimited
      const response = await (isSpaced ? spacing.next(account.name, go) : go())
      settle(question, account, place, response, sent ?? question.headers)
      return ending(question, place, response)
    } catch (thrown) {
      if (sent !== undefined && !(thrown instanceof Failure && NEVER_SENT.has(thrown.tag))) place.lose()
      else place.giveBack()
      place.end()
      throw thrown
    }
  }

  /** @param sent the fields that it was asked with */
  function settle(
    question: Question,
    asked: ChargedAccount,
    place: Reservation,
    response: Response,
    sent: HeaderList,
  ): void {
    const { method, path, credential } = question
    const { status, headers, refusal } = response
    const now = clock.now()
    const isLimited = isLimitRefusal(response)
    const isOrdinary = status < 300 || status === 304
    const speaksForAccount = status !== 401 && (status !== 403 || isLimited)
    const found = statedRateLimit(headers, path)
    const stated = speaksForAccount ? found : undefined
    // Only where there is something: what is missing has the paths that callers make up.
    if (stated !== undefined && isOrdinary && namesResource(headers, stated)) resources.learn(path, stated.resource)
    const isAccepted = !credential.isAnonymous && accepted.has(credential.fingerprint)
    const latest = (name: string, resource: string) => ledger.latest(name, resource)
    const charged = isAccepted ? accounts.accepted(question, stated, latest) : asked
    // The gateway's own application, too, is somebody.
    const isAnonymous = credential.isAnonymous && headerValue(sent, 'authorization') === undefined
    place.settle({
      account: charged.name,
      isVouchedFor: charged.isVouchedFor,
      stated,
      date: parseHttpDate(headerValue(headers, 'date'), now),
      cost: status === 401 ? 0 : costOf({ method, path, isAnonymous }, status, isLimited),
      refused: refusal?.kind === 'primary' || refusal?.kind === 'secondary' ? refusal.kind : undefined,
      retryAfter: refusal !== undefined && 'retryAfter' in refusal ? refusal.retryAfter : undefined,
      isOrdinary,
    })
    if (status === 401 && found !== undefined) chargeAddress(found)
  }

  /** The upstream charges a wrong credential to its address: believed where the numbers are those of the same window. */
  function chargeAddress(stated: RateLimit): void {
    const held = ledger.latest(accounts.address, stated.resource)
    if (held !== undefined && held.limit === stated.limit && held.reset === stated.reset) {
      ledger.observe(accounts.address, stated)
    }
  }
}

function refuseIfGone(question: Question): void {
  if (question.signal().aborted) throw new Failure('client-gone')
}

/** Whether it was the answer that named the resource, and not its path. */
function namesResource(headers: HeaderList, { resource }: RateLimit): boolean {
  return headerValue(headers, 'x-ratelimit-resource') === resource
}

/** The place on the way is free when the answer's body is over, or nobody wants it. */
function ending(question: Question, place: Reservation, response: Response): Response {
  const { body } = response
  const signal = question.signal()
  if (body === null || body instanceof HeldBody || signal.aborted) {
    place.end()
    return response
  }
  let isOver = false
  const end = () => {
    if (isOver) return
    isOver = true
    signal.removeEventListener('abort', end)
    place.end()
  }
  signal.addEventListener('abort', end, { once: true })
  return { ...response, body: whenOver(body, end) }
}

/** Bytes of a body that takes its time: nothing else could be written meanwhile. */
const LONG_BODY = 1024 * 1024

/**
 * Whether a question may change something, as far as its method tells: such go one at a time. GraphQL asks by POST whatever
 * it asks, and each of its questions would take a second; an upload would keep all others waiting.
 */
function isSpacedWrite({ method, path, bodyLength = 0 }: Question): boolean {
  const isRead = method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
  return !isRead && path !== '/graphql' && bodyLength <= LONG_BODY
}
