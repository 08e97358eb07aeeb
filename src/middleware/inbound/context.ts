import type { FailureTag } from '../../errors.ts'
import type { Credential } from '../../github/credential.ts'
import type { ResolvedClient } from '../../http/forwarded.ts'
import type { Target } from '../../http/target.ts'
import type { Outcome, RouteName, UpstreamUse } from '../../outcome.ts'
import type { Deliver, Inbound, MaybePromise, OutgoingAnswer } from '../../ports.ts'

/** What the entry hands to the app with each request. */
export interface Bindings {
  readonly inbound: Inbound
  readonly deliver: Deliver
}

/** What is known of a request so far. Inbound mechanisms fill it in, in the order that app.ts gives. */
export interface RequestContext {
  readonly inbound: Inbound
  readonly requestId: string
  readonly use: UpstreamUse
  route: RouteName
  target: Target | undefined
  client: ResolvedClient | undefined
  /** Scheme, host and port that the client uses. */
  publicOrigin: string
  credential: Credential | undefined
  /** The path that the rules about rate limits are asked with, where the API has any. */
  chargedPath: string | undefined
  outcome: Outcome
  failure: FailureTag | undefined
}

/**
 * Answers a request. Inbound mechanisms take the next one and return one of the same shape. An answer that is there at
 * once is returned at once: a fresh hit waits for nothing, not even for its turn in a queue of promises.
 */
export type Handler = (context: RequestContext) => MaybePromise<OutgoingAnswer>
