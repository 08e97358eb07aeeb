import { describe, expect, test } from 'vitest'
import { Failure, type FailureTag, failures } from '../../../src/errors.ts'
import type { StalePolicy } from '../../../src/http/staleness.ts'
import { askInBackground } from '../../../src/middleware/outbound/background.ts'
import type { Answer, Question } from '../../../src/middleware/outbound/exchange.ts'
import { fresh, type Revalidating } from '../../../src/middleware/outbound/fresh.ts'
import { representationOf } from '../../../src/middleware/outbound/representation.ts'
import { staleOnError } from '../../../src/middleware/outbound/stale-on-error.ts'
import { standIn } from '../../../src/middleware/outbound/stand-in.ts'
import type { Body } from '../../../src/ports.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { memoryCacheStore } from '../../../src/store/memory/cache-store.ts'
import { memoryWriteEpochs } from '../../../src/store/memory/write-epochs.ts'
import { type Asked, digest, FakeBody, HandClock, held, PRIVATE, questionFor, START, textOf } from './harness.ts'

const TOKEN = 'token one'
const LATER = 'private, max-age=60, stale-while-revalidate=30'
const NOTHING: Body = null

/** `fresh` and `staleOnError` around an upstream that is a function. */
function arranged({
  milliseconds = 300_000,
  isSet = false,
  ...more
}: Partial<StalePolicy> & { duration?: number } = {}) {
  const clock = new HandClock()
  const store = memoryCacheStore({ bodyBytes: 1_000_000, validationBytes: 1_000_000 })
  const epochs = memoryWriteEpochs(100)
  const accepted = memoryAcceptedCredentials(100)
  const freshness =
    more.duration === undefined
      ? ({ mode: 'upstream' } as const)
      : ({ mode: 'duration', milliseconds: more.duration } as const)
  const use = { store, epochs, accepted, clock, rules: { freshness, stale: { milliseconds, isSet } } }
  const seen: { question: Question; hasCopy: boolean }[] = []
  const pending: Promise<void>[] = []
  const reported: Failure[] = []
  let says: Revalidating = async () => {
    throw new Error('the test did not expect a question')
  }
  const next: Revalidating = (question, stored) => {
    seen.push({ question, hasCopy: stored !== undefined })
    return says(question, stored)
  }
  const background = {
    background: (work: Promise<void>) => void pending.push(work),
    report: (f: Failure) => reported.push(f),
  }
  const reads = fresh(
    { ...use, askInBackground: askInBackground(background, next) },
    staleOnError({ ...use, standIn: standIn(use) }, next),
  )
  return {
    ...use,
    clock,
    seen,
    pending,
    reported,
    /** What this credential was told, as if just now. */
    keep(asked: Asked, control = PRIVATE, text = 'kept'): void {
      const question = questionFor({ authorization: TOKEN, ...asked })
      if (!question.credential.isAnonymous) accepted.add(question.credential.fingerprint)
      const now = clock.now()
      const moment = { epoch: epochs.current(), arrivals: 0, askedAt: now, arrivedAt: now }
      const fields = ['cache-control', control, 'etag', '"e"']
      const { validation, body } = representationOf(question, fields, new TextEncoder().encode(text), moment, digest)
      store.keep(question.key, validation, body)
    },
    says(answer: Revalidating): void {
      says = answer
    },
    async ask(asked: Asked = {}) {
      const question = questionFor({ authorization: TOKEN, ...asked })
      const answer = await reads(question)
      return { ...answer, text: await textOf(answer.body) }
    },
  }
}

const failing =
  (tag: FailureTag): Revalidating =>
  async () => {
    throw new Failure(tag)
  }

const answering =
  (status: number, body: Body = NOTHING): Revalidating =>
  async () => ({
    status,
    headers: [],
    live: [],
    body,
    stored: undefined,
    age: undefined,
    outcome: { name: status < 300 ? 'fetched' : 'refused', forward: 'miss', forwardStatus: status },
  })

const upstreamTags = (Object.keys(failures) as FailureTag[]).filter((tag) => tag.startsWith('upstream-'))
const otherTags = (Object.keys(failures) as FailureTag[]).filter((tag) => !tag.startsWith('upstream-'))

