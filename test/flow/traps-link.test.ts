import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { githubETag, TOKENS } from '../../sandbox/index.ts'
import { differences } from '../support/compare.ts'
import { type Answer, type Pair, startPair } from '../support/pair.ts'

/**
 * A page's `Link` is not covered by its entity tag: the page can stay the same while another appears behind it, and how
 * many pages there are depends on the reader. So a body that is confirmed is not yet a page that is.
 */

let pair: Pair
/** How many pages each credential sees of `LIST`; 1 unless told. */
const pages = new Map<string, number>()

const { octocat, hubot, stranger } = TOKENS
const LIST = '/fixed/list'

/** The same items for everybody. */
function setItems(count: number): void {
  const items = Array.from({ length: count }, (_, id) => ({ id, text: 'the same for everybody' }))
  pair.sandbox.world.setFixedPage(LIST, JSON.stringify(items))
}

function linkOf(token: string | undefined): string | null {
  const count = pages.get(token ?? '') ?? 1
  const url = (page: number) => `<${pair.sandbox.urls.api}${LIST}?page=${page}>`
  return count === 1 ? null : `${url(2)}; rel="next", ${url(count)}; rel="last"`
}

beforeEach(async () => {
  pages.clear()
  pair = await startPair()
  // The fixed page has no pages of its own: its Link is put on what is sent, on 304s where the switch says so.
  pair.sandbox.switches.faults = ({ target, headers }) => {
    if (!target.includes(LIST)) return null
    const authorization = String(headers['authorization'])
    const body = pair.sandbox.world.fixedPages.get(LIST)?.body ?? Buffer.alloc(0)
    const isUnchanged = headers['if-none-match']?.includes(githubETag({ authorization }, true, body)) === true
    const token = authorization.replace(/^token /, '')
    const Link = isUnchanged && !pair.sandbox.switches.linkOn304 ? null : linkOf(token)
    return { kind: 'headers', set: { Link } }
  }
})
afterEach(() => pair.close())

async function read(token: string, query = ''): Promise<Answer> {
  const answer = await pair.ask(LIST + query, { token })
  expect(differences(pair, answer, await pair.direct(LIST + query, { token }))).toEqual([])
  return answer
}

describe.each([
  ['304s without Link', false],
  ['304s with Link', true],
])('%s', (_, linkOn304) => {
  beforeEach(() => {
    pair.sandbox.switches.linkOn304 = linkOn304
  })

  test('a page that appears behind a full one is seen by who never asked before', async () => {
    setItems(30)
    await read(octocat)
    for (const token of [octocat, hubot, stranger]) pages.set(token, 2)
    expect((await read(hubot)).headers['link']).toContain('rel="next"')
    expect((await read(stranger)).headers['link']).toContain('rel="next"')
    pair.clock.advance(60_000)
    await read(octocat)
  })

  test('one that goes away is not shown to who never asked before', async () => {
    setItems(30)
    pages.set(octocat, 3)
    await read(octocat)
    pages.clear()
    for (const token of [hubot, stranger]) expect((await read(token)).headers['link']).toBeUndefined()
    pair.clock.advance(60_000)
    await read(octocat)
  })

  test('readers with other page counts see their own', async () => {
    setItems(30)
    pages.set(octocat, 9)
    pages.set(hubot, 4)
    for (let round = 0; round < 3; round++) {
      expect((await read(octocat)).headers['link']).toContain('page=9>')
      expect((await read(hubot)).headers['link']).toContain('page=4>')
      expect((await read(stranger)).headers['link']).toBeUndefined()
      pair.clock.advance(60_000)
    }
  })

  test('also of a page that is not full, where anybody ever saw a Link with it', async () => {
    setItems(3)
    pages.set(octocat, 9)
    await read(octocat)
    pages.set(hubot, 4)
    await read(hubot)
    await read(stranger)
  })

  test.each([
    ['30, whatever was asked for', 30, '?per_page=100'],
    ['50, whatever was asked for', 50, '?per_page=100'],
    ['what was asked for', 5, '?per_page=5'],
    ['100, when more was asked for', 100, '?per_page=500'],
    ['30, for want of a number', 30, '?per_page=all'],
  ])('an endpoint whose pages hold %s', async (_name, count, query) => {
    setItems(count)
    await read(octocat, query)
    for (const token of [octocat, hubot]) pages.set(token, 2)
    expect((await read(hubot, query)).headers['link']).toContain('rel="next"')
    pair.clock.advance(60_000)
    expect((await read(octocat, query)).headers['link']).toContain('rel="next"')
  })

  test('a page that is not full, and never had a Link, is free for everybody for ever', async () => {
    setItems(29)
    await read(octocat)
    const { log } = pair.sandbox
    for (const token of [hubot, stranger, octocat, hubot]) {
      pair.clock.advance(60_000)
      const before = log.totalCost()
      await pair.ask(LIST, { token })
      expect(log.totalCost() - before).toBe(0)
    }
  })
})

