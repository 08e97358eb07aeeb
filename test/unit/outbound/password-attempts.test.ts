import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import type { Question, Response } from '../../../src/middleware/outbound/exchange.ts'
import { type Password, PasswordAttempts } from '../../../src/middleware/outbound/password-attempts.ts'
import { FakeBody, HandClock, response } from './harness.ts'
import {
  ask,
  basic,
  byHand,
  locked,
  MINUTE,
  type More,
  ok,
  otherRefusal,
  protection,
  refused,
  SECOND,
  TOKEN,
  turns,
} from './logins.ts'

describe('passwords', () => {
  const at = (address: string) => ({ group: `address:${address}`, name: '' })
  const wrong = (user: string, password: number | string, address = '192.0.2.1', path = '/user') => ({
    authorization: basic(user, `wrong ${password}`),
    client: at(address),
    path,
  })

  test('three wrong ones of a user and client go upstream, and no more in that minute', async () => {
    const { get, upstream, sent, clock } = protection()
    upstream(() => refused())
    for (const password of [1, 2, 3]) expect(await get(wrong('mona', password))).toBe('401')
    expect(await get(wrong('mona', 4))).toBe('login-locked')
    expect(await get(wrong('MONA', 4))).toBe('login-locked')
    expect(sent).toHaveLength(3)
    // Nobody else is concerned: not the client's other users, not other clients, not the same name elsewhere.
    expect(await get(wrong('hubot', 4))).toBe('401')
    expect(await get(wrong('mona', 4, '192.0.2.2'))).toBe('401')
    expect(await get({ ...wrong('mona', 5), origin: 'https://ghes.example:8443' })).toBe('401')
    clock.advance(MINUTE - 1)
    expect(await get(wrong('mona', 6))).toBe('login-locked')
    clock.advance(1)
    expect(await get(wrong('mona', 6))).toBe('401')
  })

  test('the same ones count for each upstream by itself', async () => {
    const { get, upstream } = protection()
    upstream(() => refused())
    for (const origin of ['https://ghes.example', 'https://ghes.example:8443']) {
      for (const password of [1, 2, 3]) expect(await get({ ...wrong('mona', password), origin })).toBe('401')
      expect(await get({ ...wrong('mona', 4), origin })).toBe('login-locked')
    }
  })

  test('one counts once, however often it is tried, from the last time', async () => {
    const { get, upstream, clock } = protection()
    upstream(() => refused())
    for (let count = 0; count < 3; count++) {
      expect(await get(wrong('mona', 1))).toBe('401')
      clock.advance(15 * SECOND * (count + 1))
    }
    // The first was tried at 0, 15 and 45 seconds; this is a minute and a half after it began.
    expect(await get(wrong('mona', 2))).toBe('401')
    expect(await get(wrong('mona', 3))).toBe('401')
    expect(await get(wrong('mona', 4))).toBe('login-locked')
    clock.advance(15 * SECOND)
    expect(await get(wrong('mona', 4))).toBe('401')
  })

  test('ten wrong ones of a user go upstream from all clients, thirty of a client for all users', async () => {
    const { get, upstream } = protection()
    upstream(() => refused())
    for (let count = 0; count < 10; count++) expect(await get(wrong('mona', count, `192.0.2.${count}`))).toBe('401')
    expect(await get(wrong('mona', 10, '192.0.2.10'))).toBe('login-locked')
    for (let count = 0; count < 30; count++) expect(await get(wrong(`user-${count}`, 1, '192.0.2.99'))).toBe('401')
    expect(await get(wrong('user-30', 1, '192.0.2.99'))).toBe('login-locked')
    expect(await get(wrong('user-30', 1, '192.0.2.98'))).toBe('401')
  })

  test('one that was accepted before goes all the same', async () => {
    const { get, upstream, clock } = protection()
    const right = { authorization: basic('mona', 'right'), client: at('192.0.2.50') }
    upstream((question) => (question.headers.includes(right.authorization) ? ok() : refused()))
    expect(await get(right)).toBe('200')
    for (let count = 0; count < 10; count++) await get(wrong('mona', count, `192.0.2.${count}`))
    expect(await get(wrong('mona', 'x', '192.0.2.50'))).toBe('login-locked')
    expect(await get(right)).toBe('200')
    expect(await get({ ...right, client: at('192.0.2.1') })).toBe('200')
    clock.advance(5 * MINUTE)
    expect(await get(right)).toBe('200')
  })

  test.each<[string, () => Response]>([
    ['accepted', () => ok()],
    ['not found', () => response(404)],
    ['forbidden', () => response(403)],
    ['an error', () => response(502)],
    [
      'a failure',
      () => {
        throw new Failure('upstream-unreachable')
      },
    ],
  ])('one counts only while it may be wrong: %s', async (_what, says) => {
    const { get, upstream, sent } = protection()
    upstream(says)
    for (let count = 0; count < 12; count++) await get(wrong('mona', count))
    expect(sent).toHaveLength(12)
  })

  test('none is right because a preflight was answered, which is done before anybody looks at it', async () => {
    const { get, upstream, clock } = protection()
    upstream(({ method }) => (method === 'OPTIONS' ? ok(204) : refused()))
    for (const password of [1, 2, 3]) expect(await get(wrong('mona', password))).toBe('401')
    // When it is not refused here any longer, and still counts.
    clock.advance(10 * SECOND)
    expect(await get({ ...wrong('mona', 1), method: 'OPTIONS' })).toBe('204')
    expect(await get(wrong('mona', 4))).toBe('login-locked')
  })

  test('one that was wrong, and then not told of, was wrong all the same', async () => {
    const { get, upstream, clock } = protection()
    upstream(() => refused())
    for (const password of [1, 2, 3]) await get(wrong('mona', password))
    clock.advance(10 * SECOND)
    upstream(() => response(502))
    expect(await get(wrong('mona', 1))).toBe('502')
    expect(await get(wrong('mona', 4))).toBe('login-locked')
    upstream(() => ok())
    expect(await get(wrong('mona', 1))).toBe('200')
    expect(await get(wrong('mona', 4))).toBe('200')
  })

  test('one that is out counts until it is answered', async () => {
    const { get, upstream, clock } = protection()
    const { open, says } = byHand()
    upstream(says)
    const all = [1, 2, 3].map((password) => get(wrong('mona', password)))
    await turns()
    clock.advance(5 * MINUTE)
    expect(await get(wrong('mona', 4))).toBe('login-locked')
    expect(open).toHaveLength(3)
    open[0]!.answer(ok())
    await all[0]
    const fourth = get(wrong('mona', 4))
    await turns()
    expect(open).toHaveLength(4)
    open[1]!.answer(refused())
    await all[1]
    expect(await get(wrong('mona', 5))).toBe('login-locked')
    clock.advance(MINUTE)
    open[3]!.answer(response(404))
    expect(await fourth).toBe('404')
    open[2]!.answer(response(404))
    await all[2]
  })

  test('one whose client leaves when it is out has been tried; one that was never sent has not', async () => {
    const { get, upstream, sent } = protection()
    const leaving = (password: number) => {
      const controller = new AbortController()
      upstream(() => {
        controller.abort()
        throw new Failure('client-gone')
      })
      return get({ ...wrong('mona', password), signal: controller.signal })
    }
    for (const password of [1, 2, 3]) expect(await leaving(password)).toBe('client-gone')
    expect(await get(wrong('mona', 4))).toBe('login-locked')
    expect(sent).toHaveLength(3)

    const other = protection()
    for (let count = 0; count < 5; count++) {
      const question = ask(wrong('mona', count))
      const gone = other.attempt({ ...question, signal: () => AbortSignal.abort() }, () => {
        throw new Failure('client-gone')
      })
      await expect(gone).rejects.toMatchObject({ tag: 'client-gone' })
    }
    other.upstream(() => ok())
    expect(await other.get(wrong('mona', 9))).toBe('200')
  })

  test('tokens and applications in the place of one are none', async () => {
    const { get, upstream, sent } = protection()
    upstream(() => refused())
    for (let count = 0; count < 12; count++) {
      expect(await get({ authorization: basic('mona', `ghp_${count}`) })).toBe('401')
      expect(await get({ authorization: basic('0123456789abcdef0123', `secret ${count}`) })).toBe('401')
    }
    expect(sent).toHaveLength(24)
  })

  test('one is wrong whatever its 401 says, and is not repeated with a one-time password', async () => {
    const { get, upstream, sent } = protection()
    upstream(() => otherRefusal({ 'x-github-otp': 'required; app' }))
    for (const oneTime of ['1', '2', '3']) {
      expect(await get({ authorization: basic('mona', 'guess'), oneTime })).toBe('401')
      expect(await get({ authorization: basic('mona', 'guess'), oneTime })).toBe('401')
    }
    expect(await get({ authorization: basic('mona', 'guess'), oneTime: '4' })).toBe('login-locked')
    expect(sent).toHaveLength(6)
  })

  test('one that was right beside a one-time password goes beside the next, whatever others try', async () => {
    const { get, upstream } = protection()
    const mona = { authorization: basic('mona', 'right'), client: at('192.0.2.50') }
    const isRight = (question: Question) => question.headers.includes(mona.authorization)
    upstream((question) => (isRight(question) ? ok() : refused()))
    expect(await get({ ...mona, oneTime: '1' })).toBe('200')
    for (let count = 0; count < 10; count++) await get(wrong('mona', count, `192.0.2.${count}`))
    expect(await get({ ...mona, oneTime: '2' })).toBe('200')
    expect(await get({ authorization: basic('mona', 'x'), oneTime: '2', client: at('192.0.2.60') })).toBe(
      'login-locked',
    )
    // Elsewhere it is another password.
    const elsewhere = { origin: 'https://ghes.example:8443' }
    for (let count = 0; count < 10; count++) await get({ ...wrong('mona', count, `192.0.2.${count}`), ...elsewhere })
    expect(await get({ ...mona, oneTime: '3', ...elsewhere })).toBe('login-locked')
    // But its one-time passwords are not guessed without end.
    upstream(() => otherRefusal({ 'x-github-otp': 'required; app' }))
    for (const oneTime of ['a', 'b', 'c']) expect(await get({ ...mona, oneTime })).toBe('401')
    expect(await get({ ...mona, oneTime: 'd' })).toBe('login-locked')
  })

  test('and its wrong one-time passwords are none of the ten', async () => {
    const { get, upstream } = protection()
    const mona = { authorization: basic('mona', 'right') }
    upstream(() => ok())
    await get({ ...mona, oneTime: 'good' })
    upstream(() => otherRefusal({ 'x-github-otp': 'required; app' }))
    for (const client of ['192.0.2.50', '192.0.2.51']) {
      for (const oneTime of ['1', '2', '3']) {
        expect(await get({ ...mona, oneTime: `${client} ${oneTime}`, client: at(client) })).toBe('401')
      }
    }
    upstream(() => refused())
    for (let count = 0; count < 10; count++) expect(await get(wrong('mona', count, `192.0.2.${count}`))).toBe('401')
    expect(await get(wrong('mona', 10, '192.0.2.10'))).toBe('login-locked')
  })

  test('one that was wrong, and is right now, is none of the ten either', async () => {
    const { get, upstream } = protection()
    const mona = { authorization: basic('mona', 'right'), client: at('192.0.2.50') }
    upstream(() => refused())
    await get({ ...mona, oneTime: '1' })
    upstream(() => ok())
    await get({ ...mona, oneTime: '2' })
    await get({ ...mona, oneTime: '1' })
    upstream(() => refused())
    for (let count = 0; count < 10; count++) expect(await get(wrong('mona', count, `192.0.2.${count}`))).toBe('401')
  })

  test('and no longer once it was found wrong', async () => {
    const { get, upstream } = protection()
    const mona = { authorization: basic('mona', 'right'), client: at('192.0.2.50') }
    upstream(() => ok())
    await get({ ...mona, oneTime: '1' })
    upstream(() => refused())
    await get({ ...mona, oneTime: '2' })
    for (let count = 0; count < 10; count++) await get(wrong('mona', count, `192.0.2.${count}`))
    expect(await get({ ...mona, oneTime: '3' })).toBe('login-locked')
  })

  describe('of which one is not known yet', () => {
    const mona = (path: string, more: More = {}) => ({ authorization: basic('mona', 'perhaps'), path, ...more })

    test('goes once, and the others wait for its answer: refused, it was tried once', async () => {
      const { get, upstream } = protection()
      const { open, says } = byHand()
      upstream(says)
      const all = Array.from({ length: 50 }, (_, index) => get(mona(`/${index}`)))
      await turns()
      expect(open).toHaveLength(1)
      open[0]!.answer(refused())
      expect(await Promise.all(all)).toEqual(['401', ...Array.from({ length: 49 }, () => 'again 401')])
      expect(open).toHaveLength(1)
    })

    test('accepted, all go', async () => {
      const { get, upstream } = protection()
      const { open, says } = byHand()
      upstream(says)
      const all = Array.from({ length: 50 }, (_, index) => get(mona(`/${index}`)))
      await turns()
      open[0]!.answer(ok())
      await turns()
      expect(open).toHaveLength(50)
      for (const each of open) each.answer(ok())
      expect(new Set(await Promise.all(all))).toEqual(new Set(['200']))
    })

    test('neither, the next one goes', async () => {
      const { get, upstream } = protection()
      const { open, says } = byHand()
      upstream(says)
      const all = ['/1', '/2', '/3'].map((path) => get(mona(path)))
      await turns()
      open[0]!.answer(response(404))
      await turns()
      expect(open).toHaveLength(2)
      open[1]!.answer(response(404))
      await turns()
      open[2]!.answer(response(404))
      expect(await Promise.all(all)).toEqual(['404', '404', '404'])
    })

    test('nobody waits for another password, for a token, or for one with a body', async () => {
      const { get, upstream } = protection()
      const { open, says } = byHand()
      upstream(says)
      const all = [
        get(mona('/upload', { method: 'POST', body: new FakeBody(['x']) })),
        get(mona('/1')),
        get({ authorization: basic('mona', 'another') }),
        get({ authorization: TOKEN }),
        get({ authorization: TOKEN, path: '/1' }),
      ]
      await turns()
      expect(open).toHaveLength(5)
      for (const each of open) each.answer(ok())
      await Promise.all(all)
    })

    test('nobody waits when it was accepted meanwhile', async () => {
      const { get, upstream } = protection()
      const { open, says } = byHand()
      upstream(says)
      const upload = get(mona('/upload', { method: 'POST', body: new FakeBody(['x']) }))
      const first = get(mona('/1'))
      await turns()
      open[0]!.answer(ok())
      expect(await upload).toBe('200')
      const second = get(mona('/2'))
      await turns()
      expect(open).toHaveLength(3)
      for (const each of open) each.answer(ok())
      expect([await first, await second]).toEqual(['200', '200'])
    })

    test('whoever waits may leave', async () => {
      const { get, upstream } = protection()
      const { open, says } = byHand()
      upstream(says)
      const first = get(mona('/1'))
      const leaving = new AbortController()
      const second = get(mona('/2', { signal: leaving.signal }))
      await turns()
      leaving.abort()
      expect(await second).toBe('client-gone')
      expect(await get(mona('/3', { signal: AbortSignal.abort() }))).toBe('client-gone')
      open[0]!.answer(ok())
      expect(await first).toBe('200')
      await turns()
      expect(open).toHaveLength(1)
    })

    test('so many may wait, and those beyond are told so', async () => {
      const { get, upstream } = protection()
      const { open, says } = byHand()
      upstream(says)
      const leaving = new AbortController()
      const first = get(mona('/first'))
      const waiting = Array.from({ length: 1000 }, (_, index) =>
        get(mona(`/${index}`, index === 0 ? { signal: leaving.signal } : {})),
      )
      await turns()
      expect(await get(mona('/beyond'))).toBe('upstream-busy')
      leaving.abort()
      await turns()
      const last = get(mona('/last'))
      open[0]!.answer(refused())
      expect(await first).toBe('401')
      expect(await last).toBe('again 401')
      expect((await Promise.all(waiting)).filter((each) => each === 'again 401')).toHaveLength(999)
    })
  })
})

