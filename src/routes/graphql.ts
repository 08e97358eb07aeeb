import { publicPaths, type Upstream, urlRootsOf } from '../github/upstream.ts'
import { type ForwardDependencies, forward } from './forward.ts'

/** `/api/graphql`: passed through. The names in its answers are the client's own choice, so no body is rewritten. */
export function graphqlRoute(dependencies: ForwardDependencies, upstream: Upstream) {
  return forward(dependencies, {
    route: 'graphql',
    prefix: publicPaths.graphql,
    root: upstream.graphql,
    roots: urlRootsOf(upstream),
    cacheable: false,
    rewritesBodies: false,
    rulePath: '/graphql',
  })
}
