import { Failure } from '../../errors.ts'
import { resolveClient } from '../../http/forwarded.ts'
import type { NetworkMatcher } from '../../http/networks.ts'
import { parseTarget } from '../../http/target.ts'
import type { Handler } from './context.ts'

export interface IdentifyOptions {
  readonly isTrustedProxy: NetworkMatcher
  /** The configured public origin; without it, what the request itself says. */
  readonly publicOrigin: string | undefined
  /** For requests that name no usable host (HTTP/1.0). */
  readonly fallbackHost: string
}

/** Works out what is asked, who really asks, and under which name they know this gateway. */
export function identify(options: IdentifyOptions, next: Handler): Handler {
  return function identified(context) {
    const { inbound } = context
    context.client = resolveClient(inbound, options.isTrustedProxy, options.fallbackHost)
    context.publicOrigin = options.publicOrigin ?? `${context.client.scheme}://${context.client.host}`
    context.target = parseTarget(inbound.target)
    // TRACE would hand a page the credential that the browser attached; CONNECT asks for another kind of proxy.
    if (inbound.method === 'TRACE' || inbound.method === 'CONNECT') {
      throw new Failure('method-not-allowed', { headers: ['allow', 'GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS'] })
    }
    return next(context)
  }
}
