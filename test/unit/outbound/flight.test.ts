import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import type { Detail } from '../../../src/outcome.ts'
import { answered, confirmed, runway, turns } from './flights.ts'
import { type Asked, bytesOf, FakeBody, questionFor } from './harness.ts'

const MEBIBYTE = 1024 * 1024

/** Pieces of what is larger than what is held for others. */
const large = () => new FakeBody([new Uint8Array(MEBIBYTE), new Uint8Array(1)])

describe('identical requests of one credential', () => {
  test('are one question, however many: each gets the answer, one of them as its own', async () => {
    const { join, calls, callers } = runway()
    for (let count = 0; count < 200; count++) join()
    await turns()
    expect(calls).toHaveLength(1)
    calls[0]!.answer(answered('one for all'))
    await turns()
    expect(callers.map(({ text }) => text)).toEqual(Array(200).fill('one for all'))
    expect(callers.map(({ answer }) => answer?.outcome.collapsed)).toEqual([undefined, ...Array(199).fill(true)])
    expect(callers[7]!.answer?.outcome).toEqual({ ...callers[0]!.answer!.outcome, collapsed: true })
    expect(calls).toHaveLength(1)
  })

  test('are asked anew once the answer is there', async () => {
    const { join, calls } = runway()
    join()
    calls[0]!.answer(answered())
    await turns()
    const later = join()
    expect(calls).toHaveLength(2)
    calls[1]!.answer(answered('later'))
    await turns()
    expect(later.answer?.outcome.collapsed).toBeUndefined()
    expect(later.text).toBe('later')
  })

  test('are told by key: another credential, URL or field is another question', async () => {
    const { join, calls } = runway()
    join()
    join({ authorization: 'token two' })
    join({ path: '/other' })
    join({ query: 'page=2' })
    join({ key: 'with another field' })
    await turns()
    expect(calls).toHaveLength(5)
  })

  test('get one failure together, and ask no more', async () => {
    const { join, calls, callers } = runway()
    for (let count = 0; count < 5; count++) join()
    const failure = new Failure('upstream-unreachable')
    calls[0]!.fail(failure)
    await turns()
    expect(callers.map((each) => each.failure)).toEqual(Array(5).fill(failure))
    expect(calls).toHaveLength(1)
    join()
    expect(calls).toHaveLength(2)
  })

  test('10,000 wait for one; the next ones make a question of their own', async () => {
    const { join, calls, callers } = runway()
    for (let count = 0; count < 10_001; count++) join()
    expect(calls).toHaveLength(2)
    join()
    expect(calls).toHaveLength(2)
    calls[0]!.answer(answered('first'))
    calls[1]!.answer(answered('second'))
    await turns()
    expect(callers.filter(({ text }) => text === 'first')).toHaveLength(10_000)
    expect(callers.slice(10_000).map(({ text }) => text)).toEqual(['second', 'second'])
  })
})

