import type { HeaderList } from '../ports.ts'

/** The first value of a field, or `undefined`. `name` must be lower case. */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] === name) return headers[index + 1]
  }
  return undefined
}

/**
 * All values of a field joined by a comma, or `undefined`: the same meaning as one line for every field that is a list
 * (RFC 9110 §5.3). GitHub sends two `Vary` lines, so list fields are never read with `headerValue`.
 */
export function joinedHeader(headers: HeaderList, name: string): string | undefined {
  let joined: string | undefined
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] === name) joined = joined === undefined ? headers[index + 1] : `${joined}, ${headers[index + 1]}`
  }
  return joined
}

/** How many lines of a field there are. */
export function countHeader(headers: HeaderList, name: string): number {
  let count = 0
  for (let index = 0; index < headers.length; index += 2) if (headers[index] === name) count++
  return count
}

/** A new list without the fields for which `drop` answers true. */
export function withoutHeaders(headers: HeaderList, drop: (name: string) => boolean): string[] {
  const kept: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (!drop(name)) kept.push(name, headers[index + 1] as string)
  }
  return kept
}

/** A new list in which `name` has exactly this value, at the place of its first line, or at the end. */
export function withHeader(headers: HeaderList, name: string, value: string): string[] {
  const result: string[] = []
  let placed = false
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] !== name) result.push(headers[index] as string, headers[index + 1] as string)
    else if (!placed) {
      result.push(name, value)
      placed = true
    }
  }
  if (!placed) result.push(name, value)
  return result
}

/** Fields that belong to one connection (RFC 9110 §7.6.1), besides those that `Connection` itself names. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Whether a field always belongs to one connection. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name)
}

/** A new list without the fields of the connection it came over, those that `Connection` names included. */
export function withoutHopByHop(headers: HeaderList): string[] {
  const connection = joinedHeader(headers, 'connection')
  if (connection === undefined) return withoutHeaders(headers, (name) => HOP_BY_HOP.has(name))
  const named = new Set(connection.split(',').map((option) => option.trim().toLowerCase()))
  return withoutHeaders(headers, (name) => HOP_BY_HOP.has(name) || named.has(name))
}
