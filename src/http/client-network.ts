import ipaddr from 'ipaddr.js'
import { NetworkError, parseNetwork } from './networks.ts'

/**
 * What one client may be taken to have of the address space: an IPv4 address itself, of an IPv6 address its network of 64
 * bits, such as `2001:db8:1:2::/64`. A host chooses the other half of its IPv6 address by itself, and changes it as often as
 * it likes (RFC 8981), so one that is told apart by the whole of it could be as many clients as it wants.
 *
 * @param address without a zone, IPv4-mapped as IPv4 (forwarded.ts); what is no address is given back as it is
 */
export function clientNetworkOf(address: string): string {
  if (!address.includes(':')) return address
  const parsed = ipv6Of(address)
  if (parsed === undefined) return address
  return `${new ipaddr.IPv6([...parsed.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`
}

function ipv6Of(text: string): ipaddr.IPv6 | undefined {
  try {
    const { address } = parseNetwork(text)
    return address instanceof ipaddr.IPv6 ? address : undefined
  } catch (error) {
    if (error instanceof NetworkError) return undefined
    throw error
  }
}
