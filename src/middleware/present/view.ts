import type { UrlRoots } from '../../github/rewriting/index.ts'
import type { ClientValidators } from '../../http/conditions.ts'
import type { RangeRequest } from '../../http/ranges.ts'

/** How one client sees the upstream: what an answer is presented for. */
export interface View {
  readonly method: string
  /** Below the API's root, raw, without the query: with `accept` it decides what kind of body comes. */
  readonly path: string
  readonly accept: string | undefined
  /** Whether bodies of this API hold URLs of GitHub's own that are to be rewritten (GraphQL answers do not). */
  readonly rewritesBodies: boolean
  /** Whether this API has rate limits: then every answer states those that it belongs to. */
  readonly isCharged: boolean
  readonly roots: UrlRoots
  /** Scheme, host and port that the client uses, without a trailing slash. */
  readonly publicOrigin: string
  /** Names `publicOrigin` and the rewriter's version in entity tags; asked for only where one is made. */
  readonly presentation: () => string
  readonly acceptEncoding: string | undefined
  /** As the client sent them: they name presented answers. */
  readonly validators: ClientValidators
  /** The part that is asked for. */
  readonly range: RangeRequest | undefined
  readonly requestId: string
}
