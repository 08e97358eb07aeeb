import { startSandbox } from '../../sandbox/index.ts'
import type { LogEntry } from '../../sandbox/log.ts'
import type { Switches } from '../../sandbox/switches.ts'
import type { World } from '../../sandbox/world/world.ts'
import { applyChange } from './changes.ts'
import { buildScene, rotateTokens, sceneTime } from './scene.ts'
import type { Turn } from './trace.ts'

/** One request as the sandbox's own log has it. */
export interface UpstreamEntry
  extends Pick<LogEntry, 'time' | 'method' | 'target' | 'credential' | 'status' | 'cost' | 'revision'> {
  readonly accept: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly ifModifiedSince: string | undefined
}

/** The sandbox with the scene in it, and the way to make its world turn. */
export interface SceneSandbox {
  readonly origin: string
  /** Makes one change; answers with the world's revision after it. */
  apply(turn: Turn): number
  /** The revision that the world began with. */
  readonly revision: number
  entries(): UpstreamEntry[]
  close(): Promise<void>
}

/** Starts a sandbox that holds the scene. Only changes tell its world the scene's time; its answers carry the real one. */
export async function startScene(switches: Partial<Switches>): Promise<SceneSandbox> {
  let sceneNow: number | undefined = sceneTime(0)
  const sandbox = await startSandbox({
    clock: () => sceneNow ?? performance.timeOrigin + performance.now(),
    // Of the recordings none is read, and looking for one takes time.
    switches: { recorded: false, ...switches },
  })
  const { world } = sandbox
  buildScene(world)
  sceneNow = undefined
  return {
    origin: sandbox.origin,
    revision: world.revision,
    apply(turn) {
      sceneNow = sceneTime(turn.number)
      applyTurn(world, turn)
      sceneNow = undefined
      return world.revision
    },
    entries: () =>
      sandbox.log.entries.map(({ time, method, target, credential, status, cost, revision, headers }) => ({
        time,
        method,
        target,
        credential,
        status,
        cost,
        revision,
        accept: headers.accept,
        ifNoneMatch: headers['if-none-match'],
        ifModifiedSince: headers['if-modified-since'],
      })),
    close: () => sandbox.close(),
  }
}

function applyTurn(world: World, { generation, change }: Turn): void {
  if (generation !== undefined) rotateTokens(world, generation)
  applyChange(world, change)
}
