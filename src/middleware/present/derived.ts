import { LRUCache } from 'lru-cache'
import { findUrlPlaces, splice, type UrlPlaces } from '../../github/rewriting/index.ts'
import type { Compression, ContentCoding, MaybePromise, StoredBody } from '../../ports.ts'
import type { PresentedStoredFields } from './fields.ts'
import type { View } from './view.ts'

const PER_ENTRY = 256

/** What has been worked out of stored bodies: where their URLs stand, their rewritten bytes, their compressed bytes. */
export interface DerivedBodies {
  /** The body as this client sees it. A held form answers at once. */
  presented(
    body: StoredBody,
    fields: PresentedStoredFields,
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

  function placesIn(body: StoredBody, fields: PresentedStoredFields, view: View): UrlPlaces {
    let found = places.get(fields.placesName)
    if (found === undefined) {
      found = findUrlPlaces(body.bytes, view.roots, fields.rules)
      places.set(fields.placesName, found)
    }
    return found
  }

  return {
    presented(body, fields, view, coding) {
      const { formNames } = fields
      const key = formNames[coding ?? 'identity']
      const held = forms.get(key)
      if (held !== undefined) return held
      // A body without URLs is its own presented form, held already: remembering it here would count it twice.
      const isItsOwn = !fields.rewritable || placesIn(body, fields, view).count === 0
      if (isItsOwn && coding === undefined) return body.bytes
      const rewritten = () => splice(body.bytes, placesIn(body, fields, view), view.publicOrigin)
      const plain = isItsOwn ? body.bytes : (forms.get(formNames.identity) ?? rewritten())
      if (coding === undefined) {
        forms.set(key, plain)
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
