import { request } from 'node:http'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ASSETS, BIG_ASSET_BYTES, RELEASE, type Sandbox, startSandbox, TOKENS } from '../../sandbox/index.ts'
import {
  type BuiltCli,
  buildCli,
  type GatewayProcess,
  residentMemory,
  startGatewayProcess,
} from '../support/process.ts'

/** 200 MB up and down through a gateway in its own process, whose memory hardly grows. */

let cli: BuiltCli
let sandbox: Sandbox
let gateway: GatewayProcess

beforeAll(async () => {
  cli = await buildCli()
  sandbox = await startSandbox()
  gateway = await startGatewayProcess(cli, { WEIR_UPSTREAM: sandbox.origin, WEIR_LOG_LEVEL: 'info' })
  // What every process needs once is not what a transfer costs.
  for (let round = 0; round < 20; round++) await download(`/repos/octocat/hello-world/releases/assets/${ASSETS.small}`)
})
afterAll(async () => {
  await gateway?.stop()
  await sandbox?.close()
  cli?.remove()
})

const ALLOWED_GROWTH = 50 * 1024 * 1024
const authorization = `token ${TOKENS.octocat}`

/** Reads an answer to its end without keeping it. */
function download(path: string): Promise<{ status: number; bytes: number; complete: boolean }> {
  const { hostname, port } = new URL(gateway.origin)
  const headers = { authorization, accept: 'application/octet-stream' }
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path: `/api/v3${path}`, headers, agent: false }, (incoming) => {
      let bytes = 0
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      incoming.on('close', () => resolve({ status: incoming.statusCode ?? 0, bytes, complete: incoming.complete }))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

function upload(
  name: string,
  bytes: number,
  framing: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(gateway.origin)
  const path = `/api/uploads/repos/octocat/hello-world/releases/${RELEASE}/assets?name=${name}`
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let left = bytes
  const source = new Readable({
    read() {
      const size = Math.min(left, chunk.length)
      left -= size
      this.push(size === 0 ? null : chunk.subarray(0, size))
    },
  })
  return new Promise((resolve, reject) => {
    const headers = { authorization, 'content-type': 'application/octet-stream', ...framing }
    const outgoing = request({ hostname, port, path, method: 'POST', headers, agent: false }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }))
    })
    outgoing.on('error', reject)
    source.pipe(outgoing)
  })
}

/** By how many bytes the process grew at its peak while something was done. */
async function growthDuring(act: () => Promise<void>): Promise<number> {
  const pid = gateway.child.pid ?? 0
  const before = residentMemory(pid)
  await act()
  const { peak } = residentMemory(pid)
  // The greatest size ever, unless that was before: then it did not grow beyond that at all.
  return peak > before.peak ? peak - before.now : 0
}

test('a download of 200 MB', async () => {
  const growth = await growthDuring(async () => {
    const answer = await download(`/repos/octocat/hello-world/releases/assets/${ASSETS.big}`)
    expect(answer).toEqual({ status: 200, bytes: BIG_ASSET_BYTES, complete: true })
  })
  expect(growth).toBeLessThan(ALLOWED_GROWTH)
})

test.each([
  ['a known', 'content-length', String(BIG_ASSET_BYTES)],
  ['an unknown', 'transfer-encoding', 'chunked'],
])('an upload of 200 MB of %s length', async (_, name, value) => {
  const growth = await growthDuring(async () => {
    const answer = await upload(`up-${name}`, BIG_ASSET_BYTES, { [name]: value })
    expect(answer.status).toBe(201)
    expect(JSON.parse(answer.text).size).toBe(BIG_ASSET_BYTES)
  })
  expect(growth).toBeLessThan(ALLOWED_GROWTH)
})

test('a client that reads slowly holds the upstream back', async () => {
  const { hostname, port } = new URL(gateway.origin)
  const growth = await growthDuring(async () => {
    sandbox.log.clear()
    const headers = { authorization, accept: 'application/octet-stream' }
    const path = `/api/v3/repos/octocat/hello-world/releases/assets/${ASSETS.big}`
    const outgoing = request({ hostname, port, path, headers, agent: false })
    outgoing.on('error', () => {})
    outgoing.end()
    await new Promise<void>((resolve) => {
      // Read nothing until the upstream has stopped being read: its count of bytes stands still.
      outgoing.on('response', () => {
        let last = -1
        let still = 0
        const look = () => {
          const { bytes } = sandbox.log.last
          still = bytes === last && bytes > 0 ? still + 1 : 0
          last = bytes
          if (still > 50_000) resolve()
          else setImmediate(look)
        }
        look()
      })
    })
    expect(sandbox.log.last.bytes).toBeLessThan(BIG_ASSET_BYTES / 2)
    outgoing.destroy()
  })
  expect(growth).toBeLessThan(ALLOWED_GROWTH)
})
