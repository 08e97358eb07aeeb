import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import handleConfig from 'http-cache-tests/server/handle-config.mjs'
import handleState from 'http-cache-tests/server/handle-state.mjs'
import handleTest from 'http-cache-tests/server/handle-test.mjs'

export interface Origin {
  /** Scheme, host and port. */
  readonly origin: string
  readonly port: number
  close(): Promise<void>
}

const HANDLERS = new Map([
  ['config', handleConfig],
  ['state', handleState],
  ['test', handleTest],
])

/**
 * The suite's origin server: the suite's own handlers, on a free port of this machine (its own program listens on all
 * addresses). It keeps state in its modules, so one process serves one run.
 */
export async function startOrigin(): Promise<Origin> {
  const server = createServer((request, response) => {
    const [, name = '', ...segments] = new URL(request.url ?? '/', 'http://origin').pathname.split('/')
    const handle = HANDLERS.get(name)
    if (handle !== undefined) handle(segments, request, response)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
