import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import { held, JSON_TYPE, questionFor, response, textOf } from './harness.ts'
import {
  ask,
  BAD_BODY,
  basic,
  byHand,
  locked,
  MINUTE,
  type More,
  ok,
  otherRefusal,
  pieces,
  protection,
  refused,
  SECOND,
  TOKEN,
  turns,
} from './logins.ts'

describe('a credential that was refused', () => {
  test('is refused here with the same answer, whatever it asks for', async () => {
    const { answer, upstream, sent } = protection()
    const fields = {
      'x-github-media-type': 'github.v3; format=json',
      date: 'Wed, 15 Apr 2026 12:00:00 GMT',
      'x-github-request-id': 'A1',
      'x-ratelimit-limit': '60',
      'x-ratelimit-remaining': '59',
      'content-length': String(BAD_BODY.length),
    }
    upstream(() => refused(fields))
    const first = await answer({ authorization: TOKEN })
    expect(first.isRepeated).toBeUndefined()
    expect(first.headers).toEqual(refused(fields).headers)
    expect(await textOf(first.body)).toBe(BAD_BODY)

    for (const asked of [{}, { path: '/repos/a/b' }, { method: 'POST', path: '/gists' }, {}]) {
      const again = await answer({ authorization: TOKEN, ...asked })
      expect(again).toMatchObject({ status: 401, isRepeated: true, refusal: { kind: 'bad-credentials' } })
      expect(again.headers).toEqual(['content-type', JSON_TYPE, 'x-github-media-type', 'github.v3; format=json'])
      expect(await textOf(again.body)).toBe(BAD_BODY)
    }
    const head = await answer({ authorization: TOKEN, method: 'HEAD' })
    expect(head).toMatchObject({ status: 401, isRepeated: true, body: null })
    expect(sent).toHaveLength(1)
  })

  test('and with no other: not the same token in other words, not another one, not for another upstream', async () => {
    const { get, upstream, sent } = protection()
    upstream(() => refused())
    await get({ authorization: TOKEN })
    for (const asked of [
      { authorization: 'Bearer ghp_one' },
      { authorization: 'token ghp_two' },
      { authorization: TOKEN, origin: 'https://ghes.example:8443' },
      { authorization: TOKEN, query: 'access_token=x' },
    ]) {
      expect(await get(asked)).toBe('401')
    }
    expect(sent).toHaveLength(5)
  })

  test('for ten seconds, then for twice as long at each further refusal, up to five minutes', async () => {
    const { get, upstream, sent, clock } = protection()
    upstream(() => refused())
    for (const [index, seconds] of [10, 20, 40, 80, 160, 300, 300, 300].entries()) {
      expect(await get({ authorization: TOKEN })).toBe('401')
      clock.advance(seconds * SECOND - 1)
      expect(await get({ authorization: TOKEN })).toBe('again 401')
      expect(sent).toHaveLength(index + 1)
      clock.advance(1)
    }
  })

  test('and it is forgotten ten minutes after its last refusal', async () => {
    const { get, upstream, clock } = protection()
    upstream(() => refused())
    const lengthOfHold = async (after: number) => {
      await get({ authorization: TOKEN })
      clock.advance(10 * SECOND)
      await get({ authorization: TOKEN })
      clock.advance(after)
      expect(await get({ authorization: TOKEN })).toBe('401')
      clock.advance(10 * SECOND)
      const first = await get({ authorization: TOKEN })
      clock.advance(20 * MINUTE)
      return first === '401' ? 'ten seconds' : 'longer'
    }
    expect(await lengthOfHold(10 * MINUTE - 1)).toBe('longer')
    expect(await lengthOfHold(10 * MINUTE)).toBe('ten seconds')
  })

  test.each([200, 204, 304])('until it is accepted (%i): then it starts anew', async (status) => {
    const { get, upstream, clock } = protection()
    upstream(() => refused())
    await get({ authorization: TOKEN })
    clock.advance(10 * SECOND)
    await get({ authorization: TOKEN })
    clock.advance(20 * SECOND)
    upstream(() => ok(status))
    expect(await get({ authorization: TOKEN })).toBe(String(status))
    upstream(() => refused())
    expect(await get({ authorization: TOKEN })).toBe('401')
    clock.advance(10 * SECOND)
    expect(await get({ authorization: TOKEN })).toBe('401')
  })

  test.each([301, 404, 403, 500])('and not by a %i, which says nothing of it', async (status) => {
    const { get, upstream, clock } = protection()
    upstream(() => refused())
    await get({ authorization: TOKEN })
    clock.advance(10 * SECOND)
    upstream(() => response(status))
    expect(await get({ authorization: TOKEN })).toBe(String(status))
    upstream(() => refused())
    expect(await get({ authorization: TOKEN })).toBe('401')
    clock.advance(20 * SECOND - 1)
    expect(await get({ authorization: TOKEN })).toBe('again 401')
  })

  test('with a body of up to a kibibyte; a longer one is passed on and not kept', async () => {
    const { answer, get, upstream } = protection()
    for (const [length, after] of [
      [1024, 'again 401'],
      [1025, '401'],
    ] as const) {
      const body = 'x'.repeat(length)
      const authorization = `token ghp_${length}`
      upstream(() => refused({}, pieces(body.slice(0, 1000), body.slice(1000))))
      expect(await textOf((await answer({ authorization })).body)).toBe(body)
      expect(await get({ authorization })).toBe(after)
    }
  })

  test('without a body, where it had none', async () => {
    const { answer, upstream } = protection()
    upstream(() => refused({}, null))
    expect((await answer({ authorization: TOKEN })).body).toBeNull()
    expect(await answer({ authorization: TOKEN })).toMatchObject({ isRepeated: true, body: null })
  })

  test('is not kept with more fields than a few', async () => {
    const { get, upstream } = protection()
    upstream(() => refused({ 'x-long': 'x'.repeat(4096) }))
    await get({ authorization: TOKEN })
    expect(await get({ authorization: TOKEN })).toBe('401')
  })

  test('one whose body breaks off fails, and holds nothing', async () => {
    const { get, upstream } = protection()
    const broken = async function* () {
      yield new TextEncoder().encode('{"mess')
      throw new Failure('upstream-truncated')
    }
    upstream(() => ({ ...refused(), body: broken() }))
    expect(await get({ authorization: TOKEN })).toBe('upstream-truncated')
    upstream(() => ok())
    expect(await get({ authorization: TOKEN })).toBe('200')
  })
})

