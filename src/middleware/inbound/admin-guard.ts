import { carriesForwarding, isLoopbackAddress, parseHost, peerAddressOf } from '../../http/forwarded.ts'
import { countHeader, headerValue } from '../../http/headers.ts'
import type { Digest, HeaderList } from '../../ports.ts'

export interface AdminGuardOptions {
  /** `adminTokenFingerprint` of the configured token; `undefined`: there is none and only loopback gets in. */
  readonly adminToken: string | undefined
  readonly digest: Digest
  /** Whether a host (`name` or `name:port`, lower case) is the configured public one. */
  readonly knownHosts: (host: string) => boolean
}

/** What is kept of the admin token, and what a presented one is compared with. */
export function adminTokenFingerprint(token: string, digest: Digest): string {
  return digest.fingerprint(`admin token\n${token}`)
}

/**
 * Who may use `/_weir/*` other than the health pages. Either of the two is enough, also where a token is configured, so
 * that an operator on the machine needs no secret:
 *
 * - `Authorization: Bearer` with the admin token, from anywhere. Compared by keyed fingerprints: how long the comparison
 *   takes depends on bytes that nobody outside can choose or predict.
 * - a direct loopback request: the peer is this machine, no field speaks of a proxy in between, and `Host` names this
 *   machine (any port) or the public URL. Without the check of `Host` any web page could read these pages through the
 *   operator's browser, by letting its own name resolve to 127.0.0.1 (DNS rebinding).
 *
 * A request that a browser makes for another site's page is refused in both cases (Fetch Metadata, `Sec-Fetch-Site`).
 *
 * A proxy on this machine that adds none of the forwarding fields cannot be told from a person on this machine: it has
 * to add `X-Forwarded-For`, or keep `/_weir/` to itself.
 */
export function mayAdminister(
  request: { readonly headers: HeaderList; readonly peerAddress: string },
  options: AdminGuardOptions,
): 'yes' | 'unauthorized' {
  const { headers } = request
  if (isForAnotherSite(headers)) return 'unauthorized'
  if (presentsToken(headers, options) || isDirectLoopback(request, options)) return 'yes'
  return 'unauthorized'
}

/** `same-origin` is this gateway's own page, `none` an address that the user typed; every other value is somebody else. */
function isForAnotherSite(headers: HeaderList): boolean {
  if (countHeader(headers, 'sec-fetch-site') > 1) return true
  const site = headerValue(headers, 'sec-fetch-site')
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

function presentsToken(headers: HeaderList, { adminToken, digest }: AdminGuardOptions): boolean {
  if (adminToken === undefined || countHeader(headers, 'authorization') !== 1) return false
  const match = /^bearer +(\S+) *$/i.exec(headerValue(headers, 'authorization') as string)
  return match !== null && adminTokenFingerprint(match[1] as string, digest) === adminToken
}

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]'])

function isDirectLoopback(
  { headers, peerAddress }: { readonly headers: HeaderList; readonly peerAddress: string },
  { knownHosts }: AdminGuardOptions,
): boolean {
  if (!isLoopbackAddress(peerAddressOf(peerAddress)) || carriesForwarding(headers)) return false
  if (countHeader(headers, 'host') !== 1) return false
  const host = parseHost(headerValue(headers, 'host') as string)
  if (host === undefined) return false
  return LOOPBACK_NAMES.has(host.name) || knownHosts(host.port === undefined ? host.name : `${host.name}:${host.port}`)
}
