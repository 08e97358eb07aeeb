import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sandbox } from '../../sandbox/index.ts'
import { APPLICATION, ONE_TIME_CODE, PASSWORDS, startSandbox, TOKENS } from '../../sandbox/index.ts'
import { ask, basic, handClock, token } from './ask.ts'

const clock = handClock()
let sandbox: Sandbox
let api: string
beforeEach(async () => {
  sandbox = await startSandbox({ clock })
  api = sandbox.urls.api
})
afterEach(() => sandbox.close())

async function login(headers: Record<string, string>): Promise<unknown> {
  const reply = await ask(`${api}/user`, { headers })
  return reply.status === 200 ? reply.json()['login'] : reply.status
}

describe('who asks', () => {
  it('takes a token in every accepted spelling', async () => {
    const value = TOKENS.octocat
    const spellings = [
      token(value),
      { authorization: `Bearer ${value}` },
      { authorization: `BEARER ${value}` },
      basic('octocat', value),
      basic(value, 'x-oauth-basic'),
      basic('octocat', PASSWORDS.octocat),
    ]
    for (const headers of spellings) expect(await login(headers)).toBe('octocat')
    expect(await login(token(TOKENS.installation))).toBe('weir-app[bot]')
    const query = await ask(`${api}/user?access_token=${value}`)
    expect([query.status, sandbox.log.last.credential]).toEqual([200, `token ${value}`])
  })

  it('charges a user over all tokens, an installation, an application, an address', async () => {
    await login(token(TOKENS.octocat))
    await login(basic('octocat', TOKENS.octocatOauth))
    await login(token(TOKENS.installation))
    await login(basic(APPLICATION.clientId, APPLICATION.clientSecret))
    await login({})
    expect(sandbox.log.entries.map(({ account }) => account)).toEqual([
      'user:octocat',
      'user:octocat',
      'installation:3001',
      `application:${APPLICATION.clientId}`,
      'address:127.0.0.1',
    ])
  })

  it('answers 401 to what it does not know', async () => {
    for (const headers of [token('nonsense'), basic('octocat', 'wrong'), { authorization: 'Digest x' }]) {
      const reply = await ask(`${api}/users/octocat`, { headers })
      expect(reply.status).toBe(401)
      expect(reply.json()).toEqual({ message: 'Bad credentials', documentation_url: expect.stringMatching(/^https:/) })
      expect(sandbox.log.last.account).toBe('address:127.0.0.1')
    }
  })

  it('forgets a revoked token at once', async () => {
    expect(await login(token(TOKENS.hubot))).toBe('hubot')
    sandbox.world.revokeToken(TOKENS.hubot)
    expect(await login(token(TOKENS.hubot))).toBe(401)
  })
})

describe('the second factor', () => {
  it('is asked for with a password and not with a token', async () => {
    const password = basic('monalisa', PASSWORDS.monalisa)
    const refused = await ask(`${api}/user`, { headers: password })
    expect([refused.status, refused.header('x-github-otp')]).toEqual([401, 'required; app'])
    expect(await login({ ...password, 'x-github-otp': '000000' })).toBe(401)
    expect(await login({ ...password, 'x-github-otp': ONE_TIME_CODE })).toBe('monalisa')
    expect(await login(token(TOKENS.monalisa))).toBe('monalisa')
  })
})

describe('the failed-login limit', () => {
  it('locks the user out, valid credentials included, until the window has passed', async () => {
    sandbox.switches.failedLogins = { limit: 3, windowSeconds: 60 }
    for (let attempt = 0; attempt < 3; attempt += 1) expect(await login(basic('octocat', 'wrong'))).toBe(401)
    const locked = await ask(`${api}/user`, { headers: basic('octocat', PASSWORDS.octocat) })
    expect(locked.status).toBe(403)
    expect(locked.json()['message']).toBe('Maximum number of login attempts exceeded. Please try again later.')
    expect(await login(token(TOKENS.octocat))).toBe(403)
    expect(await login(token(TOKENS.hubot))).toBe('hubot')
    clock.advance(60_000)
    expect(await login(basic('octocat', PASSWORDS.octocat))).toBe('octocat')
  })
})

describe('private mode', () => {
  it('turns away the anonymous and OAuth applications, from everything', async () => {
    sandbox.switches.privateMode = true
    for (const path of ['', '/users/octocat', '/meta', '/nowhere']) {
      const reply = await ask(api + path)
      expect([path, reply.status, reply.header('x-github-media-type')]).toEqual([path, 401, 'github.v3'])
    }
    expect(await login(basic(APPLICATION.clientId, APPLICATION.clientSecret))).toBe(401)
    expect(await login(token(TOKENS.stranger))).toBe('stranger')
  })
})

describe('what a reader may see', () => {
  async function permissions(value: string, repository: string): Promise<unknown> {
    const reply = await ask(`${api}/repos/${repository}`, { headers: token(value) })
    return reply.status === 200 ? reply.json()['permissions'] : reply.status
  }

  it('differs by reader', async () => {
    const all = { admin: true, maintain: true, push: true, triage: true, pull: true }
    expect(await permissions(TOKENS.octocat, 'octo-org/secret')).toEqual(all)
    expect(await permissions(TOKENS.hubot, 'octo-org/secret')).toEqual({ ...all, admin: false, maintain: false })
    expect(await permissions(TOKENS.stranger, 'octocat/hello-world')).toEqual({
      admin: false,
      maintain: false,
      push: false,
      triage: false,
      pull: true,
    })
    expect((await ask(`${api}/repos/octocat/hello-world`)).json()).not.toHaveProperty('permissions')
  })

  it('hides private repositories as 404, also from tokens without the scope', async () => {
    for (const value of [TOKENS.stranger, TOKENS.octocatPublicOnly]) {
      expect(await permissions(value, 'octo-org/secret')).toBe(404)
    }
    expect((await ask(`${api}/repos/octo-org/secret`)).status).toBe(404)
    const listed = await ask(`${api}/orgs/octo-org/repos`, { headers: token(TOKENS.stranger) })
    expect(listed.json<{ name: string }[]>().map(({ name }) => name)).toEqual(['many-issues'])
    const found = await ask(`${api}/search/issues?q=nobody`, { headers: token(TOKENS.stranger) })
    expect(found.json()['total_count']).toBe(0)
    const shown = await ask(`${api}/search/issues?q=nobody`, { headers: token(TOKENS.hubot) })
    expect(shown.json()['total_count']).toBe(1)
  })

  it('takes permissions away again', async () => {
    expect(await permissions(TOKENS.monalisa, 'octo-org/secret')).toMatchObject({ pull: true })
    sandbox.world.setCollaborator(sandbox.world.repository('octo-org/secret'), 'monalisa', null)
    expect(await permissions(TOKENS.monalisa, 'octo-org/secret')).toBe(404)
  })
})
