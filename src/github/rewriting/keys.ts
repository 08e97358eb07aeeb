/**
 * What the keys of GitHub's JSON say about their values. Drawn from the URL fields of the GHES description, of recorded answers
 * and of webhook examples: 210 fields, of which 148 can hold URLs of the API.
 */

/**
 * Fields named like a URL that people or their tools fill in. A client reads them, edits them and sends them back, so a
 * rewritten value would be saved in place of what was typed.
 */
export const PEOPLES_URLS: readonly string[] = [
  'blog_url',
  'callback_url',
  'deployment_callback_url',
  'details_url',
  'environment_url',
  'external_url',
  'homepage_url',
  'hook_url',
  'icon_url',
  'image_url',
  'issuer_url',
  'log_url',
  'logo_url',
  'mirror_url',
  'note_url',
  'origin_url',
  'package_url',
  'payload_url',
  'privacy_policy_url',
  'redirect_url',
  'setup_url',
  'sign_in_url',
  'sign_out_url',
  'source_repository_url',
  'source_url',
  'sso_url',
  'submodule_git_url',
  'support_url',
  'target_url',
  'terms_of_service_url',
  'vcs_url',
  'webhook_url',
  'website_url',
]

/**
 * Fields that hold what people or their tools wrote as JSON: a hook's `config`, a deployment's `payload`, values by
 * self-chosen names. Nothing below them is touched.
 */
export const PEOPLES_VALUES: readonly string[] = [
  'bundle',
  'client_payload',
  'config',
  'config_was',
  'custom_properties',
  'inputs',
  'manifests',
  'metadata',
  'payload',
  'properties',
  'references',
  'sbom',
  'values',
]

/**
 * Fields that are such maps when they hold an object, but GitHub's own records when they hold a list: an organisation's
 * Actions variables are a list in which `selected_repositories_url` is GitHub's.
 */
export const PEOPLES_MAPS: readonly string[] = ['variables']

/** The container whose direct members are all URLs or `{href}`: `_links.self`, `_links.git`. */
export const LINKS = '_links'

/** The container whose own `url` is typed: the OAuth app of an authorization. Its `owner` and other `*_url` are GitHub's. */
export const APP = 'app'

/** Keys longer than this, in bytes as written, are nobody's but people's; GitHub's longest has 43. */
export const LONGEST_KEY = 64

/** The value is a URL that GitHub fills in. */
export const URL_KEY = 1
/** The same, but by its full name and not for its ending. */
export const NAMED_KEY = 2
/** The whole value is people's. */
export const CLOSED = 4
/** The value is people's if it is an object. */
export const CLOSED_MAP = 8
export const LINKS_KEY = 16
export const APP_KEY = 32
/** Exactly `url`. */
export const PLAIN_URL = 64
/** Exactly `payload`: GitHub's own in an event, people's everywhere else. */
export const PAYLOAD_KEY = 128

interface Entry {
  readonly bytes: Uint8Array
  readonly flags: number
}

/** Keys with a meaning of their own, found by length, first and middle byte. */
export interface KeyTable {
  readonly buckets: readonly (readonly Entry[] | undefined)[]
}

export interface KeyLists {
  readonly urls: readonly string[]
  readonly peoplesUrls: readonly string[]
  readonly peoplesValues: readonly string[]
  readonly peoplesMaps: readonly string[]
}

const BUCKETS = 256
const UNDERSCORE = 0x5f
const NO_MEANING = 0
const QUESTION_OF_ENDING = -1

export function keyTable(lists: KeyLists): KeyTable {
  const buckets: Entry[][] = new Array(BUCKETS)
  const add = (key: string, flags: number): void => {
    const bytes = new TextEncoder().encode(key)
    const index = bucketOf(bytes, 0, bytes.length)
    buckets[index] ??= []
    buckets[index].push({ bytes, flags })
  }
  add('url', URL_KEY | PLAIN_URL)
  add('href', URL_KEY)
  add(LINKS, LINKS_KEY)
  add(APP, APP_KEY)
  for (const key of lists.urls) {
    add(key, URL_KEY | NAMED_KEY)
    if (key.includes('/')) add(key.replaceAll('/', '\\/'), URL_KEY | NAMED_KEY)
  }
  for (const key of lists.peoplesUrls) add(key, NO_MEANING)
  for (const key of lists.peoplesValues) add(key, key === 'payload' ? CLOSED | PAYLOAD_KEY : CLOSED)
  for (const key of lists.peoplesMaps) add(key, CLOSED_MAP)
  return { buckets }
}

/**
 * What a key, its bytes as written between the quotes, says about its value: a sum of the flags above.
 *
 * GitHub's own keys need no escapes, so one that has a backslash is people's: `"\u0063onfig"` is not a way around `config`.
 */
export function classifyKey(table: KeyTable, bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length === 0) return NO_MEANING
  if (length > LONGEST_KEY) return CLOSED
  const listed = lookUp(table, bytes, start, end)
  if (listed !== QUESTION_OF_ENDING) return listed
  for (let at = start; at < end; at++) if (bytes[at] === 0x5c) return CLOSED
  // Nothing before the key can be mistaken for a part of it: there stands its opening quote.
  return endsInUrl(bytes, end) || endsInHref(bytes, end) ? URL_KEY : NO_MEANING
}

function lookUp(table: KeyTable, bytes: Uint8Array, start: number, end: number): number {
  const entries = table.buckets[bucketOf(bytes, start, end)]
  if (entries === undefined) return QUESTION_OF_ENDING
  for (const entry of entries) {
    if (entry.bytes.length !== end - start) continue
    let at = 0
    while (at < entry.bytes.length && entry.bytes[at] === bytes[start + at]) at++
    if (at === entry.bytes.length) return entry.flags
  }
  return QUESTION_OF_ENDING
}

function bucketOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  return ((length * 31) ^ (bytes[start]! * 7) ^ (bytes[start + (length >> 1)]! * 3)) & (BUCKETS - 1)
}

/** Written out: it is asked for every URL of a body. */
function endsInUrl(bytes: Uint8Array, end: number): boolean {
  return bytes[end - 1] === 0x6c && bytes[end - 2] === 0x72 && bytes[end - 3] === 0x75 && bytes[end - 4] === UNDERSCORE
}

function endsInHref(bytes: Uint8Array, end: number): boolean {
  if (bytes[end - 1] !== 0x66 || bytes[end - 2] !== 0x65) return false
  return bytes[end - 3] === 0x72 && bytes[end - 4] === 0x68 && bytes[end - 5] === UNDERSCORE
}
