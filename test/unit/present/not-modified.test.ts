import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { returnTag } from '../../../src/github/presentation-tag.ts'
import { headerValue, joinedHeader } from '../../../src/http/headers.ts'
import { FakeBody, JSON_TYPE } from '../outbound/harness.ts'
import { hitOf, passedAnswer, presentedTag, presenter, storedAnswer, UPSTREAM, viewOf } from './harness.ts'

const BODY = JSON.stringify({ url: `${UPSTREAM}/api/v3/user` })
const MODIFIED = 'Wed, 15 Apr 2026 11:00:00 GMT'
const stored = storedAnswer(BODY, { etag: 'W/"a"', 'last-modified': MODIFIED, status: '200 OK', vary: 'Accept' })

describe('a client that holds these bytes already', () => {
  test('is given a weak tag of the presented answer, and gets a 304 for it', async () => {
    const { present } = presenter()
    const first = await present(hitOf(stored), viewOf())
    const tag = headerValue(first.headers, 'etag')!
    expect(tag).toBe(presentedTag('W/"a"'))
    expect(first.status).toBe(200)
    for (const list of [tag, tag.slice(2), `"x", ${tag}`]) {
      const again = await present(
        hitOf(stored, { live: ['x-github-request-id', 'A:B'] }),
        viewOf({ 'if-none-match': list }),
      )
      expect(again).toMatchObject({ status: 304, body: null })
      expect(headerValue(again.headers, 'etag')).toBe(tag)
      expect(joinedHeader(again.headers, 'status')).toBe('304 Not Modified')
      expect(headerValue(again.headers, 'vary')).toBe('Accept')
      expect(headerValue(again.headers, 'content-type')).toBeUndefined()
      expect(headerValue(again.headers, 'x-github-request-id')).toBe('A:B')
    }
    expect(joinedHeader(first.headers, 'status')).toBe('200 OK')
  })

  test('never without a validator of its own', async () => {
    const { present } = presenter()
    const requests: Record<string, string>[] = [
      {},
      { 'if-none-match': '' },
      { 'if-none-match': 'broken' },
      { accept: '*/*' },
    ]
    for (const request of requests) expect((await present(hitOf(stored), viewOf(request))).status).toBe(200)
  })

  test('not when the public URL has changed, nor with the upstream’s own tag', async () => {
    const { present } = presenter()
    for (const tag of [presentedTag('W/"a"', 'https://old.example'), 'W/"a"', '"a"', presentedTag('W/"b"')]) {
      const answer = await present(hitOf(stored), viewOf({ 'if-none-match': tag, 'if-modified-since': MODIFIED }))
      expect(answer.status, tag).toBe(200)
    }
    // The other way round: what is remembered of a copy belongs to one public origin.
    const there = viewOf({}, { publicOrigin: 'https://other.example' })
    expect(headerValue((await present(hitOf(stored), there)).headers, 'etag')).toBe(
      presentedTag('W/"a"', 'https://other.example'),
    )
    expect(headerValue((await present(hitOf(stored), viewOf())).headers, 'etag')).toBe(presentedTag('W/"a"'))
  })

  test('by date where it sent no tag', async () => {
    const { present } = presenter()
    expect((await present(hitOf(stored), viewOf({ 'if-modified-since': MODIFIED }))).status).toBe(304)
  })

  test('only of a 200, and only to a read', async () => {
    const { present } = presenter()
    const view = viewOf({ 'if-none-match': '"a"' })
    for (const status of [201, 206, 301, 404, 412, 500]) {
      expect((await present(passedAnswer(status, { etag: '"a"' }), view)).status).toBe(status)
    }
    const post = viewOf({ 'if-none-match': '"a"' }, { method: 'POST' })
    expect((await present(passedAnswer(200, { etag: '"a"' }), post)).status).toBe(200)
    expect((await present(passedAnswer(200, { etag: '"a"' }), view)).status).toBe(304)
  })

  test('not where the upstream itself has decided about its conditions', async () => {
    const { present } = presenter()
    const outcome = { name: 'bypassed', forward: 'bypass', detail: 'precondition' } as const
    const answer = passedAnswer(200, { etag: '"a"' }, null, { outcome })
    expect((await present(answer, viewOf({ 'if-none-match': '*' }))).status).toBe(200)
  })

  test('and the rest of a body that it does not need is given up', async () => {
    const { begin } = presenter()
    const body = new FakeBody(['x'])
    const answer = await begin(passedAnswer(200, { etag: '"a"' }, body), viewOf({ 'if-none-match': '"a"' }))
    expect(answer).toMatchObject({ status: 304, body: null })
    expect(body.ended).toBe('given up')
  })
})

describe('tags', () => {
  test('of whatever the upstream sends come back as they were', async () => {
    const opaque = fc.array(fc.constantFrom('weir-', '-s-', '-w-', 'a', 'W/', '-')).map((pieces) => pieces.join(''))
    await fc.assert(
      fc.asyncProperty(opaque, fc.boolean(), async (inside, weak) => {
        const etag = `${weak ? 'W/' : ''}"${inside}"`
        const { present } = presenter()
        const { headers } = await present(hitOf(storedAnswer(BODY, { etag })), viewOf())
        expect(returnTag(headerValue(headers, 'etag')!, viewOf().presentation())).toEqual({ kind: 'ours', tag: etag })
      }),
    )
  })

  test('of bodies that are not rewritten stay the upstream’s, weak where the coding may change', async () => {
    const { present } = presenter()
    const of = async (type: string, etag: string, accept = '*/*') =>
      headerValue(
        (await present(passedAnswer(200, { 'content-type': type, etag }), viewOf({ accept }))).headers,
        'etag',
      )
    expect(await of('image/png', '"a"')).toBe('"a"')
    expect(await of('text/plain', '"a"')).toBe('W/"a"')
    expect(await of('text/plain', 'W/"a"')).toBe('W/"a"')
    expect(await of(JSON_TYPE, '"a"', 'application/vnd.github.raw')).toBe('W/"a"')
    expect(await of('text/plain', 'broken')).toBe('broken')
    expect(await of(JSON_TYPE, 'broken')).toBeUndefined()
  })

  test('a 304 that passes says the tag in the client’s own words', async () => {
    const { present } = presenter()
    const outcome = { name: 'confirmed', forward: 'uri-miss', forwardStatus: 304 } as const
    const answer = passedAnswer(304, { etag: 'W/"a"', 'content-length': '17', status: '304 Not Modified' }, null, {
      outcome,
    })
    const ours = presentedTag('W/"a"')
    const view = viewOf({ 'if-none-match': `"x", ${ours}` })
    expect(headerValue((await present(answer, view)).headers, 'etag')).toBe(ours)
    const foreign = await present(answer, viewOf({ 'if-none-match': 'W/"a"' }))
    expect(headerValue(foreign.headers, 'etag')).toBe('W/"a"')
    expect(foreign).toMatchObject({ status: 304, body: null })
    expect(headerValue(foreign.headers, 'content-length')).toBeUndefined()
    expect(headerValue(foreign.headers, 'cache-status')).toBe('weir; fwd=uri-miss; fwd-status=304')
  })

  test('a field whose value is the word status is no Status field', async () => {
    const { present } = presenter()
    const odd = storedAnswer(BODY, { etag: '"a"', 'x-odd': 'status' })
    const answer = await present(hitOf(odd), viewOf({ 'if-none-match': presentedTag('"a"') }))
    expect(answer.status).toBe(304)
    expect(headerValue(answer.headers, 'status')).toBeUndefined()
    expect(headerValue(answer.headers, 'x-odd')).toBe('status')
  })
})
