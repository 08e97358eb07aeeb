import type { MiddlewareHandler } from 'hono'
import { headerValue } from '../../http/headers.ts'
import { acceptRequestId } from '../../http/request-id.ts'
import type { Clock, Delivery, Telemetry } from '../../ports.ts'
import type { Environment, RequestContext } from './context.ts'

export interface EventOptions {
  readonly telemetry: Telemetry
  readonly clock: Clock
  readonly newRequestId: () => string
}

/**
 * Names the request and, when its answer has been handed over, records the one event of it. Outermost, so that refusals
 * of everything further in are recorded too. There is no `try` around `next()`: Hono hands errors to `onError` and never
 * rejects here.
 */
export function event({ telemetry, clock, newRequestId }: EventOptions): MiddlewareHandler<Environment> {
  return async function recordEvent(c, next) {
    const { inbound } = c.env
    const startedAt = clock.elapsed()
    const context: RequestContext = {
      requestId: acceptRequestId(headerValue(inbound.headers, 'x-request-id')) ?? newRequestId(),
      use: { requests: 0, cost: 0, milliseconds: 0 },
      route: 'unknown',
      target: undefined,
      client: undefined,
      publicOrigin: '',
      credential: undefined,
      outcome: { name: 'rejected' },
      failure: undefined,
      status: 0,
      delivered: undefined,
    }
    c.set('context', context)
    await next()

    const finish = (delivery: Delivery): void => {
      telemetry.record({
        requestId: context.requestId,
        method: inbound.method,
        route: context.route,
        path: context.target?.path,
        status: context.status,
        outcome: context.outcome.name,
        detail: context.outcome.detail,
        failure: context.failure,
        upstream: context.use,
        milliseconds: clock.elapsed() - startedAt,
        bytes: delivery.bytes,
        aborted: delivery.aborted,
        credential: context.credential?.isAnonymous === false ? context.credential.fingerprint : undefined,
        address: context.client?.address ?? inbound.peerAddress,
      })
    }
    const { delivered } = context
    if (delivered instanceof Promise) void delivered.then(finish)
    else finish(delivered ?? { bytes: 0, aborted: true })
  }
}
