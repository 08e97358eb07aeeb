import { describe, expect, test } from 'vitest'
import { Arrivals } from '../../../src/middleware/outbound/arrivals.ts'
import type { CacheStore } from '../../../src/ports.ts'
import { memoryCacheStore } from '../../../src/store/memory/cache-store.ts'
import { turns } from './flights.ts'
import { chain, held, JSON_TYPE, response } from './harness.ts'

describe('arrivals', () => {
  test('are known for each key, by what was asked before them', () => {
    const arrivals = new Arrivals()
    arrivals.begin('a')
    arrivals.begin('b')
    const before = arrivals.current()
    const number = arrivals.note('a')
    const after = arrivals.current()
    expect([arrivals.since(before, 'a'), arrivals.since(after, 'a'), arrivals.since(before, 'b')]).toEqual([
      true,
      false,
      false,
    ])
    expect(arrivals.since(number, 'a')).toBe(false)
    arrivals.note('a')
    expect(arrivals.since(number, 'a')).toBe(true)
  })

  test('agree where all of them, since a question was asked, speak of one body', () => {
    const arrivals = new Arrivals()
    arrivals.begin('a')
    arrivals.note('a', 'another body')
    const asked = arrivals.current()
    expect(arrivals.agree(asked, 'a', 'body')).toBe(true)
    arrivals.note('a', 'body')
    arrivals.note('b')
    expect([arrivals.agree(asked, 'a', 'body'), arrivals.agree(asked, 'a', 'another body')]).toEqual([true, false])
    arrivals.note('a')
    expect(arrivals.agree(asked, 'a', 'body')).toBe(false)
  })

  test('do not agree where so many came that the first were forgotten', () => {
    const arrivals = new Arrivals()
    arrivals.begin('a')
    const asked = arrivals.current()
    for (let count = 0; count < 64; count++) arrivals.note('a', 'body')
    expect(arrivals.agree(asked, 'a', 'body')).toBe(true)
    arrivals.note('a', 'body')
    expect(arrivals.agree(asked, 'a', 'body')).toBe(false)
    expect(arrivals.agree(asked + 1, 'a', 'body')).toBe(true)
  })

  test('are remembered while any question of the key is out, and no longer', () => {
    const arrivals = new Arrivals()
    arrivals.begin('a')
    arrivals.begin('a')
    const asked = arrivals.current()
    arrivals.note('a')
    arrivals.finish('a')
    expect(arrivals.since(asked, 'a')).toBe(true)
    arrivals.finish('a')
    expect(arrivals.since(asked, 'a')).toBe(false)
    // Nobody was out: nothing is kept of it.
    arrivals.note('a')
    expect(arrivals.since(asked, 'a')).toBe(false)
  })
})

test('an answer that was asked for before the thing was refused is not reused after it', async () => {
  const { get, upstream, sent } = chain({ policy: { mode: 'duration', milliseconds: 3_600_000 } })
  const ONE = { authorization: 'token one' }
  const late = held<ReturnType<typeof response>>()
  const found = () => response(200, { etag: '"a"', 'content-type': JSON_TYPE, 'cache-control': 'private' }, '{}')
  upstream((_request, number) => (number === 1 ? late.promise : number === 2 ? response(404) : response(403)))
  const first = get(ONE)
  expect((await get({ ...ONE, fields: { 'cache-control': 'no-cache' } })).status).toBe(404)
  late.settle(found())
  expect((await first).status).toBe(200)
  expect((await get(ONE)).status).toBe(403)
  expect(sent).toHaveLength(3)
})

