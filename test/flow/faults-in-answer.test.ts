import { afterEach, expect, test } from 'vitest'
import { type Fault, TOKENS } from '../../sandbox/index.ts'
import { type Pair, type PairOptions, startPair } from '../support/pair.ts'

/** Answers that break off or are not what they claim: a clean error or a visible break, never a half that looks whole. */

let pair: Pair
afterEach(() => pair.close())

const token = TOKENS.octocat
const PAGE = '/repos/octocat/hello-world'
const BIG = '/repos/octocat/hello-world/releases/assets/9002'
const binary = { accept: 'application/octet-stream' }

async function start(fault: Fault, options: PairOptions = {}): Promise<Pair> {
  const started = await startPair({ ...options, switches: { ...options.switches, faults: [{ fault }] } })
  return started
}

const TRUNCATED = 'The upstream broke off its answer'
const breaks: [name: string, fault: Fault, status: number, message: string][] = [
  ['truncated', { kind: 'truncate' }, 502, TRUNCATED],
  ['truncated before its first byte', { kind: 'truncate', bytes: 0 }, 502, TRUNCATED],
  ['reset after its headers', { kind: 'reset', when: 'after-headers' }, 502, TRUNCATED],
  ['reset in its body', { kind: 'reset', when: 'mid-body' }, 502, TRUNCATED],
  ['stalled', { kind: 'hang', when: 'mid-body' }, 504, 'The upstream stopped sending its answer'],
  ['garbled gzip', { kind: 'corrupt-gzip' }, 502, 'The upstream sent an answer whose content coding is broken'],
]

test.each(breaks)('a small answer that is %s is a clean error, and not kept', async (_, fault, status, message) => {
  pair = await start(fault, { settings: { WEIR_UPSTREAM_BODY_TIMEOUT: '100ms' } })
  const answer = await pair.ask(PAGE, { token })
  expect(answer).toMatchObject({ status, complete: true })
  expect(answer.json()).toEqual({ message, documentation_url: 'https://docs.github.com/rest' })
  expect(answer.headers['etag']).toBeUndefined()
  expect(pair.sandbox.log.count).toBe(1)
  const next = await pair.ask(PAGE, { token })
  expect(next.json().full_name).toBe('octocat/hello-world')
  expect(pair.sandbox.log.last.status).toBe(200)
})

test.each(breaks)('an error page that is %s is a clean error too', async (_, fault, status) => {
  pair = await start(fault, { settings: { WEIR_UPSTREAM_BODY_TIMEOUT: '100ms' }, switches: { gzip: false } })
  expect(await pair.ask('/nowhere', { token })).toMatchObject({ status, complete: true })
})

test.each(breaks.filter(([, { kind }]) => kind !== 'corrupt-gzip'))(
  'a large answer that is %s breaks off visibly, or is an error',
  async (_, fault, status) => {
    pair = await start(fault, {
      settings: { WEIR_UPSTREAM_BODY_TIMEOUT: '100ms', WEIR_CACHE_MAX_ENTRY_BYTES: '64KiB' },
    })
    const answer = await pair.ask('/fixed/large')
    if (answer.status === 200) expect(answer.complete).toBe(false)
    else expect(answer.status).toBe(status)
    const whole = await pair.ask('/fixed/large')
    expect(whole).toMatchObject({ status: 200, complete: true })
  },
)

test('a download that breaks off after its beginning was passed on is cut, not ended', async () => {
  pair = await start({ kind: 'truncate', bytes: 1_000_000 })
  const answer = await pair.ask(BIG, { token, headers: binary })
  expect(answer.status).toBe(200)
  expect(answer.complete).toBe(false)
  expect(answer.body.length).toBeLessThanOrEqual(1_000_000)
  expect(pair.gateway.events.at(-1)).toMatchObject({ status: 200, aborted: true })
  expect((await pair.ask('/user', { token })).status).toBe(200)
})

