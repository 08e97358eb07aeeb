import { afterEach, expect, test } from 'vitest'
import { rawRequest, type TestGateway, testGateway } from '../support/gateway.ts'
import { type Ask, client } from '../support/pair.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'

/** An upstream that does not speak HTTP, or not quite. */

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** A gateway whose upstream says these bytes to everything and then ends the connection. */
async function start(data: string): Promise<{ ask: Ask; gateway: TestGateway; healthy: () => Promise<number> }> {
  const upstream = await startRawUpstream((socket) => socket.end(data, 'latin1'))
  const gateway = await testGateway({ WEIR_UPSTREAM: upstream.origin })
  ends.push(() => gateway.kill(), upstream.close)
  const healthy = async () => (await client(gateway.origin)('/_weir/healthz')).status
  return { ask: client(gateway.api), gateway, healthy }
}

const JSON_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
const filler = (bytes: number) => `X-Filler: ${'x'.repeat(bytes)}\r\n`

test.each([
  ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['an impossible status', 'HTTP/1.1 42 Odd\r\nContent-Length: 0\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n'],
  ['two lengths', `${JSON_HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} `],
  ['a broken chunk', `${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
  ['headers over 64 kB', `${JSON_HEAD}${filler(70_000)}Content-Length: 2\r\n\r\n{}`],
  ['a control character in a header', `${JSON_HEAD}X-Odd: a\x01b\r\nContent-Length: 2\r\n\r\n{}`],
  ['nothing', ''],
  ['half a head', 'HTTP/1.1 200 OK\r\nContent-Ty'],
])('%s is a 502', async (_, data) => {
  const { ask, healthy } = await start(data)
  for (const method of ['GET', 'POST']) {
    const answer = await ask('/user', { method })
    expect(answer).toMatchObject({ status: 502, complete: true })
    expect(Object.keys(answer.json())).toEqual(['message', 'documentation_url'])
  }
  expect(await healthy()).toBe(200)
})

test('a head of 60 kB passes', async () => {
  const { gateway } = await start(`${JSON_HEAD}${filler(60_000)}Content-Length: 2\r\n\r\n{}`)
  const answer = await rawRequest(gateway.origin, '/api/v3/user', { maxHeaderSize: 100_000 })
  expect(answer.status).toBe(200)
  expect(answer.headers['x-filler']).toHaveLength(60_000)
})

test('an interim answer is not taken for the answer', async () => {
  const { ask } = await start(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${JSON_HEAD}Content-Length: 2\r\n\r\n{}`)
  expect(await ask('/user')).toMatchObject({ status: 200, text: '{}' })
})

test('an answer that ends with its connection is whole', async () => {
  const { ask } = await start(`${JSON_HEAD}ETag: "a"\r\n\r\n{"a":1}`)
  expect(await ask('/user')).toMatchObject({ status: 200, text: '{"a":1}', complete: true })
})

test('an unasked switch of protocols is a 502', async () => {
  const { ask } = await start('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
  expect((await ask('/user')).status).toBe(502)
})

test('repeated headers stay apart and in order', async () => {
  const { ask } = await start(`${JSON_HEAD}X-Two: 1\r\nX-Two: 2\r\nVary: A\r\nVary: B\r\nContent-Length: 2\r\n\r\n{}`)
  const { rawHeaders } = await ask('/user')
  const of = (wanted: string) => rawHeaders.filter((_, index, all) => all[index - 1]?.toLowerCase() === wanted)
  expect(of('x-two')).toEqual(['1', '2'])
  expect(of('vary').slice(0, 2)).toEqual(['A', 'B'])
})

test('fields that speak for the upstream’s host or its connection stay behind', async () => {
  const fields = [
    'Set-Cookie: logged_in=no',
    'Strict-Transport-Security: max-age=1',
    'Alt-Svc: h3=":443"',
    'Connection: close, X-Hop',
    'X-Hop: 1',
    'Keep-Alive: timeout=1',
    'Proxy-Authenticate: Basic',
  ]
  const { ask } = await start(`${JSON_HEAD}${fields.join('\r\n')}\r\nContent-Length: 2\r\n\r\n{}`)
  const { headers } = await ask('/user')
  for (const name of ['set-cookie', 'strict-transport-security', 'alt-svc', 'x-hop', 'proxy-authenticate']) {
    expect(headers[name], name).toBeUndefined()
  }
})
