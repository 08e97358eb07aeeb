import { describe, expect, test } from 'vitest'
import type { Question } from '../../../src/middleware/outbound/exchange.ts'
import { SentQuestions } from '../../../src/middleware/outbound/sent-questions.ts'
import type { UpstreamResponse } from '../../../src/ports.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { answered } from './flights.ts'
import { type Asked, held, questionFor, response } from './harness.ts'

const as = (authorization: string, more: Asked = {}) => questionFor({ authorization, ...more })
const [ONE, TWO, THREE] = [as('token one'), as('token two'), as('token three')]

function setUp(...accepted: Question[]) {
  const credentials = memoryAcceptedCredentials(10)
  for (const { credential } of accepted) credentials.add(credential.fingerprint)
  const questions = new SentQuestions(credentials)
  const passed: Question[] = []
  const answers = new Map<Question, (answer: UpstreamResponse) => void>()
  const attempt = questions.announce(async (question) => {
    passed.push(question)
    const { promise, settle } = held<UpstreamResponse>()
    answers.set(question, settle)
    return promise
  })
  const asking = questions.settle(async (question) => {
    const { status } = await attempt(question, () => [])
    return answered('x', {}, { status })
  })
  const send = (question: Question, stored: undefined) => {
    questions.send(question)
    return asking(question, stored)
  }
  /** Sends it; the function lands it, and is done when it is settled. */
  const sent = (question: Question, asked = question) => {
    const done = send(question, undefined)
    return async (status = 200) => {
      answers.get(asked)!(response(status))
      await done
    }
  }
  const ahead = (question: Question) => questions.before(question)?.fingerprint
  return { questions, credentials, sent, ahead, passed, attempt }
}

describe('what has been sent', () => {
  test('is what others may wait for, from the moment it is sent until it is settled', async () => {
    const { sent, ahead, passed } = setUp(ONE)
    expect(ahead(TWO)).toBeUndefined()
    const land = sent(ONE)
    expect(passed).toEqual([ONE])
    expect(ahead(TWO)).toBe(ONE.credential.fingerprint)
    await land()
    expect(ahead(TWO)).toBeUndefined()
  })

  test('is nothing to wait for itself, nor for another resource', () => {
    const { sent, ahead } = setUp(ONE)
    sent(ONE)
    expect(ahead(as('token one', { method: 'HEAD' }))).toBeUndefined()
    expect(ahead({ ...TWO, resource: () => 'another' })).toBeUndefined()
    // Another variant of the same thing is, also with the same credential: their answers have one body.
    expect(ahead({ ...ONE, key: 'another variant' })).toBe(ONE.credential.fingerprint)
    expect(ahead({ ...TWO, key: 'another variant' })).toBe(ONE.credential.fingerprint)
  })

  test('of several the first is named, that is not one’s own', async () => {
    const { sent, ahead } = setUp(ONE, TWO, THREE)
    const landOne = sent(ONE)
    const landTwo = sent(TWO)
    expect(ahead(THREE)).toBe(ONE.credential.fingerprint)
    expect(ahead(ONE)).toBe(TWO.credential.fingerprint)
    await landOne()
    expect(ahead(THREE)).toBe(TWO.credential.fingerprint)
    expect(ahead(TWO)).toBeUndefined()
    await landTwo()
    expect(ahead(THREE)).toBeUndefined()
  })

  test.each<[string, Question]>([
    ['of a credential that was not accepted', TWO],
    ['without a credential', questionFor({})],
    ['with HEAD', as('token one', { method: 'HEAD' })],
    ['with PATCH', as('token one', { method: 'PATCH' })],
    ['past the cache', as('token one', { bypass: 'range' })],
  ])('does not count %s', (_name, question) => {
    const { sent, ahead, passed, credentials } = setUp(ONE)
    // Somebody may have been taken for accepted who is called so.
    credentials.add(questionFor({}).credential.fingerprint)
    sent(question)
    expect(passed).toEqual([question])
    expect(ahead(THREE)).toBeUndefined()
  })

  test('counts again when it is sent again', async () => {
    const { questions, attempt, ahead } = setUp(ONE)
    let sentTwice = false
    const twice = questions.settle(async (question) => {
      questions.send(question)
      questions.send(question)
      void attempt(question, () => [])
      sentTwice = ahead(TWO) !== undefined
      return answered()
    })
    await twice(ONE, undefined)
    expect(sentTwice).toBe(true)
    expect(ahead(TWO)).toBeUndefined()
  })
})

