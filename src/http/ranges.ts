import type { HeaderList } from '../ports.ts'
import { headerValue } from './headers.ts'

/** A request for a part of a representation (RFC 9110 §14.2, §13.1.5). */
export interface RangeRequest {
  readonly range: string
  /** `If-Range`: the part only of the representation that this names, else the whole. */
  readonly condition: string | undefined
}

/** The part that a request asks for, or `undefined` where it asks for the whole. */
export function rangeRequestOf(headers: HeaderList): RangeRequest | undefined {
  const range = headerValue(headers, 'range')
  return range === undefined ? undefined : { range, condition: headerValue(headers, 'if-range') }
}

/** Positions of the first and the last byte. */
export interface Part {
  readonly first: number
  readonly last: number
}

/** One range; of several the whole is sent, as §14.2 allows: nobody asks GitHub for more than one. */
const SINGLE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i

/**
 * The part to send of a representation with these fields and so many bytes; `undefined`: the whole.
 *
 * A weak tag never fulfils `If-Range`, and neither does a date here: within its second there may have been two versions.
 */
export function selectedPart(
  { range, condition }: RangeRequest,
  headers: HeaderList,
  length: number,
): Part | 'unsatisfiable' | undefined {
  if (condition !== undefined && (condition.startsWith('W/') || condition !== headerValue(headers, 'etag')))
    return undefined
  const [, from, to] = SINGLE.exec(range) ?? []
  if (from === undefined || to === undefined || length === 0) return undefined
  if (from === '') {
    if (to === '') return undefined
    const suffix = Math.min(Number(to), length)
    return suffix === 0 ? 'unsatisfiable' : { first: length - suffix, last: length - 1 }
  }
  const first = Number(from)
  const last = to === '' ? length - 1 : Math.min(Number(to), length - 1)
  if (to !== '' && Number(to) < first) return undefined
  return first >= length ? 'unsatisfiable' : { first, last }
}
