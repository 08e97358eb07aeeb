import { Failure } from '../../errors.ts'
import { claimOf } from '../../github/claim.ts'
import { credentialOf } from '../../github/credential.ts'
import { headerValue, withoutHeaders } from '../../http/headers.ts'
import type { AcceptedCredentials, Clock, Digest } from '../../ports.ts'
import type { Attempt, Question, Response } from './exchange.ts'
import { type AttemptEnd, type Password, PasswordAttempts, Turns } from './password-attempts.ts'
import { Holds, type KeptRefusal, keepRefusal, repeatRefusal, type Sending } from './refused-credentials.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** How long a 401 is repeated. */
const REFUSALS = { first: 10 * SECOND, longest: 5 * MINUTE, memory: 10 * MINUTE }
/**
 * How long a user's passwords stay here after the upstream reported a lockout: it does not say when that ends. Remembered
 * for longer than the longest hold, so that a lockout that goes on is known for the same.
 */
const LOCKOUTS = { first: MINUTE, longest: 10 * MINUTE, memory: 20 * MINUTE }
/** For how long only passwords that were accepted before may try whether it has ended, ms. */
const ACCEPTED_FIRST = MINUTE

export interface ProtectLoginsOptions {
  readonly accepted: AcceptedCredentials
  readonly digest: Digest
  readonly clock: Clock
}

/** What of a request may be held here, and under which names. */
interface Login {
  /** `undefined`: what is refused may be accepted the next time. */
  readonly refusals: { readonly credential: string; readonly address: string } | undefined
  readonly password: Password | undefined
}

/**
 * Keeps failed logins from the upstream, which counts them and locks users out (seed, "Failed login limit").
 *
 * A credential that was refused is refused here with the same answer for a short, growing time; a 401 for any other reason
 * (a second factor, an access that needs another credential) is repeated for that URL alone. Of unknown passwords only a
 * few go upstream, and none while it reports that the user is locked out. What one caller sends wrongly never changes what
 * another gets, save that a user name has a number of attempts for all: that keeps the user from being locked out, and
 * holds no password that was accepted before.
 *
 * @param between what lies between this and `next`, and may keep requests waiting
 * @throws Failure `login-locked` for what is refused here, `upstream-busy` when too many requests wait for the answer to
 *   the same unknown password, and whatever `next` throws
 */
