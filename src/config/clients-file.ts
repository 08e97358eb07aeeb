import { isPlainName } from '../http/plain-name.ts'
import { pathOf, readMembers, refuseFaults } from './json-file.ts'
import type { ReadFile } from './types.ts'

/** Each of them may have a share of each budget. */
const MOST_APPS = 1000

/** It has to fit a field, and spaces at its ends would be lost there. */
const KEY = /^[\u0021-\u007e]{16,256}$/
const SHORTEST_KEY = 16

/**
 * The apps that have a share of their own, from the JSON file at `path`: an object of keys, or arrays of them so that a key can
 * be replaced without a moment in which neither is good, by the app's name.
 *
 * @returns keys by name
 * @throws ValueProblem that lists the faults and repeats no key, nor a name that could be one
 */
export function parseClientsFile(path: string, readFile: ReadFile): ReadonlyMap<string, readonly string[]> {
  const members = readMembers(path, readFile)
  const clients = new Map<string, readonly string[]>()
  /** Whose each key is, and where. */
  const owners = new Map<string, { readonly name: string; readonly at: string }>()
  const faults: string[] = []
  for (const member of members) {
    const { name, value } = member
    const isName = isPlainName(name)
    const place = pathOf(member, isName && name.length < SHORTEST_KEY)
    if (!isName) faults.push(`the name of ${place} is not 1 to 64 letters, digits, ".", "_" and "-"`)
    const keys: string[] = []
    for (const [index, key] of (Array.isArray(value) ? value : [value]).entries()) {
      const at = Array.isArray(value) ? `${place}[${index}]` : place
      if (typeof key !== 'string') {
        faults.push(`${at} is no text`)
      } else if (!KEY.test(key)) {
        faults.push(`${at} is not 16 to 256 letters, digits and signs without spaces`)
      } else {
        const owner = owners.get(key)
        if (owner === undefined) owners.set(key, { name, at })
        else if (owner.name !== name) faults.push(`${at} is the same as ${owner.at}, of another app`)
        keys.push(key)
      }
    }
    if (Array.isArray(value) && value.length === 0) faults.push(`${place} has no key`)
    clients.set(name, Object.freeze(keys))
  }
  if (members.length > MOST_APPS) faults.push(`there are more than ${MOST_APPS} apps`)
  refuseFaults(faults)
  return clients
}
