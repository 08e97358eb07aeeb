import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseEntityTags, weaklyEqual } from '../../../src/http/entity-tag.ts'
import { headerValue } from '../../../src/http/headers.ts'
import type { UpstreamResponse } from '../../../src/ports.ts'
import { chain, digest, JSON_TYPE, response, type Script, type Sent } from './harness.ts'

const encoder = new TextEncoder()
const ONE = { authorization: 'token one', path: '/repos/o/r' }
const TWO = { ...ONE, authorization: 'Bearer two' }

/** How an upstream makes tags, and what it reads of a list of them. */
interface Manner {
  readonly tags: 'by the rule' | 'opaque' | 'changing rule' | 'none'
  readonly reads: 'lists' | 'one tag' | 'lists, and does not name' | 'lists, and names what was never sent'
}

const who = ({ headers }: Sent) => headerValue(headers, 'authorization') ?? ''

/** @param bodyOf what this caller is sent now */
function upstreamThat({ tags, reads }: Manner, bodyOf: (request: Sent) => string): Script {
  return (request, number): UpstreamResponse => {
    const { noneMatch } = request
    const body = bodyOf(request)
    const byRule = digest.sha256(`${who(request)}:`, encoder.encode(body))
    const opaque = digest.contentKey(encoder.encode(`${who(request)} ${body}`))
    const isByRule = tags === 'by the rule' || (tags === 'changing rule' && number % 7 < 4)
    const etag = isByRule ? `"${byRule}"` : `"${opaque}"`
    const fields = { vary: ['Accept, Authorization', 'Accept-Encoding'], 'cache-control': 'private, max-age=0' }
    if (noneMatch !== undefined && reads === 'lists, and names what was never sent' && number % 5 === 0) {
      return response(304, { etag: '"never-sent"' })
    }
    const sent = reads === 'one tag' && noneMatch?.includes(',') === true ? [] : parseEntityTags(noneMatch, 1000)
    if (tags !== 'none' && sent !== '*' && sent.some((tag) => weaklyEqual(tag, etag))) {
      return response(304, reads === 'lists, and does not name' ? fields : { ...fields, etag })
    }
    const described = { ...fields, 'content-type': JSON_TYPE, 'last-modified': 'Wed, 15 Apr 2026 12:00:00 GMT' }
    return response(200, tags === 'none' ? described : { ...described, etag: `W/${etag}` }, body)
  }
}

const GITHUB: Manner = { tags: 'by the rule', reads: 'lists' }

describe('a caller who never asked', () => {
  test('is answered with a body that others were sent, as soon as the upstream has confirmed it', async () => {
    const { get, upstream, sent } = chain({ predicts: true })
    upstream(upstreamThat(GITHUB, () => '{"a":1}'))
    expect((await get(ONE)).outcome.name).toBe('filled')
    const answer = await get(TWO)
    expect(answer).toMatchObject({ status: 200, text: '{"a":1}' })
    expect(answer.outcome).toEqual({ name: 'predicted', forward: 'uri-miss', forwardStatus: 304, stored: true })
    expect(headerValue(answer.headers, 'content-type')).toBe(JSON_TYPE)
    expect(sent).toHaveLength(2)
    // From then on it has a copy of its own.
    expect((await get(TWO)).outcome.name).toBe('revalidated')
  })

  test('is not, where the upstream says something else', async () => {
    const { get, upstream } = chain({ predicts: true })
    upstream(upstreamThat(GITHUB, (request) => (who(request) === 'token one' ? '{"a":1}' : '{"b":1}')))
    await get(ONE)
    const answer = await get(TWO)
    expect(answer).toMatchObject({ text: '{"b":1}', outcome: { name: 'filled' } })
  })

  test('nor where it is refused', async () => {
    const { get, upstream } = chain({ predicts: true })
    const github = upstreamThat(GITHUB, () => '{"a":1}')
    upstream((request, number) => (who(request) === 'token one' ? github(request, number) : response(404, {}, 'gone')))
    await get(ONE)
    expect(await get(TWO)).toMatchObject({ status: 404, text: 'gone' })
  })

  test('gets the empty list without anybody having been sent one', async () => {
    const { get, upstream } = chain({ predicts: true })
    upstream(upstreamThat(GITHUB, () => '[]'))
    const answer = await get({ ...ONE, path: '/repos/o/r/issues' })
    expect(answer).toMatchObject({ text: '[]', outcome: { name: 'predicted', forwardStatus: 304 } })
  })

  test('is not told what its own 304 does not say, but for what describes the body', async () => {
    const { get, upstream } = chain({ predicts: true })
    const github = upstreamThat(GITHUB, () => '{"a":1}')
    upstream(async (request, number) => {
      const said = await github(request, number)
      return { ...said, headers: [...said.headers, 'x-oauth-scopes', who(request), 'x-accepted-oauth-scopes', 'repo'] }
    })
    await get({ ...ONE })
    const answer = await get(TWO)
    expect(answer.outcome.name).toBe('predicted')
    expect(headerValue(answer.headers, 'x-oauth-scopes')).toBe('Bearer two')
    expect(answer.headers.join('\n')).not.toContain('token one')
  })

  test('gets nothing by a 304 that names nothing: that is asked again', async () => {
    const { get, upstream, sent } = chain({ predicts: true })
    const github = upstreamThat(GITHUB, () => '{"a":1}')
    upstream((request, number) => (number === 2 ? response(304, {}) : github(request, number)))
    await get(ONE)
    const answer = await get(TWO)
    expect(answer).toMatchObject({ text: '{"a":1}', outcome: { name: 'filled', detail: 'unknown-304' } })
    expect(sent[2]!.noneMatch).toBeUndefined()
  })
})

