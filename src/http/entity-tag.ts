/** An entity tag (RFC 9110 §8.8.3) as it is written in a field: `"opaque"` or `W/"opaque"`. */
export type EntityTag = string

const ONE_TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/
const NEXT_TAG = /[\s,]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|$)/y

/** Whether a field value is exactly one well-formed entity tag. */
export function isEntityTag(value: string | undefined): value is EntityTag {
  return value !== undefined && ONE_TAG.test(value)
}

/**
 * The tags of an `If-None-Match` or `If-Match` list, lines joined by commas. `*` alone is answered as `'*'`. Reading
 * stops at the first thing that is not a tag: what follows it may have been meant as anything.
 *
 * @param most how many tags are read; a client may send thousands
 */
export function parseEntityTags(value: string | undefined, most = 64): readonly EntityTag[] | '*' {
  if (value === undefined) return []
  if (value.trim() === '*') return '*'
  const tags: EntityTag[] = []
  NEXT_TAG.lastIndex = 0
  while (tags.length < most) {
    const match = NEXT_TAG.exec(value)
    if (match === null) break
    tags.push(match[1]!)
  }
  return tags
}

/** The part of a tag that weak comparison compares. */
export function opaqueTag(tag: EntityTag): string {
  return tag.startsWith('W/') ? tag.slice(3, -1) : tag.slice(1, -1)
}

/**
 * Weak comparison (RFC 9110 §8.8.3.2), the one that `If-None-Match` calls for. GitHub answers a 200 with `W/"x"` and
 * the 304 for it with `"x"`.
 */
export function weaklyEqual(left: EntityTag, right: EntityTag): boolean {
  return left === right || opaqueTag(left) === opaqueTag(right)
}
