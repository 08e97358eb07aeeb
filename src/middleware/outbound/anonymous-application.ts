import { withoutHeaders } from '../../http/headers.ts'
import type { Clock } from '../../ports.ts'
import { discard } from './collect.ts'
import type { Attempt, Question } from './exchange.ts'

/** How long an application that the upstream refused is left out, ms. */
const LEFT_OUT = 10 * 60_000

/**
 * An OAuth application of the operator's that raises the limit of requests without a credential (seed, "Increasing the
 * unauthenticated rate limit for OAuth applications"). It identifies, and permits nothing: who asks is told what the
 * anonymous are told.
 */
export class AnonymousApplication {
  readonly #clientId: string
  readonly #authorization: string
  readonly #clock: Clock
  #leftOutUntil = Number.NEGATIVE_INFINITY

  constructor(clientId: string, clientSecret: string, clock: Clock) {
    this.#clientId = clientId
    this.#authorization = `Basic ${btoa(`${clientId}:${clientSecret}`)}`
    this.#clock = clock
  }

  /** Whom reads without a credential are charged to, while the upstream takes the application. */
  get account(): string | undefined {
    return this.#clock.now() < this.#leftOutUntil ? undefined : `application:${this.#clientId}`
  }

  /** The same for one question; `undefined` where it goes without the application. */
  accountOf(question: Question): string | undefined {
    return isConcerned(question) ? this.account : undefined
  }

  /** Sends it with reads of the API that carry no credential, and with nothing else. */
  identify(next: Attempt): Attempt {
    return async (question, compose) => {
      if (this.accountOf(question) === undefined) return next(question, compose)
      const response = await next(question, async () => [...(await compose()), 'authorization', this.#authorization])
      const { refusal, headers } = response
      if (refusal?.kind !== 'bad-credentials' && refusal?.kind !== 'private-mode') {
        return { ...response, headers: withoutHeaders(headers, namesApplication) }
      }
      this.#leftOutUntil = this.#clock.now() + LEFT_OUT
      // The client has sent no credential, so it must not be told that one is bad.
      await discard(response.body)
      return next(question, compose)
    }
  }
}

/** The upstream tells whoever uses an application which one it is: who asks here uses none. */
function namesApplication(name: string): boolean {
  return name === 'x-oauth-client-id'
}

/** GraphQL and uploads answer no anonymous caller, and a write is nothing that an application may do. */
function isConcerned({ credential, method, bypass, body, isCharged }: Question): boolean {
  const isRead = method === 'GET' || method === 'HEAD'
  return credential.isAnonymous && isRead && body === null && bypass !== 'other-api' && isCharged
}
