import type { Exchange } from './exchange.ts'
import { field, type Got, type Reading } from './reading.ts'
import { opaque } from './upstream.ts'
import { PUBLIC, UPSTREAM } from './world.ts'

/** Compares what a client got with what the upstream said. */

/** What a client may be sent because of an exchange, before URLs are turned to point here. */
export function bodiesOf({ truth, status, body, confirmed }: Exchange): readonly string[] {
  return status === 304 ? [truth?.body ?? '', ...confirmed] : [body]
}

export function presented(body: string, isJson: boolean): string {
  return isJson ? body.replaceAll(`${UPSTREAM}/api/v3`, `${PUBLIC}/api/v3`) : body
}

/** A tag that the gateway gave out, as the upstream knows it. */
export function unpresented(tag: string): { readonly isOurs: boolean; readonly tag: string } {
  const match = /^(?:W\/)?"weir-[A-Za-z0-9]+-[sw]-(.*)"$/.exec(tag)
  return match === null ? { isOurs: false, tag: opaque(tag) } : { isOurs: true, tag: match[1]! }
}

/** A 304 says that the client's own tag, or date, names what the upstream would have sent. */
export function notModifiedProblem(
  { truth, status, noneMatch }: Exchange,
  reading: Reading,
  got: Got,
): string | undefined {
  if (got.body !== '') return 'a 304 has no body'
  if (reading.tags.length > 0) {
    // Only a tag that was given out with rewritten bytes names rewritten bytes.
    const held = reading.tags.map(unpresented).filter(({ isOurs }) => isOurs || !reading.isJson)
    return held.some(({ tag }) => tag === truth!.tag) ? undefined : `no tag of the client's is ${truth!.tag}`
  }
  const { modifiedSince } = reading
  if (modifiedSince === undefined) return 'the client sent no validator'
  const { lastModified } = truth!
  const isOld = lastModified !== undefined && lastModified <= modifiedSince
  return isOld || (status === 304 && noneMatch === undefined)
    ? undefined
    : 'it was changed since the date of the client'
}

/** Why an answer is not this one, which is neither a 200 nor a 304; `undefined` where it is. */
export function otherProblem({ status, body, truth }: Exchange, reading: Reading, got: Got): string | undefined {
  if (got.status !== status) return `it was answered with ${status}`
  if (reading.method !== 'HEAD' && !(got.isWhole ? got.body === body : body.startsWith(got.body)))
    return `it says ${body}`
  const location = field(got.headers, 'location')
  if (status === truth!.status && location !== truth!.location) return `its location is ${truth!.location}`
  const scopes = field(got.headers, 'x-oauth-scopes')
  return scopes === undefined || scopes === truth!.scopes ? undefined : `its scopes are ${truth!.scopes}`
}
