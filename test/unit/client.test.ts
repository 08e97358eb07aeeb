import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Failure } from '../../src/errors.ts'
import { clientNetworkOf } from '../../src/http/client-network.ts'
import { isPlainName } from '../../src/http/plain-name.ts'
import { type ClientOf, clientOf } from '../../src/middleware/inbound/client.ts'
import type { Digest } from '../../src/ports.ts'

const hashed: string[] = []
const digest: Digest = {
  fingerprint: (text) => {
    hashed.push(text)
    return createHmac('sha256', 'test').update(text).digest('base64url')
  },
  contentKey: () => '',
  sha256: () => '',
}

const keys = new Map([
  ['ci', ['key-of-the-ci-0123']],
  ['dashboards', ['old-key-of-them-01', 'new-key-of-them-02']],
])
const withKeys = clientOf(keys, digest)
const withoutKeys = clientOf(new Map(), digest)
const at = '192.0.2.1'

/** The failure that a request meets, as the client is told it. */
function refusal(ask: ClientOf, headers: readonly string[]): string {
  try {
    ask(headers, at)
  } catch (error) {
    if (error instanceof Failure && error.tag === 'bad-request') return error.message
    throw error
  }
  return ''
}

describe('the share', () => {
  test('goes by address', () => {
    expect(withKeys(['accept', '*/*'], at)).toEqual({
      client: { group: 'address:192.0.2.1', name: '' },
      isBackground: false,
    })
    expect(withKeys([], '2001:db8:1:2:3:4:5:6').client.group).toBe('address:2001:db8:1:2::/64')
    expect(withKeys([], '').client.group).toBe('address:')
  })

  test('is the app’s own where it has a key, from wherever it asks', () => {
    for (const address of [at, '2001:db8::1']) {
      expect(withKeys(['x-weir-key', 'key-of-the-ci-0123'], address)).toEqual({
        client: { group: 'key:ci', name: '' },
        isBackground: false,
      })
    }
  })

  test('is the same with either key of an app', () => {
    for (const key of ['old-key-of-them-01', 'new-key-of-them-02']) {
      expect(withKeys(['x-weir-key', key], at).client.group).toBe('key:dashboards')
    }
  })

  test('is divided by the name that a client gives itself, and is not another for it', () => {
    expect(withKeys(['x-weir-client', 'a.B_c-9'], at).client).toEqual({ group: 'address:192.0.2.1', name: 'a.B_c-9' })
    expect(withKeys(['x-weir-client', 'key:ci'.slice(4), 'x-weir-key', 'key-of-the-ci-0123'], at).client).toEqual({
      group: 'key:ci',
      name: 'ci',
    })
  })

  test('of an app cannot be had under its name', () => {
    expect(withKeys(['x-weir-client', 'ci'], at).client.group).toBe('address:192.0.2.1')
  })
})

test('priority', () => {
  expect(withKeys(['x-weir-priority', 'background'], at).isBackground).toBe(true)
  expect(withKeys(['x-weir-priority', 'normal'], at).isBackground).toBe(false)
  expect(withKeys(['x-weir-priority', 'background', 'x-weir-client', 'a'], at)).toEqual({
    client: { group: 'address:192.0.2.1', name: 'a' },
    isBackground: true,
  })
})

describe('keys', () => {
  const unknown = 'The request is malformed: unknown X-Weir-Key'

  test.each(['', 'wrong-wrong-wrong-1', 'key-of-the-ci-012', 'KEY-of-the-ci-0123', 'x'.repeat(257), 'ci'])(
    'that nobody has are refused: %j',
    (key) => {
      expect(refusal(withKeys, ['x-weir-key', key])).toBe(unknown)
    },
  )

  test('are no fingerprints, so that a leaked one opens nothing', () => {
    for (const [, ofOne] of keys) {
      for (const key of ofOne) {
        for (const text of [key, `client key\n${key}`]) {
          expect(refusal(withKeys, ['x-weir-key', digest.fingerprint(text)])).toBe(unknown)
        }
      }
    }
  })

  test('are not looked at where none are configured', () => {
    hashed.length = 0
    const plain = withoutKeys([], at)
    expect(withoutKeys(['x-weir-key', 'key-of-the-ci-0123'], at)).toBe(plain)
    expect(withoutKeys(['x-weir-key', '', 'x-weir-key', 'b'], at)).toBe(plain)
    expect(clientOf(new Map([['ci', []]]), digest)(['x-weir-key', 'a'], at)).toEqual(plain)
    expect(hashed).toEqual([])
  })

  test('are hashed as keys only, once each at the start, and never where they are too long to be one', () => {
    hashed.length = 0
    const ask = clientOf(keys, digest)
    expect(hashed).toEqual([...keys.values()].flat().map((key) => `client key\n${key}`))
    hashed.length = 0
    expect(refusal(ask, ['x-weir-key', 'x'.repeat(257)])).toBe(unknown)
    expect(hashed).toEqual([])
  })
})

