import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import type { Answer, Question } from '../../../src/middleware/outbound/exchange.ts'
import { Flights } from '../../../src/middleware/outbound/flight.ts'
import { memoryWriteEpochs } from '../../../src/store/memory/write-epochs.ts'
import { answered, confirmed } from './flights.ts'
import { bytesOf, FakeBody, questionFor } from './harness.ts'

const MEBIBYTE = 1024 * 1024

/** What an upstream may make of a question. */
type Says = 'a body' | 'a refusal' | 'something private' | 'something long' | 'a failure' | 'not modified'
const anything: Says[] = ['a body', 'a refusal', 'something private', 'something long', 'a failure', 'not modified']

/** One question on its way. Moments are only counted. */
interface Call {
  readonly question: Question
  readonly signal: AbortSignal
  landedAt: number
  /** Whether it had been ended when it landed. */
  aborted: boolean
  /** What of it was still arriving. */
  body: FakeBody | undefined
}

/** Lengths of what an upstream says in pieces. */
const WHOLE = ['not found'.length, 'x'.length, MEBIBYTE + 1]

const isHeld = (body: Answer['body']) => body === null || body instanceof Uint8Array

interface Caller {
  settled: number
  leftAt: number
  /** Before it was answered. */
  hasLeft: boolean
  answer: Answer | undefined
  failure: string | undefined
  /** The question that it waits for first. */
  call: Call | undefined
}

const request = fc.record({
  key: fc.constantFrom('k1', 'k1', 'k2'),
  method: fc.constantFrom('GET', 'GET', 'HEAD'),
  control: fc.constantFrom('', '', '', 'no-cache', 'no-store'),
  tags: fc.constantFrom<string[]>([], [], ['"a"'], ['"b"', '"a"']),
  leaves: fc.boolean(),
  /** Whether something was written just before. */
  written: fc.constantFrom(false, false, false, true),
})
interface Request {
  readonly key: string
  readonly method: string
  readonly control: string
  readonly tags: string[]
  readonly leaves: boolean
  readonly written: boolean
}

function said(what: Says, call: Call): Answer {
  const [tag] = call.question.clientTags
  const streamed = (...chunks: (string | Uint8Array)[]) => {
    call.body = new FakeBody(chunks)
    return call.body
  }
  if (what === 'a refusal') return answered(streamed('not ', 'found'), { name: 'refused' }, { status: 404 })
  if (what === 'something private') return answered(streamed('x'), { name: 'fetched', detail: 'no-store' })
  if (what === 'something long') {
    return answered(streamed(new Uint8Array(MEBIBYTE), 'x'), { name: 'fetched', detail: 'no-validator' })
  }
  return what === 'not modified' && tag !== undefined ? confirmed(tag) : answered('body')
}