describe('whoever leaves', () => {
  test('is gone at once and takes nothing with it', async () => {
    const { join, calls } = runway()
    const [first, second, third] = [join(), join(), join()]
    second.leave()
    await turns()
    expect(second.failure).toMatchObject({ tag: 'client-gone' })
    expect([first.state, third.state]).toEqual(['waiting', 'waiting'])
    expect(calls[0]!.signal.aborted).toBe(false)
    calls[0]!.answer(answered('x'))
    await turns()
    expect([first.text, second.text, third.text]).toEqual(['x', undefined, 'x'])
  })

  test('does not take the question away from the others, though it began it', async () => {
    const { join, calls } = runway()
    const [first, second] = [join(), join()]
    first.leave()
    const third = join()
    await turns()
    expect(calls).toHaveLength(1)
    expect(calls[0]!.signal.aborted).toBe(false)
    calls[0]!.answer(answered('x'))
    await turns()
    expect([first.state, second.text, third.text]).toEqual(['failed', 'x', 'x'])
  })

  test('as the last one ends the question, and nobody joins what has ended', async () => {
    const { join, calls } = runway()
    const [first, second] = [join(), join()]
    first.leave()
    expect(calls[0]!.signal.aborted).toBe(false)
    second.leave()
    expect(calls[0]!.signal.aborted).toBe(true)
    const third = join()
    expect(calls).toHaveLength(2)
    calls[0]!.fail(new Failure('client-gone'))
    calls[1]!.answer(answered('x'))
    await turns()
    expect(third.text).toBe('x')
    // The ended question did not take the new one with it.
    join()
    expect(calls).toHaveLength(3)
  })

  test('before it came does not hold the others up', async () => {
    const { join, calls } = runway()
    const first = join()
    const gone = join({ signal: AbortSignal.abort() })
    await turns()
    expect(gone.failure).toMatchObject({ tag: 'client-gone' })
    expect(calls[0]!.signal.aborted).toBe(false)
    first.leave()
    expect(calls[0]!.signal.aborted).toBe(true)
  })

  test('after its answer is there changes nothing for others', async () => {
    const { join, calls } = runway()
    const first = join()
    calls[0]!.answer(answered())
    await turns()
    first.leave()
    expect(calls[0]!.signal.aborted).toBe(false)
    const second = join()
    const third = join()
    first.leave()
    second.leave()
    expect(calls[1]!.signal.aborted).toBe(false)
    third.leave()
    expect(calls[1]!.signal.aborted).toBe(true)
  })

  test('while its answer still arrives ends that, as nobody else reads it', async () => {
    const { join, calls } = runway()
    const first = join()
    calls[0]!.answer(answered(large(), { name: 'fetched', detail: 'no-validator' }))
    await turns()
    expect(first.state).toBe('answered')
    expect(calls[0]!.signal.aborted).toBe(false)
    first.leave()
    expect(calls[0]!.signal.aborted).toBe(true)
  })

  test('does not leave behind a body that only it could have read', async () => {
    const { join, calls } = runway()
    const [first, second] = [join(), join()]
    first.leave()
    const body = large()
    calls[0]!.answer(answered(body, { name: 'fetched', detail: 'too-large' }))
    await turns()
    expect(body.ended).toBe('given up')
    calls[1]!.answer(answered('own'))
    await turns()
    expect(second.text).toBe('own')
  })

  test('leaves no rejection that nobody handles', async () => {
    const unhandled: unknown[] = []
    const note = (thrown: unknown) => unhandled.push(thrown)
    process.on('unhandledRejection', note)
    try {
      const { join, calls } = runway()
      const [first, second] = [join(), join()]
      first.leave()
      second.leave()
      await turns()
      calls[0]!.fail(new Failure('client-gone'))
      await turns()
      expect(unhandled).toEqual([])
    } finally {
      process.off('unhandledRejection', note)
    }
  })
})

describe('HEAD', () => {
  test('joins a GET, and a GET never a HEAD', async () => {
    const { join, calls } = runway()
    join()
    const head = join({ method: 'HEAD' })
    expect(calls.map(({ question }) => question.method)).toEqual(['GET'])
    calls[0]!.answer(answered('body'))
    await turns()
    expect(head.answer?.outcome.collapsed).toBe(true)

    join({ method: 'HEAD' })
    join()
    expect(calls.map(({ question }) => question.method)).toEqual(['GET', 'HEAD', 'GET'])
  })

  test('joins another HEAD', async () => {
    const { join, calls } = runway()
    join({ method: 'HEAD' })
    const head = join({ method: 'HEAD' })
    expect(calls).toHaveLength(1)
    calls[0]!.answer(answered(null, { name: 'fetched' }))
    await turns()
    expect(head.answer?.outcome.collapsed).toBe(true)
  })

  test('whose answer cannot be shared says nothing about the GET’s', async () => {
    const { join, calls } = runway()
    join({ method: 'HEAD' })
    calls[0]!.answer(answered(null, { name: 'fetched', detail: 'no-store' }))
    await turns()
    join()
    join()
    expect(calls).toHaveLength(2)
  })
})

