import { describe, expect, test } from 'vitest'
import { headerValue } from '../../../src/http/headers.ts'
import { Accounts } from '../../../src/middleware/outbound/accounts.ts'
import type { Answer } from '../../../src/middleware/outbound/exchange.ts'
import { learnInstallations, learnUsers } from '../../../src/middleware/outbound/learn-accounts.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { memoryKnownAccounts } from '../../../src/store/memory/known-accounts.ts'
import { memoryBudgetLedger } from '../../../src/store/memory/ledger/index.ts'
import { BodyOnce, limitFields, RESET } from './budgets.ts'
import { answered } from './flights.ts'
import {
  type Asked,
  chain,
  digest,
  HandClock,
  JSON_TYPE,
  LEDGER,
  PRIVATE,
  questionFor,
  response,
  textOf,
} from './harness.ts'

const ONE = { authorization: 'Bearer ghp_one' }
const TWO = { authorization: 'token ghp_two' }
const bytes = (text: string) => new TextEncoder().encode(text)

function setUp() {
  const clock = new HandClock()
  const ledger = memoryBudgetLedger({ ...LEDGER, clock, scheduler: clock })
  const accepted = memoryAcceptedCredentials(100)
  const accounts = new Accounts({
    known: memoryKnownAccounts(100),
    accepted,
    digest,
    configured: new Map(),
    anonymous: 'anonymous',
    application: undefined,
  })
  const nameOf = (asked: Asked) => accounts.nameOf(questionFor(asked).credential)
  /** What a token that is accepted from now on is taken for. */
  const accept = (authorization: string) => {
    const question = questionFor({ authorization })
    accepted.add(question.credential.fingerprint)
    return accounts.accepted(question, undefined, () => undefined).name
  }
  return { accounts, ledger, clock, nameOf, accept }
}

describe('an answer to /user', () => {
  async function learnt(answer: Answer, asked: Asked = ONE) {
    const { accounts, ledger, nameOf } = setUp()
    const before = nameOf(asked)
    const passed = await learnUsers(accounts, ledger, async () => answer)(questionFor(asked), undefined)
    expect(passed).toBe(answer)
    const after = nameOf(asked)
    return after === before ? undefined : after
  }

  test('says whose the credential is', async () => {
    expect(await learnt(answered('{"login":"OctoCat","id":1}'))).toBe('user:octocat')
    expect(await learnt(answered('{"login":"a-b_c.d@e"}'))).toBe('user:a-b_c.d@e')
    expect(await learnt(answered('{"login":"octocat"}'), { ...ONE, query: 'x=1' })).toBe('user:octocat')
  })

  test.each<[string, Answer, Asked?]>([
    ['has another status', answered('{"login":"x"}', {}, { status: 404 })],
    ['is about somebody else', answered('{"login":"x"}'), { ...ONE, path: '/users/x' }],
    ['is about somebody else’s things', answered('{"login":"x"}'), { ...ONE, path: '/user/repos' }],
    ['is for the head alone', answered('{"login":"x"}'), { ...ONE, method: 'HEAD' }],
    ['is to a change', answered('{"login":"x"}'), { ...ONE, method: 'PATCH' }],
    ['is to nobody', answered('{"login":"x"}'), {}],
    ['has no body', answered(null)],
    ['is still arriving', answered(new BodyOnce(['{"login":"x"}']))],
    ['is long', answered(`{"login":"x"${' '.repeat(64 * 1024)}}`)],
    ['is no JSON', answered('login: x')],
    ['is no object', answered('null')],
    ['has no login', answered('{"name":"x"}')],
    ['has a login that is no text', answered('{"login":7}')],
    ['has an empty login', answered('{"login":""}')],
    ['has a login that could be anything', answered('{"login":"x\\ny"}')],
    ['has a login that is too long', answered(`{"login":"${'x'.repeat(101)}"}`)],
  ])('says nothing where it %s', async (_what, answer, asked = ONE) => {
    expect(await learnt(answer, asked)).toBeUndefined()
  })

  test('brings the numbers that are known already under the new name', async () => {
    const { accounts, ledger, nameOf } = setUp()
    const stated = { resource: 'core', limit: 5000, remaining: 4000, used: 1000, reset: RESET }
    ledger.observe(nameOf(ONE), stated)
    const read = learnUsers(accounts, ledger, async () => answered('{"login":"octocat"}'))
    await read(questionFor(ONE), undefined)
    expect(ledger.latest('user:octocat', 'core')).toEqual(stated)
  })

  test('makes nobody’s numbers those of a user', async () => {
    const { accounts, ledger } = setUp()
    ledger.observe('anonymous', { resource: 'core', limit: 60, remaining: 40, used: 20, reset: RESET })
    await learnUsers(accounts, ledger, async () => answered('{"login":"octocat"}'))(questionFor(), undefined)
    expect(ledger.latest('user:octocat', 'core')).toBeUndefined()
  })

  test('makes nothing news that is known already', async () => {
    const { accounts, ledger, clock } = setUp()
    const read = learnUsers(accounts, ledger, async () => answered('{"login":"octocat"}'))
    await read(questionFor(ONE), undefined)
    ledger.observe('user:octocat', { resource: 'core', limit: 60, remaining: 40, used: 20, reset: RESET })
    clock.advance(10_000)
    await read(questionFor(ONE), undefined)
    expect(ledger.latest('user:octocat', 'core', 10_000)?.remaining).toBe(40)
    expect(ledger.latest('user:octocat', 'core', 9999)).toBeUndefined()
  })

  test('that fails is passed on', async () => {
    const { accounts, ledger } = setUp()
    const failure = new Error('reset')
    const read = learnUsers(accounts, ledger, async () => {
      throw failure
    })
    await expect(read(questionFor(ONE), undefined)).rejects.toBe(failure)
  })
})

