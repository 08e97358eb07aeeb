import type { FurtherFields } from '../github/further-fields.ts'
import type { UrlRoots } from '../github/rewriting/index.ts'
import { type ApiRoot, addressOf } from '../github/upstream.ts'
import { clientValidators } from '../http/conditions.ts'
import { joinedHeader } from '../http/headers.ts'
import { rangeRequestOf } from '../http/ranges.ts'
import { refuseDotSegments } from '../http/target.ts'
import type { ClientOf } from '../middleware/inbound/client.ts'
import type { Handler } from '../middleware/inbound/context.ts'
import { questionOf } from '../middleware/inbound/question.ts'
import type { Answer, Answerer } from '../middleware/outbound/exchange.ts'
import { type PresentOptions, present } from '../middleware/present/present.ts'
import type { PresentationNames } from '../middleware/present/presentation-names.ts'
import type { RouteName } from '../outcome.ts'
import type { Digest, MaybePromise, OutgoingAnswer } from '../ports.ts'

/** What the routes to the upstream have in common. */
export interface ForwardDependencies {
  readonly outbound: Answerer
  readonly presentation: PresentOptions
  readonly names: PresentationNames
  readonly digest: Digest
  readonly clientOf: ClientOf
  /** Request fields that go upstream besides the allow-list. */
  readonly further: FurtherFields
}

/** One public API and where it lives upstream. */
export interface ForwardRoute {
  readonly route: RouteName
  /** Public path prefix, without a trailing slash. */
  readonly prefix: string
  readonly root: ApiRoot
  readonly roots: UrlRoots
  readonly cacheable: boolean
  readonly rewritesBodies: boolean
  /** The path that the rules about paths are asked with: that below the prefix, unless the API has but one. */
  readonly rulePath?: string
}

/** Makes the handler that forwards one API: question, answer, presentation, in this order. */
export function forward(dependencies: ForwardDependencies, api: ForwardRoute): Handler {
  const { outbound, presentation, names, digest, clientOf, further } = dependencies
  return function forwarded(context) {
    const { inbound, publicOrigin } = context
    context.route = api.route
    const { path, query } = context.target!
    const below = path.slice(api.prefix.length)
    refuseDotSegments(below)
    const rulePath = api.rulePath ?? below
    const validators = clientValidators(inbound.headers)
    const caller = clientOf(inbound.headers, context.client!.address)
    const question = questionOf(
      inbound,
      {
        address: addressOf(api.root, below, query),
        path: rulePath,
        query,
        presentation: () => names.nameOf(publicOrigin),
        validators,
        cacheable: api.cacheable,
        further,
        isCharged: api.route !== 'manage',
        caller,
        use: context.use,
      },
      digest,
    )
    context.credential = question.credential
    if (question.isCharged) context.chargedPath = rulePath

    const presented = (answer: Answer): MaybePromise<OutgoingAnswer> => {
      context.outcome = answer.outcome
      const view = {
        method: inbound.method,
        path: rulePath,
        accept: joinedHeader(inbound.headers, 'accept'),
        rewritesBodies: api.rewritesBodies,
        isCharged: question.isCharged,
        roots: api.roots,
        publicOrigin,
        presentation: () => names.nameOf(publicOrigin),
        acceptEncoding: joinedHeader(inbound.headers, 'accept-encoding'),
        validators,
        range: rangeRequestOf(inbound.headers),
        requestId: context.requestId,
      }
      return present(presentation, answer, view, question.credential)
    }
    const answer = outbound(question)
    return answer instanceof Promise ? answer.then(presented) : presented(answer)
  }
}
