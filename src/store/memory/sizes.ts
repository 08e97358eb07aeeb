import type { HeaderList, Validation } from '../../ports.ts'

/**
 * What entries hold, in bytes, reckoned high: a string of Latin-1 characters takes one byte each and a header of 16, an
 * object some 100. Bounds that count only payloads let bookkeeping grow past them.
 */
const PER_STRING = 16
const PER_ENTRY = 256

export function bytesOfHeaders(headers: HeaderList): number {
  let bytes = 16 + (8 + PER_STRING) * headers.length
  // Names too: they come off the wire anew with every answer.
  for (const text of headers) bytes += text.length
  return bytes
}

/** What is remembered beside a validation besides its fields: the names of what was derived from its body. */
const DERIVED_NAMES = 512

/** A validation, with room for what is remembered beside it: its fields as they are presented (present/fields.ts). */
export function bytesOfValidation(key: string, validation: Validation): number {
  return PER_ENTRY + DERIVED_NAMES + PER_STRING + key.length + 2 * bytesOfHeaders(validation.headers)
}

export function bytesOfBody(bytes: Uint8Array): number {
  return PER_ENTRY + bytes.byteLength
}
