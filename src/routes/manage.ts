import { Failure } from '../errors.ts'
import type { Handler } from '../middleware/inbound/context.ts'
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
): Handler {
  const passThrough =
    origin === undefined
      ? undefined
      : forward(dependencies, {
          route: 'manage',
          prefix: PREFIX,
          root: { origin, path: PREFIX },
          roots: { pairs: [{ upstream: origin + PREFIX, path: PREFIX }] },
          cacheable: false,
          rewritesBodies: false,
        })
  return function managed(context) {
    context.route = 'manage'
    if (passThrough === undefined) throw new Failure('not-found')
    refuseStrangersToManage(context.inbound.headers, context.client!, guard)
    return passThrough(context)
  }
}
