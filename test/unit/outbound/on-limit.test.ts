import { describe, expect, test } from 'vitest'
import { Failure, type FailureTag } from '../../../src/errors.ts'
import { headerValue } from '../../../src/http/headers.ts'
import type { Answer, Answerer, Question } from '../../../src/middleware/outbound/exchange.ts'
import type { Revalidating } from '../../../src/middleware/outbound/fresh.ts'
import { onLimit, onLimitOfWrite } from '../../../src/middleware/outbound/on-limit.ts'
import { BodyOnce, limitFields, PRIMARY, RESET, SECONDARY } from './budgets.ts'
import { answered, turns } from './flights.ts'
import {
  type Asked,
  type ChainOptions,
  chain,
  JSON_TYPE,
  PRIVATE,
  PUBLIC,
  questionFor,
  response,
  START,
  textOf,
} from './harness.ts'

const ONE = { authorization: 'token one' }
/** Less than after what time it is tried whether there is something left all the same. */
const COPY = { milliseconds: 40_000, isSet: false }

/** A refusal of the upstream's, as it passes through here. */
const limited = (body: Answer['body'] = null): Answer =>
  answered(
    body,
    { name: 'refused', forward: 'miss', forwardStatus: 429, stored: false },
    {
      status: 429,
      limited: { kind: 'secondary', retryAfter: 1000 },
    },
  )

describe('a read that a limit keeps back', () => {
  /** The mechanism alone. What follows says these, one after the other. */
  function alone(says: (Answer | Failure)[], { copy, maxWait = 5000 }: { copy?: Answer; maxWait?: number } = {}) {
    const asked: Question[] = []
    const outcomes: Answer['outcome'][] = []
    const next: Revalidating = async (question) => {
      asked.push(question)
      const said = says[asked.length - 1]
      if (said === undefined) throw new Error('asked once too often')
      if (said instanceof Failure) throw said
      return said
    }
    const rules = { freshness: { mode: 'upstream' }, stale: COPY } as const
    const read = onLimit(
      {
        standIn: async (_question, given, outcome) => {
          expect(given).toBe(rules)
          outcomes.push(outcome)
          return copy
        },
        rules,
        maxWait,
      },
      next,
    )
    return { asked, outcomes, ask: (more: Asked = {}) => read(questionFor({ ...ONE, ...more }), undefined) }
  }
  const kept = new Failure('rate-limited')

  test('is asked without a wait first, and what is no limit passes', async () => {
    const answer = answered()
    const { ask, asked, outcomes } = alone([answer])
    expect(await ask()).toBe(answer)
    expect([asked[0]!.longestWait, outcomes.length]).toEqual([0, 0])
    const failure = new Failure('upstream-reset')
    await expect(alone([failure]).ask()).rejects.toBe(failure)
    const busy = new Failure('upstream-busy')
    await expect(alone([busy]).ask()).rejects.toBe(busy)
  })

  test.each<FailureTag>(['rate-limited', 'share-used', 'paused'])(
    'here, %s, is answered by the copy at once',
    async (tag) => {
      const copy = answered('copy')
      const failure = new Failure(tag)
      const { ask, asked, outcomes } = alone([failure], { copy })
      expect(await ask()).toBe(copy)
      expect(asked).toHaveLength(1)
      expect(outcomes).toEqual([{ name: 'stale', forward: 'stale', detail: 'limited', covered: failure }])
    },
  )

  test('by the upstream is answered by the copy, and its own refusal is let go of', async () => {
    const copy = answered('copy')
    const unread = new BodyOnce([SECONDARY])
    const { ask, outcomes } = alone([limited(unread)], { copy })
    expect(await ask()).toBe(copy)
    expect(outcomes).toEqual([{ name: 'stale', forward: 'stale', detail: 'limited', forwardStatus: 429 }])
    expect(unread.ended).toBe('given up')
  })

  test('is else asked once more, and may wait then', async () => {
    for (const first of [kept, limited(new BodyOnce([SECONDARY]))]) {
      const answer = answered()
      const { ask, asked } = alone([first, answer])
      expect(await ask()).toBe(answer)
      expect(asked.map(({ longestWait }) => longestWait)).toEqual([0, 5000])
    }
  })

  test('is refused where that is kept back, too: as the upstream did, if it did', async () => {
    const last = new Failure('paused')
    await expect(alone([kept, last]).ask()).rejects.toBe(last)
    const answer = await alone([limited(new BodyOnce([SECONDARY])), last]).ask()
    expect([answer.status, await textOf(answer.body)]).toEqual([429, SECONDARY])
    const again = limited(new BodyOnce(['again']))
    expect(await alone([kept, again]).ask()).toBe(again)
    expect(await alone([limited(), again]).ask()).toBe(again)
  })

  test('has its refusal read to the end before it waits: what is on its way keeps a place', async () => {
    const body = new BodyOnce(['x'.repeat(40_000), SECONDARY])
    const { ask } = alone([limited(body), new Failure('paused')])
    const answer = await ask()
    expect(body.ended).toBe('read')
    expect(await textOf(answer.body)).toBe(`${'x'.repeat(40_000)}${SECONDARY}`)
  })

  test('is not asked again where its refusal is longer than one is held: that passes whole', async () => {
    const chunks = ['x'.repeat(60_000), 'y'.repeat(60_000), 'z']
    const { ask, asked } = alone([limited(new BodyOnce(chunks))])
    const answer = await ask()
    expect([asked.length, await textOf(answer.body)]).toEqual([1, chunks.join('')])
  })

  test.each<[string, Asked, number?]>([
    ['where no request may wait', {}, 0],
    ['where its client wants only what is here', { fields: { 'cache-control': 'only-if-cached' } }],
    ['where it has a body, which is gone', { body: new BodyOnce(['x']), bypass: 'request-body' }],
  ])('does not wait %s', async (_what, more, maxWait = 5000) => {
    await expect(alone([kept], { maxWait }).ask(more)).rejects.toBe(kept)
    const refusal = limited(new BodyOnce([SECONDARY]))
    expect(await alone([refusal], { maxWait }).ask(more)).toBe(refusal)
  })

  test('past the cache gets no copy, and waits', async () => {
    const answer = answered()
    const { ask, asked, outcomes } = alone([kept, answer], { copy: answered('copy') })
    expect(await ask({ bypass: 'range' })).toBe(answer)
    expect([asked.length, outcomes.length]).toEqual([2, 0])
  })

  test('passes on what goes wrong while it waits', async () => {
    const gone = new Failure('client-gone')
    await expect(alone([kept, gone]).ask()).rejects.toBe(gone)
    await expect(alone([limited(), gone]).ask()).rejects.toBe(gone)
  })
})