test('where 304s carry Link, the pages of a list are free for everybody once that is known', async () => {
  pair.sandbox.switches.linkOn304 = true
  setItems(30)
  for (const token of [octocat, hubot, stranger]) pages.set(token, 3)
  const { log } = pair.sandbox
  await pair.ask(LIST, { token: octocat })
  log.clear()
  for (const token of [octocat, hubot, stranger]) {
    const answer = await pair.ask(LIST, { token })
    expect(answer.headers['link']).toContain('page=3>; rel="last"')
    expect(answer.headers['link']).toContain(pair.gateway.api)
  }
  expect(log.totalCost()).toBe(0)
})

test('where they do not, a page that others saw with a Link is fetched in one exchange', async () => {
  setItems(30)
  for (const token of [octocat, hubot, stranger]) pages.set(token, 3)
  const { log } = pair.sandbox
  await read(octocat)
  await read(hubot)
  log.clear()
  const answer = await pair.ask(LIST, { token: stranger })
  expect(answer.headers['link']).toContain('page=3>; rel="last"')
  expect(log.entries.map(({ status }) => status)).toEqual([200])
})

test('within its lifetime the own Link is good, and another’s is not', async () => {
  setItems(30)
  pages.set(octocat, 5)
  await read(octocat)
  pages.set(hubot, 2)
  pair.clock.advance(59_000)
  const { log } = pair.sandbox
  log.clear()
  expect((await pair.ask(LIST, { token: octocat })).headers['link']).toContain('page=5>')
  expect(log.totalCost()).toBe(0)
  expect((await pair.ask(LIST, { token: hubot })).headers['link']).toContain('page=2>')
})

test('after a write of the same caller not even the own one is', async () => {
  const path = '/repos/octocat/hello-world/issues?per_page=6&direction=asc&sort=created'
  const first = await pair.ask(path, { token: octocat })
  expect(first.headers['link']).toBeUndefined()
  await pair.ask('/repos/octocat/hello-world/issues', { token: octocat, method: 'POST', payload: { title: 'New' } })
  expect((await pair.ask(path, { token: octocat })).headers['link']).toContain('rel="next"')
  expect((await pair.ask(path, { token: hubot })).headers['link']).toContain('rel="next"')
})

test('an empty page beyond the last is not the empty list, and its Link is its own', async () => {
  const path = '/repos/octocat/hello-world/labels'
  const { world } = pair.sandbox
  const repository = world.repository('octocat/hello-world')
  const beyond = `${path}?page=9`
  for (const token of [octocat, hubot]) {
    const answer = await pair.ask(beyond, { token })
    expect(answer.text).toBe('[]')
    expect(differences(pair, answer, await pair.direct(beyond, { token }))).toEqual([])
    expect(answer.headers['link']).toContain('rel="first"')
  }
  // The list itself becomes empty: no Link at all.
  world.updateRepository(repository, { labels: [] })
  for (const token of [octocat, hubot]) expect((await pair.ask(path, { token })).headers['link']).toBeUndefined()
})
