import type { Validation } from '../ports.ts'

/**
 * Whether a page of a collection is full, and so may have a successor.
 *
 * A page's `Link` is not covered by its ETag: page 1 stays the same while a page 2 appears. Only for a page that is not full does
 * an unchanged body prove that there still is none.
 */

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const ARRAY_OPEN = 0x5b
const ARRAY_CLOSE = 0x5d
const OBJECT_OPEN = 0x7b
const OBJECT_CLOSE = 0x7d

/** GitHub's default and greatest `per_page`. */
const DEFAULT_PAGE = 30
const LARGEST_PAGE = 100
/** Some endpoints give no more than this, whatever was asked for. */
const SMALL_LARGEST_PAGE = 50

const TOTAL_COUNT = new TextEncoder().encode('total_count')

/**
 * How many items a JSON body lists: the elements of the outermost array, or of the longest array directly inside the outermost
 * object (`{"jobs": […]}`). `'total'` for an object with `total_count`: how many pages there are follows from the body, so its
 * entity tag covers that too. `undefined` for what lists nothing, and for what is not JSON to its end. Costs one pass over the
 * bytes; throws nothing.
 */
export function pageItemCount(body: Uint8Array): number | 'total' | undefined {
  let at = startOfValue(body)
  const opening = body[at]
  if (opening !== ARRAY_OPEN && opening !== OBJECT_OPEN) return undefined
  // The depth at which the elements of a listing stand: below the array, or below an array below the object.
  const inside = opening === ARRAY_OPEN ? 1 : 2
  let depth = 0
  let counting = false
  let items = 0
  let longest: number | undefined
  // A string here is a key of the outermost object.
  let expectKey = false
  let statesTotal = false
  for (; at < body.length; at++) {
    const byte = body[at]!
    if (byte <= 0x20) continue
    if (byte === ARRAY_CLOSE || byte === OBJECT_CLOSE) {
      if (counting && depth === inside) {
        longest = Math.max(longest ?? 0, items)
        counting = false
      }
      depth--
      if (depth > 0) continue
      if (startOfValue(body, at + 1) !== body.length) return undefined
      return statesTotal ? 'total' : longest
    }
    if (counting && depth === inside && items === 0) items = 1
    if (byte === QUOTE) {
      const close = closingQuote(body, at + 1)
      if (close === -1) return undefined
      if (expectKey && equals(body, at + 1, close, TOTAL_COUNT)) statesTotal = true
      expectKey = false
      at = close
    } else if (byte === COMMA) {
      if (counting && depth === inside) items++
      if (depth === 1) expectKey = opening === OBJECT_OPEN
    } else if (byte === ARRAY_OPEN || byte === OBJECT_OPEN) {
      depth++
      if (depth === inside && byte === ARRAY_OPEN) {
        counting = true
        items = 0
      }
      if (depth === 1) expectKey = byte === OBJECT_OPEN
    }
  }
  return undefined
}

/** Whether a body that GitHub made is a list: it puts nothing before the bracket. */
export function isList(body: Uint8Array): boolean {
  return body[0] === ARRAY_OPEN
}

/**
 * Whether a next page can appear behind a page without changing its body (see `Validation`).
 *
 * @param query the request's raw query without `?`
 */
export function nextPageOf(body: Uint8Array, query: string): Validation['nextPage'] {
  const count = pageItemCount(body)
  if (count === 'total') return 'stated'
  return isFullPage(count, query) ? 'possible' : 'none'
}

/**
 * Whether a page with so many items may have a successor. `query` is the request's raw query without `?`.
 *
 * Full is `per_page`, at most 100, or 30 where none or nonsense was asked for. Exactly 30 or 50 is full whatever was asked for,
 * because some endpoints do not read `per_page`, and some give 50 at the most. When in doubt a page is full: that costs a request, the contrary costs the next page.
 */
export function isFullPage(count: number | undefined, query: string): boolean {
  if (count === undefined || count === 0) return false
  return count === DEFAULT_PAGE || count === SMALL_LARGEST_PAGE || count >= pageSize(query)
}

function pageSize(query: string): number {
  let size: number | undefined
  for (const value of new URLSearchParams(query).getAll('per_page')) {
    // Ruby reads the leading digits: "50abc" is 50. Of several, the smallest is the safe one.
    const asked = Number.parseInt(value, 10)
    const read = asked > 0 ? Math.min(asked, LARGEST_PAGE) : DEFAULT_PAGE
    size = Math.min(size ?? read, read)
  }
  return size ?? DEFAULT_PAGE
}

/** Position of the first byte that is neither white space nor a byte order mark. */
function startOfValue(body: Uint8Array, from = 0): number {
  let at = from
  if (at === 0 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf) at = 3
  while (at < body.length && body[at]! <= 0x20) at++
  return at
}

function closingQuote(body: Uint8Array, from: number): number {
  for (let at = from; at < body.length; at++) {
    const byte = body[at]
    if (byte === QUOTE) return at
    if (byte === BACKSLASH) at++
  }
  return -1
}

function equals(body: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  if (end - start !== wanted.length) return false
  for (let at = 0; at < wanted.length; at++) if (body[start + at] !== wanted[at]) return false
  return true
}
