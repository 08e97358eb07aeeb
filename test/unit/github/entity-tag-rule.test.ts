import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createDigest } from '../../../src/entry/node/digest.ts'
import {
  credentialKind,
  hashedFields,
  looksHashed,
  predictedTag,
  USUAL_FIELDS,
} from '../../../src/github/entity-tag-rule.ts'

const digest = createDigest(new TextEncoder().encode('key of the tests'))
const bytes = (text: string) => new TextEncoder().encode(text)

describe('the tag that GitHub gives', () => {
  const VECTOR = 'dd66f6cabb1424932bbaeb3d724dd153e093918307352cd8dcc70127d5b9b233'

  test('to the empty list, with `Accept: */*` and `Bearer hunter2`', () => {
    const request = ['accept', '*/*', 'authorization', 'Bearer hunter2']
    expect(predictedTag(digest, request, USUAL_FIELDS, bytes('[]'))).toBe(VECTOR)
    expect(digest.sha256('*/*:Bearer hunter2:', bytes('[]'))).toBe(VECTOR)
  })

  test('does not depend on the order or the number of other request fields, and never on Cookie', () => {
    const request = ['authorization', 'Bearer hunter2', 'cookie', 'a=b', 'x-github-otp', '1', 'accept', '*/*']
    expect(predictedTag(digest, request, USUAL_FIELDS, bytes('[]'))).toBe(VECTOR)
  })

  test('is over exactly the fields that take part, each followed by a colon, and the body', () => {
    const value = fc.string({ unit: 'binary-ascii', maxLength: 12 })
    const field = fc.option(value, { nil: undefined })
    fc.assert(
      fc.property(field, field, fc.boolean(), fc.boolean(), fc.uint8Array({ maxLength: 40 }), (...drawn) => {
        const [accept, authorization, acceptTakesPart, authorizationTakesPart, body] = drawn
        const request = [
          ...(accept === undefined ? [] : ['accept', accept]),
          ...(authorization === undefined ? [] : ['authorization', authorization]),
        ]
        // Absent is not empty: what is absent adds no colon either.
        const expected = createHash('sha256')
        if (acceptTakesPart && accept !== undefined) expected.update(`${accept}:`)
        if (authorizationTakesPart && authorization !== undefined) expected.update(`${authorization}:`)
        expected.update(body)
        const fields = { accept: acceptTakesPart, authorization: authorizationTakesPart }
        expect(predictedTag(digest, request, fields, body)).toBe(expected.digest('hex'))
      }),
    )
  })

  test('joins two Accept lines', () => {
    const joined = predictedTag(digest, ['accept', 'a, b'], USUAL_FIELDS, bytes('{}'))
    expect(predictedTag(digest, ['accept', 'a', 'accept', 'b'], USUAL_FIELDS, bytes('{}'))).toBe(joined)
    expect(predictedTag(digest, ['accept', 'a'], USUAL_FIELDS, bytes('{}'))).not.toBe(joined)
  })

  test('is over the bytes of the fields as they were on the wire', () => {
    const expected = createHash('sha256')
      .update(new Uint8Array([0x70, 0xe4, 0xff, 0x3a]))
      .update('{}')
      .digest('hex')
    expect(predictedTag(digest, ['authorization', 'p\xe4\xff'], USUAL_FIELDS, bytes('{}'))).toBe(expected)
  })
})

test.each<[string, string[], { accept: boolean; authorization: boolean }]>([
  ['one line', ['vary', 'Accept, Authorization, Cookie'], { accept: true, authorization: true }],
  [
    'two lines',
    ['vary', 'Accept-Encoding, Accept', 'etag', '"a"', 'vary', 'X-GitHub-OTP, Authorization'],
    { accept: true, authorization: true },
  ],
  ['two lines the other way round', ['vary', 'Authorization', 'vary', 'Accept'], { accept: true, authorization: true }],
  ['any case', ['vary', 'ACCEPT,authorization'], { accept: true, authorization: true }],
  ['without Authorization', ['vary', 'Accept, Accept-Encoding'], { accept: true, authorization: false }],
  ['without Accept', ['vary', 'Accept-Encoding, Authorization'], { accept: false, authorization: true }],
  [
    'names that only begin alike',
    ['vary', 'Accept-Encoding, Accept-Language, X-Authorization'],
    { accept: false, authorization: false },
  ],
  ['none at all', [], { accept: false, authorization: false }],
])('Vary says which fields take part: %s', (_name, headers, fields) => {
  expect(hashedFields(headers)).toEqual(fields)
})

test.each([
  ['dd66f6cabb1424932bbaeb3d724dd153e093918307352cd8dcc70127d5b9b233', true],
  ['DD66f6cabb1424932bbaeb3d724dd153e093918307352cd8dcc70127d5b9b233', false],
  ['dd66f6cabb1424932bbaeb3d724dd153e093918307352cd8dcc70127d5b9b23', false],
  ['dd66f6cabb1424932bbaeb3d724dd153e093918307352cd8dcc70127d5b9b2330', false],
  ['gd66f6cabb1424932bbaeb3d724dd153e093918307352cd8dcc70127d5b9b233', false],
  ['3d21ec53a331a6f037a91c368710b99387d012c1', false],
  ['1f0d2e1b8c9a4f5e6d7c8b9a0f1e2d3c', false],
  ['', false],
])('whether %j can be such a hash: %s', (opaque, expected) => {
  expect(looksHashed(opaque)).toBe(expected)
})

test.each([
  [['authorization', 'Basic b2N0bzpjYXQ='], 'basic'],
  [['authorization', 'BASIC b2N0bzpjYXQ='], 'basic'],
  [['authorization', 'token abc'], 'token'],
  [['authorization', 'Bearer abc'], 'token'],
  [['authorization', 'bearer abc'], 'token'],
  [['authorization', 'BearerX abc'], 'other'],
  [['authorization', 'Digest username="x"'], 'other'],
  [['authorization', ''], 'other'],
  [['accept', 'Basic'], 'other'],
  [[], 'other'],
])('the kind of credential of %j is %s', (headers, kind) => {
  expect(credentialKind(headers)).toBe(kind)
})