describe('what is learnt', () => {
  test('comes from answers with a body alone: not from refusals, nor from asking', async () => {
    const { get, upstream, entityTags, clock } = chain({ predicts: true })
    const NOTHING = { matched: 0, differed: 0, listsIgnored: 0, unnamed: 0 }
    for (const status of [202, 301, 401, 403, 404, 422, 500, 503]) {
      upstream(response(status, { etag: '"strange"' }, 'x'))
      await get(ONE)
      expect(entityTags.evidence()).toEqual(NOTHING)
      // Until then a 401 is repeated here.
      clock.advance(10_000)
    }
    expect(entityTags.of(ONE.path).isPredictable).toBe(true)
    upstream(response(200, { etag: '"strange"' }, 'x'))
    await get(ONE)
    expect(entityTags.evidence()).toEqual({ ...NOTHING, differed: 1 })
    expect(entityTags.of(ONE.path).isPredictable).toBe(false)
  })

  test('a 304 to a predicted tag proves the rule as well', async () => {
    const { get, upstream, entityTags } = chain({ predicts: true })
    upstream(upstreamThat(GITHUB, () => '{"a":1}'))
    await get(ONE)
    await get(TWO)
    expect(entityTags.evidence()).toEqual({ matched: 2, differed: 0, listsIgnored: 0, unnamed: 0 })
  })

  test('nothing is learnt from answers without a credential', async () => {
    const { get, upstream, entityTags } = chain({ predicts: true })
    upstream(response(200, { etag: '"strange"' }, 'x'))
    await get({ path: ONE.path })
    expect(entityTags.of(ONE.path).isPredictable).toBe(true)
  })

  test('where lists are not read, the likeliest tag goes alone', async () => {
    const { get, upstream, sent, entityTags } = chain({ predicts: true })
    let body = '{"a":1}'
    upstream(upstreamThat({ tags: 'by the rule', reads: 'one tag' }, () => body))
    await get(ONE)
    body = '{"a":2}'
    // Two bodies are known now, and the list of both is not read.
    await get(ONE)
    await get(TWO)
    expect(entityTags.evidence().listsIgnored).toBe(1)
    const asked = sent.length
    expect((await get({ ...TWO, authorization: 'token three' })).outcome.name).toBe('predicted')
    expect((await get(ONE)).outcome.name).toBe('revalidated')
    expect(sent.slice(asked).map(({ noneMatch }) => parseEntityTags(noneMatch).length)).toEqual([1, 1])
  })
})

