import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAccountsFile } from '../../src/config/accounts-file.ts'
import { ValueProblem } from '../../src/config/values.ts'

const parse = (content: unknown) =>
  parseAccountsFile('/accounts.json', () => (typeof content === 'string' ? content : JSON.stringify(content)))

/** What is wrong with a file, as the end of "got x, …". */
function faultOf(content: unknown): string {
  try {
    parse(content)
  } catch (error) {
    if (error instanceof ValueProblem) return error.message
    throw error
  }
  return ''
}

const hashOf = (token: string) => createHash('sha256').update(token).digest('base64')
const [one, two] = [hashOf('one'), hashOf('two')]

describe('accounts', () => {
  test('hold the hashes of their tokens', () => {
    const accounts = parse({ octocat: [one, two], 'installation:1234': [hashOf('three')] })
    expect(accounts).toEqual(
      new Map([
        [one, 'user:octocat'],
        [two, 'user:octocat'],
        [hashOf('three'), 'installation:1234'],
      ]),
    )
  })

  test.each([
    ['octocat', 'user:octocat'],
    ['OctoCat', 'user:octocat'],
    ['user:OctoCat', 'user:octocat'],
    ['mona-lisa_acme', 'user:mona-lisa_acme'],
    ['0', 'user:0'],
    ['__proto__', undefined],
    ['x__proto__', 'user:x__proto__'],
    ['installation:1', 'installation:1'],
    ['application:Iv1.0123456789abcdef', 'application:Iv1.0123456789abcdef'],
    ['application:0123456789abcdef0123', 'application:0123456789abcdef0123'],
  ])('%s is %s', (name, account) => {
    const content = `{${JSON.stringify(name)}: ["${one}"]}`
    if (account === undefined) expect(faultOf(content)).toContain('neither a login nor an account')
    else expect(parse(content).get(one)).toBe(account)
  })

  test.each([
    '',
    'octo cat',
    '-octocat',
    'octo/cat',
    'x'.repeat(40),
    'user:',
    'user:a:b',
    'installation:',
    'installation:0',
    'installation:01',
    'installation:12x',
    'Installation:12',
    'application:',
    'application:a b',
    'team:a',
  ])('%j is the name of none', (name) => {
    expect(faultOf({ octocat: [], [name]: [one] })).toBe(
      'where the name of member 2 of $ is neither a login nor an account',
    )
  })

  test('one that is named twice has the hashes of both', () => {
    expect([...parse({ octocat: [one], 'user:Octocat': [two, one] }).values()]).toEqual([
      'user:octocat',
      'user:octocat',
    ])
  })

  test('there may be none, and an account may have no hash', () => {
    expect(parse({}).size).toBe(0)
    expect(parse({ octocat: [] }).size).toBe(0)
  })

  test('hash what openssl and GitHub’s audit log hash', () => {
    // printf %s ghp_example | openssl dgst -sha256 -binary | base64
    const printed = 'xIVfVMP8ms8jGQhkVMK5/mMBcQOErLxavyxPSrE+ZAs='
    expect([...parse({ octocat: [printed] }).keys()]).toEqual([hashOf('ghp_example')])
  })
})

describe('hashes', () => {
  test('are of any 32 bytes, in either alphabet, padded or not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const standard = Buffer.from(bytes).toString('base64')
        const url = Buffer.from(bytes).toString('base64url')
        fc.pre(!/^gh[a-z]_/i.test(url))
        for (const text of [standard, standard.slice(0, 43), url, `${url}=`]) {
          expect([...parse({ octocat: [text] })]).toEqual([[standard, 'user:octocat']])
        }
      }),
    )
  })

  test('are of no other number of bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.constantFrom('base64', 'base64url', 'hex'),
        (bytes, encoding) => {
          const text = Buffer.from(bytes).toString(encoding)
          fc.pre(bytes.length !== 32 && text.length !== 40 && text.length !== 43)
          expect(faultOf({ octocat: [text] })).toMatch(/^where \$\["octocat"\]\[0\] is /)
        },
      ),
    )
  })

  test('have no bits beyond their 32 bytes', () => {
    expect(faultOf({ octocat: [`${one.slice(0, 42)}B=`] })).toContain('is not 44 characters of base64')
  })

  test.each([
    ['a'.repeat(64), 'is in hexadecimal digits, not in base64'],
    ['', 'is not 44 characters of base64'],
    [`${one}\n`, 'is not 44 characters of base64'],
    [`${one}=`, 'is not 44 characters of base64'],
    [` ${one}`, 'is not 44 characters of base64'],
    [1, 'is no text'],
    [null, 'is no text'],
    [[one], 'is no text'],
    [{ length: 1 }, 'is no text'],
  ])('are not %j', (value, fault) => {
    expect(faultOf({ octocat: [two, value] })).toBe(`where $["octocat"][1] ${fault}`)
  })

  test('of two accounts are a fault that names both places', () => {
    const url = one.replaceAll('+', '-').replaceAll('/', '_').replace('=', '')
    expect(faultOf({ octocat: [two, one], 'installation:1': [url] })).toBe(
      'where $["installation:1"][0] is the same as $["octocat"][1], of another account',
    )
  })

  test('are at most ten thousand', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => hashOf(String(index)))
    expect(parse({ octocat: many(10_000) }).size).toBe(10_000)
    expect(faultOf({ octocat: many(9999), hubot: [one, two] })).toBe('where there are more than 10000 hashes')
  })
})

