import { describe, expect, test } from 'vitest'
import { predictedTag, USUAL_FIELDS } from '../../../src/github/entity-tag-rule.ts'
import { EntityTagMemory } from '../../../src/middleware/outbound/entity-tag-memory.ts'
import type { Question } from '../../../src/middleware/outbound/exchange.ts'
import { HashAllowance } from '../../../src/middleware/outbound/hash-allowance.ts'
import { type PredictOptions, predict } from '../../../src/middleware/outbound/predict.ts'
import type { Digest, KnownRepresentation, StoredBody } from '../../../src/ports.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { memoryCacheStore } from '../../../src/store/memory/cache-store.ts'
import { memoryKnownRepresentations } from '../../../src/store/memory/known-representations.ts'
import { memoryPredictedTags } from '../../../src/store/memory/predicted-tags.ts'
import { type Asked, digest, HandClock, questionFor } from './harness.ts'

const ONE = 'token one'
const MEBIBYTE = 1024 * 1024
const EMPTY = '[]'
const encoder = new TextEncoder()

function bodyOf(text: string | Uint8Array): StoredBody {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text
  return { key: digest.contentKey(bytes), bytes }
}

function setUp(more: Partial<PredictOptions> = {}) {
  const hashed: number[] = []
  const counting: Digest = {
    ...digest,
    sha256(text, bytes) {
      hashed.push(bytes.byteLength)
      return digest.sha256(text, bytes)
    },
  }
  const clock = new HandClock()
  const store = memoryCacheStore({ bodyBytes: 100 * MEBIBYTE, validationBytes: 1000 })
  const known = memoryKnownRepresentations(100_000)
  const accepted = memoryAcceptedCredentials(10)
  const predictions = predict({
    store,
    digest: counting,
    known,
    predicted: memoryPredictedTags(100_000),
    accepted,
    allowance: new HashAllowance(clock),
    ...more,
  })
  const habit = new EntityTagMemory().of('/user')
  return {
    clock,
    store,
    known,
    accepted,
    habit,
    hashed,
    /** Others were sent this for the resource of `question`. */
    saw(question: Question, text: string | Uint8Array, described: Partial<KnownRepresentation> = {}) {
      const body = bodyOf(text)
      void store.keepBody(body)
      known.saw(question.resource(), {
        bodyKey: body.key,
        length: body.bytes.byteLength,
        contentType: 'application/json',
        lastModified: undefined,
        mediaType: undefined,
        accept: undefined,
        seenWithLink: false,
        nextPage: 'none',
        ...described,
      })
      return body
    },
    predictions: (question: Question) => predictions(question, habit),
    /** The bodies that are predicted, as text. */
    async bodies(question: Question): Promise<string[]> {
      const found = await predictions(question, habit)
      return found.map(({ body }) => new TextDecoder().decode(body.bytes))
    },
  }
}

/** A question with an `Accept`; the harness makes them without. */
function ask(asked: Asked = {}, accept?: string): Question {
  const question = questionFor({ authorization: ONE, ...asked })
  return accept === undefined ? question : { ...question, headers: ['accept', accept, ...question.headers] }
}

