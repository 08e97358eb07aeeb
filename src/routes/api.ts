import { publicPaths, type Upstream, urlRootsOf } from '../github/upstream.ts'
import { type ForwardDependencies, forward } from './forward.ts'

/** `/api/v3` and below: REST, stored, revalidated and rewritten. */
export function apiRoute(dependencies: ForwardDependencies, upstream: Upstream) {
  return forward(dependencies, {
    route: 'api',
    prefix: publicPaths.rest,
    root: upstream.rest,
    roots: urlRootsOf(upstream),
    cacheable: true,
    rewritesBodies: true,
  })
}
