import { Failure } from '../../errors.ts'
import { credentialKind } from '../../github/entity-tag-rule.ts'
import { parseCacheControl } from '../../http/cache-control.ts'
import { isEntityTag, weaklyEqual } from '../../http/entity-tag.ts'
import type { FreshnessPolicy } from '../../http/freshness.ts'
import { headerValue, joinedHeader, withHeader } from '../../http/headers.ts'
import type { Detail, ForwardReason, Outcome } from '../../outcome.ts'
import type { CacheStore, Clock, Digest, KnownRepresentations, MaybePromise, WriteEpochs } from '../../ports.ts'
import { Arrivals } from './arrivals.ts'
import { collect } from './collect.ts'
import { isCurrent } from './current.ts'
import type { EntityTagMemory } from './entity-tag-memory.ts'
import type { Answer, Attempt, Question, Response, StoredAnswer } from './exchange.ts'
import type { Revalidating } from './fresh.ts'
import { keeper } from './keeper.ts'
import { learnFromBody, learnFromHeaders } from './learn-tags.ts'
import type { LinkMemory } from './link-memory.ts'
import { lookup } from './lookup.ts'
import { otherStatus, passed } from './other-status.ts'
import type { Predict } from './predict.ts'
import { predictedRepresentation } from './predicted-representation.ts'
import { confirmedRepresentation, type Moment, reasonNotToStore, representationOf } from './representation.ts'
import { liveFields } from './stored-fields.ts'
import { type Conditions, composeConditions, confirmedBy, leavesLinkOpen, UNCONDITIONAL } from './validators.ts'

export interface RevalidateOptions {
  readonly store: CacheStore
  readonly epochs: WriteEpochs
  readonly clock: Clock
  readonly digest: Digest
  readonly known: KnownRepresentations
  readonly predict: Predict
  readonly tags: EntityTagMemory
  readonly links: LinkMemory
  readonly policy: FreshnessPolicy
  /** Largest body that is held, bytes. */
  readonly maxEntryBytes: number
}

/**
 * Asks the upstream with the best validators there are, and makes one answer of the outcome: a 304 confirms the stored
 * copy, or a body that is held for others, a 200 replaces it, anything else passes by.
 */
