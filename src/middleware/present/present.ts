import type { Credential } from '../../github/credential.ts'
import { isSamePresented } from '../../github/presentation-tag.ts'
import { rateLimitFields, statesRateLimit } from '../../github/rate-limit.ts'
import { cacheStatusOf } from '../../http/cache-status.ts'
import { isLeftOutOf304, isNotModified } from '../../http/conditions.ts'
import { withoutHeaders } from '../../http/headers.ts'
import type { Clock, MaybePromise, OutgoingAnswer, RateLimit } from '../../ports.ts'
import { discard } from '../outbound/collect.ts'
import type { Answer } from '../outbound/exchange.ts'
import { type BodyOptions, type PresentedBody, presentPassingBody, presentStoredBody } from './body.ts'
import { type PresentedFields, presentFields, presentStoredFields } from './fields.ts'
import { presentPart } from './part.ts'
import { withStatus } from './status-field.ts'
import type { View } from './view.ts'

export interface PresentOptions extends BodyOptions {
  /**
   * The last stated numbers of the budget that a question of this credential for this path (below the API's root, raw)
   * belongs to; `undefined` where none are known.
   */
  readonly limits: (credential: Credential, path: string) => RateLimit | undefined
  readonly clock: Clock
}

/**
 * Turns what the upstream said into what this client gets: its own 304 where it holds these bytes already, URLs that
 * point here, the coding it asked for, and what became of its request. Happens once, after the cache.
 *
 * @param credential the client's: whose rate limits an answer states that the upstream said nothing of them with
 */
export function present(
  options: PresentOptions,
  answer: Answer,
  view: View,
  credential: Credential,
): MaybePromise<OutgoingAnswer> {
  const { stored } = answer
  if (stored !== undefined) {
    const presented = presentStoredFields(stored, view)
    const added = addedFields(options, answer, view, credential)
    if (isHeldByClient(options, answer, presented, view)) return notModified(presented, added)
    if (view.range !== undefined) {
      const part = presentPart(answer, stored, presented, added, view)
      if (part !== undefined) return part
    }
    const complete = (body: PresentedBody) => completed(answer, presented, added, body)
    const body = presentStoredBody(options, stored, presented, view)
    return body instanceof Promise ? body.then(complete) : complete(body)
  }
  return presentPassing(options, answer, view, credential)
}

/** An answer that is not stored: its body may still be arriving. */
async function presentPassing(
  options: PresentOptions,
  answer: Answer,
  view: View,
  credential: Credential,
): Promise<OutgoingAnswer> {
  const presented = presentFields(answer.headers, answer.status, view)
  const added = addedFields(options, answer, view, credential)
  if (isHeldByClient(options, answer, presented, view)) {
    await discard(answer.body)
    return notModified(presented, added)
  }
  return completed(answer, presented, added, await presentPassingBody(options, answer, presented, view))
}

/** Fields that are worked out anew for every answer. */
function addedFields(options: PresentOptions, answer: Answer, view: View, credential: Credential): string[] {
  const { outcome, live, age, status } = answer
  const added = [...live]
  if (view.isCharged && !statesLimits(answer)) {
    const limits = options.limits(credential, view.path)
    if (limits !== undefined) added.push(...rateLimitFields(limits))
  }
  if (age !== undefined) added.push('age', String(Math.floor(age / 1000)))
  const cacheStatus = isRead(view) ? cacheStatusOf(outcome, status) : undefined
  if (cacheStatus !== undefined) added.push('cache-status', cacheStatus)
  added.push('x-request-id', view.requestId)
  return added
}

/** Whether the upstream's own numbers come with this answer. Fields of a stored one hold none (stored-fields.ts). */
function statesLimits({ live, headers, stored }: Answer): boolean {
  return statesRateLimit(live) || (stored === undefined && statesRateLimit(headers))
}

/**
 * Whether the client holds these bytes already. Where the cache took no part, the upstream has seen the client's
 * conditions and decided about them itself.
 */
function isHeldByClient(options: PresentOptions, answer: Answer, presented: PresentedFields, view: View): boolean {
  const decidesHere = isRead(view) && answer.status === 200 && answer.outcome.name !== 'bypassed'
  return decidesHere && isNotModified(view.validators, presented.fields, options.clock.now(), isSamePresented)
}

function isRead({ method }: View): boolean {
  return method === 'GET' || method === 'HEAD'
}

function notModified(presented: PresentedFields, added: readonly string[]): OutgoingAnswer {
  const fields = withoutHeaders(presented.fields, isLeftOutOf304)
  return { status: 304, headers: [...withStatus(fields, '304 Not Modified'), ...added], body: null }
}

function completed(
  answer: Answer,
  presented: PresentedFields,
  added: string[],
  { body, coding, length }: PresentedBody,
): OutgoingAnswer {
  if (coding !== undefined) added.push('content-encoding', coding)
  if (length !== undefined) added.push('content-length', length)
  return { status: answer.status, headers: presented.fields.concat(added), body }
}
