import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Fault, TOKENS } from '../../sandbox/index.ts'
import { testGateway } from '../support/gateway.ts'
import { client, type Pair, startPair } from '../support/pair.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'

/** An upstream that does not answer: a clear error in GitHub's shape, and no write twice. */

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const token = TOKENS.octocat
const PAGE = '/repos/octocat/hello-world'

function errorOf(message: string) {
  return { message, documentation_url: 'https://docs.github.com/rest' }
}

/** A port that nobody listens on. */
async function unusedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

test('an upstream that refuses connections is a 502, also for readiness to see', async () => {
  const gateway = await testGateway({ WEIR_UPSTREAM: `http://127.0.0.1:${await unusedPort()}` })
  ends.push(() => gateway.kill())
  for (const method of ['GET', 'POST', 'DELETE']) {
    const answer = await client(gateway.api)('/user', { token, method })
    expect(answer.status).toBe(502)
    expect(answer.json()).toEqual(errorOf('The upstream could not be reached'))
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  }
  const ready = await client(gateway.origin)('/_weir/readyz')
  expect(ready.status).toBe(200)
  expect(ready.json()).toMatchObject({
    status: 'ready',
    upstream: { reachable: false, failure: 'upstream-unreachable' },
  })
})

test('a name that does not exist is a 502', async () => {
  const gateway = await testGateway({ WEIR_UPSTREAM: 'http://upstream.invalid' })
  ends.push(() => gateway.kill())
  const answer = await client(gateway.api)('/user', { token })
  expect(answer.status).toBe(502)
  expect(answer.json()).toEqual(errorOf('The upstream could not be reached'))
})

test('an upstream that takes no connection in time is a 504', async () => {
  // TLS to a port that accepts and says nothing: the connection never comes to stand.
  const silent = await startRawUpstream(() => {})
  ends.push(silent.close)
  const gateway = await testGateway({
    WEIR_UPSTREAM: silent.origin.replace('http:', 'https:'),
    WEIR_UPSTREAM_CONNECT_TIMEOUT: '50ms',
  })
  ends.push(() => gateway.kill())
  const answer = await client(gateway.api)('/user', { token })
  expect(answer.status).toBe(504)
  expect(answer.json()).toEqual(errorOf('The upstream did not accept a connection in time'))
})

describe('over the sandbox', () => {
  let pair: Pair
  beforeEach(async () => {
    pair = await startPair({ settings: { WEIR_UPSTREAM_HEADERS_TIMEOUT: '100ms' } })
    ends.push(pair.close)
  })

  const silent: Fault = { kind: 'hang', when: 'before-headers' }
  const reset: Fault = { kind: 'reset', when: 'before-headers' }
  const cases = [
    ['silent', silent, 504, 'The upstream did not answer in time'],
    ['reset', reset, 502, 'The upstream closed the connection before answering'],
  ] as const

  test.each(cases)(
    '%s: each method is sent once, and the next request is served',
    async (_, fault, status, message) => {
      const { ask, sandbox } = pair
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        // A kept connection to be lost, which is where a second sending would tempt.
        await ask('/user', { token })
        sandbox.log.clear()
        sandbox.switches.faults = [{ fault, times: 5 }]
        const answer = await ask(`${PAGE}/issues`, { token, method, payload: { title: 'Once' } })
        sandbox.switches.faults = []
        expect(answer.status, method).toBe(status)
        expect(answer.json()).toEqual(errorOf(message))
        expect(sandbox.log.filter({ method }), method).toHaveLength(1)
      }
      expect((await ask('/user', { token })).status).toBe(200)
      expect(
        sandbox.world.repository('octocat/hello-world').issues.filter(({ title }) => title === 'Once'),
      ).toHaveLength(1)
    },
  )

  test('a read that times out is not sent again', async () => {
    const { ask, sandbox } = pair
    await ask('/user', { token })
    sandbox.switches.faults = [{ fault: silent, times: 5 }]
    sandbox.log.clear()
    expect((await ask(PAGE, { token })).status).toBe(504)
    expect(sandbox.log.count).toBe(1)
  })

  test('a failure costs no copy', async () => {
    const { ask, sandbox } = pair
    const before = await ask(PAGE, { token })
    sandbox.switches.faults = [{ fault: silent }]
    // A client that wants what is true now is told; another would have been given the copy.
    expect((await ask(PAGE, { token, headers: { 'cache-control': 'no-cache' } })).status).toBe(504)
    const after = await ask(PAGE, { token })
    expect(after.text).toBe(before.text)
    expect(sandbox.log.last).toMatchObject({ status: 304, cost: 0 })
  })
})

describe('a kept connection that the upstream has closed', () => {
  const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'

  /** Answers the first request on each connection and resets at the second one, `lost` times. */
  async function start(lost: number) {
    let left = lost
    const upstream = await startRawUpstream((socket, _, number) => {
      if (number > 1 && left-- > 0) socket.resetAndDestroy()
      else socket.write(OK)
    })
    const gateway = await testGateway({ WEIR_UPSTREAM: upstream.origin })
    ends.push(() => gateway.kill(), upstream.close)
    return { upstream, ask: client(gateway.api) }
  }

  test.each(['GET', 'HEAD'])('%s is sent once more, on a new connection', async (method) => {
    const { upstream, ask } = await start(1)
    await ask('/user')
    expect((await ask('/user', { method })).status).toBe(200)
    expect(upstream.heads).toHaveLength(3)
    expect(upstream.connections).toBe(2)
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is not', async (method) => {
    const { upstream, ask } = await start(1)
    await ask('/user')
    expect((await ask('/user', { method })).status).toBe(502)
    expect(upstream.heads).toHaveLength(2)
  })
})

test('a fresh connection that is reset is not tried again', async () => {
  const upstream = await startRawUpstream((socket) => socket.resetAndDestroy())
  const gateway = await testGateway({ WEIR_UPSTREAM: upstream.origin })
  ends.push(() => gateway.kill(), upstream.close)
  expect((await client(gateway.api)('/user')).status).toBe(502)
  expect(upstream.heads).toHaveLength(1)
})
