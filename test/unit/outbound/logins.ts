import { toFailure } from '../../../src/errors.ts'
import { credentialOf } from '../../../src/github/credential.ts'
import type { Question, Response } from '../../../src/middleware/outbound/exchange.ts'
import { protectLogins } from '../../../src/middleware/outbound/protect-logins.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { type Asked, digest, HandClock, held, JSON_TYPE, questionFor, response } from './harness.ts'

export const TOKEN = 'token ghp_one'
export const SECOND = 1000
export const MINUTE = 60 * SECOND

export const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
export const BAD_BODY = '{"message":"Bad credentials"}'

/** A body that can be read once, as those that come from the upstream. */
export async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

export const ok = (status = 200): Response => response(status, {}, status === 304 ? null : '{}')
export const refused = (
  fields: Record<string, string> = {},
  body: string | AsyncIterable<Uint8Array> | null = BAD_BODY,
): Response => ({
  ...response(401, { 'content-type': JSON_TYPE, ...fields }, typeof body === 'string' ? pieces(body) : body),
  refusal: { kind: 'bad-credentials', documentationUrl: undefined },
})
export const otherRefusal = (fields: Record<string, string> = {}): Response =>
  response(401, { 'content-type': JSON_TYPE, ...fields }, pieces('{"message":"Requires authentication"}'))
export const locked = (): Response => ({
  ...response(403, {}, '{"message":"Maximum number of login attempts exceeded."}'),
  refusal: { kind: 'login-locked', documentationUrl: undefined },
})

export interface More extends Asked {
  readonly oneTime?: string
  readonly origin?: string
}

/** Another spelling of a question: with a one-time password, or for another upstream. */
export function ask({ oneTime, origin, ...asked }: More): Question {
  const question = questionFor(asked)
  const headers = oneTime === undefined ? question.headers : [...question.headers, 'x-github-otp', oneTime]
  const credential = credentialOf(headers, question.query, digest)
  const address = origin === undefined ? question.address : { ...question.address, origin }
  return { ...question, headers, credential, address }
}

export type Says = (question: Question) => Response | Promise<Response>

/** The mechanism, with an upstream that says what it is told to, and that notes whom it accepts. */
export function protection() {
  const clock = new HandClock()
  const accepted = memoryAcceptedCredentials(20_000)
  const sent: Question[] = []
  let says: Says = () => {
    throw new Error('the test did not expect a question')
  }
  /** What a request waits for before it is its turn, where it has to wait at all. */
  let turn: Promise<unknown> | undefined
  const attempt = protectLogins({ accepted, digest, clock }, async (question, compose) => {
    if (turn !== undefined) await turn
    await compose()
    question.use.requests++
    sent.push(question)
    const answer = await says(question)
    const { fingerprint } = question.credential
    if (answer.status === 401) accepted.remove(fingerprint)
    else if (question.method !== 'OPTIONS' && (answer.status < 300 || answer.status === 304)) accepted.add(fingerprint)
    return answer
  })
  const answer = (asked: More) => {
    const question = ask(asked)
    return attempt(question, () => question.headers)
  }
  return {
    clock,
    accepted,
    sent,
    attempt,
    answer,
    /** What a caller gets, in a word or two: a status, `again 401` for one that was repeated, or the tag of a failure. */
    async get(asked: More): Promise<string> {
      try {
        const { status, isRepeated } = await answer(asked)
        return isRepeated === true ? `again ${status}` : String(status)
      } catch (thrown) {
        return toFailure(thrown).tag
      }
    },
    upstream(next: Says) {
      says = next
    },
    queue(until: Promise<unknown> | undefined) {
      turn = until
    },
  }
}

/** Lets everything go on that can. */
export async function turns(): Promise<void> {
  for (let count = 0; count < 3; count++) await new Promise(setImmediate)
}

/** An upstream that answers by hand, in any order. */
export function byHand() {
  const open: { question: Question; answer: (response: Response) => void }[] = []
  const says: Says = (question) => {
    const { promise, settle } = held<Response>()
    open.push({ question, answer: settle })
    return promise
  }
  return { open, says }
}
