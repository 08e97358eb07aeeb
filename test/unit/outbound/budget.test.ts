import { describe, expect, test, vi } from 'vitest'
import { Failure, type FailureTag } from '../../../src/errors.ts'
import type { UpstreamResponse } from '../../../src/ports.ts'
import { BAD, basic, counter, limitFields, NOBODY, type Place, PRIMARY, RESET, SECONDARY, watching } from './budgets.ts'
import { turns } from './flights.ts'
import { type Asked, chain, FakeBody, held, questionFor, response, START, textOf } from './harness.ts'

const ONE = 'token one'
const fail = (tag: FailureTag) => () => {
  throw new Failure(tag)
}
const stated = (remaining: number, status = 200, body: string | null = null, more = {}) =>
  response(status, { ...limitFields(remaining), ...more }, body)
const inFlight = ({ ledger }: ReturnType<typeof counter>) => ledger.report().inFlight

describe('every attempt', () => {
  test('has a place before anything is composed, and then goes with what is composed', async () => {
    const count = counter()
    count.upstream(() => {
      expect(inFlight(count)).toBe(1)
      return response(200)
    })
    await count.ask()
    expect(count.events).toEqual(['compose', 'send'])
    expect(count.places).toHaveLength(1)
    expect(inFlight(count)).toBe(0)
  })

  test('says for whom, for which app and what it is', async () => {
    const { ask, upstream, places, clock } = counter()
    upstream(response(200))
    const client = { group: 'key:ci', name: 'nightly' }
    await ask({ path: '/search/issues', client, isBackground: true, longestWait: 5000 })
    const { fingerprint } = questionFor({ authorization: ONE }).credential
    expect(places[0]!.request).toMatchObject({
      account: `credential:${fingerprint}`,
      isVouchedFor: false,
      resource: 'search',
      client,
      isBackground: true,
      isWrite: false,
      units: 1,
      longestWait: 5000,
    })
    clock.advance(1)
    await ask({ method: 'POST' })
    expect(places[1]!.request).toMatchObject({ isVouchedFor: true, isBackground: false, isWrite: true, longestWait: 0 })
    await ask(NOBODY)
    expect(places[2]!.request).toMatchObject({ account: 'anonymous', isVouchedFor: true })
  })

  test('passes by where the API has no limits', async () => {
    const { ask, upstream, places, sent } = counter()
    upstream(stated(7))
    await ask({ isCharged: false })
    expect([places.length, sent.length]).toEqual([0, 1])
  })

  test('that may not be sent is refused, and nothing of it is sent or composed', async () => {
    const { ask, upstream, events, ledger } = counter({ limits: {} })
    upstream(stated(0))
    await ask()
    events.length = 0
    await expect(ask({ path: '/other' })).rejects.toMatchObject({ tag: 'rate-limited' })
    expect(events).toEqual([])
    expect(ledger.report()).toMatchObject({ inFlight: 0, waiting: 0 })
  })

  test('has one of its own, the second after a lost connection as well', async () => {
    const places: Place[] = []
    const { get, upstream } = chain({ watch: watching(places) })
    upstream((_request, number) => {
      if (number === 1) throw new Failure('upstream-reset', { onReusedConnection: true })
      return response(200, { etag: '"a"' }, 'body')
    })
    await get({ authorization: ONE })
    expect(places.map(({ done }) => done)).toEqual([
      ['lose', 'end'],
      ['settle', 'end'],
    ])
  })

  test('and the one without conditions after a 304 that names nothing', async () => {
    const places: Place[] = []
    const { get, upstream } = chain({ watch: watching(places), limits: {} })
    upstream(response(304, { etag: '"z"' }), response(200, { etag: '"z"' }, 'new'))
    await get({ authorization: ONE, clientTags: ['"a"'] })
    expect(places.map(({ done }) => done)).toEqual([
      ['settle', 'end'],
      ['settle', 'end'],
    ])
  })
})

