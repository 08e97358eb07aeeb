import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Fault, TOKENS } from '../../sandbox/index.ts'
import { client, type Pair, startPair } from '../support/pair.ts'

/** Copies that are used although nobody confirms them: where the upstream fails, and where the client or it allows that. */

let pair: Pair
afterEach(() => pair.close())

const PAGE = '/repos/octocat/hello-world'
const token = TOKENS.octocat
const reset: Fault = { kind: 'reset', when: 'before-headers' }

/** How often the upstream was asked since the last call. */
function asked(): number {
  const { count } = pair.sandbox.log
  pair.sandbox.log.clear()
  return count
}

/** The upstream fails in this way from now on. */
function fails(fault: Fault | null): void {
  pair.sandbox.switches.faults = fault === null ? [] : [{ fault, times: Number.POSITIVE_INFINITY }]
}

/** Whether it becomes true while the gateway is asked again and again: for what happens behind the client's back. */
async function eventually(isSo: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 500; tries++) if (await isSo()) return true
  return false
}

describe('where the upstream fails', () => {
  beforeEach(async () => {
    pair = await startPair()
  })

  const answer = (status: number): Fault => ({
    kind: 'answer',
    status,
    headers: ['X-Error', 'yes'],
    body: 'a page of html',
  })
  test.each<[string, Fault, string]>([
    ['a connection that breaks off', reset, 'weir; fwd=stale; detail=upstream-failed'],
    ['a body that breaks off', { kind: 'truncate' }, 'weir; fwd=stale; detail=upstream-failed'],
    ['what is not HTTP', { kind: 'raw', data: 'nonsense\r\n\r\n' }, 'weir; fwd=stale; detail=upstream-failed'],
    ['a broken coding', { kind: 'corrupt-gzip' }, 'weir; fwd=stale; detail=upstream-failed'],
    ['500', answer(500), 'weir; fwd=stale; fwd-status=500; detail=upstream-error'],
    ['502', answer(502), 'weir; fwd=stale; fwd-status=502; detail=upstream-error'],
    ['503', answer(503), 'weir; fwd=stale; fwd-status=503; detail=upstream-error'],
    ['504', answer(504), 'weir; fwd=stale; fwd-status=504; detail=upstream-error'],
  ])('%s: the same credential’s copy is used for five minutes', async (_name, fault, cacheStatus) => {
    const { ask, clock, gateway, sandbox } = pair
    const first = await ask(PAGE, { token })
    // What has changed would come with a 200, and that is what breaks off.
    sandbox.world.touch()
    sandbox.switches.etagRule = 'none'
    fails(fault)
    clock.advance(299_000)
    const stale = await ask(PAGE, { token })
    expect(stale).toMatchObject({ status: 200, text: first.text, complete: true })
    expect(stale.headers['cache-status']).toBe(cacheStatus)
    expect(stale.headers['age']).toBe('299')
    expect(stale.headers['etag']).toBe(first.headers['etag'])
    expect(stale.headers['x-error']).toBeUndefined()
    expect(gateway.events.at(-1)).toMatchObject({ outcome: 'stale', status: 200, failure: undefined })
    const held = { 'if-none-match': String(first.headers['etag']) }
    expect(await ask(PAGE, { token, headers: held })).toMatchObject({ status: 304, text: '' })
    clock.advance(1000)
    expect((await ask(PAGE, { token })).status).toBeGreaterThanOrEqual(500)
  })

  test('a question for the head is answered with that of the copy', async () => {
    const { ask } = pair
    const first = await ask(PAGE, { token })
    fails(answer(503))
    const head = await ask(PAGE, { token, method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, text: '' })
    expect(head.headers['content-length']).toBe(String(Buffer.byteLength(first.text)))
  })

  test('nobody else gets it, nor a client that wants what is true now', async () => {
    const { ask, clock } = pair
    await ask(PAGE, { token })
    clock.advance(10_000)
    fails(reset)
    for (const other of [{ token: TOKENS.hubot }, { token: TOKENS.octocatOauth }, {}]) {
      expect((await ask(PAGE, other)).status).toBe(502)
    }
    for (const control of ['no-cache', 'no-store', 'max-age=0', 'max-age=10', 'min-fresh=1', 'stale-if-error=10']) {
      expect((await ask(PAGE, { token, headers: { 'cache-control': control } })).status, control).toBe(502)
    }
    expect((await ask(PAGE, { token, headers: { 'cache-control': 'max-age=11' } })).status).toBe(200)
  })

  test('a refusal and a missing page are never covered up', async () => {
    const { ask } = pair
    for (const status of [403, 404, 410, 451, 501, 401]) {
      fails(null)
      await ask(PAGE, { token, headers: { 'cache-control': 'no-cache' } })
      fails(answer(status))
      expect((await ask(PAGE, { token })).status).toBe(status)
    }
  })

  test('not after a write to the repository, whoever wrote, nor after access was withdrawn', async () => {
    const { ask, sandbox } = pair
    const secret = '/repos/octo-org/secret'
    for (const path of [PAGE, secret]) await ask(path, { token: TOKENS.hubot })
    await ask(PAGE, { token })
    await ask(`${PAGE}/issues`, { token, method: 'POST', payload: { title: 'New' } })
    fails(reset)
    expect((await ask(PAGE, { token: TOKENS.hubot })).status).toBe(502)
    expect((await ask(secret, { token: TOKENS.hubot })).status).toBe(200)
    // One refusal of the credential, of whatever was asked, is enough.
    sandbox.switches.faults = [{ fault: answer(401) }, { fault: reset, times: Number.POSITIVE_INFINITY }]
    expect((await ask('/user', { token: TOKENS.hubot })).status).toBe(401)
    expect((await ask(secret, { token: TOKENS.hubot })).status).toBe(502)
  })

  test.each([true, false])('a write that comes while the upstream is being asked counts too: %s', async (writes) => {
    const { ask, sandbox } = pair
    await ask(PAGE, { token })
    let release = () => {}
    const until = new Promise<void>((resolve) => {
      release = resolve
    })
    sandbox.log.clear()
    sandbox.switches.faults = [{ method: 'GET', fault: { kind: 'wait', until, when: 'before-evaluating' } }]
    const reading = ask(PAGE, { token })
    await sandbox.log.waitFor({ method: 'GET' })
    if (writes) await ask(`${PAGE}/issues`, { token, method: 'POST', payload: { title: 'New' } })
    sandbox.switches.maintenance = true
    release()
    expect((await reading).status).toBe(writes ? 503 : 200)
  })

  test('a public answer counts from the end of its lifetime, for the anonymous as well', async () => {
    const { ask, clock, sandbox } = pair
    sandbox.switches.cacheControl = 'public, max-age=60'
    await ask(PAGE)
    fails(reset)
    clock.advance(359_000)
    expect((await ask(PAGE)).headers).toMatchObject({
      age: '359',
      'cache-status': 'weir; fwd=stale; detail=upstream-failed',
    })
    clock.advance(1000)
    expect((await ask(PAGE)).status).toBe(502)
  })

  test('what the upstream wants to be asked about is not used, unless it says otherwise itself', async () => {
    const { ask, clock, sandbox } = pair
    for (const control of ['private, must-revalidate', 'private, no-cache', 'public, s-maxage=1', 'proxy-revalidate']) {
      fails(null)
      sandbox.switches.cacheControl = control
      await ask(PAGE, { token, headers: { 'cache-control': 'no-cache' } })
      fails(reset)
      clock.advance(2000)
      expect((await ask(PAGE, { token })).status, control).toBe(502)
    }
    fails(null)
    sandbox.switches.cacheControl = 'private, stale-if-error=3600'
    await ask(PAGE, { token })
    fails(reset)
    clock.advance(3_599_000)
    expect((await ask(PAGE, { token })).status).toBe(200)
    clock.advance(1000)
    expect((await ask(PAGE, { token })).status).toBe(502)
  })
})

