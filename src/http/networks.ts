import ipaddr from 'ipaddr.js'

/** Whether an IP address (as a socket reports it: IPv4, IPv6, IPv4-mapped, with or without a zone) is in the networks. */
export type NetworkMatcher = (address: string) => boolean

/** One network; `prefix` is the number of leading bits that its addresses share. IPv4-mapped networks are held as IPv4. */
export interface Network {
  readonly address: ipaddr.IPv4 | ipaddr.IPv6
  readonly prefix: number
}

/** Why a text is not a network; the message continues a sentence whose subject is the text. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
}

const mappedPrefix = 96

/**
 * Reads an IP address without its zone; an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) becomes IPv4, for that is how a
 * dual-stack socket shows an IPv4 client. Only the usual four decimal parts are IPv4: `010.1` means other addresses elsewhere.
 */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  if (!text.includes(':')) return undefined
  const zone = text.indexOf('%')
  const bare = zone === -1 ? text : text.slice(0, zone)
  const embedded = bare.slice(bare.lastIndexOf(':') + 1)
  if (embedded.includes('.') && !ipaddr.IPv4.isValidFourPartDecimal(embedded)) return undefined
  if (!ipaddr.IPv6.isValid(bare)) return undefined
  const address = ipaddr.IPv6.parse(bare)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

/** Whether the text is one IP address, with or without a zone. */
export function isAddress(text: string): boolean {
  return parseAddress(text) !== undefined
}

/**
 * Reads a network in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3), or a single address.
 * Throws NetworkError, also when bits after the prefix are set: `10.1.2.3/8` is more often a slip than meant, and it would trust
 * sixteen million addresses.
 */
export function parseNetwork(text: string): Network {
  const slash = text.indexOf('/')
  const addressText = slash === -1 ? text : text.slice(0, slash)
  const address = addressText.includes('%') ? undefined : parseAddress(addressText)
  if (address === undefined) throw new NetworkError('is not an IP address or network')
  const bits = address.kind() === 'ipv4' ? 32 : 128
  if (slash === -1) return { address, prefix: bits }

  const prefixText = text.slice(slash + 1)
  const offset = bits === 32 && addressText.includes(':') ? mappedPrefix : 0
  const prefix = /^(?:0|[1-9]\d{0,2})$/.test(prefixText) ? Number(prefixText) - offset : -1
  if (prefix < 0 || prefix > bits) {
    throw new NetworkError(`has a prefix length that is not a number from ${offset} to ${bits + offset}`)
  }
  const network = { address: withoutHostBits(address, prefix), prefix }
  if (network.address.toString() !== address.toString()) {
    throw new NetworkError(`has bits set after its prefix (the network would be ${formatNetwork(network)})`)
  }
  return network
}

function withoutHostBits(address: ipaddr.IPv4 | ipaddr.IPv6, prefix: number): ipaddr.IPv4 | ipaddr.IPv6 {
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefix - 8 * index))
    return byte & (0xff << (8 - kept))
  })
  return ipaddr.fromByteArray(bytes)
}

/** The network in CIDR notation, addresses in their canonical form (RFC 5952). */
export function formatNetwork({ address, prefix }: Network): string {
  return `${address.toString()}/${prefix}`
}

/** Longest text looked at: 45 characters of IPv6 and a zone. */
const longestAddress = 64

/** Answers remembered per matcher: reading an IPv6 address takes 15 µs, and few addresses send nearly all requests. */
const mostRemembered = 1024

/** A matcher for any of the networks; whatever is not an IP address is in none. `::/0` covers IPv6 only. */
export function matchNetworks(networks: readonly Network[]): NetworkMatcher {
  if (networks.length === 0) return () => false
  const remembered = new Map<string, boolean>()
  return (text) => {
    if (text.length > longestAddress) return false
    const known = remembered.get(text)
    if (known !== undefined) return known
    const address = parseAddress(text)
    const matches = address !== undefined && networks.some((network) => contains(network, address))
    if (remembered.size >= mostRemembered) remembered.clear()
    remembered.set(text, matches)
    return matches
  }
}

function contains(network: Network, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return network.address.kind() === address.kind() && address.match(network.address, network.prefix)
}

/**
 * Reads a comma-separated list of networks and addresses. Throws NetworkError, which counts to the entry that is wrong and does not
 * repeat it: whoever shows the text decides how much of it may be shown.
 */
export function parseNetworks(text: string): NetworkMatcher {
  return matchNetworks(
    text.split(',').map((entry, index) => {
      try {
        return parseNetwork(entry.trim())
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error
        throw new NetworkError(`entry ${index + 1} ${error.message}`)
      }
    }),
  )
}
