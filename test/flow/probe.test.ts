import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { ASSETS, TOKENS } from '../../sandbox/index.ts'
import { rawConversation } from '../support/gateway.ts'
import { type Pair, startPair } from '../support/pair.ts'

let pair: Pair
afterEach(() => pair.close())
const token = TOKENS.octocat

test.each(['gzip, chunked', 'chunked, chunked', 'GZIP, Chunked', 'deflate,chunked', 'identity, chunked'])('TE %s', async (te) => {
  pair = await startPair()
  const { host } = new URL(pair.gateway.origin)
  const text = await rawConversation(pair.gateway.origin, `POST /api/v3/repos/octocat/hello-world/issues HTTP/1.1\r\nHost: ${host}\r\nAuthorization: token ${token}\r\nTransfer-Encoding: ${te}\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n`)
  console.log(te, text.slice(0, 40), pair.sandbox.log.entries.map((e) => [e.method, e.headers['transfer-encoding'], e.received]))
})

test('large truncated to gzip client', async () => {
  pair = await startPair({ settings: { WEIR_CACHE_MAX_ENTRY_BYTES: '64KiB', WEIR_UPSTREAM_BODY_TIMEOUT: '100ms' } })
  for (const fault of [{ kind: 'truncate' as const }, { kind: 'reset' as const, when: 'mid-body' as const }, { kind: 'hang' as const, when: 'mid-body' as const }]) {
    pair.sandbox.switches.gzip = false
    pair.sandbox.switches.faults = [{ fault }]
    const answer = await pair.ask('/fixed/large', { headers: { 'accept-encoding': 'gzip' } }).catch((e) => e)
    console.log(fault.kind, answer.status, answer.complete, answer.code)
  }
})

test('HEAD big', async () => {
  pair = await startPair()
  const a = await pair.ask(`/repos/octocat/hello-world/releases/assets/${ASSETS.big}`, { token, method: 'HEAD', headers: { accept: 'application/octet-stream' } })
  console.log(a.status, a.headers['content-length'], a.complete)
})

test('large conditional', async () => {
  pair = await startPair({ settings: { WEIR_CACHE_MAX_ENTRY_BYTES: '64KiB' } })
  const a = await pair.ask('/fixed/large', { token })
  const b = await pair.ask('/fixed/large', { token, headers: { 'if-none-match': String(a.headers['etag']) } })
  console.log(a.headers['etag'], b.status, b.headers['etag'], pair.sandbox.log.last.cost)
})

test('codings', async () => {
  pair = await startPair()
  const body = JSON.stringify({ url: `${pair.sandbox.urls.api}/user`, x: 'y'.repeat(5000) })
  const cases: [string, Buffer][] = [['zstd', Buffer.from('abc')], ['gzip', gzipSync(body).subarray(0, 30)], ['gzip', Buffer.concat([gzipSync(body), Buffer.from('junk')])], ['gzip', Buffer.concat([gzipSync(body.slice(0, 20)), gzipSync(body.slice(20))])], ['gzip', Buffer.alloc(0)], ['gzip', Buffer.from(body)], ['gzip, gzip', gzipSync(gzipSync(body))], ['identity', Buffer.from(body)], ['', Buffer.from(body)], ['deflate', Buffer.from('x')]]
  for (const [coding, bytes] of cases) {
    pair.sandbox.switches.faults = [{ fault: { kind: 'answer', status: 200, headers: ['Content-Type', 'application/json', 'Content-Encoding', coding, 'ETag', '"a"'], body: bytes } }]
    const a = await pair.ask('/user', { token })
    console.log(coding, bytes.length, a.status, a.headers['content-encoding'], a.text.slice(0, 60), a.headers['cache-status'])
  }
})
test('relative location', async () => {
  pair = await startPair({ paths: { rest: '' }, settings: { WEIR_UPSTREAM_API_PATH: '/' } })
  for (const location of ['/repositories/504', `//${new URL(pair.sandbox.origin).host}/x`, `${pair.sandbox.origin.toUpperCase()}/user`, `${pair.sandbox.origin}`, `${pair.sandbox.origin}?a`, `${pair.sandbox.origin}.evil/x`]) {
    pair.sandbox.switches.faults = [{ fault: { kind: 'answer', status: 302, headers: ['Location', location] } }]
    const a = await pair.ask('/user', { token })
    console.log(location, a.headers['location'])
  }
})
