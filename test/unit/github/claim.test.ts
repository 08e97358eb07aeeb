import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Claim, claimOf } from '../../../src/github/claim.ts'

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64')
const claim = (authorization: string, query = '') => claimOf(['authorization', authorization], query)
const basic = (pair: string) => claim(`Basic ${base64(pair)}`)
const password = (userName: string): Claim => ({ kind: 'password', userName })
const token = (text: string): Claim => ({ kind: 'token', token: text })

const HEX_40 = '0123456789abcdef0123456789abcdef01234567'
const HEX_20 = '0123456789abcdef0123'

describe('a request', () => {
  test('without a credential claims nothing', () => {
    expect(claimOf([], '')).toEqual({ kind: 'none' })
    expect(claimOf(['accept', 'x'], 'page=2')).toEqual({ kind: 'none' })
  })

  test('may carry its token in the query', () => {
    expect(claimOf([], `page=2&access_token=${HEX_40}`)).toEqual(token(HEX_40))
    expect(claimOf([], 'access%5Ftoken=x;page=2')).toEqual(token('x'))
    // The field wins, as upstream.
    expect(claim('token y', 'access_token=x')).toEqual(token('y'))
  })

  test('with nothing but a one-time password, or in a scheme that GitHub does not read, cannot be read', () => {
    expect(claimOf(['x-github-otp', '123456'], '')).toEqual({ kind: 'unreadable' })
    for (const value of ['', 'x', 'Digest username="x"', 'Basic', 'Bearer', 'Basicx y', ' ']) {
      expect(claim(value), value).toEqual({ kind: 'unreadable' })
    }
  })
})

describe('a token', () => {
  test.each(['ghp_a1B2', 'gho_x', 'ghs_x', 'github_pat_11A_b', HEX_40, `v1.${HEX_40}`, 'ghs_12.eyJh.bG-c', 'hunter2'])(
    'by itself: %s',
    (text) => {
      for (const scheme of ['token', 'Token', 'bearer', 'BEARER'])
        expect(claim(`${scheme} ${text}`)).toEqual(token(text))
      expect(claim(`  token \t ${text} `)).toEqual(token(text))
    },
  )

  test.each(['ghp_a1B2', 'github_pat_11A_b', HEX_40, `v1.${HEX_40}`, 'ghs_12.eyJh.bG-c'])(
    'in the place of a password or of a user name: %s',
    (text) => {
      expect(basic(`octocat:${text}`)).toEqual(token(text))
      expect(basic(`${text}:x-oauth-basic`)).toEqual(token(text))
      expect(basic(`${text}:`)).toEqual(token(text))
      expect(basic(text)).toEqual(token(text))
    },
  )

  test('of a kind that nobody knows yet, by the word beside it', () => {
    expect(basic('x-access-token:new_kind')).toEqual(token('new_kind'))
    expect(basic('new_kind:x-oauth-basic')).toEqual(token('new_kind'))
    expect(basic('octocat:new_kind')).toEqual({ kind: 'password', userName: 'octocat' })
  })

  test('that an app signed for itself', () => {
    expect(claim('Bearer eyJhbGciOi.eyJpYXQi.c2ln-_')).toEqual({ kind: 'signed' })
    expect(claim('token a.b.c')).toEqual({ kind: 'signed' })
    expect(claim('Bearer a.b')).toEqual(token('a.b'))
    expect(claim('Bearer a.b.c.d')).toEqual(token('a.b.c.d'))
  })
})

describe('an application', () => {
  test.each([HEX_20, 'Iv1.8a61f9b3a7aba766', 'Iv23liABCDEFGHIJKLMN', 'Ov23liABCDEFGHIJKLMN'])('%s', (clientId) => {
    expect(basic(`${clientId}:secret`)).toEqual({ kind: 'application', clientId })
    // Older secrets look like tokens.
    expect(basic(`${clientId}:${HEX_40}`)).toEqual({ kind: 'application', clientId })
    expect(basic(`${clientId}:`)).toEqual(password(clientId.toLowerCase()))
  })

  test('is no user whose name only begins like a client id', () => {
    for (const name of [
      'Ivanovich',
      'Ivan.the.Terrible',
      'Overlook99',
      'Iv1.short',
      `${HEX_20}0`,
      'iv23liabcdefghijklmn',
    ]) {
      expect(basic(`${name}:secret`), name).toEqual(password(name.toLowerCase()))
    }
  })
})

