import { publicPaths, type Upstream, urlRootsOf } from '../github/upstream.ts'
import { type ForwardDependencies, forward } from './forward.ts'

/** `/api/uploads` and below: passed through; the answers are REST representations and are rewritten as such. */
export function uploadsRoute(dependencies: ForwardDependencies, upstream: Upstream) {
  return forward(dependencies, {
    route: 'uploads',
    prefix: publicPaths.uploads,
    root: upstream.uploads,
    roots: urlRootsOf(upstream),
    cacheable: false,
    rewritesBodies: true,
  })
}
