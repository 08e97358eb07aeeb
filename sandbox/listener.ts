import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { LogEntry, RequestLog } from './log.ts'

/** PEM texts. */
export interface Tls {
  key: string
  cert: string
}

/** Answers one request and completes its entry. */
export type Handle = (request: IncomingMessage, response: ServerResponse, entry: LogEntry) => Promise<void>

/** A listening server. */
export interface Listener {
  /** Scheme, host and port. */
  origin: string
  /** Ends every connection, also those that hang on purpose. */
  close(): Promise<void>
}

/** Listens, and hands each request to `handle` with its fresh entry in the log. Port 0 is any free one. */
export async function listen(
  name: LogEntry['listener'],
  where: { host: string; port: number; tls: Tls | undefined },
  log: RequestLog,
  clock: () => number,
  handle: Handle,
): Promise<Listener> {
  const respond: RequestListener = (request, response) => {
    const entry: LogEntry = {
      time: clock(),
      listener: name,
      method: request.method ?? 'GET',
      target: request.url ?? '',
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      credential: null,
      account: `address:${request.socket.remoteAddress ?? 'unknown'}`,
      status: 0,
      cost: 0,
      resource: null,
      bytes: 0,
      received: 0,
      revision: null,
      source: 'gate',
      fault: null,
      aborted: false,
      error: null,
    }
    log.add(entry)
    response.once('close', () => {
      entry.aborted = !response.writableFinished
      log.settle(entry)
    })
    handle(request, response, entry).catch((error: unknown) => {
      entry.error = error instanceof Error ? (error.stack ?? error.message) : String(error)
      response.destroy()
    })
  }
  const server: Server =
    where.tls === undefined
      ? createServer({ keepAliveTimeout: 65_000 }, respond)
      : createTlsServer({ ...where.tls, keepAliveTimeout: 65_000 }, respond)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where.port, where.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = where.host.includes(':') ? `[${where.host}]` : where.host
  return {
    origin: `${where.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      }),
  }
}