describe('WEIR_STALE_ON_ERROR', () => {
  test('a duration that the operator set counts, against must-revalidate too', async () => {
    pair = await startPair({
      settings: { WEIR_STALE_ON_ERROR: '10s' },
      switches: { cacheControl: 'private, must-revalidate' },
    })
    const { ask, clock } = pair
    await ask(PAGE, { token })
    fails(reset)
    clock.advance(9000)
    expect((await ask(PAGE, { token })).status).toBe(200)
    clock.advance(1000)
    expect((await ask(PAGE, { token })).status).toBe(502)
  })

  test('0s: never', async () => {
    pair = await startPair({
      settings: { WEIR_STALE_ON_ERROR: '0s' },
      switches: { cacheControl: 'private, stale-if-error=60' },
    })
    await pair.ask(PAGE, { token })
    expect((await pair.ask(PAGE, { token, headers: { 'cache-control': 'max-stale' } })).status).toBe(200)
    expect(asked()).toBe(2)
    fails(reset)
    expect((await pair.ask(PAGE, { token })).status).toBe(502)
  })

  test('also where everything is asked about', async () => {
    pair = await startPair({ settings: { WEIR_FRESHNESS: 'revalidate' } })
    await pair.ask(PAGE, { token })
    await pair.ask(PAGE, { token, headers: { 'cache-control': 'max-stale' } })
    expect(asked()).toBe(2)
    fails(reset)
    expect((await pair.ask(PAGE, { token })).status).toBe(200)
  })
})

test('a stale copy states the limits that were last seen', async () => {
  pair = await startPair({ switches: { rateLimits: { core: 100 } } })
  await pair.ask(PAGE, { token })
  await pair.ask('/user', { token })
  fails(reset)
  expect((await pair.ask(PAGE, { token })).headers['x-ratelimit-remaining']).toBe('98')
})

