import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Caller } from '../../src/middleware/inbound/client.ts'
import { questionOf } from '../../src/middleware/inbound/question.ts'
import type { Question } from '../../src/middleware/outbound/exchange.ts'
import type { Digest } from '../../src/ports.ts'

const digest: Digest = {
  fingerprint: (text) => createHmac('sha256', 'test').update(text).digest('base64url'),
  contentKey: () => '',
  sha256: () => '',
}
const ofAddress: Caller = { client: { group: 'address:192.0.2.1', name: '' }, isBackground: false }
const ofKey: Caller = { client: { group: 'key:ci', name: 'nightly' }, isBackground: true }

function ask(headers: readonly string[], caller = ofAddress): Question {
  return questionOf(
    {
      method: 'GET',
      target: '/api/v3/user?page=2',
      headers: ['authorization', 'token a', 'accept', 'application/json', ...headers],
      body: null,
      bodyLength: undefined,
      peerAddress: '192.0.2.1',
      encrypted: false,
      signal: () => new AbortController().signal,
    },
    {
      address: { origin: 'https://ghes.example.com', target: '/api/v3/user?page=2' },
      path: '/user',
      query: '?page=2',
      presentation: () => 'p',
      validators: { tags: [], modifiedSince: undefined },
      cacheable: true,
      further: { keyed: ['x-tenant'], trace: ['traceparent'] },
      isCharged: true,
      caller,
      use: { requests: 0, cost: 0, milliseconds: 0 },
    },
    digest,
  )
}

test('a question says which client asks, and does not wait by itself', () => {
  expect(ask([], ofKey)).toMatchObject({ client: ofKey.client, isBackground: true, longestWait: 0 })
  expect(ask([], ofAddress)).toMatchObject({ client: ofAddress.client, isBackground: false, longestWait: 0 })
})

test('what is meant for the gateway neither goes upstream nor tells answers apart', () => {
  const plain = ask(['x-tenant', 'a', 'traceparent', 'b'])
  const meant = ask(
    [
      ...['x-weir-key', 'key-of-the-ci-0123', 'x-tenant', 'a', 'x-weir-client', 'nightly'],
      ...['x-weir-priority', 'background', 'traceparent', 'b', 'x-weir-anything', 'c'],
    ],
    ofKey,
  )
  expect(meant.headers).toEqual(plain.headers)
  expect(meant.headers).toEqual([
    ...['authorization', 'token a', 'accept', 'application/json'],
    ...['x-tenant', 'a', 'traceparent', 'b'],
  ])
  expect(meant.key).toBe(plain.key)
  expect(meant.credential).toEqual(plain.credential)
  expect(meant.resource()).toBe(plain.resource())
  expect(meant.scopes()).toEqual(plain.scopes())
  // It is a key at all: what does go upstream is in it.
  expect(ask(['x-tenant', 'b']).key).not.toBe(plain.key)
})
