/**
 * The page that all servers of a benchmark send: about 3.8 kB of JSON with 20 URLs of the API, the median of recorded
 * answers.
 *
 * @param root of the upstream, whose URLs stand in it
 */
export function pageOf(root: string): Buffer {
  const parts = ['url', 'followers_url', 'following_url', 'gists_url', 'starred_url', 'subscriptions_url', 'repos_url']
  const owner = Object.fromEntries(parts.map((key) => [key, `${root}/api/v3/users/octocat/${key}`]))
  const repository = Array.from({ length: 13 }, (_, index) => [
    `part${index}_url`,
    `${root}/api/v3/repos/octocat/hello-world/part${index}`,
  ])
  return Buffer.from(
    JSON.stringify({
      id: 1,
      full_name: 'octocat/hello-world',
      owner: { login: 'octocat', ...owner },
      ...Object.fromEntries(repository),
      description: 'x'.repeat(2350),
    }),
  )
}

/** Weak, as GitHub's tags of compressed answers are. */
export const PAGE_TAG = 'W/"a18c3bded8eb2dbb5aba4ddb1dbcd1e4b4a8d4a2c1ba6d5b3c9b1a7e3a9d4e52"'

/** The fields of a real answer, 20 of them. */
export function pageHeaders(isPublic: boolean): string[] {
  return [
    ['server', 'GitHub.com'],
    ['content-type', 'application/json; charset=utf-8'],
    ['cache-control', `${isPublic ? 'public' : 'private'}, max-age=3600, s-maxage=3600`],
    ['vary', 'Accept, Authorization, Cookie, X-GitHub-OTP'],
    ['vary', 'Accept-Encoding, Accept, X-Requested-With'],
    ['etag', PAGE_TAG],
    ['last-modified', 'Fri, 01 Mar 2024 00:00:00 GMT'],
    ['x-github-media-type', 'github.v3; format=json'],
    ['x-github-enterprise-version', 'enterprise-server@3.19.0'],
    ['x-github-request-id', '0680:0001:000001:000007:6B01334A'],
    ['access-control-allow-origin', '*'],
    [
      'access-control-expose-headers',
      'ETag, Link, Location, Retry-After, X-GitHub-OTP, X-OAuth-Scopes, X-Poll-Interval',
    ],
    ['x-frame-options', 'deny'],
    ['x-content-type-options', 'nosniff'],
    ['x-xss-protection', '0'],
    ['referrer-policy', 'origin-when-cross-origin, strict-origin-when-cross-origin'],
    ['content-security-policy', "default-src 'none'"],
  ].flat()
}
