import { afterEach, beforeEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { differences } from '../support/compare.ts'
import { type Pair, startPair } from '../support/pair.ts'

/** Clients whose validators are many, huge or none, and clients that make work by making up who they are. */

const { octocat, hubot } = TOKENS

let pair: Pair
beforeEach(async () => {
  pair = await startPair()
})
afterEach(() => pair.close())

const ISSUE = '/repos/octocat/hello-world/issues/1'

/** Characters of the longest `If-None-Match` that went upstream. */
function longest(): number {
  return Math.max(...pair.sandbox.log.entries.map(({ headers }) => headers['if-none-match']?.length ?? 0))
}

test.each([
  ['thousands of short tags', Array.from({ length: 1500 }, (_, index) => `"${index}"`)],
  ['as many of our own form', Array.from({ length: 150 }, (_, index) => `W/"weir-P-s-${'f'.repeat(60)}${index}"`)],
  ['thousands of empty ones', Array.from({ length: 3000 }, () => '""')],
  ['one of 8 kB', [`"${'x'.repeat(8000)}"`]],
  ['one of 8 kB of our own form', [`W/"weir-P-s-${'x'.repeat(8000)}"`]],
])('%s: what goes upstream stays short, and the answer is right', async (_, tags) => {
  const first = await pair.ask(ISSUE, { token: octocat })
  const presentation = /weir-(\w+)-/.exec(String(first.headers['etag']))?.[1] ?? ''
  const many = tags.join(', ').replaceAll('weir-P-', `weir-${presentation}-`)
  for (const token of [octocat, hubot]) {
    for (const accept of [{}, { accept: 'application/vnd.github.v3.raw' }]) {
      const answer = await pair.ask(ISSUE, { token, headers: { 'if-none-match': many, ...accept } })
      expect(differences(pair, answer, await pair.direct(ISSUE, { token, headers: accept }))).toEqual([])
    }
  }
  const oneTag = Math.max(...tags.map((tag) => tag.length))
  expect(longest()).toBeLessThanOrEqual(oneTag + 2100)
  // And what the caller does hold is still found among them.
  const held = await pair.ask(ISSUE, {
    token: octocat,
    headers: { 'if-none-match': `${first.headers['etag']}, "x"` },
  })
  expect(held.status).toBe(304)
})

test('tags that are none', async () => {
  await pair.ask(ISSUE, { token: octocat })
  for (const value of ['', ',', '"', 'W/', 'nonsense', '"a" "b"', '"a\u00ff"', `W/"weir-`, '* , "a"', '"*"', ', ,,']) {
    const answer = await pair.ask(ISSUE, { token: octocat, headers: { 'if-none-match': value } })
    expect([value, answer.status]).toEqual([value, 200])
  }
})

test('made-up tokens on a large page: so much is hashed for them and no more, and nobody else has less', async () => {
  const bytes = 1024 * 1024
  const page = '/fixed/megabyte'
  pair.sandbox.world.setFixedPage(page, JSON.stringify({ text: 'x'.repeat(bytes - 11) }))
  await pair.ask(page, { token: octocat })
  const { log } = pair.sandbox
  log.clear()
  const flood = () =>
    Promise.all(
      Array.from({ length: 40 }, (_, index) => pair.ask(page, { token: `made-up-${Math.random()}-${index}` })),
    )
  for (const { status } of await flood()) expect(status).toBe(401)
  const predicted = () => log.entries.filter(({ headers }) => headers['if-none-match'] !== undefined).length
  const allowed = predicted()
  // 16 MiB a second for all of them together; the clock stands still.
  expect(allowed).toBeGreaterThan(0)
  expect(allowed).toBeLessThanOrEqual(16)
  await flood()
  expect(predicted()).toBe(allowed)
  // One who is accepted has an allowance of its own, and is still free.
  expect((await pair.ask('/user', { token: hubot })).status).toBe(200)
  log.clear()
  expect((await pair.ask(page, { token: hubot })).status).toBe(200)
  expect(log.totalCost()).toBe(0)
  // A second later there is as much again, and never more at once, however long nobody asked.
  pair.clock.advance(3_600_000)
  log.clear()
  await flood()
  expect(predicted()).toBeLessThanOrEqual(16)
})
