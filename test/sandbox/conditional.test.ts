import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Sandbox } from '../../sandbox/index.ts'
import { APPLICATION, defaultSwitches, githubETag, startSandbox, TOKENS } from '../../sandbox/index.ts'
import { ask, basic, token } from './ask.ts'

let sandbox: Sandbox
let api: string
beforeAll(async () => {
  sandbox = await startSandbox()
  api = sandbox.urls.api
})
afterAll(() => sandbox.close())
beforeEach(() => {
  Object.assign(sandbox.switches, defaultSwitches())
  sandbox.log.clear()
})

const PAGE = '/repos/octo-org/many-issues/issues?per_page=100'

describe('validators over the wire', () => {
  it('sends the ETag that the rule predicts for the headers that were sent', async () => {
    const headers = {
      accept: 'application/vnd.github.v3+json',
      authorization: `Bearer ${TOKENS.octocat}`,
      cookie: 'a=b',
    }
    const reply = await ask(`${api}/user`, { headers })
    expect(reply.header('etag')).toBe(`"${githubETag(headers, true, reply.body)}"`)
  })

  it('logs which state of the world an answer speaks of', async () => {
    await ask(`${api}/user`, { headers: token(TOKENS.octocat) })
    expect(sandbox.log.last.revision).toBe(sandbox.world.revision)
    sandbox.world.touch()
    await ask(`${api}/user`, { headers: token(TOKENS.octocat) })
    expect((await ask(`${api}/missing`, { headers: token(TOKENS.octocat) })).status).toBe(404)
    const revisions = sandbox.log.entries.map(({ revision }) => revision)
    expect(revisions).toEqual([sandbox.world.revision - 1, sandbox.world.revision, sandbox.world.revision])
  })

  it('leaves the credential of an OAuth application out of ETag and Vary', async () => {
    const headers = { accept: '*/*', ...basic(APPLICATION.clientId, APPLICATION.clientSecret) }
    const reply = await ask(`${api}/users/octocat`, { headers })
    expect(reply.lines('vary')).toEqual(['Accept', 'Accept-Encoding, Accept, X-Requested-With'])
    expect(reply.header('etag')).toBe(`"${githubETag({ accept: '*/*' }, true, reply.body)}"`)
  })

  it('names the credential in Vary for users, in two lines or in one', async () => {
    const two = await ask(`${api}/user`, { headers: token(TOKENS.octocat) })
    expect(two.lines('vary')).toEqual([
      'Accept, Authorization, Cookie, X-GitHub-OTP',
      'Accept-Encoding, Accept, X-Requested-With',
    ])
    sandbox.switches.vary = 'one-line'
    expect((await ask(`${api}/user`, { headers: token(TOKENS.octocat) })).lines('vary')).toHaveLength(1)
  })

  it('answers 304 without body, strongly tagged, free for the authorised and not for the anonymous', async () => {
    for (const [headers, cost] of [
      [token(TOKENS.octocat), 0],
      [{}, 1],
    ] as const) {
      const first = await ask(`${api}/users/octocat`, { headers: { ...headers, 'accept-encoding': 'gzip' } })
      expect(first.header('etag')).toMatch(/^W\/"[0-9a-f]{64}"$/)
      const second = await ask(`${api}/users/octocat`, {
        headers: { ...headers, 'if-none-match': first.header('etag') ?? '' },
      })
      expect(second.status).toBe(304)
      expect(second.body).toHaveLength(0)
      expect(second.header('content-type')).toBeUndefined()
      expect(`W/${second.header('etag')}`).toBe(first.header('etag'))
      expect(sandbox.log.last).toMatchObject({ status: 304, cost })
    }
  })

  it('is weak always or never, if told, but strong on a 304', async () => {
    const headers = { ...token(TOKENS.octocat), 'accept-encoding': 'gzip' }
    const read = async (more = {}) =>
      (await ask(`${api}/user`, { headers: { ...headers, ...more } })).header('etag') ?? ''
    sandbox.switches.weakETags = 'never'
    const strong = await read()
    expect(strong).toMatch(/^"/)
    sandbox.switches.weakETags = 'always'
    expect(await read({ 'accept-encoding': 'identity' })).toBe(`W/${strong}`)
    expect(await read({ 'if-none-match': strong })).toBe(strong)
  })

  it('sends 304s without Link unless told, and with a Content-Length only if told', async () => {
    const headers = token(TOKENS.octocat)
    const first = await ask(api + PAGE, { headers })
    expect(first.header('link')).toContain('rel="next"')
    const again = { headers: { ...headers, 'if-none-match': first.header('etag') ?? '' } }
    const bare = await ask(api + PAGE, again)
    expect([bare.status, bare.header('link'), bare.header('content-length')]).toEqual([304, undefined, undefined])
    sandbox.switches.linkOn304 = true
    sandbox.switches.contentLengthOn304 = true
    const full = await ask(api + PAGE, again)
    expect([full.status, full.header('link')]).toEqual([304, first.header('link')])
    expect(full.header('content-length')).toBe(String(first.body.length))
  })

  it('reads lists or does not', async () => {
    const headers = token(TOKENS.octocat)
    const tag = (await ask(`${api}/user`, { headers })).header('etag') ?? ''
    const list = { headers: { ...headers, 'if-none-match': `"abc", ${tag}` } }
    expect((await ask(`${api}/user`, list)).status).toBe(304)
    sandbox.switches.readsTagLists = false
    expect((await ask(`${api}/user`, list)).status).toBe(200)
  })

  it('follows the other rules', async () => {
    const read = async (value: string) => (await ask(`${api}/users/octocat`, { headers: token(value) })).header('etag')
    sandbox.switches.etagRule = 'git'
    expect(await read(TOKENS.octocat)).toMatch(/^"[0-9a-f]{40}"$/)
    expect(await read(TOKENS.octocat)).toBe(await read(TOKENS.hubot))
    sandbox.switches.etagRule = 'opaque'
    expect(await read(TOKENS.octocat)).not.toBe(await read(TOKENS.hubot))
    expect(await read(TOKENS.octocat)).toBe(await read(TOKENS.octocat))
    sandbox.switches.etagRule = 'none'
    expect(await read(TOKENS.octocat)).toBeUndefined()
    const since = { ...token(TOKENS.octocat), 'if-modified-since': 'Wed, 01 May 2024 00:00:00 GMT' }
    expect((await ask(`${api}/users/octocat`, { headers: since })).status).toBe(304)
  })

  it('changes the ETag when the thing changes, and only then', async () => {
    const headers = token(TOKENS.hubot)
    const read = async () => (await ask(`${api}/repos/octocat/hello-world/issues/3`, { headers })).header('etag')
    const before = await read()
    expect(await read()).toBe(before)
    const repository = sandbox.world.repository('octocat/hello-world')
    const issue = repository.issues.find(({ number }) => number === 3)
    if (issue === undefined) throw new Error('no issue 3')
    sandbox.world.updateIssue(issue, { title: 'Another title' })
    expect(await read()).not.toBe(before)
  })

  it('gives raw and JSON contents the same git tag', async () => {
    const url = `${api}/repos/octocat/hello-world/contents/README.md`
    const json = await ask(url)
    const raw = await ask(url, { headers: { accept: 'application/vnd.github.raw+json' } })
    expect(raw.text).toBe('# hello-world\n\nMy first repository.\n')
    expect(json.json()['sha']).toBe('fc6538e91f63346c17721b54977635425fa9a88c')
    expect([json.header('etag'), raw.header('etag')]).toEqual(
      Array(2).fill('"fc6538e91f63346c17721b54977635425fa9a88c"'),
    )
    expect(raw.header('content-type')).toBe('application/vnd.github.v3.raw; charset=utf-8')
  })
})

describe('what the hash does not see', () => {
  it('indents for curl and browsers after hashing', async () => {
    const plain = await ask(`${api}/user`, { headers: token(TOKENS.octocat) })
    const curl = await ask(`${api}/user`, { headers: { ...token(TOKENS.octocat), 'user-agent': 'curl/8.0' } })
    expect(curl.header('etag')).toBe(plain.header('etag'))
    expect(curl.text).toMatch(/^\{\n {2}"login"/)
    expect(curl.json()).toEqual(plain.json())
  })

  it('sees escaped slashes, which are part of the body', async () => {
    sandbox.switches.escapeSlashes = true
    const headers = token(TOKENS.octocat)
    const reply = await ask(`${api}/user`, { headers })
    expect(reply.text).toContain('http:\\/\\/127.0.0.1')
    expect(reply.header('etag')).toBe(`"${githubETag(headers, true, reply.body)}"`)
  })
})