export function revalidate(options: RevalidateOptions, next: Attempt): Revalidating {
  const { store, epochs, clock, digest, known, predict, tags, links, policy, maxEntryBytes } = options

  const arrivals = new Arrivals()
  const { keep, end, compare } = keeper({ store, known, arrivals })
  const answerOther = otherStatus({ ...options, arrivals, end })

  /** One exchange with the upstream, and when it was. The conditions are composed when it is this question's turn. */
  async function exchange(question: Question, compose: () => MaybePromise<Conditions>): Promise<[Response, Moment]> {
    let before = { epoch: 0, arrivals: 0, askedAt: 0 }
    const response = await next(question, async () => {
      const { fields } = await compose()
      // Read before asking: a write that comes while the question is out must find the answer old.
      before = { epoch: epochs.current(), arrivals: arrivals.current(), askedAt: clock.now() }
      return [...question.headers, ...fields]
    })
    return [response, { ...before, arrivedAt: clock.now() }]
  }

  async function conditionsFor(question: Question, stored: StoredAnswer | undefined): Promise<Conditions> {
    const habit = tags.of(question.path, joinedHeader(question.headers, 'accept'))
    const level = habit.nextLevel()
    const predictions = level === 'none' ? [] : await predict(question, habit)
    return composeConditions(question, {
      stored,
      predictions,
      level,
      link: links.of(question.path),
      now: clock.now(),
    })
  }

  return async function revalidated(question, found) {
    if (question.bypass !== undefined) {
      const [response] = await exchange(question, () => UNCONDITIONAL)
      return passed(response, { name: 'bypassed', forward: 'bypass', detail: question.bypass })
    }
    arrivals.begin(question.key)
    try {
      return await answered(question, found)
    } finally {
      arrivals.finish(question.key)
    }
  }

  async function answered(question: Question, found: StoredAnswer | undefined): Promise<Answer> {
    const begun = arrivals.current()
    let stored: StoredAnswer | undefined
    let conditions = UNCONDITIONAL
    const [response, moment] = await exchange(question, async () => {
      // Where it had to wait for its turn, another answer may have come meanwhile.
      const latest = arrivals.since(begun, question.key) ? await lookup(store, question.key) : found
      stored = confirmable(question, latest)
      conditions = await conditionsFor(question, stored)
      return conditions
    })
    if (response.status !== 304) return received(question, stored, response, moment, conditions)

    const habit = tags.learning(question.path, joinedHeader(question.headers, 'accept'))
    const tag = headerValue(response.headers, 'etag')
    const isTagged = tag !== undefined
    const confirmed = confirmedBy(conditions, tag)
    if (confirmed.what === 'nothing') {
      if (conditions.fields.length === 0) throw unasked304()
      if (isEvidence(question, conditions)) habit.sawUnnamed(conditions.level, isTagged)
      return again(question, stored, 'unknown-304')
    }
    habit.sawNamed(conditions.level, conditions.candidates.length, isTagged)
    if (confirmed.what === 'client') {
      // What the client holds is what holds now, so what is stored here is not, unless it is the same.
      if (!isTagOf(stored, tag)) await end(question)
      return passed304(response, confirmed.tag, stored)
    }
    const held = confirmed.what === 'prediction' ? confirmed.prediction : stored
    if (held === undefined) throw unasked304()
    const link = headerValue(response.headers, 'link')
    if (leavesLinkOpen(held, link, links.of(question.path), moment.arrivedAt)) {
      return again(question, stored, 'link-unconfirmed')
    }
    if (link !== undefined) links.learning(question.path).sawLinkOn304()
    if (confirmed.what === 'stored') {
      const updated = confirmedRepresentation(question, held as StoredAnswer, response.headers, moment)
      return confirm(question, stored, updated, response, moment)
    }
    habit.sawMatch(credentialKind(question.headers), confirmed.prediction.fields)
    const made = predictedRepresentation(question, confirmed.prediction, response.headers, moment)
    return confirm(question, stored, made, response, moment)
  }

  /** The copy that the upstream may be asked to confirm, where there is one. */
  function confirmable(question: Question, found: StoredAnswer | undefined): StoredAnswer | undefined {
    if (found === undefined || found.validation.status !== 200) return undefined
    if (isCurrent(question, found.validation, epochs)) return found
    // A write may have put a page behind this one: its Link, or the want of one, is not good any longer either.
    return { ...found, validation: { ...found.validation, linkGoodUntil: 0 } }
  }

  /** The 304 was not enough: the same question without conditions. */
  async function again(question: Question, stored: StoredAnswer | undefined, detail: Detail): Promise<Answer> {
    const [response, moment] = await exchange(question, () => UNCONDITIONAL)
    if (response.status === 304) throw unasked304()
    if (detail === 'link-unconfirmed' && headerValue(response.headers, 'link') !== undefined)
      links.learning(question.path).sawLinkOnlyOn200()
    return received(question, stored, response, moment, UNCONDITIONAL, detail)
  }

  /** @param updated what the 304 confirmed, brought up to date by it */
  async function confirm(
    question: Question,
    stored: StoredAnswer | undefined,
    updated: StoredAnswer,
    response: Response,
    moment: Moment,
  ): Promise<Answer> {
    const forbidden = parseCacheControl(joinedHeader(response.headers, 'cache-control')).noStore
    const mayKeep = !forbidden && !question.directives.noStore
    const isOwn = stored?.body.key === updated.body.key
    if (mayKeep) await keep(question, stored, updated, moment)
    else if (forbidden) await end(question)
    else await compare(question, updated)
    const outcome: Outcome = {
      name: isOwn ? 'revalidated' : 'predicted',
      forward: forwardOf(question, stored),
      forwardStatus: 304,
      ...(mayKeep ? { stored: true } : {}),
    }
    return answerFrom(updated, response, outcome)
  }

  /** Any answer but a 304. */
  async function received(
    question: Question,
    stored: StoredAnswer | undefined,
    response: Response,
    moment: Moment,
    conditions: Conditions,
    detail?: Detail,
  ): Promise<Answer> {
    const { status } = response
    if (status !== 200) return answerOther(question, stored, response, moment)

    const habit = tags.learning(question.path, joinedHeader(question.headers, 'accept'))
    if (isEvidence(question, conditions)) learnFromHeaders(habit, conditions, response.headers)
    const base = { forward: forwardOf(question, stored), forwardStatus: status }
    /** The stored copy has been replaced upstream by something that is not kept. */
    const unkept = async (of: Response, why?: Detail): Promise<Answer> => {
      // Also where nothing was stored when it was asked: another answer may have been since, or is about to be.
      await end(question)
      return passed(of, { name: 'fetched', ...base, ...(why === undefined ? {} : { detail: why }) })
    }
    if (question.method === 'HEAD') {
      const isSame = stored !== undefined && isTagOf(stored, headerValue(response.headers, 'etag'))
      if (!isSame) return unkept(response)
      await compare(question, stored)
      return passed(response, { name: 'fetched', ...base })
    }
    const reason = reasonNotToStore(question, response, policy, maxEntryBytes, moment.arrivedAt)
    if (reason !== undefined) return unkept(response, reason)

    const collected = await collect(response.body, maxEntryBytes)
    if (!collected.complete) return unkept({ ...response, body: collected.body }, 'too-large')
    const kept = representationOf(question, response.headers, collected.bytes, moment, digest)
    learnFromBody(habit, digest, question, response.headers, kept.body.bytes)
    await keep(question, stored, kept, moment)
    const name = stored === undefined ? 'filled' : 'replaced'
    return answerFrom(kept, response, { name, ...base, stored: true, ...(detail === undefined ? {} : { detail }) })
  }
}