describe('what is predicted', () => {
  test('is the tag that the upstream would give this caller for each body that is held, the likeliest first', async () => {
    const { saw, predictions, known } = setUp()
    const question = ask({ authorization: 'Bearer never seen' }, 'application/json')
    const first = saw(question, '{"a":1}')
    const second = saw(question, '{"a":2}')
    const found = await predictions(question)
    expect(found.map(({ body }) => body)).toEqual([second, first])
    for (const { opaque, body, fields, representation } of found) {
      expect(opaque).toBe(digest.sha256('application/json:Bearer never seen:', body.bytes))
      expect(fields).toEqual(USUAL_FIELDS)
      expect(known.of(question.resource())).toContain(representation)
    }
  })

  test('differs by credential, by Accept and by which fields take part', async () => {
    const { saw, predictions, habit } = setUp()
    saw(ask(), '{}')
    const tagFor = async (question: Question) => (await predictions(question))[0]?.opaque
    const questions = [ask(), ask({}, ''), ask({}, '-'), ask({}, 'a'), ask({}, 'true '), ask({ authorization: 'b' })]
    for (const fields of [
      USUAL_FIELDS,
      { accept: false, authorization: true },
      { accept: true, authorization: false },
    ]) {
      habit.sawMatch('token', fields)
      habit.sawMatch('other', fields)
      // Twice, for the second time it is remembered and not worked out.
      for (const question of [...questions, ...questions]) {
        const expected = predictedTag(digest, question.headers, fields, encoder.encode('{}'))
        expect([question.headers, fields, await tagFor(question)]).toEqual([question.headers, fields, expected])
      }
    }
  })

  test('is by the fields of this kind of credential', async () => {
    const { saw, predictions, habit } = setUp()
    habit.sawMatch('basic', { accept: true, authorization: false })
    const question = ask({ authorization: 'Basic YTpi' }, 'a')
    saw(question, '{}')
    expect((await predictions(question))[0]).toMatchObject({
      opaque: digest.sha256('a:', encoder.encode('{}')),
      fields: { accept: true, authorization: false },
    })
    const other = ask({ authorization: ONE }, 'a')
    expect((await predictions(other))[0]?.opaque).toBe(digest.sha256(`a:${ONE}:`, encoder.encode('{}')))
  })

  test('is nothing for requests without a credential, nor where tags cannot be predicted', async () => {
    const { saw, bodies, habit, hashed } = setUp()
    saw(ask(), '{}')
    expect(await bodies(questionFor({}))).toEqual([])
    habit.sawDifference()
    expect(await bodies(ask())).toEqual([])
    expect(hashed).toEqual([])
    habit.sawMatch('token', USUAL_FIELDS)
    expect(await bodies(ask())).toEqual(['{}'])
  })

  test('is made for a credential in the query too', async () => {
    const { saw, predictions } = setUp()
    const question = questionFor({ query: 'access_token=one' })
    saw(question, '{}')
    expect((await predictions(question))[0]?.opaque).toBe(digest.sha256('', encoder.encode('{}')))
  })

  test('is nothing of what is not held any longer', async () => {
    const { saw, bodies, known } = setUp()
    saw(ask(), '{"held":1}')
    known.saw(ask().resource(), { ...known.of(ask().resource())[0]!, bodyKey: 'gone' })
    expect(await bodies(ask())).toEqual(['{"held":1}'])
  })

  test('is the same from a store that answers later', async () => {
    const inner = memoryCacheStore({ bodyBytes: 1000, validationBytes: 1000 })
    const store = { ...inner, body: async (key: string) => inner.body(key) }
    const { saw, bodies } = setUp({ store })
    const body = saw(ask(), '{}')
    void inner.keepBody(body)
    expect(await bodies(ask())).toEqual(['{}'])
  })
})

