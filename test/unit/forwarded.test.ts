import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import {
  carriesForwarding,
  isLoopbackAddress,
  parseHost,
  peerAddressOf,
  resolveClient,
} from '../../src/http/forwarded.ts'
import { parseNetworks } from '../../src/http/networks.ts'

const trustedNetworks = parseNetworks('10.0.0.0/8,127.0.0.1,::1,2001:db8:1::/48')
const nobody = () => false

function resolve(
  headers: readonly string[],
  { peerAddress = '10.0.0.1', encrypted = false, isTrusted = trustedNetworks as (address: string) => boolean } = {},
) {
  return resolveClient({ headers, peerAddress, encrypted }, isTrusted, 'fallback.example')
}

describe('without forwarding fields', () => {
  it('takes the peer, the connection and Host', () => {
    expect(resolve(['host', 'Weir.Example:8787'], { peerAddress: '203.0.113.9' })).toEqual({
      address: '203.0.113.9',
      scheme: 'http',
      host: 'weir.example:8787',
      forwardedByUntrusted: false,
    })
    expect(resolve(['host', 'weir.example'], { encrypted: true }).scheme).toBe('https')
  })

  it.each([
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['fe80::1%eth0', 'fe80::1'],
    ['2001:db8::7', '2001:db8::7'],
    ['', ''],
  ])('shows the peer %s as %s', (peerAddress, address) => {
    expect(resolve([], { peerAddress }).address).toBe(address)
    expect(peerAddressOf(peerAddress)).toBe(address)
  })

  it.each([
    ['no Host', []],
    ['two Hosts', ['host', 'a.example', 'host', 'b.example']],
    ['a Host with a path', ['host', 'a.example/x']],
    ['a Host with user info', ['host', 'user@a.example']],
    ['an empty Host', ['host', '']],
  ])('uses the fallback for %s', (_, headers) => {
    expect(resolve(headers).host).toBe('fallback.example')
  })
})

describe('from anybody who is not trusted', () => {
  const spoofed = [
    ...['host', 'weir.example', 'x-forwarded-for', '127.0.0.1'],
    ...['x-forwarded-proto', 'https', 'x-forwarded-host', 'evil.example'],
  ]

  it('ignores all of it and flags the request', () => {
    expect(resolve(spoofed, { peerAddress: '203.0.113.9' })).toEqual({
      address: '203.0.113.9',
      scheme: 'http',
      host: 'weir.example',
      forwardedByUntrusted: true,
    })
  })

  it('flags a loopback peer too: a proxy on this machine that nobody trusts forwards for the world', () => {
    expect(resolve(spoofed, { peerAddress: '127.0.0.1', isTrusted: nobody })).toMatchObject({
      address: '127.0.0.1',
      forwardedByUntrusted: true,
    })
  })

  it.each(['forwarded', 'x-forwarded', 'x-forwarded-by', 'x-real-ip', 'via', 'true-client-ip', 'cf-connecting-ip'])(
    'flags %s alone',
    (name) => {
      expect(carriesForwarding(['host', 'a.example', name, '127.0.0.1'])).toBe(true)
      expect(resolve([name, '127.0.0.1'], { peerAddress: '203.0.113.9' }).forwardedByUntrusted).toBe(true)
    },
  )

  it('does not take a field value for a name', () => {
    expect(carriesForwarding(['user-agent', 'via', 'x-custom', 'forwarded'])).toBe(false)
  })
})

