import type { OutgoingAnswer } from '../../src/ports.ts'
import { CALLERS, type Holding } from './plan.ts'
import { field } from './reading.ts'
import { type Asked, truthOf } from './truth.ts'
import type { World } from './world.ts'

/** What a client keeps of an answer, to ask with the next time. */
interface Held {
  readonly tag: string | undefined
  readonly lastModified: string | undefined
}

/** Validators that a read is sent with. */
export interface Validators {
  readonly tags: readonly string[]
  readonly date: string | undefined
}

export const NOTHING: Validators = { tags: [], date: undefined }

/** What the clients remember of the answers that they got. */
export class Holdings {
  readonly #world: World
  readonly #held = new Map<string, Held[]>()

  constructor(world: World) {
    this.#world = world
  }

  /** @param place what is asked for, and in which form */
  remember(caller: number, place: string, { status, headers }: OutgoingAnswer): void {
    if (status !== 200) return
    const known = this.#of(caller, place)
    const held = { tag: field(headers, 'etag'), lastModified: field(headers, 'last-modified') }
    this.#held.set(`${caller} ${place}`, [...known, held].slice(-3))
  }

  validators(holding: Holding, caller: number, place: string, asked: Omit<Asked, 'method'>): Validators {
    const own = this.#of(caller, place)
    const latest = own.at(-1)
    switch (holding) {
      case 'nothing':
        return NOTHING
      case 'own':
        return { tags: tagsOf(latest), date: undefined }
      case 'older':
        return { tags: tagsOf(own[0]), date: undefined }
      case 'several':
        return { tags: [...new Set([...tagsOf(...own), '"garbage"'])], date: undefined }
      case 'of another': {
        const others = CALLERS.map((_, other) => this.#of(other, place).at(-1))
        return { tags: tagsOf(...others.filter((_, other) => other !== caller)).slice(0, 2), date: undefined }
      }
      case 'foreign': {
        const { tag } = truthOf(this.#world, { method: 'GET', ...asked })
        return { tags: tag === undefined ? [] : [`"${tag}"`], date: undefined }
      }
      case 'garbage':
        return { tags: ['"garbage"'], date: undefined }
      case 'date':
        return { tags: [], date: latest?.lastModified }
      case 'both':
        return { tags: tagsOf(latest), date: latest?.lastModified }
    }
  }

  #of(caller: number, place: string): readonly Held[] {
    return this.#held.get(`${caller} ${place}`) ?? []
  }
}

function tagsOf(...held: (Held | undefined)[]): string[] {
  return held.flatMap((each) => (each?.tag === undefined ? [] : [each.tag]))
}
