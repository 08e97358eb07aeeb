import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

interface Connection {
  readonly socket: Socket
  incoming: IncomingMessage | undefined
  /** The answer to its latest request. */
  outgoing: ServerResponse | undefined
}

/**
 * What the connections of a server are doing, so that it can be emptied: Node closes only those that are idle at that
 * moment, and neither those that become idle later nor those that never said anything.
 */
export class Connections {
  readonly #server: Server
  readonly #open = new Map<Duplex, Connection>()
  #draining: Promise<number> | undefined

  constructor(server: Server, encrypted: boolean) {
    this.#server = server
    server.on('connection', this.#add)
    if (encrypted) server.on('secureConnection', this.#add)
    server.on('timeout', (socket) => {
      const connection = this.#open.get(socket)
      // Silence while the answer is being made is ours and not the client's.
      const waitsForUs = connection?.incoming?.complete === true && connection.outgoing?.headersSent === false
      if (!waitsForUs) socket.destroy()
    })
  }

  /**
   * Notes a request. Once the server is being drained, its answer says that the connection ends.
   *
   * Answers `false` where the answer before it ends the connection: a request that was sent behind that one must not be
   * acted upon, for its own answer will never arrive and its client may send it again (RFC 9112 §9.6).
   */
  begin(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const connection = this.#open.get(incoming.socket)
    if (connection === undefined) return true
    if (connection.outgoing?.shouldKeepAlive === false) return false
    connection.incoming = incoming
    connection.outgoing = outgoing
    if (this.#draining !== undefined) outgoing.shouldKeepAlive = false
    return true
  }

  /** Whether part of an answer has been written, or an earlier request's is being, so that nothing else may be. */
  isAnswering(socket: Duplex): boolean {
    const outgoing = this.#open.get(socket)?.outgoing
    if (outgoing === undefined || outgoing.writableFinished) return false
    return outgoing.headersSent || outgoing.socket === null
  }

  /** `timeout`: ms until whatever is left is cut off. Resolves with how many answers were. */
  drain(timeout: number): Promise<number> {
    this.#draining ??= new Promise((resolve) => {
      let cutOff = 0
      const timer = setTimeout(() => {
        for (const { outgoing } of this.#open.values()) if (outgoing?.writableFinished === false) cutOff++
        this.close()
      }, timeout)
      this.#server.close(() => {
        clearTimeout(timer)
        resolve(cutOff)
      })
      for (const connection of this.#open.values()) dismiss(connection)
    })
    return this.#draining
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#open.keys()) socket.destroy()
  }

  readonly #add = (socket: Socket): void => {
    this.#open.set(socket, { socket, incoming: undefined, outgoing: undefined })
    socket.once('close', () => this.#open.delete(socket))
  }
}

/** Ends a connection as soon as it owes no answer. */
function dismiss({ socket, outgoing }: Connection): void {
  if (outgoing === undefined) {
    // With a request half arrived it is let be: that request is still answered.
    if (socket.bytesRead === 0) socket.destroy()
  } else if (!outgoing.headersSent) {
    outgoing.shouldKeepAlive = false
  } else if (!outgoing.writableFinished) {
    outgoing.once('finish', () => socket.destroySoon())
  }
}
