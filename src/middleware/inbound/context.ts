import type { Context } from 'hono'
import type { FailureTag } from '../../errors.ts'
import type { Credential } from '../../github/credential.ts'
import type { ResolvedClient } from '../../http/forwarded.ts'
import type { Target } from '../../http/target.ts'
import type { Outcome, RouteName, UpstreamUse } from '../../outcome.ts'
import type { Deliver, Delivery, Inbound, MaybePromise, OutgoingAnswer } from '../../ports.ts'

/** What the entry hands to the framework with each request. */
export interface Bindings {
  readonly inbound: Inbound
  readonly deliver: Deliver
}

/** What is known of a request so far. Inbound middleware fills it in, in the order that app.ts gives. */
export interface RequestContext {
  readonly requestId: string
  readonly use: UpstreamUse
  route: RouteName
  target: Target | undefined
  client: ResolvedClient | undefined
  /** Scheme, host and port that the client uses. */
  publicOrigin: string
  credential: Credential | undefined
  outcome: Outcome
  failure: FailureTag | undefined
  status: number
  delivered: MaybePromise<Delivery> | undefined
}

/** Read with `c.get('context')`: `c.var` copies all variables into a new object at each use. */
export type Environment = { Bindings: Bindings; Variables: { context: RequestContext } }

/** Writes the answer to the client and notes it for the request's event. */
export function respond(c: Context<Environment>, answer: OutgoingAnswer): Response {
  const context = c.get('context')
  const { response, delivered } = c.env.deliver(answer)
  context.status = answer.status
  context.delivered = delivered
  return response
}