test.each(breaks)(
  'a write whose answer is %s is not sent again, and shows in the next read',
  async (_, fault, status) => {
    pair = await startPair({ settings: { WEIR_UPSTREAM_BODY_TIMEOUT: '100ms' } })
    const { ask, sandbox } = pair
    const before = (await ask(`${PAGE}/issues`, { token })).json().length
    sandbox.switches.faults = [{ fault, times: 2 }]
    const answer = await ask(`${PAGE}/issues`, { token, method: 'POST', payload: { title: 'Once' } })
    sandbox.switches.faults = []
    expect(answer).toMatchObject({ status, complete: true })
    expect(sandbox.log.filter({ method: 'POST' })).toHaveLength(1)
    const issues = (await ask(`${PAGE}/issues`, { token })).json()
    expect(issues).toHaveLength(before + 1)
    expect(issues[0].title).toBe('Once')
  },
)

test('JSON that is none passes as it is', async () => {
  pair = await start({ kind: 'invalid-json' }, { switches: { gzip: false } })
  const own = (await pair.direct('/orgs/octo-org', { token })).text
  pair.sandbox.switches.faults = [{ fault: { kind: 'invalid-json' } }]
  const answer = await pair.ask('/orgs/octo-org', { token })
  expect(answer).toMatchObject({ status: 200, complete: true })
  expect(answer.text).toBe(pair.moved(own))
  expect(() => answer.json()).toThrow(SyntaxError)
})

test.each([
  ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x80, 0x22, 0x7d])],
  ['nothing', Buffer.alloc(0)],
  ['a bare word', Buffer.from('nul')],
  ['an endless string', Buffer.from('{"url":"http://')],
  ['deep brackets', Buffer.from('['.repeat(100_000))],
])('a JSON answer that is %s passes byte for byte', async (_, body) => {
  pair = await start({
    kind: 'answer',
    status: 200,
    headers: ['Content-Type', 'application/json', 'ETag', '"a"'],
    body,
  })
  const answer = await pair.ask('/user', { token })
  expect(answer.status).toBe(200)
  expect(answer.body.equals(body)).toBe(true)
})

test.each([
  ['Link', '<<<>, "; rel=next,,, <http://x'],
  ['Link', '<http://127.0.0.1:1/api/v3/user>; rel="unclosed'],
  ['ETag', 'no quotes'],
  ['ETag', 'W/"'],
  ['ETag', ''],
  ['Last-Modified', 'yesterday'],
  ['Cache-Control', 'max-age=abc, ,=,"'],
  ['Vary', ',, ,'],
  ['Date', 'never'],
  ['X-RateLimit-Remaining', '-1e99'],
  ['Content-Type', ';;;'],
])('a malformed %s: %s does no harm', async (name, value) => {
  pair = await startPair()
  pair.sandbox.switches.faults = [{ fault: { kind: 'headers', set: { [name]: value } }, times: 2 }]
  for (let round = 0; round < 3; round++) {
    const answer = await pair.ask(PAGE, { token })
    expect(answer.status).toBe(200)
    expect(answer.json().full_name).toBe('octocat/hello-world')
  }
  expect(pair.sandbox.log.last.status).toBeLessThan(400)
})

test.each([299, 418, 444, 451, 500, 599, 600, 700, 999])('status %i passes with its body', async (status) => {
  pair = await start({
    kind: 'answer',
    status,
    headers: ['Content-Type', 'application/json', 'X-Mine', '1'],
    body: '{"message":"odd"}',
  })
  const answer = await pair.ask('/user', { token })
  expect(answer).toMatchObject({ status, text: '{"message":"odd"}', complete: true })
  expect(answer.headers['x-mine']).toBe('1')
  expect((await pair.ask('/user', { token })).status).toBe(200)
})

test('a 304 that nobody asked for is an error and not an empty page', async () => {
  pair = await startPair()
  pair.sandbox.switches.faults = () => ({ kind: 'answer', status: 304, headers: ['ETag', '"a"'] })
  const answer = await pair.ask('/user', { token })
  expect(answer.status).toBe(502)
  expect(answer.json().message).toContain('not valid HTTP')
})

test('a 304 that confirms something else is asked about once more', async () => {
  pair = await startPair()
  const first = await pair.ask(PAGE, { token })
  pair.sandbox.switches.faults = [{ fault: { kind: 'answer', status: 304, headers: ['ETag', '"another"'] } }]
  const second = await pair.ask(PAGE, { token })
  expect(second).toMatchObject({ status: 200, text: first.text })
  expect(second.headers['cache-status']).toContain('detail=unknown-304')
})
