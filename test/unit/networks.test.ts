import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatNetwork,
  isAddress,
  matchNetworks,
  NetworkError,
  parseNetwork,
  parseNetworks,
} from '../../src/http/networks.ts'

/** An address as a number, for a second opinion on membership. */
const address4 = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(BigInt)
const address6 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).filter((value) => value >> 32n !== 0xffffn)

const text4 = (value: bigint) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
const text6 = (value: bigint) =>
  Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16)).join(':')

const kept = (value: bigint, bits: number, prefix: number) => (value >> BigInt(bits - prefix)) << BigInt(bits - prefix)

describe.each([
  { bits: 32, address: address4, text: text4 },
  { bits: 128, address: address6, text: text6 },
])('networks of $bits bits', ({ bits, address, text }) => {
  const prefixes = fc.integer({ min: 0, max: bits })

  test('written and read again are the same', () => {
    fc.assert(
      fc.property(address, prefixes, (value, prefix) => {
        const written = formatNetwork(parseNetwork(`${text(kept(value, bits, prefix))}/${prefix}`))
        expect(formatNetwork(parseNetwork(written))).toBe(written)
        expect(written.endsWith(`/${prefix}`)).toBe(true)
      }),
    )
  })

  test('hold exactly the addresses that share their prefix', () => {
    fc.assert(
      fc.property(address, address, prefixes, fc.integer({ min: 0, max: bits - 1 }), (base, other, prefix, flipped) => {
        const network = kept(base, bits, prefix)
        const matches = parseNetworks(`${text(network)}/${prefix}`)
        for (const candidate of [base, other, base ^ (1n << BigInt(flipped))]) {
          if (bits === 128 && candidate >> 32n === 0xffffn) continue
          expect(matches(text(candidate))).toBe(kept(candidate, bits, prefix) === network)
        }
      }),
    )
  })

  test('refuse bits after the prefix', () => {
    fc.assert(
      fc.property(address, prefixes, (value, prefix) => {
        fc.pre(kept(value, bits, prefix) !== value)
        expect(() => parseNetwork(`${text(value)}/${prefix}`)).toThrow(/bits set after its prefix/)
      }),
    )
  })
})

test('IPv4-mapped addresses and networks are IPv4', () => {
  const matches = parseNetworks('10.0.0.0/8')
  expect(['::ffff:10.1.2.3', '::ffff:a01:203', '::FFFF:0a01:0203'].map(matches)).toEqual([true, true, true])
  expect(matches('::ffff:11.1.2.3')).toBe(false)
  expect(formatNetwork(parseNetwork('::ffff:10.0.0.0/104'))).toBe('10.0.0.0/8')
  expect(parseNetworks('::ffff:10.0.0.0/104')('10.1.2.3')).toBe(true)
  expect(() => parseNetwork('::ffff:10.0.0.0/8')).toThrow('from 96 to 128')
})

test('the two families are apart', () => {
  expect(parseNetworks('0.0.0.0/0')('::1')).toBe(false)
  expect(parseNetworks('::/0')('10.0.0.1')).toBe(false)
  expect(parseNetworks('::/0')('::ffff:10.0.0.1')).toBe(false)
  expect(parseNetworks('::/0, 0.0.0.0/0')('10.0.0.1')).toBe(true)
})

test('a zone says nothing about the network', () => {
  expect(parseNetworks('fe80::/10')('fe80::1%eth0')).toBe(true)
  expect(parseNetworks('10.0.0.0/8')('::ffff:10.0.0.1%eth0')).toBe(true)
  expect(() => parseNetwork('fe80::1%eth0')).toThrow(NetworkError)
})

test('a single address is a network of one', () => {
  expect(['192.168.1.7', '192.168.1.6'].map(parseNetworks('192.168.1.7'))).toEqual([true, false])
  expect(['fd00::7', 'fd00::6'].map(parseNetworks('fd00::7'))).toEqual([true, false])
})

test.each([
  '',
  'localhost',
  '10',
  '10.1',
  '010.0.0.1',
  '0x7f.0.0.1',
  '1.2.3.4.5',
  '256.0.0.1',
  '10.0.0.1 ',
  '::ffff:010.0.0.1',
  ':::',
  '1.2.3.4:80',
  '[::1]',
])('%j is no address', (text) => {
  expect(() => parseNetwork(text)).toThrow('is not an IP address or network')
  expect(isAddress(text)).toBe(false)
  expect(parseNetworks('0.0.0.0/0,::/0')(text)).toBe(false)
})

test.each([
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/08',
  '10.0.0.0/255.0.0.0',
  '10.0.0.0/8/8',
  '::/129',
  '::/ 8',
  '::/1e1',
])('%j has no prefix length', (text) => {
  expect(() => parseNetwork(text)).toThrow('prefix length')
})

test('a list names the entry that is wrong without repeating it', () => {
  expect(() => parseNetworks('10.0.0.0/8,,::1')).toThrow('entry 2 is not')
  expect(() => parseNetworks('10.0.0.0/8,secret')).toThrow(/^entry 2 is not an IP address or network$/)
  expect(() => parseNetworks('')).toThrow('entry 1')
})

test('no networks hold nothing', () => {
  expect(matchNetworks([])('127.0.0.1')).toBe(false)
})

test('what comes from a socket never makes the matcher throw', () => {
  const matches = parseNetworks('10.0.0.0/8,fd00::/8')
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
      expect(typeof matches(text)).toBe('boolean')
    }),
  )
})

test('answers stay right while many addresses pass', () => {
  const matches = parseNetworks('10.0.0.0/16')
  const addresses = Array.from({ length: 3000 }, (_, index) => `10.${index % 3}.${index >> 8}.${index & 255}`)
  for (const address of [...addresses, ...addresses]) expect(matches(address)).toBe(address.startsWith('10.0.'))
  expect(matches(`::1%${'x'.repeat(100_000)}`)).toBe(false)
})
