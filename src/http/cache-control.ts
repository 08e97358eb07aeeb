/**
 * Directives of a `Cache-Control` field (RFC 9111 §5.2). `undefined` means absent; a lifetime that is not a number of
 * seconds counts as 0, so that a typo in it costs a question and never a wrong answer.
 */
export interface CacheControl {
  readonly maxAge: number | undefined
  readonly sharedMaxAge: number | undefined
  readonly minFresh: number | undefined
  readonly noCache: boolean
  readonly noStore: boolean
  readonly isPrivate: boolean
  readonly isPublic: boolean
  readonly mustRevalidate: boolean
  readonly onlyIfCached: boolean
}

const NONE: CacheControl = {
  maxAge: undefined,
  sharedMaxAge: undefined,
  minFresh: undefined,
  noCache: false,
  noStore: false,
  isPrivate: false,
  isPublic: false,
  mustRevalidate: false,
  onlyIfCached: false,
}

/** RFC 9111 §1.2.2: a recipient takes anything larger than it can hold as 2^31 seconds. */
const LONGEST = 2 ** 31

/** One directive: a token, and an argument that is a token or a quoted string (both spellings mean the same). */
const DIRECTIVE = /[\s,]*([!#$%&'*+\-.^_`|~\dA-Za-z]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?\s*(?=,|$)/y

/**
 * Reads a field value, lines joined by commas. Names are case-insensitive (`No-Store` forbids storing too); of a
 * repeated lifetime the shortest counts; `private="field"` and `no-cache="field"` count as unqualified, which is the
 * strictest reading. What cannot be read is skipped up to the next comma.
 */
export function parseCacheControl(value: string | undefined): CacheControl {
  if (value === undefined || value === '') return NONE
  const found = { ...NONE } as { -readonly [name in keyof CacheControl]: CacheControl[name] }
  DIRECTIVE.lastIndex = 0
  while (DIRECTIVE.lastIndex < value.length) {
    const start = DIRECTIVE.lastIndex
    const match = DIRECTIVE.exec(value)
    if (match === null) {
      const comma = value.indexOf(',', start)
      if (comma === -1) break
      DIRECTIVE.lastIndex = comma + 1
      continue
    }
    const argument = match[2] ?? match[3]
    switch (match[1]!.toLowerCase()) {
      case 'max-age':
        found.maxAge = shortest(found.maxAge, argument)
        break
      case 's-maxage':
        found.sharedMaxAge = shortest(found.sharedMaxAge, argument)
        break
      case 'min-fresh':
        found.minFresh = Math.max(found.minFresh ?? 0, seconds(argument) ?? LONGEST)
        break
      case 'no-cache':
        found.noCache = true
        break
      case 'no-store':
        found.noStore = true
        break
      case 'private':
        found.isPrivate = true
        break
      case 'public':
        found.isPublic = true
        break
      case 'must-revalidate':
      case 'proxy-revalidate':
        found.mustRevalidate = true
        break
      case 'only-if-cached':
        found.onlyIfCached = true
        break
    }
  }
  return found
}

function shortest(before: number | undefined, argument: string | undefined): number {
  return Math.min(before ?? LONGEST, seconds(argument) ?? 0)
}

function seconds(argument: string | undefined): number | undefined {
  if (argument === undefined || !/^\d+$/.test(argument)) return undefined
  return Math.min(Number(argument), LONGEST)
}
