import { LRUCache } from 'lru-cache'
import type { PredictedTags } from '../../ports.ts'

/** A tag of 64 characters, with the headers of both strings and the cache's own bookkeeping. */
const PER_TAG = 210

export interface MemoryPredictedTags extends PredictedTags {
  /** What it holds now, for metrics. */
  usage(): { part: 'predicted'; bytes: number; entries: number }
}

/** @param maxBytes of everything that is remembered */
export function memoryPredictedTags(maxBytes: number): MemoryPredictedTags {
  const tags = new LRUCache<string, string>({
    maxSize: Math.max(1, maxBytes),
    // Names too: a client's `Accept` is in them, and is as long as the client likes.
    sizeCalculation: (_tag, name) => PER_TAG + name.length,
  })
  return {
    get: (name) => tags.get(name),
    set: (name, tag) => void tags.set(name, tag),
    usage: () => ({ part: 'predicted', bytes: tags.calculatedSize, entries: tags.size }),
  }
}
