import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import { resourceName } from '../../../src/github/representation-kind.ts'
import type { Answer, Question } from '../../../src/middleware/outbound/exchange.ts'
import { rememberWritten } from '../../../src/middleware/outbound/remember-written.ts'
import type { HeaderList } from '../../../src/ports.ts'
import { memoryCacheStore } from '../../../src/store/memory/cache-store.ts'
import { memoryKnownRepresentations } from '../../../src/store/memory/known-representations.ts'
import { type Asked, bytesOf, digest, FakeBody, JSON_TYPE, questionFor, textOf } from './harness.ts'

const KIBIBYTE = 1024
const ADDRESS = 'https://ghes.example/api/v3/repos/o/r/issues'
const ISSUE = '{"number":7}'
const CREATED: Partial<Written> = { status: 201, headers: ['location', `${ADDRESS}/7`] }

interface Written {
  readonly status: number
  /** Besides the content type. */
  readonly headers: HeaderList
  readonly contentType: string | undefined
  readonly body: Answer['body']
}

function setUp() {
  const store = memoryCacheStore({ bodyBytes: 10_000_000, validationBytes: 1000 })
  const known = memoryKnownRepresentations(100_000)
  const resources = [ADDRESS, `${ADDRESS}/7`]
  return {
    store,
    known,
    /** Sends a write that is answered with this, and hands out the answer. */
    write(more: Partial<Written> = {}, asked: Asked | Question = {}): Promise<Answer> {
      const { status, headers, contentType, body } = {
        status: 200,
        headers: [],
        contentType: JSON_TYPE,
        body: new FakeBody([ISSUE]),
        ...more,
      }
      const answer: Answer = {
        status,
        headers: contentType === undefined ? headers : ['content-type', contentType, ...headers],
        live: [],
        body,
        stored: undefined,
        age: undefined,
        outcome: { name: 'written', forwardStatus: status },
      }
      const question =
        'credential' in asked
          ? asked
          : questionFor({ method: 'PATCH', path: '/repos/o/r/issues/7', authorization: 'token one', ...asked })
      return Promise.resolve(rememberWritten({ store, known, digest }, async () => answer)(question))
    },
    /** Bodies that are remembered, and for what. */
    remembered(): string[] {
      return resources.flatMap((address) =>
        known.of(resourceName(address, undefined, '')).map(({ bodyKey }) => {
          const held = store.body(bodyKey)
          return `${address.slice(ADDRESS.length)} ${held instanceof Promise || held === undefined ? 'gone' : Buffer.from(held.bytes)}`
        }),
      )
    },
  }
}

