import { readFileSync } from 'node:fs'
import { type IncomingMessage, type RequestOptions, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { parseSettings } from '../../src/config.ts'
import { type RunningGateway, type StartOptions, startGateway } from '../../src/entry/node.ts'
import type { RequestEvent } from '../../src/outcome.ts'

export interface TestGateway extends RunningGateway {
  /** `origin` + `/api/v3`. */
  readonly api: string
  /** Every event recorded so far. */
  readonly events: RequestEvent[]
}

/** Starts the real gateway on a free port, from settings as a user writes them; no log. */
export async function testGateway(
  environment: Readonly<Record<string, string>>,
  options: StartOptions = {},
): Promise<TestGateway> {
  const settings = parseSettings({ PORT: '0', WEIR_LOG: 'off', ...environment }, (path) => readFileSync(path, 'utf8'))
  const events: RequestEvent[] = []
  const gateway = await startGateway(settings, { ...options, telemetry: { record: (event) => events.push(event) } })
  return { ...gateway, api: `${gateway.origin}/api/v3`, events }
}

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** Whether the answer came to its proper end. */
  readonly complete: boolean
}

/**
 * One request with a raw target and exactly these headers (no `Accept`, no `User-Agent` added), on its own connection.
 */
export function rawRequest(
  origin: string,
  target: string,
  options: RequestOptions & { payload?: string | Uint8Array } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(origin)
  const { payload, ...rest } = options
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent: false, ...rest, hostname, port, path: target }, (incoming) => {
      const chunks: Buffer[] = []
      const done = () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          rawHeaders: incoming.rawHeaders,
          body: Buffer.concat(chunks),
          complete: incoming.complete,
        })
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', done)
      incoming.on('error', done)
    })
    outgoing.on('error', reject)
    outgoing.end(payload)
  })
}

/** Sends these bytes as they are, leaves, and answers with everything that came back until the peer closed. */
export function rawExchange(origin: string, bytes: string): Promise<string> {
  return received(origin, (socket) => socket.end(bytes, 'latin1'))
}

/**
 * Sends these bytes as they are and answers with everything that came back until the gateway closed. Unlike
 * `rawExchange` it leaves its own side open, for to a server that is the same as leaving: what is still to be answered
 * is given up. So the bytes must make the gateway close: by `Connection: close` or by being wrong.
 */
export function rawConversation(origin: string, bytes: string): Promise<string> {
  return received(origin, (socket) => socket.write(bytes, 'latin1'))
}

function received(origin: string, send: (socket: Socket) => void): Promise<string> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => send(socket))
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (part: string) => {
      text += part
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}
