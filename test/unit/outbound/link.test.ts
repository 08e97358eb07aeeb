import { describe, expect, test } from 'vitest'
import { headerValue } from '../../../src/http/headers.ts'
import { LinkMemory } from '../../../src/middleware/outbound/link-memory.ts'
import { chain, JSON_TYPE, PRIVATE, response } from './harness.ts'

const ONE = { authorization: 'token one', path: '/user/repos', query: 'per_page=3' }
const NEXT = '<https://ghes.example/api/v3/user/repos?per_page=3&page=2>; rel="next"'
const LAST = '<https://ghes.example/api/v3/user/repos?per_page=3&page=9>; rel="last"'
const page = (items: number, link?: string, cacheControl = PRIVATE) =>
  response(
    200,
    {
      'content-type': JSON_TYPE,
      'cache-control': cacheControl,
      etag: 'W/"a"',
      ...(link === undefined ? {} : { link }),
    },
    JSON.stringify(Array(items).fill(1)),
  )
const unchanged = (link?: string) => response(304, { etag: '"a"', ...(link === undefined ? {} : { link }) })
const noteSent = (chained: ReturnType<typeof chain>) =>
  chained.sent.map(({ noneMatch }) => noneMatch ?? 'unconditional')

describe('Link, which the entity tag does not cover', () => {
  test('a Link on the 304 replaces the stored one', async () => {
    const { get, upstream, sent, clock } = chain()
    upstream(page(3, NEXT), unchanged(LAST))
    await get(ONE)
    clock.advance(3_600_000)
    const answer = await get(ONE)
    expect(answer.outcome.name).toBe('revalidated')
    expect(headerValue(answer.headers, 'link')).toBe(LAST)
    expect(sent).toHaveLength(2)
  })

  test('a stored Link is good for the max-age it came with, confirmations notwithstanding', async () => {
    const chained = chain()
    const { get, upstream, clock } = chained
    upstream(page(3, NEXT), unchanged(), unchanged(), unchanged(), page(3, LAST))
    await get(ONE)
    clock.advance(30_000)
    expect((await get(ONE)).outcome.name).toBe('revalidated')
    clock.advance(29_999)
    const last = await get(ONE)
    expect(last.outcome.name).toBe('revalidated')
    expect(headerValue(last.headers, 'link')).toBe(NEXT)
    clock.advance(1)
    const answer = await get(ONE)
    expect(answer.outcome).toMatchObject({ name: 'replaced', detail: 'link-unconfirmed' })
    expect(headerValue(answer.headers, 'link')).toBe(LAST)
    expect(noteSent(chained)).toEqual(['unconditional', 'W/"a"', 'W/"a"', 'W/"a"', 'unconditional'])
  })

  test('a Link on a 304 is good for that 304’s max-age', async () => {
    const { get, upstream, clock, sent } = chain()
    upstream(page(3, NEXT), unchanged(LAST), unchanged())
    await get(ONE)
    clock.advance(100_000)
    await get(ONE)
    clock.advance(59_000)
    expect((await get(ONE)).outcome.name).toBe('revalidated')
    expect(sent).toHaveLength(3)
  })

  test('without max-age a Link is good for no time at all', async () => {
    const chained = chain()
    chained.upstream(page(3, NEXT, 'private'), unchanged(), page(3, NEXT, 'private'))
    await chained.get(ONE)
    await chained.get(ONE)
    expect(noteSent(chained)).toEqual(['unconditional', 'W/"a"', 'unconditional'])
  })

  test('a body that says how many items there are settles its Link as well', async () => {
    const { get, upstream, clock, sent } = chain()
    const found = JSON.stringify({ total_count: 9, items: [1, 2, 3] })
    const fields = { 'content-type': JSON_TYPE, 'cache-control': 'no-cache', etag: 'W/"a"', link: NEXT }
    upstream(response(200, fields, found), unchanged())
    await get(ONE)
    clock.advance(3_600_000)
    const answer = await get(ONE)
    expect(answer.outcome.name).toBe('revalidated')
    expect(headerValue(answer.headers, 'link')).toBe(NEXT)
    expect(sent).toHaveLength(2)
  })

  test('such a body is asked for with its tag also where 304s are known to leave Link out', async () => {
    const chained = chain()
    const { get, upstream, clock, links } = chained
    links.learning('/user/repos').sawLinkOnlyOn200()
    const fields = { 'content-type': JSON_TYPE, 'cache-control': 'no-cache', etag: 'W/"a"', link: NEXT }
    upstream(response(200, fields, JSON.stringify({ total_count: 9, items: [1, 2, 3] })), unchanged())
    await get(ONE)
    clock.advance(3_600_000)
    await get(ONE)
    expect(noteSent(chained)).toEqual(['unconditional', 'W/"a"'])
  })

  test('a full page without Link may have got a successor', async () => {
    const { get, upstream, clock } = chain()
    upstream(page(3), unchanged(), page(3, NEXT))
    await get(ONE)
    clock.advance(60_000)
    const answer = await get(ONE)
    expect(answer.outcome).toMatchObject({ name: 'replaced', detail: 'link-unconfirmed' })
    expect(headerValue(answer.headers, 'link')).toBe(NEXT)
  })

  test.each([
    ['a page that is not full', page(2)],
    ['an empty page', page(0)],
    [
      'a thing that is no list',
      response(200, { 'content-type': JSON_TYPE, etag: 'W/"a"' }, '{"a":[1,2,3]'.concat(',"total_count":3}')),
    ],
    ['what is not JSON', response(200, { 'content-type': 'text/plain', etag: 'W/"a"' }, '[1,2,3]')],
  ])('%s without Link is confirmed by a 304 for ever', async (_name, first) => {
    const { get, upstream, sent, clock } = chain()
    upstream(first, unchanged())
    await get(ONE)
    clock.advance(3_600_000)
    expect((await get(ONE)).outcome.name).toBe('revalidated')
    clock.advance(3_600_000)
    expect((await get(ONE)).outcome.name).toBe('revalidated')
    expect(sent).toHaveLength(3)
  })

  test('once a 304 has carried a Link, its absence on a full page means that there is none', async () => {
    const { get, upstream, sent, clock } = chain()
    const other = { ...ONE, query: 'per_page=3&sort=created' }
    upstream(page(3, NEXT), unchanged(NEXT), page(3), unchanged())
    await get(other)
    await get(other)
    await get(ONE)
    clock.advance(3_600_000)
    expect((await get(ONE)).outcome.name).toBe('revalidated')
    expect(sent).toHaveLength(4)
  })

  test('but a stored Link that such a 304 leaves out is gone, and the page is fetched without it', async () => {
    const { get, upstream, clock } = chain()
    upstream(page(3, NEXT), unchanged(NEXT), unchanged(), page(3))
    await get(ONE)
    await get(ONE)
    clock.advance(3_600_000)
    const answer = await get(ONE)
    expect(answer.outcome.detail).toBe('link-unconfirmed')
    expect(headerValue(answer.headers, 'link')).toBeUndefined()
  })

  test('once the upstream has left one out, pages whose Link ran out are asked for unconditionally at once', async () => {
    const chained = chain()
    const { get, upstream, clock } = chained
    const short = { ...ONE, path: '/user/keys' }
    upstream(({ target, noneMatch }) => {
      if (noteworthy(target)) return noneMatch === undefined ? page(3, NEXT) : unchanged()
      return noneMatch === undefined ? page(1) : unchanged()
    })
    await get(ONE)
    clock.advance(60_000)
    await get(ONE)
    clock.advance(60_000)
    expect((await get(ONE)).outcome).toMatchObject({ name: 'replaced', forward: 'stale' })
    // Still within its lifetime, and a page that needs no Link: both are asked for with their tags as ever.
    expect((await get(ONE)).outcome.name).toBe('revalidated')
    await get(short)
    clock.advance(60_000)
    expect((await get(short)).outcome.name).toBe('revalidated')
    expect(noteSent(chained)).toEqual([
      'unconditional',
      'W/"a"',
      'unconditional',
      'unconditional',
      'W/"a"',
      'unconditional',
      'W/"a"',
    ])
  })

  test('what one kind of route does says nothing of another', () => {
    const links = new LinkMemory()
    links.learning('/repos/o/r/issues').sawLinkOn304()
    links.learning('/user/repos').sawLinkOnlyOn200()
    expect(links.of('/repos/other/one/issues').absenceCounts).toBe(true)
    expect(links.of('/repos/o/r/pulls').absenceCounts).toBe(false)
    expect(links.of('/repos/o/r/issues/1/comments').absenceCounts).toBe(false)
    expect(links.of('/repos/o/r/issues').fetchAtOnce()).toBe(false)
  })

  test('a route whose 304s leave Link out is tried again now and then', () => {
    const habit = new LinkMemory().learning('/user/repos')
    habit.sawLinkOnlyOn200()
    const asked = Array.from({ length: 34 }, () => habit.fetchAtOnce())
    expect(asked.filter((atOnce) => !atOnce)).toHaveLength(2)
    expect(asked[0]).toBe(true)
  })

  test('the number of routes that are told apart is bounded', () => {
    const links = new LinkMemory()
    links.learning('/first').sawLinkOn304()
    for (let index = 0; index < 600; index++) links.learning(`/made-up-${index}`)
    expect(links.of('/first').absenceCounts).toBe(false)
  })

  test.each([
    ['a full page without Link', page(3)],
    ['a page with Link', page(3, NEXT)],
  ])('after a write of one’s own %s is not confirmed by a 304 that leaves Link out', async (_name, first) => {
    const { get, upstream, clock } = chain()
    upstream(({ method, noneMatch }) => {
      if (method === 'POST') return response(201)
      return noneMatch === undefined ? (posted ? page(3, LAST) : first) : unchanged()
    })
    let posted = false
    await get(ONE)
    clock.advance(1000)
    await get({ ...ONE, method: 'POST', query: '' })
    posted = true
    const answer = await get(ONE)
    expect(headerValue(answer.headers, 'link')).toBe(LAST)
    expect(answer.outcome.detail).toBe('link-unconfirmed')
  })

  test('and that is unlearnt when a 304 carries one after all', async () => {
    const { get, upstream, links, clock } = chain()
    upstream(page(3, NEXT), unchanged(), page(3, NEXT), unchanged(NEXT))
    await get(ONE)
    clock.advance(60_000)
    await get(ONE)
    const habit = links.of('/user/repos')
    expect(habit.fetchAtOnce()).toBe(true)
    await get(ONE)
    expect(habit.fetchAtOnce()).toBe(false)
    expect(habit.absenceCounts).toBe(true)
  })
})

function noteworthy(target: string): boolean {
  return target.startsWith('/api/v3/user/repos')
}