describe('a lockout that the upstream reports', () => {
  const RIGHT = { authorization: basic('mona', 'right') }
  const OTHER = { authorization: basic('Mona', 'another right one') }
  const UNKNOWN = { authorization: basic('mona', 'who knows') }

  function lockedOut() {
    const made = protection()
    for (const each of [RIGHT, OTHER]) made.accepted.add(ask(each).credential.fingerprint)
    made.upstream(() => locked())
    return made
  }

  test('keeps all passwords of that user here for a minute, and nobody and nothing else', async () => {
    const { get, upstream, sent, clock } = lockedOut()
    expect(await get(RIGHT)).toBe('403')
    upstream(() => ok())
    clock.advance(MINUTE - 1)
    for (const asked of [RIGHT, OTHER, UNKNOWN, { ...RIGHT, path: '/other' }, { ...RIGHT, oneTime: '1' }]) {
      expect(await get(asked)).toBe('login-locked')
    }
    expect(sent).toHaveLength(1)
    expect(await get({ authorization: basic('hubot', 'right') })).toBe('200')
    expect(await get({ authorization: TOKEN })).toBe('200')
    expect(await get({ authorization: basic('mona', 'ghp_x') })).toBe('200')
    expect(await get({ ...RIGHT, origin: 'https://ghes.example:8443' })).toBe('200')
    clock.advance(1)
    expect(await get(RIGHT)).toBe('200')
    expect(await get(UNKNOWN)).toBe('200')
  })

  test('then one asks again, at most every ten minutes, while it is still reported', async () => {
    const { get, sent, clock } = lockedOut()
    for (const [index, minutes] of [1, 2, 4, 8, 10, 10].entries()) {
      expect(await get(RIGHT)).toBe('403')
      clock.advance(minutes * MINUTE - 1)
      expect(await get(OTHER)).toBe('login-locked')
      expect(sent).toHaveLength(index + 1)
      clock.advance(1)
    }
  })

  test('and only one, until it is answered', async () => {
    const { get, upstream, clock } = lockedOut()
    await get(RIGHT)
    clock.advance(MINUTE)
    const { open, says } = byHand()
    upstream(says)
    const trying = get(RIGHT)
    await turns()
    expect(await get(OTHER)).toBe('login-locked')
    expect(await get({ ...RIGHT, path: '/other' })).toBe('login-locked')
    expect(open).toHaveLength(1)
    open[0]!.answer(ok())
    expect(await trying).toBe('200')
    upstream(() => ok())
    expect(await get(OTHER)).toBe('200')
  })

  test('preferably with a password that was accepted before', async () => {
    const { get, upstream, clock, sent } = lockedOut()
    await get(RIGHT)
    clock.advance(2 * MINUTE - 1)
    expect(await get(UNKNOWN)).toBe('login-locked')
    clock.advance(1)
    expect(await get(UNKNOWN)).toBe('403')
    expect(sent).toHaveLength(2)
    clock.advance(2 * MINUTE)
    upstream(() => ok())
    expect(await get(RIGHT)).toBe('200')
  })

  test('one that was right beside a one-time password is such a one', async () => {
    const { get, upstream, clock } = protection()
    upstream(() => ok())
    await get({ ...UNKNOWN, oneTime: '1' })
    upstream(() => locked())
    expect(await get({ ...UNKNOWN, oneTime: '2' })).toBe('403')
    clock.advance(MINUTE)
    expect(await get({ ...RIGHT, oneTime: '3' })).toBe('login-locked')
    expect(await get({ ...UNKNOWN, oneTime: '3' })).toBe('403')
  })

  test.each([404, 500])('one that asks again and is told nothing of it (%i) lets the next one ask', async (status) => {
    const { get, upstream, clock } = lockedOut()
    await get(RIGHT)
    clock.advance(MINUTE)
    upstream(() => response(status))
    expect(await get(RIGHT)).toBe(String(status))
    upstream(() => ok())
    expect(await get(OTHER)).toBe('200')
  })

  test('does not count as a wrong password', async () => {
    const { get, upstream } = lockedOut()
    const { open, says } = byHand()
    upstream(says)
    const tried = [1, 2, 3].map((count) => get({ authorization: basic('mona', `x ${count}`) }))
    const right = get(RIGHT)
    await turns()
    for (const each of open.slice(0, 3)) each.answer(locked())
    expect(await Promise.all(tried)).toEqual(['403', '403', '403'])
    open[3]!.answer(ok())
    expect(await right).toBe('200')
    upstream(() => ok())
    expect(await get({ authorization: basic('mona', 'x 4') })).toBe('200')
  })

  test('is forgotten when nobody has asked for long', async () => {
    const { get, clock } = lockedOut()
    await get(RIGHT)
    clock.advance(20 * MINUTE)
    expect(await get(UNKNOWN)).toBe('403')
    clock.advance(MINUTE)
    expect(await get(RIGHT)).toBe('403')
  })

  test('late, and after a password was accepted that was sent later, says nothing', async () => {
    const { get, upstream } = lockedOut()
    const { open, says } = byHand()
    upstream(says)
    const [early, late] = [get(RIGHT), get(OTHER)]
    await turns()
    open[1]!.answer(ok())
    expect(await late).toBe('200')
    open[0]!.answer(locked())
    expect(await early).toBe('403')
    upstream(() => ok())
    expect(await get(RIGHT)).toBe('200')
  })
})