/** Lets requests come, leave and be answered in the order that the scheduler has in mind. */
async function run(scheduler: fc.Scheduler, requests: readonly Request[], upstream: readonly Says[]) {
  let moment = 0
  const calls: Call[] = []
  const epochs = memoryWriteEpochs(10)
  const flights = new Flights(epochs, (question) => {
    const call: Call = { question, signal: question.signal(), landedAt: 0, aborted: false, body: undefined }
    const what = upstream[calls.length % upstream.length]!
    calls.push(call)
    return new Promise<Answer>((resolve, reject) => {
      const gone = () => reject(new Failure('client-gone'))
      call.signal.addEventListener('abort', gone)
      if (call.signal.aborted) gone()
      void scheduler.schedule(Promise.resolve(), what).then(() => {
        call.landedAt = ++moment
        call.aborted = call.signal.aborted
        if (what === 'a failure') reject(new Failure('upstream-unreachable'))
        else if (!call.aborted) resolve(said(what, call))
      })
    })
  })
  const callers = requests.map(({ method, control, tags, leaves, ...rest }, index) => {
    const leaving = new AbortController()
    const caller: Caller = {
      settled: 0,
      leftAt: Number.POSITIVE_INFINITY,
      hasLeft: false,
      answer: undefined,
      failure: undefined,
      call: undefined,
    }
    const asked = { method, clientTags: tags, signal: leaving.signal, fields: { 'cache-control': control } }
    const question = { ...questionFor({ authorization: 'token one', ...asked }), key: rest.key }
    void scheduler.schedule(Promise.resolve(), `join ${index}`).then(() => {
      if (rest.written) epochs.bump('everything')
      flights.answer(question, undefined).then(
        (answer) => {
          caller.settled++
          caller.answer = answer
        },
        (thrown: unknown) => {
          caller.settled++
          caller.failure = thrown instanceof Failure ? thrown.tag : String(thrown)
        },
      )
      caller.call = calls.at(-1)
    })
    if (leaves) {
      void scheduler.schedule(Promise.resolve(), `leave ${index}`).then(() => {
        caller.hasLeft = caller.settled === 0
        caller.leftAt = ++moment
        leaving.abort()
      })
    }
    return caller
  })
  // What is asked for again is scheduled some turns after the answer that was of no use.
  do {
    await scheduler.waitAll()
    await new Promise(setImmediate)
  } while (scheduler.count() > 0)
  return { calls, callers }
}

describe('in any order of coming, leaving and answering', () => {
  test('each caller is answered once, with what is its to have, by no more questions than there are callers', async () => {
    const unhandled: unknown[] = []
    const note = (thrown: unknown) => unhandled.push(thrown)
    process.on('unhandledRejection', note)
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.scheduler(),
          fc.array(request, { minLength: 1, maxLength: 10 }),
          fc.array(fc.constantFrom(...anything), { minLength: 1, maxLength: 4 }),
          async (scheduler, requests, upstream) => {
            const { calls, callers } = await run(scheduler, requests, upstream)
            expect(calls.length).toBeLessThanOrEqual(callers.length)
            for (const [index, { settled, hasLeft, answer, failure }] of callers.entries()) {
              const { tags, control } = requests[index]!
              expect(settled).toBe(1)
              if (failure === 'client-gone') expect(hasLeft).toBe(true)
              else if (failure !== undefined) expect(failure).toBe('upstream-unreachable')
              if (answer === undefined) continue
              const { name, detail, collapsed } = answer.outcome
              if (name === 'confirmed') expect(tags).toContain(answer.headers[1])
              if (detail === 'no-store' || control !== '') expect(collapsed).toBeUndefined()
            }
            // What arrives still is one caller's alone, and all of it; what is nobody's was let go of.
            const streams = callers.flatMap(({ answer }) =>
              answer === undefined || isHeld(answer.body) ? [] : [answer.body],
            )
            expect(new Set(streams).size).toBe(streams.length)
            for (const stream of streams) expect(WHOLE).toContain((await bytesOf(stream)).byteLength)
            for (const { body, signal } of calls) if (!signal.aborted) expect(body?.ended).not.toBe('no')
          },
        ),
        { numRuns: 1500 },
      )
      expect(unhandled).toEqual([])
    } finally {
      process.off('unhandledRejection', note)
    }
  })

  test('a question is ended when all who wait for it have left, and by nothing else', async () => {
    const alike = request.map(({ leaves, written }) => {
      return { key: 'k1', method: 'GET', control: '', tags: [], leaves, written }
    })
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(alike, { minLength: 1, maxLength: 10 }),
        async (scheduler, requests) => {
          const { calls, callers } = await run(scheduler, requests, ['a body'])
          for (const call of calls) {
            const waited = callers.filter((caller) => caller.call === call)
            expect(waited.length).toBeGreaterThan(0)
            expect(call.aborted).toBe(waited.every(({ leftAt }) => leftAt < call.landedAt))
          }
          for (const { hasLeft, answer } of callers) if (!hasLeft) expect(answer?.outcome.name).toBe('filled')
        },
      ),
      { numRuns: 1000 },
    )
  })
})
