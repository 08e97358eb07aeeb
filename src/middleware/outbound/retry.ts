import { toFailure } from '../../errors.ts'
import type { Attempt } from './exchange.ts'

/**
 * Sends a GET or HEAD once more when a kept connection turns out to be closed already: the upstream cannot have acted
 * on it, and the client should not see a race that is none of its doing. Every other method is sent once, for nobody
 * here can know whether the upstream acted on it (RFC 9110 §9.2.2).
 */
export function retryLostConnection(next: Attempt): Attempt {
  return async function retried(question, compose) {
    try {
      return await next(question, compose)
    } catch (thrown) {
      const failure = toFailure(thrown)
      const isRead = question.method === 'GET' || question.method === 'HEAD'
      const wasLost = failure.tag === 'upstream-reset' && failure.onReusedConnection
      if (!isRead || question.body !== null || !wasLost || question.signal().aborted) throw failure
      return next(question, compose)
    }
  }
}