describe('nothing is repeated', () => {
  test.each<[string, More]>([
    ['to the anonymous', {}],
    ['to an app that signs its tokens', { authorization: 'Bearer eyJh.eyJp.c2ln' }],
    ['to a token with a one-time password', { authorization: TOKEN, oneTime: '123456' }],
    ['to one with nothing but that', { oneTime: '123456' }],
  ])('%s', async (_who, asked) => {
    const { get, upstream, sent } = protection()
    upstream((question) => (question.path === '/user' ? refused() : otherRefusal()))
    for (let count = 0; count < 3; count++) {
      expect(await get(asked)).toBe('401')
      expect(await get({ ...asked, path: '/other' })).toBe('401')
    }
    expect(sent).toHaveLength(6)
  })

  test('of any other answer', async () => {
    for (const status of [200, 304, 403, 404, 429, 500, 503]) {
      const { get, upstream, sent } = protection()
      upstream(() => response(status, {}, 'x'))
      for (let count = 0; count < 3; count++) expect(await get({ authorization: TOKEN })).toBe(String(status))
      expect(sent).toHaveLength(3)
    }
  })

  test('of a lockout that a token is answered with', async () => {
    const { get, upstream, sent } = protection()
    upstream(() => locked())
    for (let count = 0; count < 3; count++) expect(await get({ authorization: basic('mona', 'ghp_x') })).toBe('403')
    upstream(() => ok())
    expect(await get({ authorization: basic('mona', 'secret') })).toBe('200')
    expect(sent).toHaveLength(4)
  })
})

