import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseSettings } from '../src/config.ts'
import { startGateway } from '../src/entry/node.ts'
import { PAGE_TAG, pageHeaders, pageOf } from './page.ts'

/*
 * One server of a benchmark, in a process of its own. What it is comes as the first argument; it tells its origin by IPC,
 * and afterwards its CPU time whenever it is asked.
 */

/** The upstream: the fixed page, a 304 for whoever holds it. Anonymous answers are public, as GitHub's are. */
async function upstream(): Promise<string> {
  let page: Uint8Array = new Uint8Array(0)
  const server = createServer((incoming, outgoing) => {
    const headers = pageHeaders(incoming.headers.authorization === undefined)
    if (incoming.headers['if-none-match'] === PAGE_TAG) outgoing.writeHead(304, headers).end()
    else outgoing.writeHead(200, [...headers, 'content-length', String(page.byteLength)]).end(page)
  })
  const origin = await listen(server)
  page = pageOf(origin)
  return origin
}

/** The yardstick: sends the very fields and bytes that the gateway answered with. */
async function bare(fields: string[], body: string): Promise<string> {
  const bytes = Buffer.from(body, 'base64')
  return listen(createServer((_incoming, outgoing) => outgoing.writeHead(200, fields).end(bytes)))
}

async function gateway(upstreamOrigin: string, log: string): Promise<string> {
  const settings = parseSettings({ WEIR_UPSTREAM: upstreamOrigin, PORT: '0', WEIR_LOG: log }, () => '')
  return (await startGateway(settings)).origin
}

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const [role, ...given] = process.argv.slice(2)
const origin =
  role === 'upstream'
    ? await upstream()
    : role === 'bare'
      ? await bare(JSON.parse(given[0]!) as string[], given[1]!)
      : await gateway(given[0]!, given[1]!)
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicroseconds: user + system })
})
process.on('disconnect', () => process.exit(0))
process.send?.({ origin })
