import { describe, expect, test } from 'vitest'
import { countHeader, headerValue, joinedHeader } from '../../../src/http/headers.ts'
import type { Answer } from '../../../src/middleware/outbound/exchange.ts'
import { JSON_TYPE, START } from '../outbound/harness.ts'
import { hitOf, PUBLIC_ORIGIN, passedAnswer, presenter, storedAnswer, UPSTREAM, viewOf } from './harness.ts'

describe('presented fields', () => {
  test('point at the gateway', async () => {
    const link = `<${UPSTREAM}/api/v3/user/repos?page=2>; rel="next"`
    const { present } = presenter()
    const hit = await present(hitOf(storedAnswer('[]', { link })), viewOf())
    expect(headerValue(hit.headers, 'link')).toBe(`<${PUBLIC_ORIGIN}/api/v3/user/repos?page=2>; rel="next"`)
    const location = `${UPSTREAM}/api/v3/repositories/1`
    const moved = await present(passedAnswer(301, { location, 'content-location': location }), viewOf())
    expect(headerValue(moved.headers, 'location')).toBe(`${PUBLIC_ORIGIN}/api/v3/repositories/1`)
    expect(headerValue(moved.headers, 'content-location')).toBe(`${PUBLIC_ORIGIN}/api/v3/repositories/1`)
    const elsewhere = await present(passedAnswer(302, { location: 'https://codeload.example/x' }), viewOf())
    expect(headerValue(elsewhere.headers, 'location')).toBe('https://codeload.example/x')
  })

  test('leave out what speaks for the upstream’s own host', async () => {
    const spoken = {
      'set-cookie': ['a=b', 'c=d'],
      'strict-transport-security': 'max-age=1',
      'public-key-pins': 'x',
      'alt-svc': 'h3',
      'clear-site-data': '*',
      nel: '{}',
      'report-to': '{}',
    }
    const { present } = presenter()
    for (const answer of [passedAnswer(200, { 'x-other': '1', ...spoken }), hitOf(storedAnswer('{}', spoken))]) {
      const { headers } = await present(answer, viewOf())
      for (const name of Object.keys(spoken)) expect(headerValue(headers, name), name).toBeUndefined()
      expect(headers).not.toContain('a=b')
    }
  })

  test('carry one request id, the gateway’s, and the upstream’s own of GitHub', async () => {
    const upstream = { 'x-request-id': 'theirs', 'x-github-request-id': 'A:B' }
    const { present } = presenter()
    const { headers } = await present(passedAnswer(200, upstream), viewOf())
    expect(joinedHeader(headers, 'x-request-id')).toBe('request-1')
    expect(joinedHeader(headers, 'x-github-request-id')).toBe('A:B')
  })

  test('name Accept-Encoding in Vary once, wherever the body could have been compressed', async () => {
    const cases: [string | string[] | undefined, string | undefined][] = [
      [undefined, 'Accept-Encoding'],
      ['Accept, Authorization', 'Accept, Authorization, Accept-Encoding'],
      [['Accept', 'accept-encoding, X'], 'Accept, accept-encoding, X'],
      ['Accept-Encoding-Not', 'Accept-Encoding-Not, Accept-Encoding'],
      ['*', '*'],
    ]
    for (const [vary, expected] of cases) {
      const fields = vary === undefined ? {} : { vary }
      const { present } = presenter()
      const hit = hitOf(storedAnswer(JSON.stringify('x'.repeat(2000)), fields))
      for (const request of [{}, { 'accept-encoding': 'gzip' }] as Record<string, string>[]) {
        expect(joinedHeader((await present(hit, viewOf(request))).headers, 'vary')).toBe(expected)
        const passed = passedAnswer(200, { 'content-type': JSON_TYPE, ...fields })
        expect(joinedHeader((await present(passed, viewOf(request))).headers, 'vary')).toBe(expected)
      }
    }
    const { headers } = await presenter().present(passedAnswer(200, { 'content-type': 'image/png' }), viewOf())
    expect(headerValue(headers, 'vary')).toBeUndefined()
  })

  test('of a body too small to be compressed vary by nothing, and its tag stays strong', async () => {
    const { present } = presenter()
    const text = { 'content-type': 'text/plain', etag: '"a"' }
    const cases: [Answer, boolean][] = [
      [hitOf(storedAnswer('x'.repeat(1023), text)), false],
      [hitOf(storedAnswer('x'.repeat(1024), text)), true],
      [hitOf(storedAnswer('{}')), false],
      [passedAnswer(200, { ...text, 'content-length': '1023' }), false],
      [passedAnswer(200, { ...text, 'content-length': '1024' }), true],
      [passedAnswer(200, text), true],
      // Rewritten, it may be longer than the upstream says.
      [passedAnswer(200, { 'content-type': JSON_TYPE, 'content-length': '9' }), true],
    ]
    for (const [index, [answer, varies]] of cases.entries()) {
      const { headers } = await present(answer, viewOf({ 'accept-encoding': 'gzip' }))
      expect(joinedHeader(headers, 'vary'), `case ${index}`).toBe(varies ? 'Accept-Encoding' : undefined)
      const tag = headerValue(headers, 'etag')
      if (tag !== undefined) expect(tag, `case ${index}`).toBe(varies ? 'W/"a"' : '"a"')
    }
  })

  test('state the age of a copy that was reused, and else what the upstream said of it', async () => {
    const { present } = presenter()
    expect(joinedHeader((await present(hitOf(storedAnswer('{}')), viewOf())).headers, 'age')).toBe('1')
    const passed = await present(passedAnswer(200, { age: '7' }), viewOf())
    expect(joinedHeader(passed.headers, 'age')).toBe('7')
    const filled = hitOf(storedAnswer('{}'), { age: undefined, live: ['age', '9'], outcome: { name: 'filled' } })
    expect(joinedHeader((await present(filled, viewOf())).headers, 'age')).toBe('9')
  })
})

