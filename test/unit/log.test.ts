import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLog, type LogOptions } from '../../src/entry/node/log.ts'
import { describeCauses } from '../../src/entry/node/log-causes.ts'
import { backgroundOutput } from '../../src/entry/node/log-output.ts'
import { Failure } from '../../src/errors.ts'
import { loggablePath } from '../../src/github/path-secrets.ts'
import type { RequestEvent } from '../../src/outcome.ts'

const canary = 'ghp_CANARY16C7e42F292c6912E7710c838347Ae'

function event(overrides: Partial<RequestEvent> = {}): RequestEvent {
  return {
    requestId: 'r-1',
    method: 'GET',
    route: 'api',
    path: '/api/v3/user',
    status: 200,
    outcome: 'revalidated',
    detail: undefined,
    failure: undefined,
    upstream: { requests: 1, cost: 0, milliseconds: 11.81234567 },
    milliseconds: 12.3,
    bytes: 1482,
    aborted: false,
    credential: 'fingerprint',
    address: '203.0.113.9',
    ...overrides,
  }
}

function setUp(options: Partial<LogOptions> & { readonly isTTY?: boolean } = {}) {
  const written: string[] = []
  const { isTTY = false, ...others } = options
  const log = createLog({
    format: 'json',
    level: 'info',
    hitShare: 1,
    destination: { write: (line) => written.push(line), isTTY },
    ...others,
  })
  return { log, written, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('a request in JSON', () => {
  it('is one line with these fields', () => {
    const { log, lines, written } = setUp()
    log.telemetry.record(event())
    expect(written[0]).toMatch(/^\{.*\}\n$/)
    expect(lines()).toEqual([
      {
        level: 'info',
        time: expect.any(Number),
        msg: 'request',
        requestId: 'r-1',
        method: 'GET',
        route: 'api',
        path: '/api/v3/user',
        status: 200,
        outcome: 'revalidated',
        upstreamRequests: 1,
        upstreamCost: 0,
        upstreamMilliseconds: 11.812,
        milliseconds: 12.3,
        bytes: 1482,
        credential: 'fingerprint',
        address: '203.0.113.9',
      },
    ])
  })

  it('names detail, failure and a client that left', () => {
    const { log, lines } = setUp()
    log.telemetry.record(event({ detail: 'too-large', failure: 'upstream-truncated', aborted: true, path: undefined }))
    expect(lines()[0]).toMatchObject({ detail: 'too-large', failure: 'upstream-truncated', aborted: true })
    expect(lines()[0]).not.toHaveProperty('path')
  })

  it.each([
    ['error', { status: 500, outcome: 'failed', failure: 'internal' }],
    ['warn', { status: 502, outcome: 'failed', failure: 'upstream-unreachable' }],
    ['warn', { status: 503, outcome: 'refused' }],
    ['info', { status: 404, outcome: 'refused' }],
    ['info', { status: 200, outcome: 'hit' }],
    ['debug', { status: 200, outcome: 'served', route: 'gateway' }],
  ] as const)('is at %s for %j', (level, overrides) => {
    const { log, lines } = setUp({ level: 'debug' })
    log.telemetry.record(event(overrides))
    expect(lines()[0]).toMatchObject({ level })
  })

  it('is left out below the level, and altogether when the log is off', () => {
    const warn = setUp({ level: 'warn' })
    warn.log.telemetry.record(event())
    warn.log.telemetry.record(event({ status: 502 }))
    expect(warn.lines()).toHaveLength(1)
    const off = setUp({ format: 'off', level: 'trace' })
    off.log.telemetry.record(event({ status: 502 }))
    off.log.logger.error('gone')
    expect(off.written).toEqual([])
  })
})

describe('the share of hits', () => {
  const hitsLogged = (hitShare: number, hits: number) => {
    const { log, written } = setUp({ hitShare })
    for (let index = 0; index < hits; index++) log.telemetry.record(event({ outcome: 'hit' }))
    return written.length
  }

  it.each([
    [0, 0],
    [0.1, 100],
    [0.3, 300],
    [0.001, 1],
    [1, 1000],
  ])('%s of 1000 is exactly %s', (share, logged) => {
    expect(hitsLogged(share, 1000)).toBe(logged)
  })

  it('is evenly spread', () => {
    const { log, lines } = setUp({ hitShare: 0.1 })
    for (let index = 1; index <= 30; index++) log.telemetry.record(event({ outcome: 'hit', requestId: String(index) }))
    expect(lines().map((line) => line['requestId'])).toEqual(['10', '20', '30'])
    expect(lines()[0]).toMatchObject({ hitShare: 0.1 })
  })

  it('concerns nothing but hits', () => {
    const { log, lines } = setUp({ hitShare: 0 })
    for (const outcome of ['hit', 'revalidated', 'filled', 'failed'] as const) log.telemetry.record(event({ outcome }))
    expect(lines().map((line) => line['outcome'])).toEqual(['revalidated', 'filled', 'failed'])
  })
})

describe('on a terminal', () => {
  it('is one readable line', () => {
    const { log, written } = setUp({ format: 'pretty' })
    log.telemetry.record(event({ detail: 'link-unconfirmed' }))
    expect(written).toHaveLength(1)
    expect(written[0]).toMatch(
      /^\[[\d:.]+\] INFO: GET \/api\/v3\/user 200 revalidated \(link-unconfirmed\) 12 ms 1482 B, upstream 1 \(cost 0\) 12 ms \[r-1\]\n$/,
    )
  })

  it('shows other lines with their fields and causes on one line, too', () => {
    const { log, written } = setUp({ format: 'pretty' })
    const cause = Object.assign(new Error(canary), { code: 'EADDRINUSE', syscall: 'listen', address: '::1', port: 80 })
    log.logger.error('cannot listen', { tries: 2, names: ['a', 'b'] }, cause)
    expect(written.join('')).toMatch(
      /ERROR: cannot listen tries=2 names=\["a","b"\]; Error listen EADDRINUSE ::1:80\n$/,
    )
  })

  it.each([
    ['auto', true, false],
    ['auto', false, true],
    ['json', true, true],
    ['pretty', false, false],
  ] as const)('%s, terminal: %s, is JSON: %s', (format, isTTY, isJson) => {
    const { log, written } = setUp({ format, isTTY })
    log.telemetry.record(event())
    expect(written[0]?.startsWith('{')).toBe(isJson)
  })

  it('obeys no control character that came from outside', () => {
    const { log, written } = setUp({ format: 'pretty' })
    const hostile = '/a\u009b2J\u001b]0;x\u0007\r\nfake line\u202e'
    log.telemetry.record(event({ path: hostile, requestId: hostile, method: hostile, address: hostile }))
    log.logger.warn(hostile, { hostile })
    expect(written).toHaveLength(2)
    for (const line of written) expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u)
  })
})

describe('why a request failed', () => {
  it.each([
    ['internal', 'error'],
    ['upstream-unreachable', 'warn'],
    ['bad-target', 'debug'],
    ['client-gone', 'debug'],
  ] as const)('%s is at %s', (tag, level) => {
    const { log, lines } = setUp({ level: 'debug' })
    log.failed('r-7', new Failure(tag))
    expect(lines()[0]).toMatchObject({ level, msg: 'request failed', requestId: 'r-7', failure: tag })
  })

  it('is told by the whole chain: codes, calls, peers', () => {
    const refused = (address: string) =>
      Object.assign(new Error(`connect ECONNREFUSED ${address}:443`), {
        code: 'ECONNREFUSED',
        syscall: 'connect',
        address,
        port: 443,
      })
    const all = Object.assign(new AggregateError([refused('192.0.2.1'), refused('2001:db8::1')]), {
      code: 'ECONNREFUSED',
    })
    expect(describeCauses(new Failure('upstream-unreachable', { cause: all }))).toEqual([
      { error: 'Failure', failure: 'upstream-unreachable', message: 'The upstream could not be reached' },
      { error: 'AggregateError', code: 'ECONNREFUSED' },
      { error: 'Error', code: 'ECONNREFUSED', syscall: 'connect', peer: '192.0.2.1:443' },
      { error: 'Error', code: 'ECONNREFUSED', syscall: 'connect', peer: '2001:db8::1:443' },
    ])
  })

  it('says where a fault of our own was thrown', () => {
    const [, fault] = describeCauses(new Failure('internal', { cause: new TypeError('x is not a function') }))
    expect(fault).toMatchObject({ error: 'TypeError' })
    expect(fault?.frames?.[0]).toMatch(/log\.test\.ts:\d+:\d+/)
  })

  it('ends on circles, long chains and hostile objects', () => {
    const circle = new Error('a')
    circle.cause = circle
    expect(describeCauses(circle)).toHaveLength(1)
    let long = new Error('end')
    for (let depth = 0; depth < 100; depth++) long = new Error('link', { cause: long })
    expect(describeCauses(long)).toHaveLength(6)
    const hostile = new Proxy(new Error('x'), {
      get: () => {
        throw new Error(canary)
      },
    })
    expect(describeCauses(hostile)).toEqual([{ error: 'unreadable' }])
    expect(describeCauses(canary)).toEqual([{ error: 'string' }])
    expect(describeCauses(undefined)).toEqual([])
  })
})

describe('a secret', () => {
  /** Errors as Node and libraries make them of what they were given, and some worse ones. */
  const thrown = (): unknown[] => {
    const caught = (action: () => unknown) => {
      try {
        return action()
      } catch (error) {
        return error
      }
    }
    return [
      caught(() => JSON.parse(canary)),
      caught(() => new URL(`//${canary}`)),
      caught(() => new Headers({ authorization: `Bearer ${canary}\n` })),
      caught(() => decodeURIComponent(`%${canary}`)),
      new Error(`${canary}\n    at ${canary} (/x.js:1:1)`),
      Object.assign(new Error(canary), {
        code: 'ECONNRESET',
        authorization: canary,
        path: canary,
        config: { auth: canary },
      }),
      Object.assign(new Error('x'), {
        code: canary,
        syscall: `${canary} x`,
        name: canary,
        address: `user:${canary}@host`,
      }),
      new AggregateError([new Error(canary), canary], canary, { cause: { token: canary } }),
      canary,
      { message: canary, stack: canary },
    ]
  }

  it.each(['json', 'pretty'] as const)('in anything thrown is in no line (%s)', (format) => {
    const { log, written } = setUp({ format, level: 'trace' })
    for (const cause of thrown()) {
      log.failed('r-1', new Failure('internal', { cause }))
      log.failed('r-1', new Failure('upstream-invalid', { cause: new Error(canary, { cause }) }))
      log.logger.error('stopping', {}, cause)
    }
    expect(written.length).toBe(3 * thrown().length)
    expect(written.join('')).not.toContain('CANARY')
  })

  it.each(['json', 'pretty'] as const)('in the path is in no line (%s)', (format) => {
    const { log, written } = setUp({ format })
    for (const path of [
      `/api/v3/applications/0123abcd/tokens/${canary}`,
      `/api/v3/repos/octocat/${canary}/issues`,
      `/api/v3/app-manifests/${canary}/conversions`,
    ]) {
      log.telemetry.record(event({ path }))
    }
    expect(written).toHaveLength(3)
    expect(written.join('')).not.toContain('CANARY')
  })

  it('has no field of its own: what an event carries beside the known fields is not written', () => {
    const { log, written } = setUp()
    log.telemetry.record({
      ...event(),
      query: canary,
      authorization: canary,
      etag: canary,
      body: canary,
    } as RequestEvent)
    expect(written.join('')).not.toContain('CANARY')
  })
})

describe('loggablePath', () => {
  const legacy = '0123456789abcdef0123456789abcdef01234567'

  it.each([
    ['/api/v3/applications/id/tokens/', '[hidden]', ''],
    ['/api/v3/applications/id/grants/', '[hidden]', ''],
    ['/API/V3/Applications/id/Tokens/', '[hidden]', ''],
    ['//api//v3//applications//id//tokens//', '[hidden]', ''],
    ['/applications/id/tokens/', '[hidden]', ''],
    ['/api/v3/app-manifests/', '[hidden]', '/conversions'],
  ])('hides what follows %s', (before, hidden, after) => {
    expect(loggablePath(`${before}${legacy}${after}`)).toBe(`${before}${hidden}${after}`)
  })

  it.each([
    `/api/v3/%61pplications/id/tokens/${legacy}`,
    `/api/v3/applications%2Fid/tokens/${legacy}`,
    `/api/v3/applications/id/tokens%2f${legacy}`,
    `/api/v3/%2561pp-manifests/${legacy}/conversions`,
    `/api/v3\\applications\\id\\tokens\\${legacy}`,
    '/api/v3/repos/o/gh%70_16C7e42F292c6912E7710c838347Ae178B4a',
  ])('does not fall for the spelling %s', (path) => {
    expect(loggablePath(path)).toBe('/[hidden]')
  })

  it.each([
    '/api/v3/repos/octocat/hello-world/git/commits/0123456789abcdef0123456789abcdef01234567',
    '/api/v3/repos/octocat/applications/contents/a/b/c/d',
    '/api/v3/applications/id/token',
    '/api/v3/repos/o/r/contents/feature%2Fone%20two.md',
    '/api/v3/repos/o/gh_pages',
    '/',
  ])('leaves %s as it is', (path) => {
    expect(loggablePath(path)).toBe(path)
  })

  it('encodes what is not printable, and cuts what is long', () => {
    expect(loggablePath('/a\u009b2J b\u00fc')).toBe('/a%9B2J%20b%FC')
    expect(loggablePath(`/${'x'.repeat(5000)}`)).toBe(`/${'x'.repeat(1023)}...`)
  })

  it('always answers printable ASCII of bounded length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1500 }), (path) => {
        expect(loggablePath(path)).toMatch(/^[\x21-\x7e]{0,1027}$/)
      }),
    )
  })
})