describe('where the upstream cannot be asked', () => {
  test.each(upstreamTags)('%s: the copy is used, with its age, and the failure is not forgotten', async (tag) => {
    const { ask, keep, says, clock } = arranged()
    keep({})
    says(failing(tag))
    clock.advance(299_000)
    const answer = await ask()
    expect(answer).toMatchObject({ status: 200, text: 'kept', age: 299_000 })
    expect(answer.outcome).toMatchObject({
      name: 'stale',
      forward: 'stale',
      detail: 'upstream-failed',
      covered: { tag },
    })
    expect(answer.outcome.forwardStatus).toBeUndefined()
    clock.advance(1000)
    await expect(ask()).rejects.toMatchObject({ tag })
  })

  test.each(otherTags)('%s is not the upstream’s doing', async (tag) => {
    const { ask, keep, says } = arranged()
    keep({})
    says(failing(tag))
    await expect(ask()).rejects.toMatchObject({ tag })
  })

  test('what is thrown otherwise is a fault of the gateway and is told as one', async () => {
    const { ask, keep, says } = arranged()
    keep({})
    says(async () => {
      throw new TypeError('bug')
    })
    await expect(ask()).rejects.toThrow(TypeError)
  })

  test('without a copy, and for what the cache takes no part in, it fails', async () => {
    const { ask, keep, says } = arranged()
    says(failing('upstream-reset'))
    await expect(ask()).rejects.toMatchObject({ tag: 'upstream-reset' })
    keep({})
    await expect(ask({ bypass: 'range' })).rejects.toMatchObject({ tag: 'upstream-reset' })
    await expect(ask({ path: '/users/hubot' })).rejects.toMatchObject({ tag: 'upstream-reset' })
  })
})

describe('where the upstream answers with an error', () => {
  test.each([500, 502, 503, 504])('%d: the copy is used, and the error’s body let go', async (status) => {
    const { ask, keep, says } = arranged()
    const body = new FakeBody(['a page of html'])
    keep({})
    says(answering(status, body))
    const answer = await ask()
    expect(answer).toMatchObject({ status: 200, text: 'kept' })
    expect(answer.outcome).toEqual({
      name: 'stale',
      forward: 'stale',
      forwardStatus: status,
      detail: 'upstream-error',
    })
    expect(body.ended).toBe('given up')
  })

  test.each([400, 401, 403, 404, 410, 422, 429, 451, 501, 505, 599, 301, 204])('%d passes', async (status) => {
    const { ask, keep, says } = arranged()
    keep({})
    says(answering(status, new FakeBody(['its own'])))
    expect(await ask()).toMatchObject({ status, text: 'its own' })
  })

  test('it passes where there is no copy that may be used', async () => {
    const { ask, keep, says } = arranged()
    says(answering(503, new FakeBody(['maintenance'])))
    expect(await ask()).toMatchObject({ status: 503, text: 'maintenance' })
    keep({}, 'no-cache')
    says(answering(503, new FakeBody(['maintenance'])))
    expect(await ask()).toMatchObject({ status: 503, text: 'maintenance' })
    keep({})
    says(answering(503, new FakeBody(['maintenance'])))
    expect(await ask({ bypass: 'precondition' })).toMatchObject({ status: 503, text: 'maintenance' })
  })
})

