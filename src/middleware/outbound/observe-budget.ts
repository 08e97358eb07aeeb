import { isLimitRefusal, statedRateLimit } from '../../github/rate-limit.ts'
import type { BudgetLedger } from '../../ports.ts'
import type { Attempt } from './exchange.ts'

/**
 * Feeds the ledger from every answer that accepted the credential, 304s included. A 401, or a 403 that is not about
 * limits, carries the numbers of whoever the upstream charged instead, so it teaches nothing.
 */
export function observeBudget(ledger: BudgetLedger, next: Attempt): Attempt {
  return async function observed(question, headers) {
    const response = await next(question, headers)
    const accepted = response.status !== 401 && (response.status !== 403 || isLimitRefusal(403, response.headers))
    if (accepted) {
      const stated = statedRateLimit(response.headers, question.path)
      if (stated !== undefined) ledger.observe(question.credential.fingerprint, stated)
    }
    return response
  }
}
