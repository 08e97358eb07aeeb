/**
 * Whether a request may be answered with bytes that are not GitHub's own JSON: `raw`, `html`, `diff`, `patch`, `sha`
 * flavours, archives and octet-streams. Such requests keep their `Range`, and an entity tag that the client got from
 * the upstream itself means the same bytes here.
 *
 * @param accept the `Accept` field; absent or empty means JSON on every endpoint that has it
 */
export function asksForRaw(accept: string | undefined): boolean {
  if (accept === undefined) return false
  return /octet-stream|\.(?:raw|html|diff|patch|sha|base64)\b|application\/(?:zip|x-gzip|gzip)|text\/(?:plain|html)/i.test(
    accept,
  )
}
