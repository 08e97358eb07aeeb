import { Failure } from '../../errors.ts'
import { parseHost, type ResolvedClient } from '../../http/forwarded.ts'
import { headerValue } from '../../http/headers.ts'
import { isAddress, type NetworkMatcher } from '../../http/networks.ts'
import type { HeaderList } from '../../ports.ts'

export interface ManageGuardOptions {
  readonly allows: NetworkMatcher
  /** The configured public origin; its host is known beside addresses and localhost. */
  readonly publicOrigin: string | undefined
}

/**
 * Who may use `/manage`, which holds an instance's root password: clients in the allowed networks, by their real
 * address. A browser is refused where another site's page makes the request, and where the host is a name that nobody
 * configured, because such a name may have been pointed at this machine by that page (DNS rebinding).
 *
 * @throws Failure `forbidden`
 */
export function refuseStrangersToManage(
  headers: HeaderList,
  client: ResolvedClient,
  options: ManageGuardOptions,
): void {
  // An unverified chain of proxies could stand for anybody: no address of it exempts.
  if (client.forwardedByUntrusted || !options.allows(client.address)) {
    throw new Failure('forbidden', { detail: 'this address may not use the Manage API' })
  }
  const site = headerValue(headers, 'sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new Failure('forbidden', { detail: "other sites' pages may not use the Manage API" })
  }
  if (!isKnownHost(client.host, options.publicOrigin)) {
    throw new Failure('forbidden', { detail: 'unknown host' })
  }
}

function isKnownHost(host: string, publicOrigin: string | undefined): boolean {
  const name = parseHost(host)?.name
  if (name === undefined) return false
  if (name === 'localhost' || isAddress(name.replace(/^\[|\]$/g, ''))) return true
  return publicOrigin !== undefined && parseHost(new URL(publicOrigin).host)?.name === name
}
