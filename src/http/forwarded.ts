import ipaddr from 'ipaddr.js'
import type { HeaderList } from '../ports.ts'
import { countHeader, headerValue, joinedHeader } from './headers.ts'
import { isAddress, type NetworkMatcher } from './networks.ts'

/** Who really asks, and under which name they know this gateway. */
export interface ResolvedClient {
  /** The client's address in its canonical form: IPv4-mapped as IPv4, without port or zone. */
  readonly address: string
  readonly scheme: 'http' | 'https'
  /** `host` or `host:port`, lower case, without the scheme's default port. */
  readonly host: string
  /**
   * The request claims to come from somebody else and nobody trusted vouches for who that is. `address` is then only the
   * nearest address that is certain, and must not exempt the request from anything: behind a proxy on this machine it is
   * loopback for the whole world.
   */
  readonly forwardedByUntrusted: boolean
}

/** Proxies further away than this are not looked for; no honest chain is that long. */
const MAX_HOPS = 32

const FORWARDING_FIELDS = new Set([
  'cf-connecting-ip',
  'client-ip',
  'fastly-client-ip',
  'forwarded',
  'forwarded-for',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-original-forwarded-for',
  'x-original-host',
  'x-real-ip',
])

/** Whether any field says that the request went through a proxy, whether that is true or made up. */
export function carriesForwarding(headers: HeaderList): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (name.startsWith('x-forwarded') || FORWARDING_FIELDS.has(name)) return true
  }
  return false
}

/**
 * The address of a connection's peer in the form in which addresses are compared: no zone, IPv4-mapped as IPv4. A socket
 * reports addresses in one spelling only (RFC 5952), so nothing is parsed: that would cost 20 µs for each request that
 * comes over IPv6.
 */
export function peerAddressOf(reported: string): string {
  const zone = reported.indexOf('%')
  const bare = zone === -1 ? reported : reported.slice(0, zone)
  return bare.startsWith('::ffff:') && bare.includes('.') ? bare.slice('::ffff:'.length) : bare
}

/** Whether an address, as `peerAddressOf` gives it, is one of this machine: 127.0.0.0/8 or ::1. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (address.startsWith('127.') && isAddress(address))
}

/** The same form for an address that somebody wrote, in whatever spelling; `undefined` for anything else. */
function writtenAddress(text: string): string | undefined {
  if (!isAddress(text)) return undefined
  return text.includes(':') ? ipaddr.process(text).toString() : text
}

/** A host as `Host` and `X-Forwarded-Host` name it; an IPv6 `name` has its brackets. */
export interface HostAndPort {
  readonly name: string
  readonly port: number | undefined
}

const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_][a-z0-9._-]*))(?::([0-9]{0,5}))?$/

/**
 * Reads `host` or `host:port` (RFC 9110 §7.2), or answers `undefined` for what no URL may be built with. Names are
 * limited to letters, digits, `.`, `-` and `_`, because the host is written into bodies and `Link` fields.
 */
export function parseHost(text: string): HostAndPort | undefined {
  if (text.length > 255) return undefined
  const match = HOST.exec(text.toLowerCase())
  if (match === null) return undefined
  const [, ipv6, name, digits] = match
  // An empty port is the default port (RFC 3986 §3.2.3).
  const port = digits === undefined || digits === '' ? undefined : Number(digits)
  if (port !== undefined && (port < 1 || port > 65535)) return undefined
  if (ipv6 !== undefined) {
    return ipaddr.IPv6.isValid(ipv6) ? { name: `[${ipaddr.IPv6.parse(ipv6).toString()}]`, port } : undefined
  }
  return name === undefined || name.includes('..') ? undefined : { name, port }
}

/**
 * The real client address, scheme and host of a request.
 *
 * `X-Forwarded-For`, `-Proto` and `-Host` are believed only where the peer of the connection is trusted. The chain in
 * `X-Forwarded-For` is walked from its right end, where the nearest proxy wrote, and ends at the first address that is
 * not trusted: everything left of it is that client's own claim. Whatever is not an address ends the walk too, and so
 * does a loopback address reported by another machine: it means that machine, not this one.
 *
 * `fallbackHost` is used where neither a believed `X-Forwarded-Host` nor a single `Host` is a valid host.
 */
