/** What stands in for a secret. */
const HIDDEN = '[hidden]'

/** Longer paths are cut: what tells them apart is in front, and one request must not fill a log. Characters. */
const MAX_LENGTH = 1024

/**
 * Operations that take a secret as a path segment:
 * `/applications/{client_id}/tokens/{access_token}` and `…/grants/{access_token}` (GitHub, "OAuth Authorizations"), and
 * `/app-manifests/{code}/conversions` (GitHub, "Apps"), whose code is worth the private key of the new app.
 */
const SECRET_SEGMENTS = [
  /^((?:\/+api\/+v3)?\/+applications\/+[^/]+\/+[^/]+\/+).+$/i,
  /^((?:\/+api\/+v3)?\/+app-manifests\/+)[^/]+/i,
]

/** GitHub's tokens by their own prefixes, wherever somebody put one. */
const TOKEN = /gh[a-z]_[A-Za-z0-9_]{10,}|github_pat_[A-Za-z0-9_]{10,}/g

/** One native search tells almost every path apart from those that need a closer look; an escape may hide any word. */
const SUSPICIOUS = /\/applications\/|\/app-manifests\/|gh[a-z]_|github_pat_|[%\\]|[^\x21-\x7e]/i

/**
 * A raw path (no query) made fit for logs: secrets replaced by `[hidden]`, everything outside printable ASCII
 * percent-encoded (HTTP lets characters through that a terminal obeys), cut after 1024 characters.
 */
export function loggablePath(path: string): string {
  const shown = SUSPICIOUS.test(path) ? withoutSecrets(path) : path
  return shown.length > MAX_LENGTH ? `${shown.slice(0, MAX_LENGTH)}...` : shown
}

function withoutSecrets(path: string): string {
  const shown = hideIn(path).replace(/[^\x21-\x7e]/g, percentEncoded)
  // Spelt with escapes it is still the same operation to a server that decodes first. Nobody needs to read such a path.
  const plain = decode(shown)
  return plain !== shown && hideIn(plain) !== plain ? `/${HIDDEN}` : shown
}

function hideIn(path: string): string {
  let shown = path
  for (const secret of SECRET_SEGMENTS) shown = shown.replace(secret, `$1${HIDDEN}`)
  return shown.replace(TOKEN, HIDDEN)
}

function decode(path: string): string {
  return path
    .replace(/%(?:25)+/g, '%')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll('\\', '/')
}

/** Targets arrive as bytes, one character each; anything beyond a byte cannot have been in one. */
function percentEncoded(character: string): string {
  const code = character.charCodeAt(0)
  return code > 0xff ? '?' : `%${code.toString(16).toUpperCase().padStart(2, '0')}`
}