describe('a place is given back where nothing was sent:', () => {
  test('nothing could be composed', async () => {
    for (const compose of [fail('login-locked'), async () => fail('internal')()]) {
      const { ask, places, sent } = counter({ compose })
      await expect(ask()).rejects.toBeInstanceOf(Failure)
      expect([places[0]!.done, sent.length]).toEqual([['giveBack', 'end'], 0])
    }
  })

  test.each<FailureTag>(['upstream-unreachable', 'upstream-connect-timeout', 'upstream-busy', 'bad-target'])(
    'the upstream was not reached: %s',
    async (tag) => {
      const { ask, upstream, places, ledger } = counter({ limits: {} })
      upstream(fail(tag))
      await expect(ask()).rejects.toMatchObject({ tag })
      expect(places[0]!.done).toEqual(['giveBack', 'end'])
      expect(ledger.report().inFlight).toBe(0)
    },
  )

  test('the client had left already', async () => {
    const { ask, places, events } = counter()
    await expect(ask({ signal: AbortSignal.abort() })).rejects.toMatchObject({ tag: 'client-gone' })
    expect([places[0]!.done, events]).toEqual([['giveBack', 'end'], []])
  })

  test('the client left while it was composed', async () => {
    const leaving = new AbortController()
    const { ask, places, sent } = counter({
      compose: async ({ headers }) => {
        leaving.abort()
        return headers
      },
    })
    await expect(ask({ signal: leaving.signal })).rejects.toMatchObject({ tag: 'client-gone' })
    expect([places[0]!.done, sent.length]).toEqual([['giveBack', 'end'], 0])
  })

  test('the client left while it waited for its turn; then it never had a place', async () => {
    const { ask, upstream, places, ledger, events } = counter({ limits: { concurrency: 1 } })
    const answer = held<UpstreamResponse>()
    upstream(() => answer.promise)
    const first = ask({ path: '/first' })
    await turns()
    const leaving = new AbortController()
    const second = ask({ path: '/second', signal: leaving.signal })
    await turns()
    expect(ledger.report()).toMatchObject({ inFlight: 1, waiting: 1 })
    leaving.abort()
    await expect(second).rejects.toMatchObject({ tag: 'client-gone' })
    answer.settle(response(200))
    await first
    expect(ledger.report()).toMatchObject({ inFlight: 0, waiting: 0 })
    expect(places).toHaveLength(1)
    expect(events).toEqual(['compose', 'send', 'wait /second'])
  })
})

describe('a place counts as lost where it may have been sent:', () => {
  test.each<[string, () => never]>([
    ['the connection broke', fail('upstream-reset')],
    ['the upstream was slow', fail('upstream-headers-timeout')],
    ['the answer could not be understood', fail('upstream-invalid')],
    ['the client left meanwhile', fail('client-gone')],
    ['the client did not send what it announced', fail('bad-request')],
    [
      'there is a bug',
      () => {
        throw new TypeError('bug')
      },
    ],
  ])('%s', async (_what, says) => {
    const { ask, upstream, places } = counter()
    upstream(says)
    await expect(ask()).rejects.toThrow()
    expect(places[0]!.done).toEqual(['lose', 'end'])
  })

  test('the refusal broke off before anybody knows what it says', async () => {
    const { ask, upstream, places } = counter()
    upstream(response(403, {}, breaking()))
    await expect(ask()).rejects.toMatchObject({ tag: 'upstream-truncated' })
    expect(places[0]!.done).toEqual(['lose', 'end'])
  })
})

function breaking(): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      yield new Uint8Array(1)
      throw new Failure('upstream-truncated')
    },
  }
}

describe('a place is free for another, once, when', () => {
  async function answered(says: UpstreamResponse, signal = new AbortController().signal) {
    const count = counter()
    count.upstream(says)
    const { body } = await count.ask({ signal })
    return { ...count, body, done: count.places[0]!.done }
  }
  const waiting = ['settle']
  const over = ['settle', 'end']

  test('there is no body', async () => {
    expect((await answered(response(304))).done).toEqual(over)
  })

  test('the body has been read', async () => {
    const leaving = new AbortController()
    const { done, body } = await answered(response(200, {}, 'body'), leaving.signal)
    expect(done).toEqual(waiting)
    expect(await textOf(body)).toBe('body')
    leaving.abort()
    await body![Symbol.asyncIterator]().return?.()
    expect(done).toEqual(over)
  })

  test('the body breaks off', async () => {
    const { done, body } = await answered(response(200, {}, breaking()))
    const iterator = body![Symbol.asyncIterator]()
    await iterator.next()
    expect(done).toEqual(waiting)
    await expect(iterator.next()).rejects.toThrow()
    expect(done).toEqual(over)
  })

  test('the body is given up, begun or not', async () => {
    for (const isBegun of [true, false]) {
      const leaving = new AbortController()
      const unread = new FakeBody(['a', 'b'])
      const { done, body } = await answered(response(200, {}, unread), leaving.signal)
      const iterator = body![Symbol.asyncIterator]()
      if (isBegun) await iterator.next()
      await iterator.return?.()
      leaving.abort()
      expect([done, unread.ended]).toEqual([over, 'given up'])
    }
  })

  test('the client leaves, though nobody reads the body', async () => {
    const leaving = new AbortController()
    const { done, body } = await answered(response(200, {}, 'body'), leaving.signal)
    expect(done).toEqual(waiting)
    leaving.abort()
    expect(done).toEqual(over)
    await textOf(body)
    expect(done).toEqual(over)
  })

  test('the client left just before the answer came', async () => {
    const count = counter()
    const leaving = new AbortController()
    count.upstream(() => {
      leaving.abort()
      return response(200, {}, 'body')
    })
    await count.ask({ signal: leaving.signal })
    expect(count.places[0]!.done).toEqual(over)
  })

  test('a refusal has been read to know what it says, whenever it is passed on', async () => {
    const { done, body } = await answered(response(403, {}, SECONDARY))
    expect(done).toEqual(over)
    expect(await textOf(body)).toBe(SECONDARY)
    expect(done).toEqual(over)
    const long = await answered(response(403, {}, 'x'.repeat(20_000)))
    expect(long.done).toEqual(waiting)
    await textOf(long.body)
    expect(long.done).toEqual(over)
  })
})

