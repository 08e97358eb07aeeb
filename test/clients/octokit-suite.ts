import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Octokit } from '@octokit/rest'
import { RequestError } from 'octokit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RELEASE, TOKENS } from '../../sandbox/index.ts'
import type { Stage } from './harness.ts'
import { describeEntry, expectFree, expectOnlyThroughGateway, openStage, upstreamApiAddresses } from './harness.ts'

const MANY = { owner: 'octo-org', repo: 'many-issues' } as const
const HELLO = { owner: 'octocat', repo: 'hello-world' } as const

/** What both packages offer. */
type Api = Pick<Octokit, 'rest' | 'paginate' | 'request' | 'graphql'>
type ClientClass = new (options: { auth: string; baseUrl: string }) => Api

/** The error that a call ends with. */
async function failureOf(call: Promise<unknown>): Promise<RequestError> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(thrown instanceof RequestError)) throw new Error('no RequestError', { cause: thrown })
  return thrown
}

/** The whole of what is asked of octokit, with nothing but its base URL set. */
export function describeOctokit(title: string, Client: ClientClass): void {
  describe(title, () => {
    let stage: Stage
    /** Origins that the client's `fetch` asked, redirects included, as Node itself reports them. */
    const origins = new Set<string>()
    const open = (auth: string = TOKENS.octocat) => new Client({ auth, baseUrl: stage.gateway.api })

    const noteOrigin = (message: unknown): void => {
      const { request } = message as { request: { origin: string } }
      origins.add(request.origin)
    }

    beforeAll(async () => {
      stage = await openStage()
      subscribe('undici:request:create', noteOrigin)
    })

    afterAll(async () => {
      unsubscribe('undici:request:create', noteOrigin)
      await stage.close()
    })

    beforeEach(() => {
      stage.sandbox.log.clear()
      origins.clear()
    })

    afterEach(() => {
      expectOnlyThroughGateway(stage)
      expect([...origins]).toEqual([stage.gateway.origin])
    })

    test('follows Link over four pages, and a second time for nothing', async () => {
      const octokit = open()
      const fourPages = async () => {
        const pages: number[][] = []
        const options = { ...MANY, per_page: 30, state: 'all' } as const
        for await (const { data, url } of octokit.paginate.iterator(octokit.rest.issues.listForRepo, options)) {
          expect(new URL(url).origin).toBe(stage.gateway.origin)
          expect(upstreamApiAddresses(stage, data)).toEqual([])
          pages.push(data.map(({ number }) => number))
          if (pages.length === 4) break
        }
        return pages
      }
      const pages = await fourPages()
      expect(pages.flat()).toEqual(Array.from({ length: 120 }, (_, index) => 250 - index))
      expect(stage.sandbox.log.totalCost()).toBe(4)
      expect(await expectFree(stage, fourPages)).toEqual(pages)
    })

    test('collects every page with paginate', async () => {
      const octokit = open()
      const titles = await octokit.paginate(
        'GET /repos/{owner}/{repo}/issues',
        { ...MANY, per_page: 100 },
        (response) => response.data.map(({ title }) => title),
      )
      expect(titles).toHaveLength(250)
      expect(titles.at(-1)).toBe('Issue 1 of many')
    })

    test('follows the redirect of a renamed repository, for reading and for writing', async () => {
      const octokit = open()
      const { data, url } = await octokit.rest.repos.get({ owner: 'octocat', repo: 'old-name' })
      expect(data.full_name).toBe('octocat/new-name')
      expect(url).toBe(`${stage.gateway.api}/repositories/504`)
      expect(stage.sandbox.log.entries.map(({ status }) => status)).toEqual([301, 200])
      const created = await octokit.rest.issues.create({ owner: 'octocat', repo: 'old-name', title: 'By the old name' })
      expect(created.status).toBe(201)
      expect(created.data.url).toMatch(new RegExp(`^${stage.gateway.api}/repos/octocat/new-name/issues/\\d+$`))
      expect(stage.sandbox.world.repository('octocat/new-name').issues.at(-1)?.title).toBe('By the old name')
    })

    test('creates an issue and a comment, and then reads them', async () => {
      const octokit = open()
      const before = await octokit.rest.issues.listForRepo({ ...HELLO, state: 'all' })
      const { data: issue } = await octokit.rest.issues.create({ ...HELLO, title: 'Made by a client' })
      const typed = `See ${stage.gateway.api}/user and ${stage.sandbox.urls.api}/user`
      const comment = await octokit.rest.issues.createComment({ ...HELLO, issue_number: issue.number, body: typed })
      expect(comment.status).toBe(201)
      expect(comment.headers.location).toBe(comment.data.url)
      const after = await octokit.rest.issues.listForRepo({ ...HELLO, state: 'all' })
      expect(after.data.map(({ number }) => number)).toEqual([issue.number, ...before.data.map(({ number }) => number)])
      const { data: comments } = await octokit.request('GET {url}', { url: issue.comments_url })
      expect(comments.map((one: { body: string }) => one.body)).toEqual([typed])
    })

    test('sees a 422 as a RequestError with the reasons', async () => {
      const failure = await failureOf(open().rest.issues.create({ ...HELLO, title: '' }))
      expect(failure.status).toBe(422)
      expect(failure.response?.data).toMatchObject({
        message: 'Validation Failed',
        errors: [{ resource: 'Issue', field: 'title', code: 'missing_field' }],
      })
      expect(failure.message).toContain('"field":"title"')
    })

    test('sees a 404 and a 401 as what they are', async () => {
      expect((await failureOf(open().rest.repos.get({ owner: 'octocat', repo: 'nothing' }))).status).toBe(404)
      expect((await failureOf(open('ghp_wrong').rest.users.getAuthenticated())).status).toBe(401)
    })

    test('gets a 304 when it asked for one, and never otherwise', async () => {
      const octokit = open()
      const first = await octokit.rest.repos.get(HELLO)
      const etag = first.headers.etag ?? ''
      expect(etag).toMatch(/^W\/"/)
      const second = await octokit.rest.repos.get(HELLO)
      expect(second.status).toBe(200)
      expect(second.data).toEqual(first.data)
      expect(second.headers.etag).toBe(etag)
      const byTag = await failureOf(octokit.rest.repos.get({ ...HELLO, headers: { 'if-none-match': etag } }))
      expect(byTag.status).toBe(304)
      const modified = first.headers['last-modified'] ?? ''
      expect(Date.parse(modified)).not.toBeNaN()
      const byDate = await failureOf(octokit.rest.repos.get({ ...HELLO, headers: { 'if-modified-since': modified } }))
      expect(byDate.status).toBe(304)
      expect(stage.sandbox.log.entries.map(describeEntry).slice(1)).toEqual(
        Array(3).fill('GET /api/v3/repos/octocat/hello-world 304'),
      )
      stage.sandbox.world.updateRepository(stage.sandbox.world.repository('octocat/hello-world'), { language: 'Text' })
      const changed = await octokit.rest.repos.get({ ...HELLO, headers: { 'if-none-match': etag } })
      expect(changed.data.language).toBe('Text')
      expect(changed.headers.etag).not.toBe(etag)
      stage.sandbox.world.updateRepository(stage.sandbox.world.repository('octocat/hello-world'), {
        language: 'Markdown',
      })
    })

    test('reads files, a search and the rate limit, and a second time for nothing', async () => {
      const octokit = open()
      const reads = async () => {
        const { data: file } = await octokit.rest.repos.getContent({ ...HELLO, path: 'docs/links.md' })
        if (Array.isArray(file) || file.type !== 'file') throw new Error('not a file')
        const { data: raw } = await octokit.rest.repos.getContent({
          ...HELLO,
          path: 'links.json',
          mediaType: { format: 'raw' },
        })
        const { data: found } = await octokit.rest.search.issuesAndPullRequests({
          q: 'problem repo:octocat/hello-world label:bug',
          advanced_search: 'true',
        })
        const { data: user } = await octokit.rest.users.getAuthenticated()
        return { file, raw, found, user }
      }
      const first = await reads()
      const text = Buffer.from(first.file.content, 'base64').toString()
      expect(text).toContain(`The API is at ${stage.sandbox.urls.api}/repos/octocat/hello-world`)
      // JSON with keys that would be rewritten, were it an answer of the API and not somebody's file.
      const typed = `${stage.sandbox.urls.api}/repos/octocat/hello-world`
      expect(first.raw).toBe(JSON.stringify({ url: typed, html_url: typed }))
      expect(first.file.url.startsWith(`${stage.gateway.api}/repos/octocat/hello-world/contents/docs/links.md`)).toBe(
        true,
      )
      expect(first.found.total_count).toBe(2)
      expect(first.found.items.map(({ repository_url }) => repository_url)).toEqual(
        Array(2).fill(`${stage.gateway.api}/repos/octocat/hello-world`),
      )
      // What a person typed is not the gateway's to change.
      expect(first.user.blog).toBe(`${stage.sandbox.urls.api}/users/octocat`)
      expect(first.user.url).toBe(`${stage.gateway.api}/users/octocat`)
      expect(await expectFree(stage, reads)).toEqual(first)
      const { data: limits, headers } = await octokit.rest.rateLimit.get()
      expect(limits.resources.core.limit).toBe(5000)
      expect(headers['x-ratelimit-remaining']).toBe(String(limits.resources.core.remaining))
    })

    test('follows the URLs of a body, templates expanded', async () => {
      const octokit = open()
      const { data: repository } = await octokit.rest.repos.get(MANY)
      expect(upstreamApiAddresses(stage, repository)).toEqual([])
      expect(repository.issues_url).toBe(`${stage.gateway.api}/repos/octo-org/many-issues/issues{/number}`)
      const { data: issue, url } = await octokit.request('GET {url}', { url: repository.issues_url, number: 12 })
      expect(url).toBe(`${stage.gateway.api}/repos/octo-org/many-issues/issues/12`)
      expect(issue.title).toBe('Issue 12 of many')
      const { data: owner } = await octokit.request(repository.owner.url)
      expect(owner.login).toBe('octo-org')
    })

    test('asks GraphQL who it is', async () => {
      const answer = await open(TOKENS.hubot).graphql<{ viewer: { login: string } }>('{ viewer { login } }')
      expect(answer.viewer.login).toBe('hubot')
      expect(stage.sandbox.log.entries.map(describeEntry)).toEqual(['POST /api/graphql 200'])
      const failure = await open()
        .graphql('{ nothing }')
        .catch((error: unknown) => error)
      expect(failure).toHaveProperty('name', 'GraphqlResponseError')
    })

    test('uploads a release asset and downloads it', async () => {
      const octokit = open()
      const { data: release } = await octokit.rest.repos.getRelease({ ...HELLO, release_id: RELEASE })
      const assets = `/repos/octocat/hello-world/releases/${RELEASE}/assets`
      expect(release.upload_url).toBe(`${stage.gateway.origin}/api/uploads${assets}{?name,label}`)
      const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 253)
      const name = 'some bytes.bin'
      const uploaded = await octokit.rest.repos.uploadReleaseAsset({
        ...HELLO,
        release_id: RELEASE,
        // The parameter that the documentation gives for other servers than api.github.com.
        baseUrl: `${stage.gateway.origin}/api/uploads`,
        name,
        // The types know text only; the documentation says to pass bytes all the same.
        data: bytes as unknown as string,
        headers: { 'content-type': 'application/octet-stream' },
      })
      expect(uploaded.status).toBe(201)
      const again = await failureOf(
        octokit.request({
          method: 'POST',
          url: release.upload_url,
          name,
          data: bytes,
          headers: { 'content-type': 'application/octet-stream' },
        }),
      )
      expect(again.status).toBe(422)
      expect(stage.sandbox.log.last.target).toBe(`/api/uploads${assets}?name=some%20bytes.bin&`)
      expect(uploaded.data.url.startsWith(`${stage.gateway.api}/repos/octocat/hello-world/releases/assets/`)).toBe(true)
      const { data: downloaded } = await octokit.request('GET {url}', {
        url: uploaded.data.url,
        headers: { accept: 'application/octet-stream' },
      })
      expect(new Uint8Array(downloaded)).toEqual(bytes)
    })
  })
}
