import { pathOf, readMembers, refuseFaults } from './json-file.ts'
import type { ReadFile } from './types.ts'

/** Bounds what is held in memory, and more tokens than that are a slip. */
const MOST_HASHES = 10_000

/**
 * GitHub, "Username considerations for external authentication": at most 39 characters, an enterprise's short code after an
 * underscore among them. No token is so short, so none is taken for a name and repeated.
 */
const LOGIN = /^[a-z0-9][a-z0-9_-]{0,38}$/i
const INSTALLATION = /^[1-9]\d{0,18}$/
const CLIENT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,38}$/

/** Tokens by their shape (GitHub, "GitHub's token formats"), the forty hexadecimal digits of older ones included. */
const TOKEN = /^(?:gh[a-z]_|github_pat_|v1\.)|^[0-9a-f]{40}$/i

/** 32 bytes in base64, of either alphabet, padded or not (RFC 4648 §4 and §5): the last character holds two bits of nothing. */
const HASH = /^[A-Za-z0-9+/_-]{42}[AEIMQUYcgkosw048]=?$/
const HEXADECIMAL_HASH = /^[0-9a-f]{64}$/i

/**
 * Which tokens belong to one account, from the JSON file at `path`: an object of arrays, each named by a user's login or by an
 * account (`user:…`, `installation:…`, `application:…`), of hashes as in the field `hashed_token` of GitHub's audit log
 * (GitHub, "Identifying audit log events performed by an access token"): base64 of SHA-256 of the bare token.
 *
 * Hashes and not tokens, so that no token has to be written down. They are not keyed, so they must not be of anything that can be
 * guessed; tokens cannot.
 *
 * @returns the account by hash, in the usual alphabet and padded; names of users in lower case
 * @throws ValueProblem that lists the faults and repeats no value
 */
export function parseAccountsFile(path: string, readFile: ReadFile): ReadonlyMap<string, string> {
  /** Whose each hash is, and where. */
  const owners = new Map<string, { readonly account: string | undefined; readonly at: string }>()
  const faults: string[] = []
  for (const member of readMembers(path, readFile)) {
    const account = accountOf(member.name)
    const place = pathOf(member, account !== undefined)
    if (account === undefined) faults.push(`the name of ${place} is neither a login nor an account`)
    if (!Array.isArray(member.value)) {
      faults.push(`${place} is no array`)
      continue
    }
    for (const [index, value] of member.value.entries()) {
      const at = `${place}[${index}]`
      const hash = readHash(value)
      if ('fault' in hash) {
        faults.push(`${at} ${hash.fault}`)
        continue
      }
      const owner = owners.get(hash.base64)
      if (owner === undefined) owners.set(hash.base64, { account, at })
      else if (owner.account !== account) faults.push(`${at} is the same as ${owner.at}, of another account`)
    }
  }
  if (owners.size > MOST_HASHES) faults.push(`there are more than ${MOST_HASHES} hashes`)
  refuseFaults(faults)
  // Without a fault each has its account.
  return new Map([...owners].map(([hash, owner]) => [hash, owner.account as string]))
}

/** The account that a member's name means, or `undefined`. GitHub does not tell cases apart in names of users. */
function accountOf(name: string): string | undefined {
  const colon = name.indexOf(':')
  const kind = colon === -1 ? 'user' : name.slice(0, colon)
  const rest = name.slice(colon + 1)
  switch (kind) {
    case 'user':
      return LOGIN.test(rest) ? `user:${rest.toLowerCase()}` : undefined
    case 'installation':
      return INSTALLATION.test(rest) ? name : undefined
    case 'application':
      return CLIENT_ID.test(rest) ? name : undefined
    default:
      return undefined
  }
}

/** The hash in the usual alphabet and padded, or what is wrong with it. */
function readHash(value: unknown): { readonly base64: string } | { readonly fault: string } {
  if (typeof value !== 'string') return { fault: 'is no text' }
  // Before hashes: some token may be as long as one.
  if (TOKEN.test(value)) return { fault: 'looks like a token itself, not like the hash of one' }
  if (HEXADECIMAL_HASH.test(value)) return { fault: 'is in hexadecimal digits, not in base64' }
  if (!HASH.test(value)) return { fault: 'is not 44 characters of base64' }
  return { base64: `${value.slice(0, 43).replaceAll('-', '+').replaceAll('_', '/')}=` }
}