describe('what an answer says of the budgets', () => {
  async function taken(says: UpstreamResponse, asked: Asked = {}) {
    const count = counter()
    count.upstream(stated(4000))
    await count.ask()
    count.upstream(says)
    await count.ask(asked)
    const { credential } = questionFor({ authorization: ONE })
    return { ...count, now: count.ledger.latest(count.accounts.nameOf(credential), 'core')?.remaining }
  }

  test.each<[string, UpstreamResponse]>([
    ['200', stated(7)],
    ['201', stated(7, 201)],
    ['301', stated(7, 301)],
    ['304', stated(7, 304)],
    ['404', stated(7, 404)],
    ['422', stated(7, 422)],
    ['500', stated(7, 500)],
    ['a secondary refusal', stated(7, 403, SECONDARY)],
    ['429', stated(7, 429)],
  ])('is taken in from %s', async (_what, says) => {
    expect((await taken(says)).now).toBe(7)
  })

  test('and from a primary refusal', async () => {
    expect((await taken(stated(0, 403, PRIMARY))).now).toBe(0)
  })

  test.each<[string, UpstreamResponse]>([
    ['401', stated(7, 401, BAD)],
    [
      '401 that wants a second factor',
      stated(7, 401, '{"message":"Must specify two-factor authentication OTP code."}'),
    ],
    ['403 about what was asked', stated(7, 403, '{"message":"Resource not accessible by integration"}')],
    ['403 for a user who is locked out', stated(7, 403, '{"message":"Maximum number of login attempts exceeded."}')],
  ])('is not from %s, whose numbers are those of whoever was charged instead', async (_what, says) => {
    const { now, places, ledger } = await taken(says)
    expect(now).toBe(4000)
    expect(places[1]!.answer?.stated).toBeUndefined()
    expect(ledger.latest('anonymous', 'core')).toBeUndefined()
  })

  test('of a credential that is accepted from now on is about its account, and not before', async () => {
    const { ask, upstream, places } = counter()
    upstream(stated(9, 404))
    const authorization = basic('octocat', 'right')
    const own = `credential:${questionFor({ authorization }).credential.fingerprint}`
    await ask({ authorization })
    upstream(stated(8))
    await ask({ authorization })
    upstream(stated(7, 401, BAD))
    await ask({ authorization })
    await ask({ authorization })
    expect(places.map(({ request, answer }) => [request.account, answer?.account, answer?.isVouchedFor])).toEqual([
      [own, own, false],
      [own, 'user:octocat', true],
      ['user:octocat', 'user:octocat', true],
      ['user:octocat', 'user:octocat', false],
    ])
  })

  test('does not make an impostor the user that it names', async () => {
    const { ask, upstream, ledger } = counter()
    upstream(stated(4000))
    await ask({ authorization: basic('victim', 'right') })
    upstream(response(200, limitFields(3, { reset: RESET - 1000 })))
    await ask({ authorization: basic('victim', 'a token of a new kind') })
    expect(ledger.latest('user:victim', 'core')).toMatchObject({ remaining: 4000, reset: RESET })
  })

  test('comes with the upstream’s time, what it cost and whether it refused', async () => {
    const { ask, upstream, places } = counter()
    const date = new Date(START + 5000).toUTCString()
    upstream(response(200, { date, ...limitFields(3) }))
    await ask()
    upstream(response(429, { 'retry-after': '9' }))
    await ask()
    upstream(response(403, {}, PRIMARY))
    await ask({ authorization: 'token two' })
    expect(places.map(({ answer }) => answer)).toMatchObject([
      { date: START + 5000, cost: 1, refused: undefined, retryAfter: undefined, isOrdinary: true },
      { date: undefined, cost: 0, refused: 'secondary', retryAfter: 9000, isOrdinary: false },
      { cost: 0, refused: 'primary', retryAfter: undefined, isOrdinary: false },
    ])
  })

  test.each<[string, UpstreamResponse, Asked, number, boolean]>([
    ['a 304', response(304), {}, 0, true],
    ['a redirect', response(302), {}, 1, false],
    ['a 404', response(404), {}, 1, false],
    ['a 401', response(401, {}, BAD), {}, 0, false],
    ['a 403 about what was asked', response(403, {}, '{}'), {}, 1, false],
    ['the page of the limits', response(200), { path: '/rate_limit' }, 0, true],
    ['a preflight', response(204), { method: 'OPTIONS' }, 0, true],
  ])('costs, for %s', async (_what, says, asked, cost, isOrdinary) => {
    const { places } = await taken(says, asked)
    const isFree = asked.path === '/rate_limit' || asked.method === 'OPTIONS'
    expect(places[1]).toMatchObject({ request: { units: isFree ? 0 : 1 }, answer: { cost, isOrdinary } })
  })

  test('costs one for a 304 to nobody', async () => {
    const { places } = await taken(response(304), NOBODY)
    expect(places[1]!.answer?.cost).toBe(1)
  })
})

