import { withoutHeaders } from '../../http/headers.ts'
import { selectedPart } from '../../http/ranges.ts'
import type { OutgoingAnswer } from '../../ports.ts'
import type { Answer, StoredAnswer } from '../outbound/exchange.ts'
import type { PresentedFields } from './fields.ts'
import { withStatus } from './status-field.ts'
import type { View } from './view.ts'

/**
 * The part that the client asks for, of a stored body that goes out as it is. JSON is always sent whole: where its URLs
 * point decides what stands at which position.
 */
export function presentPart(
  answer: Answer,
  { body: { bytes } }: StoredAnswer,
  { fields, rewritable }: PresentedFields,
  added: readonly string[],
  view: View,
): OutgoingAnswer | undefined {
  if (view.range === undefined || view.method !== 'GET' || answer.status !== 200 || rewritable) return undefined
  const part = selectedPart(view.range, fields, bytes.byteLength)
  if (part === undefined) return undefined
  const total = bytes.byteLength
  // Nothing of the stored answer's fields is true of this one.
  if (part === 'unsatisfiable')
    return { status: 416, headers: [...added, 'content-range', `bytes */${total}`], body: null }
  const { first, last } = part
  const kept = withoutHeaders(fields, (name) => name === 'content-range')
  return {
    status: 206,
    headers: [...withStatus(kept, '206 Partial Content'), ...added, 'content-range', `bytes ${first}-${last}/${total}`],
    body: bytes.subarray(first, last + 1),
  }
}
