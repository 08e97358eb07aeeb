import { parseEntityTags } from '../http/entity-tag.ts'
import { joinedHeader } from '../http/headers.ts'
import type { HeaderList } from '../ports.ts'
import { returnTag } from './presentation-tag.ts'

/**
 * Request fields that go upstream, and no others unless the operator adds them (further-fields.ts): what a client adds
 * for its own proxies, cookies, method overrides and `X-Weir-*` stay here. All of them are part of the key that an
 * answer is kept under, so each one more splits the cache: `Accept-Language`, which browsers always send and the API
 * does not read, is left out for that.
 */
const FORWARDED = new Set([
  'accept',
  'authorization',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-md5',
  'content-type',
  'graphql-features',
  'prefer',
  'time-zone',
  'x-github-api-version',
  'x-github-next-global-id',
  'x-github-otp',
])

/** Whether a request field is on the allow-list. `name` must be lower case. */
export function isForwarded(name: string): boolean {
  return FORWARDED.has(name)
}

/** The allow-listed fields of a request, as they came: an absent `Accept` stays absent, an empty one empty. */
export function forwardedFields(headers: HeaderList): string[] {
  const fields: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (FORWARDED.has(name)) fields.push(name, headers[index + 1] as string)
  }
  return fields
}

/** Fields that make a request conditional on what the client holds (RFC 9110 §13.1) or ask for a part (§14.2). */
const CONDITIONS = new Set(['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'])

/**
 * A client's conditions as they go upstream where the cache takes no part: entity tags that were given out here are
 * turned back into the upstream's own.
 *
 * @param withRange whether `Range` and `If-Range` go too; JSON is never asked for in parts
 */
export function forwardedConditions(headers: HeaderList, presentation: string, withRange: boolean): string[] {
  const fields: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    const value = headers[index + 1] as string
    if (name === 'range' || name === 'if-range') {
      if (withRange) fields.push(name, name === 'range' ? value : returnedTags(value, presentation))
    } else if (CONDITIONS.has(name)) {
      fields.push(name, name.endsWith('-match') ? returnedTags(value, presentation) : value)
    }
  }
  return fields
}

/** A list of tags, each turned back; a value that is not such a list stays as it is. */
function returnedTags(value: string, presentation: string): string {
  const tags = parseEntityTags(value)
  if (tags === '*' || tags.length === 0) return value
  return tags
    .map((tag) => {
      const returned = returnTag(tag, presentation)
      // An outdated tag matches nothing upstream either, which is what it should do.
      return returned.kind === 'outdated' ? tag : returned.tag
    })
    .join(', ')
}

/** Whether a read has conditions that the cache does not answer: they are about the upstream's own state. */
export function hasPrecondition(headers: HeaderList): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (name === 'if-match' || name === 'if-unmodified-since') return true
  }
  return joinedHeader(headers, 'if-none-match')?.trim() === '*'
}
