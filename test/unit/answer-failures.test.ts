import { expect, test } from 'vitest'
import { Failure } from '../../src/errors.ts'
import { answerFailures } from '../../src/middleware/inbound/answer-failures.ts'
import type { Handler, RequestContext } from '../../src/middleware/inbound/context.ts'
import type { Outcome } from '../../src/outcome.ts'

type Limits = Parameters<typeof answerFailures>[1]

const ANSWER = { status: 200, headers: [], body: null }

/** What a handler's request came to, and what was reported of it. */
async function handled(next: Handler, limits: Limits = () => undefined, more: Partial<RequestContext> = {}) {
  const reported: [string, Failure][] = []
  const context = {
    requestId: 'one',
    inbound: { method: 'GET' },
    route: 'api',
    use: { requests: 1, cost: 0, milliseconds: 0 },
    outcome: { name: 'rejected' },
    failure: undefined,
    ...more,
  } as unknown as RequestContext
  const report = (id: string, failure: Failure) => reported.push([id, failure])
  const answer = await answerFailures(report, limits, next)(context)
  return { answer, reported, context }
}

test('what is thrown becomes the gateway’s own answer, now or later, and is reported once', async () => {
  const failure = new Failure('upstream-reset')
  const sooner: Handler = () => {
    throw failure
  }
  for (const next of [sooner, async () => sooner({} as RequestContext)]) {
    const { answer, reported, context } = await handled(next as Handler)
    expect(answer.status).toBe(502)
    expect(reported).toEqual([['one', failure]])
    expect(context).toMatchObject({ failure: 'upstream-reset', outcome: { name: 'failed' } })
  }
})

test('a failure that a stale copy was used for is reported under the request’s name, and is none of it', async () => {
  const covered = new Failure('upstream-reset')
  const stale: Outcome = { name: 'stale', detail: 'upstream-failed', covered }
  const { answer, reported, context } = await handled(async (context) => {
    context.outcome = stale
    return ANSWER
  })
  expect(answer).toBe(ANSWER)
  expect(reported).toEqual([['one', covered]])
  expect(context.failure).toBeUndefined()
  for (const next of [() => ANSWER, async () => ANSWER]) expect((await handled(next)).reported).toEqual([])
})

test('a failure states the live numbers of the budget that the request belongs to, once', async () => {
  const stated = { resource: 'search', limit: 30, remaining: 7, used: 23, reset: 1_776_254_400 }
  const credential = { fingerprint: 'one', isAnonymous: false }
  const asked: unknown[] = []
  const limits: Limits = (...of) => {
    asked.push(of)
    return stated
  }
  const remainingOf = ({ answer }: Awaited<ReturnType<typeof handled>>) =>
    answer.headers.flatMap((name, index) => (name === 'x-ratelimit-remaining' ? [answer.headers[index + 1]] : []))
  const failing = (headers: readonly string[] = []): Handler => {
    return () => {
      throw new Failure('upstream-reset', { headers })
    }
  }
  const known = { credential, chargedPath: '/search/issues' }
  expect(remainingOf(await handled(failing(), limits, known))).toEqual(['7'])
  expect(asked).toEqual([[credential, '/search/issues']])
  expect(remainingOf(await handled(failing(['x-ratelimit-remaining', '0']), limits, known))).toEqual(['0'])
  expect(remainingOf(await handled(failing(), limits, { credential }))).toEqual([])
  expect(remainingOf(await handled(failing(), () => undefined, known))).toEqual([])
})