describe('X-Forwarded-For from a trusted proxy', () => {
  it.each([
    ['one entry', '203.0.113.9', '203.0.113.9'],
    ['trusted hops in between', '203.0.113.9, 10.0.0.3,10.0.0.2', '203.0.113.9'],
    ['what the client claimed itself', '127.0.0.1, 198.51.100.1, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['garbage left of the client', 'x"><script>, 203.0.113.9', '203.0.113.9'],
    ['a port', '203.0.113.9:51234', '203.0.113.9'],
    ['IPv6', '2001:DB8::0:9', '2001:db8::9'],
    ['IPv6 in brackets', '[2001:db8::9]', '2001:db8::9'],
    ['IPv6 with a port', '[2001:db8::9]:443', '2001:db8::9'],
    ['IPv4-mapped IPv6', '::ffff:203.0.113.9', '203.0.113.9'],
    ['only trusted addresses', '10.0.0.9, 10.0.0.8', '10.0.0.9'],
  ])('finds the client behind %s', (_, field, address) => {
    expect(resolve(['x-forwarded-for', field])).toMatchObject({ address, forwardedByUntrusted: false })
  })

  it('reads several lines as one list, the last line nearest', () => {
    const headers = ['x-forwarded-for', '127.0.0.1', 'accept', '*/*', 'x-forwarded-for', '203.0.113.9, 10.0.0.2']
    expect(resolve(headers).address).toBe('203.0.113.9')
  })

  it.each([
    ['unknown', 'unknown'],
    ['an obfuscated name', '_hidden'],
    ['nothing', ''],
    ['an empty entry', '203.0.113.9,'],
    ['octal', '203.0.113.011'],
    ['an integer', '3405803785'],
    ['hexadecimal', '0xcb007109'],
    ['too large a part', '203.0.113.256'],
    ['a host name', 'client.example'],
    ['a network', '203.0.113.0/24'],
    ['a zone', 'fe80::1%25eth0'],
    ['an unclosed bracket', '[2001:db8::9'],
    ['IPv4 in brackets', '[203.0.113.9]'],
    ['a very long entry', '1'.repeat(5000)],
  ])('stops at %s and grants nothing by address', (_, entry) => {
    expect(resolve(['x-forwarded-for', `198.51.100.1, ${entry}`])).toMatchObject({
      address: '10.0.0.1',
      forwardedByUntrusted: true,
    })
    expect(resolve(['x-forwarded-for', `198.51.100.1, ${entry}, 10.0.0.2`])).toMatchObject({
      address: '10.0.0.2',
      forwardedByUntrusted: true,
    })
  })

  it('does not take the loopback of another machine for its own', () => {
    // A client inside the trusted network who writes the field itself.
    expect(resolve(['x-forwarded-for', '127.0.0.1, 10.5.5.5'])).toMatchObject({
      address: '10.5.5.5',
      forwardedByUntrusted: true,
    })
    expect(resolve(['x-forwarded-for', '::1'])).toMatchObject({ address: '10.0.0.1', forwardedByUntrusted: true })
  })

  it('believes loopback from a proxy on this machine', () => {
    expect(resolve(['x-forwarded-for', '127.0.0.1'], { peerAddress: '127.0.0.1' })).toMatchObject({
      address: '127.0.0.1',
      forwardedByUntrusted: false,
    })
    expect(resolve(['x-forwarded-for', '127.0.0.1, 203.0.113.9'], { peerAddress: '::ffff:127.0.0.1' })).toMatchObject({
      address: '203.0.113.9',
      forwardedByUntrusted: false,
    })
  })

  it('grants nothing where a trusted proxy forwards without saying for whom', () => {
    expect(resolve(['x-real-ip', '203.0.113.9'], { peerAddress: '127.0.0.1' })).toMatchObject({
      address: '127.0.0.1',
      forwardedByUntrusted: true,
    })
  })

  it('looks at 32 entries and no more', () => {
    const isTrusted = vi.fn((address: string) => address.startsWith('10.'))
    const flood = Array.from({ length: 5000 }, (_, index) => `10.1.${index >> 8}.${index & 255}`).join(', ')
    expect(resolve(['x-forwarded-for', flood], { isTrusted }).forwardedByUntrusted).toBe(true)
    expect(isTrusted.mock.calls.length).toBeLessThan(40)
    const deepest = ['203.0.113.9', ...Array.from({ length: 31 }, () => '10.1.1.1')].join(',')
    expect(resolve(['x-forwarded-for', deepest]).address).toBe('203.0.113.9')
    expect(resolve(['x-forwarded-for', `${deepest},10.1.1.1`]).address).toBe('10.1.1.1')
  })

  it('never answers with an address that the client itself wrote', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), { maxLength: 8 }), (claims) => {
        const lines = claims.flatMap((claim) => ['x-forwarded-for', claim])
        const resolved = resolve([...lines, 'x-forwarded-for', '203.0.113.9, 10.0.0.2'])
        expect(resolved).toMatchObject({ address: '203.0.113.9', forwardedByUntrusted: false })
      }),
    )
  })
})