describe('the numbers of a 401', () => {
  async function afterwards(fields: Record<string, string>, asked: Asked) {
    const { ask, upstream, ledger } = counter()
    ledger.observe('anonymous', { resource: 'core', limit: 60, remaining: 40, used: undefined, reset: RESET })
    const observe = vi.spyOn(ledger, 'observe')
    upstream(response(401, fields, BAD))
    await ask(asked)
    return { remaining: ledger.latest('anonymous', 'core')?.remaining, believed: observe.mock.calls.length }
  }
  const wrong = { authorization: basic('victim', 'wrong') }

  test('are the address’s where they are known to be, with a credential or without', async () => {
    const fields = limitFields(30, { limit: 60 })
    expect(await afterwards(fields, wrong)).toEqual({ remaining: 30, believed: 1 })
    expect(await afterwards(fields, NOBODY)).toEqual({ remaining: 30, believed: 1 })
  })

  test('never raise what is left', async () => {
    expect((await afterwards(limitFields(50, { limit: 60 }), wrong)).remaining).toBe(40)
  })

  test.each<[string, Record<string, string>]>([
    ['limit', limitFields(30, { limit: 5000 })],
    ['reset', limitFields(30, { limit: 60, reset: RESET - 1 })],
    ['window', limitFields(30, { limit: 60, reset: RESET + 3600 })],
    ['resource', limitFields(30, { limit: 60, resource: 'search' })],
    ['fields', { 'x-ratelimit-remaining': '0' }],
  ])('are nobody’s with another %s', async (_what, fields) => {
    expect(await afterwards(fields, wrong)).toEqual({ remaining: 40, believed: 0 })
  })

  test('are not learnt where nothing is known of the address', async () => {
    const { ask, upstream, ledger } = counter()
    upstream(response(401, limitFields(30, { limit: 60 }), BAD))
    await ask(wrong)
    expect(ledger.latest('anonymous', 'core')).toBeUndefined()
  })
})

