import { LRUCache } from 'lru-cache'
import type { PredictedTags } from '../../ports.ts'

/** A name of some 110 characters and a tag of 64, with their headers and the cache's own bookkeeping. */
const PER_TAG = 320

export interface MemoryPredictedTags extends PredictedTags {
  /** What it holds now, for metrics. */
  usage(): { part: 'predicted'; bytes: number; entries: number }
}

/** @param maxBytes of everything that is remembered */
export function memoryPredictedTags(maxBytes: number): MemoryPredictedTags {
  const tags = new LRUCache<string, string>({ max: Math.max(1, Math.floor(maxBytes / PER_TAG)) })
  return {
    get: (name) => tags.get(name),
    set: (name, tag) => void tags.set(name, tag),
    usage: () => ({ part: 'predicted', bytes: tags.size * PER_TAG, entries: tags.size }),
  }
}
