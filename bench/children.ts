import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** A server of a benchmark, in its own process. */
export interface Child {
  readonly origin: string
  /** CPU time that it has used so far, µs. */
  cpuMicroseconds(): Promise<number>
  stop(): void
}

/** Starts `server.js` in a role and waits until it listens. What it logs goes to /dev/null: written, and read by nobody. */
export async function startChild(...args: string[]): Promise<Child> {
  const child = fork(new URL('./server.js', import.meta.url), args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const { origin } = await message<{ origin: string }>(child)
  return {
    origin,
    async cpuMicroseconds() {
      child.send('cpu')
      return (await message<{ cpuMicroseconds: number }>(child)).cpuMicroseconds
    },
    stop: () => child.disconnect(),
  }
}

async function message<T>(child: ChildProcess): Promise<T> {
  const [value] = (await once(child, 'message')) as [T]
  return value
}