describe('a write', () => {
  function alone(says: (Answer | Failure)[], maxWait = 5000) {
    const waits: number[] = []
    const next: Answerer = async ({ longestWait }) => {
      waits.push(longestWait)
      const said = says[waits.length - 1]
      if (said === undefined) throw new Error('asked once too often')
      if (said instanceof Failure) throw said
      return said
    }
    const write = onLimitOfWrite(maxWait, next)
    return { waits, ask: async (more: Asked = {}) => write(questionFor({ ...ONE, method: 'POST', ...more })) }
  }

  test('may wait at once, and what is no limit passes', async () => {
    const answer = answered()
    const { ask, waits } = alone([answer])
    expect(await ask()).toBe(answer)
    expect(waits).toEqual([5000])
    const failure = new Failure('upstream-reset')
    await expect(alone([failure]).ask()).rejects.toBe(failure)
  })

  test('that has waited in vain is refused', async () => {
    const kept = new Failure('rate-limited')
    const { ask, waits } = alone([kept])
    await expect(ask()).rejects.toBe(kept)
    expect(waits).toEqual([5000])
  })

  test('that the upstream refused for a limit goes out once more, and no oftener', async () => {
    const answer = answered()
    const { ask, waits } = alone([limited(new BodyOnce([SECONDARY])), answer])
    expect(await ask()).toBe(answer)
    expect(waits).toEqual([5000, 5000])
    const again = limited()
    expect(await alone([limited(), again]).ask()).toBe(again)
    const refused = await alone([limited(new BodyOnce([SECONDARY])), new Failure('paused')]).ask()
    expect(await textOf(refused.body)).toBe(SECONDARY)
  })

  test.each<[string, Asked, number?]>([
    ['whose body is gone', { body: new BodyOnce(['x']) }],
    ['that may not wait', {}, 0],
  ])('%s goes out once', async (_what, more, maxWait = 5000) => {
    const refusal = limited(new BodyOnce([SECONDARY]))
    expect(await alone([refusal], maxWait).ask(more)).toBe(refusal)
  })
})

