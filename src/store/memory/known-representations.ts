import { LRUCache } from 'lru-cache'
import type { KnownRepresentation, KnownRepresentations } from '../../ports.ts'

/**
 * So many distinct bodies of a resource are remembered: one for each group of readers with the same permissions, and one
 * or two that were replaced lately and may come back.
 */
const MOST_OF_ONE = 5

/** Bytes of one representation's record, reckoned high, and of a resource's entry beside its name. */
const PER_REPRESENTATION = 400
const PER_RESOURCE = 200

export interface MemoryKnownRepresentations extends KnownRepresentations {
  /** What it holds now, for metrics. */
  usage(): { part: 'known'; bytes: number; entries: number }
}

/** @param maxBytes of everything that is remembered */
export function memoryKnownRepresentations(maxBytes: number): MemoryKnownRepresentations {
  const resources = new LRUCache<string, readonly KnownRepresentation[]>({
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: (known, resource) => PER_RESOURCE + resource.length + known.length * PER_REPRESENTATION,
  })
  return {
    of: (resource) => resources.get(resource) ?? NONE,
    saw(resource, representation) {
      const known = resources.get(resource) ?? NONE
      if (known[0] === representation) return
      const others = known.filter(({ bodyKey }) => bodyKey !== representation.bodyKey)
      resources.set(resource, [representation, ...others].slice(0, MOST_OF_ONE))
    },
    usage: () => ({ part: 'known', bytes: resources.calculatedSize, entries: resources.size }),
  }
}

const NONE: readonly KnownRepresentation[] = []