export function resolveClient(
  inbound: { readonly headers: HeaderList; readonly peerAddress: string; readonly encrypted: boolean },
  isTrusted: NetworkMatcher,
  fallbackHost: string,
): ResolvedClient {
  const { headers } = inbound
  const peer = peerAddressOf(inbound.peerAddress)
  const ownScheme = inbound.encrypted ? 'https' : 'http'
  const ownHost = countHeader(headers, 'host') === 1 ? parseHost(headerValue(headers, 'host') as string) : undefined

  if (!carriesForwarding(headers)) {
    return {
      address: peer,
      scheme: ownScheme,
      host: format(ownHost, ownScheme, fallbackHost),
      forwardedByUntrusted: false,
    }
  }
  if (!isTrusted(peer)) {
    return {
      address: peer,
      scheme: ownScheme,
      host: format(ownHost, ownScheme, fallbackHost),
      forwardedByUntrusted: true,
    }
  }

  const chain = walk(joinedHeader(headers, 'x-forwarded-for'), peer, isTrusted)
  const statedScheme = statedFor(headers, 'x-forwarded-proto', chain)?.toLowerCase()
  const statedHost = statedFor(headers, 'x-forwarded-host', chain)
  const scheme = statedScheme === 'http' || statedScheme === 'https' ? statedScheme : ownScheme
  const host = (statedHost === undefined ? undefined : parseHost(statedHost)) ?? ownHost
  return {
    address: chain.address,
    scheme,
    host: format(host, scheme, fallbackHost),
    forwardedByUntrusted: !chain.established,
  }
}

interface Chain {
  readonly address: string
  /** Entries believed, counted from the right. */
  readonly hops: number
  /** Entries in the whole field. */
  readonly entries: number
  readonly established: boolean
}

function walk(field: string | undefined, peer: string, isTrusted: NetworkMatcher): Chain {
  // A trusted proxy that forwards without saying for whom: who asks is not known.
  if (field === undefined) return { address: peer, hops: 0, entries: 0, established: false }
  const list = field.split(',')
  let address = peer
  let hops = 0
  while (hops < list.length && isTrusted(address)) {
    const next = hops < MAX_HOPS ? entryAddress((list[list.length - 1 - hops] as string).trim()) : undefined
    if (next === undefined || (isLoopbackAddress(next) && !isLoopbackAddress(address))) {
      return { address, hops, entries: list.length, established: false }
    }
    address = next
    hops++
  }
  return { address, hops, entries: list.length, established: true }
}

/** An entry of `X-Forwarded-For`: an address, by some proxies with a port, IPv6 then in brackets. */
function entryAddress(entry: string): string | undefined {
  if (entry.length > 64 || entry.includes('%')) return undefined
  const bracketed = /^\[([^\]]*:[^\]]*)\](?::\d{1,5})?$/.exec(entry)
  if (bracketed !== null) return writtenAddress(bracketed[1] as string)
  const withPort = /^([\d.]+):\d{1,5}$/.exec(entry)
  return writtenAddress(withPort === null ? entry : (withPort[1] as string))
}

/**
 * What the proxies say about the client's scheme or host. Where each proxy appended its own (as many values as entries
 * in the chain), the one that was written beside the client's address counts; else the nearest proxy's, the rightmost.
 */
function statedFor(headers: HeaderList, name: string, chain: Chain): string | undefined {
  const list = joinedHeader(headers, name)?.split(',')
  if (list === undefined) return undefined
  const fromRight = list.length === chain.entries ? Math.max(chain.hops, 1) : 1
  return list[list.length - fromRight]?.trim()
}

function format(host: HostAndPort | undefined, scheme: 'http' | 'https', fallbackHost: string): string {
  if (host === undefined) return fallbackHost
  if (host.port === undefined || host.port === (scheme === 'https' ? 443 : 80)) return host.name
  return `${host.name}:${host.port}`
}
