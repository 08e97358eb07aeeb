import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import { parseEntityTags } from '../../../src/http/entity-tag.ts'
import { headerValue } from '../../../src/http/headers.ts'
import type { Answer } from '../../../src/middleware/outbound/exchange.ts'
import type { UpstreamResponse } from '../../../src/ports.ts'
import { body, validation } from '../../contract/cache-store.contract.ts'
import { turns } from './flights.ts'
import { type Asked, type ChainOptions, chain, digest, JSON_TYPE, questionFor, response, type Sent } from './harness.ts'

const PATH = '/repos/o/r'
const encoder = new TextEncoder()

interface Departure {
  readonly request: Sent
  /** Answers as GitHub does where this is what it would send: a 304 to the tag of it. */
  land(body: string): void
  say(response: UpstreamResponse): void
  fail(thrown: unknown): void
}

/** Everything outbound, with an upstream that answers when it is told to, and credentials that it accepts. */
function waitingRoom(accepted: readonly string[] = ['token one', 'token two', 'token three'], more: ChainOptions = {}) {
  const chained = chain({ predicts: true, ...more })
  const departures: Departure[] = []
  for (const authorization of accepted) {
    chained.accepted.add(questionFor({ authorization }).credential.fingerprint)
  }
  chained.upstream((request) => {
    return new Promise<UpstreamResponse>((resolve, reject) => {
      departures.push({ request, land: (body) => resolve(githubs(request, body)), say: resolve, fail: reject })
    })
  })
  /** Asks; what became of it is there after `turns()`. */
  const ask = (authorization?: string, asked: Asked = {}) => {
    const caller: { answer?: Answer; failure?: unknown } = {}
    const question = questionFor({ path: PATH, ...(authorization === undefined ? {} : { authorization }), ...asked })
    chained.question(question).then(
      (answer) => {
        caller.answer = answer
      },
      (thrown: unknown) => {
        caller.failure = thrown
      },
    )
    return caller
  }
  return { ...chained, departures, ask }
}

function githubs({ headers, noneMatch }: Sent, body: string): UpstreamResponse {
  const opaque = digest.sha256(`${headerValue(headers, 'authorization')}:`, encoder.encode(body))
  const vary = ['Accept, Authorization', 'Accept-Encoding']
  const tags = parseEntityTags(noneMatch)
  const fields = { 'cache-control': 'private, max-age=60', vary }
  if (tags.includes(`"${opaque}"`) || tags.includes(`W/"${opaque}"`)) {
    return response(304, { ...fields, etag: `"${opaque}"` })
  }
  return response(200, { ...fields, etag: `W/"${opaque}"`, 'content-type': JSON_TYPE }, body)
}

