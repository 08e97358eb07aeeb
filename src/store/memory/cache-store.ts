import { LRUCache } from 'lru-cache'
import type { CacheStore, StoredBody, Validation } from '../../ports.ts'
import { bytesOfBody, bytesOfValidation } from './sizes.ts'

export interface MemoryCacheStore extends CacheStore {
  /** What it holds now, for metrics. */
  usage(): { part: 'bodies' | 'validations'; bytes: number; entries: number }[]
}

/**
 * The embedded store: two bounded maps, each forgetting what was used least recently, with no references between them.
 * A body may go while validations still name it; they are then misses, and the next answer brings it back.
 *
 * @param bounds bytes that bodies and validations may each hold, everything counted (sizes.ts)
 */
export function memoryCacheStore(bounds: { bodyBytes: number; validationBytes: number }): MemoryCacheStore {
  const bodies = new LRUCache<string, StoredBody>({
    maxSize: Math.max(1, bounds.bodyBytes),
    sizeCalculation: (body) => bytesOfBody(body.bytes),
  })
  const validations = new LRUCache<string, Validation>({
    maxSize: Math.max(1, bounds.validationBytes),
    sizeCalculation: (validation, key) => bytesOfValidation(key, validation),
  })
  function keepBody(body: StoredBody): void {
    // Read, not looked for: a body that was sent again is as good as new, and must not be the next to go.
    if (bodies.get(body.key) === undefined) bodies.set(body.key, body)
  }
  return {
    capabilities: { shared: false },
    validation: (key) => validations.get(key),
    body: (key) => bodies.get(key),
    keep(key, validation, body) {
      keepBody(body)
      validations.set(key, validation)
    },
    keepBody,
    drop(key) {
      validations.delete(key)
    },
    usage: () => [
      { part: 'bodies', bytes: bodies.calculatedSize, entries: bodies.size },
      { part: 'validations', bytes: validations.calculatedSize, entries: validations.size },
    ],
  }
}
