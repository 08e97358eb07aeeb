import { describe, expect, test, vi } from 'vitest'
import type { OutgoingAnswer } from '../../src/ports.ts'
import { CLOSE, hello, request, running } from './running.ts'
import { conversation, RawClient } from './sockets.ts'

const stream = (...texts: string[]) =>
  (async function* () {
    for (const text of texts) yield Buffer.from(text)
  })()

/** The answer on the wire, without the fields that Node adds. */
async function wire(answer: OutgoingAnswer, line = 'GET /', version = '1.1'): Promise<string> {
  const { port } = await running(() => answer)
  const text = await conversation(port, `${line} HTTP/${version}\r\nHost: a\r\n${CLOSE}\r\n`)
  return text.replace(/^(Date|Connection): .*\r\n/gim, '')
}

describe('what is written', () => {
  test.each<[string, OutgoingAnswer, string, string]>([
    ['bytes', hello(), 'GET /', 'HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 5\r\n\r\nhello'],
    [
      'bytes with a length that is wrong',
      { ...hello(), headers: ['content-length', '9', 'transfer-encoding', 'chunked'] },
      'GET /',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello',
    ],
    ['nothing', { status: 200, headers: [], body: null }, 'GET /', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
    [
      'fields twice, in their order',
      { status: 200, headers: ['vary', 'a', 'set-cookie', 'x', 'vary', 'b'], body: null },
      'GET /',
      'HTTP/1.1 200 OK\r\nvary: a\r\nset-cookie: x\r\nvary: b\r\ncontent-length: 0\r\n\r\n',
    ],
    [
      'an unheard-of status',
      { status: 999, headers: [], body: null },
      'GET /',
      'HTTP/1.1 999 unknown\r\ncontent-length: 0\r\n\r\n',
    ],
    ['HEAD with bytes', hello(), 'HEAD /', 'HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 5\r\n\r\n'],
    [
      'HEAD with a length',
      { status: 200, headers: ['content-length', '7'], body: null },
      'HEAD /',
      'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n',
    ],
    ['HEAD without', { status: 200, headers: [], body: null }, 'HEAD /', 'HTTP/1.1 200 OK\r\n\r\n'],
    [
      'HEAD with a stream',
      { status: 200, headers: ['content-length', '7'], body: stream('x') },
      'HEAD /',
      'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n',
    ],
    [
      '204 with bytes',
      { ...hello(), status: 204, headers: ['content-length', '5'] },
      'GET /',
      'HTTP/1.1 204 No Content\r\n\r\n',
    ],
    [
      '304 with a length',
      { status: 304, headers: ['etag', '"a"', 'content-length', '5'], body: null },
      'GET /',
      'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n',
    ],
    [
      '304 with a stream',
      { status: 304, headers: [], body: stream('x') },
      'GET /',
      'HTTP/1.1 304 Not Modified\r\n\r\n',
    ],
    [
      'a stream',
      { status: 200, headers: ['trailer', 'x'], body: stream('ab', 'c') },
      'GET /',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n',
    ],
    [
      'a stream of nothing',
      { status: 200, headers: [], body: stream() },
      'GET /',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'a stream of known length',
      { status: 200, headers: ['content-length', '3'], body: stream('ab', 'c') },
      'GET /',
      'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc',
    ],
    [
      'fields that cannot be written, which are left out',
      { status: 200, headers: ['x-bad', 'a\x01b', 'x y', '1', 'x-good', '\xe9'], body: null },
      'GET /',
      'HTTP/1.1 200 OK\r\nx-good: \xe9\r\ncontent-length: 0\r\n\r\n',
    ],
  ])('%s', async (_, answer, line, expected) => {
    expect(await wire(answer, line)).toBe(expected)
  })

  test('a stream to a client of HTTP/1.0 ends with the connection', async () => {
    expect(await wire({ status: 200, headers: [], body: stream('ab', 'c') }, 'GET /', '1.0')).toBe(
      'HTTP/1.1 200 OK\r\n\r\nabc',
    )
  })

  test('what was delivered is told: bytes at once, streams when they are over', async () => {
    const server = await running(({ inbound }) =>
      inbound.target === '/held' ? hello() : { status: 200, headers: [], body: stream('ab', 'c') },
    )
    await conversation(server.port, request('GET /held', CLOSE))
    await conversation(server.port, request('HEAD /held', CLOSE))
    await conversation(server.port, request('GET /streamed', CLOSE))
    expect(server.deliveries.slice(0, 2)).toEqual([
      { bytes: 5, aborted: false },
      { bytes: 0, aborted: false },
    ])
    expect(await server.deliveries[2]).toEqual({ bytes: 3, aborted: false })
  })
})

describe('what breaks off', () => {
  const breaking = async function* () {
    yield Buffer.from('part')
    throw new Error('upstream broke off')
  }

  test.each<[string, OutgoingAnswer['headers'], () => AsyncIterable<Uint8Array>]>([
    ['a body that fails', [], breaking],
    ['a body of known length that fails', ['content-length', '9'], breaking],
    ['a body shorter than announced', ['content-length', '9'], () => stream('part')],
    ['a body longer than announced', ['content-length', '5'], () => stream('part', 'too much')],
  ])('%s never looks whole', async (_, headers, body) => {
    const server = await running(() => ({ status: 200, headers, body: body() }))
    const answer = await conversation(server.port, request('GET /'))
    expect(answer).not.toMatch(/\r\n0\r\n\r\n$/)
    expect(answer).not.toContain('too much')
    const announced = /content-length: (\d+)/.exec(answer)?.[1]
    if (announced !== undefined) expect(answer.split('\r\n\r\n')[1]?.length).toBeLessThan(Number(announced))
    expect(await server.deliveries[0]).toMatchObject({ aborted: true })
  })

  test('to a client of HTTP/1.0 it is a reset, since an orderly close would be the end', async () => {
    const server = await running(() => ({ status: 200, headers: [], body: breaking() }))
    const client = new RawClient(server.port)
    const error = new Promise((resolve) => client.socket.once('error', resolve))
    client.write('GET / HTTP/1.0\r\n\r\n')
    expect(await error).toMatchObject({ code: 'ECONNRESET' })
  })

  test('before the first byte, the client is told', async () => {
    const server = await running(() => ({
      status: 200,
      headers: ['etag', '"a"'],
      body: (async function* (): AsyncGenerator<Uint8Array> {
        yield* []
        throw new Error('upstream broke off')
      })(),
    }))
    const answer = await conversation(server.port, request('GET /', CLOSE))
    expect(answer).toMatch(/^HTTP\/1\.1 500 .*"The gateway failed"/s)
    expect(answer).not.toContain('etag')
    expect(await server.deliveries[0]).toMatchObject({ aborted: true })
  })
})

describe('a client that leaves', () => {
  test('while the body is awaited: the body is told at once, and the signal fires', async () => {
    let returned = false
    let signal: AbortSignal | undefined
    const server = await running(({ inbound }) => {
      signal = inbound.signal()
      let count = 0
      return {
        status: 200,
        headers: [],
        body: {
          [Symbol.asyncIterator]: () => ({
            next: () =>
              count++ === 0
                ? Promise.resolve({ done: false as const, value: Buffer.from('first') })
                : new Promise<never>(() => {}),
            return: async () => {
              returned = true
              return { done: true as const, value: undefined }
            },
          }),
        },
      }
    })
    const client = new RawClient(server.port)
    client.write(request('GET /'))
    await client.until('first')
    expect(signal?.aborted).toBe(false)
    client.socket.destroy()
    await vi.waitUntil(() => server.deliveries.length === 1)
    expect(await server.deliveries[0]).toEqual({ bytes: 5, aborted: true })
    expect(returned).toBe(true)
    expect(signal?.aborted).toBe(true)
  })

  test('while it does not read: the stream waits, and then ends', async () => {
    let produced = 0
    const server = await running(() => ({
      status: 200,
      headers: [],
      body: (async function* () {
        for (;;) {
          produced++
          yield Buffer.alloc(65_536)
        }
      })(),
    }))
    const client = new RawClient(server.port)
    client.write(request('GET /'))
    await client.until('\r\n\r\n')
    client.socket.pause()
    let before = -1
    await vi.waitUntil(() => {
      const still = produced === before
      before = produced
      return still
    })
    expect(produced).toBeLessThan(1_000)
    client.socket.destroy()
    expect(await server.deliveries[0]).toMatchObject({ aborted: true })
  })

  test('in the middle of its upload: the body fails as client-gone', async () => {
    let thrown: unknown
    const server = await running(async ({ inbound }) => {
      try {
        for await (const _ of inbound.body ?? []);
      } catch (error) {
        thrown = error
      }
      return hello()
    })
    const client = new RawClient(server.port)
    client.write(`${request('POST /', 'Content-Length: 10\r\n')}12345`)
    await vi.waitUntil(() => client.socket.bytesWritten > 0)
    client.socket.end()
    await vi.waitUntil(() => thrown !== undefined)
    expect(thrown).toMatchObject({ tag: 'client-gone' })
  })

  test('after its answer: the signal stays quiet', async () => {
    let signal: AbortSignal | undefined
    const server = await running(({ inbound }) => {
      signal = inbound.signal()
      return hello()
    })
    await conversation(server.port, request('GET /', CLOSE))
    expect(signal?.aborted).toBe(false)
  })
})

describe('an answer before the question is over', () => {
  test.each(['GET', 'POST'])('%s: the rest is read away and the connection used again', async (method) => {
    const server = await running(async ({ inbound }) => {
      // Reading a part is what leaves the rest to somebody else.
      for await (const _ of inbound.body ?? []) break
      return hello()
    })
    const client = new RawClient(server.port)
    client.write(`${request(`${method} /`, 'Content-Length: 200000\r\n')}12345`)
    expect(await client.until('hello')).toMatch(/^HTTP\/1\.1 200 /)
    client.write('x'.repeat(199_995) + request('GET /', CLOSE))
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 .*hello$/s)
  })

  test('a client that goes on and on is cut off', async () => {
    const server = await running(() => hello())
    const client = new RawClient(server.port)
    client.write(`${request('POST /', 'Transfer-Encoding: chunked\r\n')}`)
    await client.until('hello')
    expect(await client.untilClosed()).toBe('')
  })
})
