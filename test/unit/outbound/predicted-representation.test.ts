import { describe, expect, test } from 'vitest'
import type { HashedFields } from '../../../src/github/entity-tag-rule.ts'
import { headerValue } from '../../../src/http/headers.ts'
import type { Question } from '../../../src/middleware/outbound/exchange.ts'
import type { Prediction } from '../../../src/middleware/outbound/predict.ts'
import {
  knownRepresentation,
  predictedRepresentation,
} from '../../../src/middleware/outbound/predicted-representation.ts'
import type { HeaderList, KnownRepresentation } from '../../../src/ports.ts'
import { body } from '../../contract/cache-store.contract.ts'
import { questionFor, START } from './harness.ts'

const OPAQUE = 'dd66f6cabb1424932bbaeb3d724dd153e093918307352cd8dcc70127d5b9b233'
const TYPE = 'application/json; charset=utf-8'
const OF_OTHERS = 'Tue, 14 Apr 2026 00:00:00 GMT'
const NOW = 'Wed, 15 Apr 2026 12:00:00 GMT'
const MOMENT = { epoch: 7, arrivals: 0, askedAt: START - 1000, arrivedAt: START }
const known: KnownRepresentation = {
  bodyKey: 'b',
  length: 1,
  contentType: TYPE,
  lastModified: OF_OTHERS,
  mediaType: 'github.v3; format=json',
  accept: 'application/json',
  seenWithLink: false,
  nextPage: 'possible',
}

function asking(accept?: string): Question {
  const question = questionFor({ authorization: 'token one' })
  return accept === undefined ? question : { ...question, headers: ['accept', accept, ...question.headers] }
}

function made(
  confirming: HeaderList,
  {
    accept = 'application/json',
    fields = { accept: true, authorization: true },
    ...more
  }: { accept?: string; fields?: HashedFields } & Partial<KnownRepresentation> = {},
) {
  const prediction: Prediction = { opaque: OPAQUE, body: body('b'), representation: { ...known, ...more }, fields }
  return predictedRepresentation(asking(accept), prediction, confirming, MOMENT)
}

const COMPLETE = ['date', NOW, 'vary', 'Accept, Authorization', 'etag', `"${OPAQUE}"`]

/** Fields as pairs in alphabetical order: their order among each other means nothing here. */
function pairs(headers: HeaderList): string[] {
  const found: string[] = []
  for (let index = 0; index < headers.length; index += 2) found.push(`${headers[index]}: ${headers[index + 1]}`)
  return found.sort()
}

