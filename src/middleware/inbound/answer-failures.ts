import { type Failure, toFailure, toRecord } from '../../errors.ts'
import type { Credential } from '../../github/credential.ts'
import { rateLimitFields, statesRateLimit } from '../../github/rate-limit.ts'
import { cacheStatusOf } from '../../http/cache-status.ts'
import type { OutgoingAnswer, RateLimit } from '../../ports.ts'
import type { Handler, RequestContext } from './context.ts'

/**
 * @param report is told why a request failed, or would have failed without a stale copy: more than its event may hold
 * @param limits the last stated numbers of the budget that a credential's request for a path belongs to
 */
export function answerFailures(
  report: (requestId: string, failure: Failure) => void,
  limits: (credential: Credential, path: string) => RateLimit | undefined,
  next: Handler,
): Handler {
  /** The live numbers of the budget that the request belongs to, unless the failure is about them. */
  function limitFieldsOf({ credential, chargedPath }: RequestContext, failure: Failure): readonly string[] {
    if (credential === undefined || chargedPath === undefined || statesRateLimit(failure.headers)) return NONE
    const stated = limits(credential, chargedPath)
    return stated === undefined ? NONE : rateLimitFields(stated)
  }

  /** Turns whatever was thrown further in into the gateway's own answer. */
  function failed(context: RequestContext, thrown: unknown): OutgoingAnswer {
    const failure = toFailure(thrown)
    context.failure = failure.tag
    context.outcome = context.use.requests > 0 ? FAILED : REJECTED
    report(context.requestId, failure)
    const { status, headers, body } = toRecord(failure)
    const { method } = context.inbound
    const isCacheable = context.route === 'api' && (method === 'GET' || method === 'HEAD')
    const cacheStatus = isCacheable ? cacheStatusOf(context.outcome, status) : undefined
    const added = cacheStatus === undefined ? [] : ['cache-status', cacheStatus]
    return {
      status,
      headers: [...headers, ...limitFieldsOf(context, failure), ...added, 'x-request-id', context.requestId],
      body,
    }
  }

  return function answered(context) {
    try {
      const answer = next(context)
      if (!(answer instanceof Promise)) return answer
      return answer.then(
        (done) => {
          const { covered } = context.outcome
          if (covered !== undefined) report(context.requestId, covered)
          return done
        },
        (thrown: unknown) => failed(context, thrown),
      )
    } catch (thrown) {
      return failed(context, thrown)
    }
  }
}

const NONE: readonly string[] = []
const FAILED = { name: 'failed' } as const
const REJECTED = { name: 'rejected' } as const
