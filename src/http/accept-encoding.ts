import type { ContentCoding } from '../ports.ts'

/**
 * The content coding to answer in (RFC 9110 §12.5.3), or `undefined` for none: the first of `available` that the client
 * gives its highest weight to. No field means none: clients that understand codings say so.
 */
export function chooseCoding(
  accepted: string | undefined,
  available: readonly ContentCoding[],
): ContentCoding | undefined {
  if (accepted === undefined || accepted === '') return undefined
  let chosen: ContentCoding | undefined
  let best = 0
  const weights = weightsOf(accepted)
  for (const coding of available) {
    const weight = weights.get(coding) ?? weights.get('*') ?? 0
    if (weight > best) {
      best = weight
      chosen = coding
    }
  }
  return best < (weights.get('identity') ?? 0) ? undefined : chosen
}

/** A field with more members than this is nobody's honest wish. */
const MOST_MEMBERS = 16

function weightsOf(accepted: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const member of accepted.split(',', MOST_MEMBERS)) {
    const match = /^\s*([^\s;]+)\s*(?:;\s*q\s*=\s*([\d.]+)\s*)?$/i.exec(member)
    if (match === null) continue
    const name = match[1]!.toLowerCase()
    weights.set(name === 'x-gzip' ? 'gzip' : name, match[2] === undefined ? 1 : Number(match[2]) || 0)
  }
  return weights
}
