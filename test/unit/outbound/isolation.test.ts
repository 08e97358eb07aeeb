import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FreshnessPolicy } from '../../../src/http/freshness.ts'
import { headerValue } from '../../../src/http/headers.ts'
import type { Validation } from '../../../src/ports.ts'
import { memoryCacheStore } from '../../../src/store/memory/cache-store.ts'
import { type Asked, chain, JSON_TYPE, questionFor, response, type Sent, START } from './harness.ts'

/**
 * An upstream that sends each credential a body of its own, changed by writes, under one and the same entity tag for
 * all of them: whatever a tag says, bytes may only reach the credential they were made for.
 */
function selfishUpstream() {
  const versions = new Map<string, number>()
  const madeFor = new Map<string, string>()
  return {
    madeFor,
    says(control: string) {
      return ({ method, target, headers, noneMatch }: Sent) => {
        // A credential in the query counts as one exactly as the header does.
        const who = `${headerValue(headers, 'authorization') ?? 'nobody'} ${target}`
        const version = versions.get(who) ?? 0
        if (method === 'PATCH') {
          versions.set(who, version + 1)
          return response(200, {}, 'written')
        }
        const etag = `"${version}"`
        if (noneMatch === etag) return response(304, { etag })
        const body = `${who} ${version}`
        madeFor.set(body, who)
        return response(200, { 'content-type': JSON_TYPE, 'cache-control': control, etag }, body)
      }
    },
  }
}

const caller = fc.constantFrom<Asked>(
  {},
  { authorization: 'token one' },
  { authorization: 'Bearer one' },
  { authorization: 'token two' },
  { authorization: '' },
  { query: 'access_token=one' },
  { query: 'access_token=two' },
  { query: 'access%5Ftoken=one' },
  { query: 'access%5Ftoken=two' },
  { authorization: 'token one', query: 'access_token=one' },
)
const step = fc.record({
  caller,
  path: fc.constantFrom('/user', '/repos/o/r'),
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'PATCH'),
  control: fc.constantFrom('', '', 'no-cache', 'no-store', 'max-age=0'),
  wait: fc.constantFrom(0, 1, 30_000, 61_000),
})
const policy = fc.constantFrom<FreshnessPolicy>(
  { mode: 'upstream' },
  { mode: 'revalidate' },
  { mode: 'duration', milliseconds: 60_000 },
)

describe('two credentials', () => {
  test('never share an answer, in any interleaving, kind of freshness or pressure on the store', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 25 }),
        policy,
        fc.constantFrom('private, max-age=60', 'public, max-age=60', 'max-age=60', ''),
        fc.constantFrom(1_000_000, 2500),
        async (steps, freshness, control, room) => {
          const store = memoryCacheStore({ bodyBytes: room, validationBytes: room })
          const { get, upstream, clock } = chain({ policy: freshness, store })
          const { says, madeFor } = selfishUpstream()
          upstream(says(control))
          for (const { caller: who, path, method, control: directive, wait } of steps) {
            clock.advance(wait)
            const asked: Asked = { ...who, path, method, fields: { 'cache-control': directive } }
            const { text } = await get(asked)
            if (method === 'PATCH') continue
            const { address } = questionFor(asked)
            expect(madeFor.get(text)).toBe(`${who.authorization ?? 'nobody'} ${address.target}`)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('nor two at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), policy, async (steps, freshness) => {
        const { get, upstream } = chain({ policy: freshness })
        const { says, madeFor } = selfishUpstream()
        upstream(says('private, max-age=60'))
        await Promise.all(
          steps.map(async ({ caller: who, path }) => {
            const { text } = await get({ ...who, path })
            const { address } = questionFor({ ...who, path })
            expect(madeFor.get(text)).toBe(`${who.authorization ?? 'nobody'} ${address.target}`)
          }),
        )
      }),
    )
  })

  test('nor does one see in the other’s answer what belongs to it', async () => {
    const { get, upstream, ledger, accounts } = chain()
    upstream(({ headers }) =>
      response(
        200,
        {
          etag: '"same"',
          'x-oauth-scopes': headers[1]!,
          'x-ratelimit-limit': '60',
          'x-ratelimit-remaining': headers[1] === 'token one' ? '11' : '22',
          'x-ratelimit-reset': String(START / 1000 + 3600),
        },
        'the same bytes',
      ),
    )
    for (const authorization of ['token one', 'token two', 'token one']) {
      expect((await get({ authorization })).headers).toContain(authorization)
    }
    const remaining = ['token one', 'token two'].map(
      (authorization) => ledger.latest(accounts.nameOf(questionFor({ authorization }).credential), 'core')?.remaining,
    )
    expect(remaining).toEqual([11, 22])
  })
})

test('no credential is ever in a key or in what is stored', async () => {
  const CANARY = 'canary-0123456789'
  const kept: string[] = []
  const inner = memoryCacheStore({ bodyBytes: 100_000, validationBytes: 100_000 })
  const { get, upstream } = chain({
    store: {
      ...inner,
      keep(key, validation: Validation, body) {
        kept.push(key, JSON.stringify(validation), Buffer.from(body.bytes).toString(), body.key)
        return inner.keep(key, validation, body)
      },
    },
  })
  upstream(response(200, { etag: '"a"' }, 'body'))
  const queries = ['access_token', 'client_secret', 'TOKEN', 'access%5ftoken', '[token]', 'a=1;access_token']
  await get({ authorization: `Bearer ${CANARY}` })
  for (const name of queries) await get({ query: `per_page=2&${name}=${CANARY}&page=1` })
  expect(kept).toHaveLength(4 * (queries.length + 1))
  expect(kept.join('\n')).not.toContain(CANARY)
  expect(kept.join('\n')).toContain('per_page=2')
})
