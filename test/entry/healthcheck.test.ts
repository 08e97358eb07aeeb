import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { makeCertificate } from '../support/certificate.ts'
import { describeWithTools, OPENSSL } from '../support/tools.ts'

let server: Server
let asked: string[]
let status: number

beforeEach(async () => {
  asked = []
  status = 200
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(status).end('{"status":"ok"}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // Settings of whoever runs the tests, and names that are no settings, would be problems.
  for (const name of Object.keys(process.env)) if (name.startsWith('WEIR_')) vi.stubEnv(name, undefined)
  vi.stubEnv('HOST', '127.0.0.1')
  vi.stubEnv('WEIR_UPSTREAM', 'http://127.0.0.1:1')
  vi.stubEnv('PORT', String((server.address() as AddressInfo).port))
})

afterEach(async () => {
  vi.unstubAllEnvs()
  process.exitCode = undefined
  await new Promise((resolve) => server.close(resolve))
})

/** Runs the program and answers its exit code. */
async function check(): Promise<unknown> {
  vi.resetModules()
  await import('../../src/entry/healthcheck.ts')
  return process.exitCode
}

test('a gateway that answers its health page is alive, whichever address it listens at', async () => {
  for (const host of ['127.0.0.1', '0.0.0.0', 'localhost', '']) {
    vi.stubEnv('HOST', host)
    expect(await check(), host).toBe(0)
  }
  expect(asked).toEqual(Array(4).fill('GET /_weir/healthz'))
})

test('a gateway that answers anything else is not', async () => {
  status = 503
  expect(await check()).toBe(1)
})

test('nobody listening is not alive, and neither are settings that start nothing', async () => {
  vi.stubEnv('PORT', '1')
  expect(await check()).toBe(1)
  vi.stubEnv('PORT', 'none')
  expect(await check()).toBe(1)
  expect(asked).toEqual([])
})

describeWithTools('over https', [OPENSSL], () => {
  test('the certificate need not name this machine', async () => {
    const { certificate, key, remove } = await makeCertificate()
    const tls = createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (_request, response) => {
      response.end('{"status":"ok"}')
    })
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve))
    try {
      vi.stubEnv('PORT', String((tls.address() as AddressInfo).port))
      expect(await check(), 'asked in plain http').toBe(1)
      vi.stubEnv('WEIR_TLS_CERT', certificate)
      vi.stubEnv('WEIR_TLS_KEY', key)
      expect(await check()).toBe(0)
    } finally {
      await new Promise((resolve) => tls.close(resolve))
      await remove()
    }
  })
})
