import { getEventListeners } from 'node:events'
import { createServer as createHttpsServer } from 'node:https'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { cert, key } from './certificate.ts'
import { answering, asking, closedPort, failureOf, listening, rawUpstream, readAll, sender } from './sockets.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const TEN = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'

/** Sends and reads everything; the failure may come from either. */
function whole(...[origin, request, options]: [string, Parameters<typeof asking>[1]?, Parameters<typeof sender>[0]?]) {
  const made = sender(options)
  return made.send(asking(origin, request)).then((response) => readAll(response.body))
}

describe('no answer', () => {
  test('nobody listens', async () => {
    expect((await failureOf(whole(`http://127.0.0.1:${await closedPort()}`))).tag).toBe('upstream-unreachable')
  })

  test('the name does not exist', async () => {
    expect((await failureOf(whole('http://nobody.invalid'))).tag).toBe('upstream-unreachable')
  })

  test('the connection is not accepted in time', async () => {
    // TLS to a server that says nothing: connected, but the handshake never ends.
    const upstream = await rawUpstream(() => {})
    const failure = await failureOf(whole(upstream.origin.replace('http', 'https'), {}, { connectTimeout: 50 }))
    expect(failure.tag).toBe('upstream-connect-timeout')
  })

  test('the server does not speak TLS', async () => {
    const upstream = await rawUpstream(() => {})
    const failing = failureOf(whole(upstream.origin.replace('http', 'https')))
    await vi.waitUntil(() => upstream.sockets[0])
    upstream.sockets[0]?.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    expect((await failing).tag).toBe('upstream-unreachable')
  })

  test('no head in time', async () => {
    const upstream = await rawUpstream((socket) => socket.write('HTTP/1.1 200 OK\r\n'))
    expect((await failureOf(whole(upstream.origin, {}, { headersTimeout: 50 }))).tag).toBe('upstream-headers-timeout')
    await closed(upstream.sockets[0])
  })

  test('no head in time after an upload, which itself may take longer', async () => {
    const upstream = await rawUpstream(() => {})
    async function* slow() {
      for (let count = 0; count < 4; count++) {
        await new Promise((resolve) => setTimeout(resolve, 30))
        yield Buffer.from('x')
      }
    }
    const request = { method: 'POST', body: slow() }
    const failure = await failureOf(whole(upstream.origin, request, { headersTimeout: 60 }))
    expect(failure.tag).toBe('upstream-headers-timeout')
    expect(upstream.received[0]).toMatch(/0\r\n\r\n$/)
  })

  test('an upload that the upstream does not take', async () => {
    const upstream = await rawUpstream((socket) => socket.pause())
    async function* endless() {
      for (;;) yield Buffer.alloc(65_536)
    }
    const request = { method: 'POST', body: endless() }
    expect((await failureOf(whole(upstream.origin, request, { headersTimeout: 50 }))).tag).toBe(
      'upstream-headers-timeout',
    )
  })

  test('an upload that the client does not send', async () => {
    const upstream = await rawUpstream(() => {})
    const body = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
    const failure = await failureOf(whole(upstream.origin, { method: 'POST', body }, { bodyTimeout: 50 }))
    expect(failure.tag).toBe('request-timeout')
    await closed(upstream.sockets[0])
  })

  test.each([
    ['nothing said', ''],
    ['half a head said', 'HTTP/1.1 200 OK\r\nContent-'],
  ])('closed with %s', async (_, said) => {
    const upstream = await rawUpstream((socket) => socket.end(said))
    const failure = await failureOf(whole(upstream.origin))
    expect(failure).toMatchObject({ tag: 'upstream-reset', onReusedConnection: false })
  })

  test.each([
    ['nothing said', '', true],
    ['half a head said', 'HTTP/1.1 200 OK\r\nContent-', false],
  ])('a kept connection closed with %s', async (_, said, onReusedConnection) => {
    let requests = 0
    const upstream = await rawUpstream((socket) => {
      if (++requests === 1) socket.write(OK)
      else socket.write(said, () => socket.resetAndDestroy())
    })
    const { send } = sender()
    await readAll((await send(asking(upstream.origin))).body)
    const failure = await failureOf(send(asking(upstream.origin)))
    expect(failure).toMatchObject({ tag: 'upstream-reset', onReusedConnection })
    expect(upstream.sockets).toHaveLength(1)
  })

  test.each([
    ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['a head of 70 KiB', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`],
    ['an endless head', `HTTP/1.1 200 OK\r\n${'name: value\r\n'.repeat(20_000)}`],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a status of 42', 'HTTP/1.1 042 X\r\nContent-Length: 0\r\n\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
  ])('%s', async (_, said) => {
    const upstream = await answering(said)
    const { send, connections } = sender({ maxConnections: 1 })
    expect((await failureOf(send(asking(upstream.origin)))).tag).toBe('upstream-invalid')
    expect((await failureOf(send(asking(upstream.origin)))).tag).toBe('upstream-invalid')
    expect(connections().waiting).toBe(0)
  })
})

describe('half an answer', () => {
  test.each([
    ['a body shorter than announced', `${TEN}12345`],
    ['chunks without an end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n'],
    ['half a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123'],
    [
      'gzip broken off with its connection',
      `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n${gzipSync('x'.repeat(99)).toString('latin1')}`,
    ],
  ])('%s', async (_, said) => {
    const upstream = await rawUpstream((socket) => socket.end(Buffer.from(said, 'latin1')))
    expect((await failureOf(whole(upstream.origin))).tag).toBe('upstream-truncated')
  })

  test('a reset in the middle', async () => {
    const upstream = await rawUpstream((socket) => socket.write(`${TEN}12345`))
    const response = await sender().send(asking(upstream.origin))
    const iterator = response.body?.[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
    expect((await iterator.next()).value).toEqual(Buffer.from('12345'))
    upstream.sockets[0]?.resetAndDestroy()
    expect((await failureOf(iterator.next())).tag).toBe('upstream-truncated')
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  test('a chunk size that is not one', async () => {
    const upstream = await answering('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n')
    expect((await failureOf(whole(upstream.origin))).tag).toBe('upstream-invalid')
  })

  test.each([
    ['plain', `${TEN}12345`],
    [
      'gzip',
      `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n${gzipSync('abc').toString('latin1').slice(0, 12)}`,
    ],
  ])('a stall (%s)', async (_, said) => {
    const upstream = await answering(said)
    expect((await failureOf(whole(upstream.origin, {}, { bodyTimeout: 50 }))).tag).toBe('upstream-body-timeout')
    await closed(upstream.sockets[0])
  })

  test('coded bytes that trickle are no stall, although nothing can be decoded yet', async () => {
    const coded = gzipSync('abc')
    const upstream = await rawUpstream(async (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${coded.length}\r\n\r\n`)
      for (const byte of coded) {
        socket.write(Buffer.of(byte))
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })
    expect((await whole(upstream.origin, {}, { bodyTimeout: 150 })).toString()).toBe('abc')
  })

  test('an answer that nobody reads does not keep its connection', async () => {
    const upstream = await answering(TEN)
    const { send } = sender({ bodyTimeout: 50 })
    const response = await send(asking(upstream.origin))
    await closed(upstream.sockets[0])
    expect((await failureOf(readAll(response.body))).tag).toBe('upstream-body-timeout')
  })
})

