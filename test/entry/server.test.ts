import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Connections } from '../../src/entry/node/connections.ts'
import { startServer } from '../../src/entry/node/server.ts'
import type { Inbound } from '../../src/ports.ts'
import { cert, key } from './certificate.ts'
import { CLOSE, hello, request, running } from './running.ts'
import { conversation, listening, RawClient, readAll } from './sockets.ts'

const never = () => new Promise<never>(() => {})

describe('what reaches the app', () => {
  test.each([
    '//evil.example/x',
    '/a/../b/./c',
    '/%zz%2F..%2f',
    '/a\\b?c\\d',
    '/?q=a%20b&&=',
    '/"<>{}|^`',
    `/${'x'.repeat(8_000)}`,
  ])('the target %s as it is', async (target) => {
    const seen: string[] = []
    const { port } = await running(({ inbound }) => {
      seen.push(inbound.target)
      return hello()
    })
    expect(await conversation(port, request(`GET ${target}`, CLOSE))).toMatch(/^HTTP\/1\.1 200 OK\r\n.*hello$/s)
    expect(seen).toEqual([target])
  })

  test.each(['weir.test', 'WEIR.test:443', 'localhost:8787', '127.1', '[::1]:80', '10.0.0.1:99999', 'a_b.c'])(
    'whatever host is asked for: %s',
    async (host) => {
      const { port } = await running(hello)
      expect(await conversation(port, `GET / HTTP/1.1\r\nHost: ${host}\r\n${CLOSE}\r\n`)).toMatch(/hello$/)
    },
  )

  test('HTTP/1.0 without a host', async () => {
    const { port } = await running(hello)
    const answer = await conversation(port, 'GET / HTTP/1.0\r\n\r\n')
    expect(answer).toMatch(/\r\ncontent-length: 5\r\n.*\r\n\r\nhello$/is)
  })

  test('fields in lower case, apart and in order, and where they came from', async () => {
    let inbound: Inbound | undefined
    const { port } = await running((bindings) => {
      inbound = bindings.inbound
      return hello()
    })
    await conversation(port, request('PURGE /x', `X-B: 1\r\nx-a: \xe9\r\nX-B: 2\r\n${CLOSE}`))
    expect(inbound).toMatchObject({ method: 'PURGE', body: null, bodyLength: undefined })
    expect(inbound).toMatchObject({ peerAddress: '127.0.0.1', encrypted: false })
    expect(inbound?.headers).toEqual([
      'host',
      'weir.test',
      'x-b',
      '1',
      'x-a',
      '\xe9',
      'x-b',
      '2',
      'connection',
      'close',
    ])
  })

  test.each([
    ['Content-Length: 0\r\n', '', null, undefined],
    ['Content-Length: 5\r\n', 'abcde', 'abcde', 5],
    ['Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', 'abcde', undefined],
  ])('a body announced by %j', async (fields, wire, body, length) => {
    const seen: unknown[] = []
    const { port } = await running(async ({ inbound }) => {
      seen.push(inbound.body && (await readAll(inbound.body)).toString(), inbound.bodyLength)
      return hello()
    })
    await conversation(port, request('POST /', CLOSE + fields) + wire)
    expect(seen).toEqual([body, length])
  })

  test('an offer to upgrade is an ordinary request', async () => {
    // Java's HTTP client offers h2c on every plain connection; refusing it would break that client.
    const { port } = await running(hello)
    const client = new RawClient(port)
    client.write(request('GET /', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n'))
    expect(await client.until('hello')).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('a fault of the app is a 500 in GitHub’s shape', async () => {
    const { port } = await running(() => {
      throw new Error('secret')
    })
    const answer = await conversation(port, request('GET /', CLOSE))
    expect(answer).toMatch(/^HTTP\/1\.1 500 /)
    expect(answer).toContain('{"message":"The gateway failed","documentation_url":"https://docs.github.com/rest"}')
  })

  test('a Response that the app did not deliver is written by the listener', async () => {
    const { port } = await running(hello, { fetch: () => new Response('plain', { status: 418 }) })
    expect(await conversation(port, request('GET /', CLOSE))).toMatch(/^HTTP\/1\.1 418 .*plain$/s)
  })
})

describe('what is refused', () => {
  test.each([
    ['absolute form', request('GET http://weir.test/user'), 400],
    ['asterisk', request('OPTIONS *'), 400],
    ['authority', request('GET weir.test:80'), 400],
    ['empty target', request('GET '), 400],
    ['fragment', request('GET /user#x'), 400],
    ['control character', request('GET /a\x01b'), 400],
    ['space', request('GET /a b'), 400],
    ['byte beyond ASCII', request('GET /caf\xe9'), 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400],
    ['empty host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
    ['host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
    ['host with a user', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', 400],
    ['host with markup', 'GET / HTTP/1.1\r\nHost: a"><x\r\n\r\n', 400],
    ['two lengths', request('POST /', 'Content-Length: 1\r\nContent-Length: 2\r\n'), 400],
    ['length and chunks', request('POST /', 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n'), 400],
    ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 400],
    ['one long field', request('GET /', `X: ${'x'.repeat(40_000)}\r\n`), 431],
    ['a flood of fields', request('GET /', 'name: value\r\n'.repeat(100_000)), 431],
    ['CONNECT', request('CONNECT evil.example:443'), 405],
  ])('%s', async (_, text, status) => {
    let asked = false
    const { port } = await running(() => {
      asked = true
      return hello()
    })
    const answer = await conversation(port, text)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`))
    expect(answer).toMatch(/\r\nconnection: close\r\n/i)
    const [head, body] = answer.split('\r\n\r\n') as [string, string]
    expect(head).toContain(`content-length: ${body.length}`)
    expect(JSON.parse(body)).toEqual({
      message: expect.any(String),
      documentation_url: 'https://docs.github.com/rest',
    })
    expect(asked).toBe(false)
    // The process lives.
    expect(await conversation(port, request('GET /', CLOSE))).toMatch(/hello$/)
  })

  test('what follows a refusal is read away: a reset could undo the answer before it is read', async () => {
    const { port } = await running(hello)
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    onTestFinished(() => void socket.destroy())
    const errors: Error[] = []
    socket.on('error', (error) => errors.push(error))
    socket.resume()
    socket.write(request('GET /', `X: ${'x'.repeat(40_000)}\r\n`))
    await once(socket, 'end')
    for (let count = 0; count < 10; count++) await new Promise((resolve) => socket.write('more\r\n', resolve))
    socket.end()
    await once(socket, 'close')
    expect(errors).toEqual([])
  })

  test('a broken body in the middle of an answer does not write a second one into it', async () => {
    const { port } = await running(() => ({
      status: 200,
      headers: [],
      body: (async function* () {
        yield Buffer.from('first')
        await never()
      })(),
    }))
    const client = new RawClient(port)
    client.write(request('POST /', 'Transfer-Encoding: chunked\r\n'))
    await client.until('first')
    client.write('zz\r\n')
    expect(await client.untilClosed()).not.toContain('HTTP/1.1 400')
  })

  test('a broken body before the answer is a 400, and the answer that comes later harms nobody', async () => {
    let answerLater: () => void = () => {}
    const server = await running(async ({ inbound }) => {
      await inbound.body?.[Symbol.asyncIterator]().next()
      await new Promise<void>((resolve) => {
        answerLater = resolve
      })
      return hello()
    })
    const client = new RawClient(server.port)
    client.write(`${request('POST /', 'Transfer-Encoding: chunked\r\n')}1\r\na\r\nzz\r\n`)
    expect(await client.until('rest"}')).toMatch(/^HTTP\/1\.1 400 /)
    answerLater()
    expect(await client.untilClosed()).toBe('')
    expect(await server.deliveries[0]).toBeDefined()
  })

  test('nor does a broken request behind an answer that is on its way', async () => {
    const server = await running(({ inbound }) => {
      if (inbound.target === '/second') return never()
      const body = (async function* () {
        yield Buffer.from('first')
        await never()
      })()
      return { status: 200, headers: [], body }
    })
    const client = new RawClient(server.port)
    client.write(request('GET /first') + request('GET /second'))
    await client.until('first')
    client.write('nonsense\r\n\r\n')
    expect(await client.untilClosed()).not.toContain('HTTP/1.1 400')
  })
})

describe('connections', () => {
  test('pipelined requests are answered in order', async () => {
    const { port } = await running(async ({ inbound }) => {
      if (inbound.target === '/slow') await new Promise((resolve) => setImmediate(resolve))
      return { ...hello(), body: Buffer.from(inbound.target) }
    })
    const answer = await conversation(port, request('GET /slow') + request('GET /quick', CLOSE))
    expect(answer.match(/^\/(slow|quick)/gm)).toEqual(['/slow', '/quick'])
  })

  test('a client that waits for permission to upload gets it', async () => {
    const { port } = await running(async ({ inbound }) => ({ ...hello(), body: await readAll(inbound.body) }))
    const client = new RawClient(port)
    client.write(request('POST /', 'Content-Length: 5\r\nExpect: 100-continue\r\n'))
    expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    client.write('12345')
    expect(await client.until('12345')).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('a silent client is given up, one that waits for its answer is not', async () => {
    let finish: () => void = () => {}
    const server = createServer((incoming, outgoing) => {
      connections.begin(incoming, outgoing)
      finish = () => outgoing.end('at last')
    })
    const connections = new Connections(server, false)
    onTestFinished(() => connections.close())
    server.timeout = 50
    const port = await listening(server)
    const waiting = new RawClient(port)
    waiting.write(request('GET /', CLOSE))
    const silent = new RawClient(port)
    silent.write('POST / HTTP/1.1\r\n')
    expect(await silent.untilClosed()).toBe('')
    finish()
    expect(await waiting.untilClosed()).toMatch(/at last/)
  })
})

describe('listening', () => {
  test('a port in use is one clear line', async () => {
    const { port } = await running(hello)
    await expect(running(hello, { port })).rejects.toThrow(
      `Cannot listen on 127.0.0.1:${port}: the port is in use; stop what uses it or choose another PORT`,
    )
  })

  test('so is an address that is not ours', async () => {
    await expect(running(hello, { host: '192.0.2.1' })).rejects.toThrow(
      'Cannot listen on 192.0.2.1:0: this machine does not have that address; check HOST',
    )
  })

  test('so is a certificate that is none', async () => {
    const tls = { cert: 'no', key: 'no' }
    await expect(
      startServer({ host: '127.0.0.1', port: 0, tls, drainTimeout: 0, fetch: () => new Response() }),
    ).rejects.toThrow('The TLS certificate and key cannot be used')
  })

  test('the origin is one that can be asked', async () => {
    const server = await running(hello, { host: '0.0.0.0' })
    expect(server.origin).toBe(`http://127.0.0.1:${server.port}`)
  })
})

describe('over TLS', () => {
  test('a request says that it came encrypted, and draining ends its connection', async () => {
    let inbound: Inbound | undefined
    const server = await running(
      (bindings) => {
        inbound = bindings.inbound
        return hello()
      },
      { tls: { cert, key } },
    )
    const socket = connectTls({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca: cert })
    onTestFinished(() => void socket.destroy())
    socket.write(request('GET /'))
    expect((await once(socket, 'data')).toString()).toMatch(/^HTTP\/1\.1 200 /)
    expect(inbound).toMatchObject({ encrypted: true })
    expect(server.origin).toBe(`https://127.0.0.1:${server.port}`)
    const closed = once(socket.resume(), 'close')
    await server.drain()
    await closed
  })

  test('plain HTTP on it is refused, and the process lives', async () => {
    const server = await running(hello, { tls: { cert, key } })
    expect(await conversation(server.port, request('GET /'))).not.toContain('200 OK')
    const socket = connectTls({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca: cert })
    onTestFinished(() => void socket.destroy())
    await once(socket, 'secureConnect')
  })
})

describe('draining', () => {
  test('idle and silent connections end at once, new ones are refused, what is under way is finished', async () => {
    let finish: () => void = () => {}
    const asked = new Promise<void>((resolve) => {
      finish = resolve
    })
    let slow = false
    const server = await running(async ({ inbound }) => {
      if (inbound.target === '/slow') {
        slow = true
        await asked
      }
      return hello()
    })
    const silent = new RawClient(server.port)
    await once(silent.socket, 'connect')
    const idle = new RawClient(server.port)
    idle.write(request('GET /'))
    await idle.until('hello')
    const busy = new RawClient(server.port)
    busy.write(request('GET /slow'))
    await vi.waitUntil(() => slow)

    let drained = false
    const draining = server.drain().then(() => {
      drained = true
    })
    expect(server.drain()).toBeInstanceOf(Promise)
    expect(await silent.untilClosed()).toBe('')
    expect(await idle.untilClosed()).toBe('')
    const late = connect(server.port, '127.0.0.1')
    expect((await once(late, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' })
    expect(drained).toBe(false)
    finish()
    expect(await busy.untilClosed()).toMatch(/\r\nConnection: close\r\n.*hello$/s)
    await draining
  })

  test('an answer that has begun is finished too, and its connection ends', async () => {
    let more: () => void = () => {}
    const server = await running(() => ({
      status: 200,
      headers: [],
      body: (async function* () {
        yield Buffer.from('first')
        await new Promise<void>((resolve) => {
          more = resolve
        })
        yield Buffer.from('last')
      })(),
    }))
    const client = new RawClient(server.port)
    client.write(request('GET /'))
    await client.until('first')
    const draining = server.drain()
    more()
    expect(await client.untilClosed()).toMatch(/last\r\n0\r\n\r\n$/)
    await draining
  })

  test('a request that has half arrived is still answered, and its connection ends', async () => {
    const server = await running(hello)
    const half = new RawClient(server.port)
    half.write('GET /half HTTP/1.1\r\nHost: a\r\n')
    // Its bytes were sent before these, so they have arrived when these are answered.
    const other = new RawClient(server.port)
    other.write(request('GET /'))
    await other.until('hello')
    const draining = server.drain()
    half.write('\r\n')
    expect(await half.untilClosed()).toMatch(/\r\nConnection: close\r\n.*hello$/s)
    await draining
  })

  test('what takes too long is cut off', async () => {
    let asked = false
    const answer = () => {
      asked = true
      return never()
    }
    const server = await running(answer, { drainTimeout: 50 })
    const client = new RawClient(server.port)
    client.write(request('GET /'))
    await vi.waitUntil(() => asked)
    expect(await server.drain()).toBe(1)
    expect(await client.untilClosed()).toBe('')
  })
})
