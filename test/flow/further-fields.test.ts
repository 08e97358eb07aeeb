import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { type Pair, startPair } from '../support/pair.ts'

/** `WEIR_FORWARD_HEADERS` and `WEIR_TRACE_HEADERS`: what goes upstream besides the allow-list, and what it changes. */

let pair: Pair
beforeAll(async () => {
  pair = await startPair({
    settings: {
      WEIR_FORWARD_HEADERS: 'Accept-Language,X-Tenant',
      WEIR_TRACE_HEADERS: 'traceparent,X-Request-Id',
      WEIR_FRESHNESS: '1h',
    },
  })
})
afterAll(() => pair.close())
beforeEach(() => pair.sandbox.log.clear())

const token = TOKENS.octocat

function arrived(name: string): string[] {
  const { rawHeaders } = pair.sandbox.log.last
  return rawHeaders.flatMap((each, index) =>
    index % 2 === 0 && each.toLowerCase() === name ? [rawHeaders[index + 1] ?? ''] : [],
  )
}

test.each(['GET', 'HEAD', 'POST', 'DELETE'])('%s: they arrive as they were sent, and no others', async (method) => {
  const headers = {
    'Accept-Language': ' DE, en',
    'X-Tenant': ['a, b', 'c'],
    Traceparent: '00-1',
    'X-Request-Id': 'mine-1234567890',
    'X-Unknown': '1',
    Cookie: 'a=b',
  }
  await pair.ask(`/repos/octocat/nothing-${method}`, { token, method, headers })
  expect(arrived('accept-language')).toEqual(['DE, en'])
  expect(arrived('x-tenant').join(', ')).toBe('a, b, c')
  expect(arrived('traceparent')).toEqual(['00-1'])
  expect(arrived('x-request-id')).toEqual(['mine-1234567890'])
  expect(arrived('x-unknown')).toEqual([])
  expect(arrived('cookie')).toEqual([])
})

test('an answer is reused for the same values, and for every value of a trace field', async () => {
  const { ask, sandbox } = pair
  const status = async (headers: Record<string, string>) =>
    String((await ask('/user', { token, headers })).headers['cache-status'])
  expect(await status({ 'x-tenant': 'a, b', traceparent: '1' })).toContain('fwd=uri-miss')
  expect(await status({ 'x-tenant': 'a,b', traceparent: '2', 'x-request-id': 'other-1234567890' })).toBe('weir; hit')
  expect(await status({ 'x-tenant': 'a' })).toContain('fwd=')
  expect(await status({})).toContain('fwd=')
  expect(await status({ 'x-tenant': 'a, b', 'accept-language': 'de' })).toContain('fwd=')
  expect(await status({ 'x-tenant': 'a,b', 'accept-language': 'DE' })).toBe('weir; hit')
  expect(sandbox.log.count).toBe(4)
})

test('nothing of them goes upstream where nothing was set', async () => {
  const plain = await startPair()
  await plain.ask('/user', { token, headers: { 'accept-language': 'de', traceparent: '00-1', 'x-tenant': 'a' } })
  const names = plain.sandbox.log.last.rawHeaders.map((name) => name.toLowerCase())
  for (const name of ['accept-language', 'traceparent', 'x-tenant']) expect(names).not.toContain(name)
  await plain.close()
})
