import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { eventually, inFlight } from '../support/concurrency.ts'
import { testGateway } from '../support/gateway.ts'
import { client } from '../support/pair.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'

/** What fails for one of those who share a question fails for all of them, once. */

const token = 'ghp_somebody'

describe('a flight that fails', () => {
  const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "x"\r\n'
  const failures: readonly [string, (socket: Socket) => void, number][] = [
    ['a reset', (socket) => void socket.destroy(), 502],
    ['a 500', (socket) => void socket.write('HTTP/1.1 500 Oh\r\nContent-Length: 14\r\n\r\n{"message":""}'), 500],
    ['a body that is cut off', (socket) => void socket.end(`${HEAD}Content-Length: 100\r\n\r\n{"a":`), 502],
    ['an answer that is none', (socket) => void socket.end('HTTP/9 nonsense\r\n\r\n'), 502],
    ['no answer in time', () => {}, 504],
  ]
  test.each(failures)('%s is one upstream request and one error each', async (_, fail, status) => {
    let asked: Socket | undefined
    const upstream = await startRawUpstream((socket) => {
      asked = socket
    })
    const gateway = await testGateway({
      WEIR_UPSTREAM: upstream.origin,
      WEIR_UPSTREAM_HEADERS_TIMEOUT: status === 504 ? '200ms' : '10s',
    })
    try {
      const ask = client(gateway.api)
      const answers = Promise.all(Array.from({ length: 10 }, () => ask('/user', { token })))
      if (status !== 504) await inFlight(gateway, 10)
      await eventually(() => asked !== undefined)
      if (asked !== undefined) fail(asked)
      for (const answer of await answers) {
        expect(answer).toMatchObject({ status, complete: true })
        expect(answer.json().message).toBeTypeOf('string')
      }
      expect(upstream.heads).toHaveLength(1)
      // And it is over: the next one asks again.
      const next = ask('/user', { token })
      await eventually(() => upstream.heads.length === 2)
      asked?.end(`${HEAD}Content-Length: 2\r\n\r\n{}`)
      expect((await next).status).toBe(200)
    } finally {
      gateway.kill()
      await upstream.close()
    }
  })
})
