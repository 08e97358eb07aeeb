import { World } from '../../sandbox/world/world.ts'
import { applyChange, type Change, chooseChange } from './changes.ts'
import { Random } from './random.ts'
import {
  buildScene,
  GUEST_REPOSITORY,
  mayRead,
  popularityOf,
  repositoryOf,
  rotateTokens,
  sceneTime,
  TARGETS,
  tokenOf,
  USERS,
} from './scene.ts'

export interface TraceOptions {
  readonly seed: number
  /** Reads that the upstream allows; those that it refuses come on top, one for each change. */
  readonly reads: number
  /** Reads between two changes of the upstream's world. */
  readonly changeEvery: number
  /** How often all tokens are replaced, at equal distances. */
  readonly rotations: number
}

/** Users with the same rights see the same: this is what a reader's answers depend on, besides the time. */
export type ReaderClass = string

export interface Read {
  readonly position: number
  readonly login: string
  readonly readerClass: ReaderClass
  /** The field values that are sent. */
  readonly authorization: string
  readonly accept: string
  /** Below the API root. */
  readonly target: string
  /** The upstream answers 404: asked by somebody who may not know of the thing. */
  readonly isRefused: boolean
}

/** What happens upstream before the read at a position is sent. */
export interface Turn {
  readonly at: number
  /** Counts the changes, from 1; the time of the upstream's world follows from it. */
  readonly number: number
  /** The generation of tokens that begins. */
  readonly generation: number | undefined
  readonly change: Change
}

export interface Trace {
  readonly options: TraceOptions
  readonly reads: readonly Read[]
  readonly turns: readonly Turn[]
}

const SCHEMES = ['token', 'Bearer']

/** Two names of one representation: GitHub sends the same bytes. */
const ACCEPTS = ['application/vnd.github+json', 'application/vnd.github.v3+json']

/** Access is only given or withdrawn where that user has not asked lately: such a read might come before or after. */
const QUIET_READS = 40

/** A world that stands still at the scene's beginning. */
function sceneWorld(): { world: World; moveTo(changes: number): void } {
  let changes = 0
  const world = new World(() => sceneTime(changes))
  buildScene(world)
  return {
    world,
    moveTo(count) {
      changes = count
    },
  }
}

/**
 * The reference trace: who reads what with which token, and when the world changes. The same for the same options, on every
 * machine.
 *
 * @throws RangeError where the numbers make no trace
 */
export function makeTrace(options: TraceOptions): Trace {
  const { seed, reads: count, changeEvery, rotations } = options
  if (![count, changeEvery].every((number) => Number.isInteger(number) && number > 0)) {
    throw new RangeError('a trace needs reads, and reads between changes')
  }
  const random = new Random(seed)
  const { world, moveTo } = sceneWorld()
  const reads: Read[] = []
  const turns: Turn[] = []
  const rotateEvery = Math.ceil(count / (rotations + 1))
  let generation = 0
  let rotateAt = rotateEvery
  for (let number = 0; number < count; number++) {
    if (number > 0 && number % changeEvery === 0) {
      const rotates = number >= rotateAt
      if (rotates) {
        generation++
        rotateAt += rotateEvery
        rotateTokens(world, generation)
      }
      moveTo(turns.length + 1)
      const change = nextChange(random, world, turns.length, reads)
      applyChange(world, change)
      turns.push({
        at: reads.length,
        number: turns.length + 1,
        generation: rotates ? generation : undefined,
        change,
      })
    }
    if (number % changeEvery === Math.floor(changeEvery / 2)) {
      reads.push(chooseRead(random, world, reads.length, generation, true))
    }
    reads.push(chooseRead(random, world, reads.length, generation, false))
  }
  return { options, reads, turns }
}

function nextChange(random: Random, world: World, number: number, reads: readonly Read[]): Change {
  const recent = reads.slice(-QUIET_READS)
  for (;;) {
    const change = chooseChange(random, world, number)
    const isDisputed =
      change.kind === 'access' &&
      recent.some(({ login, target }) => login === change.login && repositoryOf(target) === GUEST_REPOSITORY)
    if (!isDisputed) return change
  }
}

/** A read by any user with either token, of a target that this token may, or may not, read now. */
function chooseRead(random: Random, world: World, position: number, generation: number, isRefused: boolean): Read {
  for (;;) {
    const { login, scopes } = random.pick(USERS)
    const which = random.pick([0, 1] as const)
    const granted = scopes[which]
    const targets = TARGETS.filter((target) => mayRead(world, login, granted, target) !== isRefused)
    // ada may read everything: somebody else has to ask for what is refused.
    if (targets.length === 0) continue
    return {
      position,
      login,
      readerClass: `${login} ${granted.join()}`,
      authorization: `${random.pick(SCHEMES)} ${tokenOf(login, which, generation)}`,
      accept: random.pick(ACCEPTS),
      target: random.weighted(targets, popularityOf),
      isRefused,
    }
  }
}
