import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Sandbox, startSandbox, TOKENS } from '../../sandbox/index.ts'
import { makeCertificate, type TestCertificate } from '../support/certificate.ts'
import { client } from '../support/pair.ts'
import { type BuiltCli, buildCli, type GatewayProcess, runCli, startGatewayProcess } from '../support/process.ts'
import { describeWithTools, OPENSSL } from '../support/tools.ts'

/** The command line as a process: what it says, how it serves, how it ends. */

let cli: BuiltCli
let sandbox: Sandbox
beforeAll(async () => {
  cli = await buildCli()
})
afterAll(() => cli?.remove())
beforeEach(async () => {
  sandbox = await startSandbox()
})
afterEach(() => sandbox.close())

async function run(args: readonly string[], environment: Record<string, string> = {}) {
  const running = runCli(cli, args, environment)
  const code = await running.ended
  return { code, output: running.output(), errors: running.errors() }
}

test('--help lists every setting, and ends with 0', async () => {
  const { code, output, errors } = await run(['--help'], { WEIR_NONSENSE: '1' })
  expect({ code, errors }).toEqual({ code: 0, errors: '' })
  for (const flag of ['--upstream', '--port', '--freshness', '--admin-token-file', '--drain-timeout', '--version']) {
    expect(output).toContain(flag)
  }
})

test('--version says the version of the package, and ends with 0', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(await run(['--version'])).toEqual({ code: 0, output: `${version}\n`, errors: '' })
})

test('bad settings end with 2 and one message that lists every problem', async () => {
  const { code, output, errors } = await run(['--port', '99999'], {
    WEIR_UPSTREAM: 'https://user:hunter2@ghes.example.com/api/v3',
    WEIR_FRESHNES: '5m',
    WEIR_CACHE_MAX_BYTES: 'lots',
    WEIR_TLS_CERT: '/nowhere/tls.crt',
  })
  expect({ code, output }).toEqual({ code: 2, output: '' })
  for (const name of ['PORT', 'WEIR_UPSTREAM', 'WEIR_FRESHNESS', 'WEIR_CACHE_MAX_BYTES', 'WEIR_TLS_CERT']) {
    expect(errors).toContain(name)
  }
  expect(errors).not.toContain('hunter2')
  expect(errors).not.toMatch(/^\s+at /m)
})

test('an unknown flag ends with 2 and names the nearest', async () => {
  const { code, errors } = await run(['--upsteam', 'https://ghes.example.com'])
  expect(code).toBe(2)
  expect(errors).toContain('--upstream')
})

test('without an upstream it does not start', async () => {
  const { code, errors } = await run([])
  expect(code).toBe(2)
  expect(errors).toContain('WEIR_UPSTREAM')
})

test('a port in use ends with 1 and one clear line', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  const port = typeof address === 'object' ? String(address?.port) : ''
  const { code, errors } = await run(['--upstream', sandbox.origin, '--port', port])
  taken.close()
  expect(code).toBe(1)
  expect(errors.trim().split('\n')).toHaveLength(1)
  expect(errors).toContain(`Cannot listen on 127.0.0.1:${port}: the port is in use`)
})

