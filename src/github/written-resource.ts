import { headerValue } from '../http/headers.ts'
import type { HeaderList } from '../ports.ts'

/**
 * The address of the resource that the body of a write's answer represents, or `undefined` where it represents none that
 * is known: what a 201 names in `Location` (RFC 9110 §15.3.2), and what a PUT or PATCH was sent to (GitHub answers with
 * the resource as it is now).
 *
 * @param address origin and target of the write, without credentials
 */
export function writtenResource(
  method: string,
  address: string,
  status: number,
  headers: HeaderList,
): string | undefined {
  const location = headerValue(headers, 'location')
  if (status === 201 && location !== undefined) {
    const origin = new URL(address).origin
    return location.startsWith(`${origin}/`) ? location : undefined
  }
  if (status !== 200 || (method !== 'PUT' && method !== 'PATCH')) return undefined
  const query = address.indexOf('?')
  return query === -1 ? address : address.slice(0, query)
}