/** Whether an answer with this tag speaks of the stored representation. */
function isTagOf(stored: StoredAnswer | undefined, tag: string | undefined): boolean {
  const etag = stored?.validation.etag
  return isEntityTag(tag) && etag !== undefined && weaklyEqual(tag, etag)
}

/** Why the upstream is asked. */
function forwardOf({ directives }: Question, stored: StoredAnswer | undefined): ForwardReason {
  if (stored === undefined) return 'uri-miss'
  return directives.noCache ? 'request' : 'stale'
}

/**
 * Whether the answer may teach that conditions do not work. Not where a client wrote them or nobody vouches for who asks:
 * what others pay must not hang on what somebody sends.
 */
function isEvidence({ credential }: Question, { candidates }: Conditions): boolean {
  return !credential.isAnonymous && !candidates.some((candidate) => candidate.of === 'client')
}

function unasked304(): Failure {
  return new Failure('upstream-invalid', { detail: '304 to an unconditional request' })
}

function answerFrom(stored: StoredAnswer, response: Response, outcome: Outcome): Answer {
  const { validation, body } = stored
  const live = liveFields(response.headers)
  return { status: 200, headers: validation.headers, live, body: body.bytes, stored, age: undefined, outcome }
}

function passed304(response: Response, tag: string | undefined, stored: StoredAnswer | undefined): Answer {
  const forward = stored === undefined ? 'uri-miss' : 'stale'
  const outcome: Outcome = { name: 'confirmed', forward, forwardStatus: 304 }
  const answer = passed(response, outcome)
  // Said back as the client wrote it: a weak tag confirmed by its strong form is still the client's weak tag.
  return tag === undefined ? answer : { ...answer, headers: withHeader(response.headers, 'etag', tag) }
}
