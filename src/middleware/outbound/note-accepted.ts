import { headerValue } from '../../http/headers.ts'
import type { AcceptedCredentials } from '../../ports.ts'
import type { Attempt } from './exchange.ts'

/**
 * Notes from every answer whether the upstream accepts the credential: what somebody merely claims to be must not change
 * what anybody else gets. Refusals other than 401 say nothing, for a valid token meets 403 and 404 as well.
 */
export function noteAccepted(accepted: AcceptedCredentials, next: Attempt): Attempt {
  return async function noted(question, compose) {
    const response = await next(question, compose)
    // A preflight is answered before anybody looks at the credential.
    if (question.method === 'OPTIONS') return response
    const { fingerprint, isAnonymous } = question.credential
    // Fields and parameters that the upstream may not read at all make nobody known to it: it answers as to the anonymous.
    if (isAnonymous || headerValue(question.headers, 'authorization') === undefined) return response
    if (response.status === 401) accepted.remove(fingerprint)
    else if (response.status < 300 || response.status === 304) accepted.add(fingerprint)
    return response
  }
}
