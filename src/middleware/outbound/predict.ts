import { credentialKind, type HashedFields, predictedTag } from '../../github/entity-tag-rule.ts'
import { isList } from '../../github/page-size.ts'
import { joinedHeader } from '../../http/headers.ts'
import type {
  AcceptedCredentials,
  CacheStore,
  Digest,
  KnownRepresentation,
  KnownRepresentations,
  PredictedTags,
  StoredBody,
} from '../../ports.ts'
import type { EntityTagHabit } from './entity-tag-memory.ts'
import type { Question } from './exchange.ts'
import type { HashAllowance } from './hash-allowance.ts'

/** A body that is held, and the tag that the upstream would give it in answer to this very question. */
export interface Prediction {
  /** Without quotes. */
  readonly opaque: string
  readonly body: StoredBody
  readonly representation: KnownRepresentation
  /** Of the request, that take part in the tag. */
  readonly fields: HashedFields
  /** Nobody was sent it yet: it is offered for what it might be. */
  readonly isGuess?: true
}

export interface PredictOptions {
  readonly store: CacheStore
  readonly digest: Digest
  readonly known: KnownRepresentations
  readonly predicted: PredictedTags
  readonly accepted: AcceptedCredentials
  readonly allowance: HashAllowance
}

/** Makes the function that predicts which bodies a caller may be about to be sent, the likeliest first. */
export type Predict = (question: Question, habit: EntityTagHabit) => Promise<readonly Prediction[]>

/**
 * Predicts for every credential: also for one that has never asked. Not for requests without any, for their 304s cost
 * what a 200 costs.
 */
export function predict(options: PredictOptions): Predict {
  const { store, digest, known, predicted, accepted, allowance } = options
  const emptyList: StoredBody = { key: digest.contentKey(EMPTY_LIST), bytes: EMPTY_LIST }

  return async function predictions(question, habit) {
    const { credential, headers } = question
    if (credential.isAnonymous || !habit.isPredictable) return NONE
    const fields = habit.fieldsOf(credentialKind(headers))
    // An absent `Accept` and an empty one make different tags: the first adds nothing, the second a colon.
    const accept = fields.accept ? joinedHeader(headers, 'accept') : undefined
    const name = `${credential.fingerprint} ${fields.authorization} ${accept === undefined ? '' : `:${accept}`} `
    const isAccepted = accepted.has(credential.fingerprint)
    const left = allowance.forQuestion(isAccepted)

    const found: Prediction[] = []
    const add = (body: StoredBody, representation: KnownRepresentation, guess: { isGuess?: true } = {}): void => {
      let opaque = predicted.get(name + body.key)
      if (opaque === undefined) {
        if (!left.spend(body.bytes.byteLength)) return
        opaque = predictedTag(digest, headers, fields, body.bytes)
        // Not for credentials that somebody made up: they would push out those of others.
        if (isAccepted) predicted.set(name + body.key, opaque)
      }
      found.push({ opaque, body, representation, fields, ...guess })
    }
    const representations = known.of(question.resource())
    let listsItems = representations.length === 0 && habit.mayBeList
    let length = 0
    for (const [index, representation] of representations.entries()) {
      length += representation.length
      if (index >= ALWAYS_OFFERED && length > MOST_BYTES_OF_MANY) break
      const body = await store.body(representation.bodyKey)
      if (body === undefined) continue
      add(body, representation)
      listsItems ||= isList(body.bytes)
    }
    // What is never a list never becomes an empty one. Far down a list an empty page still has a Link to those before.
    if (listsItems && !found.some(({ body }) => body.key === emptyList.key) && !isLaterPage(question.query)) {
      // Where it was seen, what was seen of it counts, though its body is not held or it came too late above: a `Link`.
      const seen = representations.find(({ bodyKey }) => bodyKey === emptyList.key)
      if (seen !== undefined) add(emptyList, seen)
      else add(emptyList, EMPTY_REPRESENTATION(emptyList.key), { isGuess: true })
    }
    return found
  }
}

const NONE: readonly Prediction[] = []

/** So many bodies are offered whatever their size; more only as long as all together have no more bytes than this. */
const ALWAYS_OFFERED = 4
const MOST_BYTES_OF_MANY = 128 * 1024

const EMPTY_LIST = new TextEncoder().encode('[]')

/** Parameters that lead to another page than the first (GitHub REST documentation, "Using pagination"). */
const PAGING = new Set(['page', 'after', 'before', 'since', 'cursor'])

/** Names decoded, for `%70age` is `page` to the upstream too; a semicolon separates for older Rack. */
function isLaterPage(query: string): boolean {
  if (query === '') return false
  for (const name of new URLSearchParams(query.replaceAll(';', '&')).keys()) {
    if (PAGING.has(name.toLowerCase())) return true
  }
  return false
}

/** What an empty list is like whoever asks: nobody needs to have been sent one. */
const EMPTY_REPRESENTATION = (bodyKey: string): KnownRepresentation => ({
  bodyKey,
  length: 2,
  contentType: 'application/json; charset=utf-8',
  lastModified: undefined,
  mediaType: undefined,
  accept: undefined,
  seenWithLink: false,
  nextPage: 'none',
})
