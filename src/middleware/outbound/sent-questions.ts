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
   * What is out for the same resource, the one sent first: with another credential, or with another spelling of `Accept`.
   */
  before(question: Question): SentQuestion | undefined {
    const sent = this.#byResource.get(question.resource())
    if (sent === undefined) return undefined
    for (const [key, each] of sent) if (key !== question.key) return each
    return undefined
  }

  /**
   * Notes a question that is on its way out and waits for nobody, if its credential is one that the upstream accepts:
   * whoever is itself waiting is not worth waiting for.
   *
   * @returns takes the note back, and lets those who wait go on
   */
  send(question: Question): () => void {
    const counts = this.#accepted.has(question.credential.fingerprint)
    return counts && this.#add(question) ? () => this.#settle(question) : NOTHING
  }

  /** Takes back the note of a question that has to wait for its turn: nobody waits for whoever is itself waiting. */
  holdBack(question: Question): void {
    this.#settle(question)
  }

  /**
   * Notes a question that is being answered with a 200, while the body is still on its way: also one of a credential that is
   * new to the gateway, for now it is accepted.
   */
  announce(next: Attempt): Attempt {
    return async (question, compose) => {
      const response = await next(question, compose)
      if (response.status === 200) this.#add(question)
      return response
    }
  }

  /** @returns whether it was not noted already, and is worth noting */
  #add(question: Question): boolean {
    const { credential, method, bypass, key } = question
    // Without a credential nobody is asked about, and a question for the head alone brings no body.
    if (method !== 'GET' || bypass !== undefined || credential.isAnonymous) return false
    const resource = question.resource()
    const sent = this.#byResource.get(resource) ?? new Map<string, SentQuestion>()
    if (sent.has(key)) return false
    sent.set(key, { fingerprint: credential.fingerprint, waiting: new Set() })
    this.#byResource.set(resource, sent)
    return true
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

const NOTHING = () => {}
