import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { RELEASE, TOKENS } from '../../sandbox/index.ts'
import type { TestCertificate } from '../support/certificate.ts'
import { makeCertificate } from '../support/certificate.ts'
import { describeWithTools, GITHUB_CLI, OPENSSL } from '../support/tools.ts'
import type { Stage } from './harness.ts'
import {
  describeEntry,
  expectFree,
  expectOnlyThroughGateway,
  openStage,
  runProgram,
  upstreamApiAddresses,
} from './harness.ts'

const HELLO = 'repos/octocat/hello-world'

// GitHub CLI speaks https only, so the gateway serves https here, with a certificate from an authority of our own.
describeWithTools('GitHub CLI', [GITHUB_CLI, OPENSSL], () => {
  let stage: Stage
  let certificate: TestCertificate
  let folder: string
  /** Host and port, as `GH_HOST` takes it. */
  let host: string

  beforeAll(async () => {
    certificate = await makeCertificate()
    folder = await mkdtemp(join(tmpdir(), 'weir-gh-'))
    stage = await openStage({ WEIR_TLS_CERT: certificate.certificate, WEIR_TLS_KEY: certificate.key })
    host = `localhost:${new URL(stage.gateway.origin).port}`
  })

  afterAll(async () => {
    await stage.close()
    await certificate.remove()
    await rm(folder, { recursive: true })
  })

  beforeEach(() => stage.sandbox.log.clear())
  afterEach(() => expectOnlyThroughGateway(stage))

  const gh = (...argumentList: string[]) =>
    runProgram('gh', argumentList, {
      GH_HOST: host,
      GH_ENTERPRISE_TOKEN: TOKENS.octocat,
      GH_CONFIG_DIR: folder,
      GH_NO_UPDATE_NOTIFIER: '1',
      GH_PROMPT_DISABLED: '1',
      SSL_CERT_FILE: certificate.authority,
    })

  /** What it prints. @throws Error with its own words, should it fail */
  const output = async (...argumentList: string[]) => {
    const { code, stdout, stderr } = await gh(...argumentList)
    if (code !== 0) throw new Error(`gh ${argumentList.join(' ')} ended with ${code}: ${stderr}`)
    return stdout
  }

  test('refuses the gateway while nobody has told it about the authority', async () => {
    const { code, stderr } = await runProgram('gh', ['api', 'user'], {
      GH_HOST: host,
      GH_ENTERPRISE_TOKEN: TOKENS.octocat,
      GH_CONFIG_DIR: folder,
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/certificate signed by unknown authority/)
    expect(stage.sandbox.log.count).toBe(0)
    // So that the check after every test has a request to look at.
    await output('api', 'user')
  })

  test('is logged in', async () => {
    const { code, stderr } = await gh('auth', 'status', '--hostname', host)
    expect(stderr).toContain(`Logged in to ${host} as octocat (GH_ENTERPRISE_TOKEN)`)
    expect(stderr).toMatch(/Token scopes: .*\brepo\b/)
    expect(code).toBe(0)
    expect(stage.sandbox.log.entries.map(describeEntry)).toEqual(['GET /api/v3/ 200', 'POST /api/graphql 200'])
  })

  test('reads pages, files and searches, and a second time for nothing', async () => {
    const typed = `${stage.sandbox.urls.api}/repos/octocat/hello-world`
    const reads = async () => ({
      login: await output('api', 'user', '--jq', '.login'),
      pages: await output(
        'api',
        '--paginate',
        'repos/octo-org/many-issues/issues?state=all&per_page=70',
        '--jq',
        'map(.number)',
      ),
      repository: await output('api', 'repos/octo-org/many-issues'),
      file: await output('api', `${HELLO}/contents/docs/links.md`, '--jq', '.content | @base64d'),
      raw: await output('api', `${HELLO}/contents/links.json`, '-H', 'Accept: application/vnd.github.raw'),
      search: await output('search', 'issues', 'problem', '--repo', 'octocat/hello-world', '--label', 'bug'),
    })
    const seen = await reads()
    expect(seen.login).toBe('octocat\n')
    const pages = seen.pages
      .trim()
      .split('\n')
      .map((page) => JSON.parse(page) as number[])
    expect(pages.map((page) => page.length)).toEqual([70, 70, 70, 40])
    expect(pages.flat()).toEqual(Array.from({ length: 250 }, (_, index) => 250 - index))
    const repository = JSON.parse(seen.repository) as Record<string, unknown>
    expect(upstreamApiAddresses(stage, repository)).toEqual([])
    expect(repository['issues_url']).toBe(`https://${host}/api/v3/repos/octo-org/many-issues/issues{/number}`)
    expect(seen.file.trim()).toBe(`The API is at ${typed}, said once more: ${typed}`)
    // JSON with keys that would be rewritten, were it an answer of the API and not somebody's file.
    expect(seen.raw).toBe(JSON.stringify({ url: typed, html_url: typed }))
    expect(seen.search.match(/Found a problem \d/g)).toEqual(['Found a problem 6', 'Found a problem 3'])
    expect(await expectFree(stage, reads)).toEqual(seen)
  })

  test('follows the redirect of a renamed repository and the URLs of a body', async () => {
    expect(await output('api', 'repos/octocat/old-name', '--jq', '.full_name')).toBe('octocat/new-name\n')
    expect(stage.sandbox.log.entries.map(({ status }) => status)).toEqual([301, 200])
    const owner = (await output('api', 'repos/octocat/new-name', '--jq', '.owner.url')).trim()
    expect(owner).toBe(`https://${host}/api/v3/users/octocat`)
    expect(await output('api', owner, '--jq', '.name')).toBe('The Octocat\n')
  })

  test('gets a 304 when it asked for one, and never otherwise', async () => {
    const first = await output('api', '-i', HELLO)
    const tag = /^etag: (.+?)\r?$/im.exec(first)?.[1] ?? ''
    expect(tag).toMatch(/^W\/"/)
    expect(await output('api', '-i', HELLO)).toMatch(/^HTTP\/1\.1 200 OK/)
    const { code, stdout } = await gh('api', '-i', HELLO, '-H', `If-None-Match: ${tag}`)
    expect(stdout).toMatch(/^HTTP\/1\.1 304 Not Modified/)
    expect(code).toBe(1)
    expect(stage.sandbox.log.entries.map(({ status }) => status)).toEqual([200, 304, 304])
  })

  test('creates, and sees a 422 as what it is', async () => {
    const hello = `https://${host}/api/v3/${HELLO}`
    const url = (await output('api', `${HELLO}/issues`, '-f', 'title=Made by gh', '--jq', '.url')).trim()
    expect(url).toBe(`${hello}/issues/8`)
    const comment = await output('api', `${url}/comments`, '-f', 'body=A comment by gh', '--jq', '.url')
    expect(comment.startsWith(`${hello}/issues/comments/`)).toBe(true)
    expect(await output('api', `${url}/comments`, '--jq', '.[].body')).toBe('A comment by gh\n')
    await output('label', 'create', 'fresh', '--color', 'ff0000', '-R', 'octocat/hello-world')
    const taken = await gh('label', 'create', 'bug', '-R', 'octocat/hello-world')
    expect(taken.code).toBe(1)
    expect(taken.stderr).toContain('label with name "bug" already exists')
    const untitled = await gh('api', `${HELLO}/issues`, '-f', 'title=')
    expect(untitled.code).toBe(1)
    expect(untitled.stderr).toContain('gh: Validation Failed (HTTP 422)')
    expect(stage.sandbox.log.entries.map(({ method, status }) => `${method} ${status}`)).toEqual([
      'POST 201',
      'POST 201',
      'GET 200',
      'POST 201',
      'POST 422',
      'POST 422',
    ])
  })

  test('uploads a release asset to the URL it was given, and downloads it', async () => {
    const path = join(folder, 'asset.bin')
    await writeFile(path, 'Bytes from a file\n'.repeat(5000))
    const upload = (await output('api', `${HELLO}/releases/${RELEASE}`, '--jq', '.upload_url')).trim()
    const assets = `https://${host}/api/uploads/repos/octocat/hello-world/releases/${RELEASE}/assets`
    expect(upload).toBe(`${assets}{?name,label}`)
    const options = ['--input', path, '-H', 'Content-Type: text/plain', '--jq', '.url']
    const asset = (await output('api', `${assets}?name=gh.bin`, ...options)).trim()
    expect(asset.startsWith(`https://${host}/api/v3/${HELLO}/releases/assets/`)).toBe(true)
    const downloaded = await output('api', asset, '-H', 'Accept: application/octet-stream')
    expect(downloaded).toBe('Bytes from a file\n'.repeat(5000))
  })

  test('asks GraphQL and the rate limit', async () => {
    const query = 'query={ viewer { login } }'
    expect(await output('api', 'graphql', '-f', query, '--jq', '.data.viewer.login')).toBe('octocat\n')
    expect(await output('api', 'rate_limit', '--jq', '.resources.core.limit')).toBe('5000\n')
    expect(stage.sandbox.log.entries.map(describeEntry)).toEqual([
      'POST /api/graphql 200',
      'GET /api/v3/rate_limit 200',
    ])
  })
})
