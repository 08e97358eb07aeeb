import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseShareOrPercentage, ValueProblem } from '../../src/config/values.ts'
import { parseSettings, type Settings, SettingsError } from '../../src/config.ts'

const hash = createHash('sha256').update('ghp_example').digest('base64')
const files: Readonly<Record<string, string>> = {
  '/accounts.json': JSON.stringify({ Octocat: [hash] }),
  '/clients.json': JSON.stringify({ ci: 'key-of-the-ci-0123' }),
  '/list.json': '[]',
  '/secret': 'file-secret\n',
}

function readFile(path: string): string {
  const text = files[path]
  if (text === undefined) throw Object.assign(new Error(`ENOENT, open '${path}'`), { code: 'ENOENT' })
  return text
}

const required = { WEIR_UPSTREAM: 'https://ghes.example.com' }

function budget(variables: Readonly<Record<string, string>> = {}): Settings['budget'] {
  return parseSettings({ ...required, ...variables }, readFile).budget
}

function problems(variables: Readonly<Record<string, string>>): readonly string[] {
  try {
    budget(variables)
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  return []
}

test('defaults', () => {
  expect(budget()).toEqual({
    reserve: 0.1,
    maxWaitMilliseconds: 5000,
    staleOnLimit: { milliseconds: 900_000, isSet: false },
    concurrency: 80,
    pointsPerMinute: 900,
    writeIntervalMilliseconds: 1000,
    accounts: new Map(),
    sharedEgress: undefined,
    anonymousApplication: undefined,
    clients: new Map(),
  })
})

test('given', () => {
  const given = budget({
    WEIR_RESERVE: '0.25',
    WEIR_STALE_ON_LIMIT: '15m',
    WEIR_MAX_WAIT: '300ms',
    WEIR_CONCURRENCY: '65535',
    WEIR_POINTS_PER_MINUTE: '5',
    WEIR_WRITE_INTERVAL: '2s',
    WEIR_ACCOUNTS_FILE: ' /accounts.json ',
    WEIR_SHARED_EGRESS: 'nat-1.eu_west',
    WEIR_ANONYMOUS_CLIENT_ID: 'Iv1.0123456789abcdef',
    WEIR_ANONYMOUS_CLIENT_SECRET: '0123456789012345678901234567890123456789',
    WEIR_CLIENTS_FILE: '/clients.json',
  })
  expect(given).toEqual({
    reserve: 0.25,
    maxWaitMilliseconds: 300,
    staleOnLimit: { milliseconds: 900_000, isSet: true },
    concurrency: 65_535,
    pointsPerMinute: 5,
    writeIntervalMilliseconds: 2000,
    accounts: new Map([[hash, 'user:octocat']]),
    sharedEgress: 'nat-1.eu_west',
    anonymousApplication: {
      clientId: 'Iv1.0123456789abcdef',
      clientSecret: '0123456789012345678901234567890123456789',
    },
    clients: new Map([['ci', ['key-of-the-ci-0123']]]),
  })
  expect([given, given.staleOnLimit, given.anonymousApplication].map(Object.isFrozen)).not.toContain(false)
  expect(Object.isFrozen(given.clients.get('ci'))).toBe(true)
})

test('nothing at all, where that means something', () => {
  expect(
    budget({
      WEIR_RESERVE: '0',
      WEIR_STALE_ON_LIMIT: '0s',
      WEIR_MAX_WAIT: '0s',
      WEIR_POINTS_PER_MINUTE: '0',
      WEIR_WRITE_INTERVAL: '0s',
    }),
  ).toMatchObject({
    reserve: 0,
    maxWaitMilliseconds: 0,
    staleOnLimit: { milliseconds: 0, isSet: true },
    pointsPerMinute: 0,
    writeIntervalMilliseconds: 0,
  })
})

test.each([
  ['WEIR_RESERVE', ['1.1', '101%', '-1%', '%', '10 %', '1e1%', '.5%', 'some', '100.1%', '10%%']],
  ['WEIR_STALE_ON_LIMIT', ['0', '15', 'never', '-1s']],
  ['WEIR_MAX_WAIT', ['0', '5', 'never', '577h']],
  ['WEIR_CONCURRENCY', ['0', '65536', '-1', '1.5', 'many']],
  ['WEIR_POINTS_PER_MINUTE', ['1', '4', '-1', '1000001', '900/m']],
  ['WEIR_WRITE_INTERVAL', ['0', '1', 'none']],
  ['WEIR_SHARED_EGRESS', ['a b', 'a/b', 'é', 'x'.repeat(65)]],
  ['WEIR_ACCOUNTS_FILE', ['/gone.json', '/list.json', '/secret']],
  ['WEIR_CLIENTS_FILE', ['/gone.json', '/list.json', '/secret']],
])('%s is not any of %j', (name, values) => {
  for (const given of values) {
    expect(problems({ [name]: given })).toEqual([expect.stringMatching(`^${name}: got ".*; wanted .*such as `)])
  }
})

test('a limit that no write would fit in says so', () => {
  expect(problems({ WEIR_POINTS_PER_MINUTE: '4' })[0]).toContain('which no write would fit in')
})

describe('the application in whose name anonymous requests go upstream', () => {
  const id = 'WEIR_ANONYMOUS_CLIENT_ID'
  const secret = 'WEIR_ANONYMOUS_CLIENT_SECRET'

  test('has both an id and a secret', () => {
    expect(problems({ [id]: 'a' })).toEqual([expect.stringMatching(`^${secret}: not set although ${id} is; wanted`)])
    expect(problems({ [secret]: 'hush' })).toEqual([
      expect.stringMatching(`^${id}: not set although ${secret} is; wanted`),
    ])
    expect(problems({ [`${secret}_FILE`]: '/secret' })).toEqual([
      expect.stringMatching(`^${id}: not set although ${secret} is; wanted`),
    ])
  })

  test('may have its secret in a file', () => {
    const { anonymousApplication } = budget({ [id]: 'a', [`${secret}_FILE`]: '/secret' })
    expect(anonymousApplication).toEqual({ clientId: 'a', clientSecret: 'file-secret' })
    expect(problems({ [id]: 'a', [secret]: 'hush', [`${secret}_FILE`]: '/secret' })).toEqual([
      `${secret}: set together with ${secret}_FILE; wanted only one of the two`,
    ])
  })

  test.each(['a b', 'a:b', 'é', 'x'.repeat(101)])('has no such id: %j', (text) => {
    expect(problems({ [id]: text, [secret]: 'x' })).toEqual([
      expect.stringMatching(`^${id}: got ".*", which .*; wanted .*such as `),
    ])
  })

  test.each(['hush hush', 'hush:hush', 'hush\n', 'hüsh-hush', 'hush'.repeat(26)])('has no such secret: %j', (text) => {
    const found = problems({ [id]: 'a', [secret]: text })
    expect(found).toEqual([expect.stringMatching(`^${secret}: got a value \\(not shown\\), which .*; wanted `)])
    expect(found[0]).not.toContain('hush')
  })

  test('and no secret is repeated where the id belongs', () => {
    const swapped = '0123456789abcdef0123456789abcdef01234567 x'
    expect(problems({ [id]: swapped, [secret]: 'x' })[0]).toContain(`${id}: got "*** x"`)
  })
})

test('every problem is reported, those of the files too', () => {
  const found = problems({
    WEIR_RESERVE: '2',
    WEIR_MAX_WAIT: 'x',
    WEIR_CONCURRENCY: '0',
    WEIR_ACCOUNTS_FILE: '/secret',
    WEIR_ANONYMOUS_CLIENT_ID: 'a',
    WEIR_CLIENTS_FILE: '/gone.json',
  })
  expect(found.map((line) => line.replace(/:.*/, '')).sort()).toEqual([
    'WEIR_ACCOUNTS_FILE',
    'WEIR_ANONYMOUS_CLIENT_SECRET',
    'WEIR_CLIENTS_FILE',
    'WEIR_CONCURRENCY',
    'WEIR_MAX_WAIT',
    'WEIR_RESERVE',
  ])
})

test('a share and its percentage are the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1000 }), (thousandths) => {
      const share = parseShareOrPercentage((thousandths / 1000).toFixed(3))
      expect(share).toBe(thousandths / 1000)
      expect(parseShareOrPercentage(`${(thousandths / 10).toFixed(1)}%`)).toBeCloseTo(share, 12)
    }),
  )
  fc.assert(
    fc.property(fc.double({ min: 100.001, max: 999, noNaN: true }), (percent) => {
      expect(() => parseShareOrPercentage(`${percent.toFixed(3)}%`)).toThrow(ValueProblem)
    }),
  )
})
