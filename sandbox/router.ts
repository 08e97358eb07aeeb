import type { Handler } from './exchange.ts'

/** One endpoint. */
export interface Route {
  method: string
  /** `/repos/:owner/:repo/contents/*path`: `:name` takes a segment, `*name` all that is left, which may be empty. */
  pattern: string
  handler: Handler
  /** The answer depends on the world, the caller, the target and `Accept` alone, so its bytes may be kept. */
  kept: boolean
}

/** A GET route whose rendered answer may be kept until the world changes. */
export function get(pattern: string, handler: Handler): Route {
  return { method: 'GET', pattern, handler, kept: true }
}

/** Any other route: one that writes, counts, or depends on time or on limits. */
export function live(method: string, pattern: string, handler: Handler): Route {
  return { method, pattern, handler, kept: false }
}

/** Finds the route for a path. Every segment is compared decoded, after splitting at the raw slashes. */
export class Router {
  private readonly routes = new Map<string, { route: Route; parts: string[]; open: boolean }[]>()

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const parts = route.pattern.split('/').slice(1)
      const open = parts.at(-1)?.startsWith('*') === true
      // Grouped by what nearly always differs first, so that a search looks at a few routes and not at all of them.
      const key = `${route.method} ${parts[0]}`
      this.routes.set(key, [...(this.routes.get(key) ?? []), { route, parts, open }])
    }
  }

  /** @param segments decoded, without the leading empty one */
  find(method: string, segments: readonly string[]): { route: Route; params: Record<string, string> } | null {
    for (const { route, parts, open } of this.routes.get(`${method} ${segments[0] ?? ''}`) ?? []) {
      if (open ? segments.length < parts.length : segments.length !== parts.length) continue
      const params: Record<string, string> = {}
      const fits = parts.every((part, index) => {
        const segment = segments[index] ?? ''
        if (part.startsWith('*')) params[part.slice(1)] = segments.slice(index).join('/')
        else if (!part.startsWith(':')) return part === segment
        else params[part.slice(1)] = segment
        return part.startsWith('*') || segment !== ''
      })
      if (fits) return { route, params }
    }
    return null
  }
}