export function protectLogins(
  { accepted, digest, clock }: ProtectLoginsOptions,
  next: Attempt,
  between: (noted: Attempt) => Attempt = (noted) => noted,
): Attempt {
  const credentials = new Holds<KeptRefusal>(REFUSALS, clock)
  const addresses = new Holds<KeptRefusal>(REFUSALS, clock)
  const lockouts = new Holds<true>(LOCKOUTS, clock)
  const attempts = new PasswordAttempts(clock)
  const turns = new Turns()
  const sendings = new WeakMap<Question, ReturnType<typeof begin>>()

  const isKnown = (password: Password) => accepted.has(password.fingerprint) || attempts.knows(password)

  function heldForAddress({ credential }: Question, address: string): KeptRefusal | undefined {
    const kept = addresses.held(address)
    // It may have been about the credential, which has been accepted since.
    return kept !== undefined && isUnexplained(kept) && accepted.has(credential.fingerprint) ? undefined : kept
  }

  /** What is answered without asking, where that is so. */
  function answeredHere(question: Question, { refusals, password }: Login): Response | undefined {
    const kept = refusals && (credentials.held(refusals.credential) ?? heldForAddress(question, refusals.address))
    if (kept !== undefined) return repeatRefusal(kept, question.method)
    if (password === undefined) return undefined
    const further = isKnown(password) ? 0 : ACCEPTED_FIRST
    if (lockouts.held(password.user, further) !== undefined) throw new Failure('login-locked')
    if (!accepted.has(password.fingerprint) && !attempts.allows(password)) throw new Failure('login-locked')
    return undefined
  }

  /** Notes that a request goes upstream, and later what it was answered. */
  function begin(question: Question, { refusals, password }: Login) {
    const ofCredential = refusals && credentials.begin(refusals.credential)
    const ofAddress = refusals && addresses.begin(refusals.address)
    const ofUser = password && lockouts.begin(password.user)
    const isUnknown = password !== undefined && !accepted.has(password.fingerprint)
    const endAttempt = isUnknown ? attempts.begin(password) : undefined
    // One with a body may take as long as its client likes: nobody waits for that.
    const endTurn = isUnknown && question.body === null ? turns.begin(password) : undefined
    const all: (Sending<KeptRefusal> | Sending<true> | undefined)[] = [ofCredential, ofAddress, ofUser]
    let attemptEnd: AttemptEnd = 'neither'
    return {
      refusedMeanwhile: () => ofCredential?.refusedMeanwhile() ?? ofAddress?.refusedMeanwhile(),
      lockedMeanwhile: () => ofUser?.refusedMeanwhile() !== undefined,
      sent() {
        for (const each of all) each?.sent()
      },
      lost() {
        attemptEnd = 'wrong'
      },
      async answered(response: Response): Promise<Response> {
        const { status, refusal } = response
        // A preflight is answered before anybody looks at the credential.
        if (isSuccess(status) && question.method !== 'OPTIONS') {
          attemptEnd = 'right'
          if (password !== undefined) attempts.learn(password, true)
          for (const each of all) each?.accepted()
        }
        if (refusal?.kind === 'login-locked') ofUser?.refused(true)
        if (status !== 401) return response
        attemptEnd = 'wrong'
        const isBad = refusal?.kind === 'bad-credentials'
        if (isBad && password !== undefined) attempts.learn(password, false)
        if (refusals === undefined) return response
        const { response: whole, kept } = await keepRefusal(response)
        if (kept === undefined || (isUnexplained(kept) && ofCredential?.isOutdated())) return whole
        ;(isBad ? ofCredential : ofAddress)?.refused(kept)
        return whole
      },
      end() {
        for (const each of all) each?.end()
        endAttempt?.(attemptEnd)
        endTurn?.()
      },
    }
  }

  /** What an answer says is noted before anybody who waits between here and there goes on: they may have the same login. */
  const asked = between(async (question, compose) => {
    const response = await next(question, compose)
    const sending = sendings.get(question)
    return sending === undefined ? response : sending.answered(response)
  })

  return async function guarded(question, compose) {
    const login = loginOf(question, digest)
    if (login === undefined) return asked(question, compose)
    const { password } = login
    for (;;) {
      const here = answeredHere(question, login)
      if (here !== undefined) return here
      if (password === undefined || accepted.has(password.fingerprint)) break
      const wait = turns.wait(password, question.signal())
      if (wait === undefined) break
      await wait
    }
    const sending = begin(question, login)
    sendings.set(question, sending)
    const requests = question.use.requests
    let stopped: { readonly failure: Failure; readonly kept: KeptRefusal } | undefined
    try {
      return await asked(question, async () => {
        // Its turn may come long after: what was refused meanwhile would be refused again.
        if (sending.lockedMeanwhile()) throw new Failure('login-locked')
        const kept = sending.refusedMeanwhile()
        if (kept !== undefined) {
          stopped = { failure: new Failure('unauthorized'), kept }
          throw stopped.failure
        }
        const headers = await compose()
        sending.sent()
        return headers
      })
    } catch (thrown) {
      if (stopped !== undefined && thrown === stopped.failure) return repeatRefusal(stopped.kept, question.method)
      // The upstream has it and its client left: else whoever leaves soon enough could try as many as they like.
      if (question.use.requests > requests && question.signal().aborted) sending.lost()
      throw thrown
    } finally {
      sending.end()
    }
  }
}

/** The answer to a HEAD has no words: whether it is about the credential or about what was asked for is not known. */
function isUnexplained({ bytes }: KeptRefusal): boolean {
  return bytes === null
}

function isSuccess(status: number): boolean {
  return (status >= 200 && status < 300) || status === 304
}

/** How a request logs in, or `undefined` where nothing of it is held. */
function loginOf(question: Question, digest: Digest): Login | undefined {
  const { credential, address, headers, query, method, key } = question
  if (credential.isAnonymous) return undefined
  const claim = claimOf(headers, query)
  // An app signs another token every few minutes, and the clock may have been what was wrong with this one.
  if (claim.kind === 'signed') return undefined
  const { fingerprint } = credential
  const hasOneTime = headerValue(headers, 'x-github-otp') !== undefined
  const password: Password | undefined =
    claim.kind === 'password'
      ? {
          user: `${address.origin} ${claim.userName}`,
          group: question.client.group,
          fingerprint,
          withoutOneTime: hasOneTime ? `${address.origin} ${fingerprintWithoutOneTime(question, digest)}` : undefined,
        }
      : undefined
  // A one-time password is another one soon, and a wrong one says nothing of what stands beside it.
  if (hasOneTime) return password && { refusals: undefined, password }
  const name = encoder.encode(`${method} ${address.origin} ${key}`)
  return { refusals: { credential: `${address.origin} ${fingerprint}`, address: digest.contentKey(name) }, password }
}

const encoder = new TextEncoder()

function fingerprintWithoutOneTime({ headers, query }: Question, digest: Digest): string {
  return credentialOf(
    withoutHeaders(headers, (name) => name === 'x-github-otp'),
    query,
    digest,
  ).fingerprint
}
