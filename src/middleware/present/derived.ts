import { LRUCache } from 'lru-cache'
import { findUrlPlaces, splice, type UrlPlaces } from '../../github/rewriting/index.ts'
import type { Compression, ContentCoding, MaybePromise, StoredBody } from '../../ports.ts'
import type { PresentedFields } from './fields.ts'
import type { View } from './view.ts'

const PER_ENTRY = 256

/** What has been worked out of stored bodies: where their URLs stand, their rewritten bytes, their compressed bytes. */
export interface DerivedBodies {
  /** The body as this client sees it. A held form answers at once. */
  presented(
    body: StoredBody,
    fields: PresentedFields,
    view: View,
    coding: ContentCoding | undefined,
  ): MaybePromise<Uint8Array>
  usage(): { part: 'derived'; bytes: number; entries: number }
}

/**
 * Remembers what was derived, bounded in bytes and apart from the bodies themselves: everything here can be worked out
 * again. A new public host costs a splice, a repeated one nothing.
 */
export function derivedBodies(maxBytes: number, compression: Compression): DerivedBodies {
  const places = new LRUCache<string, UrlPlaces>({
    maxSize: Math.max(1, Math.floor(maxBytes / 8)),
    sizeCalculation: (found, key) => PER_ENTRY + key.length + found.byteLength,
  })
  const forms = new LRUCache<string, Uint8Array>({
    maxSize: Math.max(1, maxBytes - Math.floor(maxBytes / 8)),
    sizeCalculation: (bytes, key) => PER_ENTRY + key.length + bytes.byteLength,
  })

  function rewritten(body: StoredBody, fields: PresentedFields, view: View): Uint8Array {
    const key = `${body.key} ${fields.rules.name}`
    let found = places.get(key)
    if (found === undefined) {
      found = findUrlPlaces(body.bytes, view.roots, fields.rules)
      places.set(key, found)
    }
    return splice(body.bytes, found, view.publicOrigin)
  }

  return {
    presented(body, fields, view, coding) {
      if (!fields.rewritable && coding === undefined) return body.bytes
      const form = fields.rewritable ? `${body.key} ${fields.rules.name} ${view.publicOrigin}` : body.key
      const key = coding === undefined ? form : `${form} ${coding}`
      const held = forms.get(key)
      if (held !== undefined) return held
      const plain = fields.rewritable ? (forms.get(form) ?? rewritten(body, fields, view)) : body.bytes
      if (coding === undefined) {
        // The body's own bytes are held already; remembering them here would count them twice.
        if (plain !== body.bytes) forms.set(key, plain)
        return plain
      }
      return compression.compress(plain, coding).then((compressed) => {
        // A small result is often a window on the compressor's far larger buffer, which would stay alive uncounted.
        const bytes = compressed.buffer.byteLength === compressed.byteLength ? compressed : new Uint8Array(compressed)
        forms.set(key, bytes)
        return bytes
      })
    },
    usage: () => ({
      part: 'derived',
      bytes: places.calculatedSize + forms.calculatedSize,
      entries: places.size + forms.size,
    }),
  }
}