describe('hashing', () => {
  test('is done once for each body and caller', async () => {
    const { saw, accepted, predictions, hashed } = setUp()
    for (const authorization of ['token one', 'token two']) accepted.add(ask({ authorization }).credential.fingerprint)
    saw(ask(), '[1]')
    saw(ask(), '[1,2]')
    const first = await predictions(ask())
    expect(hashed).toEqual([5, 3, 2])
    expect(await predictions(ask())).toEqual(first)
    expect(hashed).toHaveLength(3)
    saw(ask(), '[1,2,3]')
    await predictions(ask())
    expect(hashed).toEqual([5, 3, 2, 7])
    await predictions(ask({ authorization: 'token two' }))
    expect(hashed).toHaveLength(8)
  })

  test('is done anew for a caller whom the upstream has not accepted: it must not push out what others need', async () => {
    const { saw, accepted, predictions, hashed } = setUp()
    saw(ask(), '[1]')
    await predictions(ask())
    await predictions(ask())
    expect(hashed).toEqual([3, 2, 3, 2])
    accepted.add(ask().credential.fingerprint)
    await predictions(ask())
    await predictions(ask())
    expect(hashed).toHaveLength(6)
  })

  test('is bounded for each question; what was worked out before counts no more', async () => {
    const { saw, bodies, accepted, predictions } = setUp()
    accepted.add(ask().credential.fingerprint)
    const large = (letter: string) => new Uint8Array(5 * MEBIBYTE).fill(letter.charCodeAt(0))
    saw(ask(), 'small')
    saw(ask(), large('b'))
    saw(ask(), large('a'))
    const lengths = async () => (await predictions(ask())).map(({ body }) => body.bytes[0])
    const [a, b, s] = [97, 98, 115]
    // The second large one is too much, and does not keep what is small from being hashed.
    expect(await lengths()).toEqual([a, s])
    expect(await lengths()).toEqual([a, b, s])
    expect(await bodies(ask({ path: '/other' }))).toEqual(['[]'])
  })

  test('is bounded for all together that were not accepted, and not by them for who was', async () => {
    const { saw, predictions, accepted, clock, hashed } = setUp()
    saw(ask(), new Uint8Array(6 * MEBIBYTE).fill(97))
    const madeUp = (index: number) => predictions(ask({ authorization: `token made up ${index}` }))
    const found: number[] = []
    for (let index = 0; index < 20; index++) found.push((await madeUp(index)).length)
    expect(found).toEqual([1, 1, ...Array(18).fill(0)])
    expect(hashed).toHaveLength(2)
    accepted.add(ask().credential.fingerprint)
    expect(await predictions(ask())).toHaveLength(1)
    clock.advance(1000)
    expect(await madeUp(5)).toHaveLength(1)
  })
})

describe('of many bodies', () => {
  const KIBIBYTE = 1024
  const lengths = async (sizes: readonly number[]) => {
    const { saw, predictions } = setUp()
    // The last that was seen is the likeliest.
    for (const [index, size] of [...sizes.entries()].reverse()) saw(ask(), new Uint8Array(size * KIBIBYTE).fill(index))
    return (await predictions(ask())).map(({ body }) => body.bytes.byteLength / KIBIBYTE)
  }

  test('the likeliest four are predicted whatever their size', async () => {
    expect(await lengths([100, 200, 300, 400, 1, 1])).toEqual([100, 200, 300, 400])
  })

  test('more are as long as all together are not too large', async () => {
    const small = Array(20).fill(6)
    expect(await lengths(small)).toEqual(small)
    expect(await lengths([30, 30, 30, 30, 8, 1])).toEqual([30, 30, 30, 30, 8])
    expect(await lengths([30, 30, 30, 30, 9, 1])).toEqual([30, 30, 30, 30])
  })
})

