import { isHopByHop, joinedHeader } from '../http/headers.ts'
import type { HeaderList } from '../ports.ts'
import { isForwarded } from './request-fields.ts'

/** Request fields that go upstream by the operator's choice, besides those of the allow-list; names in lower case. */
export interface FurtherFields {
  /** They may change the answer, so they are part of every key. */
  readonly keyed: readonly string[]
  /** They never change the answer (trace ids), so they are part of no key. */
  readonly trace: readonly string[]
}

/**
 * Adds what the request has of these fields to `fields`, which go upstream, lines and values as they came.
 *
 * @returns what the keyed ones add to the key of the answer
 */
export function addFurtherFields(headers: HeaderList, further: FurtherFields, fields: string[]): string {
  let key = ''
  for (const name of further.keyed) {
    const value = joinedHeader(headers, name)
    if (value === undefined) continue
    key += `\n${name}: ${normalised(name, value)}`
    addLines(headers, name, fields)
  }
  for (const name of further.trace) addLines(headers, name, fields)
  return key
}

function addLines(headers: HeaderList, name: string, fields: string[]): void {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] === name) fields.push(name, headers[index + 1] as string)
  }
}

/**
 * A value as keys hold it (RFC 9111 §4.1): lines combined, without white space around commas. What holds a quoted string
 * stays as it is, for a comma in there is none of the list. The ranges of `Accept-Language` have neither case nor order
 * (RFC 9110 §12.5.4: servers may not rely on the order of those with one weight).
 */
function normalised(name: string, value: string): string {
  if (name === 'accept-language') return value.replace(/[ \t]/g, '').toLowerCase().split(',').sort().join(',')
  return value.includes('"') ? value : value.split(',').map(trimmed).join(',')
}

/** Without spaces and tabs at its ends, and them alone: a no-break space belongs to the value. */
function trimmed(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Names beyond the allow-list that may not go upstream, and why. */
const REFUSED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'which Weir sets itself': ['host', 'user-agent', 'accept-encoding', 'via'],
    'which says where the message ends': ['content-length', 'expect', 'http2-settings'],
    'which is a credential': ['cookie', 'cookie2', 'x-api-key', 'x-auth-token', 'private-token'],
    'which says who asks, and any client could say it': ['forwarded', 'x-real-ip', 'x-client-ip', 'true-client-ip'],
    'which could make another request of it': [
      'x-http-method-override',
      'x-http-method',
      'x-method-override',
      'x-original-url',
      'x-rewrite-url',
    ],
    'which the cache itself answers to': ['range', 'cache-control', 'pragma'],
  }).flatMap(([reason, names]) => names.map((name) => [name, reason] as const)),
)

/** Names that are different with every request: in a key they would keep every answer from being found again. */
const OF_ONE_REQUEST = new Set(['x-request-id', 'traceparent', 'tracestate', 'baggage', 'x-correlation-id'])

/**
 * Why a field may not be added to those that go upstream, as the end of the sentence "got x, …"; `undefined` where it may.
 *
 * @param name in lower case
 * @param as whether it would be part of keys
 */
export function reasonNotToAdd(name: string, as: 'keyed' | 'trace'): string | undefined {
  // RFC 9110 §5.6.2.
  if (!/^[!#$%&'*+\-.^_`|~\da-z]+$/.test(name)) return 'is not a field name'
  if (isForwarded(name)) return 'goes upstream anyway'
  if (isHopByHop(name)) return 'belongs to one connection'
  if (name.startsWith('x-forwarded-')) return 'says who asks, and any client could say it'
  if (name.startsWith('x-weir-')) return 'is meant for Weir itself'
  if (name.startsWith('if-')) return 'the cache itself answers to'
  if (as === 'keyed' && OF_ONE_REQUEST.has(name)) return 'is different with every request'
  return REFUSED.get(name)
}
