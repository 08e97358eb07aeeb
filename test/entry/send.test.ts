import { brotliCompressSync, createGzip, gzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import type { HeaderList } from '../../src/ports.ts'
import { answering, asking, failureOf, rawUpstream, readAll, sender } from './sockets.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** What goes over the wire for a request. */
async function headOf(request: Parameters<typeof asking>[1]): Promise<string[]> {
  const upstream = await answering('HTTP/1.1 204 No Content\r\n\r\n')
  await sender().send(asking(upstream.origin, request))
  return (upstream.received[0] as string).split('\r\n\r\n')[0]?.split('\r\n') as string[]
}

describe('what is sent', () => {
  test.each(['//evil.example/user', '/a/../b/./c', '/%zz%2F..%2f', '/a\\b', '/?q=a%20b&&=', '/caf\xe9', '/"<>{}|^`'])(
    'the target %s goes out as it is',
    async (target) => {
      expect((await headOf({ target }))[0]).toBe(`GET ${target} HTTP/1.1`)
    },
  )

  test.each(['', 'user', 'http://evil.example/', '*', '/a b', '/a\r\nX: y', '/a\0', '/a\x7f', '/\u0100'])(
    'the target %j is not sent',
    async (target) => {
      const upstream = await answering(OK)
      expect((await failureOf(sender().send(asking(upstream.origin, { target })))).tag).toBe('bad-target')
      expect(upstream.sockets).toHaveLength(0)
    },
  )

  test.each(['http://a/b', 'http://user@a', 'ftp://a', 'http://a?x', 'a', 'http://a#b', ''])(
    'the origin %j is refused',
    async (origin) => {
      expect((await failureOf(sender().send(asking(origin)))).tag).toBe('internal')
    },
  )

  test('fields go out as given, duplicates apart, with ours added and no Accept', async () => {
    const head = await headOf({
      headers: ['x-a', '1', 'authorization', 'Bearer s', 'x-a', '2', 'user-agent', 'curl/8', 'accept-encoding', 'zstd'],
    })
    expect(head.slice(1)).toEqual([
      expect.stringMatching(/^host: 127\.0\.0\.1:\d+$/),
      'user-agent: weir/test',
      'x-a: 1',
      'authorization: Bearer s',
      'x-a: 2',
      'accept-encoding: gzip, br',
      'Connection: keep-alive',
    ])
  })

  test('an empty Accept stays empty', async () => {
    expect(await headOf({ headers: ['accept', ''] })).toContain('accept: ')
  })

  test('a ranged request asks for no coding', async () => {
    expect(await headOf({ headers: ['range', 'bytes=0-1'] })).toContain('accept-encoding: identity')
  })

  test.each(['PUT', 'POST', 'PATCH'])('%s without a body says that there is none', async (method) => {
    const head = await headOf({ method })
    expect(head.filter((line) => /^(content-length|transfer-encoding)/i.test(line))).toEqual(['content-length: 0'])
  })

  test.each(['GET', 'HEAD', 'DELETE'])('%s without a body has no framing', async (method) => {
    const head = await headOf({ method, headers: ['content-length', '5', 'transfer-encoding', 'chunked'] })
    expect(head.filter((line) => /^(content-length|transfer-encoding)/i.test(line))).toEqual([])
  })

  test('a field that cannot be written fails the request and nothing else', async () => {
    const upstream = await answering(OK)
    const { send, connections } = sender({ maxConnections: 1 })
    const failure = await failureOf(send(asking(upstream.origin, { headers: ['x', 'a\r\nb'] })))
    expect(failure.tag).toBe('bad-request')
    expect((await send(asking(upstream.origin))).status).toBe(200)
    expect(connections().waiting).toBe(0)
  })

  test.each([
    [undefined, 'POST', 'transfer-encoding: chunked', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'],
    [5, 'POST', 'content-length: 5', 'abcde'],
    [5, 'DELETE', 'content-length: 5', 'abcde'],
    [undefined, 'GET', 'transfer-encoding: chunked', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'],
  ] as const)('a body of length %s with %s', async (bodyLength, method, framing, wire) => {
    const upstream = await rawUpstream((socket) => {
      // Only the body's end may bring the answer, or the rest of it need not be sent.
      const answerAtTheEnd = () => {
        if (upstream.received[0]?.endsWith(wire)) socket.write(OK)
      }
      answerAtTheEnd()
      socket.on('data', answerAtTheEnd)
    })
    const response = await sender().send(asking(upstream.origin, { method, body: chunks('abc', '', 'de'), bodyLength }))
    expect((await readAll(response.body)).toString()).toBe('ok')
    const [head, body] = (upstream.received[0] as string).split(/\r\n\r\n(.*)/s)
    expect(head?.split('\r\n')).toContain(framing)
    expect(body).toBe(wire)
  })

  test.each([
    ['longer', 4, 'bad-request'],
    ['shorter', 6, 'client-gone'],
  ] as const)('a body %s than announced is broken off', async (_, bodyLength, tag) => {
    const upstream = await rawUpstream(() => {})
    const failure = failureOf(
      sender().send(asking(upstream.origin, { method: 'POST', body: chunks('abc', 'de'), bodyLength })),
    )
    expect((await failure).tag).toBe(tag)
    expect(upstream.received[0] ?? '').not.toContain('abcde')
  })
})

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

describe('what comes back', () => {
  test('fields are lower case, in order, apart, and without those of the connection', async () => {
    const upstream = await answering(
      'HTTP/1.1 200 Fine\r\nVary: Accept\r\nVary: Origin\r\nX-Hop: 1\r\nConnection: keep-alive, x-hop\r\n' +
        'Keep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\nETag: "\xe9"\r\n\r\n1\r\na\r\n0\r\n\r\n',
    )
    const response = await sender().send(asking(upstream.origin))
    expect(response.headers).toEqual(['vary', 'Accept', 'vary', 'Origin', 'etag', '"\xe9"'])
    expect((await readAll(response.body)).toString()).toBe('a')
  })

  test.each([100, 299, 418, 599, 999])('the status %i', async (status) => {
    // 1xx are not answers: they are skipped until one comes.
    const upstream = await answering(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n${status === 100 ? OK : ''}`)
    expect((await sender().send(asking(upstream.origin))).status).toBe(status === 100 ? 200 : status)
  })

  test('a 304 with a Content-Length, again and again on one connection', async () => {
    const upstream = await answering('HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\nETag: "a"\r\n\r\n')
    const { send } = sender()
    for (let count = 0; count < 5; count++) {
      const response = await send(asking(upstream.origin))
      expect(response).toMatchObject({ status: 304, body: null })
      expect(response.headers).toEqual(['content-length', '1234', 'etag', '"a"'])
    }
    expect(upstream.sockets).toHaveLength(1)
  })

  test('HEAD keeps the length and has no body', async () => {
    const upstream = await answering('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n')
    const { send } = sender()
    for (let count = 0; count < 3; count++) {
      const response = await send(asking(upstream.origin, { method: 'HEAD' }))
      expect(response).toEqual({ status: 200, headers: ['content-length', '7'], body: null })
    }
    expect(upstream.sockets).toHaveLength(1)
  })

  test('2,500 fields arrive, none dropped', async () => {
    const fields = Array.from({ length: 2_500 }, (_, index) => `h${index}: ${index}\r\n`).join('')
    const upstream = await answering(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${fields}\r\n`)
    const { headers } = await sender().send(asking(upstream.origin))
    expect(headers).toHaveLength(2 * 2_501)
    expect(headers.at(-1)).toBe('2499')
  })

  test('a body that ends with the connection', async () => {
    const upstream = await rawUpstream((socket) => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it'))
    const response = await sender().send(asking(upstream.origin))
    expect((await readAll(response.body)).toString()).toBe('all of it')
    // Whether that was all of it, nobody can know.
    expect(response.endsWithConnection).toBe(true)
  })
})

describe('content codings', () => {
  const text = 'weir '.repeat(50_000)

  const coded = (coding: string, bytes: Buffer, more = '') =>
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${bytes.length}\r\n${more}\r\n`),
      bytes,
    ])

  test.each([
    ['gzip', gzipSync(text)],
    ['X-GZip', gzipSync(text)],
    ['br', brotliCompressSync(text)],
  ])('%s is decoded, and the fields that spoke of it are gone', async (coding, bytes) => {
    const upstream = await answering(coded(coding, bytes, 'ETag: "a"\r\n'))
    const { send } = sender()
    for (let count = 0; count < 2; count++) {
      const response = await send(asking(upstream.origin))
      expect(response.headers).toEqual(['etag', '"a"'])
      expect((await readAll(response.body)).toString()).toBe(text)
    }
    expect(upstream.sockets).toHaveLength(1)
  })

  test.each(['zstd', 'gzip, br'])('%s passes untouched with its field', async (coding) => {
    const upstream = await answering(coded(coding, Buffer.from('bytes')))
    const response = await sender().send(asking(upstream.origin))
    expect(response.headers).toEqual(['content-encoding', coding, 'content-length', '5'])
    expect((await readAll(response.body)).toString()).toBe('bytes')
  })

  test.each(['identity', 'IDENTITY', ''])('%j is no coding', async (coding) => {
    const upstream = await answering(coded(coding, Buffer.from('bytes')))
    const response = await sender().send(asking(upstream.origin))
    expect(response.headers).toEqual(['content-length', '5'])
    expect((await readAll(response.body)).toString()).toBe('bytes')
  })

  test('a part of a coded representation passes untouched', async () => {
    const part = gzipSync(text).subarray(3, 8)
    const upstream = await answering(
      Buffer.concat([
        Buffer.from('HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n'),
        part,
      ]),
    )
    const response = await sender().send(asking(upstream.origin))
    expect(response.headers).toContain('content-encoding')
    expect(await readAll(response.body)).toEqual(part)
  })

  test.each([
    ['truncated gzip', 'gzip', gzipSync(text).subarray(0, -10)],
    ['truncated brotli', 'br', brotliCompressSync(text).subarray(0, -3)],
    ['not gzip', 'gzip', Buffer.from('<html>not gzip</html>')],
    ['not brotli', 'br', Buffer.from('<html>not brotli</html>')],
  ])('%s is a failure while reading', async (_, coding, bytes) => {
    const upstream = await answering(coded(coding, bytes))
    const { send, connections } = sender({ maxConnections: 1 })
    for (let count = 0; count < 2; count++) {
      const response = await send(asking(upstream.origin))
      expect((await failureOf(readAll(response.body))).tag).toBe('upstream-coding')
    }
    expect(connections().waiting).toBe(0)
  })

  test('a reader that does not read stops the decoder and the upstream', async () => {
    let written = 0
    const upstream = await rawUpstream((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n')
      const encoder = createGzip({ level: 0 })
      encoder.pipe(socket)
      const piece = Buffer.alloc(65_536)
      const more = () => {
        do written += piece.length
        while (!encoder.destroyed && encoder.write(piece))
      }
      encoder.on('drain', more)
      socket.on('close', () => encoder.destroy())
      more()
    })
    const response = await sender().send(asking(upstream.origin))
    const iterator = response.body?.[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
    await iterator.next()
    let before = -1
    await vi.waitUntil(() => {
      const still = written === before
      before = written
      return written > 0 && (still || written > 100_000_000)
    })
    expect(written).toBeLessThan(20_000_000)
    await iterator.return?.()
  })

  test.each([
    ['of known length', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ])('an empty body %s labelled gzip is empty', async (_, answer) => {
    const upstream = await answering(answer)
    const { send } = sender()
    for (let count = 0; count < 2; count++) {
      expect((await readAll((await send(asking(upstream.origin))).body)).length).toBe(0)
    }
    expect(upstream.sockets).toHaveLength(1)
  })

  test('coded answers to HEAD and 304s describe the decoded form', async () => {
    const head = 'Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n'
    const upstream = await rawUpstream((socket, request) =>
      socket.write(`HTTP/1.1 ${request.startsWith('HEAD') ? 200 : 304} X\r\n${head}`),
    )
    const { send } = sender()
    const none: HeaderList = []
    expect(await send(asking(upstream.origin, { method: 'HEAD' }))).toEqual({ status: 200, headers: none, body: null })
    expect(await send(asking(upstream.origin))).toEqual({ status: 304, headers: none, body: null })
  })
})
