import { describe, expect, it, vi } from 'vitest'
import { Failure, type FailureTag, toRecord } from '../../src/errors.ts'
import { headerValue } from '../../src/http/headers.ts'
import { UpstreamHealth } from '../../src/middleware/outbound/upstream-health.ts'
import { type GatewayDependencies, gatewayAnswer } from '../../src/routes/gateway.ts'

function setUp(overrides: Partial<GatewayDependencies> = {}) {
  const health = new UpstreamHealth()
  const dependencies: GatewayDependencies = {
    store: () => 'ready',
    upstream: health,
    budgets: () => ({ inFlight: 0, waiting: 0, paused: 0, accounts: [], leftOut: 0 }),
    metrics: { text: async () => 'weir_up 1\n', contentType: 'text/plain; version=0.0.4; charset=utf-8' },
    mayAdminister: () => 'unauthorized',
    isDraining: () => false,
    ...overrides,
  }
  async function ask(path: string, method = 'GET') {
    const answer = await gatewayAnswer(
      path,
      { method, headers: ['host', 'localhost'], peerAddress: '127.0.0.1' },
      dependencies,
    )
    const text = answer.body instanceof Uint8Array ? new TextDecoder().decode(answer.body) : ''
    return { ...answer, text }
  }
  return { health, ask }
}

async function failureOf(asking: Promise<unknown>): Promise<Failure> {
  const thrown = await asking.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(Failure)
  return thrown as Failure
}

describe('healthz', () => {
  it('says ok', async () => {
    const answer = await setUp().ask('/_weir/healthz')
    expect(answer).toMatchObject({ status: 200, text: '{"status":"ok"}' })
    expect(headerValue(answer.headers, 'content-type')).toBe('application/json; charset=utf-8')
  })

  it('asks nobody', async () => {
    const refuse = () => {
      throw new Error('asked')
    }
    const { ask } = setUp({
      store: refuse,
      upstream: { report: refuse },
      budgets: refuse,
      mayAdminister: refuse,
      isDraining: refuse,
    })
    expect((await ask('/_weir/healthz')).status).toBe(200)
  })
})

describe('readyz', () => {
  it('knows nothing of the upstream before it was asked', async () => {
    expect(JSON.parse((await setUp().ask('/_weir/readyz')).text)).toEqual({
      status: 'ready',
      store: 'ready',
      upstream: { reachable: null, lastSuccess: null, lastFailure: null, failure: null },
    })
  })

  it('reports an upstream that is down, and is ready all the same', async () => {
    const { ask, health } = setUp()
    health.succeeded(1_700_000_000_000)
    health.failed(1_700_000_001_000, 'upstream-connect-timeout')
    const answer = await ask('/_weir/readyz')
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text).upstream).toEqual({
      reachable: false,
      lastSuccess: '2023-11-14T22:13:20.000Z',
      lastFailure: '2023-11-14T22:13:21.000Z',
      failure: 'upstream-connect-timeout',
    })
  })

  it.each([
    ['says so', () => 'degraded' as const],
    ['says so later', async () => 'degraded' as const],
    [
      'throws',
      () => {
        throw new Error('redis://:hunter2@store is gone')
      },
    ],
    ['rejects', () => Promise.reject(new Error('redis://:hunter2@store is gone'))],
  ])('is ready with a store that is away and %s', async (_, store) => {
    const answer = await setUp({ store }).ask('/_weir/readyz')
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({ status: 'ready', store: 'degraded' })
    expect(answer.text).not.toContain('hunter2')
  })

  it('is not ready while the process stops', async () => {
    const answer = await setUp({ isDraining: () => true }).ask('/_weir/readyz')
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.text).status).toBe('draining')
  })
})

