import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  type AdminGuardOptions,
  adminTokenFingerprint,
  mayAdminister,
} from '../../src/middleware/inbound/admin-guard.ts'
import type { Digest } from '../../src/ports.ts'

const digest: Digest = {
  fingerprint: (text) => createHmac('sha256', 'test').update(text).digest('base64url'),
  contentKey: () => '',
  sha256: () => '',
}
const token = 's3cret-admin-token'
const withToken: AdminGuardOptions = {
  adminToken: adminTokenFingerprint(token, digest),
  digest,
  knownHosts: (host) => host === 'weir.example',
}
const withoutToken: AdminGuardOptions = { ...withToken, adminToken: undefined }

const may = (headers: readonly string[], peerAddress = '127.0.0.1', options = withoutToken) =>
  mayAdminister({ headers, peerAddress }, options)

describe('direct loopback requests', () => {
  it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('are let in from %s', (peer) => {
    expect(may(['host', 'localhost:8787'], peer)).toBe('yes')
  })

  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1:8787', '[::1]:8787', '[0:0::1]', 'weir.example', 'Weir.Example'])(
    'are let in for the host %s',
    (host) => {
      expect(may(['host', host])).toBe('yes')
    },
  )

  it('are let in where a token is configured, too', () => {
    expect(may(['host', 'localhost'], '127.0.0.1', withToken)).toBe('yes')
  })

  it.each(['10.0.0.1', '203.0.113.9', '::', '::2', '::ffff:10.0.0.1', '127.0.0.1.evil.example', 'localhost', ''])(
    'are not those from %j',
    (peer) => {
      expect(may(['host', 'localhost:8787'], peer)).toBe('unauthorized')
    },
  )

  it.each([
    ['another name that resolves to this machine (DNS rebinding)', ['host', 'evil.example:8787']],
    ['a name that only looks local', ['host', 'localhost.evil.example']],
    ['a name with the address in it', ['host', '127.0.0.1.evil.example']],
    ['user info', ['host', 'localhost@evil.example']],
    ['another loopback address as a name', ['host', '127.0.0.2']],
    ['another port of the public host', ['host', 'weir.example:1']],
    ['an empty Host', ['host', '']],
    ['no Host', []],
    ['two Hosts', ['host', 'localhost', 'host', 'evil.example']],
  ])('are refused with %s', (_, headers) => {
    expect(may(headers)).toBe('unauthorized')
  })

  it.each(['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-anything', 'x-real-ip', 'via'])(
    'are refused with %s, whatever it says',
    (name) => {
      expect(may(['host', 'localhost', name, '127.0.0.1'])).toBe('unauthorized')
      expect(may(['host', 'localhost', name, ''])).toBe('unauthorized')
    },
  )
})

describe('requests by a browser', () => {
  it.each(['cross-site', 'same-site', 'Cross-Site', '', 'something-new'])('are refused as %j', (site) => {
    expect(may(['host', 'localhost', 'sec-fetch-site', site])).toBe('unauthorized')
    const authorised = ['host', 'localhost', 'authorization', `Bearer ${token}`, 'sec-fetch-site', site]
    expect(may(authorised, '127.0.0.1', withToken)).toBe('unauthorized')
  })

  it.each(['none', 'same-origin'])('are let in as %s', (site) => {
    expect(may(['host', 'localhost', 'sec-fetch-site', site])).toBe('yes')
  })

  it('are refused with two contradicting values', () => {
    expect(may(['host', 'localhost', 'sec-fetch-site', 'none', 'sec-fetch-site', 'cross-site'])).toBe('unauthorized')
  })
})

describe('the admin token', () => {
  const from = (authorization: string, options = withToken, more: readonly string[] = []) =>
    may(['host', 'weir.internal', 'authorization', authorization, ...more], '203.0.113.9', options)

  it('is let in from anywhere, under any host, through proxies', () => {
    expect(from(`Bearer ${token}`)).toBe('yes')
    expect(from(`bearer  ${token} `)).toBe('yes')
    expect(from(`Bearer ${token}`, withToken, ['x-forwarded-for', '198.51.100.1'])).toBe('yes')
  })

  it.each([
    ...['Bearer wrong', 'Bearer', 'Bearer ', `token ${token}`, `Basic ${token}`, token, `Bearer ${token}x`],
    ...[
      `Bearer ${token.slice(0, -1)}`,
      `Bearer ${token} ${token}`,
      `xBearer ${token}`,
      `Bearer ${token.toUpperCase()}`,
    ],
  ])('is not %j', (authorization) => {
    expect(from(authorization)).toBe('unauthorized')
  })

  it('is nothing where none is configured', () => {
    expect(from(`Bearer ${token}`, withoutToken)).toBe('unauthorized')
    expect(from('Bearer undefined', withoutToken)).toBe('unauthorized')
  })

  it('is not its own fingerprint, so that a leaked one opens nothing', () => {
    expect(from(`Bearer ${withToken.adminToken}`)).toBe('unauthorized')
  })

  it('is refused beside a second Authorization', () => {
    expect(from(`Bearer ${token}`, withToken, ['authorization', 'Bearer x'])).toBe('unauthorized')
  })
})
