import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sandbox } from '../../sandbox/index.ts'
import { ASSETS, RELEASE, startSandbox, TOKENS } from '../../sandbox/index.ts'
import { ask, handClock, token } from './ask.ts'

const clock = handClock()
let sandbox: Sandbox
let releases: string
const headers = token(TOKENS.octocat)
const binary = { ...headers, accept: 'application/octet-stream' }
beforeAll(async () => {
  sandbox = await startSandbox({ clock })
  releases = `${sandbox.urls.api}/repos/octocat/hello-world/releases`
})
afterAll(() => sandbox.close())

describe('downloads', () => {
  it('stream a generated asset of the size that was set, whole and in ranges', async () => {
    const release = sandbox.world.repository('octocat/hello-world').releases[0]
    if (release === undefined) throw new Error('no release')
    const asset = sandbox.world.addAsset(release, { name: 'made.bin', uploader: 'octocat', size: 3_000_001 })
    const whole = await ask(`${releases}/assets/${asset.id}`, { headers: binary })
    expect([whole.status, whole.body.length]).toEqual([200, 3_000_001])
    expect([whole.body[0], whole.body[250], whole.body[251], whole.body[65_536]]).toEqual([0, 250, 0, 0])
    const part = await ask(`${releases}/assets/${asset.id}`, { headers: { ...binary, range: 'bytes=65530-65600' } })
    expect([part.status, part.header('content-range')]).toEqual([206, 'bytes 65530-65600/3000001'])
    expect(part.body.equals(whole.body.subarray(65_530, 65_601))).toBe(true)
    const tail = await ask(`${releases}/assets/${asset.id}`, { headers: { ...binary, range: 'bytes=-5' } })
    expect(tail.body.equals(whole.body.subarray(-5))).toBe(true)
    const beyond = await ask(`${releases}/assets/${asset.id}`, { headers: { ...binary, range: 'bytes=9999999-' } })
    expect([beyond.status, beyond.header('content-range')]).toEqual([416, 'bytes */3000001'])
    expect(sandbox.log.filter({ status: 200 }).at(-1)?.bytes).toBe(3_000_001)
  })

  it('tell a 200 MB asset in the header of HEAD', async () => {
    const reply = await ask(`${releases}/assets/${ASSETS.big}`, { method: 'HEAD', headers: binary })
    expect([reply.status, reply.header('content-length')]).toEqual([200, '200000000'])
  })

  it('redirect assets, if told, to a signed URL on another origin that runs out', async () => {
    sandbox.switches.redirectAssets = true
    const reply = await ask(`${releases}/assets/${ASSETS.small}`, { headers: binary })
    sandbox.switches.redirectAssets = false
    const location = reply.header('location') ?? ''
    expect([reply.status, new URL(location).origin]).toEqual([302, sandbox.codeloadOrigin])
    expect((await ask(location)).text).toContain('Raw bytes with an address in them')
    expect((await ask(`${location}0`)).status).toBe(404)
    clock.advance(301_000)
    expect((await ask(location)).status).toBe(404)
  })

  it('redirect archives to a tar that can be read', async () => {
    const reply = await ask(`${sandbox.urls.api}/repos/octocat/hello-world/tarball/main`)
    expect([reply.status, reply.header('cache-control'), reply.header('content-length')]).toEqual([
      302,
      'public, must-revalidate, max-age=0',
      '0',
    ])
    const archive = await ask(reply.header('location') ?? '')
    const tar = gunzipSync(archive.body).toString('latin1')
    expect(tar).toContain('/README.md')
    expect(tar.indexOf('ustar')).toBe(257)
    expect(sandbox.log.last).toMatchObject({ listener: 'codeload', cost: 0, status: 200 })
  })
})

describe('uploads', () => {
  const upload = (name: string, body: Buffer) =>
    ask(`${sandbox.urls.uploads}/repos/octocat/hello-world/releases/${RELEASE}/assets?name=${name}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'text/plain' },
      body,
    })

  it('count, hash and, if small, keep what comes', async () => {
    const body = Buffer.from('Hello, world!\n')
    const reply = await upload('hello.txt', body)
    expect(reply.json()).toMatchObject({
      name: 'hello.txt',
      size: 14,
      content_type: 'text/plain',
      digest: `sha256:${createHash('sha256').update(body).digest('hex')}`,
    })
    expect(reply.status).toBe(201)
    const read = await ask(String(reply.json()['url']), { headers: binary })
    expect(read.body.equals(body)).toBe(true)
    const twice = await upload('hello.txt', body)
    expect([twice.status, twice.text.includes('already_exists')]).toEqual([422, true])
  })

  it('do not keep what is large', async () => {
    const body = Buffer.alloc(5_000_000, 'x')
    const reply = await upload('large.bin', body)
    expect([reply.status, reply.json()['size'], sandbox.log.last.received]).toEqual([201, 5_000_000, 5_000_000])
    const assets = sandbox.world.repository('octocat/hello-world').releases[0]?.assets ?? []
    expect(assets.find(({ name }) => name === 'large.bin')?.content).toBeNull()
  })
})
