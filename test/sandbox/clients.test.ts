import { Octokit as Rest } from '@octokit/rest'
import { Octokit } from 'octokit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sandbox } from '../../sandbox/index.ts'
import { RECORDED_TOKENS, RELEASE, startSandbox, TOKENS } from '../../sandbox/index.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.close())

describe.each([
  ['octokit', Octokit],
  ['@octokit/rest', Rest],
])('%s, unmodified', (_, Client) => {
  const connect = (auth: string = TOKENS.octocat) => new Client({ baseUrl: sandbox.urls.api, auth })

  it('pages through all issues', async () => {
    const octokit = connect()
    const issues = await octokit.paginate('GET /repos/{owner}/{repo}/issues', {
      owner: 'octo-org',
      repo: 'many-issues',
      per_page: 70,
    })
    expect(issues.map(({ number }) => number)).toEqual(Array.from({ length: 250 }, (_, index) => 250 - index))
  })

  it('follows a renaming', async () => {
    const { data } = await connect().rest.repos.get({ owner: 'octocat', repo: 'old-name' })
    expect(data.full_name).toBe('octocat/new-name')
  })

  it('creates an issue, and hears what is wrong with another', async () => {
    const octokit = connect()
    const where = { owner: 'octocat', repo: 'hello-world' }
    const { status, data } = await octokit.rest.issues.create({ ...where, title: 'From a client', labels: ['bug'] })
    expect([status, data.title]).toEqual([201, 'From a client'])
    await expect(octokit.request('POST /repos/{owner}/{repo}/issues', { ...where, title: '' })).rejects.toMatchObject({
      status: 422,
      response: { data: { errors: [{ resource: 'Issue', field: 'title', code: 'missing_field' }] } },
    })
  })

  it('asks conditionally', async () => {
    const octokit = connect()
    const { headers } = await octokit.request('GET /user')
    sandbox.log.clear()
    const again = octokit.request('GET /user', { headers: { 'if-none-match': headers.etag ?? '' } })
    await expect(again).rejects.toMatchObject({ status: 304 })
    expect(sandbox.log.totalCost()).toBe(0)
  })

  it('speaks GraphQL, uploads an asset and downloads it', async () => {
    const octokit = connect()
    expect(await octokit.graphql('{ viewer { login } }')).toEqual({ viewer: { login: 'octocat' } })
    const where = { owner: 'octocat', repo: 'hello-world', release_id: RELEASE }
    const name = `from-${Client === Rest ? 'rest' : 'octokit'}.txt`
    const { data: release } = await octokit.rest.repos.getRelease(where)
    const { data: asset } = await octokit.request(`POST ${release.upload_url}`, {
      name,
      data: 'uploaded text',
      headers: { 'content-type': 'text/plain' },
    })
    expect(asset).toMatchObject({ name, size: 13 })
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/releases/assets/{asset_id}', {
      ...where,
      asset_id: (asset as { id: number }).id,
      headers: { accept: 'application/octet-stream' },
    })
    expect(String(data)).toBe('uploaded text')
  })

  it('reads a recorded repository and its recorded pages', async () => {
    const octokit = connect(RECORDED_TOKENS[0])
    const { data } = await octokit.rest.repos.get({ owner: 'octokit-fixture-org', repo: 'hello-world' })
    expect(data.id).toBe(103_703_892)
    const path = sandbox.recorded.find((one) => one.endsWith('/issues?per_page=3')) ?? ''
    const [, owner = '', repo = ''] = /\/repos\/([^/]+)\/([^/]+)\//.exec(path) ?? []
    const issues = await octokit.paginate('GET /repos/{owner}/{repo}/issues', { owner, repo, per_page: 3 })
    expect(issues).toHaveLength(13)
  })
})