describe('through the whole chain', () => {
  const page = (remaining: number, control = PRIVATE, reset = RESET) =>
    response(
      200,
      {
        ...limitFields(remaining, { reset, used: 5000 - remaining }),
        etag: '"a"',
        'content-type': JSON_TYPE,
        'cache-control': control,
      },
      'kept',
    )

  function gateway(options: ChainOptions = {}) {
    const { budget, ...more } = options
    const chained = chain({ limits: {}, budget: { staleOnLimit: COPY, maxWait: 5000, ...budget }, ...more })
    const begin = (asked: Asked) => {
      const state: { answer?: Answer; failure?: unknown } = {}
      chained.question(questionFor(asked)).then(
        (answer) => {
          state.answer = answer
        },
        (thrown: unknown) => {
          state.failure = thrown
        },
      )
      return state
    }
    return { ...chained, begin }
  }

  /** Nothing is left of the budget, and a copy of `/user` is kept. */
  async function usedUp(options: ChainOptions & { control?: string } = {}) {
    const { control, ...more } = options
    const chained = gateway(more)
    chained.upstream(page(0, control))
    await chained.get(ONE)
    chained.upstream(() => {
      throw new Error('nothing may be sent')
    })
    return chained
  }

  test('a read of what is kept is answered from it: stale, limited, and nothing is sent', async () => {
    const { get, sent, clock } = await usedUp()
    clock.advance(39_999)
    expect(await get(ONE)).toMatchObject({
      status: 200,
      text: 'kept',
      age: 39_999,
      outcome: { name: 'stale', forward: 'stale', detail: 'limited', covered: { tag: 'rate-limited' } },
    })
    expect(sent).toHaveLength(1)
  })

  test.each<[string, Asked, string?, ((of: Awaited<ReturnType<typeof usedUp>>) => unknown)?]>([
    ['after as long as the operator says', ONE, PRIVATE, ({ clock }) => clock.advance(40_000)],
    ['against no-cache', { ...ONE, fields: { 'cache-control': 'no-cache' } }],
    ['against max-age=0', { ...ONE, fields: { 'cache-control': 'max-age=0' } }],
    ['against must-revalidate, unless the operator said so', ONE, 'private, must-revalidate'],
    ['against no-cache of the upstream', ONE, 'private, no-cache'],
    ['after a write', ONE, PRIVATE, ({ epochs }) => epochs.bump('everything')],
    ['past the cache', { ...ONE, bypass: 'range' }],
    ['for another resource', { ...ONE, path: '/other' }],
  ])('but not %s', async (_what, asked, control = PRIVATE, before = () => {}) => {
    const chained = await usedUp({ control, budget: { maxWait: 0 } })
    before(chained)
    await expect(chained.get(asked)).rejects.toMatchObject({ tag: 'rate-limited' })
    expect(chained.sent).toHaveLength(1)
  })

  test('and not for a credential that was refused since', async () => {
    const { get, upstream, accepted } = await usedUp()
    accepted.remove(questionFor(ONE).credential.fingerprint)
    // Nobody vouches for it, so it has no budget that is used up.
    upstream(response(429, { 'retry-after': '60' }, SECONDARY))
    expect(await get(ONE)).toMatchObject({ status: 429, outcome: { name: 'refused' } })
  })

  test('must-revalidate gives way where the operator said for how long', async () => {
    const chained = await usedUp({
      control: 'private, must-revalidate',
      budget: { staleOnLimit: { ...COPY, isSet: true } },
    })
    expect((await chained.get(ONE)).outcome.name).toBe('stale')
  })

  test('no other credential gets the copy', async () => {
    const { get, ledger, accounts, upstream } = await usedUp()
    upstream(response(200, { etag: '"b"' }, 'theirs'))
    const other = { authorization: 'token two' }
    await get({ ...other, path: '/first' })
    ledger.observe(accounts.of(questionFor(other)).name, {
      resource: 'core',
      limit: 5000,
      remaining: 0,
      used: 5000,
      reset: RESET,
    })
    await expect(get(other)).rejects.toMatchObject({ tag: 'rate-limited' })
  })

  test('what is used up is refused in the upstream’s shape', async () => {
    const { get } = await usedUp({ budget: { maxWait: 0 } })
    const failure = await get({ ...ONE, path: '/other' }).catch((thrown: Failure) => thrown)
    const { tag, status, headers } = failure as Failure
    expect([tag, status]).toEqual(['rate-limited', 403])
    expect(headerValue(headers, 'x-ratelimit-remaining')).toBe('0')
    expect(headerValue(headers, 'x-ratelimit-limit')).toBe('5000')
    expect(headerValue(headers, 'x-ratelimit-reset')).toBe(String(RESET))
    expect(headerValue(headers, 'retry-after')).toBeUndefined()
  })

  test('a window that ends soon is waited for, and then asked', async () => {
    const { begin, upstream, clock, sent, ledger } = gateway()
    const reset = START / 1000 + 3
    upstream(page(0, PRIVATE, reset), page(4999))
    await begin({ ...ONE, path: '/first' })
    await turns()
    const waiting = begin(ONE)
    await turns()
    expect(ledger.report()).toMatchObject({ waiting: 1, inFlight: 0 })
    clock.advance(2999)
    await turns()
    expect([sent.length, waiting.answer]).toEqual([1, undefined])
    clock.advance(1)
    await turns()
    expect(waiting.answer?.outcome.name).toBe('filled')
    expect(ledger.report()).toMatchObject({ waiting: 0, inFlight: 0 })
  })

  test('one that ends later than a request may wait is not waited for', async () => {
    const { begin, upstream, sent } = gateway()
    upstream(page(0, PRIVATE, START / 1000 + 6))
    begin({ ...ONE, path: '/first' })
    await turns()
    const refused = begin(ONE)
    await turns()
    expect(refused.failure).toMatchObject({ tag: 'rate-limited' })
    expect(sent).toHaveLength(1)
  })

  test('whoever leaves while waiting leaves nothing behind', async () => {
    const { begin, upstream, clock, sent, ledger } = gateway()
    upstream(page(0, PRIVATE, START / 1000 + 3))
    begin({ ...ONE, path: '/first' })
    await turns()
    const leaving = new AbortController()
    const read = begin({ ...ONE, signal: leaving.signal })
    const write = begin({ ...ONE, method: 'DELETE', signal: leaving.signal })
    await turns()
    expect(ledger.report()).toMatchObject({ waiting: 2, inFlight: 0 })
    leaving.abort()
    await turns()
    expect([read.failure, write.failure]).toMatchObject([{ tag: 'client-gone' }, { tag: 'client-gone' }])
    expect(ledger.report()).toMatchObject({ waiting: 0, inFlight: 0 })
    clock.advance(10_000)
    await turns()
    expect(sent).toHaveLength(1)
  })

  test('a pause is told by Retry-After alone, and nothing is sent', async () => {
    const { get, upstream, sent, clock } = gateway()
    upstream(response(403, { 'retry-after': '60' }, SECONDARY))
    expect(await get({ ...ONE, path: '/first' })).toMatchObject({ status: 403, text: SECONDARY })
    clock.advance(500)
    const failure = (await get(ONE).catch((thrown: Failure) => thrown)) as Failure
    expect([failure.tag, failure.status]).toEqual(['paused', 403])
    expect(headerValue(failure.headers, 'retry-after')).toBe('60')
    expect(headerValue(failure.headers, 'x-ratelimit-remaining')).toBeUndefined()
    expect(sent).toHaveLength(1)
  })

  test.each<[string, number, Record<string, string>, string]>([
    ['secondary', 403, { 'retry-after': '2' }, SECONDARY],
    ['primary', 429, limitFields(0, { reset: START / 1000 + 2 }), PRIMARY],
  ])(
    'a %s refusal of the upstream is waited out, and its place is free for that',
    async (_kind, status, fields, body) => {
      const { begin, upstream, clock, sent, ledger } = gateway()
      upstream(response(status, fields, body), page(4000))
      const read = begin(ONE)
      await turns()
      expect([sent.length, ledger.report()]).toMatchObject([1, { waiting: 1, inFlight: 0 }])
      clock.advance(2000)
      await turns()
      expect(read.answer).toMatchObject({ status: 200, outcome: { name: 'filled' } })
      expect([sent.length, ledger.report()]).toMatchObject([2, { waiting: 0, inFlight: 0 }])
    },
  )

  test('one that takes longer passes as it came', async () => {
    const { get, upstream, sent } = gateway()
    upstream(response(429, { 'retry-after': '60', ...limitFields(17) }, PRIMARY))
    const answer = await get(ONE)
    expect(answer).toMatchObject({ status: 429, text: PRIMARY, outcome: { name: 'refused' } })
    expect(headerValue(answer.headers, 'retry-after')).toBe('60')
    expect(headerValue(answer.headers, 'x-ratelimit-remaining')).toBe('17')
    expect(sent).toHaveLength(1)
  })

  test('one is answered by the copy where there is one', async () => {
    const { get, upstream, ledger } = gateway()
    upstream(page(4000), response(403, { 'retry-after': '1' }, SECONDARY))
    await get(ONE)
    expect(await get(ONE)).toMatchObject({
      status: 200,
      text: 'kept',
      outcome: { name: 'stale', detail: 'limited', forwardStatus: 403 },
    })
    expect(ledger.report()).toMatchObject({ inFlight: 0, waiting: 0 })
  })

  test('those who share a question share its wait as well', async () => {
    const { begin, upstream, clock, sent } = gateway()
    upstream(response(403, { 'retry-after': '1' }, SECONDARY), page(4000))
    const readers = Array.from({ length: 10 }, () => begin(ONE))
    await turns()
    clock.advance(1000)
    await turns()
    expect(readers.map(({ answer }) => answer?.status)).toEqual(Array(10).fill(200))
    expect(sent).toHaveLength(2)
  })

  test('what may not be asked for at all does not wait', async () => {
    const { get, ledger } = await usedUp({ control: PUBLIC })
    const only = { ...ONE, path: '/other', fields: { 'cache-control': 'only-if-cached' } }
    await expect(get(only)).rejects.toMatchObject({ tag: 'only-if-cached' })
    expect(ledger.report().waiting).toBe(0)
  })

  test('a write that the upstream refused goes out once more when the pause is over', async () => {
    const { begin, upstream, clock, sent } = gateway()
    upstream(response(403, { 'retry-after': '2' }, SECONDARY), response(204))
    const write = begin({ ...ONE, method: 'DELETE' })
    await turns()
    clock.advance(1999)
    await turns()
    expect(sent).toHaveLength(1)
    clock.advance(1)
    await turns()
    expect([sent.length, write.answer?.status]).toEqual([2, 204])
  })

  test('a write that was refused for anything else goes out once', async () => {
    const { get, upstream, sent } = gateway()
    for (const status of [401, 403, 404, 409, 500, 503]) {
      upstream(response(status, {}, '{"message":"no"}'))
      expect((await get({ authorization: `token ${status}`, method: 'DELETE' })).status).toBe(status)
    }
    expect(sent).toHaveLength(6)
  })

  test('a share that is used up is refused with nothing remaining, until it may come again', async () => {
    const { get, upstream, ledger, accounts, clock } = gateway({ budget: { maxWait: 0 } })
    let remaining = 100
    upstream(() => response(200, { ...limitFields(remaining--), etag: '"a"' }, 'x'))
    const [greedy, modest] = ['a', 'b'].map((name) => ({ group: `key:${name}`, name: '' }))
    let failure: Failure | undefined
    await get({ ...ONE, path: '/modest', client: modest! })
    for (let index = 0; failure === undefined && index < 90; index++) {
      await get({ ...ONE, path: `/${index}`, client: greedy! }).catch((thrown: Failure) => {
        failure = thrown
      })
    }
    expect([failure?.tag, failure?.status]).toEqual(['share-used', 403])
    expect(headerValue(failure!.headers, 'x-ratelimit-remaining')).toBe('0')
    expect(headerValue(failure!.headers, 'retry-after')).toBeUndefined()
    const reset = Number(headerValue(failure!.headers, 'x-ratelimit-reset'))
    expect(reset).toBeGreaterThan(clock.now() / 1000)
    expect(reset).toBeLessThan(RESET)
    expect(ledger.latest(accounts.of(questionFor(ONE)).name, 'core')?.remaining).toBeGreaterThan(0)
    clock.advance(reset * 1000 - clock.now())
    expect((await get({ ...ONE, path: '/later', client: greedy! })).status).toBe(200)
  })
})
