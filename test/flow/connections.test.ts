import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { RELEASE, TOKENS } from '../../sandbox/index.ts'
import { rawConversation, testGateway } from '../support/gateway.ts'
import { client, type Pair, startPair } from '../support/pair.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'

/** Connections on both sides: kept, bounded, and left in a state in which the next request can use them. */

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
const token = TOKENS.octocat

/** An upstream that answers when it is told to, behind a gateway with so many connections to it. */
async function startHeld(maxConnections: number) {
  const held: (() => void)[] = []
  const upstream = await startRawUpstream((socket) => held.push(() => socket.write(OK)))
  const gateway = await testGateway({
    WEIR_UPSTREAM: upstream.origin,
    WEIR_UPSTREAM_MAX_CONNECTIONS: String(maxConnections),
  })
  ends.push(() => gateway.kill(), upstream.close)
  const arrived = async (count: number) => {
    while (upstream.heads.length < count) await new Promise(setImmediate)
  }
  return { held, upstream, ask: client(gateway.api), arrived }
}

async function start(): Promise<Pair> {
  const pair = await startPair()
  ends.push(pair.close)
  return pair
}

test.each(['GET', 'HEAD', 'POST', 'DELETE'])(
  'requests one after another share a connection upstream: %s',
  async (method) => {
    const upstream = await startRawUpstream((socket) => socket.write(method === 'HEAD' ? OK.slice(0, -2) : OK))
    const gateway = await testGateway({ WEIR_UPSTREAM: upstream.origin })
    ends.push(() => gateway.kill(), upstream.close)
    for (let count = 1; count <= 10; count++) {
      expect((await client(gateway.api)('/user', { method })).status).toBe(200)
    }
    expect(upstream.heads).toHaveLength(10)
    expect(upstream.connections).toBe(1)
  },
)

test('no more connections than allowed; the others wait their turn', async () => {
  const { held, upstream, ask, arrived } = await startHeld(2)
  const answers = Array.from({ length: 10 }, (_, index) => ask(`/${index}`))
  for (let count = 1; count <= 10; count++) {
    await arrived(Math.min(10, count + 1))
    expect(upstream.heads.length).toBeLessThanOrEqual(count + 1)
    held.shift()?.()
  }
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(10).fill(200))
  expect(upstream.connections).toBe(2)
})

test('when too many wait, the next is told so at once', async () => {
  const { held, upstream, ask, arrived } = await startHeld(1)
  const answers = [ask('/first')]
  await arrived(1)
  // Eight may wait for each connection that there may be; two of the eight places are for credentials not yet accepted.
  for (let index = 0; index < 7; index++) answers.push(ask(`/${index}`))
  const busy = await Promise.race(answers)
  expect(busy.status).toBe(503)
  expect(busy.json().message).toBe('Too many requests are waiting for the upstream')
  for (let count = 1; count <= 7; count++) {
    await arrived(count)
    held.shift()?.()
  }
  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(7)
  expect(upstream.heads).toHaveLength(7)
})

test('a client’s connection serves one request after another, errors included', async () => {
  const { gateway } = await start()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  ends.push(() => agent.destroy())
  const { hostname, port } = new URL(gateway.origin)
  const sockets = new Set<unknown>()
  for (const path of [
    '/api/v3/user',
    '/api/v3/nowhere',
    '/nowhere',
    '/_weir/healthz',
    '/api/v3/../x',
    '/api/v3/user',
  ]) {
    await new Promise<void>((resolve, reject) => {
      const outgoing = request(
        { agent, hostname, port, path, headers: { authorization: `token ${token}` } },
        (incoming) => {
          incoming.resume()
          incoming.on('end', resolve)
        },
      )
      outgoing.on('socket', (socket) => sockets.add(socket))
      outgoing.on('error', reject)
      outgoing.end()
    })
  }
  expect(sockets.size).toBe(1)
})

test('an upload that is refused before it is over gets its refusal', async () => {
  const { gateway, sandbox, ask } = await start()
  const uploads = client(`${gateway.origin}/api/uploads`)
  const answer = await uploads(`/repos/octocat/hello-world/releases/${RELEASE}/assets?name=big`, {
    token: 'wrong',
    method: 'POST',
    payload: Buffer.alloc(8_000_000),
  })
  expect(answer.status).toBe(401)
  expect(answer.json().message).toBe('Bad credentials')
  expect(sandbox.log.filter({ method: 'POST' })).toHaveLength(1)
  expect((await ask('/user', { token })).status).toBe(200)
})

test('a client that asks before it sends is told to go on', async () => {
  const { gateway, sandbox } = await start()
  const { hostname, port } = new URL(gateway.origin)
  const payload = '{"title":"Expected"}'
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { authorization: `token ${token}`, 'content-length': payload.length, expect: '100-continue' }
    const path = '/api/v3/repos/octocat/hello-world/issues'
    const outgoing = request({ hostname, port, path, method: 'POST', headers, agent: false }, (incoming) => {
      incoming.resume()
      resolve(incoming.statusCode)
    })
    outgoing.on('continue', () => outgoing.end(payload))
    outgoing.on('error', reject)
    outgoing.flushHeaders()
  })
  expect(status).toBe(201)
  expect(sandbox.log.last.headers['expect']).toBeUndefined()
})

test('a client of HTTP/1.0 is served, and its connection closed', async () => {
  const { gateway } = await start()
  const text = await rawConversation(
    gateway.origin,
    `GET /api/v3/user HTTP/1.0\r\nHost: weir.example.com\r\nAuthorization: token ${token}\r\n\r\n`,
  )
  const [head = '', body = ''] = text.split('\r\n\r\n')
  expect(head).toMatch(/^HTTP\/1\.[01] 200 /)
  expect(head).not.toMatch(/^transfer-encoding:/im)
  expect(JSON.parse(body).url).toBe('http://weir.example.com/api/v3/users/octocat')
})

test('connections that say nothing, or leave in the middle of a head, do no harm', async () => {
  const { gateway, sandbox } = await start()
  const { hostname, port } = new URL(gateway.origin)
  for (const bytes of ['', 'GET', 'GET /api/v3/user HTTP/1.1\r\nHost: x\r\nAuthoriz']) {
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.end(bytes))
      socket.on('error', reject)
      socket.on('close', () => resolve())
      socket.resume()
    })
  }
  expect(sandbox.log.count).toBe(0)
  expect((await client(gateway.origin)('/_weir/healthz')).status).toBe(200)
})