describe('metrics', () => {
  it('go to whom the guard lets in', async () => {
    const mayAdminister = vi.fn(() => 'yes' as const)
    const answer = await setUp({ mayAdminister }).ask('/_weir/metrics')
    expect(answer).toMatchObject({ status: 200, text: 'weir_up 1\n' })
    expect(headerValue(answer.headers, 'content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(mayAdminister.mock.calls[0]).toMatchObject([{ headers: ['host', 'localhost'], peerAddress: '127.0.0.1' }])
  })

  it.each(['GET', 'HEAD'])('are refused to everybody else, and not even made (%s)', async (method) => {
    const text = vi.fn(async () => '')
    const failure = await failureOf(
      setUp({ metrics: { text, contentType: 'text/plain' } }).ask('/_weir/metrics', method),
    )
    expect(failure.tag).toBe('unauthorized')
    expect(headerValue(toRecord(failure).headers, 'www-authenticate')).toBe('Bearer realm="weir"')
    expect(text).not.toHaveBeenCalled()
  })
})

describe('every page', () => {
  const paths = ['/_weir/healthz', '/_weir/readyz', '/_weir/metrics', '/_weir/budgets']
  const { ask } = setUp({ mayAdminister: () => 'yes' })

  it.each(paths)('%s may not be stored, sniffed or read by another origin', async (path) => {
    const { headers } = await ask(path)
    expect(headerValue(headers, 'cache-control')).toBe('no-store')
    expect(headerValue(headers, 'x-content-type-options')).toBe('nosniff')
    expect(headers.filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it.each(paths)('%s answers HEAD as GET without the body', async (path) => {
    const [get, head] = [await ask(path), await ask(path, 'HEAD')]
    expect(head.body).toBeNull()
    expect(head.headers).toEqual([...get.headers, 'content-length', String(get.text.length)])
  })

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'get'])('refuses %s', async (method) => {
    for (const path of paths) {
      const failure = await failureOf(ask(path, method))
      expect(failure.tag).toBe('method-not-allowed')
      expect(headerValue(failure.headers, 'allow')).toBe('GET, HEAD')
    }
  })

  it.each([
    '/_weir',
    '/_weir/',
    '/_weir/x',
    '/_weir/healthz/',
    '/_weir//healthz',
    '/_weir/Metrics',
    '/_weir/%6detrics',
    '/_weir/budgets/user:octocat',
    '/healthz',
  ])('is its exact path, unlike %s', async (path) => {
    expect((await failureOf(ask(path))).tag).toBe('not-found')
  })

  it('refuses with answers that may not be stored either, each field once', async () => {
    const closed = setUp()
    for (const asking of [closed.ask('/_weir/x'), closed.ask('/_weir/metrics'), closed.ask('/_weir/healthz', 'POST')]) {
      const { headers } = toRecord(await failureOf(asking))
      expect(headers.filter((_, index) => headers[index - 1] === 'cache-control')).toEqual(['no-store'])
      expect(headers.filter((name) => name === 'x-content-type-options')).toHaveLength(1)
    }
  })
})

describe('UpstreamHealth', () => {
  const unreachable: FailureTag[] = [
    'upstream-unreachable',
    'upstream-reset',
    'upstream-invalid',
    'upstream-connect-timeout',
    'upstream-headers-timeout',
  ]
  const broken: FailureTag[] = ['upstream-truncated', 'upstream-coding', 'upstream-body-timeout']
  const ours: FailureTag[] = ['upstream-busy', 'client-gone', 'internal', 'bad-request', 'only-if-cached']

  it.each(unreachable)('%s means that it cannot be reached', (tag) => {
    const health = new UpstreamHealth()
    health.succeeded(1)
    health.failed(2, tag)
    expect(health.report()).toEqual({ reachable: false, lastSuccess: 1, lastFailure: 2, failure: tag })
    health.succeeded(3)
    expect(health.report()).toEqual({ reachable: true, lastSuccess: 3, lastFailure: 2, failure: tag })
  })

  it.each(broken)('%s is told, but it answers', (tag) => {
    const health = new UpstreamHealth()
    health.succeeded(1)
    health.failed(2, tag)
    expect(health.report()).toEqual({ reachable: true, lastSuccess: 1, lastFailure: 2, failure: tag })
  })

  it.each(ours)('%s says nothing about it', (tag) => {
    const health = new UpstreamHealth()
    health.failed(2, tag)
    expect(health.report()).toEqual({ reachable: null, lastSuccess: null, lastFailure: null, failure: null })
  })
})
