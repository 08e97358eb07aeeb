import type { WriteEpochs } from '../../ports.ts'
import type { Answerer, Attempt } from './exchange.ts'

/**
 * Passes everything that is not a read straight through, once. What it may have changed is asked for again afterwards:
 * the epoch is bumped when it is sent, because the upstream may act on it before it answers, and when it is answered,
 * because reads that were asked in between may have seen the state before it.
 */
export function write(epochs: WriteEpochs, next: Attempt): Answerer {
  return async function written(question) {
    epochs.bump(question.scopes)
    try {
      const { status, headers, body } = await next(question, question.headers)
      const outcome = { name: 'written', forwardStatus: status } as const
      return { status, headers, live: [], body, stored: undefined, age: undefined, outcome }
    } finally {
      epochs.bump(question.scopes)
    }
  }
}
