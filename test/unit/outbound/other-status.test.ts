import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../../src/github/refusal.ts'
import type { FreshnessPolicy } from '../../../src/http/freshness.ts'
import { Arrivals } from '../../../src/middleware/outbound/arrivals.ts'
import type { Answer } from '../../../src/middleware/outbound/exchange.ts'
import { fresh } from '../../../src/middleware/outbound/fresh.ts'
import { keeper } from '../../../src/middleware/outbound/keeper.ts'
import { otherStatus } from '../../../src/middleware/outbound/other-status.ts'
import { reasonNotToStore, representationOf } from '../../../src/middleware/outbound/representation.ts'
import type { UpstreamResponse } from '../../../src/ports.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { memoryCacheStore } from '../../../src/store/memory/cache-store.ts'
import { memoryKnownRepresentations } from '../../../src/store/memory/known-representations.ts'
import { memoryWriteEpochs } from '../../../src/store/memory/write-epochs.ts'
import {
  type Asked,
  digest,
  FakeBody,
  HandClock,
  PRIVATE,
  PUBLIC,
  questionFor,
  response,
  START,
  textOf,
} from './harness.ts'

const TOKEN = 'token one'
const upstream: FreshnessPolicy = { mode: 'upstream' }
const LASTING = { 'cache-control': PUBLIC, etag: '"e"', 'last-modified': 'Wed, 15 Apr 2026 11:00:00 GMT' }

const reasonFor = (answer: UpstreamResponse, asked: Asked = {}, policy: FreshnessPolicy = upstream) =>
  reasonNotToStore(questionFor({ authorization: TOKEN, ...asked }), answer, policy, 10_000, START)

describe('which answers other than 200 are kept', () => {
  test.each([
    203, 204, 205, 226, 299, 300, 301, 302, 307, 308, 400, 404, 405, 410, 414, 451, 499, 500, 502, 503, 504, 599,
  ])('%d with a lifetime for anybody', (status) => {
    expect(reasonFor(response(status, LASTING, '{}'))).toBeUndefined()
    expect(reasonFor(response(status, LASTING, '{}'), { method: 'HEAD' })).toBe('not-complete')
    for (const control of [PRIVATE, '', 'public', 'public, max-age=0', 'max-age=60', 'no-cache, public, max-age=60']) {
      expect(reasonFor(response(status, { ...LASTING, 'cache-control': control }, '{}')), control).toBe('no-validator')
    }
    expect(reasonFor(response(status, { ...LASTING, 'cache-control': `no-store, ${PUBLIC}` }, '{}'))).toBe('no-store')
    expect(reasonFor(response(status, { ...LASTING, vary: '*' }, '{}'))).toBe('vary-any')
  })

  test.each([101, 103, 202, 206, 304, 401, 403, 407, 408, 412, 416, 421, 425, 426, 428, 429, 431])(
    '%d never, whatever it says',
    (status) => {
      expect(reasonFor(response(status, LASTING, '{}'))).toBe('not-complete')
    },
  )

  test('not where nothing is reused, nor for an operator’s duration, which is about representations', () => {
    expect(reasonFor(response(404, LASTING, '{}'), {}, { mode: 'revalidate' })).toBe('no-validator')
    const private404 = response(404, { ...LASTING, 'cache-control': PRIVATE }, '{}')
    expect(reasonFor(private404, {}, { mode: 'duration', milliseconds: 60_000 })).toBe('no-validator')
  })

  test.each([
    ['https://ghes.example/api/v3/repositories/1', true],
    ['/api/v3/repositories/1', true],
    ['https://codeload.ghes.example/octocat/hello/zip?token=signed', false],
    ['http://ghes.example/api/v3/repositories/1', false],
    ['//elsewhere.example/', false],
    ['https://[', false],
  ])('a redirect to %s: %s', (location, kept) => {
    expect(reasonFor(response(302, { ...LASTING, location }))).toBe(kept ? undefined : 'not-complete')
  })

  test('must-understand takes no-store back where the status is understood, and is no permission elsewhere', () => {
    const said = (status: number, control: string) =>
      reasonFor(response(status, { ...LASTING, 'cache-control': control }))
    expect(said(200, 'public, max-age=60, no-store, must-understand')).toBeUndefined()
    expect(said(404, 'public, max-age=60, no-store, must-understand')).toBeUndefined()
    expect(said(599, 'public, max-age=60, no-store, must-understand')).toBe('no-store')
    expect(said(599, 'public, max-age=60, must-understand')).toBe('no-store')
    expect(said(200, 'public, max-age=60, no-store')).toBe('no-store')
  })
})

