import { LRUCache } from 'lru-cache'
import type { KnownAccounts } from '../../ports.ts'

/** @param most how many credentials are remembered */
export function memoryKnownAccounts(most: number): KnownAccounts {
  const accounts = new LRUCache<string, string>({ max: most })
  return {
    of: (fingerprint) => accounts.get(fingerprint),
    learn: (fingerprint, account) => void accounts.set(fingerprint, account),
  }
}
