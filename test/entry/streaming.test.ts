import { createServer } from 'node:http'
import { expect, onTestFinished, test, vi } from 'vitest'
import { CLOSE, request, running } from './running.ts'
import { asking, listening, RawClient, sender } from './sockets.ts'

const MEBIBYTE = 1024 * 1024
const SIZE = 200 * MEBIBYTE
const piece = Buffer.alloc(65_536, 'x')

/** An upstream that sends `?bytes=` and counts what it is sent. */
async function upstream(): Promise<string> {
  const server = createServer(async (incoming, outgoing) => {
    let received = 0
    for await (const chunk of incoming) received += chunk.length
    outgoing.setHeader('x-received', received)
    const wanted = Number(new URL(incoming.url ?? '/', 'http://x').searchParams.get('bytes'))
    outgoing.setHeader('content-length', wanted)
    for (let sent = 0; sent < wanted; sent += piece.length) {
      if (!outgoing.write(piece)) await new Promise((resolve) => outgoing.once('drain', resolve))
    }
    outgoing.end()
  })
  const port = await listening(server)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${port}`
}

async function gateway(): Promise<number> {
  const origin = await upstream()
  const { send } = sender()
  const { port } = await running(({ inbound }) => {
    const { method, target, body, bodyLength } = inbound
    return send(asking(origin, { method, target, body, bodyLength, signal: inbound.signal() }))
  })
  return port
}

/** The most by which the process grew while `work` ran, bytes. Upstream, gateway and client share the process. */
async function growth(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 20)
  await work()
  clearInterval(timer)
  return most - before
}

/** Bytes received on a fresh connection until its end; they are counted and thrown away. */
function download(port: number, bytes: number): Promise<number> {
  const client = new RawClient(port)
  client.socket.removeAllListeners('data')
  let received = 0
  client.socket.on('data', (chunk) => {
    received += chunk.length
  })
  client.write(request(`GET /?bytes=${bytes}`, CLOSE))
  return new Promise((resolve) => client.socket.once('close', () => resolve(received)))
}

async function upload(port: number, bytes: number): Promise<string> {
  const client = new RawClient(port)
  client.write(request('POST /?bytes=0', `${CLOSE}Content-Length: ${bytes}\r\n`))
  for (let sent = 0; sent < bytes; sent += piece.length) {
    if (!client.socket.write(piece)) await new Promise((resolve) => client.socket.once('drain', resolve))
  }
  return client.untilClosed()
}

test('a download of 200 MB passes without growing the process by 50 MB', async () => {
  const port = await gateway()
  await download(port, 20 * MEBIBYTE)
  let received = 0
  const grown = await growth(async () => {
    received = await download(port, SIZE)
  })
  expect(received).toBeGreaterThan(SIZE)
  expect(grown).toBeLessThan(50 * MEBIBYTE)
})

test('an upload of 200 MB passes without growing the process by 50 MB', async () => {
  const port = await gateway()
  await upload(port, 20 * MEBIBYTE)
  let answer = ''
  const grown = await growth(async () => {
    answer = await upload(port, SIZE)
  })
  expect(answer).toContain(`x-received: ${SIZE}`)
  expect(grown).toBeLessThan(50 * MEBIBYTE)
})

test('a client that leaves in the middle ends the upstream’s work', async () => {
  const server = createServer((_, outgoing) => void outgoing.write('begin'))
  const origin = `http://127.0.0.1:${await listening(server)}`
  const { send, connections } = sender()
  const { port, deliveries } = await running(({ inbound }) => send(asking(origin, { signal: inbound.signal() })))
  const client = new RawClient(port)
  client.write(request('GET /'))
  await client.until('begin')
  client.socket.destroy()
  // Closes only when the connection that the gateway had to it is gone.
  await new Promise<void>((resolve) => server.close(() => resolve()))
  await vi.waitUntil(() => connections().open === 0)
  expect(await deliveries[0]).toEqual({ bytes: 5, aborted: true })
})

test('an upstream that breaks off leaves no whole answer', async () => {
  const server = createServer((_, outgoing) => {
    outgoing.write('begin', () => outgoing.destroy())
  })
  const origin = `http://127.0.0.1:${await listening(server)}`
  onTestFinished(() => void server.close())
  const { send } = sender()
  const { port } = await running(() => send(asking(origin)))
  const client = new RawClient(port)
  client.write(request('GET /'))
  expect(await client.untilClosed()).not.toMatch(/\r\n0\r\n\r\n$/)
})
