/** An API path taken apart: whose it is, and what of theirs is asked for. */
export interface ResourcePath {
  readonly scope: 'repository' | 'network' | 'organization' | 'team' | 'user' | 'enterprise' | 'root'
  /** Decoded segments below the scope: `/repos/o/r/hooks/1/config` → `hooks`, `1`, `config`. */
  readonly rest: readonly string[]
}

/**
 * Splits an API path (below `/api/v3`, without query). By position, not by search: a repository may be called `events`.
 * Segments are decoded as the upstream decodes them, so that `/%68ooks/1/config` is not mistaken for something harmless;
 * also the forms by number, to which GitHub redirects (`/repositories/{id}/…`).
 */
export function resourcePath(path: string): ResourcePath {
  const segments = path.split('/').filter((segment) => segment !== '')
  const decoded = segments.map(decode)
  const below = (scope: ResourcePath['scope'], count: number): ResourcePath => ({ scope, rest: decoded.slice(count) })
  switch (decoded[0]) {
    case 'repos':
      return below('repository', 3)
    case 'repositories':
      return below('repository', 2)
    case 'networks':
      return below('network', 3)
    case 'orgs':
    case 'organizations':
      return decoded[2] === 'teams' || decoded[2] === 'team' ? below('team', 4) : below('organization', 2)
    case 'teams':
      return below('team', 2)
    case 'users':
      return below('user', 2)
    case 'user':
      return below('user', /^\d+$/.test(decoded[1] ?? '') ? 2 : 1)
    case 'enterprises':
      return below('enterprise', 2)
    default:
      return below('root', 0)
  }
}

/** The kind of route that a path belongs to: whose, and the names at even positions, where resources stand. */
export function routeShape(path: string): string {
  const { scope, rest } = resourcePath(path)
  return `${scope}/${rest[0] ?? ''}/${rest.length > 2 ? rest[2] : ''}/${rest.length}`
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
