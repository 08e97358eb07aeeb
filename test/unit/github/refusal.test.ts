import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mayBeRefusal, readErrorBody, refusalOf, retryAfterOf } from '../../../src/github/refusal.ts'

const NOW = Date.UTC(2026, 3, 15, 12, 0, 0)
const URL_OF_DOCUMENTATION = 'https://docs.github.com/rest'

const kindOf = (status: number, headers: string[], message = '', documentationUrl?: string) =>
  refusalOf(status, headers, { message, documentationUrl }, NOW)?.kind

describe('which answers have to be read', () => {
  test('are those that may refuse the caller', () => {
    expect([200, 304, 400, 401, 403, 404, 422, 429, 451, 500, 503].filter(mayBeRefusal)).toEqual([401, 403, 429])
  })
})

describe('401', () => {
  const body = { message: 'Bad credentials', documentationUrl: URL_OF_DOCUMENTATION }

  test('says that a credential is bad only in these words', () => {
    expect(refusalOf(401, [], body, NOW)).toEqual({ kind: 'bad-credentials', documentationUrl: URL_OF_DOCUMENTATION })
    for (const message of ['', 'Requires authentication', 'bad credentials', 'Bad credentials.']) {
      expect(kindOf(401, [], message), message).toBeUndefined()
    }
  })

  test('that asks for a second factor says nothing against the first', () => {
    expect(kindOf(401, ['x-github-otp', 'required; app'], 'Bad credentials')).toBeUndefined()
  })

  test('is about no limit, whatever it carries', () => {
    expect(kindOf(401, ['retry-after', '60', 'x-ratelimit-remaining', '0'], 'API rate limit exceeded')).toBeUndefined()
    expect(kindOf(401, [], 'Maximum number of login attempts exceeded.')).toBeUndefined()
  })
})

describe('a lockout', () => {
  const MESSAGE = 'Maximum number of login attempts exceeded. Please try again later.'

  test.each([403, 429])('is told by its words in a %i', (status) => {
    expect(refusalOf(status, [], { message: MESSAGE, documentationUrl: URL_OF_DOCUMENTATION }, NOW)).toEqual({
      kind: 'login-locked',
      documentationUrl: URL_OF_DOCUMENTATION,
    })
  })

  test('is no limit on what the account asks, although it may come with the fields of one', () => {
    expect(kindOf(403, ['retry-after', '60', 'x-ratelimit-remaining', '0'], MESSAGE)).toBe('login-locked')
  })

  test('is not told by words that somebody may have typed in between', () => {
    expect(kindOf(403, [], `About "${MESSAGE}"`)).toBeUndefined()
    expect(kindOf(404, [], MESSAGE)).toBeUndefined()
  })
})