describe('the resource', () => {
  test('that the answer names is charged, and reserved from the next time', async () => {
    const { ask, upstream, places, resources, ledger, accounts } = counter()
    upstream(response(200, limitFields(9, { resource: 'audit_log' })))
    await ask({ path: '/orgs/o/audit-log' })
    const account = accounts.nameOf(questionFor({ authorization: ONE }).credential)
    expect(ledger.latest(account, 'audit_log')?.remaining).toBe(9)
    expect(ledger.latest(account, 'core')).toBeUndefined()
    await ask({ path: '/orgs/another/audit-log' })
    expect(places.map(({ request }) => request.resource)).toEqual(['core', 'audit_log'])
    expect(resources.of('/orgs/o')).toBe('core')
  })

  test('is not unlearnt by an answer that names none', async () => {
    const { ask, upstream, resources } = counter()
    resources.learn('/orgs/o/audit-log', 'audit_log')
    upstream(stated(9))
    await ask({ path: '/orgs/o/audit-log' })
    expect(resources.of('/orgs/o/audit-log')).toBe('audit_log')
  })

  test('is not learnt from a refusal, nor for paths that callers make up', async () => {
    const { ask, upstream, resources } = counter()
    resources.learn('/orgs/o/audit-log', 'audit_log')
    const fields = limitFields(9, { resource: 'core' })
    upstream(response(401, fields, BAD))
    await ask({ path: '/orgs/o/audit-log' })
    upstream(response(404, fields))
    await ask({ path: '/orgs/o/audit-log' })
    for (let index = 0; index < 600; index++) await ask({ path: `/search/made/up-${index}` })
    expect(resources.of('/orgs/o/audit-log')).toBe('audit_log')
    expect(resources.of('/search/made/up-1')).toBe('search')
  })
})

describe('a write', () => {
  const MEBIBYTE = 1024 * 1024

  async function spaced(asked: Asked, isLimited = true) {
    const { ask, upstream, events, places } = counter()
    upstream(isLimited ? stated(4000) : response(200))
    await ask()
    events.length = 0
    await ask(asked)
    return { isSpaced: events[0]?.startsWith('space credential:') === true, isWrite: places[1]!.request.isWrite }
  }

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'post'])('%s is spaced, where the upstream limits', async (method) => {
    expect(await spaced({ method })).toEqual({ isSpaced: true, isWrite: true })
    expect(await spaced({ method }, false)).toEqual({ isSpaced: false, isWrite: true })
    expect(await spaced({ method, bodyLength: MEBIBYTE })).toEqual({ isSpaced: true, isWrite: true })
  })

  test.each<Asked>([
    { method: 'GET' },
    { method: 'HEAD' },
    { method: 'OPTIONS' },
    { method: 'POST', path: '/graphql' },
    { method: 'POST', bodyLength: MEBIBYTE + 1 },
  ])('is not %j', async (asked) => {
    expect(await spaced(asked)).toEqual({ isSpaced: false, isWrite: false })
  })

  test('that its client left while it was spaced is given back', async () => {
    const places: Place[] = []
    const waits: (() => void)[] = []
    const { question, upstream, sent } = chain({
      limits: {},
      watch: watching(places),
      spacing: {
        next: (_account, run) => new Promise<void>((go) => waits.push(go)).then(run),
      },
    })
    upstream(stated(4000, 200, 'x'))
    await question(questionFor({ authorization: ONE, path: '/first' }))
    const leaving = new AbortController()
    const write = question(questionFor({ authorization: ONE, method: 'POST', signal: leaving.signal }))
    await turns()
    leaving.abort()
    waits[0]!()
    await expect(write).rejects.toMatchObject({ tag: 'client-gone' })
    expect([places[1]!.done, sent.length]).toEqual([['giveBack', 'end'], 1])
  })
})

describe('a question that has to wait for its turn', () => {
  test('is told of, and composed when it goes', async () => {
    const { ask, upstream, events } = counter({ limits: { concurrency: 1 } })
    const answers = [held<UpstreamResponse>(), held<UpstreamResponse>()]
    let next = 0
    upstream(() => answers[next++]!.promise)
    const first = ask({ path: '/first' })
    await turns()
    const second = ask({ path: '/second' })
    await turns()
    expect(events).toEqual(['compose', 'send', 'wait /second'])
    answers[0]!.settle(response(200))
    await first
    await turns()
    expect(events).toEqual(['compose', 'send', 'wait /second', 'go /second', 'compose', 'send'])
    answers[1]!.settle(response(200))
    await second
  })

  test('is not told of as going where it is refused in the end', async () => {
    const { ask, upstream, events, clock } = counter({ limits: { concurrency: 1 } })
    const answer = held<UpstreamResponse>()
    upstream(() => answer.promise)
    const first = ask({ path: '/first' })
    await turns()
    const second = ask({ path: '/second' })
    second.catch(() => {})
    await turns()
    answer.settle(response(429, { 'retry-after': '60' }))
    await first
    clock.advance(1)
    await expect(second).rejects.toMatchObject({ tag: 'paused' })
    expect(events).toEqual(['compose', 'send', 'wait /second'])
  })
})
