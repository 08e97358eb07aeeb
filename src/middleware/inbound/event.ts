import { headerValue } from '../../http/headers.ts'
import { acceptRequestId } from '../../http/request-id.ts'
import type { Clock, Delivery, MaybePromise, OutgoingAnswer, Telemetry } from '../../ports.ts'
import type { Bindings, Handler, RequestContext } from './context.ts'

export interface EventOptions {
  readonly telemetry: Telemetry
  readonly clock: Clock
  readonly newRequestId: () => string
}

/**
 * Names the request, delivers its answer and, when that has been handed over, records the one event of it. Outermost, so
 * that refusals of everything further in are recorded too.
 *
 * @param next must not throw: whatever fails further in has become an answer by then
 */
export function event(options: EventOptions, next: Handler): (bindings: Bindings) => MaybePromise<Response> {
  const { telemetry, clock, newRequestId } = options

  function record(context: RequestContext, status: number, startedAt: number, delivery: Delivery): void {
    const { inbound, outcome, credential } = context
    telemetry.record({
      requestId: context.requestId,
      method: inbound.method,
      route: context.route,
      path: context.target?.path,
      status,
      outcome: outcome.name,
      detail: outcome.detail,
      failure: context.failure,
      upstream: context.use,
      milliseconds: clock.elapsed() - startedAt,
      bytes: delivery.bytes,
      aborted: delivery.aborted,
      credential: credential?.isAnonymous === false ? credential.fingerprint : undefined,
      address: context.client?.address ?? inbound.peerAddress,
    })
  }

  return function recordEvent({ inbound, deliver }) {
    const startedAt = clock.elapsed()
    const context: RequestContext = {
      inbound,
      requestId: acceptRequestId(headerValue(inbound.headers, 'x-request-id')) ?? newRequestId(),
      use: { requests: 0, cost: 0, milliseconds: 0 },
      route: 'unknown',
      target: undefined,
      client: undefined,
      publicOrigin: '',
      credential: undefined,
      chargedPath: undefined,
      outcome: REJECTED,
      failure: undefined,
    }
    const finish = (answer: OutgoingAnswer): Response => {
      const { response, delivered } = deliver(answer)
      if (delivered instanceof Promise) void delivered.then((end) => record(context, answer.status, startedAt, end))
      else record(context, answer.status, startedAt, delivered)
      return response
    }
    const answer = next(context)
    return answer instanceof Promise ? answer.then(finish) : finish(answer)
  }
}

/** Until something further in says otherwise. */
const REJECTED = { name: 'rejected' } as const
