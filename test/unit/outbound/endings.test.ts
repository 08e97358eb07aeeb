import { describe, expect, test } from 'vitest'
import { Endings } from '../../../src/middleware/outbound/endings.ts'
import { chain, held, JSON_TYPE, response } from './harness.ts'

describe('endings', () => {
  test('are known for each key, by what was asked before them', () => {
    const endings = new Endings()
    const before = endings.current()
    endings.note('a')
    const after = endings.current()
    expect([endings.since(before, 'a'), endings.since(after, 'a'), endings.since(before, 'b')]).toEqual([
      true,
      false,
      false,
    ])
  })

  test('that had to be forgotten count for everything asked before them, and for nothing asked since', () => {
    const endings = new Endings()
    const before = endings.current()
    for (let index = 0; index < 10_001; index++) endings.note(`key ${index}`)
    expect(endings.since(before, 'never noted')).toBe(true)
    expect(endings.since(endings.current(), 'never noted')).toBe(false)
  })

  test('one noted again is the last to be forgotten', () => {
    const endings = new Endings()
    endings.note('a')
    for (let index = 0; index < 9_999; index++) endings.note(`key ${index}`)
    const asked = endings.current()
    endings.note('a')
    endings.note('one more')
    expect(endings.since(asked, 'a')).toBe(true)
    expect(endings.since(asked, 'key 5')).toBe(false)
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