describe('behind a question of another credential', () => {
  test('one waits, and then asks with what that brought', async () => {
    const { ask, departures } = waitingRoom()
    const first = ask('token one')
    await turns()
    const second = ask('token two')
    const third = ask('token three')
    await turns()
    expect(departures).toHaveLength(1)
    departures[0]!.land('{"a":1}')
    await turns()
    expect(first.answer?.outcome.name).toBe('filled')
    expect(departures).toHaveLength(3)
    for (const departure of departures.slice(1)) departure.land('{"a":1}')
    await turns()
    expect([second, third].map(({ answer }) => answer?.outcome.name)).toEqual(['predicted', 'predicted'])
  })

  test('identical requests wait together and are one question then', async () => {
    const { ask, departures } = waitingRoom()
    ask('token one')
    await turns()
    const others = Array.from({ length: 20 }, () => ask('token two'))
    await turns()
    departures[0]!.land('{}')
    await turns()
    expect(departures).toHaveLength(2)
    departures[1]!.land('{}')
    await turns()
    expect(others.filter(({ answer }) => answer?.outcome.collapsed === true)).toHaveLength(19)
  })

  test('a HEAD waits, and nobody behind a HEAD', async () => {
    const { ask, departures } = waitingRoom()
    ask('token one', { method: 'HEAD' })
    await turns()
    ask('token two')
    await turns()
    expect(departures).toHaveLength(2)
    ask('token three', { method: 'HEAD' })
    await turns()
    expect(departures).toHaveLength(2)
    departures[1]!.land('{}')
    await turns()
    expect(departures).toHaveLength(3)
  })

  test('nobody waits for one that waits itself', async () => {
    const { ask, departures } = waitingRoom()
    ask('token one')
    await turns()
    ask('token two')
    await turns()
    ask('token three')
    await turns()
    // Had the third waited for the second, it would have to wait for that one's answer too.
    departures[0]!.land('{}')
    await turns()
    expect(departures.map(({ request }) => headerValue(request.headers, 'authorization'))).toEqual([
      'token one',
      'token two',
      'token three',
    ])
  })

  test('where the wait brought nothing, one goes and the others wait for it, once', async () => {
    const tokens = ['token one', 'token two', 'token three', 'token four']
    const { ask, departures } = waitingRoom(tokens)
    const callers = tokens.map(() => ({}) as ReturnType<typeof ask>)
    for (const [index, token] of tokens.entries()) {
      callers[index] = ask(token)
      await turns()
    }
    departures[0]!.say(response(404))
    await turns()
    expect(departures).toHaveLength(2)
    // What the second brings is free for the others, who would else have paid for it too.
    departures[1]!.land('{"new":1}')
    await turns()
    expect(departures).toHaveLength(4)
    for (const departure of departures.slice(2)) departure.land('{"new":1}')
    await turns()
    expect(callers.map(({ answer }) => answer?.outcome.name)).toEqual(['refused', 'filled', 'predicted', 'predicted'])
  })

  test('and nobody waits a third time', async () => {
    const tokens = ['token one', 'token two', 'token three', 'token four']
    const { ask, departures } = waitingRoom(tokens)
    for (const token of tokens) {
      ask(token)
      await turns()
    }
    departures[0]!.say(response(404))
    await turns()
    departures[1]!.say(response(404))
    await turns()
    expect(departures).toHaveLength(4)
  })

  test('both waits together take no longer than a second', async () => {
    const { ask, departures, clock } = waitingRoom()
    for (const token of ['token one', 'token two', 'token three']) {
      ask(token)
      await turns()
    }
    clock.advance(700)
    departures[0]!.say(response(404))
    await turns()
    clock.advance(299)
    await turns()
    expect(departures).toHaveLength(2)
    clock.advance(1)
    await turns()
    expect(departures).toHaveLength(3)
  })

  test('one of a credential that is new counts from its 200 on, while the body is still coming', async () => {
    const { ask, departures } = waitingRoom(['token two'])
    ask('token one')
    await turns()
    let more: (chunk: IteratorResult<Uint8Array, undefined>) => void = () => {}
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise<IteratorResult<Uint8Array, undefined>>((resolve) => {
            more = resolve
          }),
      }),
    }
    departures[0]!.say(response(200, { etag: '"x"', 'content-type': JSON_TYPE, 'cache-control': 'private' }, body))
    await turns()
    ask('token two')
    await turns()
    expect(departures).toHaveLength(1)
    more({ done: true, value: undefined })
    await turns()
    expect(departures).toHaveLength(2)
  })

  test('who is new may wait as well, but not everybody who may be', async () => {
    const { ask, departures } = waitingRoom(['token one', 'token two'])
    ask('token one')
    await turns()
    for (let index = 0; index < 101; index++) ask(`made up ${index}`)
    await turns()
    expect(departures).toHaveLength(2)
    ask('token two')
    await turns()
    expect(departures).toHaveLength(2)
  })

  test('conditions are composed after the wait, from what is stored then', async () => {
    const { ask, departures, store } = waitingRoom()
    ask('token one')
    await turns()
    ask('token two')
    await turns()
    // Meanwhile the same credential is told of it in another way.
    const { key } = questionFor({ path: PATH, authorization: 'token two' })
    await store.keep(key, validation('own body', { etag: '"own"' }), body('own body'))
    departures[0]!.land('{"other":1}')
    await turns()
    expect(parseEntityTags(departures[1]!.request.noneMatch)[0]).toBe('"own"')
  })

  test('a question that need not be asked does not wait', async () => {
    const { ask, departures, store, clock } = waitingRoom()
    const { key } = questionFor({ path: PATH, authorization: 'token two' })
    await store.keep(key, validation('b', { confirmedAt: clock.now(), isPublic: true }), body('b'))
    ask('token one')
    await turns()
    const second = ask('token two')
    await turns()
    expect(second.answer?.outcome.name).toBe('hit')
    expect(departures).toHaveLength(1)
  })
})