describe('a malformed field is refused, and not repeated:', () => {
  test.each(['', 'a b', 'a/b', 'hush:hush', 'hüsh', 'x'.repeat(65), 'a,b'])('X-Weir-Client %j', (name) => {
    expect(refusal(withKeys, ['x-weir-client', name])).toBe(
      'The request is malformed: X-Weir-Client is not 1 to 64 letters, digits, ".", "_" and "-"',
    )
  })

  test.each(['', 'Background', 'background ', 'low', 'background, normal'])('X-Weir-Priority %j', (priority) => {
    expect(refusal(withKeys, ['x-weir-priority', priority])).toBe(
      'The request is malformed: X-Weir-Priority is neither background nor normal',
    )
  })

  test.each([
    ['X-Weir-Key', 'key-of-the-ci-0123'],
    ['X-Weir-Client', 'a'],
    ['X-Weir-Priority', 'normal'],
  ])('%s twice', (name, value) => {
    const field = name.toLowerCase()
    expect(refusal(withKeys, [field, value, 'accept', '*/*', field, value])).toBe(
      `The request is malformed: ${name} stands twice where it may stand once`,
    )
  })
})

describe('what is remembered', () => {
  test('costs nothing again: an address has one and the same caller', () => {
    const ask = clientOf(keys, digest)
    for (const address of [at, '2001:db8::1']) {
      const first = ask([], address)
      expect(ask(['accept', 'a', 'x-weir-other', 'b'], address)).toBe(first)
    }
  })

  test('is bounded, and right for every address', () => {
    const ask = clientOf(new Map(), digest)
    const first = ask([], at)
    for (let index = 0; index < 1023; index++) ask([], `10.0.${index >> 8}.${index & 255}`)
    expect(ask([], at)).toBe(first)
    ask([], '10.9.9.9')
    expect(ask([], at)).not.toBe(first)
    expect(ask([], at)).toEqual(first)
  })

  test('of keyed requests is nothing, so they drive no address out', () => {
    const ask = clientOf(keys, digest)
    const first = ask([], at)
    for (let index = 0; index < 1100; index++)
      ask(['x-weir-key', 'key-of-the-ci-0123'], `10.0.${index >> 8}.${index & 255}`)
    expect(ask([], at)).toBe(first)
  })
})

test('the answer is what the fields say, in whatever order and among whatever others', () => {
  const field = (name: string, values: fc.Arbitrary<string>) =>
    fc.option(
      values.map((value) => [name, value] as const),
      { nil: undefined },
    )
  const others = fc.array(
    fc.tuple(fc.constantFrom('accept', 'x-weir-keys', 'weir-client', 'authorization', 'x-weir-'), fc.string()),
    { maxLength: 4 },
  )
  const names = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/)
  fc.assert(
    fc.property(
      field('x-weir-key', fc.constantFrom(...[...keys.values()].flat())),
      field('x-weir-client', names),
      field('x-weir-priority', fc.constantFrom('background', 'normal')),
      others,
      fc.infiniteStream(fc.nat()),
      (key, name, priority, rest, order) => {
        const lines = [key, name, priority, ...rest].filter((line) => line !== undefined)
        const shuffled = lines.map((line) => [order.next().value as number, line] as const).sort((a, b) => a[0] - b[0])
        const owner = [...keys].find(([, ofOne]) => key !== undefined && ofOne.includes(key[1]))
        expect(
          withKeys(
            shuffled.flatMap(([, line]) => line),
            at,
          ),
        ).toEqual({
          client: {
            group: owner === undefined ? 'address:192.0.2.1' : `key:${owner[0]}`,
            name: name?.[1] ?? '',
          },
          isBackground: priority?.[1] === 'background',
        })
      },
    ),
  )
})

describe('networks of clients', () => {
  const text6 = (value: bigint) =>
    Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16)).join(':')
  const mapped = (value: bigint) => value >> 32n === 0xffffn

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8::/64'],
    ['::1', '::/64'],
    ['1:2:3:4::', '1:2:3:4::/64'],
    ['', ''],
    ['a:b', 'a:b'],
    ['unix:', 'unix:'],
  ])('%j is in %j', (address, network) => {
    expect(clientNetworkOf(address)).toBe(network)
  })

  test('are the same for addresses that share their first 64 bits, and for no others', () => {
    const halves = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    fc.assert(
      fc.property(halves, halves, halves, fc.nat(63), (network, host, other, flipped) => {
        const base = (network << 64n) | host
        const near = (network << 64n) | other
        const far = base ^ (1n << BigInt(64 + flipped))
        fc.pre(![base, near, far].some(mapped))
        expect(clientNetworkOf(text6(base))).toBe(clientNetworkOf(text6(near)))
        expect(clientNetworkOf(text6(base))).not.toBe(clientNetworkOf(text6(far)))
        expect(clientNetworkOf(text6(base))).toMatch(/^[0-9a-f:]*::\/64$/)
      }),
    )
  })

  test('are there for whatever an address may look like', () => {
    const texts = fc.oneof(fc.string(), fc.ipV6(), fc.string({ unit: fc.constantFrom(...'0123:.%/f') }))
    fc.assert(
      fc.property(texts, (text) => {
        const network = clientNetworkOf(text)
        if (network !== text) expect(network).toMatch(/^[0-9a-f:]*::\/64$/)
      }),
    )
  })
})

test('plain names', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'aZ09._- /:é\n') }), (text) => {
      const expected = text.length > 0 && text.length <= 64 && [...text].every((each) => 'aZ09._-'.includes(each))
      expect(isPlainName(text)).toBe(expected)
    }),
  )
})