describe('tokens in clear', () => {
  const tokens = [
    `ghp_${'hush'.repeat(9)}`,
    `gho_${'hush'.repeat(9)}`,
    `ghs_${'hush'.repeat(20)}`,
    // As long as a hash.
    `ghu_${'hush'.repeat(9)}hus`,
    `ghu_${'hush'.repeat(10)}`.slice(0, 43),
    `github_pat_11${'HUSH'.repeat(20)}`,
    'abcd'.repeat(10),
    'ABCD'.repeat(10),
    `v1.${'abcd'.repeat(10)}`,
  ]

  test.each(tokens)('are told apart from hashes and not repeated: %s', (token) => {
    const fault = faultOf({ octocat: [one, token] })
    expect(fault).toBe('where $["octocat"][1] looks like a token itself, not like the hash of one')
  })

  test.each(tokens.filter((token) => token.length >= 40))('are not repeated in the place of a name: %s', (token) => {
    const fault = faultOf({ [token]: ['octocat'], [`user:${token}`]: 'x' })
    expect(fault).toContain('the name of member 1 of $ is neither')
    expect(fault).toContain('member 1 of $[0] is not 44')
    expect(fault).toContain('member 2 of $ is no array')
    expect(fault).not.toMatch(/hush|abcd/i)
  })
})

describe('the file', () => {
  test.each(['[]', 'null', '"x"', '1'])('holds an object, not %s', (text) => {
    expect(faultOf(text)).toBe('where $ is no object')
  })

  test.each(['', '{', '{"octocat": [hush-hush]}', 'ghp_hush'])('holds JSON, not %j', (text) => {
    expect(faultOf(text)).toBe('which holds no JSON')
  })

  test('is not the JSON text itself', () => {
    const read = () => {
      throw new Error('asked to read')
    }
    for (const text of ['{"octocat": []}', ' {}', '["a"]']) {
      expect(() => parseAccountsFile(text, read)).toThrow('which is the JSON text itself')
    }
  })

  test('that cannot be read is a problem without the reader’s own words', () => {
    const read = (path: string) => {
      throw Object.assign(new Error(`open ${path}: hush`), { code: 'EACCES' })
    }
    expect(() => parseAccountsFile('/a', read)).toThrow(/^which this process may not read$/)
  })

  test('tells all its faults, up to five one by one', () => {
    expect(faultOf({ octocat: 'x', 'a b': [1], hubot: [two, 2] })).toBe(
      'where $["octocat"] is no array, the name of member 2 of $ is neither a login nor an account, member 2 of $[0] is no text, $["hubot"][1] is no text',
    )
    expect(faultOf({ octocat: [1, 2, 3, 4, 5, 6, 7] })).toMatch(/\[4\] is no text, and there are 2 more$/)
    expect(faultOf({ octocat: [1, 2, 3, 4, 5] })).toMatch(/\[4\] is no text$/)
  })

  test('never has a value of its repeated', () => {
    const values = fc.oneof(fc.stringMatching(/^[a-z]{9,50}$/), fc.stringMatching(/^[A-Za-z0-9+/=_.: -]{9,50}$/))
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 4 }), values, (list, text) => {
        const fault = faultOf({ octocat: list, hubot: text })
        expect(fault).not.toBe('')
        for (const value of [...list, text]) if (!SENTENCES.includes(value)) expect(fault).not.toContain(value)
      }),
    )
  })
})

/** What faults consist of: a random text may happen to be a piece of it. */
const SENTENCES =
  'where $["octocat"][0] is no array, the name of member 2 of $ is neither a login nor an account, is not 44 characters of base64, looks like a token itself, not like the hash of one, is in hexadecimal digits, not in base64'
