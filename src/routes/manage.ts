import type { Context } from 'hono'
import { Failure } from '../errors.ts'
import type { Environment } from '../middleware/inbound/context.ts'
import { type ManageGuardOptions, refuseStrangersToManage } from '../middleware/inbound/manage-guard.ts'
import { type ForwardDependencies, forward } from './forward.ts'

/** Public path of the Manage API, the same as upstream. */
const PREFIX = '/manage'

/**
 * `/manage` and below: passed through to the management port and never stored. Redirects within that port point here, so
 * a client never needs to know the port.
 *
 * @param origin of the management port; `undefined`: switched off, and not found
 */
export function manageRoute(
  dependencies: ForwardDependencies,
  origin: string | undefined,
  guard: ManageGuardOptions,
): (c: Context<Environment>) => Promise<Response> {
  if (origin === undefined) {
    return async (c) => {
      c.get('context').route = 'manage'
      throw new Failure('not-found')
    }
  }
  const passThrough = forward(dependencies, {
    route: 'manage',
    prefix: PREFIX,
    root: { origin, path: PREFIX },
    roots: { pairs: [{ upstream: origin + PREFIX, path: PREFIX }] },
    cacheable: false,
    rewritesBodies: false,
  })
  return async function managed(c) {
    c.get('context').route = 'manage'
    refuseStrangersToManage(c.env.inbound.headers, c.get('context').client!, guard)
    return passThrough(c)
  }
}
