import { costOf } from '../../github/rate-limit.ts'
import { mayBeRefusal, readErrorBody, refusalOf } from '../../github/refusal.ts'
import { headerValue } from '../../http/headers.ts'
import { parseHttpDate } from '../../http/http-date.ts'
import type { Clock, Send, UpstreamResponse } from '../../ports.ts'
import { asStream, collect } from './collect.ts'
import type { Attempt, Response } from './exchange.ts'

/** Bytes of a refusal's body that are read to know why it refuses. Those that GitHub sends have some two hundred. */
const MOST_BYTES = 16 * 1024

/** The last step outwards: one request on the wire, why it was refused where it was, and what it cost. */
export function ask(send: Send, clock: Clock): Attempt {
  return async function asked(question, compose) {
    const composed = compose()
    const headers = composed instanceof Promise ? await composed : composed
    const startedAt = clock.elapsed()
    question.use.requests++
    try {
      const response = await send({
        method: question.method,
        origin: question.address.origin,
        target: question.address.target,
        headers,
        body: question.body,
        bodyLength: question.bodyLength,
        signal: question.signal(),
      })
      const answer = mayBeRefusal(response.status) ? await withRefusal(response, clock.now()) : response
      if (question.isCharged) {
        const { method, path } = question
        // The gateway's own application, too, is somebody.
        const isAnonymous = question.credential.isAnonymous && headerValue(headers, 'authorization') === undefined
        question.use.cost += costOf({ method, path, isAnonymous }, answer.status, isLimitRefusal(answer))
      }
      return answer
    } finally {
      question.use.milliseconds += clock.elapsed() - startedAt
    }
  }
}

/** Whether the upstream refused for a limit: that says nothing about what was asked for. */
export function isLimitRefusal({ refusal }: Response): boolean {
  return refusal?.kind === 'primary' || refusal?.kind === 'secondary'
}

/** A body that has been read: nothing of it is on its way any longer, whenever it is passed on. */
export class HeldBody implements AsyncIterable<Uint8Array> {
  readonly #stream: AsyncIterable<Uint8Array>

  constructor(bytes: Uint8Array) {
    this.#stream = asStream(bytes)
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#stream[Symbol.asyncIterator]()
  }
}

/** @throws Failure where the body breaks off: then no byte of it has been passed on */
async function withRefusal(response: UpstreamResponse, now: number): Promise<Response> {
  const { status, headers } = response
  const collected = response.body === null ? undefined : await collect(response.body, MOST_BYTES)
  const isRead = collected?.complete === true
  const body = isRead ? readErrorBody(collected.bytes) : { message: '', documentationUrl: undefined }
  const upstreamNow = parseHttpDate(headerValue(headers, 'date'), now) ?? now
  const refusal = refusalOf(status, headers, body, upstreamNow)
  const held = collected === undefined ? null : collected.complete ? new HeldBody(collected.bytes) : collected.body
  return { ...response, body: held, ...(refusal === undefined ? {} : { refusal }) }
}