describe('who does not join', () => {
  test.each([
    ['no-cache', 2],
    ['max-age=0', 2],
    ['no-store', 2],
    ['max-age=1', 1],
    ['max-stale', 1],
    ['min-fresh=10', 1],
  ])('%s: %i questions', async (control, questions) => {
    const { join, calls } = runway()
    join()
    join({ fields: { 'cache-control': control } })
    await turns()
    expect(calls).toHaveLength(questions)
  })

  test('others join the newest, which insisted on being asked', async () => {
    const { join, calls } = runway()
    const first = join()
    join({ fields: { 'cache-control': 'no-cache' } })
    const third = join()
    calls[0]!.answer(answered('older'))
    await turns()
    expect([first.text, third.state]).toEqual(['older', 'waiting'])
    calls[1]!.answer(answered('newer'))
    await turns()
    expect(third.text).toBe('newer')
    expect(calls).toHaveLength(2)
  })

  test('one that may wait for budget is not answered by one that may not', async () => {
    const { join, calls, flights } = runway()
    const [hurried, patient] = [join(), join({ longestWait: 5000 })]
    expect(calls.map(({ question }) => question.longestWait)).toEqual([0, 5000])
    // The same wait, or a shorter one, will do.
    const others = [join({ longestWait: 5000 }), join({ longestWait: 1 }), join()]
    expect(flights.isJoinable(questionFor({ authorization: 'token one', longestWait: 5001 }))).toBe(false)
    expect(calls).toHaveLength(2)
    calls[0]!.fail(new Failure('rate-limited'))
    await turns()
    calls[1]!.answer(answered('waited'))
    await turns()
    expect(hurried.failure).toMatchObject({ tag: 'rate-limited' })
    expect([patient, ...others].map(({ text }) => text)).toEqual(Array(4).fill('waited'))
  })

  test.each<[string, Asked, Asked, number]>([
    ['another client', {}, { client: { group: 'address:192.0.2.2', name: '' } }, 2],
    ['another name of it', {}, { client: { group: 'address:192.0.2.1', name: 'other' } }, 2],
    ['work that cannot wait', { isBackground: true }, {}, 2],
    ['work that can', {}, { isBackground: true }, 1],
    ['the same client', {}, {}, 1],
  ])('while a question waits for its turn, %s', async (_name, first, second, questions) => {
    const { join, calls } = runway()
    join(first)
    join(second)
    expect(calls).toHaveLength(questions)
    // What has been sent waits for nothing any more.
    for (const { question } of calls) question.use.requests++
    join(first)
    join(second)
    expect(calls).toHaveLength(questions)
  })

  test('nor is a HEAD, by a GET that may not wait', () => {
    const { join, calls } = runway()
    join()
    join({ method: 'HEAD', longestWait: 1 })
    expect(calls.map(({ question }) => question.method)).toEqual(['GET', 'HEAD'])
  })

  test.each<[string, Asked]>([
    ['GET', {}],
    ['HEAD', { method: 'HEAD' }],
    ['past the cache', { bypass: 'range' }],
    ['without storing', { fields: { 'cache-control': 'no-store' } }],
  ])('nobody joins what is out any longer once there is another answer: %s', async (_name, other) => {
    const { join, calls } = runway()
    join(other)
    const older = join({ fields: { 'cache-control': 'no-cache' } })
    calls[0]!.answer(answered('what the caller has been told'))
    await turns()
    // The upstream may have looked at the second question before the first.
    const late = join()
    expect(calls).toHaveLength(3)
    calls[1]!.answer(answered('older'))
    calls[2]!.answer(answered('newest'))
    await turns()
    expect([older.text, late.text]).toEqual(['older', 'newest'])
  })

  test('a request that forbids storing is nobody’s to join either', async () => {
    const { join, calls } = runway()
    join({ fields: { 'cache-control': 'no-store' } })
    join()
    expect(calls).toHaveLength(2)
  })

  test('a read that the cache takes no part in', async () => {
    const { join, calls } = runway()
    join()
    join({ bypass: 'range' })
    join({ bypass: 'range' })
    expect(calls).toHaveLength(3)
    // Not even one that was there first.
    const other = runway()
    other.join({ bypass: 'range' })
    other.join()
    expect(other.calls).toHaveLength(2)
  })

  test('a read begun after a write that concerns it', async () => {
    const { join, calls, epochs } = runway()
    const first = join({ path: '/repos/o/r' })
    epochs.bump(['nothing of ours'])
    join({ path: '/repos/o/r' })
    expect(calls).toHaveLength(1)
    epochs.bump('everything')
    const third = join({ path: '/repos/o/r' })
    const fourth = join({ path: '/repos/o/r' })
    expect(calls).toHaveLength(2)
    calls[0]!.answer(answered('before'))
    calls[1]!.answer(answered('after'))
    await turns()
    expect([first.text, third.text, fourth.text]).toEqual(['before', 'after', 'after'])
  })

  test('isJoinable says the same', () => {
    const { join, flights, calls } = runway()
    join()
    const { question } = calls[0]!
    const saying = (control: object) => ({ ...question, directives: { ...question.directives, ...control } })
    expect(flights.isJoinable(question)).toBe(true)
    expect(flights.isJoinable({ ...question, key: 'other' })).toBe(false)
    expect(flights.isJoinable({ ...question, bypass: 'range' })).toBe(false)
    expect(flights.isJoinable(saying({ noCache: true }))).toBe(false)
    expect(flights.isJoinable(saying({ maxAge: 0 }))).toBe(false)
    expect(flights.isJoinable({ ...question, method: 'HEAD' })).toBe(true)
  })
})

