import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Accounts } from '../../../src/middleware/outbound/accounts.ts'
import { AnonymousApplication } from '../../../src/middleware/outbound/anonymous-application.ts'
import type { RateLimit } from '../../../src/ports.ts'
import { memoryAcceptedCredentials } from '../../../src/store/memory/accepted-credentials.ts'
import { memoryKnownAccounts } from '../../../src/store/memory/known-accounts.ts'
import { basic, RESET } from './budgets.ts'
import { type Asked, digest, HandClock, questionFor } from './harness.ts'

const HEX_40 = '0123456789abcdef0123456789abcdef01234567'
const CLIENT_ID = '0123456789abcdef0123'
const hashOf = (token: string) => createHash('sha256').update(token).digest('base64')
const stated = (reset = RESET, resource = 'core'): RateLimit => ({
  resource,
  limit: 5000,
  remaining: 10,
  used: undefined,
  reset,
})

function setUp(options: { configured?: [string, string][]; remembered?: number; application?: true } = {}) {
  const accepted = memoryAcceptedCredentials(1000)
  const clock = new HandClock()
  const accounts = new Accounts({
    known: memoryKnownAccounts(options.remembered ?? 1000),
    accepted,
    digest,
    configured: new Map(options.configured),
    anonymous: 'egress:nat-1',
    application: options.application && new AnonymousApplication('app', 'secret', clock),
  })
  const held = new Map<string, RateLimit>()
  const latest = (account: string, resource: string) => held.get(`${account} ${resource}`)
  const of = (authorization?: string, more: Asked = {}) =>
    accounts.of(questionFor(authorization === undefined ? more : { authorization, ...more }))
  /** The upstream accepts it, and states these numbers. */
  const accept = (authorization: string, numbers?: RateLimit) => {
    const question = questionFor({ authorization })
    accepted.add(question.credential.fingerprint)
    return accounts.accepted(question, numbers, latest).name
  }
  return { accounts, accepted, held, of, accept, clock }
}

/** The account of a credential that belongs to nobody else. */
const own = (authorization: string) => `credential:${questionFor({ authorization }).credential.fingerprint}`

describe('a credential that the upstream has not accepted', () => {
  test.each([
    ['a user name with a password', basic('octocat', 'wrong')],
    ['a user name with a token', basic('octocat', HEX_40)],
    ['an application', basic(CLIENT_ID, 'secret')],
    ['a token', `token ${HEX_40}`],
    ['a token that the operator listed', 'Bearer ghp_listed'],
    ['what cannot be read', 'Digest x'],
  ])('is its own account, and nobody vouches for it: %s', (_what, authorization) => {
    const { of, accept } = setUp({ configured: [[hashOf('ghp_listed'), 'user:ci']] })
    accept(basic('octocat', 'right'))
    accept(`Bearer ${HEX_40}`)
    expect(of(authorization)).toEqual({ name: own(authorization), isVouchedFor: false })
  })

  test('that was accepted before and is refused now, is not vouched for any longer', () => {
    const { of, accept, accepted } = setUp()
    const authorization = basic('octocat', 'right')
    accept(authorization)
    expect(of(authorization)).toEqual({ name: 'user:octocat', isVouchedFor: true })
    accepted.remove(questionFor({ authorization }).credential.fingerprint)
    expect(of(authorization).isVouchedFor).toBe(false)
  })
})

