import { afterEach, describe, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { type Answer, type Pair, startPair } from '../support/pair.ts'

/** `Link` is not covered by the entity tag: a page can stay the same while another appears behind it. */

let pair: Pair
afterEach(() => pair.close())

const token = TOKENS.octocat
const REPOSITORY = 'octocat/hello-world'
/** Six open issues, oldest first: with six a page, the first page is full and has no successor. */
const FULL = `/repos/${REPOSITORY}/issues?per_page=6&direction=asc&sort=created`

function read(path = FULL, reader: string = token): Promise<Answer> {
  return pair.ask(path, { token: reader })
}

function addIssue(): void {
  const { world } = pair.sandbox
  world.addIssue(world.repository(REPOSITORY), { title: 'One more', author: 'octocat' })
}

/** Statuses and costs upstream since the last call. */
function exchanges(): [status: number, cost: number][] {
  const seen = pair.sandbox.log.entries.map(({ status, cost }): [number, number] => [status, cost])
  pair.sandbox.log.clear()
  return seen
}

describe.each([
  ['304s without Link', false],
  ['304s with Link', true],
])('%s', (_, linkOn304) => {
  test('a page that appears behind a full page is found', async () => {
    pair = await startPair({ switches: { linkOn304 } })
    const first = await read()
    expect(first.json()).toHaveLength(6)
    expect(first.headers['link']).toBeUndefined()
    pair.clock.advance(60_000)
    addIssue()
    const second = await read()
    expect(second.text).toBe(first.text)
    expect(second.headers['link']).toContain('rel="next"')
    expect(second.headers['link']).toContain(`<${pair.gateway.api}/repositories/501/issues?`)
  })

  test('a page that disappears behind one is found', async () => {
    pair = await startPair({ switches: { linkOn304 } })
    addIssue()
    expect((await read()).headers['link']).toContain('rel="next"')
    pair.clock.advance(60_000)
    const { world } = pair.sandbox
    const last = world.repository(REPOSITORY).issues.at(-1)
    if (last !== undefined) world.updateIssue(last, { state: 'closed' })
    const second = await read()
    expect(second.json()).toHaveLength(6)
    expect(second.headers['link']).toBeUndefined()
  })

  test('a page that is not full stays free for ever', async () => {
    pair = await startPair({ switches: { linkOn304 } })
    const path = `/repos/${REPOSITORY}/labels`
    await read(path)
    exchanges()
    for (let round = 0; round < 3; round++) {
      pair.clock.advance(3_600_000)
      await read(path)
      expect(exchanges()).toEqual([[304, 0]])
    }
  })

  test('within the lifetime that it came with, a stored Link is good', async () => {
    pair = await startPair({ switches: { linkOn304 } })
    const path = '/repos/octo-org/many-issues/issues'
    const first = await read(path)
    exchanges()
    pair.clock.advance(59_000)
    const second = await read(path)
    expect(exchanges()).toEqual([[304, 0]])
    expect(second.headers['link']).toBe(first.headers['link'])
    expect(second.headers['link']).toContain('rel="last"')
  })
})

test('once 304s are known to omit Link, a doubtful page is fetched in one exchange', async () => {
  pair = await startPair({ switches: { linkOn304: false } })
  const path = '/repos/octo-org/many-issues/issues'
  await read(path)
  exchanges()
  pair.clock.advance(60_000)
  const answer = await read(path)
  expect(exchanges()).toEqual([
    [304, 0],
    [200, 1],
  ])
  expect(answer.headers['cache-status']).toBe('weir; fwd=stale; fwd-status=200; stored; detail=link-unconfirmed')
  pair.clock.advance(60_000)
  await read(path)
  expect(exchanges()).toEqual([[200, 1]])
})

test('where 304s carry Link, a list with pages stays free', async () => {
  pair = await startPair({ switches: { linkOn304: true } })
  const path = '/repos/octo-org/many-issues/issues'
  const first = await read(path)
  exchanges()
  for (let round = 0; round < 3; round++) {
    pair.clock.advance(3_600_000)
    const answer = await read(path)
    expect(answer.headers['link']).toBe(first.headers['link'])
    expect(exchanges()).toEqual([[304, 0]])
  }
})

test('a Link never comes from another reader', async () => {
  pair = await startPair()
  const { world } = pair.sandbox
  for (let index = 0; index < 3; index++) {
    world.addRepository({ owner: 'octo-org', name: `hidden-${index}`, private: true })
  }
  const path = '/orgs/octo-org/repos?per_page=1'
  const member = await read(path)
  const stranger = await read(path, TOKENS.stranger)
  expect(member.headers['link']).toMatch(/[?&]page=5>; rel="last"/)
  expect(stranger.headers['link']).toBeUndefined()
})
