import { describe, expect, test } from 'vitest'
import { type Asked, chain, digest, FakeBody, held, JSON_TYPE, questionFor, response, textOf } from './harness.ts'

/** What somebody whom nobody vouches for may not change, and what is not to be taken for more than it is. */

const TAGGED = { 'content-type': JSON_TYPE, 'cache-control': 'private', etag: '"a"' }

describe('a credential counts as accepted', () => {
  const accepted = async (asked: Asked, fields: readonly string[] = []) => {
    const chained = chain()
    chained.upstream(response(200, TAGGED, '{}'))
    const question = questionFor(asked)
    const named = { ...question, headers: [...question.headers, ...fields] }
    await chained.question(named)
    return chained.accepted.has(named.credential.fingerprint)
  }

  test('by a 200 to its Authorization', async () => {
    expect(await accepted({ authorization: 'token one' })).toBe(true)
  })

  test('not by the answer to a preflight, which is given before anybody looks at it', async () => {
    expect(await accepted({ authorization: 'token one', method: 'OPTIONS' })).toBe(false)
  })

  test.each<[string, Asked]>([
    ['access_token', { query: 'access_token=1' }],
    ['client_id', { query: 'client_id=1' }],
    ['token', { query: 'token=1' }],
  ])('and not by one to a query with %s, which the upstream may not read at all', async (_name, asked) => {
    expect(questionFor(asked).credential.isAnonymous).toBe(false)
    expect(await accepted(asked)).toBe(false)
  })
})

describe('that conditions do not work is learnt', () => {
  const twice = async (asked: Asked) => {
    const { get, upstream, entityTags } = chain({ predicts: true })
    upstream((_request, number) =>
      number % 2 === 1 ? response(304, { ...TAGGED, etag: '"never sent"' }) : response(200, TAGGED, '{}'),
    )
    for (let index = 0; index < 3; index++) await get({ ...asked, path: '/orgs/o' })
    return entityTags.evidence().unnamed
  }

  test('from questions that were composed here, for a credential', async () => {
    expect(await twice({ authorization: 'token one' })).toBeGreaterThan(1)
  })

  test('and not from tags that a client wrote, nor from anybody without a credential', async () => {
    expect(await twice({ authorization: 'token one', clientTags: ['"theirs"'] })).toBe(0)
    expect(await twice({ clientTags: ['"theirs"'] })).toBe(0)
  })
})

test('answers in another kind of representation do not end predictions for JSON on the same route', async () => {
  const { get, question, upstream, sent } = chain({ predicts: true })
  const path = '/repos/o/r/commits/main'
  const etag = (authorization: string) => `"${digest.sha256(`${authorization}:`, new TextEncoder().encode('{}'))}"`
  const fields = { 'content-type': JSON_TYPE, 'cache-control': 'private', vary: 'Accept, Authorization' }
  upstream(response(200, { ...fields, etag: etag('token one') }, '{}'))
  await get({ path, authorization: 'token one' })
  upstream(response(200, { ...fields, 'content-type': 'text/plain', etag: '"2c1ad3b1"' }, '2c1ad3b1'))
  for (const authorization of ['a', 'b', 'c']) {
    const asked = questionFor({ path, authorization })
    const headers = [...asked.headers, 'accept', 'application/vnd.github.sha']
    await question({ ...asked, headers, resource: () => `${path} raw` })
  }
  upstream(response(304, { ...fields, etag: etag('token two') }))
  expect((await get({ path, authorization: 'token two' })).outcome.name).toBe('predicted')
  expect(sent.at(-1)?.noneMatch).toContain(etag('token two'))
})

test('the body of a write’s answer that may hold a new token is not kept', async () => {
  const { question, upstream, known } = chain()
  const body = '{"token":"made just now"}'
  const created = { 'content-type': JSON_TYPE, location: 'https://ghes.example/api/v3/authorizations/1' }
  upstream(() => response(201, created, body))
  const answer = await question(questionFor({ method: 'POST', path: '/authorizations', authorization: 'Basic one' }))
  expect(await textOf(answer.body)).toBe(body)
  expect(known.of('https://ghes.example/api/v3/authorizations/1 json')).toEqual([])
})

test.each(['%70age=9', 'per_page=1;page=9', 'PAGE=2'])(
  'an empty list is not guessed for a later page: %s',
  async (query) => {
    const { get, upstream, sent } = chain({ predicts: true })
    upstream(response(200, TAGGED, '[]'))
    await get({ authorization: 'token one', path: '/repos/o/r/issues', query })
    expect(sent[0]?.noneMatch).toBeUndefined()
  },
)

test('an error that may be reused is not, where another answer overtook it', async () => {
  const { get, upstream } = chain()
  const late = held<ReturnType<typeof response>>()
  upstream((_request, number) => {
    if (number === 1) return response(404, { 'cache-control': 'public, max-age=600' }, slow)
    return number === 2 ? response(410, { 'cache-control': 'no-store' }, 'gone') : response(200, TAGGED, 'back')
  })
  const slow: AsyncIterable<Uint8Array> = {
    async *[Symbol.asyncIterator]() {
      await late.promise
      yield* new FakeBody(['not found'])
    },
  }
  const first = get({})
  await Promise.resolve()
  expect((await get({ fields: { 'cache-control': 'no-cache' } })).status).toBe(410)
  late.settle(response(200))
  expect((await first).status).toBe(404)
  expect((await get({})).text).toBe('back')
})

test('what a question cost is charged to one who got the answer, though whoever began it has left', async () => {
  const { question, upstream } = chain()
  const late = held<ReturnType<typeof response>>()
  upstream(() => late.promise)
  const leaving = new AbortController()
  const asked = { authorization: 'token one' }
  const [one, two, three] = [questionFor({ ...asked, signal: leaving.signal }), questionFor(asked), questionFor(asked)]
  const first = question(one).catch((failure: unknown) => failure)
  const others = [question(two), question(three)]
  leaving.abort()
  await first
  late.settle(response(200, TAGGED, '{}'))
  await Promise.all(others)
  expect([one.use.cost, two.use.cost, three.use.cost]).toEqual([0, 1, 0])
  expect([one.use.requests, two.use.requests, three.use.requests]).toEqual([0, 1, 0])
})

test('what was asked for nobody in the end is charged to the last who left', async () => {
  const { question, upstream } = chain()
  upstream(() => new Promise(() => {}))
  const [first, second] = [new AbortController(), new AbortController()]
  const [one, two] = [first, second].map(({ signal }) => questionFor({ authorization: 'token one', signal }))
  const gone = [one!, two!].map((each) => question(each).catch((failure: unknown) => failure))
  await new Promise(setImmediate)
  first.abort()
  second.abort()
  await Promise.all(gone)
  expect([one!.use.requests, two!.use.requests]).toEqual([0, 1])
})