describe('X-Forwarded-Proto and X-Forwarded-Host from a trusted proxy', () => {
  const client = ['host', 'inner.example:8080', 'x-forwarded-for', '203.0.113.9']

  it('are believed, default ports dropped', () => {
    const headers = [...client, 'x-forwarded-proto', 'HTTPS', 'x-forwarded-host', 'Weir.Example:443']
    expect(resolve(headers)).toMatchObject({ scheme: 'https', host: 'weir.example' })
  })

  it('keep a port that is not the default of the scheme', () => {
    expect(resolve([...client, 'x-forwarded-proto', 'http', 'x-forwarded-host', 'w.example:443']).host).toBe(
      'w.example:443',
    )
    expect(resolve([...client, 'x-forwarded-proto', 'https', 'x-forwarded-host', 'w.example:80']).host).toBe(
      'w.example:80',
    )
  })

  it.each(['ftp', 'https://', '', 'on', 'https\u0000'])('ignore the scheme %j', (scheme) => {
    expect(resolve([...client, 'x-forwarded-proto', scheme]).scheme).toBe('http')
    expect(resolve([...client, 'x-forwarded-proto', scheme], { encrypted: true }).scheme).toBe('https')
  })

  it.each([
    'evil.example/path',
    'a b',
    'user@evil.example',
    'evil.example#',
    '"><script>',
    'a.example:99999',
    '[::1',
    '',
  ])('ignore the host %j', (host) => {
    expect(resolve([...client, 'x-forwarded-host', host]).host).toBe('inner.example:8080')
  })

  it('count where each proxy appended its own: what stands beside the client', () => {
    const headers = ['x-forwarded-for', '198.51.100.7, 203.0.113.9, 10.0.0.2', 'x-forwarded-proto', 'http, https, http']
    expect(resolve(headers).scheme).toBe('https')
  })

  it('else count from the nearest proxy, so that a client cannot put its own in front', () => {
    const headers = [...client, 'x-forwarded-host', 'evil.example, weir.example', 'x-forwarded-proto', 'ftp, https']
    expect(resolve(headers)).toMatchObject({ host: 'weir.example', scheme: 'https' })
  })
})

describe('parseHost', () => {
  it.each([
    ['Example.COM', 'example.com', undefined],
    ['a_b.example:8787', 'a_b.example', 8787],
    ['example.com:', 'example.com', undefined],
    ['127.0.0.1:080', '127.0.0.1', 80],
    ['[::1]:8787', '[::1]', 8787],
    ['[2001:DB8:0::1]', '[2001:db8::1]', undefined],
  ])('reads %s', (text, name, port) => {
    expect(parseHost(text)).toEqual({ name, port })
  })

  it.each([
    ...[
      '',
      ':80',
      'a:0',
      'a:65536',
      'a:-1',
      'a:8x',
      '::1',
      '[::1',
      '[]',
      '[zz]',
      '[::1]x',
      '[127.0.0.1]',
      '[fe80::1%eth0]',
    ],
    ...[
      'a b',
      'a\r\nx: y',
      'a/b',
      'a\\b',
      'a@b',
      'a?b',
      'a#b',
      'a,b',
      'a%2eb',
      '-a.example',
      '.a',
      'a..b',
      'ü.example',
    ],
    ...['<a>', `${'a'.repeat(256)}`],
  ])('refuses %j', (text) => {
    expect(parseHost(text)).toBeUndefined()
  })

  it('lets nothing through that changes the meaning of a URL', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        const host = parseHost(text)
        if (host !== undefined) {
          const url = `http://${host.name}:1/path`
          expect(url).toMatch(/^http:\/\/[a-z0-9._:[\]-]+:1\/path$/)
        }
      }),
      { numRuns: 200 },
    )
  })
})

it('isLoopbackAddress knows addresses, not names', () => {
  expect(['127.0.0.1', '127.255.0.9', '::1'].every(isLoopbackAddress)).toBe(true)
  expect(
    ['127.evil.example', '127.0.0.1.evil.example', '128.0.0.1', '::2', '', 'localhost'].some(isLoopbackAddress),
  ).toBe(false)
})