describe('a 401 for another reason', () => {
  test('is repeated for that URL and method alone', async () => {
    const { answer, get, upstream, sent } = protection()
    upstream(() => otherRefusal({ 'x-github-otp': 'required; app', 'x-ratelimit-remaining': '3' }))
    await get({ authorization: TOKEN })
    const again = await answer({ authorization: TOKEN })
    expect(again).toMatchObject({ status: 401, isRepeated: true })
    expect(again.refusal).toBeUndefined()
    expect(again.headers).toEqual(['content-type', JSON_TYPE, 'x-github-otp', 'required; app'])
    expect(await textOf(again.body)).toBe('{"message":"Requires authentication"}')

    upstream(() => ok())
    for (const asked of [
      { authorization: TOKEN, path: '/other' },
      { authorization: TOKEN, query: 'page=2' },
      { authorization: TOKEN, method: 'POST' },
      { authorization: TOKEN, method: 'HEAD' },
      { authorization: TOKEN, origin: 'https://ghes.example:8443' },
      { authorization: 'token ghp_two' },
      { authorization: TOKEN, oneTime: '123456' },
    ]) {
      expect(await get(asked)).toBe('200')
    }
    expect(await get({ authorization: TOKEN })).toBe('again 401')
    expect(sent).toHaveLength(8)
  })

  test('for a growing time, until the URL is answered', async () => {
    const { get, upstream, clock } = protection()
    upstream(() => otherRefusal())
    for (const seconds of [10, 20, 40]) {
      expect(await get({ authorization: TOKEN })).toBe('401')
      clock.advance(seconds * SECOND - 1)
      expect(await get({ authorization: TOKEN })).toBe('again 401')
      clock.advance(1)
    }
    upstream(() => ok())
    expect(await get({ authorization: TOKEN })).toBe('200')
    upstream(() => otherRefusal())
    expect(await get({ authorization: TOKEN })).toBe('401')
    clock.advance(10 * SECOND)
    expect(await get({ authorization: TOKEN })).toBe('401')
  })

  test('that a HEAD is answered with has no body', async () => {
    const { answer, upstream } = protection()
    upstream(() => response(401))
    await answer({ authorization: TOKEN, method: 'HEAD' })
    expect(await answer({ authorization: TOKEN, method: 'HEAD' })).toMatchObject({ isRepeated: true, body: null })
  })
})

