import { Failure } from '../../errors.ts'
import { clientNetworkOf } from '../../http/client-network.ts'
import { isPlainName } from '../../http/plain-name.ts'
import type { Client, Digest, HeaderList } from '../../ports.ts'

/** Who asks, for the sharing of budgets. Says nothing about what may be read: that is the credential's alone. */
export interface Caller {
  readonly client: Client
  /** Work that can wait, by the client's own word. */
  readonly isBackground: boolean
}

/**
 * Tells which client a request comes from.
 *
 * @param address as `resolveClient` gives it
 * @throws Failure `bad-request` for a key that nobody has, and for a name or priority that is malformed or stands twice
 */
export type ClientOf = (headers: HeaderList, address: string) => Caller

/** Callers remembered: reading an IPv6 address takes 15 µs, and few addresses send nearly all requests. */
const MOST_REMEMBERED = 1024

/** Longer ones are not looked up: no configured key is, and hashing takes time by length. */
const LONGEST_KEY = 256

/**
 * Only a key that is configured earns a share of its own. Without one the address does, and a name that a client gives
 * itself only divides that share: whoever invents names gains nothing by it.
 *
 * Every request passes here, fresh hits included: one that carries none of the fields costs one pass over its fields and a
 * look into a map.
 *
 * @param keys by the name of the app, any number each; where there are none, `X-Weir-Key` means nothing
 */
export function clientOf(keys: ReadonlyMap<string, readonly string[]>, digest: Digest): ClientOf {
  const fingerprintOf = (key: string): string => digest.fingerprint(`client key\n${key}`)
  // By fingerprint: how long the look-up takes depends on nothing that somebody outside can choose or predict.
  const groups = new Map<string, string>()
  for (const [name, ofOne] of keys) for (const key of ofOne) groups.set(fingerprintOf(key), `key:${name}`)
  const hasKeys = groups.size > 0
  const byAddress = new Map<string, Caller>()

  function callerAt(address: string): Caller {
    const known = byAddress.get(address)
    if (known !== undefined) return known
    const caller = { client: { group: `address:${clientNetworkOf(address)}`, name: '' }, isBackground: false }
    if (byAddress.size >= MOST_REMEMBERED) byAddress.clear()
    byAddress.set(address, caller)
    return caller
  }

  function groupOf(key: string): string {
    const group = key.length > LONGEST_KEY ? undefined : groups.get(fingerprintOf(key))
    if (group === undefined) throw new Failure('bad-request', { detail: 'unknown X-Weir-Key' })
    return group
  }

  return function caller(headers, address) {
    let key: string | undefined
    let name: string | undefined
    let priority: string | undefined
    for (let index = 0; index < headers.length; index += 2) {
      const field = headers[index] as string
      const value = headers[index + 1] as string
      if (field === 'x-weir-key') {
        if (!hasKeys) continue
        if (key !== undefined) throw repeated('X-Weir-Key')
        key = value
      } else if (field === 'x-weir-client') {
        if (name !== undefined) throw repeated('X-Weir-Client')
        name = value
      } else if (field === 'x-weir-priority') {
        if (priority !== undefined) throw repeated('X-Weir-Priority')
        priority = value
      }
    }
    if (key === undefined && name === undefined && priority === undefined) return callerAt(address)

    const group = key === undefined ? callerAt(address).client.group : groupOf(key)
    if (name !== undefined && !isPlainName(name)) {
      throw new Failure('bad-request', { detail: 'X-Weir-Client is not 1 to 64 letters, digits, ".", "_" and "-"' })
    }
    if (priority !== undefined && priority !== 'background' && priority !== 'normal') {
      throw new Failure('bad-request', { detail: 'X-Weir-Priority is neither background nor normal' })
    }
    return { client: { group, name: name ?? '' }, isBackground: priority === 'background' }
  }
}

function repeated(field: string): Failure {
  return new Failure('bad-request', { detail: `${field} stands twice where it may stand once` })
}