describe('a password', () => {
  test('names a user, in lower case', () => {
    expect(basic('octocat:secret')).toEqual(password('octocat'))
    expect(basic('OctoCat:secret')).toEqual(password('octocat'))
    expect(basic('octocat:')).toEqual(password('octocat'))
    expect(basic('octocat')).toEqual(password('octocat'))
    expect(basic('Mona@Example.com:secret')).toEqual(password('mona@example.com'))
    expect(basic('api_key:secret')).toEqual(password('api_key'))
  })

  test('may hold anything, colons too', () => {
    expect(basic(`octocat:a:${HEX_40}`)).toEqual(password('octocat'))
    expect(basic('octocat:ghp')).toEqual(password('octocat'))
    expect(basic('octocat: ghp_x')).toEqual(password('octocat'))
  })

  test('is known for one whatever name a directory may have', () => {
    expect(basic('CORP\\Mona:secret')).toEqual(password('corp\\mona'))
    expect(basic('MÖNA:secret')).toEqual(password('möna'))
    expect(basic(`${'x'.repeat(100)}:secret`)).toEqual(password('x'.repeat(100)))
  })

  test('is for the same user whatever stands around or in the name that is no part of it', () => {
    for (const name of [' octocat', 'octocat\t', 'octocat\0', 'octo\ncat', '\u00a0octocat', '\ufeffoctocat']) {
      expect(basic(`${name}:secret`), JSON.stringify(name)).toEqual(password('octocat'))
    }
  })

  test('without a name, or with a longer one than anybody has, is none', () => {
    for (const pair of ['', ':', ':secret', ' \n:secret', `${'x'.repeat(101)}:secret`]) {
      expect(basic(pair), pair).toEqual({ kind: 'unreadable' })
    }
  })

  const PAIR = base64('octocat:secretx')
  test.each([
    ['lower case', `basic ${PAIR}`],
    ['spaces', `  BASIC \t ${PAIR}  `],
    ['no padding', `Basic ${PAIR.replace(/=+$/, '')}`],
    ['too much padding', `Basic ${PAIR}====`],
    ['something behind the padding', `Basic ${PAIR}${PAIR.endsWith('=') ? '' : '='}${base64('x:ghp_x')}`],
    ['what is no base64 in between', `Basic ${PAIR.slice(0, 3)}!-_ \n${PAIR.slice(3)}`],
    ['a digit too many', `Basic ${base64('octocat:12')}A`],
  ])('is read as leniently as the upstream reads it: %s', (_what, authorization) => {
    expect(claim(authorization)).toEqual(password('octocat'))
  })

  test('is known for one however its base64 is strewn with what is none', () => {
    const strewn = fc.array(fc.constantFrom('!', '-', ' ', '\t', '%', '\u00e9'), { maxLength: 3 })
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
        fc.stringMatching(/^[ -~]{0,12}$/),
        fc.array(strewn, { minLength: 60, maxLength: 60 }),
        (name, secret, noise) => {
          const digits = base64(`${name}:p${secret}`)
          // The end stays: what stands there is taken off with the spaces around the field's value.
          const value = [...digits].map((digit, index) => `${(noise[index] ?? []).join('')}${digit}`).join('')
          expect(claim(`Basic ${value}`)).toEqual(password(name))
        },
      ),
    )
  })
})

describe('reading', () => {
  test('never throws', () => {
    const octet = fc.nat(255).map((code) => String.fromCharCode(code))
    const scheme = fc.constantFrom('Basic ', 'token ', 'Bearer ', '')
    fc.assert(
      fc.property(scheme, fc.string({ unit: octet }), fc.string(), (before, value, query) => {
        expect(claimOf(['authorization', before + value], query).kind).toMatch(/^[a-z]+$/)
      }),
    )
  })

  // As in hostile-input.test.ts: work that grows with the square of this length outlasts the runner's limit.
  test.each([' ', '\t', 'a.', 'a ', '= ', '=', '!', 'A', '.'])('takes no longer for a long run of "%s"', (unit) => {
    const run = unit.repeat(60_000 / unit.length)
    for (const scheme of ['Basic', 'Bearer', '']) {
      expect(claim(`${scheme} x${run}y`).kind).toMatch(/^[a-z]+$/)
      expect(claim(`${scheme}${run}x${run}!`).kind).toMatch(/^[a-z]+$/)
      expect(claim(`${scheme} ${base64(`${run}:${run}`)}`).kind).toMatch(/^[a-z]+$/)
    }
  })
})
