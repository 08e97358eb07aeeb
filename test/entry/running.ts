import { onTestFinished } from 'vitest'
import { type RunningServer, type ServerOptions, startServer } from '../../src/entry/node/server.ts'
import type { Bindings } from '../../src/middleware/inbound/context.ts'
import type { Delivery, OutgoingAnswer } from '../../src/ports.ts'

/** A server for one test. What it delivered is in `deliveries`. */
export async function running(
  answer: (bindings: Bindings) => OutgoingAnswer | Promise<OutgoingAnswer>,
  options: Partial<ServerOptions> = {},
): Promise<RunningServer & { deliveries: (Delivery | Promise<Delivery>)[] }> {
  const deliveries: (Delivery | Promise<Delivery>)[] = []
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    drainTimeout: 5_000,
    fetch: async (_request, bindings) => {
      const { response, delivered } = bindings.deliver(await answer(bindings))
      deliveries.push(delivered)
      return response
    },
    ...options,
  })
  onTestFinished(() => server.close())
  return { ...server, deliveries }
}

export const hello = (): OutgoingAnswer => ({ status: 200, headers: ['x-a', 'b'], body: Buffer.from('hello') })

/** One request head, with more fields where given. */
export function request(line: string, fields = ''): string {
  return `${line} HTTP/1.1\r\nHost: weir.test\r\n${fields}\r\n`
}

export const CLOSE = 'Connection: close\r\n'
