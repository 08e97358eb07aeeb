import { createServer, type Server, type Socket } from 'node:net'

/** An upstream that is only a socket: it says exactly what it is told, and counts what it was asked. */
export interface RawUpstream {
  readonly origin: string
  /** Request heads in the order in which they came, over all connections. */
  readonly heads: string[]
  /** Connections accepted so far. */
  readonly connections: number
  close(): Promise<void>
}

/**
 * @param respond is told each request head with its number, counted from 1 on each connection, and does with the socket
 *   what it likes
 */
export async function startRawUpstream(
  respond: (socket: Socket, head: string, numberOnConnection: number) => void,
): Promise<RawUpstream> {
  const heads: string[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server: Server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    let pending = ''
    let number = 0
    socket.setEncoding('latin1')
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (text: string) => {
      pending += text
      for (let end = pending.indexOf('\r\n\r\n'); end !== -1; end = pending.indexOf('\r\n\r\n')) {
        const head = pending.slice(0, end)
        pending = pending.slice(end + 4)
        heads.push(head)
        number += 1
        respond(socket, head, number)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    heads,
    get connections() {
      return connections
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
