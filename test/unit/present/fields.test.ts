import { describe, expect, test } from 'vitest'
import { headerValue, joinedHeader } from '../../../src/http/headers.ts'
import type { Answer } from '../../../src/middleware/outbound/exchange.ts'
import type { View } from '../../../src/middleware/present/view.ts'
import type { OutcomeName } from '../../../src/outcome.ts'
import type { OutgoingAnswer, RateLimit } from '../../../src/ports.ts'
import { JSON_TYPE, START } from '../outbound/harness.ts'
import {
  hitOf,
  PUBLIC_ORIGIN,
  passedAnswer,
  presentedTag,
  presenter,
  storedAnswer,
  UPSTREAM,
  viewOf,
} from './harness.ts'

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
  const known: RateLimit = { resource: 'core', limit: 5000, remaining: 4321, used: 679, reset: START / 1000 + 60 }
  const remaining = ({ headers }: OutgoingAnswer) => joinedHeader(headers, 'x-ratelimit-remaining')
  const stated = ({ headers }: OutgoingAnswer) => headers.filter((name) => name.startsWith('x-ratelimit-'))
  const FIVE = [
    'x-ratelimit-limit',
    'x-ratelimit-remaining',
    'x-ratelimit-reset',
    'x-ratelimit-used',
    'x-ratelimit-resource',
  ]

  test('on a hit are those of this credential and path', async () => {
    const { present, known: limits } = presenter()
    limits.set('one /user', known)
    limits.set('one /search/issues', { ...known, resource: 'search', limit: 30, remaining: 29 })
    limits.set('two /user', { ...known, remaining: 1 })
    limits.set('anonymous /user', { ...known, limit: 60, remaining: 59 })
    const of = async (who: string, path = '/user') =>
      remaining(await present(hitOf(storedAnswer('{}')), viewOf({}, { path }), who))
    expect(await of('one')).toBe('4321')
    expect(await of('one', '/search/issues')).toBe('29')
    expect(await of('two')).toBe('1')
    expect(await of('anonymous')).toBe('59')
    expect(await of('nobody')).toBeUndefined()
  })

  const stored = storedAnswer('{}', { etag: '"a"', 'last-modified': 'Wed, 01 Apr 2026 00:00:00 GMT' })
  const said = ['x-github-request-id', 'A:B']
  const outcomeOf = (name: OutcomeName) => ({ outcome: { name } })
  const text = hitOf(storedAnswer('0123456789', { 'content-type': 'text/plain' }))
  const cases: [string, Answer, View, number][] = [
    ...(['hit', 'stale', 'revalidated', 'predicted', 'replaced', 'filled'] as const).map(
      (name): [string, Answer, View, number] => [
        name,
        hitOf(stored, { live: said, ...outcomeOf(name) }),
        viewOf(),
        200,
      ],
    ),
    ...(['fetched', 'bypassed', 'refused', 'written', 'confirmed'] as const).map(
      (name): [string, Answer, View, number] => [name, passedAnswer(299, {}, null, outcomeOf(name)), viewOf(), 299],
    ),
    ['a 304 of ours', hitOf(stored), viewOf({ 'if-none-match': presentedTag('"a"') }), 304],
    ['a 304 of theirs', passedAnswer(304, { etag: '"a"' }, null, outcomeOf('confirmed')), viewOf(), 304],
    ['a part', text, viewOf({ range: 'bytes=1-2' }), 206],
    ['a part that is not there', text, viewOf({ range: 'bytes=99-' }), 416],
    ['HEAD', hitOf(stored), viewOf({}, { method: 'HEAD' }), 200],
    ['a write', passedAnswer(201, {}, null, outcomeOf('written')), viewOf({}, { method: 'POST' }), 201],
  ]

  test.each(cases)('are on every answer, once: %s', async (_, answer, view, status) => {
    const { present, known: limits } = presenter()
    limits.set('one /user', known)
    const presented = await present(answer, view)
    expect(presented.status).toBe(status)
    expect(stated(presented)).toEqual(FIVE)
    expect(remaining(presented)).toBe('4321')
  })

  test.each(cases)('that the upstream sent with it stay as they are: %s', async (_, answer, view) => {
    const { present, known: limits } = presenter()
    limits.set('one /user', known)
    const own = ['x-ratelimit-remaining', '7']
    const isStored = answer.stored !== undefined
    const carrying = isStored
      ? { ...answer, live: [...answer.live, ...own] }
      : { ...answer, headers: [...answer.headers, ...own] }
    const presented = await present(carrying, view)
    expect(stated(presented)).toEqual(['x-ratelimit-remaining'])
    expect(remaining(presented)).toBe('7')
  })

  test('of a passing answer may stand among the live fields too', async () => {
    const { present, known: limits } = presenter()
    limits.set('one /user', known)
    const live = ['x-ratelimit-remaining', '7']
    expect(stated(await present(passedAnswer(200, {}, null, { live }), viewOf()))).toEqual(['x-ratelimit-remaining'])
  })

  test('are not on answers of an API that has none, nor where none are known', async () => {
    const { present, known: limits } = presenter()
    const answers = [hitOf(storedAnswer('{}')), passedAnswer(200, {}), passedAnswer(404, {})]
    for (const answer of answers) expect(stated(await present(answer, viewOf()))).toEqual([])
    limits.set('one /user', known)
    for (const answer of answers) {
      expect(stated(await present(answer, viewOf({}, { isCharged: false })))).toEqual([])
      expect(stated(await present(answer, viewOf()))).toHaveLength(5)
    }
  })

  test('are those without which older servers do', async () => {
    const { present, known: limits } = presenter()
    limits.set('one /user', { ...known, used: undefined })
    expect(stated(await present(hitOf(stored), viewOf()))).toEqual(FIVE.slice(0, 3))
  })
})