describe('in any order', () => {
  const step = fc.record({
    user: fc.oneof({ weight: 3, arbitrary: fc.constant('mona') }, { weight: 5, arbitrary: fc.nat(14).map(String) }),
    client: fc.oneof({ weight: 1, arbitrary: fc.constant('one') }, { weight: 1, arbitrary: fc.nat(7).map(String) }),
    password: fc.nat(12),
    oneTime: fc.constantFrom(undefined, undefined, undefined, '1', '2'),
    says: fc.oneof(
      { weight: 9, arbitrary: fc.constant('wrong') },
      { weight: 4, arbitrary: fc.constantFrom('right', 'not found', 'failure', 'held') },
    ),
    /** Which one of those that are held is answered before this, and what with: none where there are fewer. */
    settles: fc.nat(12),
    settledWith: fc.constantFrom('wrong', 'right', 'not found', 'failure'),
    wait: fc.oneof(
      { weight: 12, arbitrary: fc.constant(0) },
      { weight: 4, arbitrary: fc.nat(2 * SECOND) },
      { weight: 1, arbitrary: fc.nat(70 * SECOND) },
    ),
  })

  /** One password on its way upstream. */
  interface Sent {
    readonly user: string
    readonly group: string
    readonly name: string
    /** Whether the upstream had accepted it before, or the same beside another one-time password. */
    readonly isAccepted: boolean
    readonly isKnown: boolean
    readonly sentAt: number
    endedAt: number
    end: 'out' | 'wrong' | 'other'
    /** Found right since, by another client: it was wrong for the one that tried it, and not for the user. */
    isRightAfterAll: boolean
  }

  /** What must hold, whatever happens, as plainly as it can be said. */
  function model(now: () => number) {
    const sent: Sent[] = []
    /** Distinct unknown passwords that count at this moment, by when they went or when they were found wrong. */
    const others = (of: Sent, by: 'sentAt' | 'endedAt', isMeant: (other: Sent) => boolean) =>
      new Set(
        sent
          .filter(({ end, ...times }) => end === 'out' || (end === 'wrong' && times[by] > now() - MINUTE))
          .filter((other) => !other.isAccepted && other.name !== of.name && isMeant(other))
          .map(({ name }) => name),
      ).size
    /** Whether one more would be too many. */
    const isTooMany = (of: Sent, by: 'sentAt' | 'endedAt') => {
      const isOfUser = ({ user }: Sent) => user === of.user
      const isOfClient = ({ group }: Sent) => group === of.group
      return (
        others(of, by, (other) => isOfUser(other) && isOfClient(other)) >= 3 ||
        others(of, by, isOfClient) >= 30 ||
        (!of.isKnown && others(of, by, (other) => isOfUser(other) && !other.isKnown && !other.isRightAfterAll) >= 10)
      )
    }
    return { sent, isTooMany }
  }

  type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

  async function play(steps: readonly Step[]): Promise<string[]> {
    const { get, upstream, accepted, clock } = protection()
    const { sent, isTooMany } = model(clock.now)
    const known = new Set<string>()
    const wrongs: string[] = []
    const open: ((what: string) => void)[] = []
    let says = 'wrong'

    const read = ({ headers, client, credential }: Question): Sent => {
      const [user = ''] = Buffer.from(headers[1]!.slice(6), 'base64').toString().split(':')
      const isKnown = headers.includes('x-github-otp') && known.has(headers[1]!)
      const isAccepted = accepted.has(credential.fingerprint)
      const base = { user, group: client.group, name: credential.fingerprint, isAccepted, isKnown }
      return { ...base, sentAt: clock.now(), endedAt: Number.POSITIVE_INFINITY, end: 'out', isRightAfterAll: false }
    }
    const answers: Record<string, () => Response> = {
      wrong: () => refused(),
      right: () => ok(),
      'not found': () => response(404),
      failure: () => {
        throw new Failure('upstream-reset')
      },
    }
    upstream((question) => {
      const entry = read(question)
      if (!entry.isAccepted && isTooMany(entry, 'sentAt'))
        wrongs.push(`${entry.user} by ${entry.group} was let through`)
      sent.push(entry)
      const end = (what: string) => {
        entry.end = what === 'wrong' ? 'wrong' : 'other'
        entry.endedAt = clock.now()
        if (question.headers.includes('x-github-otp')) {
          if (what === 'wrong') known.delete(question.headers[1]!)
          if (what === 'right') known.add(question.headers[1]!)
        }
        for (const each of what === 'right' ? sent : []) {
          if (each.name !== entry.name || each.end !== 'wrong') continue
          if (each.group === entry.group) each.end = 'other'
          else each.isRightAfterAll = true
        }
        return answers[what]!()
      }
      if (says !== 'held') return end(says)
      return new Promise<Response>((resolve, reject) => {
        open.push((what) => {
          try {
            resolve(end(what))
          } catch (thrown) {
            reject(thrown)
          }
        })
      })
    })

    const all: Promise<unknown>[] = []
    let told = 0
    for (const [index, each] of steps.entries()) {
      clock.advance(each.wait)
      for (const settle of open.splice(each.settles, 1)) settle(each.settledWith)
      await turns()
      says = each.says
      const asked: More = {
        authorization: basic(each.user, `password ${each.password}`),
        client: { group: each.client, name: '' },
        path: `/${index}`,
        ...(each.oneTime === undefined ? {} : { oneTime: each.oneTime }),
      }
      const check = (tells: string) => {
        told++
        const entry = read(ask(asked))
        if (tells !== 'login-locked') return
        if (entry.isAccepted) wrongs.push(`${entry.user} was refused an accepted password`)
        else if (!isTooMany(entry, 'endedAt')) wrongs.push(`${entry.user} by ${entry.group} was refused without need`)
      }
      all.push(get(asked).then(check))
      await turns()
    }
    for (says = 'not found'; told < steps.length; await turns())
      for (const settle of open.splice(0)) settle('not found')
    await Promise.all(all)
    return wrongs
  }

  test('no more unknown passwords go upstream than may, none is refused without need, and no accepted one ever', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 120 }), async (steps) => {
        expect(await play(steps)).toEqual([])
      }),
      { numRuns: 60 },
    )
  })
})

