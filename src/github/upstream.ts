import { Failure } from '../errors.ts'
import type { UrlRoots } from './rewriting/index.ts'

/** Where one API of the upstream lives. */
export interface ApiRoot {
  /** Scheme, host and port, without a trailing slash. */
  readonly origin: string
  /** Path below which it lives, without a trailing slash; empty for the root. */
  readonly path: string
}

/** The APIs of an upstream that clients reach under `/api/v3`, `/api/graphql` and `/api/uploads`. */
export interface Upstream {
  readonly rest: ApiRoot
  readonly graphql: ApiRoot
  readonly uploads: ApiRoot
}

/**
 * GHES, and any other origin that is laid out like it, has all three under `/api`; api.github.com has REST at its root
 * and uploads on another host (GitHub REST documentation, "Getting started").
 *
 * @param origin the upstream's own origin
 * @param apiPath where REST lives on it: `/api/v3`, `/`, …
 */
export function upstreamAt(
  origin: string,
  apiPath: string,
  profile: 'github-enterprise-server' | 'api.github.com',
): Upstream {
  const rest = { origin, path: apiPath === '/' ? '' : apiPath }
  if (profile === 'api.github.com') {
    return {
      rest,
      graphql: { origin, path: '/graphql' },
      uploads: { origin: 'https://uploads.github.com', path: '' },
    }
  }
  return { rest, graphql: { origin, path: '/api/graphql' }, uploads: { origin, path: '/api/uploads' } }
}

/** The public paths; what clients put behind the gateway's origin. */
export const publicPaths = { rest: '/api/v3', graphql: '/api/graphql', uploads: '/api/uploads' } as const
export type Api = keyof typeof publicPaths

/** Where a request goes: one of the configured origins, and a raw target on it. */
export interface UpstreamAddress {
  readonly origin: string
  readonly target: string
}

/**
 * Puts the upstream address together by concatenation. `new URL('//evil.example/user', upstream)` would leave the
 * upstream, and with it the credential; a string that begins with the origin's own `scheme://host:port` followed by a
 * slash cannot.
 *
 * @param below what follows the API's public path: empty, or begins with `/`
 * @param query raw, without `?`
 * @throws Failure `bad-target` when the result would not lie below the API's root
 */
export function addressOf(root: ApiRoot, below: string, query: string): UpstreamAddress {
  if (below !== '' && !below.startsWith('/')) throw new Failure('bad-target')
  const path = root.path + below
  const target = (path === '' ? '/' : path) + (query === '' ? '' : `?${query}`)
  return { origin: root.origin, target }
}

/** Which of the upstream's URLs point to which public path: the longer root first where one begins with the other. */
export function urlRootsOf(upstream: Upstream): UrlRoots {
  const apis = Object.keys(publicPaths) as Api[]
  const pairs = apis.map((api) => ({ upstream: upstream[api].origin + upstream[api].path, path: publicPaths[api] }))
  return { pairs: pairs.sort((left, right) => right.upstream.length - left.upstream.length) }
}