describe('Cache-Status', () => {
  test('is appended to the upstream’s own, for reads alone', async () => {
    const { present } = presenter()
    const passed = await present(passedAnswer(200, { 'cache-status': 'inner; hit' }), viewOf())
    expect(joinedHeader(passed.headers, 'cache-status')).toBe('inner; hit, weir; fwd=uri-miss; fwd-status=200')
    for (const method of ['POST', 'OPTIONS', 'DELETE']) {
      const written = passedAnswer(200, {}, null, { outcome: { name: 'written' } })
      expect(headerValue((await present(written, viewOf({}, { method }))).headers, 'cache-status')).toBeUndefined()
    }
    const refused = passedAnswer(404, {}, null, { outcome: { name: 'refused', forward: 'stale', forwardStatus: 404 } })
    expect(headerValue((await present(refused, viewOf())).headers, 'cache-status')).toBe('weir; fwd=miss')
  })
})

describe('rate limits', () => {
  const known = { resource: 'core', limit: 5000, remaining: 4321, used: 679, reset: START / 1000 + 60 }

  test('on a hit are the ledger’s for this credential and resource', async () => {
    const { present, ledger } = presenter()
    // A copy never holds any; if one did, they must not be what the client sees.
    const stored = storedAnswer('{}')
    ledger.observe('one', known)
    ledger.observe('one', { ...known, resource: 'search', limit: 30, remaining: 29 })
    ledger.observe('two', { ...known, remaining: 1 })
    const of = async (who: string, path = '/user') =>
      joinedHeader((await present(hitOf(stored), viewOf({}, { path }), who)).headers, 'x-ratelimit-remaining')
    expect(await of('one')).toBe('4321')
    expect(await of('one', '/search/issues')).toBe('29')
    expect(await of('two')).toBe('1')
    expect(await of('nobody')).toBeUndefined()
  })

  test('on an answer that the upstream was asked for are its own, once', async () => {
    const { present, ledger } = presenter()
    ledger.observe('one', known)
    const live = ['x-ratelimit-remaining', '7']
    const outcome = { name: 'revalidated', forward: 'stale', forwardStatus: 304, stored: true } as const
    const answer = hitOf(storedAnswer('{}'), { live, outcome, age: undefined })
    const { headers } = await present(answer, viewOf())
    expect(joinedHeader(headers, 'x-ratelimit-remaining')).toBe('7')
    expect(countHeader(headers, 'x-ratelimit-limit')).toBe(0)
  })
})
