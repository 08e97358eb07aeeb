import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { ASSETS, BIG_ASSET_BYTES, type Fault, TOKENS } from '../../sandbox/index.ts'
import { type Pair, startPair } from '../support/pair.ts'

/** Content codings of the upstream, sound and broken, and answers that are too large to be held. */

let pair: Pair
afterEach(() => pair.close())

const token = TOKENS.octocat

/** The answer to one read, for which the upstream sends these bytes in this coding. */
async function coded(coding: string, bytes: Buffer) {
  const headers = ['Content-Type', 'application/json', 'Content-Encoding', coding, 'ETag', '"one"']
  pair.sandbox.switches.faults = [{ fault: { kind: 'answer', status: 200, headers, body: bytes } }]
  return pair.ask('/user', { token })
}

function page(): string {
  return JSON.stringify({ url: `${pair.sandbox.urls.api}/user`, filler: 'x'.repeat(3000) })
}

test.each([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP', gzipSync],
  ['br', brotliCompressSync],
  ['gzip', (text: string) => Buffer.concat([gzipSync(text.slice(0, 40)), gzipSync(text.slice(40))])],
] as [coding: string, pack: (text: string) => Buffer][])('%s is undone and kept without', async (coding, pack) => {
  pair = await startPair()
  const answer = await coded(coding, pack(page()))
  expect(answer.json().url).toBe(`${pair.gateway.api}/user`)
  expect(answer.headers['content-encoding']).toBeUndefined()
  expect(answer.headers['cache-status']).toContain('; stored')
})

test.each([
  ['cut off', 'gzip', (text: string) => gzipSync(text).subarray(0, 40)],
  ['not coded at all', 'gzip', (text: string) => Buffer.from(text)],
  ['not coded at all', 'br', (text: string) => Buffer.from(text)],
  ['cut off', 'br', (text: string) => brotliCompressSync(text).subarray(0, 20)],
])('what is %s although it says %3$s is a clean error', async (_, coding, spoil) => {
  pair = await startPair()
  const answer = await coded(coding, spoil(page()))
  expect(answer).toMatchObject({ status: 502, complete: true })
  expect((await pair.ask('/user', { token })).json().login).toBe('octocat')
})

test.each(['zstd', 'gzip, gzip', 'deflate', 'made-up'])(
  '%s, which nobody asked for, passes and is kept as it is',
  async (coding) => {
    pair = await startPair()
    const bytes = Buffer.from([1, 2, 3, 255])
    const first = await coded(coding, bytes)
    expect(first.headers['cache-status']).toContain('; stored')
    const second = await pair.ask('/user', {
      token,
      headers: { 'cache-control': 'max-stale', 'accept-encoding': 'gzip' },
    })
    expect(second.headers['cache-status']).toContain('; hit')
    for (const answer of [first, second]) {
      expect(answer.body.equals(bytes)).toBe(true)
      expect(answer.headers['content-encoding']).toBe(coding)
    }
  },
)

test('a label on nothing is no broken coding', async () => {
  pair = await startPair()
  expect(await coded('gzip', Buffer.alloc(0))).toMatchObject({ status: 200, text: '', complete: true })
})

const small = { WEIR_CACHE_MAX_ENTRY_BYTES: '64KiB', WEIR_UPSTREAM_BODY_TIMEOUT: '100ms' }

test.each<[string, Fault]>([
  ['truncated', { kind: 'truncate' }],
  ['reset', { kind: 'reset', when: 'mid-body' }],
  ['stalled', { kind: 'hang', when: 'mid-body' }],
])('a compressed stream whose source is %s breaks off visibly', async (_, fault) => {
  pair = await startPair({ settings: small, switches: { gzip: false, faults: [{ fault }] } })
  const answer = await pair.ask('/fixed/large', { headers: { 'accept-encoding': 'gzip' } })
  expect(answer).toMatchObject({ status: 200, complete: false })
  expect(answer.headers['content-encoding']).toBe('gzip')
})

test('an answer too large to be held is still confirmed for who holds it', async () => {
  pair = await startPair({ settings: small })
  const first = await pair.ask('/fixed/large', { token })
  const held = { 'if-none-match': String(first.headers['etag']) }
  const second = await pair.ask('/fixed/large', { token, headers: held })
  expect(second.status).toBe(304)
  expect(second.headers['etag']).toBe(first.headers['etag'])
  expect(pair.sandbox.log.last).toMatchObject({ status: 304, cost: 0 })
})

test('HEAD of a large file states its length and moves none of it', async () => {
  pair = await startPair()
  const path = `/repos/octocat/hello-world/releases/assets/${ASSETS.big}`
  const headers = { accept: 'application/octet-stream' }
  const answer = await pair.ask(path, { token, method: 'HEAD', headers })
  expect(answer).toMatchObject({ status: 200, text: '', complete: true })
  expect(answer.headers['content-length']).toBe(String(BIG_ASSET_BYTES))
  expect(pair.sandbox.log.last.bytes).toBe(0)
})