describe('answers that cannot be shared', () => {
  test.each<Detail>(['no-store', 'vary-any', 'too-large'])(
    '%s: the others ask by themselves, and next time at once, until one could be shared',
    async (detail) => {
      const { join, calls } = runway()
      const unshareable = () => answered(large(), { name: 'fetched', stored: false, detail })
      const [first, second, third] = [join(), join(), join()]
      calls[0]!.answer(unshareable())
      await turns()
      expect(first.answer?.body).toBeInstanceOf(FakeBody)
      expect(calls).toHaveLength(3)
      calls[1]!.answer(unshareable())
      calls[2]!.answer(unshareable())
      await turns()
      expect(second.answer?.outcome.collapsed).toBeUndefined()
      expect(second.answer?.body).not.toBe(first.answer?.body)
      expect(third.answer?.body).not.toBe(first.answer?.body)

      for (let count = 0; count < 3; count++) join()
      expect(calls).toHaveLength(6)
      for (const call of calls.slice(3, 5)) call.answer(unshareable())
      await turns()
      join()
      expect(calls).toHaveLength(7)
      calls[6]!.answer(answered())
      await turns()
      join()
      join()
      expect(calls).toHaveLength(8)
    },
  )

  test('206: as well, whatever is said of it', async () => {
    const { join, calls } = runway()
    join()
    join()
    calls[0]!.answer(answered('part', { name: 'fetched' }, { status: 206 }))
    await turns()
    expect(calls).toHaveLength(2)
  })

  test('a thousand such are remembered; the oldest is forgotten first', async () => {
    const { join, calls } = runway()
    const unshareable = async (key: string) => {
      join({ key })
      calls.at(-1)!.answer(answered('x', { detail: 'no-store' }))
      await Promise.resolve()
    }
    for (let index = 0; index <= 1000; index++) await unshareable(`key ${index}`)
    await turns()
    const asked = (key: string) => {
      const before = calls.length
      join({ key })
      join({ key })
      return calls.length - before
    }
    expect([asked('key 1'), asked('key 1000'), asked('key 0')]).toEqual([2, 2, 1])
  })
})

describe('an answer that is still arriving', () => {
  test('is collected for those who wait for it', async () => {
    const { join, calls, callers } = runway()
    for (let count = 0; count < 3; count++) join()
    const body = new FakeBody(['not ', 'found'])
    calls[0]!.answer(answered(body, { name: 'refused', forwardStatus: 404 }, { status: 404 }))
    await turns()
    expect(callers.map(({ text, answer }) => [answer?.status, text])).toEqual(Array(3).fill([404, 'not found']))
    expect(body.ended).toBe('read')
    expect(calls).toHaveLength(1)
  })

  test('is passed on as it comes to one who is alone', async () => {
    const { join, calls } = runway()
    const first = join()
    const body = new FakeBody(['not ', 'found'])
    calls[0]!.answer(answered(body, { name: 'refused' }, { status: 404 }))
    await turns()
    expect(first.answer?.body).toBe(body)
    expect(body.ended).toBe('no')
  })

  test('of a mebibyte is held, of more goes whole to the one who asked; the others ask by themselves', async () => {
    const { join, calls, callers } = runway()
    join()
    join()
    calls[0]!.answer(answered(new FakeBody([new Uint8Array(MEBIBYTE)]), { name: 'fetched', detail: 'no-validator' }))
    await turns()
    expect(callers.map(({ text }) => text?.length)).toEqual([MEBIBYTE, MEBIBYTE])

    const third = join()
    const fourth = join()
    calls[1]!.answer(answered(large(), { name: 'fetched', detail: 'no-validator' }))
    await turns()
    expect((await bytesOf(third.answer!.body)).byteLength).toBe(MEBIBYTE + 1)
    expect(fourth.state).toBe('waiting')
    expect(calls).toHaveLength(3)
    const own = large()
    calls[2]!.answer(answered(own, { name: 'fetched', detail: 'no-validator' }))
    await turns()
    expect(fourth.answer?.body).toBe(own)
  })

  test('and was too long for others is not waited for the next time either', async () => {
    const { join, calls } = runway()
    const tooLong = () => answered(large(), { name: 'fetched', detail: 'no-validator' })
    join()
    join()
    calls[0]!.answer(tooLong())
    await turns()
    calls[1]!.answer(tooLong())
    await turns()
    join()
    join()
    expect(calls).toHaveLength(4)
  })

  test('that breaks off while it is collected is one failure for all', async () => {
    const { join, calls, callers } = runway()
    join()
    join()
    const failure = new Failure('upstream-truncated')
    const body: AsyncIterable<Uint8Array> = {
      async *[Symbol.asyncIterator]() {
        yield new Uint8Array(1)
        throw failure
      },
    }
    calls[0]!.answer(answered(body, { name: 'refused' }, { status: 404 }))
    await turns()
    expect(callers.map((each) => each.failure)).toEqual([failure, failure])
    expect(calls).toHaveLength(1)
  })

  test('can still be joined while it is collected', async () => {
    const { join, calls, callers } = runway()
    join()
    join()
    let finish: () => void = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const body: AsyncIterable<Uint8Array> = {
      async *[Symbol.asyncIterator]() {
        yield new Uint8Array([65])
        await finished
      },
    }
    calls[0]!.answer(answered(body, { name: 'refused' }, { status: 404 }))
    await turns()
    join()
    expect(calls).toHaveLength(1)
    finish()
    await turns()
    expect(callers.map(({ text }) => text)).toEqual(['A', 'A', 'A'])
  })
})

