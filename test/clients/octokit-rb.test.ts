import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { describeWithTools, OCTOKIT_RB } from '../support/tools.ts'
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
  errors: Record<string, unknown>[]
}

interface Reads {
  login: string
  pages: number[][]
  links: string[]
  raw: Record<string, unknown>[]
  repository: Record<string, unknown>
  owner: string
  issue: string
  file: string
  raw_file: string
  found: string[]
  conditional: number
}

interface Writes {
  renamed: string
  moved: string
  all: number
  issue: { number: number; url: string; state: string }
  comment: string
  comments: string[]
  asset: { size: number; url: string; upload_url: string }
  asset_names: string[]
  archive: string
  validation: Failure
  credentials: Failure
  missing: Failure
  limit: number
}

describeWithTools('octokit.rb', [OCTOKIT_RB], () => {
  let stage: Stage
  let folder: string

  beforeAll(async () => {
    stage = await openStage()
    folder = await mkdtemp(join(tmpdir(), 'weir-octokit-rb-'))
  })

  afterAll(async () => {
    await stage.close()
    await rm(folder, { recursive: true })
  })

  beforeEach(() => stage.sandbox.log.clear())

  const run = (mode: string, ...more: string[]) =>
    runForJson('ruby', [join(import.meta.dirname, 'octokit.rb'), mode, stage.gateway.api, TOKENS.octocat, ...more])

  test('reads pages, files and searches, follows URLs, and a second time for nothing', async () => {
    const { sandbox, gateway } = stage
    const typed = `${sandbox.urls.api}/repos/octocat/hello-world`
    const seen = (await run('reads')) as Reads
    expectOnlyThroughGateway(stage)
    expect(seen.login).toBe('octocat')
    expect(seen.pages.map((page) => page.length)).toEqual([30, 30, 30, 30])
    expect(seen.pages.flat()).toEqual(Array.from({ length: 120 }, (_, index) => 250 - index))
    expect(seen.links).toHaveLength(3)
    for (const link of seen.links) expect(link.startsWith(`${gateway.api}/repositories/510/issues?`)).toBe(true)
    expect(upstreamApiAddresses(stage, seen.raw)).toEqual([])
    expect(seen.raw[0]?.['url']).toBe(`${gateway.api}/repos/octo-org/many-issues/issues/250`)
    expect(seen.repository).toMatchObject({
      url: `${gateway.api}/repos/octocat/hello-world`,
      homepage: typed,
      description: `My first repository, see ${typed}`,
    })
    expect(seen.owner).toBe('The Octocat')
    expect(seen.issue).toBe(`Broken link ${typed}/issues/1`)
    expect(seen.file).toBe(`The API is at ${typed}, said once more: ${typed}\n`)
    // JSON with keys that would be rewritten, were it an answer of the API and not somebody's file.
    expect(seen.raw_file).toBe(JSON.stringify({ url: typed, html_url: typed }))
    expect(seen.found).toEqual(['Found a problem 6', 'Found a problem 3'])
    expect(seen.conditional).toBe(304)
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
    expect(seen.moved).toBe(`${gateway.api}/repos/octocat/new-name/issues/2`)
    const asked = sandbox.log.entries.map(describeEntry)
    expect(asked).toContain('POST /api/v3/repos/octocat/old-name/issues 307')
    expect(asked).toContain('POST /api/v3/repositories/504/issues 201')
    expect(seen.all).toBe(250)
    expect(seen.issue).toEqual({ number: 8, url: `${hello}/issues/8`, state: 'closed' })
    expect(seen.comment.startsWith(`${hello}/issues/comments/`)).toBe(true)
    expect(seen.comments).toEqual(['A comment by octokit.rb'])
    expect(seen.asset.size).toBe(70_000)
    expect(seen.asset.url.startsWith(`${hello}/releases/assets/`)).toBe(true)
    expect(seen.asset.upload_url).toBe(
      `${gateway.origin}/api/uploads/repos/octocat/hello-world/releases/9000/assets{?name,label}`,
    )
    expect(seen.asset_names).toEqual(['notes.txt', 'big.bin', 'octokit rb.bin'])
    expect(seen.archive.startsWith(`${sandbox.codeloadOrigin}/octocat/hello-world/`)).toBe(true)
    expect(seen.validation).toMatchObject({
      type: 'Octokit::UnprocessableEntity',
      status: 422,
      errors: [{ resource: 'Label', code: 'already_exists', field: 'name' }],
    })
    expect(seen.credentials).toMatchObject({ type: 'Octokit::Unauthorized', status: 401 })
    expect(seen.missing).toMatchObject({ type: 'Octokit::NotFound', status: 404 })
    expect(seen.limit).toBe(5000)
  })
})