describe('backgroundOutput', () => {
  async function withFile(flags: string, use: (fileDescriptor: number) => Promise<void>): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'weir-log-'))
    const path = join(folder, 'log')
    closeSync(openSync(path, 'w'))
    const fileDescriptor = openSync(path, flags)
    try {
      await use(fileDescriptor)
      return readFileSync(path, 'utf8')
    } finally {
      closeSync(fileDescriptor)
      rmSync(folder, { recursive: true })
    }
  }

  it('writes every line once and in order, and closes when all are written', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `${index} zw\u00f6lf\n`)
    const text = await withFile('a', async (fileDescriptor) => {
      const output = backgroundOutput(fileDescriptor)
      for (const line of lines) output.write(line)
      await output.close(10_000)
    })
    expect(text).toBe(lines.join(''))
  })

  it('loses what does not fit and tells how much once it can write again', async () => {
    const lost: number[] = []
    const text = await withFile('a', async (fileDescriptor) => {
      const output = backgroundOutput(fileDescriptor, { maxWaiting: 4, onRecovered: (lines) => lost.push(lines) })
      for (const line of ['1\n', '2\n', '3\n', '4\n', '5\n']) output.write(line)
      await output.close(10_000)
      output.write('6\n')
      await output.close(10_000)
    })
    expect(text).toBe('1\n2\n3\n6\n')
    expect(lost).toEqual([2])
  })

  it('survives an output that cannot be written to, and closes all the same', async () => {
    const text = await withFile('r', async (fileDescriptor) => {
      const output = backgroundOutput(fileDescriptor)
      for (let index = 0; index < 100; index++) output.write('line\n')
      await output.close(10_000)
      output.write('line\n')
      await output.close(10_000)
    })
    expect(text).toBe('')
  })
})