describe('requests that are out together', () => {
  test('a refusal of what was sent before something that was accepted holds nothing', async () => {
    const { get, upstream } = protection()
    const { open, says } = byHand()
    upstream(says)
    const [early, late] = [get({ authorization: TOKEN }), get({ authorization: TOKEN, path: '/late' })]
    await turns()
    open[1]!.answer(ok())
    expect(await late).toBe('200')
    open[0]!.answer(refused())
    expect(await early).toBe('401')
    upstream(() => ok())
    expect(await get({ authorization: TOKEN })).toBe('200')
  })

  test('a refusal of what was sent after it does', async () => {
    const { get, upstream } = protection()
    const { open, says } = byHand()
    upstream(says)
    const [early, late] = [get({ authorization: TOKEN }), get({ authorization: TOKEN, path: '/late' })]
    await turns()
    open[0]!.answer(ok())
    expect(await early).toBe('200')
    open[1]!.answer(refused())
    expect(await late).toBe('401')
    expect(await get({ authorization: TOKEN })).toBe('again 401')
  })

  test('and what is accepted ends a hold only if it was sent after what was refused', async () => {
    const { get, upstream } = protection()
    const { open, says } = byHand()
    upstream(says)
    const all = ['/1', '/2', '/3'].map((path) => get({ authorization: TOKEN, path }))
    await turns()
    open[1]!.answer(refused())
    expect(await all[1]).toBe('401')
    open[0]!.answer(ok())
    expect(await all[0]).toBe('200')
    expect(await get({ authorization: TOKEN })).toBe('again 401')
    open[2]!.answer(ok())
    expect(await all[2]).toBe('200')
    upstream(() => ok())
    expect(await get({ authorization: TOKEN })).toBe('200')
  })

  test('it is the last one sent that counts, in whatever order they are answered', async () => {
    const { get, upstream } = protection()
    const { open, says } = byHand()
    upstream(says)
    const all = ['/1', '/2', '/3'].map((path) => get({ authorization: TOKEN, path }))
    await turns()
    for (const index of [2, 0]) {
      open[index]!.answer(ok())
      await all[index]
    }
    open[1]!.answer(refused())
    expect(await all[1]).toBe('401')
    upstream(() => ok())
    expect(await get({ authorization: TOKEN })).toBe('200')
  })

  test('also one that was sent when another of them was answered already', async () => {
    const { get, upstream } = protection()
    const { open, says } = byHand()
    upstream(says)
    const early = get({ authorization: TOKEN, path: '/1' })
    const second = get({ authorization: TOKEN, path: '/2' })
    await turns()
    open[1]!.answer(response(404))
    expect(await second).toBe('404')
    const late = get({ authorization: TOKEN, path: '/3' })
    await turns()
    open[2]!.answer(ok())
    expect(await late).toBe('200')
    open[0]!.answer(refused())
    expect(await early).toBe('401')
    upstream(() => ok())
    expect(await get({ authorization: TOKEN })).toBe('200')
  })

  test('what is over is not remembered against what comes after it', async () => {
    const { get, upstream } = protection()
    upstream(() => ok())
    expect(await get({ authorization: TOKEN })).toBe('200')
    upstream(() => refused())
    expect(await get({ authorization: TOKEN })).toBe('401')
    expect(await get({ authorization: TOKEN })).toBe('again 401')
  })

  test('are one refusal, not many', async () => {
    const { get, upstream, clock } = protection()
    const { open, says } = byHand()
    upstream(says)
    const all = ['/1', '/2', '/3'].map((path) => get({ authorization: TOKEN, path }))
    await turns()
    for (const each of open) each.answer(refused())
    expect(await Promise.all(all)).toEqual(['401', '401', '401'])
    clock.advance(10 * SECOND)
    upstream(() => ok())
    expect(await get({ authorization: TOKEN })).toBe('200')
  })

  test('when a hold is over, one tries and the others get what it got last', async () => {
    const { get, upstream, clock, sent } = protection()
    upstream(() => refused())
    await get({ authorization: TOKEN })
    clock.advance(10 * SECOND)
    const { open, says } = byHand()
    upstream(says)
    const trying = get({ authorization: TOKEN })
    await turns()
    expect(await get({ authorization: TOKEN, path: '/other' })).toBe('again 401')
    expect(sent).toHaveLength(2)
    open[0]!.answer(ok())
    expect(await trying).toBe('200')
    upstream(() => ok())
    expect(await get({ authorization: TOKEN, path: '/other' })).toBe('200')
  })

  test('one that tries and fails lets the next one try; one that takes long keeps the others back no longer', async () => {
    const { get, upstream, clock } = protection()
    upstream(() => refused())
    await get({ authorization: TOKEN })
    clock.advance(10 * SECOND)
    upstream(() => {
      throw new Failure('upstream-reset')
    })
    expect(await get({ authorization: TOKEN })).toBe('upstream-reset')
    const { open, says } = byHand()
    upstream(says)
    const slow = get({ authorization: TOKEN })
    await turns()
    clock.advance(10 * SECOND - 1)
    expect(await get({ authorization: TOKEN })).toBe('again 401')
    clock.advance(1)
    const second = get({ authorization: TOKEN, path: '/second' })
    await turns()
    expect(open).toHaveLength(2)
    // The first one's end is not the end of the second one's try.
    open[0]!.answer(response(404))
    expect(await slow).toBe('404')
    expect(await get({ authorization: TOKEN })).toBe('again 401')
    open[1]!.answer(response(404))
    expect(await second).toBe('404')
  })
})

