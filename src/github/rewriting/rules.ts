import { type KeyTable, keyTable, PEOPLES_MAPS, PEOPLES_URLS, PEOPLES_VALUES } from './keys.ts'
import { type ResourcePath, resourcePath } from './path.ts'

/** What the keys of one kind of answer mean. Made by `rulesForPath`, read by the scanner. */
export interface RewriteRules {
  readonly name: 'general' | 'nothing' | 'events' | 'gists' | 'scim' | 'analysis'
  readonly keys: KeyTable
  /** `payload` of each element of the top-level list is GitHub's own. */
  readonly eventPayload: boolean
  /** `url`, `href` and keys with such an ending count in the outermost object only. */
  readonly outermostOnly: boolean
}

const generalLists = {
  urls: ['github/alertUrl'],
  peoplesUrls: PEOPLES_URLS,
  peoplesValues: PEOPLES_VALUES,
  peoplesMaps: PEOPLES_MAPS,
}
const general: RewriteRules = {
  name: 'general',
  keys: keyTable(generalLists),
  eventPayload: false,
  outermostOnly: false,
}
const nothing: RewriteRules = { ...general, name: 'nothing' }
const events: RewriteRules = { ...general, name: 'events', eventPayload: true }
/** A gist's `files` are named by people: a file called `_links` would open its `content`. */
const gists: RewriteRules = {
  ...general,
  name: 'gists',
  keys: keyTable({ ...generalLists, peoplesMaps: [...PEOPLES_MAPS, 'files'] }),
}
/** RFC 7643 §3.1: `meta.location` and `$ref` are the server's. Elsewhere `location` is where a user says to live. */
const scim: RewriteRules = {
  ...general,
  name: 'scim',
  keys: keyTable({ ...generalLists, urls: [...generalLists.urls, 'location', '$ref'] }),
}
/**
 * An analysis is GitHub's record or, for `application/sarif+json`, a file that a tool uploaded, to which GitHub added
 * `github/alertUrl` in property bags. In the file nothing but that is GitHub's; in the record all URLs are in the outermost object.
 */
const analysis: RewriteRules = {
  name: 'analysis',
  keys: keyTable({ urls: generalLists.urls, peoplesUrls: PEOPLES_URLS, peoplesValues: [], peoplesMaps: [] }),
  eventPayload: false,
  outermostOnly: true,
}

/**
 * The rules for the answer to an API path (below `/api/v3`, without query).
 *
 * Redirects and errors (`status` 300 and above) are GitHub's own whatever the path: `{"message", "url", "documentation_url"}`.
 */
export function rulesForPath(path: string, status = 200): RewriteRules {
  if (status >= 300) return general
  const resource = resourcePath(path)
  if (isPeoples(resource)) return nothing
  if (isEvents(resource)) return events
  const { scope, rest } = resource
  if (rest[0] === 'gists' && (scope === 'root' || scope === 'user')) return gists
  if (rest[0] === 'scim' && scope === 'root') return scim
  if (scope === 'repository' && rest[0] === 'code-scanning' && rest[1] === 'analyses' && rest[2] !== undefined) {
    return analysis
  }
  return general
}

/** Answers in which even `url` at the top is what somebody typed, or a record of it. */
function isPeoples({ scope, rest }: ResourcePath): boolean {
  const [first, second, third] = rest
  // A hook's configuration on its own, and what was sent to its address: `url` is the hook's.
  if (first === 'hooks' && scope !== 'root') return third === 'config' || third === 'deliveries'
  if (first === 'app' && scope === 'root') return second === 'hook' && (third === 'config' || third === 'deliveries')
  if (first === 'social_accounts') return scope === 'user'
  // Addresses of an organisation's own package registries and of artifacts in them.
  if (first === 'private-registries' || first === 'artifacts') return scope === 'organization'
  // Logs of what was done, settings before and after included.
  if (first === 'audit-log') return scope === 'organization' || scope === 'enterprise'
  return first === 'enterprise' && second === 'audit-log' && scope === 'root'
}

/** The activity API: lists of `{type, actor, repo, payload}`. Issue events and timelines are other resources, without `payload`. */
function isEvents({ scope, rest }: ResourcePath): boolean {
  if (rest[0] !== 'events' && rest[0] !== 'received_events') return false
  return scope === 'user' || rest.length === 1
}