describe('the fields of a body that was predicted', () => {
  test('are those of the caller’s own 304, what describes the bytes, and no others', () => {
    const { validation, body: held } = made([
      'status',
      '304 Not Modified',
      'date',
      NOW,
      'cache-control',
      'private, max-age=60, s-maxage=60',
      'etag',
      `"${OPAQUE}"`,
      'vary',
      'Accept-Encoding, Accept',
      'vary',
      'X-Requested-With',
      'link',
      '<x>; rel="next"',
      'x-oauth-scopes',
      'repo',
      'x-ratelimit-remaining',
      '4999',
      'x-github-request-id',
      'AB:CD',
      'set-cookie',
      'a=b',
      'content-length',
      '0',
      'content-type',
      'text/plain',
      'content-encoding',
      'gzip',
      'content-location',
      '/elsewhere',
    ])
    expect(held).toEqual(body('b'))
    expect(pairs(validation.headers)).toEqual(
      [
        'status: 200 OK',
        `date: ${NOW}`,
        'cache-control: private, max-age=60, s-maxage=60',
        `etag: "${OPAQUE}"`,
        'vary: Accept-Encoding, Accept',
        'vary: X-Requested-With',
        'vary: Authorization',
        'link: <x>; rel="next"',
        'x-oauth-scopes: repo',
        `content-type: ${TYPE}`,
        `last-modified: ${OF_OTHERS}`,
        'x-github-media-type: github.v3; format=json',
      ].sort(),
    )
    expect(validation).toMatchObject({
      bodyKey: 'b',
      status: 200,
      etag: `"${OPAQUE}"`,
      lastModified: OF_OTHERS,
      nextPage: 'possible',
      epoch: 7,
      confirmedAt: START,
      linkGoodUntil: START + 60_000 - 1000,
      freshFor: 0,
      isPublic: false,
    })
  })

  test('have a Date of their own where the 304 has none', () => {
    const { validation } = made(['etag', `"${OPAQUE}"`])
    expect(headerValue(validation.headers, 'date')).toBe(NOW)
  })

  test('say 200 only where the upstream says a status at all', () => {
    expect(headerValue(made(COMPLETE).validation.headers, 'status')).toBeUndefined()
  })

  test('take from the 304 what it says itself', () => {
    const { headers } = made([...COMPLETE, 'last-modified', NOW, 'x-github-media-type', 'github.v4']).validation
    expect(headerValue(headers, 'last-modified')).toBe(NOW)
    expect(headerValue(headers, 'x-github-media-type')).toBe('github.v4')
    expect(pairs(headers)).toHaveLength(6)
  })

  test('keep what protects a reader of the answer, though its name begins like a description of the body', () => {
    const { headers } = made([...COMPLETE, 'content-security-policy', "default-src 'none'"]).validation
    expect(headerValue(headers, 'content-security-policy')).toBe("default-src 'none'")
  })

  test('give the tag as the caller knows it, else as the 304 does, else as it was predicted', () => {
    const tagOf = (confirming: HeaderList, clientTags: string[] = []) => {
      const fields = { accept: true, authorization: true }
      const prediction = { opaque: OPAQUE, body: body('b'), representation: known, fields }
      const { validation } = predictedRepresentation({ ...asking(), clientTags }, prediction, confirming, MOMENT)
      expect(validation.headers.filter((name) => name === 'etag')).toHaveLength(1)
      expect(validation.etag).toBe(headerValue(validation.headers, 'etag'))
      return validation.etag
    }
    expect(tagOf([])).toBe(`"${OPAQUE}"`)
    expect(tagOf(['etag', `W/"${OPAQUE}"`])).toBe(`W/"${OPAQUE}"`)
    expect(tagOf(['etag', `"${OPAQUE}"`], ['"other"', `W/"${OPAQUE}"`])).toBe(`W/"${OPAQUE}"`)
    expect(tagOf(['etag', `"${OPAQUE}"`], ['"other"'])).toBe(`"${OPAQUE}"`)
  })

  test('name the media type only to callers with the same Accept', () => {
    const mediaType = (accept?: string, of?: string) => {
      const prediction = { opaque: OPAQUE, body: body('b'), representation: { ...known, accept: of } }
      const fields = { accept: true, authorization: true }
      const { validation } = predictedRepresentation(asking(accept), { ...prediction, fields }, COMPLETE, MOMENT)
      return headerValue(validation.headers, 'x-github-media-type')
    }
    expect(mediaType('a', 'a')).toBe('github.v3; format=json')
    expect(mediaType('b', 'a')).toBeUndefined()
    expect(mediaType(undefined, 'a')).toBeUndefined()
    expect(mediaType('a', undefined)).toBeUndefined()
    expect(mediaType('', undefined)).toBeUndefined()
    expect(mediaType(undefined, undefined)).toBe('github.v3; format=json')
  })

  test('leave out what nobody was told', () => {
    const nobody = { contentType: undefined, lastModified: undefined, mediaType: undefined }
    expect(pairs(made(COMPLETE, nobody).validation.headers)).toEqual(pairs(COMPLETE))
    expect(made(COMPLETE, nobody).validation.lastModified).toBeUndefined()
  })

  test.each<[string, string[], HashedFields, string[]]>([
    ['both', [], { accept: true, authorization: true }, ['vary: Accept, Authorization']],
    ['none', [], { accept: false, authorization: false }, []],
    ['only Accept', [], { accept: true, authorization: false }, ['vary: Accept']],
    [
      'what is not said yet, in any case and over two lines',
      ['vary', 'ACCEPT-ENCODING,accept', 'vary', 'Origin'],
      { accept: true, authorization: true },
      ['vary: ACCEPT-ENCODING,accept', 'vary: Authorization', 'vary: Origin'],
    ],
    [
      'nothing where all is said',
      ['vary', 'Origin', 'vary', 'authorization ,Accept'],
      { accept: true, authorization: true },
      ['vary: Origin', 'vary: authorization ,Accept'],
    ],
  ])('vary by %s', (_name, lines, fields, expected) => {
    const { headers } = made(['etag', `"${OPAQUE}"`, ...lines], { fields }).validation
    expect(pairs(headers).filter((line) => line.startsWith('vary'))).toEqual(expected)
  })
})

describe('what is remembered of an answer for everybody', () => {
  const answer = {
    headers: [
      'content-type',
      TYPE,
      'last-modified',
      NOW,
      'x-github-media-type',
      'github.v3',
      'x-oauth-scopes',
      'repo',
      'etag',
      '"e"',
    ],
    nextPage: 'possible',
  } as const
  const withLink = { ...answer, headers: [...answer.headers, 'link', '<secret>; rel="next"'] }

  test('describes the bytes, and nothing of the caller', () => {
    expect(knownRepresentation(asking('a'), answer, body('b'), undefined)).toEqual({
      bodyKey: 'b',
      length: 1,
      contentType: TYPE,
      lastModified: NOW,
      mediaType: 'github.v3',
      accept: 'a',
      seenWithLink: false,
      nextPage: 'possible',
    })
    const seen = knownRepresentation(asking(), withLink, body('b'), undefined)
    expect(seen.seenWithLink).toBe(true)
    expect(JSON.stringify(seen)).not.toContain('secret')
  })

  test('is the very same as before where nothing is new', () => {
    const before = knownRepresentation(asking('a'), answer, body('b'), undefined)
    expect(knownRepresentation(asking('other'), answer, body('b'), before)).toBe(before)
    const linked = knownRepresentation(asking('a'), withLink, body('b'), undefined)
    expect(knownRepresentation(asking('a'), answer, body('b'), linked)).toBe(linked)
  })

  test('never forgets that somebody was sent a Link', () => {
    const before = knownRepresentation(asking('a'), answer, body('b'), undefined)
    const linked = knownRepresentation(asking('a'), withLink, body('b'), before)
    expect(linked).toEqual({ ...before, seenWithLink: true })
    expect(knownRepresentation(asking('a'), answer, body('b'), linked).seenWithLink).toBe(true)
  })
})
