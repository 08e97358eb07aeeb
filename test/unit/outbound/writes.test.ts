import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import type { UpstreamResponse } from '../../../src/ports.ts'
import { type Asked, type Chain, chain, held, JSON_TYPE, questionFor, response } from './harness.ts'

const minute = { mode: 'duration', milliseconds: 60_000 } as const
const ONE = 'token one'
const TWO = 'token two'
const answer = (text = 'body') =>
  response(200, { 'content-type': JSON_TYPE, 'cache-control': 'public, max-age=60', etag: `"${text}"` }, text)
const unchanged = response(304)

/** Whether a read that was stored just before a write is asked for again after it. */
async function isEnded(read: Asked, write: Asked): Promise<boolean> {
  const { get, upstream, sent } = chain({ policy: minute })
  upstream(({ method, noneMatch }) =>
    method !== 'GET' ? response(204) : noneMatch === undefined ? answer() : unchanged,
  )
  await get(read)
  expect((await get(read)).outcome.name).toBe('hit')
  await get({ method: 'PATCH', ...write })
  const before = sent.length
  await get(read)
  const asked = sent.length > before
  // One answer after the write is enough.
  if (asked) expect((await get(read)).outcome.name).toBe('hit')
  return asked
}

describe('after a write', () => {
  test.each<[string, Asked, Asked, boolean]>([
    ['own reads', { authorization: ONE, path: '/user' }, { authorization: ONE, path: '/repos/o/r' }, true],
    [
      'reads of the repository by others',
      { authorization: TWO, path: '/repos/o/r/issues' },
      { authorization: ONE, path: '/repos/o/r' },
      true,
    ],
    [
      'anonymous reads of the repository',
      { path: '/repos/o/r' },
      { authorization: ONE, path: '/repos/o/r/issues' },
      true,
    ],
    [
      'whatever the casing',
      { authorization: TWO, path: '/repos/Octo/R' },
      { authorization: ONE, path: '/repos/oCTO/r/x' },
      true,
    ],
    [
      'or spelling',
      { authorization: TWO, path: '/repos/octo/r' },
      { authorization: ONE, path: '/repos/oct%6F/r/x' },
      true,
    ],
    [
      'not of another repository',
      { authorization: TWO, path: '/repos/o/r2' },
      { authorization: ONE, path: '/repos/o/r' },
      false,
    ],
    [
      'not of another credential',
      { authorization: TWO, path: '/user' },
      { authorization: ONE, path: '/user/keys' },
      false,
    ],
    ['reads of the same URL by others', { path: '/orgs/o' }, { authorization: ONE, path: '/orgs/O' }, true],
    ['reads of the same URL, by whom nobody knows', { path: '/gists' }, { path: '/gists' }, true],
    ['not every anonymous read, by whom nobody knows', { path: '/gists/1' }, { path: '/gists' }, false],
    [
      'everything, for a repository by number',
      { authorization: TWO, path: '/user' },
      { authorization: ONE, path: '/repositories/7/issues' },
      true,
    ],
    [
      'reads by number, for a repository by name',
      { authorization: TWO, path: '/repositories/7/issues' },
      { authorization: ONE, path: '/repos/o/r' },
      true,
    ],
  ])('%s', async (_name, read, write, ended) => {
    expect(await isEnded(read, write)).toBe(ended)
  })

  /** Whether another caller's copy outlives a write that the upstream answers with `says`. */
  async function survives(says: () => UpstreamResponse, writer: Asked, acceptedBefore: boolean): Promise<boolean> {
    const { get, upstream, sent } = chain({ policy: minute })
    upstream(({ method, noneMatch }) => (method !== 'GET' ? says() : noneMatch === undefined ? answer() : unchanged))
    await get({ path: '/repos/o/r' })
    if (acceptedBefore) await get({ ...writer, path: '/user' })
    await get({ ...writer, method: 'PATCH' }).catch(() => {})
    const before = sent.length
    await get({ path: '/repos/o/r' })
    return sent.length === before
  }
  const failing = (): UpstreamResponse => {
    throw new Failure('upstream-reset')
  }
  const named = { path: '/repos/o/r', authorization: ONE }
  const numbered = { path: '/repositories/7', authorization: ONE }

  test.each<[string, () => UpstreamResponse, Asked, boolean, boolean]>([
    ["a stranger's refused write leaves others' copies alone", () => response(401), named, false, true],
    ['so does one that finds nothing', () => response(404), named, false, true],
    ['so does one by number', () => response(401), numbered, false, true],
    ['so does one that comes to nothing', failing, named, false, true],
    ['so does an anonymous one', () => response(401), { path: '/repos/o/r' }, false, true],
    ['one that is carried out does not', () => response(200), named, false, false],
    ['nor does a refused one of an accepted credential', () => response(422), named, true, false],
    ['nor one of an accepted credential that comes to nothing', failing, named, true, false],
  ])('%s', async (_name, says, writer, acceptedBefore, expected) => {
    expect(await survives(says, writer, acceptedBefore)).toBe(expected)
  })

  test('a credential that the upstream has refused since counts as a stranger again', async () => {
    const { get, upstream, sent } = chain({ policy: minute })
    let refused = false
    upstream(({ method, noneMatch }) =>
      method !== 'GET' || refused ? response(401) : noneMatch === undefined ? answer() : unchanged,
    )
    await get({ path: '/repos/o/r' })
    await get({ authorization: ONE, path: '/user' })
    refused = true
    await get({ authorization: ONE, path: '/orgs/o' })
    await get({ ...named, method: 'PATCH' })
    const before = sent.length
    await get({ path: '/repos/o/r' })
    expect(sent).toHaveLength(before)
  })

  test.each<[string, number, Record<string, string>, boolean]>([
    ['Location', 201, { location: '/api/v3/gists/1' }, true],
    ['Content-Location', 200, { 'content-location': 'https://ghes.example/api/v3/gists/1' }, true],
    ['the Location on another host', 201, { location: 'https://other.example/api/v3/gists/1' }, false],
    ['the Location of a refusal', 422, { location: '/api/v3/gists/1' }, false],
  ])('what is read at %s of its answer', async (_name, status, fields, ended) => {
    const { get, upstream, sent } = chain({ policy: minute })
    upstream(({ method, noneMatch }) =>
      method !== 'GET' ? response(status, fields) : noneMatch === undefined ? answer() : unchanged,
    )
    await get({ path: '/gists/1' })
    await get({ authorization: ONE, path: '/gists', method: 'POST' })
    const before = sent.length
    await get({ path: '/gists/1' })
    expect(sent.length > before).toBe(ended)
  })

  /** A read and a write that are both out at once; `order` says what happens when. */
  async function overlapping(order: (chained: Chain, settle: Record<'read' | 'write', () => void>) => Promise<void>) {
    const read = held<UpstreamResponse>()
    const write = held<UpstreamResponse>()
    const chained = chain({ policy: minute })
    let reads = 0
    chained.upstream(({ method }) => {
      if (method === 'PATCH') return write.promise
      return ++reads === 1 ? read.promise : unchanged
    })
    await order(chained, { read: () => read.settle(answer()), write: () => write.settle(response(200, {}, '')) })
    await chained.get({ authorization: ONE })
    return reads
  }

  test('a read that was asked before it and answered after it is asked for again', async () => {
    const reads = await overlapping(async ({ get }, settle) => {
      const reading = get({ authorization: ONE })
      const writing = get({ authorization: ONE, method: 'PATCH' })
      settle.write()
      await writing
      settle.read()
      await reading
    })
    expect(reads).toBe(2)
  })

  test('a read that was asked and answered while it was out is asked for again', async () => {
    const reads = await overlapping(async ({ get }, settle) => {
      const writing = get({ authorization: ONE, method: 'PATCH' })
      const reading = get({ authorization: ONE })
      settle.read()
      await reading
      settle.write()
      await writing
    })
    expect(reads).toBe(2)
  })

  test('a copy is not used while a write is out, and not after one that failed', async () => {
    const { get, upstream, sent } = chain({ policy: minute })
    const write = held<UpstreamResponse>()
    upstream(({ method, noneMatch }) =>
      method === 'POST' ? write.promise : noneMatch === undefined ? answer() : unchanged,
    )
    await get({ authorization: ONE })
    const writing = get({ authorization: ONE, method: 'POST' })
    expect((await get({ authorization: ONE })).outcome.name).toBe('revalidated')
    write.settle(Promise.reject(new Failure('upstream-headers-timeout')) as never)
    await expect(writing).rejects.toMatchObject({ tag: 'upstream-headers-timeout' })
    expect((await get({ authorization: ONE })).outcome.name).toBe('revalidated')
    expect(sent.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })

  test('it passes as it is, with what the client sent and got', async () => {
    const { question, upstream, sent } = chain()
    upstream(response(201, { location: 'https://ghes.example/api/v3/x', etag: '"x"' }, 'made'))
    const asked = questionFor({ method: 'POST', authorization: ONE })
    const passed = await question({ ...asked, headers: [...asked.headers, 'if-match', '"a"'] })
    expect(passed).toMatchObject({ status: 201, outcome: { name: 'written', forwardStatus: 201 }, stored: undefined })
    expect(sent[0]?.headers).toEqual(['authorization', ONE, 'if-match', '"a"'])
  })
})

describe('two answers to one question that overtake each other', () => {
  const noCache = { authorization: ONE, fields: { 'cache-control': 'no-cache' } }

  test.each([
    ['nothing was stored', false],
    ['a copy was stored', true],
  ])('are not reused without asking, when %s', async (_name, copyFirst) => {
    const { get, upstream, sent } = chain({ policy: minute })
    const slow = held<UpstreamResponse>()
    const says = [...(copyFirst ? [answer('old')] : []), slow.promise, answer('new'), unchanged]
    upstream((_request, number) => says[Math.min(number, says.length) - 1]!)
    if (copyFirst) await get(noCache)
    const overtaken = get(noCache)
    expect((await get(noCache)).text).toBe('new')
    expect((await get({ authorization: ONE })).outcome.name).toBe('hit')
    slow.settle(copyFirst ? unchanged : answer('old'))
    expect((await overtaken).text).toBe('old')
    const before = sent.length
    // Whichever of the two is the later one: the next reader is told by the upstream.
    await get({ authorization: ONE })
    expect(sent.length).toBe(before + 1)
    expect((await get({ authorization: ONE })).outcome.name).toBe('hit')
  })

  test('are, when they say the same', async () => {
    const { get, upstream } = chain({ policy: minute })
    const slow = held<UpstreamResponse>()
    upstream((_request, number) => (number === 1 ? slow.promise : answer('same')))
    const overtaken = get(noCache)
    await get(noCache)
    slow.settle(answer('same'))
    await overtaken
    expect((await get({ authorization: ONE })).outcome.name).toBe('hit')
  })

  test('a refusal that was overtaken by a 200 ends the copy that this one left', async () => {
    const { get, upstream, store } = chain({ policy: minute })
    const slow = held<UpstreamResponse>()
    upstream((_request, number) => (number === 1 ? slow.promise : answer()))
    const refused = get(noCache)
    await get(noCache)
    slow.settle(response(404, {}, 'gone'))
    expect((await refused).status).toBe(404)
    expect(await store.validation(questionFor({ authorization: ONE }).key)).toBeUndefined()
  })

  test('a 200 that was overtaken by a refusal is not reused without asking', async () => {
    const { get, upstream, sent } = chain({ policy: minute })
    const slow = held<UpstreamResponse>()
    const says = [answer(), slow.promise, response(404), response(404)]
    upstream((_request, number) => says[Math.min(number, says.length) - 1]!)
    await get(noCache)
    const overtaken = get(noCache)
    expect((await get(noCache)).status).toBe(404)
    slow.settle(answer())
    await overtaken
    expect((await get({ authorization: ONE })).status).toBe(404)
    expect(sent).toHaveLength(4)
  })
})
