import { describe, expect, test } from 'vitest'
import type { FreshnessPolicy } from '../../../src/http/freshness.ts'
import { headerValue } from '../../../src/http/headers.ts'
import { chain, JSON_TYPE, PRIVATE, PUBLIC, response, START } from './harness.ts'

const ONE = 'token one'
const MODIFIED = 'Wed, 15 Apr 2026 11:00:00 GMT'
const minute: FreshnessPolicy = { mode: 'duration', milliseconds: 60_000 }
const always: FreshnessPolicy = { mode: 'revalidate' }
const stored = (control: string, more: Record<string, string> = {}) =>
  response(200, { 'content-type': JSON_TYPE, 'cache-control': control, etag: 'W/"a"', ...more }, 'body')
const unchanged = (more: Record<string, string> = {}) => response(304, { etag: '"a"', ...more })

describe('modes of freshness', () => {
  test.each([
    // policy, Cache-Control, credential, asked again after 30 s
    ['upstream', undefined, PRIVATE, ONE, true],
    ['upstream', undefined, PRIVATE, undefined, true],
    ['upstream', undefined, PUBLIC, ONE, false],
    ['upstream', undefined, PUBLIC, undefined, false],
    ['upstream', undefined, 'max-age=60', ONE, true],
    ['upstream', undefined, 'max-age=60', undefined, false],
    ['revalidate', always, PUBLIC, ONE, true],
    ['revalidate', always, PUBLIC, undefined, true],
    ['a minute', minute, PRIVATE, ONE, false],
    ['a minute', minute, PRIVATE, undefined, true],
    ['a minute', minute, 'no-cache', ONE, true],
    ['a minute', minute, 'private, no-cache="set-cookie"', ONE, true],
  ])('%s: %s %s with %s is asked for again: %s', async (_name, policy, control, authorization, asked) => {
    const { get, upstream, sent, clock } = chain(policy === undefined ? {} : { policy })
    upstream(stored(control), unchanged())
    const question = authorization === undefined ? {} : { authorization }
    await get(question)
    clock.advance(30_000)
    const answer = await get(question)
    expect(sent.length).toBe(asked ? 2 : 1)
    expect(answer.text).toBe('body')
    expect(answer.outcome.name).toBe(asked ? 'revalidated' : 'hit')
    expect(answer.age).toBe(asked ? undefined : 30_000)
    if (asked) expect(sent[1]?.noneMatch).toBe('W/"a"')
    clock.advance(30_000)
    await get(question)
    expect(sent.length).toBe(asked ? 3 : 2)
  })

  test('a 304 renews what it confirms', async () => {
    const { get, upstream, sent, clock } = chain()
    upstream(stored(PUBLIC), unchanged())
    await get()
    clock.advance(70_000)
    expect((await get()).outcome.name).toBe('revalidated')
    clock.advance(59_000)
    expect(await get()).toMatchObject({ outcome: { name: 'hit' }, age: 59_000 })
    expect(sent).toHaveLength(2)
  })

  test('a lifetime without a validator is enough to keep, and is then asked for unconditionally', async () => {
    const { get, upstream, sent, clock } = chain()
    upstream(response(200, { 'cache-control': 'public, max-age=60' }, 'body'))
    await get()
    clock.advance(59_999)
    expect((await get()).outcome.name).toBe('hit')
    clock.advance(1)
    expect((await get()).outcome.name).toBe('replaced')
    expect(sent[1]?.headers).not.toContain('if-none-match')
    expect(sent[1]?.headers).not.toContain('if-modified-since')
  })
})

describe('validators', () => {
  test('a tag goes without the date; the date goes alone, where there is no tag', async () => {
    const cases = [
      [{ etag: 'W/"a"', 'last-modified': MODIFIED }, 'W/"a", "client"', undefined],
      [{ 'last-modified': MODIFIED }, undefined, MODIFIED],
      [{ etag: 'unquoted', 'last-modified': MODIFIED }, undefined, MODIFIED],
    ] as const
    for (const [fields, noneMatch, modifiedSince] of cases) {
      const { get, upstream, sent } = chain()
      upstream(response(200, { 'cache-control': PRIVATE, ...fields }, 'body'), response(304, { etag: '"a"' }))
      const asked = { authorization: ONE, clientTags: ['"client"'] }
      await get(asked)
      const answer = await get(asked)
      expect(sent[1]).toMatchObject({ noneMatch, modifiedSince })
      expect(answer).toMatchObject({ status: 200, text: 'body', outcome: { name: 'revalidated' } })
    }
  })
})

