/**
 * Directives of a `Cache-Control` field (RFC 9111 §5.2, RFC 5861). `undefined` means absent; durations are in seconds, and
 * one that is not a number of seconds counts as 0, so that a typo in it costs a question and never a wrong answer.
 */
export interface CacheControl {
  readonly maxAge: number | undefined
  readonly sharedMaxAge: number | undefined
  readonly minFresh: number | undefined
  /** Of a request; without a number: however stale. */
  readonly maxStale: number | undefined
  readonly staleWhileRevalidate: number | undefined
  readonly staleIfError: number | undefined
  readonly noCache: boolean
  readonly noStore: boolean
  readonly isPrivate: boolean
  readonly isPublic: boolean
  readonly mustRevalidate: boolean
  readonly proxyRevalidate: boolean
  readonly mustUnderstand: boolean
  readonly onlyIfCached: boolean
}

/** What a field that is not there says. */
export const NO_DIRECTIVES: CacheControl = {
  maxAge: undefined,
  sharedMaxAge: undefined,
  minFresh: undefined,
  maxStale: undefined,
  staleWhileRevalidate: undefined,
  staleIfError: undefined,
  noCache: false,
  noStore: false,
  isPrivate: false,
  isPublic: false,
  mustRevalidate: false,
  proxyRevalidate: false,
  mustUnderstand: false,
  onlyIfCached: false,
}

/** RFC 9111 §1.2.2: a recipient takes anything larger than it can hold as 2^31 seconds. */
const LONGEST = 2 ** 31

/** Sticky and without two ways to match the same text: clients send this field, and backtracking would be theirs to spend. */
const SEPARATORS = /[\s,;]*/y
const NAME = /[!#$%&'*+\-.^_`|~\dA-Za-z]+/y
/** A token or a quoted string; both spellings mean the same. */
const ARGUMENT = /\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*))/y

/**
 * Reads a field value, lines joined by commas. Names are case-insensitive (`No-Store` forbids storing too); of a
 * repeated lifetime the shortest counts; `private="field"` and `no-cache="field"` count as unqualified, which is the
 * strictest reading. A semicolon or a space between directives is taken for the comma that was meant; what cannot be
 * read is skipped up to the next comma. Takes time in proportion to the length.
 */
export function parseCacheControl(value: string | undefined): CacheControl {
  if (value === undefined || value === '') return NO_DIRECTIVES
  const found = { ...NO_DIRECTIVES } as { -readonly [name in keyof CacheControl]: CacheControl[name] }
  let position = 0
  const read = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const match = pattern.exec(value)
    if (match !== null) position = pattern.lastIndex
    return match
  }
  for (;;) {
    read(SEPARATORS)
    if (position >= value.length) return found
    const name = read(NAME)
    if (name === null) {
      const comma = value.indexOf(',', position)
      if (comma === -1) return found
      position = comma
      continue
    }
    const written = read(ARGUMENT)
    const argument = written?.[1] ?? written?.[2]
    switch (name[0].toLowerCase()) {
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
      case 'max-stale':
        // Without an argument it has no bound; with one that is no number it allows nothing.
        found.maxStale = written === null ? (found.maxStale ?? LONGEST) : shortest(found.maxStale, argument)
        break
      case 'stale-while-revalidate':
        found.staleWhileRevalidate = shortest(found.staleWhileRevalidate, argument)
        break
      case 'stale-if-error':
        found.staleIfError = shortest(found.staleIfError, argument)
        break
      case 'must-revalidate':
        found.mustRevalidate = true
        break
      case 'proxy-revalidate':
        found.proxyRevalidate = true
        break
      case 'must-understand':
        found.mustUnderstand = true
        break
      case 'only-if-cached':
        found.onlyIfCached = true
        break
    }
  }
}

function shortest(before: number | undefined, argument: string | undefined): number {
  return Math.min(before ?? LONGEST, seconds(argument) ?? 0)
}

function seconds(argument: string | undefined): number | undefined {
  if (argument === undefined || !/^\d+$/.test(argument)) return undefined
  return Math.min(Number(argument), LONGEST)
}