test('nor one that was asked for before another was confirmed, though what is stored looks the same', async () => {
  const { get, upstream } = chain({ policy: { mode: 'duration', milliseconds: 3_600_000 } })
  const ONE = { authorization: 'token one' }
  const late = held<ReturnType<typeof response>>()
  const fields = { 'content-type': JSON_TYPE, 'cache-control': 'private' }
  upstream((_request, number) => {
    if (number === 2) return late.promise
    return number === 3 ? response(304, { ...fields, etag: '"a"' }) : response(200, { ...fields, etag: '"a"' }, 'a')
  })
  const noCache = { ...ONE, fields: { 'cache-control': 'no-cache' } }
  await get(ONE)
  const older = get(noCache)
  expect((await get(noCache)).text).toBe('a')
  late.settle(response(200, { ...fields, etag: '"b"' }, 'b'))
  expect((await older).text).toBe('b')
  // Which of the two holds is for the upstream to say.
  expect(await get(ONE)).toMatchObject({ text: 'a', outcome: { name: 'replaced' } })
})

test('nor one of two that were asked for before the refusal, though both say the same', async () => {
  const { get, upstream } = chain({ policy: { mode: 'duration', milliseconds: 3_600_000 } })
  const ONE = { authorization: 'token one' }
  const noCache = { ...ONE, fields: { 'cache-control': 'no-cache' } }
  const late = [held<ReturnType<typeof response>>(), held<ReturnType<typeof response>>()]
  const found = () => response(200, { etag: '"a"', 'content-type': JSON_TYPE, 'cache-control': 'private' }, '{}')
  upstream((_request, number) => late[number - 1]?.promise ?? response(404))
  const first = get(noCache)
  const second = get(noCache)
  expect((await get(noCache)).status).toBe(404)
  late[0]!.settle(found())
  expect((await first).status).toBe(200)
  late[1]!.settle(found())
  expect((await second).status).toBe(200)
  expect((await get(ONE)).status).toBe(404)
})

test('nor one that agrees with what is stored, while what overtook it is not stored yet', async () => {
  const memory = memoryCacheStore({ bodyBytes: 100_000, validationBytes: 100_000 })
  const waits: (() => void)[] = []
  let isSlow = false
  const store: CacheStore = {
    ...memory,
    capabilities: memory.capabilities,
    validation: (key) => {
      if (!isSlow) return memory.validation(key)
      return new Promise((resolve) => waits.push(() => resolve(memory.validation(key))))
    },
  }
  const { get, upstream } = chain({ policy: { mode: 'duration', milliseconds: 3_600_000 }, store })
  const ONE = { authorization: 'token one' }
  const noCache = { ...ONE, fields: { 'cache-control': 'no-cache' } }
  const page = (body: string) =>
    response(200, { etag: `"${body}"`, 'content-type': JSON_TYPE, 'cache-control': 'private' }, body)
  const [late, newer] = [held<ReturnType<typeof response>>(), held<ReturnType<typeof response>>()]
  upstream((_request, number) => [page('old'), late.promise, newer.promise][number - 1] ?? page('newest'))
  await get(ONE)
  const [second, third] = [get(noCache), get(noCache)]
  await turns()
  isSlow = true
  newer.settle(page('new'))
  await turns()
  late.settle(page('old'))
  await turns()
  isSlow = false
  // The one that came last is stored last.
  for (const go of waits.splice(0)) go()
  expect([(await second).text, (await third).text]).toEqual(['old', 'new'])
  expect((await get(ONE)).text).toBe('newest')
})

test('nor one that was asked for before a HEAD that showed the stored copy to hold', async () => {
  const { get, upstream } = chain({ policy: { mode: 'duration', milliseconds: 3_600_000 } })
  const ONE = { authorization: 'token one' }
  const noCache = { ...ONE, fields: { 'cache-control': 'no-cache' } }
  const late = held<ReturnType<typeof response>>()
  const fields = { 'content-type': JSON_TYPE, 'cache-control': 'private' }
  upstream((request, number) => {
    if (number === 2) return late.promise
    return response(200, { ...fields, etag: '"a"' }, request.method === 'HEAD' ? null : 'a')
  })
  await get(ONE)
  const older = get(noCache)
  await turns()
  expect((await get({ ...noCache, method: 'HEAD' })).status).toBe(200)
  late.settle(response(200, { ...fields, etag: '"b"' }, 'b'))
  expect((await older).text).toBe('b')
  expect((await get(ONE)).text).toBe('a')
})
