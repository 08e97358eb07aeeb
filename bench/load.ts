import { connect, type Socket } from 'node:net'

/** A load against one URL: how many answers came, and how long each took. */
export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** ms, sorted. */
  readonly latencies: Float64Array
}

export interface LoadOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  readonly milliseconds: number
}

/**
 * Keeps a number of connections busy with the same request, one at a time on each. Written on bare sockets, because on a
 * machine with two cores a client that parses more than it must is what would be measured. It never sleeps either: waking
 * a sleeping client is charged to the server that answers it, and the slower server would pay for it more often (measured
 * on a virtual machine: a third of the CPU time of an answer).
 *
 * @throws Error when an answer is not a 200 with a `Content-Length`, or a connection breaks
 */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const { hostname, port, pathname, search, host } = new URL(options.url)
  const fields = Object.entries({ host, ...options.headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\n${fields.join('')}\r\n`, 'latin1')
  const latencies: number[] = []
  const startedAt = performance.now()
  let isDone = false
  const stayAwake = (): void => {
    if (!isDone) setImmediate(stayAwake)
  }
  if (options.connections > 1) stayAwake()
  const endsAt = startedAt + options.milliseconds
  await Promise.all(
    Array.from({ length: options.connections }, () => keepBusy(Number(port), hostname, request, endsAt, latencies)),
  )
  isDone = true
  const seconds = (performance.now() - startedAt) / 1000
  return { requests: latencies.length, seconds, latencies: Float64Array.from(latencies).sort() }
}

function keepBusy(port: number, host: string, request: Buffer, endsAt: number, latencies: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host, noDelay: true }, ask)
    let askedAt = 0
    let held: Buffer | undefined
    let missing = -1
    function ask(): void {
      askedAt = performance.now()
      missing = -1
      socket.write(request)
    }
    socket.on('data', (chunk: Buffer) => {
      if (missing === -1) {
        held = held === undefined ? chunk : Buffer.concat([held, chunk])
        const end = held.indexOf('\r\n\r\n')
        if (end === -1) return
        const head = held.toString('latin1', 0, end + 2)
        const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1]
        if (!head.startsWith('HTTP/1.1 200 ') || length === undefined) {
          socket.destroy(new Error(`not a 200 with a length: ${head.slice(0, 200)}`))
          return
        }
        missing = Number(length) - (held.length - end - 4)
        held = undefined
      } else missing -= chunk.length
      if (missing > 0) return
      const now = performance.now()
      latencies.push(now - askedAt)
      if (now < endsAt) ask()
      else socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve())
  })
}

/** The value below which a share of the sorted values lies. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5)
}
