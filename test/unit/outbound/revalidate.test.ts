import { expect, test } from 'vitest'
import { chain, JSON_TYPE, response } from './harness.ts'

const ONE = { authorization: 'token one', path: '/repos/o/r/issues' }
const LINK = '<https://ghes.example/api/v3/repos/o/r/issues?page=2>; rel="next"'
const found = (tag: string, more: Record<string, string> = {}) =>
  response(200, { etag: `"${tag}"`, 'content-type': JSON_TYPE, 'cache-control': 'private', ...more }, `"${tag}"`)
const unchanged = (tag: string) => response(304, { etag: `"${tag}"`, 'cache-control': 'private' })

test('what became of a question is said of it, and why it was asked', async () => {
  const { get, upstream } = chain()
  upstream(found('a'), unchanged('a'), unchanged('a'), found('b'), found('b'))
  expect((await get(ONE)).outcome).toEqual({ name: 'filled', forward: 'uri-miss', forwardStatus: 200, stored: true })
  const confirmed = { name: 'revalidated', forwardStatus: 304, stored: true }
  expect((await get(ONE)).outcome).toEqual({ ...confirmed, forward: 'stale' })
  const noCache = { ...ONE, fields: { 'cache-control': 'no-cache' } }
  expect((await get(noCache)).outcome).toEqual({ ...confirmed, forward: 'request' })
  expect((await get(ONE)).outcome).toEqual({ name: 'replaced', forward: 'stale', forwardStatus: 200, stored: true })
  // To a HEAD that was not asked with the tag alone, a 200 may speak of the very same.
  const head = await get({ ...ONE, method: 'HEAD' })
  expect(head.outcome).toEqual({ name: 'fetched', forward: 'stale', forwardStatus: 200 })
})

test('a 304 about what the client holds is passed on, and ends the copy that says otherwise', async () => {
  const { get, upstream, sent } = chain()
  upstream(found('a'), unchanged('b'), found('b'))
  await get(ONE)
  const answer = await get({ ...ONE, clientTags: ['W/"b"'] })
  expect(answer.status).toBe(304)
  expect(answer.outcome).toEqual({ name: 'confirmed', forward: 'stale', forwardStatus: 304 })
  await get(ONE)
  expect(sent.map(({ noneMatch }) => noneMatch)).toEqual([undefined, '"a", W/"b"', undefined])
})

test('a page that is fetched because a 304 named nothing says nothing about Link on 304s', async () => {
  const { get, upstream, links } = chain()
  upstream(found('a'), unchanged('never-sent'), found('b', { link: LINK }))
  await get(ONE)
  expect((await get(ONE)).outcome).toMatchObject({ name: 'replaced', detail: 'unknown-304' })
  expect(links.of(ONE.path).fetchAtOnce()).toBe(false)
})