describe('a request whose turn comes later', () => {
  test('is not sent when its credential was refused meanwhile', async () => {
    const { answer, get, upstream, queue, sent } = protection()
    upstream(() => refused({ 'x-first': 'yes' }))
    const gate = held<undefined>()
    queue(gate.promise)
    const waiting = [answer({ authorization: TOKEN, path: '/1' }), answer({ authorization: TOKEN, path: '/2' })]
    queue(undefined)
    expect(await get({ authorization: TOKEN })).toBe('401')
    gate.settle(undefined)
    for (const each of await Promise.all(waiting)) {
      expect(each).toMatchObject({ status: 401, isRepeated: true })
      expect(await textOf(each.body)).toBe(BAD_BODY)
    }
    expect(sent).toHaveLength(1)
  })

  test('is not sent when its URL was, or its user was locked out', async () => {
    const { get, upstream, queue, sent, accepted } = protection()
    const mona = { authorization: basic('mona', 'right') }
    accepted.add(ask(mona).credential.fingerprint)
    const gate = held<undefined>()
    queue(gate.promise)
    const waiting = [
      get({ authorization: TOKEN }),
      get({ ...mona, path: '/1' }),
      get({ authorization: TOKEN, path: '/1' }),
    ]
    queue(undefined)
    upstream((question) => (question.path === '/user' ? otherRefusal() : locked()))
    expect(await get({ authorization: TOKEN })).toBe('401')
    expect(await get({ ...mona, path: '/2' })).toBe('403')
    upstream(() => ok())
    gate.settle(undefined)
    expect(await Promise.all(waiting)).toEqual(['again 401', 'login-locked', '200'])
    expect(sent).toHaveLength(3)
  })

  test('is sent when it is the one that tries again, or when what was refused was accepted since', async () => {
    const { get, upstream, queue, clock } = protection()
    upstream(() => refused())
    await get({ authorization: TOKEN })
    clock.advance(10 * SECOND)
    const gate = held<undefined>()
    queue(gate.promise)
    const trying = get({ authorization: TOKEN })
    upstream(() => ok())
    gate.settle(undefined)
    expect(await trying).toBe('200')
  })

  test('fails as what it is composed of fails', async () => {
    const { attempt, get, upstream } = protection()
    upstream(() => ok())
    const question = questionFor({ authorization: TOKEN })
    const failing = attempt(question, () => {
      throw new Failure('internal')
    })
    await expect(failing).rejects.toMatchObject({ tag: 'internal' })
    expect(await get({ authorization: TOKEN })).toBe('200')
  })
})

describe('what is remembered is bounded', () => {
  test('a flood of refused credentials pushes out the oldest, and no more', async () => {
    const { get, upstream, sent } = protection()
    upstream(() => refused())
    for (let count = 0; count < 10_001; count++) await get({ authorization: `token ghp_${count}` })
    expect(await get({ authorization: 'token ghp_10000' })).toBe('again 401')
    expect(await get({ authorization: 'token ghp_1' })).toBe('again 401')
    expect(sent).toHaveLength(10_001)
    expect(await get({ authorization: 'token ghp_0' })).toBe('401')
    expect(await get({ authorization: 'token ghp_1' })).toBe('401')
  })

  test('whoever is refused again is not the oldest any longer', async () => {
    const { get, upstream, clock } = protection()
    upstream(() => refused())
    await get({ authorization: TOKEN })
    for (let count = 0; count < 9_999; count++) await get({ authorization: `token ghp_${count}` })
    clock.advance(10 * SECOND)
    await get({ authorization: TOKEN })
    await get({ authorization: 'token ghp_one_more' })
    expect(await get({ authorization: TOKEN })).toBe('again 401')
  })

  test('a flood of refused URLs pushes out the oldest URL, and no credential', async () => {
    const { get, upstream } = protection()
    upstream((question) => (question.headers.includes(TOKEN) ? refused() : otherRefusal()))
    await get({ authorization: TOKEN })
    for (let count = 0; count < 10_001; count++) await get({ authorization: 'token ghp_two', path: `/${count}` })
    expect(await get({ authorization: TOKEN })).toBe('again 401')
    expect(await get({ authorization: 'token ghp_two', path: '/1' })).toBe('again 401')
    expect(await get({ authorization: 'token ghp_two', path: '/0' })).toBe('401')
  })
})
