import { type EntityTag, weaklyEqual } from '../http/entity-tag.ts'

/**
 * Entity tags of rewritten answers. The bytes that a client gets depend on the upstream's body, the public URL and the
 * rewriter, so the tag names all three; it holds the upstream's own tag whole, so that it can be turned back without
 * remembering anything, also after a restart and by another replica. Weak, because compression changes the bytes.
 */

const PRESENTED = /^(?:W\/)?"weir-([A-Za-z0-9]+)-([sw])-([\x21\x23-\x7e\x80-\xff]*)"$/

/**
 * @param tag the upstream's well-formed tag
 * @param presentation names the public URL and the rewriter's version: letters and digits only, so that it ends where it ends
 */
export function presentTag(tag: EntityTag, presentation: string): EntityTag {
  return tag.startsWith('W/')
    ? `W/"weir-${presentation}-w-${tag.slice(3, -1)}"`
    : `W/"weir-${presentation}-s-${tag.slice(1, -1)}"`
}

/**
 * Whether two tags name the same presented bytes: compared weakly, as the upstream's own would be. A 200 of GitHub can carry
 * the weak form of a tag and the 304 that confirms it to somebody else the strong one, and both were given out here.
 */
export function isSamePresented(left: EntityTag, right: EntityTag): boolean {
  if (weaklyEqual(left, right)) return true
  const [one, other] = [PRESENTED.exec(left), PRESENTED.exec(right)]
  return one !== null && other !== null && one[1] === other[1] && one[3] === other[3]
}

/** A client's tag, turned back. */
export type ReturnedTag =
  | { readonly kind: 'ours'; readonly tag: EntityTag }
  /** Made by this gateway for another public URL or by another version: it names bytes that are no longer given out. */
  | { readonly kind: 'outdated' }
  /** Not made here: the upstream's own, from before the gateway, or of an answer that is not rewritten. */
  | { readonly kind: 'foreign'; readonly tag: EntityTag }

export function returnTag(tag: EntityTag, presentation: string): ReturnedTag {
  const match = PRESENTED.exec(tag)
  if (match === null) return { kind: 'foreign', tag }
  if (match[1] !== presentation) return { kind: 'outdated' }
  return { kind: 'ours', tag: match[2] === 'w' ? `W/"${match[3]}"` : `"${match[3]}"` }
}
