import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Failure, type FailureTag } from '../../../src/errors.ts'
import type { Answer } from '../../../src/middleware/outbound/exchange.ts'
import type { UpstreamResponse } from '../../../src/ports.ts'
import { BAD, limitFields, type Place, PRIMARY, SECONDARY, watching } from './budgets.ts'
import { turns } from './flights.ts'
import { type Asked, chain, FakeBody, JSON_TYPE, PRIVATE, questionFor, response, START } from './harness.ts'

const FAILURES: readonly FailureTag[] = [
  'upstream-unreachable',
  'upstream-reset',
  'upstream-busy',
  'upstream-headers-timeout',
  'client-gone',
  'internal',
]

/** A body that ends, one that breaks off, and one that is longer than what is held. */
const BODIES = {
  none: () => null,
  short: () => new FakeBody(['{"login":', '"octocat"}']),
  long: () => new FakeBody(Array.from({ length: 5 }, () => 'x'.repeat(8000))),
  broken: () => ({
    async *[Symbol.asyncIterator]() {
      yield new TextEncoder().encode('{"')
      throw new Failure('upstream-truncated')
    },
  }),
}

const asked = fc.record({
  authorization: fc.constantFrom(undefined, 'token one', 'Bearer one', 'token two', 'Basic b2N0b2NhdDp4'),
  path: fc.constantFrom('/user', '/repos/o/r', '/search/issues', '/rate_limit'),
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'OPTIONS'),
  control: fc.constantFrom(undefined, 'no-cache', 'no-store'),
  bypass: fc.constantFrom(undefined, undefined, 'range'),
  isBackground: fc.boolean(),
})

const said = fc.record({
  status: fc.constantFrom(200, 200, 200, 201, 304, 401, 403, 404, 429, 500),
  body: fc.constantFrom<keyof typeof BODIES>('none', 'short', 'short', 'long', 'broken'),
  text: fc.constantFrom(undefined, SECONDARY, PRIMARY, BAD),
  remaining: fc.constantFrom(undefined, 0, 1, 2, 50),
  resource: fc.constantFrom(undefined, 'core', 'search'),
  resetsIn: fc.constantFrom(2, 60),
  retryAfter: fc.constantFrom(undefined, '1', '60'),
})

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('ask' as const), asked }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('answer' as const), which: fc.nat(5), said }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('fail' as const),
      which: fc.nat(5),
      tag: fc.constantFrom(...FAILURES),
      onReusedConnection: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('leave' as const), which: fc.nat(9) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('read' as const),
      which: fc.nat(9),
      how: fc.constantFrom<'some' | 'all' | 'give up'>('some', 'all', 'give up'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('wait' as const), milliseconds: fc.constantFrom(10, 1000, 5000, 70_000) }),
  },
)

type Of<Made> = Made extends fc.Arbitrary<infer One> ? One : never

interface Caller {
  readonly leaving: AbortController
  answer?: Answer
  failure?: unknown
}

async function read({ answer }: Caller, how: 'some' | 'all' | 'give up'): Promise<void> {
  const body = answer?.body
  if (body === undefined || body === null || body instanceof Uint8Array) return
  const iterator = body[Symbol.asyncIterator]()
  try {
    if (how === 'give up') await iterator.return?.()
    else for (let ended = false; !ended; ended = how === 'some' || ended) ended = (await iterator.next()).done === true
  } catch {
    // It broke off.
  }
}

function answerOf(of: Of<typeof said>): UpstreamResponse {
  const { status, body, text, remaining, resource, resetsIn, retryAfter } = of
  const fields = {
    ...(remaining === undefined
      ? {}
      : limitFields(remaining, {
          limit: 50,
          reset: START / 1000 + resetsIn,
          ...(resource === undefined ? {} : { resource }),
        })),
    ...(retryAfter === undefined || status < 400 ? {} : { 'retry-after': retryAfter }),
    etag: '"a"',
    'content-type': JSON_TYPE,
    'cache-control': PRIVATE,
  }
  if (status === 304) return response(status, fields)
  return response(status, fields, text !== undefined && status >= 400 ? new FakeBody([text]) : BODIES[body]())
}

async function end(callers: readonly Caller[]): Promise<void> {
  for (const [index, caller] of callers.entries()) {
    if (index % 2 === 0) await read(caller, 'all')
    else caller.leaving.abort()
  }
}

test('whatever becomes of questions, no place and nobody who waits is left behind, and each is settled once', async () => {
  const seen = new Set<string>()
  const run = async (steps: readonly Of<typeof step>[], concurrency: number, maxWait: number) => {
    const places: Place[] = []
    const chained = chain({
      maxEntryBytes: 20_000,
      limits: { concurrency, totalConcurrency: 4 * concurrency },
      budget: { maxWait, anonymousApplication: { clientId: 'app', clientSecret: 'secret' } },
      watch: watching(places),
      stale: { milliseconds: 60_000, isSet: false },
    })
    const { question, upstream, clock, ledger } = chained
    const callers: Caller[] = []
    const out: { answer(says: UpstreamResponse): void; fail(thrown: unknown): void }[] = []
    upstream(
      ({ signal }) =>
        new Promise((answer, fail) => {
          out.push({ answer, fail })
          signal?.addEventListener('abort', () => fail(new Failure('client-gone')))
        }),
    )
    const begin = ({ control, authorization, bypass, ...rest }: Of<typeof asked>) => {
      const caller: Caller = { leaving: new AbortController() }
      callers.push(caller)
      const isRead = rest.method === 'GET' || rest.method === 'HEAD'
      const made: Asked = {
        ...rest,
        ...(authorization === undefined ? {} : { authorization }),
        ...(bypass === undefined || !isRead ? {} : { bypass: 'range' as const }),
        ...(control === undefined ? {} : { fields: { 'cache-control': control } }),
        signal: caller.leaving.signal,
      }
      question(questionFor(made)).then(
        (answer) => {
          caller.answer = answer
        },
        (thrown: unknown) => {
          caller.failure = thrown
        },
      )
    }
    for (const each of steps) {
      if (each.what === 'ask') begin(each.asked)
      else if (each.what === 'answer') out.splice(each.which, 1)[0]?.answer(answerOf(each.said))
      else if (each.what === 'fail') out.splice(each.which, 1)[0]?.fail(new Failure(each.tag, each))
      else if (each.what === 'leave') callers[each.which]?.leaving.abort()
      else if (each.what === 'wait') clock.advance(each.milliseconds)
      else if (callers[each.which] !== undefined) await read(callers[each.which]!, each.how)
      await turns()
    }
    // Everything comes to its end: what is out is answered, what waits has its turn. Some read what they get, some leave.
    const isOver = (caller: Caller) => 'answer' in caller || 'failure' in caller
    for (let round = 0; round < 200 && !callers.every(isOver); round++) {
      for (const { answer } of out.splice(0)) answer(response(200, { etag: '"a"' }, 'end'))
      await end(callers.filter(isOver))
      clock.advance(2000)
      await turns()
    }
    expect(callers.every(isOver)).toBe(true)
    await end(callers)
    await turns()
    expect(ledger.report()).toMatchObject({ inFlight: 0, waiting: 0 })
    for (const { done } of places) {
      expect(['settle,end', 'lose,end', 'giveBack,end']).toContain(done.join())
      seen.add(done.join())
    }
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(0, 3000),
      run,
    ),
    { numRuns: 300 },
  )
  // Else there would have been little to see.
  expect(seen.size).toBe(3)
})
