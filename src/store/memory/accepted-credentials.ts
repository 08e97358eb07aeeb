import { LRUCache } from 'lru-cache'
import type { AcceptedCredentials } from '../../ports.ts'

/** @param most how many are remembered */
export function memoryAcceptedCredentials(most: number): AcceptedCredentials {
  const accepted = new LRUCache<string, true>({ max: most })
  return {
    add: (fingerprint) => void accepted.set(fingerprint, true),
    remove: (fingerprint) => void accepted.delete(fingerprint),
    has: (fingerprint) => accepted.has(fingerprint),
  }
}