describe('a note', () => {
  test('is taken back by whoever made it, and by nobody else', () => {
    const { questions, ahead } = setUp(ONE)
    const first = questions.send(ONE)
    const second = questions.send(ONE)
    second()
    expect(ahead(TWO)).toBe(ONE.credential.fingerprint)
    first()
    expect(ahead(TWO)).toBeUndefined()
  })

  test.each([
    [200, true],
    [304, false],
    [404, false],
  ])('of a credential that is new is made when it is answered with %i: %s', async (status, counts) => {
    const { questions, ahead } = setUp()
    const attempt = questions.announce(async () => response(status))
    const asked = attempt(ONE, () => [])
    expect(ahead(TWO)).toBeUndefined()
    await asked
    expect(ahead(TWO) !== undefined).toBe(counts)
  })
})

describe('a question that has to wait for its turn', () => {
  test('is nothing to wait for until it goes', async () => {
    const { questions, ahead, sent } = setUp(ONE)
    const land = sent(ONE)
    questions.holdBack(ONE)
    expect(ahead(TWO)).toBeUndefined()
    questions.send(ONE)
    expect(ahead(TWO)).toBe(ONE.credential.fingerprint)
    await land()
    expect(ahead(TWO)).toBeUndefined()
  })

  test('lets those go on who waited for it, once', () => {
    const { questions } = setUp(ONE, TWO)
    const settle = questions.send(ONE)
    let gone = 0
    questions.before(TWO)!.waiting.add(() => gone++)
    questions.holdBack(ONE)
    expect(gone).toBe(1)
    questions.holdBack(ONE)
    settle()
    expect(gone).toBe(1)
  })

  test('holds back no other', () => {
    const { questions, ahead } = setUp(ONE, TWO)
    questions.send(ONE)
    questions.holdBack(TWO)
    questions.holdBack({ ...ONE, resource: () => 'another' })
    questions.holdBack({ ...ONE, key: 'another variant' })
    expect(ahead(THREE)).toBe(ONE.credential.fingerprint)
  })
})

describe('those who wait', () => {
  test('go on, each once, when it is settled', async () => {
    const { questions, sent } = setUp(ONE, TWO)
    const land = sent(ONE)
    const gone: string[] = []
    const question = questions.before(TWO)!
    question.waiting.add(() => gone.push('a'))
    question.waiting.add(() => gone.push('b'))
    await land()
    expect(gone).toEqual(['a', 'b'])
    await sent(ONE)()
    expect(gone).toEqual(['a', 'b'])
  })

  test('go on when it failed, and the failure is passed on', async () => {
    const { questions } = setUp(ONE, TWO)
    const failure = new Error('reset')
    const attempt = questions.announce(async () => {
      throw failure
    })
    let gone = 0
    const send = questions.settle(async (question) => {
      questions.send(question)
      const response = attempt(question, () => [])
      questions.before(TWO)!.waiting.add(() => gone++)
      await response
      return answered()
    })
    await expect(send(ONE, undefined)).rejects.toBe(failure)
    expect(gone).toBe(1)
    expect(questions.before(TWO)).toBeUndefined()
  })

  test('may leave while others go on', async () => {
    const { questions, sent } = setUp(ONE, TWO)
    const land = sent(ONE)
    const { waiting } = questions.before(TWO)!
    const gone: string[] = []
    const last = () => gone.push('last')
    waiting.add(() => {
      gone.push('first')
      waiting.delete(last)
    })
    waiting.add(last)
    await land()
    expect(gone).toEqual(['first'])
  })
})