describe('giving up', () => {
  test('before anything was sent', async () => {
    const upstream = await answering(OK)
    expect((await failureOf(whole(upstream.origin, { signal: AbortSignal.abort() }))).tag).toBe('client-gone')
    expect(upstream.sockets).toHaveLength(0)
  })

  test('while waiting for the head', async () => {
    const controller = new AbortController()
    const upstream = await rawUpstream(() => controller.abort())
    expect((await failureOf(whole(upstream.origin, { signal: controller.signal }))).tag).toBe('client-gone')
    await closed(upstream.sockets[0])
  })

  test('while waiting for the body', async () => {
    const controller = new AbortController()
    const upstream = await answering(TEN)
    const response = await sender().send(asking(upstream.origin, { signal: controller.signal }))
    const failing = failureOf(readAll(response.body))
    controller.abort()
    expect((await failing).tag).toBe('client-gone')
    await closed(upstream.sockets[0])
  })

  test('reading: return() ends the exchange even while a chunk is awaited', async () => {
    const upstream = await answering(TEN)
    const response = await sender().send(asking(upstream.origin))
    const iterator = response.body?.[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
    const pending = iterator.next()
    await iterator.return?.()
    expect(await pending).toEqual({ done: true, value: undefined })
    await closed(upstream.sockets[0])
  })

  test('reading: break', async () => {
    const upstream = await answering(`${TEN}12345`)
    const response = await sender().send(asking(upstream.origin))
    for await (const chunk of response.body ?? []) {
      expect(chunk).toEqual(Buffer.from('12345'))
      break
    }
    await closed(upstream.sockets[0])
  })

  test('the upload: its source fails', async () => {
    const upstream = await rawUpstream(() => {})
    async function* broken() {
      yield Buffer.from('x')
      throw new Error('the client left')
    }
    expect((await failureOf(whole(upstream.origin, { method: 'POST', body: broken() }))).tag).toBe('client-gone')
    await closed(upstream.sockets[0])
  })

  test('leaves neither listeners nor places in the queue behind', async () => {
    const controller = new AbortController()
    const upstream = await answering(OK)
    const { send, connections } = sender({ maxConnections: 1 })
    for (let count = 0; count < 20; count++) {
      await readAll((await send(asking(upstream.origin, { signal: controller.signal }))).body)
    }
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    expect(connections()).toEqual({ open: 1, waiting: 0 })
    expect(upstream.sockets).toHaveLength(1)
  })
})

describe('an early answer', () => {
  test('is delivered, and the upload stops at once when it is a refusal', async () => {
    const upstream = await answering('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbi')
    let stopped = false
    async function* endless() {
      try {
        for (;;) {
          yield Buffer.from('x')
          await new Promise((resolve) => setImmediate(resolve))
        }
      } finally {
        stopped = true
      }
    }
    const response = await sender().send(asking(upstream.origin, { method: 'POST', body: endless() }))
    expect(response.status).toBe(413)
    await vi.waitUntil(() => stopped)
    upstream.sockets[0]?.write('g')
    expect((await readAll(response.body)).toString()).toBe('big')
    await closed(upstream.sockets[0])
  })

  test('is delivered although the client sends nothing more, and the connection is not used again', async () => {
    const upstream = await answering('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    async function* stuck() {
      yield Buffer.from('x')
      await new Promise(() => {})
    }
    const { send, connections } = sender({ maxConnections: 1 })
    expect((await send(asking(upstream.origin, { method: 'POST', body: stuck() }))).status).toBe(200)
    await closed(upstream.sockets[0])
    expect((await send(asking(upstream.origin))).status).toBe(200)
    expect(connections().waiting).toBe(0)
  })
})

describe('the pool', () => {
  test('reuses connections and never has more than it may', async () => {
    const upstream = await answering(OK)
    const { send, connections } = sender({ maxConnections: 2, maxWaiting: 100 })
    const all = Array.from({ length: 50 }, () => send(asking(upstream.origin)).then(({ body }) => readAll(body)))
    expect(connections().waiting).toBe(48)
    await Promise.all(all)
    expect(upstream.sockets).toHaveLength(2)
    expect(connections()).toEqual({ open: 2, waiting: 0 })
  })

  test('turns away what does not fit the queue', async () => {
    const upstream = await rawUpstream(() => {})
    const { send, connections } = sender({ maxConnections: 1, maxWaiting: 1 })
    const leaving = new AbortController()
    const held = [1, 2].map(() => failureOf(send(asking(upstream.origin, { signal: leaving.signal }))))
    expect(connections().waiting).toBe(1)
    expect((await failureOf(send(asking(upstream.origin)))).tag).toBe('upstream-busy')
    leaving.abort()
    expect((await Promise.all(held)).map(({ tag }) => tag)).toEqual(['client-gone', 'client-gone'])
  })

  test('a wait for a connection that takes too long is our queue’s doing, not the upstream’s', async () => {
    // The only connection stays with an answer whose body goes on.
    const upstream = await rawUpstream((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun'))
    const { send } = sender({ maxConnections: 1, maxWaiting: 1, headersTimeout: 50 })
    const first = await send(asking(upstream.origin))
    expect((await failureOf(send(asking(upstream.origin)))).tag).toBe('upstream-busy')
    await first.body?.[Symbol.asyncIterator]().return?.()
  })

  test('a place in the queue is given up with the request', async () => {
    const upstream = await rawUpstream((socket, head) => {
      if (head.includes('/quick')) socket.write(OK)
    })
    const { send, connections } = sender({ maxConnections: 1, maxWaiting: 1 })
    const first = new AbortController()
    const second = new AbortController()
    const firstFailure = failureOf(send(asking(upstream.origin, { signal: first.signal })))
    const secondFailure = failureOf(send(asking(upstream.origin, { signal: second.signal })))
    expect(connections().waiting).toBe(1)
    second.abort()
    expect((await secondFailure).tag).toBe('client-gone')
    expect(connections().waiting).toBe(0)
    const third = send(asking(upstream.origin, { target: '/quick' }))
    await vi.waitUntil(() => upstream.received[0])
    first.abort()
    expect((await firstFailure).tag).toBe('client-gone')
    expect((await third).status).toBe(200)
    expect(upstream.received.join('').match(/GET/g)).toHaveLength(2)
  })

  test('one origin cannot use up the places of another', async () => {
    const dead = await rawUpstream(() => {})
    const alive = await answering(OK)
    const { send } = sender({ maxConnections: 1, maxWaiting: 0 })
    const stuck = failureOf(send(asking(dead.origin)))
    expect((await send(asking(alive.origin))).status).toBe(200)
    await vi.waitUntil(() => dead.sockets[0])
    dead.sockets[0]?.destroy()
    expect((await stuck).tag).toBe('upstream-reset')
  })

  test('gives up connections that nobody uses', async () => {
    const upstream = await answering(OK)
    const { send, connections } = sender({ idleTimeout: 50 })
    await readAll((await send(asking(upstream.origin))).body)
    expect(connections().open).toBe(1)
    await closed(upstream.sockets[0])
    await vi.waitUntil(() => connections().open === 0)
  })

  test('close() ends what is under way and takes nothing new', async () => {
    const upstream = await rawUpstream(() => made.close())
    const made = sender()
    expect((await failureOf(made.send(asking(upstream.origin)))).tag).toBe('upstream-reset')
    expect((await failureOf(made.send(asking(upstream.origin)))).tag).toBe('upstream-unreachable')
    expect(made.connections()).toEqual({ open: 0, waiting: 0 })
  })
})

describe('TLS', () => {
  async function tlsUpstream(): Promise<number> {
    const server = createHttpsServer({ key, cert }, (_, response) => response.end('secret'))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return listening(server)
  }

  test('a private authority is believed when it is named', async () => {
    const port = await tlsUpstream()
    expect((await whole(`https://localhost:${port}`, {}, { ca: cert })).toString()).toBe('secret')
  })

  test.each([
    ['without it', 'localhost', undefined],
    ['for another name', '127.0.0.1', cert],
  ])('and not %s', async (_, host, ca) => {
    const port = await tlsUpstream()
    expect((await failureOf(whole(`https://${host}:${port}`, {}, { ca }))).tag).toBe('upstream-unreachable')
  })
})

/** Resolves when the connection is gone, as seen from the upstream. */
async function closed(socket: import('node:net').Socket | undefined): Promise<void> {
  await vi.waitUntil(() => socket?.destroyed === true || socket?.readableEnded === true)
}
