import { Agent, type IncomingMessage, request } from 'node:http'

export interface Reply {
  readonly status: number
  readonly link: string | undefined
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  readonly cacheStatus: string | undefined
  readonly body: Buffer
}

/** Asks one origin over kept connections. */
export interface Client {
  get(path: string, headers: Readonly<Record<string, string>>): Promise<Reply>
  close(): void
}

export function clientOf(origin: string): Client {
  const agent = new Agent({ keepAlive: true })
  const { hostname, port } = new URL(origin)
  return {
    get: (path, headers) =>
      new Promise((resolve, reject) => {
        request({ agent, hostname, port, path, headers }, (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
          incoming.on('error', reject)
          incoming.on('end', () => {
            resolve(replyOf(incoming, Buffer.concat(chunks)))
          })
        })
          .on('error', reject)
          .end()
      }),
    close: () => agent.destroy(),
  }
}

function replyOf(incoming: IncomingMessage, body: Buffer): Reply {
  const field = (name: string) => {
    const value = incoming.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }
  return {
    status: incoming.statusCode ?? 0,
    link: field('link'),
    etag: field('etag'),
    lastModified: field('last-modified'),
    cacheStatus: field('cache-status'),
    body,
  }
}
