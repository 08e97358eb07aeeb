import { costOf } from '../../github/rate-limit.ts'
import type { Clock, Send } from '../../ports.ts'
import type { Attempt } from './exchange.ts'

/** The last step outwards: one request on the wire, and what it cost. */
export function ask(send: Send, clock: Clock): Attempt {
  return async function asked(question, headers) {
    const startedAt = clock.elapsed()
    question.use.requests++
    try {
      const response = await send({
        method: question.method,
        origin: question.address.origin,
        target: question.address.target,
        headers,
        body: question.body,
        bodyLength: question.bodyLength,
        signal: question.signal(),
      })
      if (question.isCharged) {
        const { method, path, credential } = question
        question.use.cost += costOf({ method, path, ...credential }, response.status, response.headers)
      }
      return response
    } finally {
      question.use.milliseconds += clock.elapsed() - startedAt
    }
  }
}
