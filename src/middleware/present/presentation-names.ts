import { LRUCache } from 'lru-cache'
import type { Digest } from '../../ports.ts'

/** Raised whenever the rewriter's output for the same body changes: what clients hold must then not be confirmed. */
const REWRITER_VERSION = '1'

export interface PresentationNames {
  /** Names a public origin and this version of the rewriter: 10 letters and digits. */
  nameOf(publicOrigin: string): string
}

/** @param most how many public origins are remembered; a client can name any in its `Host` */
export function presentationNames(digest: Digest, most = 64): PresentationNames {
  const names = new LRUCache<string, string>({ max: most })
  const encoder = new TextEncoder()
  return {
    nameOf(publicOrigin) {
      let name = names.get(publicOrigin)
      if (name === undefined) {
        // Not keyed: every replica, and this one after a restart, must find the same name.
        name = digest
          .contentKey(encoder.encode(`${REWRITER_VERSION} ${publicOrigin}`))
          .replace(/[-_]/g, '')
          .slice(0, 10)
        names.set(publicOrigin, name)
      }
      return name
    },
  }
}
