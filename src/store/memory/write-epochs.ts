import { LRUCache } from 'lru-cache'
import type { WriteEpochs } from '../../ports.ts'

/**
 * One running number for the process, and for each scope the number of its last write. A scope that had to be forgotten
 * raises the floor below which nothing is current any more: forgetting costs questions, never a wrong answer.
 *
 * @param maxScopes how many scopes are told apart
 */
export function memoryWriteEpochs(maxScopes: number): WriteEpochs {
  let running = 0
  let floor = 0
  const lastWrites = new LRUCache<string, number>({
    max: maxScopes,
    dispose(epoch, _scope, reason) {
      if (reason === 'evict') floor = Math.max(floor, epoch)
    },
  })
  return {
    current: () => running,
    bump(scopes) {
      running++
      if (scopes === 'everything') floor = running
      else for (const scope of scopes) lastWrites.set(scope, running)
    },
    isCurrent(epoch, scopes) {
      if (epoch < floor) return false
      // Peeked, not got: reads must not keep a scope alive at the expense of one that was written later.
      for (const scope of scopes) if ((lastWrites.peek(scope) ?? 0) > epoch) return false
      return true
    },
  }
}
