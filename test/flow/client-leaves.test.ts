import { type ClientRequest, request } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ASSETS, RELEASE, TOKENS } from '../../sandbox/index.ts'
import type { RequestEvent } from '../../src/outcome.ts'
import { testGateway } from '../support/gateway.ts'
import { client, type Pair, startPair } from '../support/pair.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'

/** A client that goes away stops the work upstream. Nothing here waits for a time: only for what the sandbox sees. */

let pair: Pair
beforeEach(async () => {
  pair = await startPair()
})
afterEach(() => pair.close())

const token = TOKENS.octocat
const authorization = `token ${token}`
const BIG = `/repos/octocat/hello-world/releases/assets/${ASSETS.big}`

function begin(target: string, method = 'GET', headers: Record<string, string> = {}): ClientRequest {
  const { hostname, port } = new URL(pair.gateway.origin)
  const outgoing = request({
    hostname,
    port,
    method,
    path: target,
    agent: false,
    headers: { authorization, ...headers },
  })
  outgoing.on('error', () => {})
  return outgoing
}

/** The sandbox's entry for the first request that was given up. */
function abandoned(): Promise<unknown> {
  const { log } = pair.sandbox
  return new Promise((resolve) => {
    const look = () => {
      const entry = log.entries.find(({ aborted }) => aborted)
      if (entry !== undefined) resolve(entry)
      else setImmediate(look)
    }
    look()
  })
}

function eventOf(matches: (event: RequestEvent) => boolean): Promise<RequestEvent> {
  return new Promise((resolve) => {
    const look = () => {
      const event = pair.gateway.events.find(matches)
      if (event !== undefined) resolve(event)
      else setImmediate(look)
    }
    look()
  })
}

test.each(['GET', 'POST'])('while the upstream thinks about a %s', async (method) => {
  pair.sandbox.switches.faults = [{ fault: { kind: 'hang', when: 'before-headers' } }]
  const outgoing = begin('/api/v3/repos/octocat/hello-world/issues', method)
  outgoing.end(method === 'POST' ? '{"title":"Never mind"}' : undefined)
  await pair.sandbox.log.waitFor({ method })
  outgoing.destroy()
  expect(await abandoned()).toMatchObject({ method, aborted: true })
  expect(pair.sandbox.log.count).toBe(1)
  expect(await eventOf(() => true)).toMatchObject({ failure: 'client-gone', aborted: true })
  expect((await pair.ask('/user', { token })).status).toBe(200)
})

test('in the middle of a download', async () => {
  const outgoing = begin(`/api/v3${BIG}`, 'GET', { accept: 'application/octet-stream' })
  outgoing.end()
  await new Promise<void>((resolve) => {
    outgoing.on('response', (incoming) => incoming.once('data', () => resolve()))
  })
  outgoing.destroy()
  expect(await abandoned()).toMatchObject({ aborted: true })
  expect(pair.sandbox.log.last.bytes).toBeLessThan(100_000_000)
  expect(await eventOf(() => true)).toMatchObject({ status: 200, aborted: true })
})

test('while the upstream stalls in its body', async () => {
  pair.sandbox.switches.faults = [{ fault: { kind: 'hang', when: 'mid-body' } }]
  const outgoing = begin('/api/v3/repos/octocat/hello-world')
  outgoing.end()
  await pair.sandbox.log.waitFor({ status: 200 })
  outgoing.destroy()
  expect(await abandoned()).toMatchObject({ aborted: true })
})

test('in the middle of an upload, which the upstream then does not take for whole', async () => {
  const outgoing = begin(`/api/uploads/repos/octocat/hello-world/releases/${RELEASE}/assets?name=half`, 'POST', {
    'content-length': '1000000',
  })
  outgoing.write(Buffer.alloc(1000))
  await pair.sandbox.log.waitFor({ method: 'POST' })
  outgoing.destroy()
  expect(await abandoned()).toMatchObject({ method: 'POST', aborted: true })
  const { releases } = pair.sandbox.world.repository('octocat/hello-world')
  expect(releases[0]?.assets.map(({ name }) => name)).not.toContain('half')
  expect((await pair.ask('/user', { token })).status).toBe(200)
})

test('an upload of unknown length that breaks off is not ended properly', async () => {
  const outgoing = begin(`/api/uploads/repos/octocat/hello-world/releases/${RELEASE}/assets?name=half`, 'POST', {
    'transfer-encoding': 'chunked',
  })
  outgoing.write(Buffer.alloc(1000))
  await pair.sandbox.log.waitFor({ method: 'POST' })
  outgoing.destroy()
  expect(await abandoned()).toMatchObject({ method: 'POST', aborted: true })
})

test('a client that waits for a connection leaves the queue', async () => {
  const seen = new Map<string, () => void>()
  const upstream = await startRawUpstream((socket, head) => {
    const target = head.split(' ')[1] ?? ''
    seen.set(target, () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'))
  })
  const gateway = await testGateway({ WEIR_UPSTREAM: upstream.origin, WEIR_UPSTREAM_MAX_CONNECTIONS: '1' })
  try {
    const ask = client(gateway.api)
    const first = ask('/first')
    while (!seen.has('/api/v3/first')) await new Promise(setImmediate)
    const { hostname, port } = new URL(gateway.origin)
    const second = request({ hostname, port, path: '/api/v3/second', agent: false })
    second.on('error', () => {})
    second.end()
    second.once('finish', () => second.destroy())
    const isSecond = ({ path }: RequestEvent) => path === '/api/v3/second'
    while (!gateway.events.some(isSecond)) await new Promise(setImmediate)
    expect(gateway.events.find(isSecond)).toMatchObject({ aborted: true, upstream: { requests: 0 } })
    seen.get('/api/v3/first')?.()
    expect((await first).status).toBe(200)
    const third = ask('/third')
    while (!seen.has('/api/v3/third')) await new Promise(setImmediate)
    seen.get('/api/v3/third')?.()
    expect((await third).status).toBe(200)
    expect(upstream.heads.map((head) => head.split(' ')[1])).not.toContain('/api/v3/second')
  } finally {
    gateway.kill()
    await upstream.close()
  }
})
