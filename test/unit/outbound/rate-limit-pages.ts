import type { Answer, Question } from '../../../src/middleware/outbound/exchange.ts'
import { rateLimitPage } from '../../../src/middleware/outbound/rate-limit-page.ts'
import type { RateLimit } from '../../../src/ports.ts'
import { type Asked, bytesOf, HandClock, JSON_TYPE, questionFor, START } from './harness.ts'

export const NAMES = ['core', 'search'] as const
export const HOUR = START / 1000 + 3600
export const MINUTE = 60_000
export const numbers = (remaining: number, reset = HOUR) => ({ limit: 5000, used: 5000 - remaining, remaining, reset })
export const pageOf = (core: number, search = 5000, reset = HOUR) =>
  JSON.stringify({
    resources: { core: numbers(core, reset), search: numbers(search, reset) },
    rate: numbers(core, reset),
  })
export const FIELDS = {
  'content-type': JSON_TYPE,
  'x-github-media-type': 'github.v3; format=json',
  'cache-control': 'no-cache',
  'x-oauth-scopes': 'repo',
}
/** An answer of the upstream's, on its way through. */
export function said(
  body: string | Answer['body'],
  { status = 200, fields = {}, ...more }: Partial<Answer> & { fields?: Record<string, string> } = {},
): Answer {
  return {
    status,
    headers: Object.entries({ ...FIELDS, ...fields }).flat(),
    live: [],
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
    stored: undefined,
    age: undefined,
    outcome: { name: 'fetched', forward: 'uri-miss', forwardStatus: status },
    ...more,
  }
}

/** The mechanism, with a ledger that remembers what it is told and when, and an upstream that says the last thing it was given. */
export function gatewayWithPage({ accountOf = ({ credential }: Question) => credential.fingerprint } = {}) {
  const clock = new HandClock()
  const heard = new Map<string, { stated: RateLimit; at: number }>()
  const ledger = {
    observe: (account: string, stated: RateLimit) =>
      void heard.set(`${account} ${stated.resource}`, { stated, at: clock.now() }),
    latest(account: string, resource: string, heardWithin = Number.POSITIVE_INFINITY) {
      const known = heard.get(`${account} ${resource}`)
      const isLate = known === undefined || clock.now() - known.at > heardWithin
      return isLate || known.stated.reset * 1000 <= clock.now() ? undefined : known.stated
    },
  }
  const asked: Question[] = []
  let says: (question: Question) => Answer | Promise<Answer> = () => said(pageOf(4999))
  const answerer = rateLimitPage({ ledger, clock, accountOf }, (question) => {
    asked.push(question)
    return says(question)
  })
  /** @param who `null`: without a credential */
  async function get(one: Asked & Partial<Pick<Question, 'key'>> = {}, who: string | null = 'token one') {
    const question = questionFor({ path: '/rate_limit', ...(who === null ? {} : { authorization: who }), ...one })
    const answer = await answerer(one.key === undefined ? question : { ...question, key: one.key })
    const text = new TextDecoder().decode(await bytesOf(answer.body))
    return { ...answer, text, isLocal: answer.outcome.detail === 'ledger' }
  }
  return {
    clock,
    ledger,
    asked,
    answerer,
    get,
    heard,
    upstream(...answers: (Answer | (() => Answer))[]) {
      let next = 0
      says = () => {
        const answer = answers[Math.min(next++, answers.length - 1)]!
        return typeof answer === 'function' ? answer() : answer
      }
    },
    upstreamSays: (what: typeof says) => {
      says = what
    },
    /** Numbers that came with some other answer. */
    hear: (remaining: number, resource: string = 'core', who = fingerprintOf()) =>
      ledger.observe(who, { resource, limit: 5000, remaining, used: 5000 - remaining, reset: HOUR }),
  }
}

export const fingerprintOf = (authorization = 'token one') => questionFor({ authorization }).credential.fingerprint