describe('the answer to a write', () => {
  test('is remembered for the resource that it is, and passed on as it came', async () => {
    const { write, remembered, known } = setUp()
    const answer = await write({
      headers: ['last-modified', 'then', 'x-github-media-type', 'github.v3', 'x-oauth-scopes', 'repo'],
    })
    expect(remembered()).toEqual([`/7 ${ISSUE}`])
    expect(known.of(resourceName(`${ADDRESS}/7`, undefined, ''))).toEqual([
      {
        bodyKey: digest.contentKey(new TextEncoder().encode(ISSUE)),
        length: ISSUE.length,
        contentType: JSON_TYPE,
        lastModified: 'then',
        mediaType: 'github.v3',
        accept: undefined,
        seenWithLink: false,
        nextPage: 'none',
      },
    ])
    expect(await textOf(answer.body)).toBe(ISSUE)
    expect(answer).toMatchObject({ status: 200, stored: undefined, outcome: { name: 'written', forwardStatus: 200 } })
    expect(answer.headers).toContain('x-oauth-scopes')
  })

  test('to POST is remembered for what its Location names', async () => {
    const { write, remembered } = setUp()
    await write(CREATED, { method: 'POST', path: '/repos/o/r/issues' })
    expect(remembered()).toEqual([`/7 ${ISSUE}`])
  })

  test('is remembered for the kind of representation that was asked for', async () => {
    const { write, known } = setUp()
    const question = questionFor({ method: 'PATCH', path: '/repos/o/r/issues/7' })
    const accept = 'application/vnd.github.full+json'
    await write({}, { ...question, headers: ['accept', accept] })
    expect(known.of(resourceName(`${ADDRESS}/7`, accept, ''))[0]?.accept).toBe(accept)
    expect(known.of(resourceName(`${ADDRESS}/7`, undefined, ''))).toEqual([])
  })

  test('that is a page of a list leaves open what a page does', async () => {
    const { write, known } = setUp()
    const page = (items: number) => new FakeBody([JSON.stringify(Array(items).fill(1))])
    const latest = () => known.of(resourceName(`${ADDRESS}/7`, undefined, ''))[0]
    await write({ body: page(30), headers: ['link', '<x>; rel="next"'] })
    expect(latest()).toMatchObject({ nextPage: 'possible', seenWithLink: true })
    await write({ body: page(29) })
    expect(latest()).toMatchObject({ nextPage: 'none', seenWithLink: false })
    // What somebody was sent with a Link once is not taken for something without.
    await write({ body: page(30) })
    expect(latest()).toMatchObject({ nextPage: 'possible', seenWithLink: true })
  })

  test.each<[string, Partial<Written>, (Asked | Question)?]>([
    ['to DELETE', {}, { method: 'DELETE' }],
    ['to POST, that names nothing', {}, { method: 'POST' }],
    ['that created what it does not name', { status: 201 }],
    ['that names what is elsewhere', { ...CREATED, headers: ['location', 'https://evil.example/7'] }],
    ['that is a refusal', { status: 422 }],
    ['that was accepted only', { status: 202 }],
    ['that is not JSON', { contentType: 'text/html' }],
    ['that does not say what it is', { contentType: undefined }],
    ['that may not be stored', { headers: ['cache-control', 'private', 'cache-control', 'No-Store'] }],
    ['in a coding that could not be undone', { headers: ['content-encoding', 'zstd'] }],
    ['without a body', { body: null }],
    ['that says it is too long', { headers: ['content-length', String(256 * KIBIBYTE + 1)] }],
    ['that is too long', { body: new FakeBody(['x'.repeat(256 * KIBIBYTE), 'x']) }],
    ['whose client forbids storing it', {}, { fields: { 'cache-control': 'no-store' } }],
    [
      'of an API whose answers are never kept',
      {},
      { ...questionFor({ method: 'PUT', path: '/repos/o/r/issues/7' }), isCharged: false },
    ],
  ])('is not remembered %s', async (_name, written, asked) => {
    const { write, remembered, store } = setUp()
    const answer = await write(written, asked)
    expect(remembered()).toEqual([])
    expect(store.usage()[0]!.entries).toBe(0)
    if (written.body !== null) expect((await bytesOf(answer.body)).byteLength).toBeGreaterThan(0)
  })

  test('of as many bytes as are looked at is remembered', async () => {
    const { write, store } = setUp()
    await write({
      body: new FakeBody(['x'.repeat(256 * KIBIBYTE)]),
      headers: ['content-length', String(256 * KIBIBYTE)],
    })
    expect(store.usage()[0]!.entries).toBe(1)
  })

  test('that is too long passes on whole, and is read no further than it has to be', async () => {
    const { write } = setUp()
    const text = 'x'.repeat(200 * KIBIBYTE)
    const body = new FakeBody([text, text, 'end'])
    const answer = await write({ body })
    expect(body.ended).toBe('no')
    expect(await textOf(answer.body)).toBe(`${text}${text}end`)
  })

  test('that says it is too long is not touched', async () => {
    const body = new FakeBody([ISSUE])
    const answer = await setUp().write({ body, headers: ['content-length', '1000000'] })
    expect(answer.body).toBe(body)
  })

  test('that breaks off is the failure that it is', async () => {
    const failure = new Failure('upstream-truncated')
    const body: AsyncIterable<Uint8Array> = {
      async *[Symbol.asyncIterator]() {
        yield new Uint8Array(10)
        throw failure
      },
    }
    const { write, remembered } = setUp()
    await expect(write({ body })).rejects.toBe(failure)
    expect(remembered()).toEqual([])
  })

  test('does not hold on to what the sender hands out windows on', async () => {
    const { write, store } = setUp()
    const window = new Uint8Array(64 * KIBIBYTE).fill(0x20).subarray(10, 20)
    await write({ body: new FakeBody([window]) })
    const held = store.body(digest.contentKey(window))
    expect((held as { bytes: Uint8Array }).bytes.buffer.byteLength).toBe(10)
  })
})
