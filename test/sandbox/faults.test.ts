import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Fault, Sandbox } from '../../sandbox/index.ts'
import { startSandbox, TOKENS } from '../../sandbox/index.ts'
import { ask, token } from './ask.ts'

let sandbox: Sandbox
let api: string
const headers = token(TOKENS.octocat)
beforeEach(async () => {
  sandbox = await startSandbox()
  api = sandbox.urls.api
})
afterEach(() => sandbox.close())

async function meet(fault: Fault, path = '/repos/octocat/hello-world') {
  sandbox.switches.faults = [{ fault }]
  return ask(api + path, { headers })
}

describe('faults', () => {
  it('break the connection where they say', async () => {
    await expect(meet({ kind: 'reset', when: 'before-headers' })).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect(meet({ kind: 'reset', when: 'after-headers' })).rejects.toThrow('aborted')
    await expect(meet({ kind: 'reset', when: 'mid-body' })).rejects.toThrow('aborted')
    await expect(meet({ kind: 'truncate', bytes: 10 })).rejects.toThrow('aborted')
    expect(sandbox.log.last).toMatchObject({ fault: 'truncate', status: 200, bytes: 10 })
    expect((await ask(`${api}/user`, { headers })).status).toBe(200)
  })

  it('hang until the client gives up', async () => {
    for (const when of ['before-headers', 'mid-body'] as const) {
      sandbox.switches.faults = [{ fault: { kind: 'hang', when } }]
      sandbox.log.clear()
      const signal = new AbortController()
      const asked = fetch(`${api}/users/octocat`, { signal: signal.signal }).then((reply) => reply.text())
      await sandbox.log.waitFor({ status: 200 })
      expect(sandbox.log.last.aborted).toBe(false)
      signal.abort()
      await expect(asked).rejects.toThrow()
    }
  })

  it('garble gzip, JSON and headers', async () => {
    const gzip = await meet({ kind: 'corrupt-gzip' })
    expect(gzip.header('content-encoding')).toBe('gzip')
    expect(() => gunzipSync(gzip.body)).toThrow()
    const broken = await meet({ kind: 'invalid-json' })
    expect([broken.status, broken.header('content-length')]).toEqual([200, String(broken.body.length)])
    expect(() => broken.json()).toThrow(SyntaxError)
    const odd = await meet({
      kind: 'headers',
      set: { etag: 'unquoted', Link: ['<nowhere', 'x'], 'cache-control': null },
    })
    expect([odd.lines('etag'), odd.lines('link'), odd.lines('cache-control')]).toEqual([
      ['unquoted'],
      ['<nowhere', 'x'],
      [],
    ])
  })

  it('answer anything at all', async () => {
    const odd = await meet({ kind: 'answer', status: 999, headers: ['X-Odd', 'yes'], body: 'what' })
    expect([odd.status, odd.header('x-odd'), odd.text]).toEqual([999, 'yes', 'what'])
    expect(sandbox.log.last).toMatchObject({ source: 'fault', status: 999, cost: 1, account: 'user:octocat' })
    const raw = await meet({ kind: 'raw', data: 'HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok' })
    expect([raw.status, raw.text]).toEqual([299, 'ok'])
  })

  it('are used as often as they say, on what they match, in order', async () => {
    const answer = (status: number): Fault => ({ kind: 'answer', status })
    sandbox.switches.faults = [
      { method: 'POST', fault: answer(501) },
      { target: '/users/', times: 2, fault: answer(502) },
      { target: /octocat$/, fault: answer(503) },
    ]
    const statuses: number[] = []
    for (let index = 0; index < 4; index += 1) statuses.push((await ask(`${api}/users/octocat`)).status)
    expect(statuses).toEqual([502, 502, 503, 200])
    expect(sandbox.switches.faults).toHaveLength(1)
    sandbox.switches.faults = ({ method }) => (method === 'HEAD' ? answer(504) : null)
    expect((await ask(`${api}/users/octocat`, { method: 'HEAD' })).status).toBe(504)
    expect((await ask(`${api}/users/octocat`)).status).toBe(200)
  })

  it('wait before or after evaluating, so that a write in between is seen or not', async () => {
    const seen: unknown[] = []
    for (const when of ['before-evaluating', 'before-sending'] as const) {
      let release = () => {}
      const until = new Promise<void>((resolve) => {
        release = resolve
      })
      sandbox.switches.faults = [{ fault: { kind: 'wait', when, until } }]
      sandbox.log.clear()
      const asked = ask(`${api}/users/octocat`)
      await sandbox.log.waitFor(when === 'before-sending' ? { status: 200 } : { target: '/users/octocat' })
      sandbox.world.updateAccount('octocat', { location: when })
      release()
      seen.push((await asked).json()['location'])
    }
    expect(seen).toEqual(['before-evaluating', 'before-evaluating'])
  })
})

describe('the log', () => {
  it('keeps header and target as received, and what was sent', async () => {
    await ask(`${api}/users/octocat?b=%41&a`, { headers: { 'X-CaSe': 'kept', ...headers } })
    const entry = sandbox.log.last
    expect(entry.target).toBe('/api/v3/users/octocat?b=%41&a')
    expect(entry.rawHeaders).toEqual(expect.arrayContaining(['X-CaSe', 'kept']))
    expect(entry).toMatchObject({
      method: 'GET',
      credential: headers['authorization'],
      source: 'living',
      resource: 'core',
    })
    expect(entry.bytes).toBeGreaterThan(1000)
  })

  it('adds up cost, by filter too, and forgets on demand', async () => {
    await ask(`${api}/user`, { headers })
    await ask(`${api}/users/octocat`)
    await ask(`${api}/rate_limit`, { headers })
    expect([sandbox.log.count, sandbox.log.totalCost()]).toEqual([3, 2])
    expect(sandbox.log.totalCost({ account: 'user:octocat' })).toBe(1)
    expect(sandbox.log.filter({ target: /rate_limit/ }).map(({ cost }) => cost)).toEqual([0])
    sandbox.log.clear()
    expect([sandbox.log.count, sandbox.log.totalCost()]).toEqual([0, 0])
    expect(() => sandbox.log.last).toThrow(RangeError)
  })
})
