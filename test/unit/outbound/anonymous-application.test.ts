import { describe, expect, test } from 'vitest'
import { headerValue } from '../../../src/http/headers.ts'
import { AnonymousApplication } from '../../../src/middleware/outbound/anonymous-application.ts'
import type { Response } from '../../../src/middleware/outbound/exchange.ts'
import { memoryCacheStore } from '../../../src/store/memory/cache-store.ts'
import { BAD, basic, limitFields, type Place, RESET, watching } from './budgets.ts'
import { type Asked, chain, FakeBody, HandClock, JSON_TYPE, PUBLIC, questionFor, response, textOf } from './harness.ts'

const NAMED = { clientId: '0123456789abcdef0123', clientSecret: 'the-secret-of-it' }
const PAIR = basic(NAMED.clientId, NAMED.clientSecret)
const MINUTE = 60_000

const PRIVATE_MODE = '{"message":"Must authenticate to access this API."}'

/** The mechanism alone, and with which `Authorization` each attempt left. */
function alone(...says: Response[]) {
  const clock = new HandClock()
  const application = new AnonymousApplication(NAMED.clientId, NAMED.clientSecret, clock)
  const sent: (string | undefined)[] = []
  const attempt = application.identify(async (question, compose) => {
    sent.push(headerValue(await compose(), 'authorization'))
    expect(headerValue(question.headers, 'authorization')).not.toBe(PAIR)
    return says[Math.min(sent.length, says.length) - 1] ?? response(200)
  })
  const ask = (asked: Asked = {}) => {
    const question = questionFor(asked)
    return attempt(question, () => question.headers)
  }
  return { application, clock, sent, ask }
}

describe('an application for requests without a credential', () => {
  test('goes with every read of the API, conditions and all', async () => {
    const { ask, sent } = alone()
    await ask()
    await ask({ method: 'HEAD' })
    await ask({ bypass: 'range' })
    await ask({ bypass: 'precondition' })
    expect(sent).toEqual([PAIR, PAIR, PAIR, PAIR])
  })

  test.each<[string, Asked]>([
    ['with a token', { authorization: 'token one' }],
    ['with a token in the query', { query: 'access_token=one' }],
    ['that writes', { method: 'POST' }],
    ['that deletes', { method: 'DELETE' }],
    ['that asks for options', { method: 'OPTIONS' }],
    ['with a body', { body: new FakeBody(['x']), bypass: 'request-body' }],
    ['to GraphQL or uploads', { bypass: 'other-api' }],
    ['to an API that counts nothing', { isCharged: false }],
  ])('does not go with a request %s', async (_what, asked) => {
    const { ask, sent, application } = alone()
    await ask(asked)
    expect(sent).toEqual([asked.authorization])
    expect(application.accountOf(questionFor(asked))).toBeUndefined()
  })

  test('is whom its requests are charged to', () => {
    const { application } = alone()
    expect(application.accountOf(questionFor())).toBe(`application:${NAMED.clientId}`)
    expect(application.account).toBe(`application:${NAMED.clientId}`)
  })
})

const refusal = (kind: 'bad-credentials' | 'private-mode', body: FakeBody | null = null): Response => ({
  ...response(401, {}, body),
  refusal: kind === 'private-mode' ? { kind } : { kind, documentationUrl: undefined },
})

describe('an application that the upstream refuses', () => {
  test.each(['bad-credentials', 'private-mode'] as const)('for %s is left out for ten minutes', async (kind) => {
    const { ask, sent, clock, application } = alone(refusal(kind), response(200), response(200), response(200))
    expect((await ask()).status).toBe(200)
    expect(sent).toEqual([PAIR, undefined])
    expect(application.accountOf(questionFor())).toBeUndefined()
    clock.advance(10 * MINUTE - 1)
    await ask()
    expect(sent).toEqual([PAIR, undefined, undefined])
    clock.advance(1)
    await ask()
    expect(sent).toEqual([PAIR, undefined, undefined, PAIR])
  })

  test('is not what the caller is told of: the answer without it is, whatever that is', async () => {
    const unread = new FakeBody([BAD])
    const { ask, sent } = alone(refusal('bad-credentials', unread), response(401, {}, PRIVATE_MODE))
    const answer = await ask()
    expect(await textOf(answer.body)).toBe(PRIVATE_MODE)
    expect(sent).toHaveLength(2)
    // Else its connection would wait to be read.
    expect(unread.ended).toBe('given up')
  })

  test.each<[string, Response]>([
    ['401 that asks for a second factor', response(401, { 'x-github-otp': 'required' })],
    ['limit', { ...response(403), refusal: { kind: 'secondary', retryAfter: undefined } }],
    ['lockout', { ...response(403), refusal: { kind: 'login-locked', documentationUrl: undefined } }],
    ['404', response(404)],
  ])('not so by any other refusal: a %s passes', async (_what, other) => {
    const { ask, sent } = alone(other)
    expect((await ask()).status).toBe(other.status)
    await ask()
    expect(sent).toEqual([PAIR, PAIR])
  })
})

