import { afterEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { testGateway } from '../support/gateway.ts'
import { client, type Pair, startPair } from '../support/pair.ts'

/** The client's own conditional requests, and the entity tags that it is given for them. */

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function start(...options: Parameters<typeof startPair>): Promise<Pair> {
  const pair = await startPair(...options)
  ends.push(pair.close)
  return pair
}

const PAGE = '/repos/octocat/hello-world'
const token = TOKENS.octocat
const since = (etag: string | undefined) => ({ 'if-none-match': String(etag) })

test('a client with the current tag gets a 304, free and without a body', async () => {
  const { ask, sandbox } = await start()
  const first = await ask(PAGE, { token })
  expect(first.headers['etag']).toMatch(/^W\/"/)
  for (const value of [first.headers['etag'], `"other", ${first.headers['etag']}`, first.headers['etag']?.slice(2)]) {
    const answer = await ask(PAGE, { token, headers: since(value) })
    expect(answer).toMatchObject({ status: 304, text: '' })
    expect(answer.headers['etag']).toBe(first.headers['etag'])
    expect(answer.headers['content-type']).toBeUndefined()
    expect(answer.headers['content-encoding']).toBeUndefined()
    expect(answer.headers['vary']).toContain('Authorization')
    expect(sandbox.log.last).toMatchObject({ status: 304, cost: 0 })
  }
})

test('a client without a validator never gets a 304', async () => {
  const { ask, sandbox } = await start()
  for (const headers of [{}, {}, { 'if-none-match': '' }, { 'if-none-match': 'not a tag' }]) {
    const { status, text } = await ask(PAGE, { token, headers })
    expect(status).toBe(200)
    expect(text).not.toBe('')
  }
  expect(sandbox.log.last.status).toBe(304)
})

test('a client with an old tag, or the tag of the upstream itself, gets the page', async () => {
  const { ask, direct } = await start()
  const own = await direct(PAGE, { token })
  // The upstream's tag names bytes with the upstream's addresses in them, whether a copy is held or not.
  expect((await ask(PAGE, { token, headers: since(own.headers['etag']) })).status).toBe(200)
  for (const etag of ['"outdated"', own.headers['etag'], 'W/"weir-abcdefghij-s-0000"']) {
    expect((await ask(PAGE, { token, headers: since(etag) })).status, etag).toBe(200)
  }
})

test('If-Modified-Since alone is answered by date', async () => {
  const { ask } = await start()
  const first = await ask(PAGE, { token })
  const date = String(first.headers['last-modified'])
  expect((await ask(PAGE, { token, headers: { 'if-modified-since': date } })).status).toBe(304)
  const earlier = new Date(Date.parse(date) - 1000).toUTCString()
  expect((await ask(PAGE, { token, headers: { 'if-modified-since': earlier } })).status).toBe(200)
  // RFC 9110 §13.1.3: ignored beside If-None-Match.
  const both = { 'if-modified-since': date, 'if-none-match': '"other"' }
  expect((await ask(PAGE, { token, headers: both })).status).toBe(200)
})

test('after a restart under the same public URL the tag still brings a free 304', async () => {
  const settings = { WEIR_PUBLIC_URL: 'https://weir.example.com' }
  const { ask, sandbox } = await start({ settings })
  const { headers } = await ask(PAGE, { token })
  const restarted = await testGateway({ WEIR_UPSTREAM: sandbox.origin, ...settings })
  ends.push(() => restarted.kill())
  const answer = await client(restarted.api)(PAGE, { token, headers: since(headers['etag']) })
  expect(answer).toMatchObject({ status: 304, text: '' })
  expect(answer.headers['etag']).toBe(headers['etag'])
  expect(answer.headers['cache-status']).toBe('weir; fwd=uri-miss; fwd-status=304')
  expect(sandbox.log.last).toMatchObject({ status: 304, cost: 0 })
  // Having confirmed what it does not hold, it holds nothing: without the tag the page is fetched.
  expect((await client(restarted.api)(PAGE, { token })).status).toBe(200)
  expect(sandbox.log.last.status).toBe(200)
})

test('a list of tags after a restart is asked about as a list', async () => {
  const settings = { WEIR_PUBLIC_URL: 'https://weir.example.com' }
  const { ask, sandbox } = await start({ settings })
  const { headers } = await ask(PAGE, { token })
  const other = await ask('/users/hubot', { token })
  const restarted = await testGateway({ WEIR_UPSTREAM: sandbox.origin, ...settings })
  ends.push(() => restarted.kill())
  const list = `${other.headers['etag']}, ${headers['etag']}`
  const answer = await client(restarted.api)(PAGE, { token, headers: since(list) })
  expect(answer.status).toBe(304)
  expect(answer.headers['etag']).toBe(headers['etag'])
})

test('under another public URL the old tag never meets a 304', async () => {
  const { ask, sandbox } = await start({ settings: { WEIR_PUBLIC_URL: 'https://old.example.com' } })
  const { headers } = await ask(PAGE, { token })
  const renamed = await testGateway({ WEIR_UPSTREAM: sandbox.origin, WEIR_PUBLIC_URL: 'https://new.example.com' })
  ends.push(() => renamed.kill())
  const asking = { token, headers: since(headers['etag']) }
  for (let round = 0; round < 2; round++) {
    const answer = await client(renamed.api)(PAGE, asking)
    expect(answer.status).toBe(200)
    expect(answer.json().url).toBe('https://new.example.com/api/v3/repos/octocat/hello-world')
  }
})

test('another Host is another presentation of the same copy', async () => {
  const { ask, sandbox } = await start()
  const first = await ask(PAGE, { token })
  const elsewhere = { host: 'weir.example.com:8080' }
  const second = await ask(PAGE, { token, headers: { ...since(first.headers['etag']), ...elsewhere } })
  expect(second.status).toBe(200)
  expect(second.json().url).toBe('http://weir.example.com:8080/api/v3/repos/octocat/hello-world')
  expect(second.headers['etag']).not.toBe(first.headers['etag'])
  expect(sandbox.log.totalCost()).toBe(1)
  const third = await ask(PAGE, { token, headers: { ...since(second.headers['etag']), ...elsewhere } })
  expect(third.status).toBe(304)
})

test('an unrewritten answer is confirmed by its own tag', async () => {
  const { ask, sandbox } = await start()
  const raw = { accept: 'application/vnd.github.v3.raw' }
  const path = `${PAGE}/contents/docs/links.md`
  const first = await ask(path, { token, headers: raw })
  expect(first.headers['etag']).toMatch(/^(?:W\/)?"[0-9a-f]{40}"$/)
  const second = await ask(path, { token, headers: { ...raw, ...since(first.headers['etag']) } })
  expect(second.status).toBe(304)
  expect(sandbox.log.last.cost).toBe(0)
  // The same git tag belongs to the JSON form upstream: a client that holds the raw form must not be told that it has it.
  const json = await ask(path, { token, headers: since(first.headers['etag']) })
  expect(json.status).toBe(200)
})

test('If-Match reaches the upstream with the tag that the upstream knows', async () => {
  const { ask, sandbox } = await start()
  const read = await ask(`${PAGE}/issues/1`, { token })
  const own = sandbox.log.last
  await ask(`${PAGE}/issues/1`, {
    token,
    method: 'PATCH',
    payload: { title: 'Changed' },
    headers: { 'if-match': String(read.headers['etag']) },
  })
  const sent = String(sandbox.log.last.headers['if-match'])
  expect(sent).toMatch(/^W\/"[0-9a-f]{64}"$/)
  expect(read.headers['etag']).toContain(sent.slice(3, -1))
  expect(own.headers['if-match']).toBeUndefined()
})

test('If-None-Match: * is the upstream’s own business', async () => {
  const { ask, sandbox } = await start()
  const answer = await ask(PAGE, { token, headers: { 'if-none-match': '*' } })
  expect(sandbox.log.last.headers['if-none-match']).toBe('*')
  expect(answer.status).toBe(304)
  expect(answer.headers['cache-status']).toContain('detail=precondition')
})
