/**
 * Where URLs of the upstream live, and where they must point instead.
 *
 * `upstream` is an absolute URL without a trailing slash, spelt as the upstream prints it (`https://ghe.example.com/api/v3`);
 * `path` is the path on the gateway that serves it (`/api/v3`). The pairs are tried in the order given, so a root that is a
 * prefix of another comes after it: for api.github.com `https://api.github.com/graphql` first, `https://api.github.com` last.
 */
export interface UrlRoots {
  readonly pairs: readonly { readonly upstream: string; readonly path: string }[]
}

/** The roots as bytes, for comparing with JSON as it came. */
export interface RootBytes {
  readonly pairs: readonly { readonly upstream: Uint8Array; readonly path: Uint8Array }[]
  /** What all upstream roots begin with; compared once, so that a web page's URL is not compared with every root. */
  readonly common: Uint8Array
  readonly paths: readonly string[]
}

const SLASH = 0x2f
const BACKSLASH = 0x5c
const QUOTE = 0x22

/** Packed result of `matchRoot`: no allocation per string. */
export const NO_MATCH = 0
export const RAN_OUT = -1

const compiled = new WeakMap<UrlRoots, RootBytes>()

/** Encodes the roots, once for each object. Throws `RangeError` on roots beyond any use. */
export function rootBytes(roots: UrlRoots): RootBytes {
  const known = compiled.get(roots)
  if (known !== undefined) return known
  // Places are kept in 8 and 16 bits.
  if (roots.pairs.length > 127 || roots.pairs.some(({ upstream, path }) => upstream.length + path.length > 8192)) {
    throw new RangeError('more than 127 URL roots, or one longer than 8192 bytes')
  }
  const encoder = new TextEncoder()
  const pairs = roots.pairs.map(({ upstream, path }) => ({
    upstream: encoder.encode(upstream),
    path: encoder.encode(path),
  }))
  const first = pairs[0]?.upstream ?? new Uint8Array(0)
  let shared = first.length
  for (const { upstream } of pairs) {
    let length = 0
    while (length < shared && upstream[length] === first[length]) length++
    shared = length
  }
  const result: RootBytes = { pairs, common: first.slice(0, shared), paths: roots.pairs.map(({ path }) => path) }
  compiled.set(roots, result)
  return result
}

/**
 * Compares a JSON string, from the byte after its opening quote, with the roots.
 *
 * A slash may be written `\/`. Returns `NO_MATCH`; `RAN_OUT` when the bytes end before that can be told; else
 * `length × 256 + pair × 2 + escaped`, where `length` is how many bytes of the body are to be replaced.
 */
export function matchRoot(roots: RootBytes, bytes: Uint8Array, start: number): number {
  let from = compare(bytes, start, roots.common, 0)
  if (from <= 0) return from
  from -= 1
  let result = NO_MATCH
  for (let pair = 0; pair < roots.pairs.length; pair++) {
    const root = roots.pairs[pair]!
    const after = compare(bytes, from, root.upstream, roots.common.length)
    if (after === NO_MATCH) continue
    // The order of the roots decides, so a later one must not be taken while an earlier one is still possible.
    if (after === RAN_OUT) return RAN_OUT
    let end = after - 1
    const boundary = atBoundary(bytes, end)
    if (boundary === NO_MATCH) continue
    if (boundary === RAN_OUT) return RAN_OUT
    // An upstream that already prints the gateway's path below its root: the path is replaced too, or it would be doubled.
    const doubled = compare(bytes, end, root.path, 0)
    if (doubled === RAN_OUT) return RAN_OUT
    if (doubled > 0 && root.path.length > 0) {
      const closing = atBoundary(bytes, doubled - 1)
      if (closing === RAN_OUT) return RAN_OUT
      if (closing > 0) end = doubled - 1
    }
    result = (end - start) * 256 + pair * 2 + (hasEscape(bytes, start, end) ? 1 : 0)
    break
  }
  return result
}

/** Returns the position after the match plus one, NO_MATCH or RAN_OUT. `skip` bytes of `root` are taken as compared. */
function compare(bytes: Uint8Array, start: number, root: Uint8Array, skip: number): number {
  let at = start
  for (let i = skip; i < root.length; i++) {
    if (at >= bytes.length) return RAN_OUT
    const wanted = root[i]
    if (bytes[at] !== wanted) {
      if (wanted !== SLASH || bytes[at] !== BACKSLASH) return NO_MATCH
      at++
      if (at >= bytes.length) return RAN_OUT
      if (bytes[at] !== SLASH) return NO_MATCH
    }
    at++
  }
  return at + 1
}

/** Whether a URL may be cut here: 1, NO_MATCH or RAN_OUT. `https://ghe/api/v30` and `https://ghe.evil` are not below the root. */
function atBoundary(bytes: Uint8Array, at: number): number {
  if (at >= bytes.length) return RAN_OUT
  const byte = bytes[at]!
  if (byte === BACKSLASH) {
    if (at + 1 >= bytes.length) return RAN_OUT
    return bytes[at + 1] === SLASH ? 1 : NO_MATCH
  }
  return byte === QUOTE || isBoundary(byte) ? 1 : NO_MATCH
}

function hasEscape(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === BACKSLASH) return true
  return false
}

/** `/`, `?`, `#`, and `{`, with which an RFC 6570 template begins. */
function isBoundary(code: number): boolean {
  return code === SLASH || code === 0x3f || code === 0x23 || code === 0x7b
}

/**
 * One URL outside JSON, as in `Location`: with its upstream root replaced by `publicOrigin` (scheme, host and port, no slash at
 * the end) and the gateway's path, or the same string if it is not under a root. What follows the root, query included, stays.
 */
export function rewriteUrl(url: string, roots: UrlRoots, publicOrigin: string): string {
  for (const { upstream, path } of roots.pairs) {
    if (!url.startsWith(upstream)) continue
    const rest = url.slice(upstream.length)
    if (rest !== '' && !isBoundary(rest.charCodeAt(0))) continue
    const doubled = rest.startsWith(path) && (rest.length === path.length || isBoundary(rest.charCodeAt(path.length)))
    return publicOrigin + (doubled ? rest : path + rest)
  }
  return url
}
