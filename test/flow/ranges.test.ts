import { afterEach, expect, test } from 'vitest'
import { ASSETS, TOKENS } from '../../sandbox/index.ts'
import { type Pair, startPair } from '../support/pair.ts'

/** `Range`: for files it passes, for JSON it is dropped, and what is held is cut here. */

let pair: Pair
afterEach(() => pair.close())

const token = TOKENS.octocat
const FILE = '/repos/octocat/hello-world/contents/README.md'
const ASSET = `/repos/octocat/hello-world/releases/assets/${ASSETS.small}`
const raw = { accept: 'application/vnd.github.v3.raw' }
const binary = { accept: 'application/octet-stream' }

test.each([
  ['raw', FILE, raw],
  ['binary', ASSET, binary],
])('a part of a %s answer passes as 206 and is never kept', async (_, path, accept) => {
  pair = await startPair()
  const { ask, sandbox } = pair
  const whole = await ask(path, { token, headers: accept })
  for (let round = 0; round < 2; round++) {
    const part = await ask(path, { token, headers: { ...accept, range: 'bytes=2-6' } })
    expect(part).toMatchObject({ status: 206, text: whole.text.slice(2, 7) })
    expect(part.headers['content-range']).toBe(`bytes 2-6/${whole.body.length}`)
    expect(part.headers['content-length']).toBe('5')
    expect(sandbox.log.last).toMatchObject({ status: 206 })
    expect(sandbox.log.last.headers).toMatchObject({ range: 'bytes=2-6', 'accept-encoding': 'identity' })
  }
  // The whole is what it was.
  expect((await ask(path, { token, headers: accept })).text).toBe(whole.text)
})

test('a part that does not exist is a 416', async () => {
  pair = await startPair()
  const answer = await pair.ask(FILE, { token, headers: { ...raw, range: 'bytes=999999-' } })
  expect(answer.status).toBe(416)
  expect(answer.headers['content-range']).toMatch(/^bytes \*\/\d+$/)
})

test('If-Range goes with it, as the upstream knows the tag', async () => {
  pair = await startPair()
  await pair.ask(FILE, { token, headers: { ...raw, range: 'bytes=0-1', 'if-range': '"a"' } })
  expect(pair.sandbox.log.last.headers['if-range']).toBe('"a"')
})

test('a part of what is held and goes out as it is needs no question', async () => {
  pair = await startPair({ settings: { WEIR_FRESHNESS: '1h' } })
  const { ask, sandbox } = pair
  const whole = await ask('/zen', { token })
  const part = await ask('/zen', { token, headers: { range: 'bytes=2-6' } })
  expect(part).toMatchObject({ status: 206, text: whole.text.slice(2, 7) })
  expect(part.headers['content-range']).toBe(`bytes 2-6/${whole.body.length}`)
  expect(part.headers['content-length']).toBe('5')
  expect(part.headers['cache-status']).toBe('weir; hit')
  expect(await ask('/zen', { token, headers: { range: 'bytes=999-' } })).toMatchObject({ status: 416, text: '' })
  expect(sandbox.log.count).toBe(1)
})

test('JSON is never asked for in parts', async () => {
  pair = await startPair()
  const { ask, sandbox } = pair
  const whole = await ask('/user', { token })
  const answer = await ask('/user', { token, headers: { range: 'bytes=0-9', 'if-range': '"a"' } })
  expect(answer).toMatchObject({ status: 200, text: whole.text })
  expect(sandbox.log.last.headers['range']).toBeUndefined()
  expect(sandbox.log.last.headers['if-range']).toBeUndefined()
  // Nor does asking for a part of it cost anything.
  expect(sandbox.log.last).toMatchObject({ status: 304, cost: 0 })
})
