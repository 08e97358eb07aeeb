import { LRUCache } from 'lru-cache'
import type { BudgetLedger, Clock, RateLimit } from '../../ports.ts'

/** Resets this close together (seconds) belong to one window: servers of one upstream round them differently. */
const SAME_WINDOW = 5

/** No window of GitHub's is longer than an hour; a reset further away (seconds) is nonsense, or a time in ms. */
const LONGEST_WINDOW = 24 * 3600

/**
 * The last stated numbers by credential and resource. Within a window `remaining` never rises: an answer that was
 * overtaken on the way states numbers that are already history.
 *
 * @param maxBudgets how many are remembered
 */
export function memoryBudgetLedger(maxBudgets: number, clock: Clock): BudgetLedger {
  const budgets = new LRUCache<string, RateLimit>({ max: maxBudgets })
  return {
    observe(credential, stated) {
      // Believed, it would keep the real numbers out until its own time has come.
      if (stated.reset * 1000 > clock.now() + LONGEST_WINDOW * 1000) return
      const key = `${credential} ${stated.resource}`
      const known = budgets.get(key)
      if (known !== undefined) {
        if (stated.reset < known.reset - SAME_WINDOW) return
        const sameWindow = stated.reset <= known.reset + SAME_WINDOW
        if (sameWindow && stated.limit === known.limit && stated.remaining > known.remaining) return
      }
      budgets.set(key, stated)
    },
    latest(credential, resource) {
      const known = budgets.get(`${credential} ${resource}`)
      return known === undefined || known.reset * 1000 <= clock.now() ? undefined : known
    },
  }
}