describe('through the whole chain', () => {
  const user = (etag: string, remaining: number) =>
    response(
      200,
      {
        ...limitFields(remaining),
        etag,
        'content-type': JSON_TYPE,
        'cache-control': PRIVATE,
        vary: 'Accept, Authorization',
      },
      '{"login":"octocat"}',
    )
  const nameIn = ({ accounts }: ReturnType<typeof chain>, asked: Asked) =>
    accounts.nameOf(questionFor(asked).credential)

  test('a user is learnt from the first answer, and again from one that replaces it', async () => {
    const chained = chain()
    chained.upstream(user('"a"', 4000), response(200, { etag: '"b"' }, '{"login":"hubot"}'))
    expect((await chained.get(ONE)).outcome.name).toBe('filled')
    expect(nameIn(chained, ONE)).toBe('user:octocat')
    expect((await chained.get(ONE)).outcome.name).toBe('replaced')
    expect(nameIn(chained, ONE)).toBe('user:hubot')
  })

  test('and from one that confirms what is kept', async () => {
    const first = chain()
    first.upstream(user('"a"', 4000))
    await first.get(ONE)
    // Another process, which has the copy and never heard whose it is.
    const second = chain({ store: first.store })
    second.upstream(response(304, { etag: '"a"' }))
    expect((await second.get(ONE)).outcome.name).toBe('revalidated')
    expect(nameIn(second, ONE)).toBe('user:octocat')
  })

  test('and from one that confirms what another token of theirs was sent', async () => {
    const chained = chain({ predicts: true })
    chained.upstream((request) => {
      const authorization = headerValue(request.headers, 'authorization')
      const tag = digest.sha256(`${authorization}:`, bytes('{"login":"octocat"}'))
      return request.noneMatch?.includes(tag) === true ? response(304, { etag: `"${tag}"` }) : user(`"${tag}"`, 4000)
    })
    await chained.get(ONE)
    expect((await chained.get(TWO)).outcome.name).toBe('predicted')
    expect([nameIn(chained, ONE), nameIn(chained, TWO)]).toEqual(['user:octocat', 'user:octocat'])
  })

  test('from then on all tokens of a user reserve from the same budgets', async () => {
    const chained = chain({ limits: {} })
    chained.upstream(user('"a"', 2), user('"b"', 1), response(200, { ...limitFields(0), etag: '"c"' }, 'page'))
    await chained.get(ONE)
    await chained.get(TWO)
    await chained.get({ ...TWO, path: '/page' })
    // The other token is told what it never asked for itself.
    await expect(chained.get({ ...ONE, path: '/other' })).rejects.toMatchObject({ tag: 'rate-limited' })
    expect(chained.sent).toHaveLength(3)
  })

  test('installations are learnt from the token that is made for them', async () => {
    const chained = chain()
    const made = response(201, { 'content-type': JSON_TYPE }, '{"token":"ghs_new","expires_at":"x"}')
    chained.upstream(made, response(200, { etag: '"a"' }, 'x'))
    const signed = { authorization: 'Bearer a.b.c' }
    const answer = await chained.get({ ...signed, method: 'POST', path: '/app/installations/42/access_tokens' })
    expect(answer).toMatchObject({ status: 201, text: '{"token":"ghs_new","expires_at":"x"}' })
    await chained.get({ authorization: 'token ghs_new', path: '/installation/repositories' })
    expect(nameIn(chained, { authorization: 'token ghs_new' })).toBe('installation:42')
  })
})

