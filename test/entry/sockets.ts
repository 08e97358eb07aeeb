import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { createSend, type Sender, type SendOptions } from '../../src/entry/node/send.ts'
import { Failure } from '../../src/errors.ts'
import type { UpstreamRequest, UpstreamResponse } from '../../src/ports.ts'

/** An upstream made of bare sockets: it can do everything that a well-behaved server would not. */
export interface RawUpstream {
  readonly origin: string
  readonly port: number
  /** All connections so far. */
  readonly sockets: Socket[]
  /** Everything that was received, per connection. */
  readonly received: string[]
}

/** `onHead` is called once per request head (and not for bodies), with the connection's number, counted from 0. */
export async function rawUpstream(
  onHead: (socket: Socket, head: string, connection: number) => void,
): Promise<RawUpstream> {
  const sockets: Socket[] = []
  const received: string[] = []
  const server = createServer((socket) => {
    const connection = sockets.push(socket) - 1
    received.push('')
    let seen = 0
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      received[connection] += chunk.toString('latin1')
      for (;;) {
        const text = received[connection] as string
        const end = text.indexOf('\r\n\r\n', seen)
        if (end < 0) return
        const head = text.slice(seen, end + 4)
        seen = end + 4
        if (/^[A-Z]+ [^\r\n]* HTTP\/1\.1\r\n/.test(head)) onHead(socket, head, connection)
      }
    })
  })
  const port = await listening(server)
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { origin: `http://127.0.0.1:${port}`, port, sockets, received }
}

/** An upstream that answers every request with the same bytes. */
export function answering(bytes: string | Buffer): Promise<RawUpstream> {
  return rawUpstream((socket) => socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes))
}

export async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A port that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  const port = await listening(server)
  server.close()
  await once(server, 'close')
  return port
}

export function sender(options: Partial<SendOptions> = {}): Sender {
  const made = createSend({
    ca: undefined,
    connectTimeout: 5_000,
    headersTimeout: 5_000,
    bodyTimeout: 5_000,
    maxConnections: 10,
    maxWaiting: 10,
    userAgent: 'weir/test',
    ...options,
  })
  onTestFinished(() => made.close())
  return made
}

export function asking(origin: string, request: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    method: 'GET',
    origin,
    target: '/',
    headers: [],
    body: null,
    bodyLength: undefined,
    signal: undefined,
    ...request,
  }
}

export async function readAll(body: UpstreamResponse['body']): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body ?? []) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The failure that a promise is expected to end with. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  )
  if ('thrown' in outcome && outcome.thrown instanceof Failure) return outcome.thrown
  throw new Error('Expected a Failure', { cause: 'thrown' in outcome ? outcome.thrown : undefined })
}

/** Everything a server sends on a fresh connection to which `text` is written, until it ends the connection. */
export async function conversation(port: number, text: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  await once(socket, 'close')
  return answer
}

/** A connection that is read step by step. */
export class RawClient {
  readonly socket: Socket
  #text = ''
  #closed = false
  #changed: (() => void) | undefined

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', (chunk) => {
      this.#text += chunk.toString('latin1')
      this.#changed?.()
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.#closed = true
      this.#changed?.()
    })
    onTestFinished(() => void this.socket.destroy())
  }

  write(text: string): void {
    this.socket.write(Buffer.from(text, 'latin1'))
  }

  /** What has arrived since the last call, up to and including `text`. */
  async until(text: string): Promise<string> {
    while (!this.#text.includes(text)) {
      if (this.#closed) throw new Error(`Closed before ${JSON.stringify(text)}: ${JSON.stringify(this.#text)}`)
      await this.#change()
    }
    const end = this.#text.indexOf(text) + text.length
    const taken = this.#text.slice(0, end)
    this.#text = this.#text.slice(end)
    return taken
  }

  /** Whatever is left when the connection has closed. */
  async untilClosed(): Promise<string> {
    while (!this.#closed) await this.#change()
    return this.#text
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve
    })
  }
}