test('a flag wins over its variable', async () => {
  const gateway = runCli(cli, ['--upstream', sandbox.origin, '--port', '0'], { WEIR_UPSTREAM: 'http://127.0.0.1:1' })
  const [, origin = ''] = await gateway.said(/listens on (http:\/\/[^\s"]+)/)
  expect((await client(`${origin}/api/v3`)('/user', { token: TOKENS.octocat })).status).toBe(200)
  gateway.child.kill('SIGTERM')
  expect(await gateway.ended).toBe(0)
})

describe('being told to stop', () => {
  let gateway: GatewayProcess
  let release: () => void
  beforeEach(async () => {
    gateway = await startGatewayProcess(cli, { WEIR_UPSTREAM: sandbox.origin })
    const until = new Promise<void>((resolve) => {
      release = resolve
    })
    sandbox.switches.faults = [{ fault: { kind: 'wait', until, when: 'before-sending' } }]
  })
  afterEach(() => {
    release()
    gateway.child.kill('SIGKILL')
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('%s lets requests in flight finish, then ends with 0', async (signal) => {
    const ask = client(`${gateway.origin}/api/v3`)
    const slow = ask('/user', { token: TOKENS.octocat, headers: { connection: 'keep-alive' } })
    await sandbox.log.waitFor({ target: '/user' })
    gateway.child.kill(signal)
    await refused(gateway.origin)
    expect(gateway.child.exitCode).toBeNull()
    release()
    const answer = await slow
    expect(answer).toMatchObject({ status: 200, complete: true })
    expect(answer.json().login).toBe('octocat')
    expect(answer.headers['connection']).toBe('close')
    expect(await gateway.ended).toBe(0)
  })

  test('neither an idle kept connection nor one that never said anything holds it up', async () => {
    release()
    const { hostname, port } = new URL(gateway.origin)
    const silent = connect(Number(port), hostname)
    const silentClosed = new Promise((resolve) => silent.once('close', resolve))
    const socket = connect(Number(port), hostname)
    await answered(socket, `GET /api/v3/user HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    expect(await gateway.stop()).toBe(0)
    await Promise.all([closed, silentClosed])
  })

  test('a second signal ends it at once', async () => {
    const slow = client(`${gateway.origin}/api/v3`)('/user', { token: TOKENS.octocat })
    const broken = expect(slow).rejects.toMatchObject({ code: 'ECONNRESET' })
    await sandbox.log.waitFor({ target: '/user' })
    gateway.child.kill('SIGTERM')
    await gateway.said(/finishing the requests in flight/)
    gateway.child.kill('SIGTERM')
    expect(await gateway.ended).toBe(143)
    await broken
  })

  test('what takes longer than the bound is cut off', async () => {
    const bounded = await startGatewayProcess(cli, { WEIR_UPSTREAM: sandbox.origin, WEIR_DRAIN_TIMEOUT: '50ms' })
    const slow = client(`${bounded.origin}/api/v3`)('/user', { token: TOKENS.octocat })
    const broken = expect(slow).rejects.toMatchObject({ code: 'ECONNRESET' })
    await sandbox.log.waitFor({ target: '/user' })
    expect(await bounded.stop()).toBe(0)
    await broken
    const lines = bounded.output().trim().split('\n')
    expect(lines.at(-1)).toContain('1 requests were cut off')
    // Its own line is there too, before the last one.
    expect(lines.filter((line) => line.includes('"path":"/api/v3/user"'))).toHaveLength(1)
  })
})

/** Resolves when nobody listens there any more. */
async function refused(origin: string): Promise<void> {
  const { hostname, port } = new URL(origin)
  const tryOnce = () =>
    new Promise<string | undefined>((resolve) => {
      const socket = connect(Number(port), hostname)
      socket.once('connect', () => resolve(undefined))
      socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      socket.once('connect', () => socket.destroy())
    })
  while ((await tryOnce()) !== 'ECONNREFUSED') await new Promise(setImmediate)
}

/** Writes a request and resolves with the head of its answer. */
function answered(socket: Socket, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      if (received.includes('\r\n\r\n')) resolve(received)
    })
    socket.write(bytes)
  })
}

test('connections are kept for longer than a load balancer keeps them', async () => {
  const gateway = await startGatewayProcess(cli, { WEIR_UPSTREAM: sandbox.origin })
  const { hostname, port } = new URL(gateway.origin)
  const socket = connect(Number(port), hostname)
  const head = await answered(socket, `GET /_weir/healthz HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
  socket.destroy()
  expect(Number(/^keep-alive: timeout=(\d+)/im.exec(head)?.[1])).toBeGreaterThan(60)
  expect(await gateway.stop()).toBe(0)
})

describeWithTools('over TLS', [OPENSSL], () => {
  let files: TestCertificate
  beforeAll(async () => {
    files = await makeCertificate()
  })
  afterAll(() => files?.remove())

  test('it serves https and moves addresses to it', async () => {
    const gateway = await startGatewayProcess(cli, {
      WEIR_UPSTREAM: sandbox.origin,
      WEIR_TLS_CERT: files.certificate,
      WEIR_TLS_KEY: files.key,
    })
    expect(gateway.origin).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    const text = await new Promise<string>((resolve, reject) => {
      const options = { ca: readFileSync(files.authority), headers: { authorization: `token ${TOKENS.octocat}` } }
      const outgoing = httpsRequest(`${gateway.origin}/api/v3/user`, { ...options, agent: false }, (incoming) => {
        let received = ''
        incoming.setEncoding('utf8').on('data', (part: string) => {
          received += part
        })
        incoming.on('end', () => resolve(received))
      })
      outgoing.on('error', reject)
      outgoing.end()
    })
    expect(JSON.parse(text).url).toBe(`${gateway.origin}/api/v3/users/octocat`)
    // Plain HTTP on that port is somebody's mistake; it must not take the process down.
    await expect(client(gateway.origin.replace('https', 'http'))('/_weir/healthz')).rejects.toThrow()
    expect(await gateway.stop()).toBe(0)
  })

  test('an upstream with a private authority is believed by its certificate only', async () => {
    const tls = { cert: readFileSync(files.certificate, 'utf8'), key: readFileSync(files.key, 'utf8') }
    const secure = await startSandbox({ tls })
    const trusting = await startGatewayProcess(cli, { WEIR_UPSTREAM: secure.origin, WEIR_CA_CERT: files.authority })
    const doubting = await startGatewayProcess(cli, { WEIR_UPSTREAM: secure.origin })
    const ask = (origin: string) => client(`${origin}/api/v3`)('/user', { token: TOKENS.octocat })
    expect((await ask(trusting.origin)).json().url).toBe(`${trusting.origin}/api/v3/users/octocat`)
    expect((await ask(doubting.origin)).status).toBe(502)
    expect(secure.log.count).toBe(1)
    expect(await Promise.all([trusting.stop(), doubting.stop()])).toEqual([0, 0])
    await secure.close()
  })

  // Node itself notices only a key of the certificate's own type.
  test.each(['rsa', 'ec'] as const)('an %s key that is not the certificate’s ends with a clear line', async (type) => {
    const { privateKey } =
      type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const folder = mkdtempSync(join(tmpdir(), 'weir-key-'))
    const path = join(folder, 'other.key')
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const { code, errors } = await run(['--upstream', sandbox.origin, '--port', '0'], {
      WEIR_TLS_CERT: files.certificate,
      WEIR_TLS_KEY: path,
    })
    rmSync(folder, { recursive: true })
    expect(code).toBe(1)
    expect(errors).toMatch(/certificate and key cannot be used/)
    expect(errors).not.toMatch(/^\s+at /m)
  })

  test('half of a pair, or a file that is no PEM, ends with 2', async () => {
    const half = await run(['--upstream', sandbox.origin], { WEIR_TLS_CERT: files.certificate })
    expect(half.code).toBe(2)
    expect(half.errors).toContain('WEIR_TLS_KEY')
    const path = join(tmpdir(), `weir-not-pem-${process.pid}`)
    writeFileSync(path, 'not a certificate')
    const junk = await run(['--upstream', sandbox.origin], { WEIR_TLS_CERT: path, WEIR_TLS_KEY: files.key })
    expect(junk.code).toBe(2)
    expect(junk.errors).toContain('WEIR_TLS_CERT')
  })
})