describe('what does not work', () => {
  test('is soon not tried any longer: 304s that name what was never sent', async () => {
    const { get, upstream, sent } = chain({ predicts: true })
    const github = upstreamThat(GITHUB, () => '{"a":1}')
    upstream((request, number) =>
      request.noneMatch === undefined ? github(request, number) : response(304, { etag: '"never-sent"' }),
    )
    const requests: number[] = []
    for (let count = 0; count < 8; count++) {
      const before = sent.length
      expect((await get(ONE)).text).toBe('{"a":1}')
      requests.push(sent.length - before)
    }
    expect(requests).toEqual([2, 2, 2, 1, 1, 1, 1, 1])
  })

  test('is tried again after a while, and done where it works: lists of tags', async () => {
    const { get, upstream, sent } = chain({ predicts: true })
    let body = '{"a":1}'
    let reads: Manner['reads'] = 'one tag'
    upstream((request, number) => upstreamThat({ tags: 'by the rule', reads }, () => body)(request, number))
    await get(ONE)
    body = '{"a":2}'
    await get(TWO)
    await get(ONE)
    await get(ONE)
    expect(parseEntityTags(sent.at(-1)!.noneMatch)).toHaveLength(1)
    reads = 'lists'
    const lengths: number[] = []
    for (let count = 0; count < 40; count++) {
      await get(ONE)
      lengths.push(parseEntityTags(sent.at(-1)!.noneMatch).length)
    }
    const first = lengths.indexOf(2)
    expect(first).toBeGreaterThan(20)
    expect(lengths.slice(first)).toEqual(lengths.slice(first).map(() => 2))
  })
})

const caller = fc.constantFrom('token one', 'Bearer one', 'token two', 'Basic dHdvOg==', undefined)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('read' as const), caller, path: fc.nat(2), head: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('change' as const), path: fc.nat(2), to: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('permit' as const), caller, to: fc.nat(2) }) },
)

/** What a caller with these permissions is sent of a thing in this state. */
function bodyFor(path: number, state: number, permission: number): string {
  if (path === 0) return state === 0 ? '[]' : JSON.stringify(Array(state).fill(permission))
  return JSON.stringify({ path, state, permission })
}

describe('whatever upstream it is, whatever changes there', () => {
  async function play(manner: Manner, steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]) {
    const { get, upstream, sent } = chain({ predicts: true })
    const states = [0, 0, 0]
    const permissions = new Map<string | undefined, number>()
    const bodyOf = (authorization: string | undefined, path: number) => {
      return bodyFor(path, states[path]!, permissions.get(authorization) ?? 0)
    }
    const paths = ['/repos/o/r/issues', '/repos/o/r', '/user']
    const paid = new Set<string>()
    let payments = 0
    const script = upstreamThat(manner, (request) => {
      const path = paths.indexOf(request.target.slice('/api/v3'.length))
      return bodyOf(who(request) === '' ? undefined : who(request), path)
    })
    upstream(async (request, number) => {
      const answer = await script(request, number)
      if (answer.status === 200 && who(request) !== '' && request.method === 'GET') payments++
      return request.method === 'HEAD' ? { ...answer, body: null } : answer
    })
    for (const each of steps) {
      if (each.do === 'change') states[each.path] = each.to
      else if (each.do === 'permit') permissions.set(each.caller, each.to)
      else {
        const authorization = each.caller
        const asked = { path: paths[each.path]!, method: each.head ? 'HEAD' : 'GET' }
        const answer = await get(authorization === undefined ? asked : { ...asked, authorization })
        const expected = bodyOf(authorization, each.path)
        expect(answer.status).toBe(200)
        if (!each.head) {
          expect(answer.text).toBe(expected)
          if (authorization !== undefined && expected !== '[]') paid.add(`${each.path} ${expected}`)
        }
      }
    }
    return { paid, payments, sent }
  }
  const steps = fc.array(step, { minLength: 3, maxLength: 60 })

  test('each caller gets what the upstream would have sent it now', async () => {
    const manner = fc.record<Manner>({
      tags: fc.constantFrom('by the rule', 'opaque', 'changing rule', 'none'),
      reads: fc.constantFrom('lists', 'one tag', 'lists, and does not name', 'lists, and names what was never sent'),
    })
    await fc.assert(
      fc.asyncProperty(manner, steps, async (how, played) => {
        await play(how, played)
      }),
      { numRuns: 300 },
    )
  })

  test('with GitHub’s rule, every body that is not an empty list is paid for once, by whomever', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (played) => {
        const { paid, payments } = await play(
          GITHUB,
          played.filter((each) => each.do !== 'read' || !each.head),
        )
        // The anonymous pay for themselves, and what they were sent need not be paid for again.
        expect(payments).toBeLessThanOrEqual(paid.size)
      }),
      { numRuns: 300 },
    )
  })
})