describe('a 304 about what a client holds', () => {
  test('is for those who hold the same, and the others make one question among themselves', async () => {
    const { join, calls } = runway()
    const first = join({ clientTags: ['W/"a"', '"b"'] })
    const same = join({ clientTags: ['"x"', '"a"'] })
    const [none, other, alsoNone] = [join(), join({ clientTags: ['"b"'] }), join()]
    calls[0]!.answer(confirmed('W/"a"'))
    await turns()
    expect([first, same].map(({ answer }) => answer?.status)).toEqual([304, 304])
    expect(same.answer?.outcome).toMatchObject({ name: 'confirmed', collapsed: true })
    expect([none, other, alsoNone].map(({ state }) => state)).toEqual(['waiting', 'waiting', 'waiting'])
    expect(calls).toHaveLength(2)
    calls[1]!.answer(answered('whole'))
    await turns()
    expect([none, other, alsoNone].map(({ text }) => text)).toEqual(['whole', 'whole', 'whole'])
    expect(calls).toHaveLength(2)
  })

  test('without a tag is for nobody else, for what it names is not known', async () => {
    const { join, calls } = runway()
    join({ clientTags: ['"a"'] })
    const other = join({ clientTags: ['"a"'] })
    calls[0]!.answer(confirmed(undefined))
    await turns()
    expect(other.state).toBe('waiting')
    expect(calls).toHaveLength(2)
  })

  test('about a date is for those with the same date', async () => {
    const { join, calls } = runway()
    const DATE = 'Wed, 15 Apr 2026 12:00:00 GMT'
    join({ clientModifiedSince: DATE })
    const same = join({ clientModifiedSince: DATE })
    const others = [
      join({ clientModifiedSince: 'Wed, 15 Apr 2026 12:00:01 GMT' }),
      join(),
      join({ clientTags: ['"a"'] }),
    ]
    calls[0]!.answer(confirmed('"a"'))
    await turns()
    expect(same.answer?.status).toBe(304)
    expect(others.map(({ state }) => state)).toEqual(['waiting', 'waiting', 'waiting'])
  })

  test('is waited for twice in a row at the most', async () => {
    const { join, calls } = runway()
    join({ clientTags: ['"a"'] })
    join({ clientTags: ['"b"'] })
    join({ clientTags: ['"c"'] })
    const patient = join()
    calls[0]!.answer(confirmed('"a"'))
    await turns()
    // The second begins one, the others join it.
    expect(calls).toHaveLength(2)
    calls[1]!.answer(confirmed('"b"'))
    await turns()
    expect(calls).toHaveLength(4)
    calls[2]!.answer(answered('x'))
    calls[3]!.answer(answered('x'))
    await turns()
    expect(patient.text).toBe('x')
  })
})
