import { asksForRaw } from './media-type.ts'

/** `application/vnd.github.v3.full+json`: what stands between the vendor's name and the suffix. */
const VENDOR_TYPE = /application\/vnd\.github\.([\w.-]+)/gi

/**
 * Names the kind of representation that a request asks for: requests of one kind get the same bytes, as far as the
 * documentation tells ("Media types": without a flavour or a preview all spellings of JSON mean the same). Only such
 * bodies are worth being offered to the upstream for confirmation, and only among them does a `Content-Type` carry over.
 *
 * @param accept the `Accept` field, lines joined
 * @param path below the API root
 */
export function representationKind(accept: string | undefined, path: string): string {
  if (accept === undefined || accept === '') return 'json'
  if (asksForRaw(accept, path)) return `raw ${accept.toLowerCase()}`
  const flavours = new Set<string>()
  for (const [, between] of accept.toLowerCase().matchAll(VENDOR_TYPE)) {
    for (const part of between!.split('.')) if (part !== '' && !/^v\d+$/.test(part)) flavours.add(part)
  }
  return flavours.size === 0 ? 'json' : `json ${[...flavours].sort().join(' ')}`
}

/**
 * Names what is asked for, whoever asks: the address and the kind of representation.
 *
 * @param address origin and target, without credentials
 */
export function resourceName(address: string, accept: string | undefined, path: string): string {
  return `${address} ${representationKind(accept, path)}`
}