describe('what is remembered is bounded', () => {
  const password = (user: string, group: string, fingerprint: string, withoutOneTime?: string): Password => ({
    user,
    group,
    fingerprint,
    withoutOneTime,
  })

  test('a flood of user names pushes out the one that was tried longest ago', () => {
    const attempts = new PasswordAttempts(new HandClock())
    const mona = (count: number) => password('mona', `client of mona ${count}`, `password ${count}`)
    for (let count = 0; count < 10; count++) attempts.begin(mona(count))('wrong')
    for (let count = 0; count < 9_999; count++) attempts.begin(password(`user ${count}`, `client ${count % 400}`, 'x'))
    expect(attempts.allows(mona(10))).toBe(false)
    attempts.begin(password('one more', 'client', 'x'))
    expect(attempts.allows(mona(10))).toBe(true)
  })

  test('a flood of clients pushes out the one that tried longest ago', () => {
    const attempts = new PasswordAttempts(new HandClock())
    const mona = (count: number) => password('mona', 'client of mona', `password ${count}`)
    for (let count = 0; count < 3; count++) attempts.begin(mona(count))('wrong')
    for (let count = 0; count < 9_999; count++) attempts.begin(password(`user ${count % 400}`, `client ${count}`, 'x'))
    expect(attempts.allows(mona(3))).toBe(false)
    attempts.begin(password('user', 'one more', 'x'))
    expect(attempts.allows(mona(3))).toBe(true)
  })

  test('whoever tries again is not the oldest any longer', () => {
    const attempts = new PasswordAttempts(new HandClock())
    const mona = (count: number) => password('mona', 'client of mona', `password ${count}`)
    for (let count = 0; count < 2; count++) attempts.begin(mona(count))('wrong')
    for (let count = 0; count < 9_999; count++) attempts.begin(password(`user ${count}`, `client ${count}`, 'x'))
    attempts.begin(mona(2))('wrong')
    attempts.begin(password('one more', 'one more', 'x'))
    expect(attempts.allows(mona(3))).toBe(false)
  })

  test('a flood of right passwords pushes out the one that was used longest ago', () => {
    const attempts = new PasswordAttempts(new HandClock())
    const right = (count: number) => password('mona', 'client', `x ${count}`, `right ${count}`)
    for (let count = 0; count < 10_000; count++) attempts.learn(right(count), true)
    attempts.learn(right(0), true)
    attempts.learn(right(10_000), true)
    expect([0, 1, 2, 10_000].map((count) => attempts.knows(right(count)))).toEqual([true, false, true, true])
  })
})
