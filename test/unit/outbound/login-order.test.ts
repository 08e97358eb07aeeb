import { describe, expect, test } from 'vitest'
import { HeldBody } from '../../../src/middleware/outbound/ask.ts'
import type { Attempt } from '../../../src/middleware/outbound/exchange.ts'
import { protectLogins } from '../../../src/middleware/outbound/protect-logins.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { digest, HandClock, held, response, textOf } from './harness.ts'
import { ask, BAD_BODY, byHand, ok, protection, refused, SECOND, TOKEN, turns } from './logins.ts'

/** One that waits for its turn after it has begun, and one that comes later and is sent at once. */
async function overtaken() {
  const { get, upstream, queue } = protection()
  const { open, says } = byHand()
  upstream(says)
  const turn = held<void>()
  queue(turn.promise)
  const begunFirst = get({ authorization: TOKEN, path: '/first' })
  await turns()
  queue(undefined)
  const sentFirst = get({ authorization: TOKEN, path: '/second' })
  await turns()
  turn.settle(undefined)
  await turns()
  expect(open.map(({ question }) => question.path)).toEqual(['/second', '/first'])
  const later = async () => {
    upstream(() => ok())
    return get({ authorization: TOKEN, path: '/third' })
  }
  return { begunFirst, sentFirst, open, later }
}

describe('where requests wait for their turn, it is the order of sending that counts', () => {
  test('a refusal of what was sent before something that was accepted holds nobody', async () => {
    const { begunFirst, sentFirst, open, later } = await overtaken()
    open[1]!.answer(ok())
    expect(await begunFirst).toBe('200')
    open[0]!.answer(refused())
    expect(await sentFirst).toBe('401')
    expect(await later()).toBe('200')
  })

  test('and an acceptance of what was sent before something that was refused ends no hold', async () => {
    const { begunFirst, sentFirst, open, later } = await overtaken()
    open[1]!.answer(refused())
    expect(await begunFirst).toBe('401')
    open[0]!.answer(ok())
    expect(await sentFirst).toBe('200')
    expect(await later()).toBe('again 401')
  })
})

describe('a 401 to HEAD, which has no words', () => {
  const HEAD = { authorization: TOKEN, method: 'HEAD' }

  test('is told again for the same question alone', async () => {
    const { get, upstream } = protection()
    upstream(() => response(401, {}, null))
    expect(await get(HEAD)).toBe('401')
    expect(await get(HEAD)).toBe('again 401')
    expect(await get({ ...HEAD, path: '/other' })).toBe('401')
  })

  test('until the credential is accepted, for it may have been about that', async () => {
    const { get, upstream } = protection()
    upstream(() => response(401, {}, null))
    await get(HEAD)
    upstream(() => ok())
    expect(await get({ authorization: TOKEN })).toBe('200')
    expect(await get(HEAD)).toBe('200')
  })

  test('and not where something was accepted that was sent after it', async () => {
    const { get, upstream } = protection()
    const { open, says } = byHand()
    upstream(says)
    const head = get(HEAD)
    await turns()
    const whole = get({ authorization: TOKEN })
    await turns()
    open[1]!.answer(ok())
    expect(await whole).toBe('200')
    open[0]!.answer(response(401, {}, null))
    expect(await head).toBe('401')
    upstream(() => ok())
    expect(await get(HEAD)).toBe('200')
  })

  test('while one with words that is about the question goes on, whatever else is accepted', async () => {
    const { get, upstream, clock } = protection()
    upstream(() => response(401, {}, '{"message":"Log in again with a second factor"}'))
    await get({ authorization: TOKEN, path: '/protected' })
    upstream(() => ok())
    expect(await get({ authorization: TOKEN })).toBe('200')
    expect(await get({ authorization: TOKEN, path: '/protected' })).toBe('again 401')
    clock.advance(10 * SECOND)
    expect(await get({ authorization: TOKEN, path: '/protected' })).toBe('200')
  })
})

describe('what lies between here and the upstream', () => {
  /** Lets one at a time through, and the next one go as soon as an answer is there. */
  function oneAtATime(answers: unknown[]): (noted: Attempt) => Attempt {
    let free: Promise<void> = Promise.resolve()
    return (noted) => async (question, compose) => {
      const before = free
      const over = held<void>()
      free = over.promise
      await before
      try {
        const answer = await noted(question, compose)
        answers.push(answer.body)
        return answer
      } finally {
        over.settle(undefined)
      }
    }
  }

  function crowd() {
    const answers: unknown[] = []
    let sent = 0
    const next: Attempt = async (_question, compose) => {
      await compose()
      sent++
      return refused()
    }
    const accepted = memoryAcceptedCredentials(10)
    const attempt = protectLogins({ accepted, digest, clock: new HandClock() }, next, oneAtATime(answers))
    const get = () => {
      const question = ask({ authorization: TOKEN })
      return attempt(question, () => question.headers)
    }
    return { get, answers, sent: () => sent }
  }

  test('lets nobody go whose login was found bad by the answer that made room for them', async () => {
    const { get, sent } = crowd()
    const [first, ...others] = await Promise.all([get(), get(), get()])
    expect(first!.isRepeated).toBeUndefined()
    for (const each of [first!, ...others]) expect(await textOf(each.body)).toBe(BAD_BODY)
    expect(others.map(({ isRepeated }) => isRepeated)).toEqual([true, true])
    expect(sent()).toBe(1)
  })

  test('is given a refusal that is read already: its place on the way is free', async () => {
    const { get, answers } = crowd()
    await get()
    expect(answers).toEqual([expect.any(HeldBody)])
  })
})