describe('the copy at the moment of answering', () => {
  test('one that was dropped or written to while the upstream was asked is not used', async () => {
    const { ask, keep, says, store, epochs } = arranged()
    const { key } = questionFor({ authorization: TOKEN })
    for (const meanwhile of [
      () => store.drop(key),
      () => epochs.bump(questionFor({ authorization: TOKEN }).scopes()),
      () => epochs.bump('everything'),
    ]) {
      keep({})
      says(async () => {
        await meanwhile()
        throw new Failure('upstream-headers-timeout')
      })
      await expect(ask()).rejects.toMatchObject({ tag: 'upstream-headers-timeout' })
    }
  })

  test('one that another answer brought meanwhile is', async () => {
    const { ask, keep, says } = arranged()
    keep({})
    says(async () => {
      keep({}, PRIVATE, 'newer')
      throw new Failure('upstream-headers-timeout')
    })
    expect((await ask()).text).toBe('newer')
  })

  test('of another credential never, nor of one that the upstream has refused since', async () => {
    const { ask, keep, says, accepted } = arranged()
    keep({})
    keep({ authorization: 'token two' }, PRIVATE, 'theirs')
    says(failing('upstream-unreachable'))
    expect((await ask({ authorization: 'token two' })).text).toBe('theirs')
    await expect(ask({ authorization: 'token three' })).rejects.toMatchObject({ tag: 'upstream-unreachable' })
    accepted.remove(questionFor({ authorization: TOKEN }).credential.fingerprint)
    await expect(ask()).rejects.toMatchObject({ tag: 'upstream-unreachable' })
    await expect(ask({ fields: { 'cache-control': 'max-stale' } })).rejects.toMatchObject({
      tag: 'upstream-unreachable',
    })
  })

  test('a client that wants what is true now, or has left, is told', async () => {
    const { ask, keep, says, clock } = arranged()
    keep({})
    clock.advance(10_000)
    says(failing('upstream-unreachable'))
    for (const control of ['no-cache', 'no-store', 'max-age=0', 'max-age=10', 'min-fresh=1']) {
      await expect(ask({ fields: { 'cache-control': control } }), control).rejects.toMatchObject({
        tag: 'upstream-unreachable',
      })
    }
    expect((await ask({ fields: { 'cache-control': 'max-age=11' } })).age).toBe(10_000)
  })

  test('against must-revalidate only by the operator’s own word, and never at 0s', async () => {
    for (const [policy, control, used] of [
      [{}, 'private, must-revalidate', false],
      [{ isSet: true }, 'private, must-revalidate', true],
      [{ isSet: true }, 'private, no-cache', false],
      [{ milliseconds: 0, isSet: true }, 'private', false],
      [{ milliseconds: 0, isSet: true }, 'private, stale-if-error=60', false],
    ] as const) {
      const { ask, keep, says } = arranged(policy)
      keep({}, control)
      says(failing('upstream-unreachable'))
      if (used) expect((await ask()).text).toBe('kept')
      else await expect(ask(), control).rejects.toMatchObject({ tag: 'upstream-unreachable' })
    }
  })
})

describe('max-stale', () => {
  test('reuses the copy, asks nothing, and says how stale it is', async () => {
    const { ask, keep, clock, seen } = arranged()
    keep({})
    clock.advance(30_500)
    const answer = await ask({ fields: { 'cache-control': 'max-stale=60, only-if-cached' } })
    expect(answer).toMatchObject({ text: 'kept', age: 30_500 })
    expect(answer.outcome).toEqual({ name: 'hit', detail: 'max-stale', ttl: -31 })
    expect(seen).toHaveLength(0)
  })

  test('not after a write, nor without a copy of one’s own', async () => {
    const { ask, keep, epochs, says, seen } = arranged()
    keep({})
    says(answering(200))
    epochs.bump(questionFor({ authorization: TOKEN }).scopes())
    await ask({ fields: { 'cache-control': 'max-stale' } })
    await ask({ authorization: 'token two', fields: { 'cache-control': 'max-stale' } })
    expect(seen).toMatchObject([{ hasCopy: true }, { hasCopy: false }])
  })
})