describe('the wait ends', () => {
  async function oneWaits(more: { asked?: Asked } = {}) {
    const room = waitingRoom()
    const first = room.ask('token one')
    await turns()
    const second = room.ask('token two', more.asked)
    await turns()
    expect(room.departures).toHaveLength(1)
    return { ...room, first, second }
  }

  test.each<[string, (of: Awaited<ReturnType<typeof oneWaits>>) => void]>([
    ['when the answer is stored', ({ departures }) => departures[0]!.land('{}')],
    [
      'when it is a refusal, whatever its body does',
      ({ departures }) => {
        departures[0]!.say(response(404, {}, { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }))
      },
    ],
    [
      'when it may not be stored',
      ({ departures }) => departures[0]!.say(response(200, { 'cache-control': 'no-store' }, 'x')),
    ],
    [
      'when it is too long to be stored',
      ({ departures }) => departures[0]!.say(response(200, { etag: '"a"' }, 'x'.repeat(20_000))),
    ],
    ['when it is intermediate', ({ departures }) => departures[0]!.say(response(202, {}, '{}'))],
    ['when it failed', ({ departures }) => departures[0]!.fail(new Failure('upstream-unreachable'))],
    ['when a fault of our own ended it', ({ departures }) => departures[0]!.fail(new TypeError('bug'))],
    ['after a second', ({ clock }) => clock.advance(1000)],
  ])('%s', async (_name, end) => {
    const room = await oneWaits()
    end(room)
    await turns()
    expect(room.departures).toHaveLength(2)
    // It asks once, though the other answer and the end of the second are still to come.
    room.departures[0]!.land('{}')
    room.clock.advance(5000)
    await turns()
    expect(room.departures).toHaveLength(2)
    room.departures[1]!.land('{"own":1}')
    await turns()
    expect(room.second.answer?.status).toBe(200)
  })

  test('not before', async () => {
    const { clock, departures } = await oneWaits()
    clock.advance(999)
    await turns()
    expect(departures).toHaveLength(1)
  })

  test('not while a page whose Link a 304 left open is fetched', async () => {
    const room = waitingRoom()
    const page = JSON.stringify(Array(30).fill(1))
    room.ask('token one')
    await turns()
    room.departures[0]!.land(page)
    await turns()
    room.clock.advance(100_000)
    room.ask('token one')
    await turns()
    const second = room.ask('token two')
    await turns()
    expect(room.departures).toHaveLength(2)
    room.departures[1]!.land(page)
    await turns()
    // Asked again, now without conditions; the second waits for that.
    expect(room.departures).toHaveLength(3)
    expect(room.departures[2]!.request.noneMatch).toBeUndefined()
    room.departures[2]!.land(page)
    await turns()
    expect(room.departures).toHaveLength(4)
    expect(second.answer).toBeUndefined()
  })

  test('when the client leaves, and then it asks nothing', async () => {
    const leaving = new AbortController()
    const { second, departures, clock } = await oneWaits({ asked: { signal: leaving.signal } })
    leaving.abort()
    await turns()
    expect(second.failure).toMatchObject({ tag: 'client-gone' })
    departures[0]!.land('{}')
    clock.advance(5000)
    await turns()
    expect(departures).toHaveLength(1)
  })

  test('at once for a client that has left already', async () => {
    const { ask, departures } = waitingRoom()
    ask('token one')
    await turns()
    const gone = ask('token two', { signal: AbortSignal.abort() })
    await turns()
    expect(gone.failure).toMatchObject({ tag: 'client-gone' })
    departures[0]!.land('{}')
    await turns()
    expect(departures).toHaveLength(1)
  })

  test('not when the one they wait for leaves, and others of its credential still wait for its answer', async () => {
    const leaving = new AbortController()
    const { ask, departures } = waitingRoom()
    ask('token one', { signal: leaving.signal })
    await turns()
    const follower = ask('token one')
    const second = ask('token two')
    await turns()
    leaving.abort()
    await turns()
    expect(departures).toHaveLength(1)
    departures[0]!.land('{}')
    await turns()
    departures[1]!.land('{}')
    await turns()
    expect([follower, second].map(({ answer }) => answer?.outcome.name)).toEqual(['filled', 'predicted'])
  })

  test('for all when the one they wait for leaves and its question with it', async () => {
    const leaving = new AbortController()
    const { ask, departures } = waitingRoom()
    ask('token one', { signal: leaving.signal })
    await turns()
    ask('token two')
    await turns()
    leaving.abort()
    expect(departures[0]!.request.signal?.aborted).toBe(true)
    await turns()
    expect(departures).toHaveLength(2)
  })
})