describe('once the upstream has accepted it,', () => {
  test('a user name with its password is that user, whatever its case', () => {
    const { of, accept } = setUp()
    expect(accept(basic('OctoCat', 'right'))).toBe('user:octocat')
    expect(accept(basic('octocat', 'another'))).toBe('user:octocat')
    expect(of(basic('OctoCat', 'right'))).toEqual({ name: 'user:octocat', isVouchedFor: true })
    expect(of(basic('octocat', 'never asked')).name).not.toBe('user:octocat')
  })

  test('a token is one account in every way of sending it', () => {
    const { accept, of } = setUp()
    const ways = [
      `Bearer ${HEX_40}`,
      `token ${HEX_40}`,
      `bearer  ${HEX_40}`,
      basic('anybody', HEX_40),
      basic(HEX_40, ''),
    ]
    const names = new Set(ways.map((way) => accept(way)))
    expect(names.size).toBe(1)
    for (const way of ways) expect(of(way)).toEqual({ name: [...names][0], isVouchedFor: true })
    expect(names).not.toContain(accept('Bearer ghp_another'))
  })

  test('a name beside a token is nobody’s', () => {
    const { accept } = setUp()
    for (const token of [HEX_40, 'ghp_x', 'github_pat_11A_b', 'ghs_x', `v1.${HEX_40}`]) {
      expect(accept(basic('victim', token))).toMatch(/^credential:/)
    }
  })

  test('the id and secret of an application are that application', () => {
    const { accept } = setUp()
    expect(accept(basic(CLIENT_ID, 'secret'))).toBe(`application:${CLIENT_ID}`)
    expect(accept(basic(CLIENT_ID, 'next secret'))).toBe(`application:${CLIENT_ID}`)
  })

  test.each(['Bearer a.b.c', 'Digest x', 'token', basic('', 'x')])('%s is an account of its own', (authorization) => {
    expect(setUp().accept(authorization)).toBe(own(authorization))
  })

  test('what was forgotten is an account of its own again', () => {
    const { of, accept } = setUp({ remembered: 1 })
    const first = basic('octocat', 'right')
    accept(first)
    accept(basic('hubot', 'right'))
    expect(of(first).name).toBe(own(first))
    expect(accept(first)).toBe('user:octocat')
  })
})

describe('a name whose numbers are not those of the user', () => {
  const impostor = basic('victim', 'a token of a new kind')

  test.each([
    [-6, false],
    [-5, true],
    [0, true],
    [5, true],
    [6, false],
    [3000, false],
  ])('because its window ends %i seconds from theirs: believed %s', (apart, isBelieved) => {
    const { accept, of, held } = setUp()
    held.set('user:victim core', stated())
    expect(accept(impostor, stated(RESET + apart))).toBe(isBelieved ? 'user:victim' : own(impostor))
    expect(of(impostor).name).toBe(isBelieved ? 'user:victim' : own(impostor))
  })

  test('is not believed later either, when nothing is known of them', () => {
    const { accept, held } = setUp()
    held.set('user:victim core', stated())
    accept(impostor, stated(RESET + 3000))
    held.clear()
    expect(accept(impostor, stated(RESET + 3000))).toBe(own(impostor))
  })

  test('cannot be told where there are none, or those of another resource', () => {
    const { accept, held } = setUp()
    held.set('user:victim search', stated(RESET - 3000, 'search'))
    expect(accept(impostor, stated())).toBe('user:victim')
    held.set('user:hubot core', stated())
    expect(accept(basic('hubot', 'x'), undefined)).toBe('user:hubot')
  })

  test('is told by the window of the same resource', () => {
    const { accept, held } = setUp()
    held.set('user:victim core', stated())
    held.set('user:victim search', stated(RESET - 3000, 'search'))
    expect(accept(impostor, stated(RESET - 3000, 'search'))).toBe('user:victim')
  })

  test('holds for an application’s id as well', () => {
    const { accept, held } = setUp()
    held.set(`application:${CLIENT_ID} core`, stated())
    const authorization = basic(CLIENT_ID, 'secret')
    expect(accept(authorization, stated(RESET + 100))).toBe(own(authorization))
  })
})

describe('what the upstream says of a user', () => {
  test('makes all tokens of theirs one account, in whatever way they are sent', () => {
    const { accounts, accept, of } = setUp()
    // Sent in two ways before anybody knows whose it is, and in a third afterwards.
    accept('Bearer ghp_one')
    accept('token ghp_one')
    accept('token ghp_two')
    expect(accounts.learnUser(questionFor({ authorization: 'Bearer ghp_one' }), 'OctoCat')).toBe('user:octocat')
    expect(accounts.learnUser(questionFor({ authorization: 'token ghp_two' }), 'octocat')).toBe('user:octocat')
    const ways = ['Bearer ghp_one', 'token ghp_one', 'token ghp_two']
    expect(ways.map((way) => of(way).name)).toEqual(Array(3).fill('user:octocat'))
    expect(accept(basic('x', 'ghp_two'))).toBe('user:octocat')
    expect(accept('token ghp_three')).toMatch(/^credential:/)
  })

  test('also holds where the credential is no token', () => {
    const { accounts, accept, of } = setUp()
    const authorization = basic('mona@example.com', 'right')
    expect(accept(authorization)).toBe(own(authorization))
    accounts.learnUser(questionFor({ authorization }), 'mona')
    expect(of(authorization).name).toBe('user:mona')
  })
})

