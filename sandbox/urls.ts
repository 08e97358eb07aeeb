/** The addresses that answers are built from. None ends in a slash. */
export interface Urls {
  /** What web pages, avatars and clone URLs stand under. */
  readonly web: string
  /** Root of the REST API, such as `http://127.0.0.1:1234/api/v3`. */
  readonly api: string
  readonly graphql: string
  readonly uploads: string
  /** Where archives and signed downloads live: another origin. */
  readonly codeload: string
  readonly manage: string
  /** Host and port, for `git://` URLs. */
  readonly host: string
  /** Host alone, for `git@` URLs. */
  readonly hostname: string
}

/** Where the three APIs stand below an origin. */
export interface ApiPaths {
  /** `/api/v3`; empty for REST at the root, as on api.github.com. */
  rest: string
  graphql: string
  uploads: string
}

export const GHES_PATHS: ApiPaths = { rest: '/api/v3', graphql: '/api/graphql', uploads: '/api/uploads' }

/** The addresses for a sandbox that listens on these origins. */
export function makeUrls(origin: string, codeload: string, manage: string, paths: ApiPaths): Urls {
  const { host, hostname } = new URL(origin)
  return {
    web: origin,
    api: origin + paths.rest,
    graphql: origin + paths.graphql,
    uploads: origin + paths.uploads,
    codeload,
    manage,
    host,
    hostname,
  }
}

/** The page of GitHub's documentation that error messages point to. */
export function documentation(version: string, anchor = ''): string {
  const series = version.split('.').slice(0, 2).join('.')
  return `https://docs.github.com/enterprise-server@${series}/rest${anchor}`
}