describe('who does not wait', () => {
  /** How many questions are out when `second` has come after `first`. */
  async function out(first: [string?, Asked?], second: [string?, Asked?], accepted?: string[]): Promise<number> {
    const { ask, departures } = waitingRoom(accepted)
    ask(...first)
    await turns()
    ask(...second)
    await turns()
    return departures.length
  }

  test.each<[string, [string?, Asked?], [string?, Asked?], string[]?]>([
    ['anybody, for one whom it has not accepted', ['token one'], ['token two'], ['token two']],
    ['who has no credential', ['token one'], []],
    ['anybody, for one without', [], ['token two']],
    ['for another resource', ['token one'], ['token two', { path: '/other' }]],
    ['for another query', ['token one'], ['token two', { query: 'page=2' }]],
    ['for a read that the cache takes no part in', ['token one', { bypass: 'range' }], ['token two']],
    ['with one', ['token one'], ['token two', { bypass: 'range' }]],
    ['for a write', ['token one', { method: 'PATCH' }], ['token two']],
  ])('%s', async (_name, first, second, accepted) => {
    expect(await out(first, second, accepted)).toBe(2)
  })

  test('anybody, for the same credential: that is joined, or insists on its own', async () => {
    expect(await out(['token one'], ['token one'])).toBe(1)
    expect(await out(['token one'], ['token one', { fields: { 'cache-control': 'no-cache' } }])).toBe(2)
  })

  test('who can join a question of its own credential, though another’s is out as well', async () => {
    const { ask, departures, clock } = waitingRoom()
    ask('token one')
    await turns()
    ask('token two')
    await turns()
    clock.advance(1000)
    await turns()
    expect(departures).toHaveLength(2)
    const joined = ask('token two')
    await turns()
    departures[1]!.land('{}')
    await turns()
    expect(joined.answer?.outcome.collapsed).toBe(true)
  })

  test('where tags cannot be predicted, for then nothing that is brought helps', async () => {
    const { ask, departures, entityTags } = waitingRoom()
    entityTags.learning(PATH).sawDifference()
    ask('token one')
    await turns()
    ask('token two')
    await turns()
    expect(departures).toHaveLength(2)
  })

  test('the 1001st at a time; places that were left, in whatever way, are taken again, each once', async () => {
    const { ask, departures, clock } = waitingRoom()
    ask('token one')
    await turns()
    // One waits in vain, and the answer comes after all.
    ask('token two')
    await turns()
    clock.advance(1000)
    await turns()
    for (const departure of departures) departure.land('{}')
    await turns()
    // One waits with success, and leaves when it has its answer; its second passes.
    ask('token one')
    await turns()
    const served = new AbortController()
    ask('token two', { signal: served.signal })
    await turns()
    for (const _ of [1, 2]) {
      departures.at(-1)!.land('{}')
      await turns()
    }
    served.abort()
    clock.advance(5000)
    await turns()

    ask('token one')
    await turns()
    // One waits and leaves.
    const leaving = new AbortController()
    ask('token two', { signal: leaving.signal })
    for (let count = 1; count < 1000; count++) ask('token two')
    await turns()
    const out = departures.length
    leaving.abort()
    ask('token two')
    await turns()
    expect(departures).toHaveLength(out)
    ask('token three')
    await turns()
    expect(departures).toHaveLength(out + 1)
    for (let round = 0; round < 3; round++) {
      for (const departure of departures) departure.land('{}')
      await turns()
    }
    // All places are free again.
    ask('token one', { path: '/orgs/o' })
    await turns()
    const more = departures.length
    ask('token two', { path: '/orgs/o' })
    await turns()
    expect(departures).toHaveLength(more)
  })
})