describe('what a client asks for', () => {
  test.each(['no-cache', 'no-store', 'max-age=0', 'min-fresh=60', 'max-age=20'])('%s is obeyed', async (control) => {
    const { get, upstream, sent, clock } = chain()
    upstream(stored(PUBLIC), unchanged())
    await get()
    clock.advance(30_000)
    const answer = await get({ fields: { 'cache-control': control } })
    expect(sent).toHaveLength(2)
    expect(sent[1]?.noneMatch).toBe('W/"a"')
    expect(answer.outcome.name).toBe('revalidated')
    expect(answer.outcome.stored).toBe(control === 'no-store' ? undefined : true)
    clock.advance(1)
    // The next one profits from the answer, unless its client forbade keeping it: then the copy is as old as it was.
    expect((await get()).age).toBe(control === 'no-store' ? 30_001 : 1)
  })

  test.each(['max-age=31', 'min-fresh=29', 'max-stale=100', 'no-transform'])('%s is satisfied', async (control) => {
    const { get, upstream, sent, clock } = chain()
    upstream(stored(PUBLIC))
    await get()
    clock.advance(30_000)
    expect((await get({ fields: { 'cache-control': control } })).outcome.name).toBe('hit')
    expect(sent).toHaveLength(1)
  })

  test('only-if-cached never asks', async () => {
    const { get, upstream, sent, clock } = chain()
    const onlyIfCached = { fields: { 'cache-control': 'only-if-cached' } }
    upstream(stored(PUBLIC))
    await expect(get(onlyIfCached)).rejects.toMatchObject({ tag: 'only-if-cached', status: 504 })
    await expect(get({ ...onlyIfCached, bypass: 'range' })).rejects.toMatchObject({ tag: 'only-if-cached' })
    await get()
    expect((await get(onlyIfCached)).outcome.name).toBe('hit')
    clock.advance(60_000)
    await expect(get(onlyIfCached)).rejects.toMatchObject({ tag: 'only-if-cached' })
    expect(sent).toHaveLength(1)
  })
})

describe('age', () => {
  test('counts what the answer brought, the journey, and the time here', async () => {
    const { get, upstream, clock } = chain()
    upstream((_request, number) => {
      clock.advance(2000)
      return number === 1 ? stored(PUBLIC, { age: '10' }) : unchanged({ age: '20' })
    })
    await get()
    clock.advance(5000)
    expect((await get()).age).toBe(17_000)
    await get({ fields: { 'cache-control': 'no-cache' } })
    clock.advance(5000)
    expect((await get()).age).toBe(27_000)
    clock.advance(33_000)
    expect((await get()).outcome.name).toBe('revalidated')
  })

  test('counts from Date, of the answer that came last', async () => {
    const { get, upstream, sent, clock } = chain()
    const date = (epoch: number) => new Date(epoch).toUTCString()
    upstream(stored(PUBLIC, { date: date(START - 20_000) }), unchanged({ date: date(START + 100_000 - 50_000) }))
    await get()
    expect((await get()).age).toBe(20_000)
    clock.advance(100_000)
    await get()
    expect((await get()).age).toBe(50_000)
    clock.advance(10_000)
    await get()
    expect(sent).toHaveLength(3)
  })

  test('a 304 without Date does not stretch the lifetime that its Expires gives', async () => {
    const { get, upstream, clock } = chain()
    const date = (epoch: number) => new Date(epoch).toUTCString()
    upstream(
      stored('public', { date: date(START), expires: date(START + 10_000) }),
      unchanged({ expires: date(START + 110_000) }),
    )
    await get()
    clock.advance(100_000)
    const answer = await get()
    expect(headerValue(answer.headers, 'date')).toBe(date(START + 100_000))
    clock.advance(9_999)
    expect((await get()).outcome.name).toBe('hit')
    clock.advance(1)
    expect((await get()).outcome.name).toBe('revalidated')
  })
})