describe('a limit', () => {
  test.each<[string, string[], string, string | undefined]>([
    ['gh-limited-by', ['gh-limited-by', 'points'], '', undefined],
    ['retry-after', ['retry-after', '60'], '', undefined],
    ['a retry-after that cannot be read', ['retry-after', 'soon'], '', undefined],
    [
      'the documentation',
      [],
      '',
      'https://docs.github.com/rest/overview/resources-in-the-rest-api#secondary-rate-limits',
    ],
    ['older documentation', [], '', 'https://developer.github.com/v3/#abuse-rate-limits'],
    ['its text', [], 'You have exceeded a secondary rate limit. Please wait.', undefined],
    ['older text', [], 'You have triggered an abuse detection mechanism.', undefined],
  ])('on the pace is told by %s, even where nothing remains', (_what, headers, message, url) => {
    for (const status of [403, 429]) {
      expect(kindOf(status, headers, message, url)).toBe('secondary')
      expect(kindOf(status, [...headers, 'x-ratelimit-remaining', '0'], message, url)).toBe('secondary')
    }
  })

  test.each([403, 429])('on the number of requests is told by what remains, or by its text, in a %i', (status) => {
    expect(kindOf(status, ['x-ratelimit-remaining', '0'])).toBe('primary')
    expect(kindOf(status, [], 'API rate limit exceeded for user ID 1.')).toBe('primary')
    expect(
      kindOf(
        status,
        ['x-ratelimit-remaining', '0'],
        'API rate limit exceeded',
        'https://developer.github.com/v3/#rate-limiting',
      ),
    ).toBe('primary')
  })

  test('that a 429 says nothing about is one on the pace: nothing tells that a budget is used up', () => {
    expect(kindOf(429, [])).toBe('secondary')
    expect(kindOf(429, ['x-ratelimit-remaining', '10'], 'Too many requests')).toBe('secondary')
  })

  test('is not what an ordinary 403 is about, nor any other status', () => {
    expect(kindOf(403, [], 'Must have admin rights to Repository.')).toBeUndefined()
    expect(kindOf(403, ['x-ratelimit-remaining', '10'], 'Forbidden', URL_OF_DOCUMENTATION)).toBeUndefined()
    expect(kindOf(403, [], '', `https://docs.github.com/secondary-rate-limits/how-to`)).toBeUndefined()
    for (const status of [200, 304, 404, 422, 500, 503]) {
      expect(
        kindOf(status, ['retry-after', '60', 'x-ratelimit-remaining', '0'], 'API rate limit exceeded'),
      ).toBeUndefined()
    }
  })

  test('says how long to wait, where it does', () => {
    const waitOf = (headers: string[], message = '') => {
      const refusal = refusalOf(403, headers, { message, documentationUrl: undefined }, NOW)
      return refusal !== undefined && 'retryAfter' in refusal ? refusal.retryAfter : 'no limit'
    }
    expect(waitOf(['retry-after', '60'])).toBe(60_000)
    expect(waitOf(['retry-after', 'soon'])).toBeUndefined()
    expect(waitOf(['gh-limited-by', 'x'])).toBeUndefined()
    expect(waitOf(['x-ratelimit-remaining', '0'])).toBeUndefined()
  })
})

describe('Retry-After', () => {
  test('is a number of seconds or a date', () => {
    expect(retryAfterOf(undefined, NOW)).toBeUndefined()
    expect(retryAfterOf('0', NOW)).toBe(0)
    expect(retryAfterOf('90', NOW)).toBe(90_000)
    expect(retryAfterOf('Wed, 15 Apr 2026 12:01:30 GMT', NOW)).toBe(90_000)
    expect(retryAfterOf('Wednesday, 15-Apr-26 12:01:30 GMT', NOW)).toBe(90_000)
    expect(retryAfterOf('Wed, 15 Apr 2026 11:59:00 GMT', NOW)).toBe(0)
  })

  test.each(['', '-1', '1.5', '1e3', 'soon', '9'.repeat(10), '2026-04-15T12:01:30Z', '60, 60'])(
    'is not "%s"',
    (value) => {
      expect(retryAfterOf(value, NOW)).toBeUndefined()
    },
  )
})

describe("an error's body", () => {
  const read = (text: string) => readErrorBody(new TextEncoder().encode(text))
  const NOTHING = { message: '', documentationUrl: undefined }

  test('has a message and may say where it is explained', () => {
    expect(
      read('{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}'),
    ).toEqual({
      message: 'Bad credentials',
      documentationUrl: 'https://docs.github.com/rest',
    })
    expect(read('{"message":"Not Found"}')).toEqual({ message: 'Not Found', documentationUrl: undefined })
  })

  test.each(['', 'null', 'true', '[]', '"Bad credentials"', '{', '<html>', '{"message":1,"documentation_url":[]}'])(
    'says nothing where it is no such JSON: %s',
    (text) => {
      expect(read(text)).toEqual(NOTHING)
    },
  )

  test('names no address that is too long to be kept', () => {
    const long = (length: number) => read(JSON.stringify({ documentation_url: 'x'.repeat(length) })).documentationUrl
    expect(long(500)).toHaveLength(500)
    expect(long(501)).toBeUndefined()
  })

  test('is read without throwing, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => new TextEncoder().encode(text)),
        ),
        (bytes) => {
          expect(typeof readErrorBody(bytes).message).toBe('string')
        },
      ),
    )
  })
})
