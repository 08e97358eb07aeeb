import { gunzipSync } from 'node:zlib'
import { compression as nodeCompression } from '../../../src/entry/node/compression.ts'
import type { Credential } from '../../../src/github/credential.ts'
import { presentTag } from '../../../src/github/presentation-tag.ts'
import type { UrlRoots } from '../../../src/github/rewriting/index.ts'
import { clientValidators } from '../../../src/http/conditions.ts'
import { headerValue } from '../../../src/http/headers.ts'
import { rangeRequestOf } from '../../../src/http/ranges.ts'
import type { Answer, StoredAnswer } from '../../../src/middleware/outbound/exchange.ts'
import { derivedBodies } from '../../../src/middleware/present/derived.ts'
import { present } from '../../../src/middleware/present/present.ts'
import { presentationNames } from '../../../src/middleware/present/presentation-names.ts'
import type { View } from '../../../src/middleware/present/view.ts'
import type { Compression, ContentCoding, OutgoingAnswer, RateLimit } from '../../../src/ports.ts'
import { bytesOf, digest, HandClock, JSON_TYPE, START } from '../outbound/harness.ts'

export const UPSTREAM = 'https://ghes.example'
export const PUBLIC_ORIGIN = 'https://weir.example'
export const roots: UrlRoots = { pairs: [{ upstream: `${UPSTREAM}/api/v3`, path: '/api/v3' }] }

const { nameOf } = presentationNames(digest)

export function viewOf(
  request: Record<string, string> = {},
  { method = 'GET', path = '/user', publicOrigin = PUBLIC_ORIGIN, rewritesBodies = true, isCharged = true } = {},
): View {
  const headers = Object.entries(request).flat()
  return {
    method,
    path,
    accept: headerValue(headers, 'accept'),
    rewritesBodies,
    isCharged,
    roots,
    publicOrigin,
    presentation: () => nameOf(publicOrigin),
    acceptEncoding: headerValue(headers, 'accept-encoding'),
    validators: clientValidators(headers),
    range: rangeRequestOf(headers),
    requestId: 'request-1',
  }
}

export const presentedTag = (tag: string, publicOrigin = PUBLIC_ORIGIN) => presentTag(tag, nameOf(publicOrigin))

const encoder = new TextEncoder()

export function storedAnswer(text: string, fields: Record<string, string | string[]> = {}): StoredAnswer {
  const bytes = encoder.encode(text)
  const headers = Object.entries({ 'content-type': JSON_TYPE, ...fields }).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((line) => [name, line]),
  )
  return {
    body: { key: digest.contentKey(bytes), bytes },
    validation: {
      bodyKey: digest.contentKey(bytes),
      status: 200,
      headers,
      etag: headerValue(headers, 'etag'),
      lastModified: headerValue(headers, 'last-modified'),
      confirmedAt: START,
      initialAge: 0,
      freshFor: 0,
      isPublic: false,
      alwaysRevalidate: false,
      pollInterval: 0,
      staleUse: 'allowed',
      staleWhileRevalidate: 0,
      staleIfError: undefined,
      linkGoodUntil: 0,
      nextPage: 'none',
      epoch: 0,
    },
  }
}

export function hitOf(stored: StoredAnswer, more: Partial<Answer> = {}): Answer {
  return {
    status: 200,
    headers: stored.validation.headers,
    live: [],
    body: stored.body.bytes,
    stored,
    age: 1999,
    outcome: { name: 'hit' },
    ...more,
  }
}

export function passedAnswer(
  status: number,
  fields: Record<string, string | string[]>,
  body: Answer['body'] = null,
  more: Partial<Answer> = {},
): Answer {
  const headers = Object.entries(fields).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((line) => [name, line]),
  )
  const outcome = { name: 'fetched', forward: 'uri-miss', forwardStatus: status } as const
  return { status, headers, live: [], body, stored: undefined, age: undefined, outcome, ...more }
}

const credentialNamed = (fingerprint: string): Credential => ({ fingerprint, isAnonymous: fingerprint === 'anonymous' })

/** Everything that presenting needs, with what was compressed in sight. */
export function presenter({ derivedBytes = 1_000_000, maxHeldBytes = 100_000 } = {}) {
  const compressed: { coding: ContentCoding; bytes: number }[] = []
  const compression: Compression = {
    ...nodeCompression,
    compress(bytes, coding) {
      compressed.push({ coding, bytes: bytes.byteLength })
      return nodeCompression.compress(bytes, coding)
    },
  }
  const clock = new HandClock()
  const known = new Map<string, RateLimit>()
  const limits = ({ fingerprint }: Credential, path: string) => known.get(`${fingerprint} ${path}`)
  const derived = derivedBodies(derivedBytes, compression)
  const options = { compression, derived, maxHeldBytes, limits, clock }
  return {
    /** What is known of the limits of a credential, by `<fingerprint> <path>`. */
    known,
    derived,
    compressed,
    /** What the client gets; `text` is decoded where it is gzip. */
    async present(answer: Answer, view: View, fingerprint = 'one'): Promise<OutgoingAnswer & { text: string }> {
      const outgoing = await present(options, answer, view, credentialNamed(fingerprint))
      const bytes = await bytesOf(outgoing.body)
      const isGzip = headerValue(outgoing.headers, 'content-encoding') === 'gzip'
      return { ...outgoing, text: Buffer.from(isGzip ? gunzipSync(bytes) : bytes).toString() }
    },
    /** Without reading the body. */
    begin: (answer: Answer, view: View) => present(options, answer, view, credentialNamed('one')),
  }
}