describe('the empty list', () => {
  test('is predicted where nothing is known', async () => {
    const { predictions, bodies } = setUp()
    expect(await bodies(ask())).toEqual([EMPTY])
    const [empty] = await predictions(ask({}, '*/*'))
    expect(empty).toEqual({
      opaque: digest.sha256(`*/*:${ONE}:`, encoder.encode(EMPTY)),
      body: bodyOf(EMPTY),
      fields: USUAL_FIELDS,
      isGuess: true,
      representation: {
        bodyKey: bodyOf(EMPTY).key,
        length: 2,
        contentType: 'application/json; charset=utf-8',
        lastModified: undefined,
        mediaType: undefined,
        accept: undefined,
        seenWithLink: false,
        nextPage: 'none',
      },
    })
  })

  test('is predicted last where lists are known, and not where only other things are', async () => {
    const { saw, bodies } = setUp()
    saw(ask(), '{"a":1}')
    expect(await bodies(ask())).toEqual(['{"a":1}'])
    saw(ask(), '[1]')
    expect(await bodies(ask())).toEqual(['[1]', '{"a":1}', EMPTY])
  })

  test('is not predicted twice, and where it was seen stands where it was seen', async () => {
    const { saw, bodies, predictions } = setUp()
    saw(ask(), EMPTY, { contentType: 'application/vnd.github+json' })
    expect(await bodies(ask())).toEqual([EMPTY])
    saw(ask(), '[1]')
    saw(ask(), EMPTY, { contentType: 'application/vnd.github+json' })
    expect(await bodies(ask())).toEqual([EMPTY, '[1]'])
    expect((await predictions(ask()))[0]?.representation.contentType).toBe('application/vnd.github+json')
  })

  test('that was seen with a Link stays so when its body has been forgotten', async () => {
    const store = memoryCacheStore({ bodyBytes: 1000, validationBytes: 1000 })
    const { saw, predictions } = setUp({ store })
    void store.keepBody(saw(ask(), '[1]'))
    // Kept in another store than the one that is read: as if it had been forgotten.
    saw(ask(), EMPTY, { seenWithLink: true })
    const empty = (await predictions(ask())).filter(({ body }) => body.bytes.byteLength === 2)
    expect(empty.map(({ representation }) => representation.seenWithLink)).not.toContain(false)
  })

  test('that was seen with a Link stays so when it is too far back to be predicted', async () => {
    const { saw, predictions } = setUp()
    saw(ask(), EMPTY, { seenWithLink: true })
    for (let index = 0; index < 5; index++) saw(ask(), `[${'1'.repeat(100_000)}${index}]`)
    const found = await predictions(ask())
    const empty = found.filter(({ body }) => body.bytes.byteLength === 2)
    expect(empty.map(({ representation }) => representation.seenWithLink)).not.toContain(false)
  })

  test.each(['page=2', 'per_page=100&page=3', 'PAGE=2', 'after=x', 'sort=created&before=x', 'since=17', 'cursor=x'])(
    'is not predicted for another page than the first: %s',
    async (query) => {
      const { bodies, saw } = setUp()
      expect(await bodies(ask({ query }))).toEqual([])
      saw(ask({ query }), '[1]')
      expect(await bodies(ask({ query }))).toEqual(['[1]'])
    },
  )

  test.each(['', 'per_page=2', 'homepage=2', 'state=open&per_page=100', 'sort=page'])(
    'is predicted for the first page: %j',
    async (query) => {
      expect(await setUp().bodies(ask({ query }))).toEqual([EMPTY])
    },
  )

  test('is a guess, and what others were sent is none', async () => {
    const { predictions, saw } = setUp()
    saw(ask(), '[1]')
    expect((await predictions(ask())).map(({ isGuess }) => isGuess)).toEqual([undefined, true])
    saw(ask(), EMPTY)
    expect((await predictions(ask())).map(({ isGuess }) => isGuess)).toEqual([undefined, undefined])
  })

  test('is not predicted where nothing is known and the route’s answers are no lists', async () => {
    const { bodies, habit, saw } = setUp()
    habit.sawList(false)
    expect(await bodies(ask())).toEqual([])
    // This very thing is a list, whatever the others are.
    saw(ask(), '[1]')
    expect(await bodies(ask())).toEqual(['[1]', EMPTY])
    habit.sawList(true)
    habit.sawList(false)
    expect(await bodies(ask({ path: '/other' }))).toEqual([EMPTY])
  })

  test('is hashed within the allowance, like everything', async () => {
    const { predictions, bodies, saw } = setUp()
    saw(ask(), new Uint8Array(8 * MEBIBYTE).fill(0x5b))
    expect(await predictions(ask())).toHaveLength(1)
    expect(await predictions(ask({ authorization: 'token two' }))).toHaveLength(1)
    expect(await bodies(ask({ path: '/other', authorization: 'token three' }))).toEqual([])
  })
})
