import { staysJson } from './rewriting/index.ts'

const NEVER_JSON = /octet-stream|\.(?:diff|patch|sha|base64)\b|application\/(?:zip|x-gzip|gzip)/i
/** A file where there is one, a field of JSON on the resources that stay JSON. */
const FILE_OR_FIELD = /\.(?:raw|html)\b/i
const TEXT = /text\/(?:plain|html)/i
/** With one of these beside it, `text/html` is what every browser and many HTTP libraries send for JSON too. */
const JSON_TOO = /[/+]json\b|\*\/\*/i

/**
 * Whether a request may be answered with bytes that are not GitHub's own JSON: `raw`, `html`, `diff`, `patch`, `sha`
 * flavours, archives and octet-streams. Such requests keep their `Range`, and an entity tag that the client got from
 * the upstream itself means the same bytes here.
 *
 * @param accept the `Accept` field, lines joined; absent or empty means JSON on every endpoint that has it
 * @param path below the API root
 */
export function asksForRaw(accept: string | undefined, path: string): boolean {
  if (accept === undefined) return false
  if (NEVER_JSON.test(accept)) return true
  if (FILE_OR_FIELD.test(accept)) return !staysJson(path)
  return TEXT.test(accept) && !JSON_TOO.test(accept)
}
