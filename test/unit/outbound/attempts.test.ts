import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import { retryLostConnection } from '../../../src/middleware/outbound/retry.ts'
import { chain, FakeBody, questionFor, response, START } from './harness.ts'

const ONE = 'token one'
const lost = () => new Failure('upstream-reset', { onReusedConnection: true })

describe('sending again', () => {
  /** How often a request is sent when the upstream's connection keeps failing like this. */
  async function attempts(method: string, failure: () => unknown, more: object = {}): Promise<number> {
    const { get, upstream, sent } = chain()
    upstream(() => {
      throw failure()
    })
    await expect(get({ method, authorization: ONE, ...more })).rejects.toBeInstanceOf(Failure)
    return sent.length
  }

  test.each(['GET', 'HEAD'])(
    'a %s goes out once more when a kept connection was lost, and no oftener',
    async (method) => {
      expect(await attempts(method, lost)).toBe(2)
    },
  )

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'get'])('a %s goes out once', async (method) => {
    expect(await attempts(method, lost)).toBe(1)
  })

  test('nor would it if a write were ever led this way', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      let sent = 0
      const attempt = retryLostConnection(async () => {
        sent++
        throw lost()
      })
      await expect(attempt(questionFor({ method, authorization: ONE }), () => [])).rejects.toMatchObject({
        tag: 'upstream-reset',
      })
      expect(sent).toBe(1)
    }
  })

  test.each<[string, () => unknown]>([
    ['a new connection that was reset', () => new Failure('upstream-reset')],
    ['a slow upstream', () => new Failure('upstream-headers-timeout', { onReusedConnection: true })],
    ['an unreachable one', () => new Failure('upstream-unreachable')],
    ['a fault of our own', () => new TypeError('bug')],
  ])('a GET goes out once on %s', async (_name, failure) => {
    expect(await attempts('GET', failure)).toBe(1)
  })

  test('nothing goes out again that carries a body or that nobody waits for', async () => {
    expect(await attempts('GET', lost, { body: new FakeBody(['x']), bypass: 'request-body' })).toBe(1)
    const leaving = new AbortController()
    const leave = () => {
      leaving.abort()
      return lost()
    }
    expect(await attempts('GET', leave, { signal: leaving.signal })).toBe(1)
    expect(await attempts('GET', lost, { signal: AbortSignal.abort() })).toBe(0)
  })

  test('the second answer counts, with the same conditions', async () => {
    const { get, upstream, sent } = chain()
    upstream(response(200, { etag: '"a"' }, 'body'))
    await get({ authorization: ONE })
    upstream((_request, number) => {
      if (number === 2) throw lost()
      return response(304)
    })
    expect((await get({ authorization: ONE })).outcome.name).toBe('revalidated')
    expect(sent.map(({ noneMatch }) => noneMatch)).toEqual([undefined, '"a"', '"a"'])
  })
})

describe('what asking cost', () => {
  test('is added up over all attempts', async () => {
    const { question, upstream, clock } = chain()
    const asked = questionFor({ authorization: ONE, clientTags: ['"a"'] })
    upstream((_request, number) => {
      clock.advance(number * 10)
      if (number === 1) throw lost()
      return number === 2 ? response(304, { etag: '"z"' }) : response(200, {}, 'new')
    })
    await question(asked)
    expect(asked.use).toEqual({ requests: 3, cost: 1, milliseconds: 60 })
  })
})

describe('rate limits', () => {
  const stated = (remaining: number, status = 200, more: Record<string, string> = {}) =>
    response(
      status,
      {
        'x-ratelimit-limit': '5000',
        'x-ratelimit-remaining': String(remaining),
        'x-ratelimit-reset': String(START / 1000 + 3600),
        etag: '"a"',
        ...more,
      },
      status === 304 ? null : 'body',
    )
  const { credential } = questionFor({ authorization: ONE })

  async function learnt(...answers: ReturnType<typeof stated>[]) {
    const { get, upstream, ledger, accounts } = chain()
    upstream(...answers)
    for (const _ of answers) await get({ authorization: ONE })
    return ledger.latest(accounts.nameOf(credential), 'core')?.remaining
  }

  test('are learnt from every answer that accepted the credential', async () => {
    expect(await learnt(stated(4000))).toBe(4000)
    expect(await learnt(stated(4000), stated(3999, 304))).toBe(3999)
    expect(await learnt(stated(4000), stated(3000, 404))).toBe(3000)
    expect(await learnt(stated(4000), stated(0, 403))).toBe(0)
    expect(await learnt(stated(4000), stated(10, 429))).toBe(10)
    expect(await learnt(stated(4000), stated(10, 403, { 'retry-after': '60' }))).toBe(10)
  })

  test('not from one that did not: its numbers are somebody else’s', async () => {
    expect(await learnt(stated(50, 401))).toBeUndefined()
    expect(await learnt(stated(50, 403))).toBeUndefined()
    expect(await learnt(stated(4000), stated(50, 401))).toBe(4000)
  })
})
