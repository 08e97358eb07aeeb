import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'

/** An answer with its header as it came over the wire. */
export interface Reply {
  status: number
  /** `[name, value, …]`, as received. */
  rawHeaders: string[]
  body: Buffer
  text: string
  /** Every value of a header, one for each line. */
  lines(name: string): string[]
  /** The one value of a header; undefined where it is absent. */
  header(name: string): string | undefined
  json<T = Record<string, unknown>>(): T
}

export interface Question {
  method?: string
  headers?: Record<string, string>
  body?: string | Buffer
  /** Sent instead of the URL's path. */
  target?: string
}

async function collect(message: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const lines = (name: string) =>
    message.rawHeaders.flatMap((text, index, all) =>
      index % 2 === 0 && text.toLowerCase() === name.toLowerCase() ? [all[index + 1] ?? ''] : [],
    )
  return {
    status: message.statusCode ?? 0,
    rawHeaders: message.rawHeaders,
    body,
    text: body.toString('utf8'),
    lines,
    header: (name) => lines(name)[0],
    json: <T>() => JSON.parse(body.toString('utf8')) as T,
  }
}

/** Asks over a real socket of its own, adding no header but `Host` and framing. Rejects where the answer breaks off. */
export function ask(url: string, { method = 'GET', headers = {}, body, target }: Question = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    // Said outright, because Node frames the body of a DELETE in no way at all.
    const framing = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const options = {
      method,
      headers: { ...framing, ...headers },
      agent: false,
      ...(target === undefined ? {} : { path: target }),
    }
    const sent = request(url, options, (message) => collect(message).then(resolve, reject))
    sent.on('error', reject)
    sent.end(body)
  })
}

/** The `Authorization` header of a token. */
export function token(value: string): Record<string, string> {
  return { authorization: `token ${value}` }
}

/** The `Authorization` header of a name and a password. */
export function basic(name: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` }
}

/** A clock that only moves when told; epoch milliseconds. */
export function handClock(start = Date.UTC(2025, 0, 1)) {
  let now = start
  const clock = () => now
  clock.advance = (milliseconds: number) => {
    now += milliseconds
  }
  return clock
}