test('the error that was covered up gives its connection back', async () => {
  pair = await startPair({ settings: { WEIR_UPSTREAM_MAX_CONNECTIONS: '1' } })
  const { ask } = pair
  await ask(PAGE, { token })
  fails({ kind: 'answer', status: 503, body: Buffer.alloc(4_000_000, 'x') })
  for (let round = 0; round < 3; round++) expect((await ask(PAGE, { token })).status).toBe(200)
  fails(null)
  expect((await ask('/user', { token })).status).toBe(200)
})

test('max-stale: a client that accepts it is answered at once, within the operator’s bound', async () => {
  pair = await startPair()
  const { ask, clock } = pair
  const first = await ask(PAGE, { token })
  clock.advance(30_000)
  asked()
  const control = (value: string) => ({ token, headers: { 'cache-control': value } })
  const stale = await ask(PAGE, control('max-stale=31'))
  expect(stale).toMatchObject({ status: 200, text: first.text })
  expect(stale.headers).toMatchObject({ age: '30', 'cache-status': 'weir; hit; ttl=-30; detail=max-stale' })
  await ask(PAGE, control('max-stale, only-if-cached'))
  expect(asked()).toBe(0)
  for (const value of [
    'max-stale=30',
    'max-stale=99, no-cache',
    'max-stale=99, max-age=0',
    'max-stale=99, min-fresh=1',
  ]) {
    clock.advance(30_000)
    await ask(PAGE, control(value))
    expect(asked(), value).toBe(1)
  }
  clock.advance(299_000)
  await ask(PAGE, control('max-stale'))
  expect(asked()).toBe(0)
  clock.advance(1000)
  await ask(PAGE, control('max-stale'))
  expect(asked()).toBe(1)
  await ask(`${PAGE}/issues`, { token, method: 'POST', payload: { title: 'New' } })
  asked()
  await ask(PAGE, control('max-stale'))
  expect(asked()).toBe(1)
})

describe('stale-while-revalidate', () => {
  const promise = 'public, max-age=60, stale-while-revalidate=30'

  test('the copy is answered at once, and the next one gets what was asked meanwhile', async () => {
    pair = await startPair({ switches: { cacheControl: promise } })
    const { ask, clock, sandbox, gateway } = pair
    const first = await ask(PAGE, { token })
    clock.advance(75_000)
    asked()
    sandbox.world.touch()
    const asking = {
      token,
      headers: { 'if-none-match': '"mine"', 'if-modified-since': 'Sat, 01 Jun 2024 11:00:00 GMT' },
    }
    const stale = await ask(PAGE, asking)
    expect(stale.text).toBe(first.text)
    expect(stale.headers).toMatchObject({
      age: '75',
      'cache-status': 'weir; hit; ttl=-15; detail=stale-while-revalidate',
    })
    expect(gateway.events.at(-1)).toMatchObject({ outcome: 'hit', upstream: { requests: 0, cost: 0 } })
    const behind = await sandbox.log.waitFor({ method: 'GET' })
    expect(behind.headers['if-modified-since']).toBeUndefined()
    expect(behind.headers['if-none-match']).not.toContain('mine')
    expect(await eventually(async () => (await ask(PAGE, { token })).headers['cache-status'] === 'weir; hit')).toBe(
      true,
    )
    expect(asked()).toBe(1)
  })

  test('not beyond what was promised, nor to a client that wants nothing stale, nor after a write', async () => {
    pair = await startPair({ switches: { cacheControl: promise } })
    const { ask, clock } = pair
    await ask(PAGE, { token })
    clock.advance(90_000)
    asked()
    expect((await ask(PAGE, { token })).headers['cache-status']).toContain('fwd=stale')
    for (const control of ['no-cache', 'max-age=0', 'max-age=600', 'min-fresh=1']) {
      clock.advance(75_000)
      const answer = await ask(PAGE, { token, headers: { 'cache-control': control } })
      expect(answer.headers['cache-status'], control).toMatch(/fwd=(?:stale|request)/)
    }
    expect(asked()).toBe(5)
    clock.advance(75_000)
    await ask(`${PAGE}/issues`, { token, method: 'POST', payload: { title: 'New' } })
    expect((await ask(PAGE, { token })).headers['cache-status']).toContain('fwd=stale')
  })

  test('where it fails, the failure is seen and the promise holds', async () => {
    pair = await startPair({ switches: { cacheControl: promise } })
    const { ask, clock, gateway } = pair
    await ask(PAGE, { token })
    clock.advance(75_000)
    fails(reset)
    expect((await ask(PAGE, { token })).headers['cache-status']).toContain('detail=stale-while-revalidate')
    const page = client(gateway.origin)
    const failure = async () => (await page('/_weir/readyz')).json().upstream.failure
    expect(await eventually(async () => (await failure()) === 'upstream-reset')).toBe(true)
    expect((await ask(PAGE, { token })).status).toBe(200)
  })
})
