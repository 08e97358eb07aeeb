import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { describeWithTools, PYGITHUB, PYTHON } from '../support/tools.ts'
import type { Stage } from './harness.ts'
import {
  describeEntry,
  expectFree,
  expectOnlyThroughGateway,
  openStage,
  runForJson,
  upstreamApiAddresses,
} from './harness.ts'

interface Failure {
  type: string
  status: number
  data: Record<string, unknown>
}

interface Reads {
  login: string
  pages: number[][]
  followed: number[]
  oldest: number[]
  total: number
  raw: Record<string, unknown>[]
  repository: Record<string, unknown>
  author: string
  comments: string[]
  file: string
  folder: string[]
  found: string[]
  changed: boolean
}

interface Writes {
  renamed: string
  renamed_issues: string[]
  issue: { number: number; url: string; state: string }
  comment: string
  comments: string[]
  changed: boolean
  open_issues: number
  asset: { size: number; url: string; upload_url: string }
  asset_names: string[]
  archive: string
  validation: Failure
  no_title: Failure
  credentials: Failure
  missing: Failure
  limit: number
  remaining: [number, number]
}

describeWithTools('PyGithub', [PYGITHUB], () => {
  let stage: Stage
  let folder: string

  beforeAll(async () => {
    stage = await openStage()
    folder = await mkdtemp(join(tmpdir(), 'weir-pygithub-'))
  })

  afterAll(async () => {
    await stage.close()
    await rm(folder, { recursive: true })
  })

  beforeEach(() => stage.sandbox.log.clear())

  const run = (mode: string, ...more: string[]) =>
    runForJson(PYTHON, [join(import.meta.dirname, 'pygithub.py'), mode, stage.gateway.api, TOKENS.octocat, ...more])

  test('reads pages, files and searches, follows URLs, and a second time for nothing', async () => {
    const { sandbox, gateway } = stage
    const typed = `${sandbox.urls.api}/repos/octocat/hello-world`
    const seen = (await run('reads')) as Reads
    expectOnlyThroughGateway(stage)
    const newest = Array.from({ length: 120 }, (_, index) => 250 - index)
    expect(seen.login).toBe('octocat')
    expect(seen.pages.map((page) => page.length)).toEqual([30, 30, 30, 30])
    expect(seen.pages.flat()).toEqual(newest)
    expect(seen.followed).toEqual(newest)
    expect(seen.oldest).toEqual([1, 2, 3])
    expect(seen.total).toBe(250)
    expect(upstreamApiAddresses(stage, seen.raw)).toEqual([])
    expect(seen.raw[0]?.['url']).toBe(`${gateway.api}/repos/octo-org/many-issues/issues/250`)
    expect(seen.repository).toMatchObject({
      url: `${gateway.api}/repos/octocat/hello-world`,
      homepage: typed,
      description: `My first repository, see ${typed}`,
    })
    expect(seen.author).toBe('Hubot')
    expect(seen.comments).toEqual([`See ${typed}/issues/1`])
    expect(seen.file).toBe(`The API is at ${typed}, said once more: ${typed}\n`)
    expect(seen.folder).toEqual(['docs/links.md'])
    expect(seen.found).toEqual(['Found a problem 6', 'Found a problem 3'])
    // Its own conditional request was answered with the 304 that it wants.
    expect(seen.changed).toBe(false)
    expect(await expectFree(stage, () => run('reads'))).toEqual(seen)
  })

  test('follows a rename, writes, uploads and understands refusals', async () => {
    const { sandbox, gateway } = stage
    const path = join(folder, 'asset.bin')
    await writeFile(path, Buffer.alloc(70_000, 7))
    const hello = `${gateway.api}/repos/octocat/hello-world`
    const seen = (await run('writes', path)) as Writes
    expectOnlyThroughGateway(stage)
    expect(seen.renamed).toBe('octocat/new-name')
    expect(seen.renamed_issues).toEqual(['Still here after the renaming'])
    expect(sandbox.log.entries.map(describeEntry).slice(1, 3)).toEqual([
      'GET /api/v3/repos/octocat/old-name 301',
      'GET /api/v3/repositories/504 200',
    ])
    expect(seen.issue).toEqual({ number: 8, url: `${hello}/issues/8`, state: 'closed' })
    expect(seen.comment.startsWith(`${hello}/issues/comments/`)).toBe(true)
    expect(seen.comments).toEqual(['A comment by PyGithub'])
    expect(seen).toMatchObject({ changed: true, open_issues: 7 })
    expect(seen.asset.size).toBe(70_000)
    expect(seen.asset.url.startsWith(`${hello}/releases/assets/`)).toBe(true)
    expect(seen.asset.upload_url).toBe(
      `${gateway.origin}/api/uploads/repos/octocat/hello-world/releases/9000/assets{?name,label}`,
    )
    expect(seen.asset_names).toEqual(['notes.txt', 'big.bin', 'pygithub.bin'])
    expect(seen.archive.startsWith(`${sandbox.codeloadOrigin}/octocat/hello-world/`)).toBe(true)
    expect(seen.validation).toMatchObject({
      type: 'GithubException',
      status: 422,
      data: { errors: [{ resource: 'Label', code: 'already_exists', field: 'name' }] },
    })
    expect(seen.no_title).toMatchObject({ status: 422, data: { errors: [{ field: 'title', code: 'missing_field' }] } })
    expect(seen.credentials).toMatchObject({ type: 'BadCredentialsException', status: 401 })
    expect(seen.missing).toMatchObject({ type: 'UnknownObjectException', status: 404 })
    expect(seen.limit).toBe(5000)
    expect(seen.remaining[0]).toBe(seen.remaining[1])
  })
})
