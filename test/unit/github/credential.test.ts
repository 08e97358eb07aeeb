import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { credentialOf, withoutSecrets } from '../../../src/github/credential.ts'
import { digest } from '../outbound/harness.ts'

const CANARY = 'canary0123456789'
const fingerprint = (headers: string[], query = '') => credentialOf(headers, query, digest).fingerprint

describe('credentials', () => {
  test('the exact value counts: scheme, casing, one-time password and query', () => {
    const different = [
      fingerprint(['authorization', 'token x']),
      fingerprint(['authorization', 'Bearer x']),
      fingerprint(['authorization', 'bearer x']),
      fingerprint(['authorization', 'Bearer x ']),
      fingerprint(['authorization', '']),
      fingerprint(['x-github-otp', '123456']),
      fingerprint(['authorization', 'token x', 'x-github-otp', '123456']),
      fingerprint([], 'access_token=x'),
      fingerprint([], 'ACCESS_TOKEN=x'),
      fingerprint([], 'access_token=y'),
      fingerprint([], 'client_id=x'),
      fingerprint([], 'client_id=x&client_secret=y'),
      fingerprint(['authorization', 'token x'], 'access_token=x'),
      fingerprint([]),
    ]
    expect(new Set(different).size).toBe(different.length)
    expect(fingerprint(['authorization', 'token x'], 'page=2')).toBe(different[0])
    expect(different.join()).not.toContain('Bearer')
  })

  test('only a request without any of these is anonymous', () => {
    expect(credentialOf(['accept', 'x'], 'page=2&per_page=100', digest).isAnonymous).toBe(true)
    expect(credentialOf(['authorization', ''], '', digest).isAnonymous).toBe(false)
    expect(credentialOf([], 'client_id=1', digest).isAnonymous).toBe(false)
  })

  test.each([
    [['authorization', CANARY, 'authorization', 'other']],
    [['authorization', CANARY, 'authorization', CANARY]],
    [['authorization', 'a', 'x-github-otp', CANARY, 'x-github-otp', 'other']],
    [['x-github-otp', CANARY, 'x-github-otp', 'other']],
  ])('two of one kind are refused, without being repeated: %j', (headers) => {
    let refused: unknown
    try {
      fingerprint(headers)
    } catch (thrown) {
      refused = thrown
    }
    expect(refused).toMatchObject({ tag: 'bad-request' })
    expect(String(refused)).toContain('more than one credential')
    expect(String(refused)).not.toContain(CANARY)
  })

  const name = fc.constantFrom(
    'access_token',
    'client_id',
    'client_secret',
    'oauth_token',
    'token',
    'Access_Token',
    'access%5Ftoken',
    '%61ccess_token',
    'access%5ftoken',
    '[access_token]',
    'access_token[]',
    '%5Baccess_token%5D',
    '+access_token',
  )
  const plain = fc.constantFrom('page=2', 'q=token', 'x', '', 'tokens=1', 'a=b%3D', 'my_token_count=3')
  const separator = fc.constantFrom('&', ';', '&&')

  test('a secret in the query is a credential and is left out of keys, however its name is written', () => {
    fc.assert(
      fc.property(plain, name, plain, separator, separator, (before, secret, after, left, right) => {
        const query = `${before}${left}${secret}=${CANARY}${right}${after}`
        const other = query.replace(CANARY, 'another')
        expect(credentialOf([], query, digest).isAnonymous).toBe(false)
        expect(fingerprint([], query)).not.toBe(fingerprint([], other))
        expect(withoutSecrets(query)).not.toContain(CANARY)
        expect(withoutSecrets(query)).toBe(withoutSecrets(other))
      }),
    )
  })

  test('everything else in the query stays as it was', () => {
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 5 }), separator, (parts, between) => {
        const query = parts.join(between)
        expect(withoutSecrets(query)).toBe(query)
        expect(withoutSecrets(`${query}&token=${CANARY}&z=1`)).toBe(`${query}&token=&z=1`)
      }),
    )
  })
})
