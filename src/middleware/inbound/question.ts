import { credentialOf, withoutSecrets } from '../../github/credential.ts'
import { addFurtherFields, type FurtherFields } from '../../github/further-fields.ts'
import { asksForRaw } from '../../github/media-type.ts'
import { returnTag } from '../../github/presentation-tag.ts'
import { resourceName } from '../../github/representation-kind.ts'
import { forwardedConditions, forwardedFields, hasPrecondition } from '../../github/request-fields.ts'
import type { UpstreamAddress } from '../../github/upstream.ts'
import { scopesOfRead, scopesOfWrite } from '../../github/write-scopes.ts'
import { parseCacheControl } from '../../http/cache-control.ts'
import type { ClientValidators } from '../../http/conditions.ts'
import type { EntityTag } from '../../http/entity-tag.ts'
import { headerValue, joinedHeader } from '../../http/headers.ts'
import type { Detail, UpstreamUse } from '../../outcome.ts'
import type { Digest, HeaderList, Inbound } from '../../ports.ts'
import type { Question } from '../outbound/exchange.ts'
import type { Caller } from './client.ts'

export interface QuestionParts {
  readonly address: UpstreamAddress
  /** Below the API's root, raw. */
  readonly path: string
  readonly query: string
  /** Names the public URL and rewriter in entity tags given out; asked for only where there are tags. */
  readonly presentation: () => string
  /** As the client sent them. */
  readonly validators: ClientValidators
  /** `false` for APIs whose answers are never stored. */
  readonly cacheable: boolean
  /** What goes upstream besides the allow-list. */
  readonly further: FurtherFields
  /** Whether the API has rate limits. */
  readonly isCharged: boolean
  readonly caller: Caller
  readonly use: UpstreamUse
}

/**
 * Puts a client's request into the upstream's terms.
 *
 * @throws Failure `bad-request` for ambiguous credentials
 */
export function questionOf(inbound: Inbound, parts: QuestionParts, digest: Digest): Question {
  const { method, headers } = inbound
  const { address, path, query } = parts
  const credential = credentialOf(headers, query, digest)
  const isRead = method === 'GET' || method === 'HEAD'
  const fields = forwardedFields(headers)
  const accept = joinedHeader(headers, 'accept')
  const isRaw = asksForRaw(accept, path)
  const bypass = isRead ? bypassReason(inbound, parts, isRaw) : undefined
  const takesPart = isRead && bypass === undefined
  if (!takesPart) fields.push(...forwardedConditions(headers, parts.presentation(), isRaw))
  // Of what goes upstream only what is added after this is in no key.
  const key = keyOf(credential.fingerprint, address, query, fields) + addFurtherFields(headers, parts.further, fields)
  return {
    method,
    address,
    path,
    query,
    headers: fields,
    body: inbound.body,
    bodyLength: inbound.bodyLength,
    credential,
    key,
    plainAddress: () => plainAddress(address, query),
    resource: () => resourceName(plainAddress(address, query), accept, path),
    // A function, and not a getter: an object with a getter of its own gets a hidden class of its own, and a hit that makes
    // one leaves 4 kB behind for the garbage collector.
    scopes: () => {
      if (isRead) return scopesOfRead(path, credential.fingerprint)
      if (method === 'OPTIONS') return []
      return scopesOfWrite(path, credential.isAnonymous ? undefined : credential.fingerprint)
    },
    directives: parseCacheControl(directivesOf(headers)),
    clientTags: takesPart ? tagsForUpstream(parts, isRaw) : [],
    clientModifiedSince: takesPart ? parts.validators.modifiedSince : undefined,
    bypass,
    isCharged: parts.isCharged,
    client: parts.caller.client,
    isBackground: parts.caller.isBackground,
    longestWait: 0,
    use: parts.use,
    signal: () => inbound.signal(),
  }
}

function bypassReason(inbound: Inbound, parts: QuestionParts, isRaw: boolean): Detail | undefined {
  if (!parts.cacheable) return 'other-api'
  if (inbound.body !== null) return 'request-body'
  if (hasPrecondition(inbound.headers)) return 'precondition'
  if (isRaw && headerValue(inbound.headers, 'range') !== undefined) return 'range'
  return undefined
}

/** `Pragma: no-cache` counts where there is no `Cache-Control` (RFC 9111 §5.4). */
function directivesOf(headers: HeaderList): string | undefined {
  const control = joinedHeader(headers, 'cache-control')
  if (control !== undefined) return control
  return joinedHeader(headers, 'pragma')?.toLowerCase().includes('no-cache') === true ? 'no-cache' : undefined
}

const NONE: readonly EntityTag[] = []

/**
 * A client's tags as the upstream knows them. One that was not given out here names bytes with the upstream's own URLs
 * in them, so it may only be confirmed where bodies are not rewritten. One that was, names rewritten JSON, so it may not be
 * confirmed where a file is asked for: GitHub gives the JSON about a file and the file itself the same tag.
 */
function tagsForUpstream({ validators, presentation }: QuestionParts, isRaw: boolean): readonly EntityTag[] {
  const { tags } = validators
  if (tags === '*' || tags.length === 0) return NONE
  const known: EntityTag[] = []
  for (const tag of tags) {
    const returned = returnTag(tag, presentation())
    if (returned.kind === (isRaw ? 'foreign' : 'ours')) known.push(returned.tag)
  }
  return known
}

/**
 * Names credential and variant: everything that goes upstream is in it, whatever `Vary` says, because the API version is
 * in neither `Vary` nor the entity tag. The credential stands in it by its fingerprint alone. Only fields that the
 * operator declared to change nothing are left out (further-fields.ts).
 */
function keyOf(fingerprint: string, address: UpstreamAddress, query: string, fields: HeaderList): string {
  let key = `${fingerprint} ${plainAddress(address, query)}`
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index]
    if (name !== 'authorization' && name !== 'x-github-otp') key += `\n${name}: ${fields[index + 1]}`
  }
  return key
}

/** Origin and target, without credentials in the query. */
function plainAddress({ origin, target }: UpstreamAddress, query: string): string {
  const plain = withoutSecrets(query)
  return plain === query ? `${origin}${target}` : `${origin}${target.slice(0, target.length - query.length)}${plain}`
}