describe('a token that the upstream made for an installation', () => {
  test('shares the budgets of the next one', () => {
    const { accounts, accept } = setUp()
    accounts.learnInstallation('ghs_first', '42')
    accounts.learnInstallation('ghs_second', '42')
    accounts.learnInstallation('ghs_other', '43')
    expect(accept('token ghs_first')).toBe('installation:42')
    expect(accept(basic('x-access-token', 'ghs_second'))).toBe('installation:42')
    expect(accept('Bearer ghs_other')).toBe('installation:43')
  })
})

describe('the operator’s list', () => {
  const configured: [string, string][] = [
    [hashOf('ghp_listed'), 'user:ci'],
    [hashOf('ghs_listed'), 'installation:7'],
  ]

  test('says whose a token is, in whatever way it is sent', () => {
    const { accept } = setUp({ configured })
    expect(accept('Bearer ghp_listed')).toBe('user:ci')
    expect(accept('token ghp_listed')).toBe('user:ci')
    expect(accept(basic('anybody', 'ghs_listed'))).toBe('installation:7')
    expect(accept('token ghp_unlisted')).toMatch(/^credential:/)
  })

  test('counts for more than what is learnt', () => {
    const { accept, accounts, of } = setUp({ configured })
    accept('Bearer ghp_listed')
    expect(accounts.learnUser(questionFor({ authorization: 'Bearer ghp_listed' }), 'bot')).toBe('user:ci')
    accounts.learnInstallation('ghs_listed', '8')
    expect(accept('token ghs_listed')).toBe('installation:7')
    expect(of('Bearer ghp_listed').name).toBe('user:ci')
    expect(accept('token ghp_listed')).toBe('user:ci')
  })
})

describe('requests without a credential', () => {
  test('are the address’s, and need nobody’s acceptance', () => {
    const { of, accounts } = setUp()
    expect(of()).toEqual({ name: 'egress:nat-1', isVouchedFor: true })
    expect(accounts.address).toBe('egress:nat-1')
  })

  test('are the application’s where it goes with them, and else the address’s', () => {
    const { of, accounts } = setUp({ application: true })
    expect(of().name).toBe('application:app')
    expect(of(undefined, { method: 'POST' }).name).toBe('egress:nat-1')
    expect(of(undefined, { bypass: 'other-api' }).name).toBe('egress:nat-1')
    expect(accounts.nameOf(questionFor().credential)).toBe('application:app')
    // What is wrong is charged to where it comes from.
    expect(accounts.address).toBe('egress:nat-1')
  })
})

describe('the name of an account', () => {
  test('holds no token', () => {
    const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))
    const token = fc.oneof(
      fc.stringMatching(/^gh[pousr]_[A-Za-z0-9]{36}$/),
      fc.stringMatching(/^github_pat_[A-Za-z0-9_]{40}$/),
      hex(40),
      hex(40).map((digits) => `v1.${digits}`),
      // Of a kind that is not known yet: longer than any name.
      fc.stringMatching(/^[a-z0-9_-]{40,60}$/),
    )
    const way = fc.constantFrom<(token: string) => string>(
      (one) => `Bearer ${one}`,
      (one) => `token ${one}`,
      (one) => `GitHub ${one}`,
      (one) => basic('name', one),
      (one) => basic(one, ''),
      (one) => basic(one, 'x-oauth-basic'),
      (one) => basic(one, one),
    )
    fc.assert(
      fc.property(token, way, fc.boolean(), (secret, send, isLearnt) => {
        const { accept, accounts, of } = setUp()
        const authorization = send(secret)
        const names = [of(authorization).name, accept(authorization)]
        if (isLearnt) names.push(accounts.learnUser(questionFor({ authorization }), 'octocat'))
        for (const name of names) expect(name.toLowerCase()).not.toContain(secret.toLowerCase())
      }),
    )
  })
})