describe('a token for an installation', () => {
  const PATH = '/app/installations/42/access_tokens'
  const MADE = '{"token":"ghs_new"}'

  async function learnt(answer: Answer, { method = 'POST', path = PATH }: Asked = {}) {
    const { accounts, accept } = setUp()
    const question = questionFor({ authorization: 'Bearer a.b.c', method, path })
    const passed = await learnInstallations(accounts, async () => answer)(question)
    return { passed, name: accept('token ghs_new') }
  }

  test.each([
    ['still to be read', () => new BodyOnce([MADE.slice(0, 5), MADE.slice(5)])],
    ['held', () => bytes(MADE)],
  ])('is known for that installation’s, its answer %s', async (_what, body) => {
    const { passed, name } = await learnt(answered(body(), {}, { status: 201 }))
    expect(name).toBe('installation:42')
    expect(await textOf(passed.body)).toBe(MADE)
  })

  test('by the number of it, however that is written', async () => {
    const { name } = await learnt(answered(MADE, {}, { status: 201 }), {
      path: '/app/installations/0042/access_tokens',
    })
    expect(name).toBe('installation:42')
  })

  test.each<[string, Answer, Asked?]>([
    ['that was not made', answered(MADE, {}, { status: 403 })],
    ['that is looked at', answered(MADE, {}, { status: 201 }), { method: 'GET' }],
    ['at another place', answered(MADE, {}, { status: 201 }), { path: `${PATH}/x` }],
    ['of a thing without a number', answered(MADE, {}, { status: 201 }), { path: PATH.replace('42', 'x') }],
    ['in another’s repository', answered(MADE, {}, { status: 201 }), { path: `/repos/o${PATH}` }],
    ['that is no text', answered('{"token":1}', {}, { status: 201 })],
    ['that is missing', answered(null, {}, { status: 201 })],
  ])('is not taken for one %s', async (_what, answer, asked) => {
    const { passed, name } = await learnt(answer, asked)
    expect(name).toMatch(/^credential:/)
    expect(await textOf(passed.body)).toBe(await textOf(answer.body))
  })

  test('in an answer that is too long is not looked for, and the answer passes whole', async () => {
    const long = `{"token":"ghs_new"${' '.repeat(64 * 1024)}}`
    const { passed, name } = await learnt(
      answered(new BodyOnce([long.slice(0, 70_000), long.slice(70_000)]), {}, { status: 201 }),
    )
    expect(name).toMatch(/^credential:/)
    expect(await textOf(passed.body)).toBe(long)
  })
})
