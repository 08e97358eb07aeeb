import { type Failure, toFailure, toRecord } from '../../errors.ts'
import { cacheStatusOf } from '../../http/cache-status.ts'
import type { OutgoingAnswer } from '../../ports.ts'
import type { Handler, RequestContext } from './context.ts'

/**
 * @param report is told why a request failed, or would have failed without a stale copy: more than its event may hold
 */
export function answerFailures(report: (requestId: string, failure: Failure) => void, next: Handler): Handler {
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
    return { status, headers: [...headers, ...added, 'x-request-id', context.requestId], body }
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

const FAILED = { name: 'failed' } as const
const REJECTED = { name: 'rejected' } as const
