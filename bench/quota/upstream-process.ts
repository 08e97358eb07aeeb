import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Switches } from '../../sandbox/switches.ts'
import type { Turn } from './trace.ts'
import { startScene, type UpstreamEntry } from './upstream.ts'

/*
 * The upstream in a process of its own, so that the work of the client that measures is not measured with it. This file is
 * both ends: run by `fork` it is the upstream.
 */

type Order = { kind: 'start'; switches: Partial<Switches> } | { kind: 'apply'; turn: Turn } | { kind: 'log' }

export interface UpstreamProcess {
  readonly origin: string
  /** The world's revisions: at first, and after each change so far. */
  readonly revisions: readonly number[]
  apply(turn: Turn): Promise<void>
  entries(): Promise<UpstreamEntry[]>
  stop(): Promise<void>
}

/** Starts a fresh upstream. @throws Error where it ends before it listens */
export async function startUpstream(switches: Partial<Switches>): Promise<UpstreamProcess> {
  const child = fork(fileURLToPath(import.meta.url), ['upstream'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const started = await ordered<{ origin: string; revision: number }>(child, { kind: 'start', switches })
  const revisions = [started.revision]
  return {
    origin: started.origin,
    revisions,
    async apply(turn) {
      revisions.push(await ordered<number>(child, { kind: 'apply', turn }))
    },
    entries: () => ordered<UpstreamEntry[]>(child, { kind: 'log' }),
    async stop() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

/** Sends one order and waits for its answer; there is never more than one under way. */
async function ordered<T>(child: ChildProcess, order: Order): Promise<T> {
  const ended = new AbortController()
  const [value] = await Promise.race([
    once(child, 'message', { signal: ended.signal }),
    once(child, 'exit', { signal: ended.signal }).then(() => {
      throw new Error('the upstream has ended')
    }),
    new Promise<never>((_resolve, reject) => child.send(order, (error) => error && reject(error))),
  ]).finally(() => ended.abort())
  return value as T
}

async function serve(): Promise<void> {
  const [first] = (await once(process, 'message')) as [Order]
  if (first.kind !== 'start') throw new Error('the first order starts the upstream')
  const scene = await startScene(first.switches)
  process.on('message', (order: Order) => {
    if (order.kind === 'apply') process.send?.(scene.apply(order.turn))
    if (order.kind === 'log') process.send?.(scene.entries())
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ origin: scene.origin, revision: scene.revision })
}

if (process.argv[2] === 'upstream' && process.send !== undefined) await serve()
