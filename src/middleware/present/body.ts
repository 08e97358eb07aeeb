import { findUrlPlaces, rewriteStream, splice } from '../../github/rewriting/index.ts'
import { chooseCoding } from '../../http/accept-encoding.ts'
import { headerValue } from '../../http/headers.ts'
import type { Body, Compression, ContentCoding, MaybePromise } from '../../ports.ts'
import { collect } from '../outbound/collect.ts'
import type { Answer, StoredAnswer } from '../outbound/exchange.ts'
import type { DerivedBodies } from './derived.ts'
import { type PresentedFields, type PresentedStoredFields, WORTH_COMPRESSING } from './fields.ts'
import type { View } from './view.ts'

/** A body as it goes to the client. */
export interface PresentedBody {
  readonly body: Body
  readonly coding: ContentCoding | undefined
  /** The upstream's own length, where the bytes pass unchanged and unread. */
  readonly length: string | undefined
}

export interface BodyOptions {
  readonly compression: Compression
  readonly derived: DerivedBodies
  /** Largest body that is read whole before it is passed on, bytes. */
  readonly maxHeldBytes: number
}

/**
 * The body of a stored answer as this client sees it, from what is remembered of it. An answer to HEAD is worked out like the GET's: the length that it states must be the one that a GET would have (RFC 9110 §8.6).
 */
export function presentStoredBody(
  options: BodyOptions,
  { body }: StoredAnswer,
  fields: PresentedStoredFields,
  view: View,
): MaybePromise<PresentedBody> {
  const { compression, derived } = options
  const coding = fields.compressible ? chooseCoding(view.acceptEncoding, compression.codings) : undefined
  const bytes = derived.presented(body, fields, view, coding)
  const presented = (found: Uint8Array): PresentedBody => ({ body: found, coding, length: undefined })
  return bytes instanceof Promise ? bytes.then(presented) : presented(bytes)
}

/** Rewrites and compresses the body of an answer that is not stored, as it arrives where it is too large to be held. */
export async function presentPassingBody(
  options: BodyOptions,
  answer: Answer,
  fields: PresentedFields,
  view: View,
): Promise<PresentedBody> {
  const { compression, maxHeldBytes } = options
  const coding = fields.compressible ? chooseCoding(view.acceptEncoding, compression.codings) : undefined
  const passesUnchanged = !fields.rewritable && coding === undefined && answer.status !== 304
  const length = passesUnchanged ? headerValue(answer.headers, 'content-length') : undefined
  if (answer.body === null) return { body: null, coding: undefined, length }
  if (passesUnchanged) return { body: answer.body, coding: undefined, length }

  let body = answer.body instanceof Uint8Array ? only(answer.body) : answer.body
  if (fields.rewritable) {
    // Read whole where it may be held: an upstream that breaks off within it becomes a clean 502.
    const collected = await collect(body, maxHeldBytes)
    if (collected.complete) {
      const places = findUrlPlaces(collected.bytes, view.roots, fields.rules)
      const bytes = splice(collected.bytes, places, view.publicOrigin)
      if (coding === undefined || bytes.byteLength < WORTH_COMPRESSING) {
        return { body: bytes, coding: undefined, length: undefined }
      }
      return { body: await compression.compress(bytes, coding), coding, length: undefined }
    }
    body = rewriteStream(collected.body, view.roots, fields.rules, view.publicOrigin)
  }
  if (coding === undefined) return { body, coding: undefined, length: undefined }
  return { body: compression.compressStream(body, coding), coding, length: undefined }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
