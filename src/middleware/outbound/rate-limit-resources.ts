import { resourceOf } from '../../github/rate-limit.ts'
import { RouteMemory } from './route-memory.ts'

/**
 * Which rate-limit resource a path is charged to. What an answer says of itself is learnt for its kind of route; before the
 * first one, and on servers that do not say it, the path has to tell.
 */
export class RateLimitResources {
  readonly #learnt = new RouteMemory<{ resource: string | undefined }>(() => ({ resource: undefined }))

  /** Most upstreams charge what paths say. */
  #isAnyLearnt = false

  of(path: string): string {
    // Asked for every answer, and taking a path apart costs more than the rest of it.
    if (!this.#isAnyLearnt) return resourceOf(path)
    return this.#learnt.of(path).resource ?? resourceOf(path)
  }

  /** @param resource as an answer to the path stated it */
  learn(path: string, resource: string): void {
    if (this.of(path) === resource) return
    this.#learnt.learning(path).resource = resource
    this.#isAnyLearnt = true
  }
}
