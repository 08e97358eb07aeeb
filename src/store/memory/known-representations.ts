import { LRUCache } from 'lru-cache'
import type { KnownRepresentation, KnownRepresentations } from '../../ports.ts'

/**
 * So many distinct bodies of a resource are remembered. Of most there is one for each group of readers with the same
 * permissions, and a few that were replaced lately; some have one for each reader.
 */
const MOST_OF_ONE = 20

/** Bytes of one representation's record beside its texts, reckoned high, and of a resource's entry beside its name. */
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
    sizeCalculation: (known, resource) =>
      known.reduce((bytes, each) => bytes + PER_REPRESENTATION + lengthOfTexts(each), PER_RESOURCE + resource.length),
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

/** A client's `Accept` is as long as the client likes, the others as long as the upstream does. */
function lengthOfTexts({ accept, contentType, lastModified, mediaType }: KnownRepresentation): number {
  return [accept, contentType, lastModified, mediaType].reduce((length, text) => length + (text?.length ?? 0), 0)
}

const NONE: readonly KnownRepresentation[] = []
