import type { AcceptedCredentials } from '../../ports.ts'
import type { Attempt, Question } from './exchange.ts'
import type { Revalidating } from './fresh.ts'

/** A question that has left, and who waits for what it brings. */
export interface SentQuestion {
  readonly fingerprint: string
  readonly waiting: Set<() => void>
}

/**
 * Which resources are being asked for right now by credentials that the upstream accepts: their answers may bring the
 * body that makes another caller's question free.
 */
export class SentQuestions {
  readonly #accepted: AcceptedCredentials
  readonly #byResource = new Map<string, Map<string, SentQuestion>>()

  constructor(accepted: AcceptedCredentials) {
    this.#accepted = accepted
  }

  /**
   * What is out for the same resource with another credential, the one sent first.
   */
  before(question: Question): SentQuestion | undefined {
    const sent = this.#byResource.get(question.resource())
    if (sent === undefined) return undefined
    for (const each of sent.values()) if (each.fingerprint !== question.credential.fingerprint) return each
    return undefined
  }

  /** Notes a question at the moment it is sent: whoever is itself waiting is not worth waiting for. */
  announce(next: Attempt): Attempt {
    return async (question, headers) => {
      const { credential, method, bypass, key } = question
      const counts = method === 'GET' && bypass === undefined && this.#accepted.has(credential.fingerprint)
      if (!counts || credential.isAnonymous) return next(question, headers)
      const resource = question.resource()
      const sent = this.#byResource.get(resource) ?? new Map<string, SentQuestion>()
      this.#byResource.set(resource, sent)
      if (!sent.has(key)) sent.set(key, { fingerprint: credential.fingerprint, waiting: new Set() })
      return next(question, headers)
    }
  }

  /**
   * Lets those who wait go on when all is known: not yet at the 304 that leaves its page's `Link` open, for the page is then
   * fetched, and is what they wait for.
   */
  settle(next: Revalidating): Revalidating {
    return async (question, stored) => {
      try {
        return await next(question, stored)
      } finally {
        this.#settle(question)
      }
    }
  }

  #settle(question: Question): void {
    const resource = question.resource()
    const sent = this.#byResource.get(resource)
    const settled = sent?.get(question.key)
    if (sent === undefined || settled === undefined) return
    sent.delete(question.key)
    if (sent.size === 0) this.#byResource.delete(resource)
    for (const go of settled.waiting) go()
  }
}
