import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sandbox } from '../../sandbox/index.ts'
import { startSandbox, TOKENS } from '../../sandbox/index.ts'
import { ask, handClock, token } from './ask.ts'

let sandbox: Sandbox
let api: string
const octocat = token(TOKENS.octocat)
beforeEach(async () => {
  sandbox = await startSandbox({ clock: handClock() })
  api = sandbox.urls.api
})
afterEach(async () => {
  expect(sandbox.log.entries.filter(({ error }) => error !== null)).toEqual([])
  await sandbox.close()
})

async function send(method: string, path: string, body?: unknown, headers = octocat) {
  return ask(api + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
}

describe('addresses', () => {
  it('answers the root with and without its slash, and no endpoint with one', async () => {
    const [bare, slash] = [await ask(api), await ask(`${api}/`)]
    expect(bare.json()['current_user_repositories_url']).toBe(`${api}/user/repos{?type,page,per_page,sort}`)
    expect(slash.text).toBe(bare.text)
    const wrong = await ask(`${api}/users/octocat/`)
    expect(wrong.status).toBe(404)
    expect(wrong.json()).toEqual({ message: 'Not Found', documentation_url: expect.any(String) })
  })

  it('names itself in every kind of URL', async () => {
    const repository = (await send('GET', '/repos/octocat/hello-world')).json()
    const { host, hostname } = new URL(sandbox.origin)
    expect(repository).toMatchObject({
      url: `${api}/repos/octocat/hello-world`,
      html_url: `${sandbox.origin}/octocat/hello-world`,
      git_url: `git://${host}/octocat/hello-world.git`,
      ssh_url: `git@${hostname}:octocat/hello-world.git`,
      contents_url: `${api}/repos/octocat/hello-world/contents/{+path}`,
    })
    const release = (await send('GET', '/repos/octocat/hello-world/releases/latest')).json()
    expect(release['upload_url']).toBe(
      `${sandbox.urls.uploads}/repos/octocat/hello-world/releases/9000/assets{?name,label}`,
    )
  })

  it('keeps what people typed, addresses of the API among it', async () => {
    const typed = `${api}/repos/octocat/hello-world`
    expect((await send('GET', '/repos/octocat/hello-world')).json()).toMatchObject({
      homepage: typed,
      custom_properties: { dashboard: typed },
    })
    const [hook] = (await send('GET', '/repos/octocat/hello-world/hooks')).json<{ config: { url: string } }[]>()
    expect(hook?.config.url).toContain(typed)
    const [status] = (await send('GET', '/repos/octocat/hello-world/deployments/8101/statuses')).json<object[]>()
    expect(status).toMatchObject({ target_url: `${typed}/typed-target`, log_url: `${typed}/typed-log` })
  })

  it('takes the absolute form, bad escapes and doubled slashes without falling over', async () => {
    const headers = octocat
    expect((await ask(sandbox.origin, { target: 'http://elsewhere.example/api/v3/user', headers })).status).toBe(200)
    expect((await ask(sandbox.origin, { target: '/api/v3/users/%ff', headers })).status).toBe(400)
    expect((await ask(sandbox.origin, { target: '/api/v3//user', headers })).status).toBe(404)
    expect(sandbox.log.entries.map(({ target }) => target)).toContain('/api/v3/users/%ff')
    const web = await ask(`${sandbox.origin}/octocat`)
    expect([web.status, web.header('content-type')]).toEqual([404, 'text/html; charset=utf-8'])
  })
})

describe('listening', () => {
  it('fails, and leaves nothing open, where a port is taken', async () => {
    const portOf = (origin: string) => Number(new URL(origin).port)
    const first = await startSandbox()
    const port = portOf(first.origin)
    await first.close()
    const managePort = portOf(sandbox.manageOrigin)
    await expect(startSandbox({ port, managePort })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    const second = await startSandbox({ port })
    expect(portOf(second.origin)).toBe(port)
    await second.close()
  })

  it('puts the APIs where it is told', async () => {
    const other = await startSandbox({ paths: { rest: '', graphql: '/graphql', uploads: '/uploads' } })
    const reply = await ask(`${other.origin}/repos/octo-org/many-issues/issues`)
    expect(reply.header('link')).toContain(`<${other.origin}/repositories/510/issues?page=2>; rel="next"`)
    expect((await ask(other.origin)).json()['emojis_url']).toBe(`${other.origin}/emojis`)
    await other.close()
  })
})

describe('common headers', () => {
  it('are those of GitHub, in its case', async () => {
    const reply = await ask(`${api}/user`, { headers: { ...octocat, 'x-github-api-version': '2022-11-28' } })
    expect(reply.header('Date')).toBe('Wed, 01 Jan 2025 00:00:00 GMT')
    expect(reply.lines('Date')).toHaveLength(1)
    expect(reply.header('X-GitHub-Enterprise-Version')).toBe('enterprise-server@3.19.0')
    expect(reply.header('X-OAuth-Scopes')).toContain('repo')
    expect(reply.header('X-GitHub-Api-Version-Selected')).toBe('2022-11-28')
    expect(reply.header('X-GitHub-Request-Id')).toMatch(/^[0-9A-F]{4}(:[0-9A-F]+){4}$/)
    expect(reply.header('Cache-Control')).toBe('private, max-age=60, s-maxage=60')
    expect(reply.header('Status')).toBeUndefined()
    expect(reply.rawHeaders).toContain('X-GitHub-Media-Type')
    expect((await ask(`${api}/users/octocat`)).header('Cache-Control')).toBe('public, max-age=60, s-maxage=60')
    sandbox.switches.statusHeader = true
    expect((await ask(`${api}/nowhere`)).header('Status')).toBe('404 Not Found')
  })

  it('reflect Accept in X-GitHub-Media-Type', async () => {
    const read = async (headers: Record<string, string>) =>
      (await ask(`${api}/meta`, { headers })).header('x-github-media-type')
    expect(await read({})).toBe('github.v3')
    expect(await read({ accept: '' })).toBe('github.v3')
    expect(await read({ accept: 'application/vnd.github.v3+json' })).toBe('github.v3; format=json')
    expect(await read({ accept: 'application/vnd.github.v3.raw' })).toBe('github.v3; param=raw')
    expect(await read({ accept: 'application/vnd.github.html+json' })).toBe('github.v3; param=html; format=json')
  })

  it('answers a preflight', async () => {
    const reply = await ask(`${api}/user`, { method: 'OPTIONS', headers: { origin: 'http://example.com' } })
    expect([reply.status, reply.header('access-control-max-age')]).toEqual([204, '86400'])
    expect(reply.lines('access-control-allow-origin')).toEqual(['*'])
    expect(sandbox.log.last.cost).toBe(0)
  })

  it('sends HEAD the header of GET', async () => {
    const get = await ask(`${api}/user`, { headers: octocat })
    const head = await ask(`${api}/user`, { method: 'HEAD', headers: octocat })
    expect([head.status, head.body.length]).toEqual([200, 0])
    for (const name of ['etag', 'content-length', 'content-type']) expect(head.header(name)).toBe(get.header(name))
  })

  it('wraps a callback', async () => {
    const reply = await ask(`${api}/repos/octo-org/many-issues/issues?per_page=100&callback=take`)
    const [, text = ''] = /^\/\*\*\/take\((.*)\)$/s.exec(reply.text) ?? []
    const { meta, data } = JSON.parse(text) as { meta: { status: number; Link: unknown[] }; data: unknown[] }
    expect([reply.status, meta.status, data.length]).toEqual([200, 200, 100])
    expect(meta.Link[0]).toEqual([expect.stringContaining('page=2'), { rel: 'next' }])
    expect((await ask(`${api}/meta?callback=1%2B1`)).status).toBe(400)
    const missing = await ask(`${api}/nowhere?callback=take`)
    expect([missing.status, missing.text.includes('"status":404')]).toEqual([200, true])
  })
})

describe('pages', () => {
  it('are of 30, or up to 100, and link to each other by id', async () => {
    const numbers: number[] = []
    let next: string | undefined = `${api}/repos/octo-org/many-issues/issues?per_page=100`
    while (next !== undefined) {
      const page = await ask(next)
      numbers.push(...page.json<{ number: number }[]>().map(({ number }) => number))
      next = /<([^>]*)>; rel="next"/.exec(page.header('link') ?? '')?.[1]
      if (next !== undefined) expect(next.startsWith(`${api}/repositories/510/issues?per_page=100&page=`)).toBe(true)
    }
    expect(numbers).toEqual(Array.from({ length: 250 }, (_, index) => 250 - index))
    expect((await ask(`${api}/repos/octo-org/many-issues/issues`)).json<unknown[]>()).toHaveLength(30)
    const last = await ask(`${api}/repos/octo-org/many-issues/issues?per_page=500&page=3`)
    expect(last.header('link')).toBe(
      `<${api}/repositories/510/issues?per_page=500&page=2>; rel="prev", <${api}/repositories/510/issues?per_page=500&page=1>; rel="first"`,
    )
    expect((await ask(`${api}/repos/octocat/empty/issues`)).text).toBe('[]')
  })

  it('of benchmarks are of the sizes that they are for', async () => {
    const size = async (path: string) => (await ask(api + path)).body.length
    expect(await size('/fixed/small')).toBeCloseTo(3800, -2)
    expect(Math.abs((await size('/fixed/large')) - 262_000)).toBeLessThan(4000)
    expect(Math.abs((await size('/repos/octo-org/many-issues/issues?per_page=100')) - 262_000)).toBeLessThan(6000)
    sandbox.world.setFixedPage('/fixed/mine', '[1]')
    expect((await ask(`${api}/fixed/mine`)).text).toBe('[1]')
  })
})

describe('renamed repositories', () => {
  it('redirect by id, with the URL in the body, and keep the method of writes', async () => {
    const moved = await ask(`${api}/repos/octocat/old-name/issues?state=all`)
    expect([moved.status, moved.header('location')]).toEqual([301, `${api}/repositories/504/issues?state=all`])
    expect(moved.json()).toMatchObject({ message: 'Moved Permanently', url: moved.header('location') })
    expect((await ask(moved.header('location') ?? '')).json<unknown[]>()).toHaveLength(1)
    expect((await send('PATCH', '/repos/octocat/old-name', { description: 'x' })).status).toBe(307)
    sandbox.world.renameRepository('octocat/empty', 'full')
    expect((await ask(`${api}/repos/octocat/empty`)).status).toBe(301)
    expect((await ask(`${api}/repositories/503`)).json()['full_name']).toBe('octocat/full')
  })
})

describe('writes', () => {
  it('create, change and comment an issue', async () => {
    const created = await send('POST', '/repos/octocat/hello-world/issues', { title: 'New', labels: ['bug', 'fresh'] })
    expect([created.status, created.header('location')]).toEqual([201, `${api}/repos/octocat/hello-world/issues/8`])
    expect(created.header('etag')).toMatch(/^"[0-9a-f]{64}"$/)
    const closed = await send('PATCH', '/repos/octocat/hello-world/issues/8', { state: 'closed' })
    expect(closed.json()).toMatchObject({ state: 'closed', closed_at: '2025-01-01T00:00:00Z', number: 8 })
    expect((await send('POST', '/repos/octocat/hello-world/issues/8', { title: 'By POST' })).json()['title']).toBe(
      'By POST',
    )
    const comment = await send('POST', '/repos/octocat/hello-world/issues/8/comments', { body: 'Said' })
    expect(comment.status).toBe(201)
    expect((await send('DELETE', `/repos/octocat/hello-world/issues/comments/${comment.json()['id']}`)).status).toBe(
      204,
    )
    const labels = await send('POST', '/repos/octocat/hello-world/issues/8/labels', { labels: ['more'] })
    expect(labels.json<{ name: string }[]>().map(({ name }) => name)).toEqual(['bug', 'fresh', 'more'])
  })

  it('star without a body', async () => {
    const path = '/user/starred/octocat/hello-world'
    expect((await send('GET', path)).status).toBe(404)
    const put = await send('PUT', path)
    expect([put.status, put.header('content-length'), put.lines('vary')]).toEqual([
      204,
      undefined,
      ['Accept-Encoding, Accept, X-Requested-With'],
    ])
    expect((await send('GET', path)).status).toBe(204)
    expect((await send('DELETE', path)).status).toBe(204)
    expect((await send('GET', path)).status).toBe(404)
  })

  it('put a file, make a hook, a deployment with its payload as it came, a repository', async () => {
    const content = Buffer.from('hello\n').toString('base64')
    const put = await send('PUT', '/repos/octocat/empty/contents/a%20b.txt', { message: 'Add', content })
    expect([put.status, put.json<{ content: object }>().content]).toEqual([
      201,
      expect.objectContaining({ path: 'a b.txt', sha: 'ce013625030ba8dba906f756967f9e9ca394464a' }),
    ])
    const again = await send('PUT', '/repos/octocat/empty/contents/a%20b.txt', { message: 'Again', content })
    expect(again.status).toBe(409)
    const hook = await send('POST', '/repos/octocat/empty/hooks', {
      config: { url: `${api}/typed`, content_type: 'json' },
    })
    expect(hook.json<{ config: { url: string } }>().config.url).toBe(`${api}/typed`)
    const payload = { url: `${api}/typed`, deep: { html_url: api } }
    const deployment = await send('POST', '/repos/octocat/empty/deployments', { ref: 'main', payload })
    expect([deployment.status, deployment.json()['payload']]).toEqual([201, payload])
    expect((await send('POST', '/orgs/octo-org/repos', { name: 'made' })).status).toBe(201)
    expect((await send('DELETE', '/repos/octo-org/made')).status).toBe(204)
    expect((await send('GET', '/repos/octo-org/made')).status).toBe(404)
  })

  it('refuse bad bodies in the documented words', async () => {
    const path = `${api}/repos/octocat/hello-world/issues`
    const problems = await ask(path, { method: 'POST', headers: octocat, body: '{"title":' })
    expect([problems.status, problems.text]).toEqual([400, '{"message":"Problems parsing JSON"}'])
    expect(problems.header('content-length')).toBe('35')
    const wrong = await ask(path, { method: 'POST', headers: octocat, body: '[]' })
    expect([wrong.status, wrong.text]).toEqual([400, '{"message":"Body should be a JSON object"}'])
    const invalid = await ask(path, { method: 'POST', headers: octocat, body: '{}' })
    expect([invalid.status, invalid.json()]).toEqual([
      422,
      { message: 'Validation Failed', errors: [{ resource: 'Issue', field: 'title', code: 'missing_field' }] },
    ])
    const twice = await send('POST', '/repos/octocat/hello-world/labels', { name: 'BUG', color: 'red' })
    expect(twice.json<{ errors: { code: string }[] }>().errors.map(({ code }) => code)).toEqual([
      'invalid',
      'already_exists',
    ])
  })

  it('want a login and the permission', async () => {
    const body = { title: 'x' }
    expect((await send('POST', '/repos/octocat/hello-world/issues', body, {})).status).toBe(401)
    expect((await send('POST', '/repos/octo-org/secret/issues', body, {})).status).toBe(404)
    const stranger = token(TOKENS.stranger)
    expect((await send('POST', '/repos/octocat/hello-world/issues', body, stranger)).status).toBe(201)
    expect((await send('PATCH', '/repos/octocat/hello-world/issues/1', body, stranger)).status).toBe(403)
    expect((await send('PATCH', '/repos/octocat/hello-world', { name: 'y' }, token(TOKENS.hubot))).status).toBe(403)
  })
})

describe('the rest', () => {
  it('has events with a poll interval, statistics that come later, search, diff and GraphQL', async () => {
    const events = await ask(`${api}/repos/octocat/hello-world/events?per_page=5`)
    expect([events.header('x-poll-interval'), events.json<unknown[]>().length]).toEqual(['60', 30])
    expect((await ask(`${api}/repos/octocat/hello-world/stats/contributors`)).status).toBe(202)
    expect((await ask(`${api}/repos/octocat/hello-world/stats/contributors`)).status).toBe(200)
    const found = await ask(`${api}/search/issues?q=problem+repo:octocat/hello-world+state:closed`)
    expect(found.json()).toMatchObject({ total_count: 1, items: [{ number: 7 }] })
    expect((await ask(`${api}/search/issues`)).status).toBe(422)
    const diff = await ask(`${api}/repos/octocat/hello-world/commits/main`, {
      headers: { accept: 'application/vnd.github.diff' },
    })
    expect(diff.text.startsWith('diff --git ')).toBe(true)
    const query = JSON.stringify({ query: 'query Q { me: viewer { login __typename } }' })
    const asked = await ask(sandbox.urls.graphql, { method: 'POST', headers: octocat, body: query })
    expect(asked.json()).toEqual({ data: { me: { login: 'octocat', __typename: 'User' } } })
    const odd = await ask(sandbox.urls.graphql, { method: 'POST', headers: octocat, body: '{"query":"{ nothing }"}' })
    expect([odd.status, odd.text.includes("Field 'nothing' doesn't exist on type 'Query'")]).toEqual([200, true])
    expect(sandbox.log.last.resource).toBe('graphql')
  })
})
