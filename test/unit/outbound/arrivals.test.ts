import { describe, expect, test } from 'vitest'
import { Arrivals } from '../../../src/middleware/outbound/arrivals.ts'
import { chain, held, JSON_TYPE, response } from './harness.ts'

describe('arrivals', () => {
  test('are known for each key, by what was asked before them', () => {
    const arrivals = new Arrivals()
    const before = arrivals.current()
    arrivals.note('a')
    const after = arrivals.current()
    expect([arrivals.since(before, 'a'), arrivals.since(after, 'a'), arrivals.since(before, 'b')]).toEqual([
      true,
      false,
      false,
    ])
  })

  test('that had to be forgotten count for everything asked before them, and for nothing asked since', () => {
    const arrivals = new Arrivals()
    const before = arrivals.current()
    for (let index = 0; index < 10_001; index++) arrivals.note(`key ${index}`)
    expect(arrivals.since(before, 'never noted')).toBe(true)
    expect(arrivals.since(arrivals.current(), 'never noted')).toBe(false)
  })

  test('one noted again is the last to be forgotten', () => {
    const arrivals = new Arrivals()
    arrivals.note('a')
    for (let index = 0; index < 9_999; index++) arrivals.note(`key ${index}`)
    const asked = arrivals.current()
    arrivals.note('a')
    arrivals.note('one more')
    expect(arrivals.since(asked, 'a')).toBe(true)
    expect(arrivals.since(asked, 'key 5')).toBe(false)
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