describe('stale-while-revalidate', () => {
  const minute = { duration: 60_000 }

  test('answers at once and asks behind the client’s back, for nobody in particular', async () => {
    const { ask, keep, says, clock, seen, pending } = arranged(minute)
    const client = new AbortController()
    const body = new FakeBody(['too large to be stored'])
    keep({}, LATER)
    clock.advance(75_000)
    says(answering(200, body))
    const answer = await ask({
      method: 'HEAD',
      fields: { 'cache-control': 'only-if-cached' },
      clientTags: ['"mine"'],
      clientModifiedSince: 'Wed, 15 Apr 2026 11:00:00 GMT',
      signal: client.signal,
    })
    expect(answer).toMatchObject({ text: 'kept', age: 75_000 })
    expect(answer.outcome).toEqual({ name: 'hit', detail: 'stale-while-revalidate', ttl: -15 })
    expect(seen).toMatchObject([{ hasCopy: true }])
    const { question } = seen[0]!
    expect(question).toMatchObject({ method: 'GET', clientTags: [], clientModifiedSince: undefined, body: null })
    expect(question.key).toBe(questionFor({ authorization: TOKEN }).key)
    expect(question.headers).toContain(TOKEN)
    expect(question.directives).toMatchObject({ onlyIfCached: false, noCache: false })
    client.abort()
    expect(question.signal().aborted).toBe(false)
    await Promise.all(pending)
    expect(body.ended).toBe('given up')
  })

  test('one question at a time for each copy', async () => {
    const { ask, keep, says, clock, seen, pending } = arranged(minute)
    keep({}, LATER)
    keep({ path: '/users/hubot' }, LATER)
    clock.advance(75_000)
    const first = held<Answer>()
    says(() => first.promise)
    for (let round = 0; round < 3; round++) {
      expect((await ask()).outcome.name).toBe('hit')
      expect((await ask({ path: '/users/hubot' })).outcome.name).toBe('hit')
    }
    expect(seen).toHaveLength(2)
    first.settle(await answering(500)(questionFor(), undefined))
    await Promise.all(pending)
    await ask()
    expect(seen).toHaveLength(3)
  })

  test('what goes wrong is reported, and may be tried again', async () => {
    const { ask, keep, says, clock, seen, pending, reported } = arranged(minute)
    keep({}, LATER)
    clock.advance(75_000)
    says(failing('upstream-reset'))
    for (const times of [1, 2]) {
      expect((await ask()).text).toBe('kept')
      await Promise.all(pending)
      expect(reported.map(({ tag }) => tag)).toEqual(Array(times).fill('upstream-reset'))
      expect(seen).toHaveLength(times)
    }
  })

  test('where too much is asked already, the client waits for its own answer', async () => {
    const { ask, keep, says, clock, seen } = arranged(minute)
    const paths = Array.from({ length: 101 }, (_, index) => `/users/${index}`)
    for (const path of paths) keep({ path }, LATER)
    clock.advance(75_000)
    const never = held<Answer>()
    says(() => never.promise)
    for (const path of paths.slice(1)) expect((await ask({ path })).outcome.name).toBe('hit')
    says(answering(200, new FakeBody(['asked for'])))
    expect((await ask({ path: paths[0]! })).text).toBe('asked for')
    // Those that are out already go on being answered.
    expect((await ask({ path: paths[1]! })).text).toBe('kept')
    expect(seen).toHaveLength(101)
  })

  test('not after a write, which nobody has asked about yet', async () => {
    const { ask, keep, says, clock, epochs, seen, pending } = arranged(minute)
    keep({}, LATER)
    clock.advance(75_000)
    epochs.bump(questionFor({ authorization: TOKEN }).scopes())
    says(answering(200, new FakeBody(['asked for'])))
    expect((await ask()).text).toBe('asked for')
    expect(seen).toHaveLength(1)
    expect(pending).toHaveLength(0)
  })
})

test('the poll interval of one’s own answer is kept to, and a write ends it', async () => {
  const { ask, store, epochs, accepted, says, clock, seen } = arranged()
  const question = questionFor({ authorization: TOKEN })
  accepted.add(question.credential.fingerprint)
  const moment = { epoch: 0, arrivals: 0, askedAt: START, arrivedAt: START }
  const fields = ['cache-control', PRIVATE, 'etag', '"e"', 'x-poll-interval', '60']
  const { validation, body } = representationOf(question, fields, new TextEncoder().encode('[]'), moment, digest)
  store.keep(question.key, validation, body)
  says(answering(200))
  clock.advance(59_999)
  const hit = await ask()
  expect(hit).toMatchObject({ text: '[]', age: 59_999 })
  expect(hit.outcome).toEqual({ name: 'hit' })
  await ask({ fields: { 'cache-control': 'no-cache' } })
  expect(seen).toHaveLength(1)
  epochs.bump(question.scopes())
  await ask()
  expect(seen).toHaveLength(2)
})
