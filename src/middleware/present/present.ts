import { rateLimitFields, resourceOf } from '../../github/rate-limit.ts'
import { cacheStatusOf } from '../../http/cache-status.ts'
import { isLeftOutOf304, isNotModified } from '../../http/conditions.ts'
import { headerValue, withHeader, withoutHeaders } from '../../http/headers.ts'
import type { Body, BudgetLedger, Clock, OutgoingAnswer } from '../../ports.ts'
import type { Answer } from '../outbound/exchange.ts'
import { type BodyOptions, presentBody } from './body.ts'
import { presentFields, presentStoredFields } from './fields.ts'
import type { View } from './view.ts'

export interface PresentOptions extends BodyOptions {
  readonly ledger: BudgetLedger
  readonly clock: Clock
}

/**
 * Turns what the upstream said into what this client gets: its own 304 where it holds these bytes already, URLs that
 * point here, the coding it asked for, and what became of its request. Happens once, after the cache.
 *
 * @param fingerprint of the client's credential: whose rate limits a stored answer states
 */
export async function present(
  options: PresentOptions,
  answer: Answer,
  view: View,
  fingerprint: string,
): Promise<OutgoingAnswer> {
  const { stored, outcome } = answer
  const presented =
    stored === undefined
      ? presentFields(answer.headers, answer.status, view)
      : presentStoredFields(stored.validation.headers, view)

  const added = [...answer.live]
  if (outcome.name === 'hit') {
    const limits = options.ledger.latest(fingerprint, resourceOf(view.path))
    if (limits !== undefined) added.push(...rateLimitFields(limits))
  }
  if (answer.age !== undefined) added.push('age', String(Math.floor(answer.age / 1000)))
  const isRead = view.method === 'GET' || view.method === 'HEAD'
  const cacheStatus = isRead ? cacheStatusOf(outcome, answer.status) : undefined
  if (cacheStatus !== undefined) added.push('cache-status', cacheStatus)
  added.push('x-request-id', view.requestId)

  // Where the cache took no part, the upstream has seen the client's conditions and decided about them itself.
  const decidesHere = isRead && answer.status === 200 && outcome.name !== 'bypassed'
  if (decidesHere && isNotModified(view.validators, presented.fields, options.clock.now())) {
    await discard(answer.body)
    const fields = withoutHeaders(presented.fields, isLeftOutOf304)
    return { status: 304, headers: [...withStatus(fields, '304 Not Modified'), ...added], body: null }
  }

  const { body, coding, length } = await presentBody(options, answer, presented, view)
  if (coding !== undefined) added.push('content-encoding', coding)
  if (length !== undefined) added.push('content-length', length)
  return { status: answer.status, headers: [...presented.fields, ...added], body }
}

/** `Status`, which older GHES sends, must say what the status line says. */
function withStatus(fields: string[], status: string): string[] {
  return headerValue(fields, 'status') !== undefined ? withHeader(fields, 'status', status) : fields
}

/** Lets go of a body that will not be passed on, and with it of the upstream's connection. */
async function discard(body: Body): Promise<void> {
  if (body === null || body instanceof Uint8Array) return
  await body[Symbol.asyncIterator]().return?.()
}
