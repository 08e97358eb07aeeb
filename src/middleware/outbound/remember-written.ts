import { nextPageOf } from '../../github/page-size.ts'
import { resourceName } from '../../github/representation-kind.ts'
import { writtenResource } from '../../github/written-resource.ts'
import { parseCacheControl } from '../../http/cache-control.ts'
import { headerValue, joinedHeader } from '../../http/headers.ts'
import type { CacheStore, Digest, KnownRepresentations } from '../../ports.ts'
import { collect } from './collect.ts'
import type { Answer, Answerer, Question } from './exchange.ts'
import { knownRepresentation } from './predicted-representation.ts'

/** Bytes of a write's answer that are looked at; what GitHub sends is a tenth of it. */
const MOST_BYTES = 256 * 1024

/** What is read by many. Elsewhere answers to writes can hold tokens that were just made, such as `/authorizations`. */
const HOLDS_NO_SECRETS = /^\/(?:repos|repositories|orgs|organizations|teams|gists|projects|users?)\//

/**
 * Remembers the body of a write's answer for the resource that it represents: the next read of it is then likely to be
 * confirmed instead of paid for. It is no answer to anybody before the upstream has confirmed it to that caller.
 */
export function rememberWritten(
  options: { store: CacheStore; known: KnownRepresentations; digest: Digest },
  next: Answerer,
): Answerer {
  const { store, known, digest } = options

  async function remembered(question: Question, answer: Answer): Promise<Answer> {
    const { headers, status, body } = answer
    // Only the Manage API has no rate limits: its reads are never answered from here, and its answers hold secrets.
    if (!question.isCharged || !HOLDS_NO_SECRETS.test(question.path) || question.directives.noStore) return answer
    const resource = writtenResource(question.method, question.plainAddress(), status, headers)
    const contentType = headerValue(headers, 'content-type')
    if (resource === undefined || body === null || contentType?.startsWith('application/json') !== true) return answer
    const isForbidden = parseCacheControl(joinedHeader(headers, 'cache-control')).noStore
    if (isForbidden || headerValue(headers, 'content-encoding') !== undefined) return answer
    if (Number(headerValue(headers, 'content-length') ?? 0) > MOST_BYTES || body instanceof Uint8Array) return answer
    const collected = await collect(body, MOST_BYTES)
    if (!collected.complete) return { ...answer, body: collected.body }
    const bytes = new Uint8Array(collected.bytes)
    const bodyKey = digest.contentKey(bytes)
    await store.keepBody({ key: bodyKey, bytes })
    const name = resourceName(resource, joinedHeader(question.headers, 'accept'), question.path)
    const before = known.of(name).find((each) => each.bodyKey === bodyKey)
    // A write may answer with a list, and a full page of one leaves open whether another follows.
    const described = { headers, nextPage: nextPageOf(bytes, '') }
    known.saw(name, knownRepresentation(question, described, { key: bodyKey, bytes }, before))
    return { ...answer, body: bytes }
  }

  return async function rememberedWrite(question) {
    return remembered(question, await next(question))
  }
}
