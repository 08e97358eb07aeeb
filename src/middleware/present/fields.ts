import { presentTag } from '../../github/presentation-tag.ts'
import { isRewritable, rewriteLink, rewriteUrl, rulesForPath } from '../../github/rewriting/index.ts'
import { isEntityTag, weaklyEqual } from '../../http/entity-tag.ts'
import { headerValue, joinedHeader } from '../../http/headers.ts'
import type { ContentCoding, HeaderList } from '../../ports.ts'
import type { StoredAnswer } from '../outbound/exchange.ts'
import type { View } from './view.ts'

/** The fields of an answer as a client sees them, and what they say about its body. */
export interface PresentedFields {
  /** Without `content-length`, which depends on how the body goes out, and `x-request-id`, which is the gateway's. */
  readonly fields: HeaderList
  /** Whether the body is JSON with URLs to rewrite. */
  readonly rewritable: boolean
  /** Which rules of rewriting apply; part of the name under which derived bytes are remembered. */
  readonly rules: ReturnType<typeof rulesForPath>
  /** Whether the body gains from compression, by its type and size, and nothing forbids it. */
  readonly compressible: boolean
}

/**
 * Fields that speak for the upstream's own host and would be wrong, or dangerous, coming from another: cookies of its
 * domain, its demand for TLS, other services that answer for it, where browsers report to.
 */
const SPEAKS_FOR_HOST = new Set([
  'set-cookie',
  'strict-transport-security',
  'public-key-pins',
  'alt-svc',
  'clear-site-data',
  'nel',
  'report-to',
])

/** Fields that are true of the upstream's own bytes only, and not once they are rewritten or compressed. */
const NAMES_BYTES = new Set(['content-md5', 'content-digest', 'repr-digest', 'digest', 'accept-ranges'])

const COMPRESSIBLE =
  /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|xml)\b|application\/javascript\b|image\/svg\+xml\b)/i

/** Smaller bodies fit in one packet either way, bytes. */
export const WORTH_COMPRESSING = 1024

/**
 * Presents the fields of an answer: URLs point at the gateway, the entity tag names the presented bytes.
 *
 * @param status of the upstream's answer
 * @param storedLength bytes of the body, where it is held
 */
export function presentFields(headers: HeaderList, status: number, view: View, storedLength?: number): PresentedFields {
  const contentType = headerValue(headers, 'content-type')
  const mediaType = headerValue(headers, 'x-github-media-type')
  const isPlain = headerValue(headers, 'content-encoding') === undefined && status !== 206
  const rewritable = isPlain && view.rewritesBodies && isRewritable(view, { contentType, mediaType, status })
  const isTransformable = joinedHeader(headers, 'cache-control')?.toLowerCase().includes('no-transform') !== true
  // What is too small is the same bytes for everybody: it keeps its strong tag and varies by no coding.
  const length = storedLength ?? (rewritable ? undefined : statedLength(headers))
  const isWorthIt = length === undefined || length >= WORTH_COMPRESSING
  const compressible =
    isWorthIt && isTransformable && isPlain && contentType !== undefined && COMPRESSIBLE.test(contentType)
  const fields: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    const value = headers[index + 1] as string
    if (name === 'content-length' || name === 'x-request-id' || SPEAKS_FOR_HOST.has(name)) continue
    if ((rewritable || compressible) && NAMES_BYTES.has(name)) continue
    if (name === 'link') fields.push(name, rewriteLink(value, view.roots, view.publicOrigin))
    else if (name === 'location' || name === 'content-location') {
      fields.push(name, rewriteUrl(value, view.roots, view.publicOrigin))
    } else if (name === 'etag') {
      const tag = presentedTag(value, status, rewritable, compressible, view)
      if (tag !== undefined) fields.push(name, tag)
    } else fields.push(name, value)
  }
  if (compressible && !variesByCoding(headers)) fields.push('vary', 'Accept-Encoding')
  return { fields, rewritable, rules: rulesForPath(view.path, status), compressible }
}

function statedLength(headers: HeaderList): number | undefined {
  const stated = headerValue(headers, 'content-length')
  return stated === undefined ? undefined : Number(stated)
}

function presentedTag(
  value: string,
  status: number,
  rewritable: boolean,
  compressible: boolean,
  view: View,
): string | undefined {
  if (!isEntityTag(value)) return rewritable ? undefined : value
  if (status === 304) {
    // A 304 without a copy held here: it has no type, so the client's own word decides which kind of tag it was.
    const presented = presentTag(value, view.presentation())
    const { tags } = view.validators
    return (tags !== '*' && tags.find((held) => weaklyEqual(held, presented))) || value
  }
  if (rewritable) return presentTag(value, view.presentation())
  // Compressed here or not, it is the same representation but not the same bytes (RFC 9110 §8.8.1).
  return compressible && !value.startsWith('W/') ? `W/${value}` : value
}

function variesByCoding(headers: HeaderList): boolean {
  const vary = joinedHeader(headers, 'vary')
  return vary !== undefined && /(?:^|[\s,])(?:accept-encoding|\*)(?=[\s,]|$)/i.test(vary)
}

/** Presented fields of a stored answer, and the names under which what was derived from its body is remembered. */
export interface PresentedStoredFields extends PresentedFields {
  readonly placesName: string
  /** By content coding; made once, so that a hit neither builds nor hashes a string to find its bytes. */
  readonly formNames: Readonly<Record<ContentCoding | 'identity', string>>
}

const remembered = new WeakMap<HeaderList, { publicOrigin: string; presented: PresentedStoredFields }>()

/**
 * Presented fields of a stored answer, worked out once for the public origin that was used last. Path and `Accept` are
 * part of the key that a validation is stored under, so its own field list is name enough. The memory is counted with
 * the validation (store/memory/sizes.ts).
 */
export function presentStoredFields({ validation, body }: StoredAnswer, view: View): PresentedStoredFields {
  const known = remembered.get(validation.headers)
  if (known !== undefined && known.publicOrigin === view.publicOrigin) return known.presented
  const fields = presentFields(validation.headers, validation.status, view, body.bytes.byteLength)
  const placesName = `${body.key} ${fields.rules.name}`
  const identity = fields.rewritable ? `${placesName} ${view.publicOrigin}` : body.key
  const formNames = { identity, br: `${identity} br`, gzip: `${identity} gzip` }
  const presented = { ...fields, placesName, formNames }
  remembered.set(validation.headers, { publicOrigin: view.publicOrigin, presented })
  return presented
}
