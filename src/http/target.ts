import { Failure } from '../errors.ts'

/** A request target in origin form, split but neither decoded nor normalised. */
export interface Target {
  /** Begins with `/`. */
  readonly path: string
  /** Without the `?`; empty also where there is none. */
  readonly query: string
}

/** What could end, begin or split a request line, or be dropped on the way by somebody else's parser. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const FORBIDDEN = /[\x00-\x20\x7f#]/

/**
 * Splits a raw request target (RFC 9112 §3.2.1). Nothing is decoded: an encoded slash in a branch name must arrive
 * upstream as it was written.
 *
 * @throws Failure `bad-target` for any form but origin form
 */
export function parseTarget(raw: string): Target {
  if (!raw.startsWith('/') || FORBIDDEN.test(raw)) throw new Failure('bad-target', { detail: 'only origin form' })
  const mark = raw.indexOf('?')
  return mark === -1 ? { path: raw, query: '' } : { path: raw.slice(0, mark), query: raw.slice(mark + 1) }
}

/**
 * Refuses a path that somebody who decodes or normalises it could understand as another one: with `/api/v3/..%2f..`
 * before it, the credential would be sent to any page of the upstream. Encoded slashes and backslashes count as
 * separators here, encoded dots as dots, and a doubly encoded percent sign is unwrapped too.
 *
 * @throws Failure `bad-target`
 */
export function refuseDotSegments(path: string): void {
  // A dot segment needs a dot right after a separator. Most paths have none and pay one native search.
  if (!/(?:[/\\]|%(?:25)*(?:2f|5c))(?:\.|%(?:25)*2e)/i.test(path)) return
  const plain = path
    .replace(/%(?:25)+/g, '%')
    .replace(/%2e/gi, '.')
    .replace(/%2f|%5c|\\/gi, '/')
  for (const segment of plain.split('/')) {
    // `..;` is a dot segment with a parameter to servers that know path parameters.
    if (/^\.\.?(?:;.*)?$/.test(segment)) throw new Failure('bad-target', { detail: 'dot segments are not forwarded' })
  }
}

/** Value of the first query parameter with this (undecoded) name, still percent-encoded, or `undefined`. */
export function queryParameter(query: string, name: string): string | undefined {
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    if ((equals === -1 ? pair : pair.slice(0, equals)) === name) return equals === -1 ? '' : pair.slice(equals + 1)
  }
  return undefined
}