describe('through the whole chain', () => {
  const anonymous = { path: '/repos/o/r' }

  function gateway() {
    const places: Place[] = []
    const kept: unknown[] = []
    const store = memoryCacheStore({ bodyBytes: 1_000_000, validationBytes: 1_000_000 })
    const chained = chain({
      budget: { anonymousApplication: NAMED },
      limits: {},
      watch: watching(places),
      store: {
        ...store,
        keep: (...all) => {
          kept.push(all)
          return store.keep(...all)
        },
      },
    })
    return { ...chained, places, kept }
  }

  const page = (remaining: number) =>
    response(
      200,
      {
        ...limitFields(remaining),
        etag: '"a"',
        'content-type': JSON_TYPE,
        'cache-control': PUBLIC,
        'x-oauth-client-id': NAMED.clientId,
        vary: 'Accept',
      },
      'body',
    )

  test('nothing of it is in an answer, a key or what is kept', async () => {
    const { get, upstream, sent, kept, clock } = gateway()
    upstream(page(4000), response(304, { etag: '"a"', 'x-oauth-client-id': NAMED.clientId }), response(404, {}, 'no'))
    const question = questionFor(anonymous)
    const answers = [await get(anonymous)]
    clock.advance(61_000)
    answers.push(await get(anonymous), await get({ path: '/nothing' }))
    expect(answers.map(({ outcome }) => outcome.name)).toEqual(['filled', 'revalidated', 'refused'])
    expect(sent.map(({ headers }) => headerValue(headers, 'authorization'))).toEqual([PAIR, PAIR, PAIR])
    expect(kept.length).toBeGreaterThan(0)
    const visible = JSON.stringify([answers, kept, question.key, question.resource()])
    for (const secret of [NAMED.clientId, NAMED.clientSecret, PAIR.slice(6)]) expect(visible).not.toContain(secret)
  })

  test('its 304s are free, and its numbers are those of the application alone', async () => {
    const { question, upstream, places, ledger, clock } = gateway()
    upstream(page(4000), response(304, { etag: '"a"', ...limitFields(4000) }))
    const [first, second] = [questionFor(anonymous), questionFor(anonymous)]
    await question(first)
    clock.advance(61_000)
    expect((await question(second)).outcome.name).toBe('revalidated')
    expect([first.use.cost, second.use.cost]).toEqual([1, 0])
    expect(places.map(({ request }) => request.account)).toEqual(Array(2).fill(`application:${NAMED.clientId}`))
    expect(places.map(({ answer }) => answer?.cost)).toEqual([1, 0])
    expect(ledger.latest(`application:${NAMED.clientId}`, 'core')?.remaining).toBe(4000)
    expect(ledger.latest('anonymous', 'core')).toBeUndefined()
  })

  test('writes without a credential are charged to the address', async () => {
    const { get, upstream, places, ledger } = gateway()
    upstream(response(404, limitFields(50, { limit: 60 })))
    await get({ ...anonymous, method: 'POST' })
    expect(places[0]).toMatchObject({ request: { account: 'anonymous' }, answer: { account: 'anonymous' } })
    expect(ledger.latest('anonymous', 'core')?.remaining).toBe(50)
  })

  test('one that is refused costs the caller nothing: it is asked without, and charged to the address', async () => {
    const { get, upstream, places, sent, ledger } = gateway()
    upstream(
      response(401, limitFields(3, { limit: 60 }), BAD),
      response(200, { etag: '"a"', ...limitFields(40, { limit: 60 }) }, 'body'),
    )
    expect(await get(anonymous)).toMatchObject({ status: 200, text: 'body' })
    expect(places.map(({ request, done }) => [request.account, done])).toEqual([
      [`application:${NAMED.clientId}`, ['settle', 'end']],
      ['anonymous', ['settle', 'end']],
    ])
    expect(ledger.latest('anonymous', 'core')).toMatchObject({ remaining: 40 })
    await get({ path: '/other' })
    expect(sent.map(({ headers }) => headerValue(headers, 'authorization'))).toEqual([PAIR, undefined, undefined])
  })

  test('an answer that was asked with it speaks of it, though it was refused meanwhile', async () => {
    const { get, upstream, ledger } = gateway()
    upstream(page(4000))
    await get(anonymous)
    let answer: (made: ReturnType<typeof response>) => void = () => {}
    upstream(({ target }) => {
      if (!target.endsWith('/slow')) return response(401, {}, BAD)
      return new Promise((resolve) => {
        answer = resolve
      })
    })
    const slow = get({ path: '/slow' })
    await get({ path: '/refused' })
    answer(page(3000))
    await slow
    expect(ledger.latest(`application:${NAMED.clientId}`, 'core')?.remaining).toBe(3000)
    expect(ledger.latest('anonymous', 'core')).toBeUndefined()
  })

  test('the numbers of its 401 are the address’s where they are known to be', async () => {
    const { ledger, upstream, get } = gateway()
    ledger.observe('anonymous', { resource: 'core', limit: 60, remaining: 40, used: undefined, reset: RESET })
    upstream(response(401, limitFields(30, { limit: 60 }), BAD), response(404))
    await get(anonymous)
    expect(ledger.latest('anonymous', 'core')?.remaining).toBe(30)
  })
})
