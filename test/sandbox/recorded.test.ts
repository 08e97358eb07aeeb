import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sandbox } from '../../sandbox/index.ts'
import { githubETag, RECORDED_TOKENS, startSandbox } from '../../sandbox/index.ts'
import { scenariosDirectory } from '../../sandbox/recorded.ts'
import { ask, token } from './ask.ts'

interface Recording {
  scope: string
  method: string
  path: string
  body: unknown
  status: number
  response: unknown
  responseIsBinary: boolean
  rawHeaders: string[]
  reqheaders: Record<string, string>
}

const recordings: Recording[] = readdirSync(scenariosDirectory()).flatMap(
  (scenario) =>
    JSON.parse(readFileSync(join(scenariosDirectory(), scenario, 'raw-fixture.json'), 'utf8')) as Recording[],
)

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.close())

function rebased(text: string): string {
  return text
    .replaceAll('https://api.github.com', sandbox.urls.api)
    .replaceAll('https://uploads.github.com', sandbox.urls.uploads)
    .replaceAll('https://codeload.github.com', sandbox.codeloadOrigin)
}

function replay({ scope, method, path, body, reqheaders }: Recording) {
  const root = rebased(scope.replace(':443', ''))
  const accept = reqheaders['accept'] ?? '*/*'
  const headers = { accept, ...token(RECORDED_TOKENS[0]) }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return ask(root + path, { method: method.toUpperCase(), headers, ...(text === '' ? {} : { body: text }) })
}

describe('recorded answers', () => {
  it('are served for every recorded request, re-based, with the recorded status', async () => {
    const first = new Map<string, Recording>()
    for (const recording of recordings) {
      if (recording.path === '/') continue
      const { method, scope, path, body, reqheaders } = recording
      const key = JSON.stringify([method, scope, path, body, reqheaders['accept']?.includes('raw')])
      if (!first.has(key)) first.set(key, recording)
    }
    expect(first.size).toBeGreaterThan(100)
    for (const recording of first.values()) {
      const reply = await replay(recording)
      const what = `${recording.method} ${recording.path}`
      expect([what, reply.status]).toEqual([what, recording.status])
      if (recording.responseIsBinary) expect(reply.body.toString('hex')).toBe(recording.response)
      else if (typeof recording.response === 'string') expect(reply.text).toBe(rebased(recording.response))
      else expect(reply.json()).toEqual(JSON.parse(rebased(JSON.stringify(recording.response))))
      expect(reply.text).not.toContain('https://api.github.com')
      for (const name of ['Link', 'Location']) {
        const at = recording.rawHeaders.indexOf(name)
        const value = recording.rawHeaders[at + 1] ?? ''
        expect([what, reply.header(name)]).toEqual([what, at === -1 ? undefined : rebased(value)])
      }
    }
  })

  it("are tagged by the sandbox's rule, unless the tag is a git id", async () => {
    const repository = '/repos/octokit-fixture-org/hello-world'
    const headers = { accept: 'application/vnd.github.v3+json', ...token(RECORDED_TOKENS[0]) }
    const reply = await ask(sandbox.urls.api + repository, { headers })
    expect(reply.header('etag')).toBe(`"${githubETag(headers, true, reply.body)}"`)
    expect(reply.header('last-modified')).toBe('Tue, 19 Sep 2017 15:57:54 GMT')
    const raw = await ask(`${sandbox.urls.api}${repository}/contents/README.md`, {
      headers: { ...headers, accept: 'application/vnd.github.v3.raw' },
    })
    expect(raw.header('etag')).toBe('"93a078d1c3f76aa1ca11def8f882a06df1d4a01b"')
    expect(sandbox.log.last.source).toBe('recorded')
  })

  it('give way to the living model for other bodies, the anonymous, and when switched off', async () => {
    const path = `${sandbox.urls.api}/repos/octokit-fixture-org/hello-world`
    const headers = token(RECORDED_TOKENS[1])
    expect((await ask(path, { headers })).status).toBe(200)
    expect((await ask(path)).status).toBe(404)
    // Only the raw representation of this file was recorded.
    expect((await ask(`${path}/contents/README.md`, { headers })).status).toBe(404)
    const body = '{"name":"never recorded"}'
    expect(
      (await ask(`${sandbox.urls.api}/orgs/octokit-fixture-org/repos`, { method: 'POST', headers, body })).status,
    ).toBe(404)
    sandbox.switches.recorded = false
    expect((await ask(path, { headers })).status).toBe(404)
    sandbox.switches.recorded = true
  })

  it('take any spelling of the query', async () => {
    const page = sandbox.recorded.find((one) => one.endsWith('per_page=3&page=2'))?.replace('GET ', '') ?? ''
    const swapped = page.replace('per_page=3&page=2', 'page=%32&per_page=3')
    const reply = await ask(sandbox.urls.api + swapped, { headers: token(RECORDED_TOKENS[0]) })
    expect([reply.status, reply.json<unknown[]>().length]).toEqual([200, 3])
  })
})
