import { expect, test } from 'vitest'
import { Failure } from '../../src/errors.ts'
import { answerFailures } from '../../src/middleware/inbound/answer-failures.ts'
import type { Handler, RequestContext } from '../../src/middleware/inbound/context.ts'
import type { Outcome } from '../../src/outcome.ts'

const ANSWER = { status: 200, headers: [], body: null }

/** What a handler's request came to, and what was reported of it. */
async function handled(next: Handler) {
  const reported: [string, Failure][] = []
  const context = {
    requestId: 'one',
    inbound: { method: 'GET' },
    route: 'api',
    use: { requests: 1, cost: 0, milliseconds: 0 },
    outcome: { name: 'rejected' },
    failure: undefined,
  } as unknown as RequestContext
  const answer = await answerFailures((id, failure) => reported.push([id, failure]), next)(context)
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