describe('a question that has to wait for its turn', () => {
  /** Each account may have one question on its way. */
  const turnByTurn = () => waitingRoom(undefined, { limits: { concurrency: 1 } })

  test('keeps nobody waiting: others go, and what they bring is offered when it is its turn', async () => {
    const { ask, departures, ledger } = turnByTurn()
    ask('token one', { path: '/first' })
    await turns()
    const first = ask('token one')
    await turns()
    const second = ask('token two')
    await turns()
    expect(ledger.report().waiting).toBe(1)
    expect(departures.map(({ request }) => request.target)).toEqual(['/api/v3/first', `/api/v3${PATH}`])
    departures[1]!.land('{"a":1}')
    await turns()
    expect(second.answer?.outcome.name).toBe('filled')
    departures[0]!.land('{}')
    await turns()
    departures[2]!.land('{"a":1}')
    await turns()
    expect(first.answer?.outcome.name).toBe('predicted')
  })

  test('is one to wait for as soon as it goes', async () => {
    const { ask, departures } = turnByTurn()
    ask('token one', { path: '/first' })
    await turns()
    ask('token one')
    await turns()
    departures[0]!.land('{}')
    await turns()
    const second = ask('token two')
    await turns()
    expect(departures).toHaveLength(2)
    departures[1]!.land('{"a":1}')
    await turns()
    departures[2]!.land('{"a":1}')
    await turns()
    expect(second.answer?.outcome.name).toBe('predicted')
  })

  test('for the second time lets those go on who waited for the first', async () => {
    const { ask, departures } = turnByTurn()
    ask('token one')
    await turns()
    ask('token one', { path: '/next' })
    await turns()
    ask('token two')
    await turns()
    expect(departures).toHaveLength(1)
    // It would be sent again at once, had not another of the same account been waiting.
    departures[0]!.fail(new Failure('upstream-reset', { onReusedConnection: true }))
    await turns()
    expect(departures.map(({ request }) => headerValue(request.headers, 'authorization'))).toEqual([
      'token one',
      'token one',
      'token two',
    ])
    expect(departures[1]!.request.target).toBe('/api/v3/next')
  })

  test('and is refused in the end is none to wait for', async () => {
    const { ask, departures } = turnByTurn()
    ask('token one', { path: '/first' })
    await turns()
    const refused = ask('token one')
    await turns()
    departures[0]!.say(response(429, { 'retry-after': '60' }))
    await turns()
    expect(refused.failure).toMatchObject({ tag: 'paused' })
    ask('token two')
    await turns()
    expect(departures).toHaveLength(2)
  })
})

test('a place is free again after the second, though what was waited for is still out', async () => {
  const { ask, departures, clock } = waitingRoom()
  ask('token one')
  await turns()
  for (let count = 0; count < 1000; count++) ask('token two')
  await turns()
  clock.advance(1000)
  await turns()
  expect(departures).toHaveLength(2)
  ask('token three')
  await turns()
  expect(departures).toHaveLength(2)
})

describe('a resource of which everybody is sent another body', () => {
  /** One caller is told something, then others something else. Says whether these waited. */
  async function round({ ask, departures }: ReturnType<typeof waitingRoom>, one: string, two: string, others = 1) {
    const before = departures.length
    const control = { fields: { 'cache-control': 'no-cache' } }
    ask('token one', control)
    await turns()
    for (let count = 0; count < others; count++) ask('token two')
    await turns()
    const waited = departures.length === before + 1
    departures[before]!.land(one)
    await turns()
    for (const departure of departures.slice(before + 1)) departure.land(two)
    await turns()
    return waited
  }

  test('is not waited for after two waits in vain', async () => {
    const room = waitingRoom()
    const waited: boolean[] = []
    for (let index = 0; index < 4; index++) waited.push(await round(room, `{"one":${index}}`, `{"two":${index}}`))
    expect(waited).toEqual([true, true, false, false])
  })

  test('counts one wait in vain for all who waited together with one credential', async () => {
    const room = waitingRoom()
    const waited: boolean[] = []
    for (let index = 0; index < 4; index++) waited.push(await round(room, `{"one":${index}}`, `{"two":${index}}`, 10))
    expect(waited).toEqual([true, true, false, false])
  })

  test('is not one where the other’s body was what it had been: that wait could not have helped', async () => {
    const room = waitingRoom()
    await round(room, '{"one":1}', '{"one":1}')
    for (let index = 0; index < 4; index++) {
      await round(room, '{"one":1}', '{"one":1}')
      expect(await round(room, '{"one":1}', `{"two":${index}}`)).toBe(true)
    }
  })

  test('nor is one worth waiting for whose answers take longer than the wait', async () => {
    const { ask, departures, clock } = waitingRoom()
    const waited: boolean[] = []
    for (let index = 0; index < 4; index++) {
      const before = departures.length
      ask('token one', { fields: { 'cache-control': 'no-cache' } })
      await turns()
      ask('token two')
      await turns()
      waited.push(departures.length === before + 1)
      clock.advance(1000)
      await turns()
      for (const departure of departures.slice(before)) departure.land(`{"now":${index}}`)
      await turns()
    }
    expect(waited).toEqual([true, true, false, false])
  })

  test('is waited for as long as it helps now and then', async () => {
    const room = waitingRoom()
    for (let index = 0; index < 6; index++) {
      expect(await round(room, `{"one":${index}}`, index % 2 === 0 ? `{"two":${index}}` : `{"one":${index}}`)).toBe(
        true,
      )
    }
  })
})