/** A gateway whose upstream answers this, over and over. */
/** As `ask` hands it on. */
function classified(answer: UpstreamResponse) {
  const refusal = refusalOf(answer.status, answer.headers, { message: '', documentationUrl: undefined }, START)
  return { ...answer, ...(refusal === undefined ? {} : { refusal }) }
}

function arranged(answer: () => UpstreamResponse) {
  const clock = new HandClock()
  const store = memoryCacheStore({ bodyBytes: 1_000_000, validationBytes: 1_000_000 })
  const epochs = memoryWriteEpochs(100)
  const accepted = memoryAcceptedCredentials(100)
  const arrivals = new Arrivals()
  const others = otherStatus({
    store,
    arrivals,
    end: keeper({ store, known: memoryKnownRepresentations(1000), arrivals }).end,
    digest,
    policy: upstream,
    maxEntryBytes: 1000,
  })
  const copies: boolean[] = []
  const rules = { freshness: upstream, stale: { milliseconds: 300_000, isSet: true } }
  const reads = fresh(
    { store, epochs, accepted, clock, rules, askInBackground: () => true },
    async (question, stored): Promise<Answer> => {
      copies.push(stored !== undefined)
      const moment = { epoch: epochs.current(), arrivals: 0, askedAt: clock.now(), arrivedAt: clock.now() }
      return others(question, stored, classified(answer()), moment)
    },
  )
  const get = async (asked: Asked = {}) => {
    const got = await reads(questionFor({ authorization: TOKEN, ...asked }))
    return { ...got, text: await textOf(got.body) }
  }
  return { clock, store, epochs, copies, get }
}

describe('what is kept of them', () => {
  const { key } = questionFor({ authorization: TOKEN })

  test('lasts as long as it says, is answered as it was, and is then forgotten unasked', async () => {
    const { get, clock, store, copies } = arranged(() => response(404, LASTING, '{"message":"Not Found"}'))
    expect(await get()).toMatchObject({ status: 404, outcome: { name: 'refused', forwardStatus: 404, stored: true } })
    clock.advance(59_999)
    const hit = await get()
    expect(hit).toMatchObject({ status: 404, text: '{"message":"Not Found"}', age: 59_999, outcome: { name: 'hit' } })
    expect(store.validation(key)).toMatchObject({ etag: undefined, lastModified: undefined, staleUse: 'forbidden' })
    clock.advance(1)
    expect(await get({ fields: { 'cache-control': 'max-stale' } })).toMatchObject({ outcome: { name: 'refused' } })
    expect(copies).toEqual([false, false])
  })

  test('ends with a write', async () => {
    const { get, epochs, copies } = arranged(() => response(404, LASTING, '{}'))
    await get()
    epochs.bump(questionFor({ authorization: TOKEN }).scopes())
    await get()
    expect(copies).toHaveLength(2)
  })

  test('does not take the place of a copy where it is the upstream that failed', async () => {
    for (const [status, name] of [
      [503, 'kept'],
      [404, 'replaced'],
      [429, 'kept'],
      [204, 'replaced'],
    ] as const) {
      const { get, store, clock } = arranged(() => response(status, LASTING, status === 204 ? null : 'other'))
      const question = questionFor({ authorization: TOKEN })
      const moment = { epoch: 0, arrivals: 0, askedAt: clock.now(), arrivedAt: clock.now() }
      const copy = representationOf(question, ['etag', '"e"'], new TextEncoder().encode('copy'), moment, digest)
      store.keep(key, copy.validation, copy.body)
      const answer = await get()
      expect(answer.status).toBe(status)
      expect(answer.text).toBe(status === 204 ? '' : 'other')
      expect(store.validation(key)).toMatchObject({ status: name === 'kept' ? 200 : status })
    }
  })

  test('what is not kept passes as it comes, and ends the copy where it speaks of it', async () => {
    for (const [answer, ends] of [
      [response(404, {}, 'gone'), true],
      [response(202, {}, 'soon'), true],
      [response(403, { 'x-ratelimit-remaining': '0' }, 'limit'), false],
      [response(408, {}, 'slow'), false],
      [response(404, LASTING, new FakeBody(Array(3).fill('x'.repeat(500)))), true],
    ] as const) {
      const { get, store, clock } = arranged(() => answer)
      const question = questionFor({ authorization: TOKEN })
      const moment = { epoch: 0, arrivals: 0, askedAt: clock.now(), arrivedAt: clock.now() }
      const copy = representationOf(question, ['etag', '"e"'], new TextEncoder().encode('copy'), moment, digest)
      store.keep(key, copy.validation, copy.body)
      const got = await get()
      expect(got.stored).toBeUndefined()
      expect(got.text.length).toBeGreaterThan(3)
      expect(store.validation(key) === undefined).toBe(ends)
    }
  })
})
