import type { Answer, Pair } from './pair.ts'

/** Fields that depend on who asks, or that describe the body to whoever does, and are to be the upstream's own. */
const SAME = [
  'content-type',
  'content-security-policy',
  'x-github-media-type',
  'x-oauth-scopes',
  'x-accepted-oauth-scopes',
  'last-modified',
  'cache-control',
  'x-poll-interval',
  'link',
  'location',
]

/**
 * Names what a gateway's answer says differently from the sandbox's own to the same caller, addresses apart. Nothing is
 * what every answer must give.
 */
export function differences(
  { gateway, sandbox }: Pick<Pair, 'gateway' | 'sandbox'>,
  answer: Answer,
  own: Answer,
): string[] {
  const moved = [
    [gateway.api, sandbox.urls.api],
    [`${gateway.origin}/api/graphql`, sandbox.urls.graphql],
    [`${gateway.origin}/api/uploads`, sandbox.urls.uploads],
  ] as const
  const escaped = (text: string) => text.replaceAll('/', '\\/')
  const back = (text: string) =>
    moved.reduce((rest, [to, from]) => rest.replaceAll(to, from).replaceAll(escaped(to), escaped(from)), text)
  const found: string[] = []
  if (answer.status !== own.status) found.push(`status ${answer.status} instead of ${own.status}`)
  if (back(answer.text) !== own.text)
    found.push(`body ${answer.text.slice(0, 100)} instead of ${own.text.slice(0, 100)}`)
  for (const name of SAME) {
    const value = back(String(answer.headers[name]))
    if (value !== String(own.headers[name])) found.push(`${name}: ${value} instead of ${own.headers[name]}`)
  }
  return found
}
