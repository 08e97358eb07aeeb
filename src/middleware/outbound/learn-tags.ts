import { credentialKind, hashedFields, looksHashed, predictedTag } from '../../github/entity-tag-rule.ts'
import { isList } from '../../github/page-size.ts'
import { isEntityTag, opaqueTag, weaklyEqual } from '../../http/entity-tag.ts'
import { headerValue } from '../../http/headers.ts'
import type { Digest, HeaderList } from '../../ports.ts'
import type { EntityTagHabit } from './entity-tag-memory.ts'
import type { Question } from './exchange.ts'
import type { Conditions } from './validators.ts'

/** Learns from a 200 whether lists of tags are read: one that carries a tag which was among several sent was not. */
export function learnFromHeaders(habit: EntityTagHabit, conditions: Conditions, headers: HeaderList): void {
  const tag = headerValue(headers, 'etag')
  if (!isEntityTag(tag) || conditions.candidates.length < 2) return
  if (conditions.candidates.some((sent) => weaklyEqual(sent.tag, tag))) habit.sawListIgnored()
}

/**
 * Learns from a complete 200 whether its tag is the one that GitHub's rule gives these bytes. Only from answers to a
 * credential: nothing is predicted for requests without one.
 */
export function learnFromBody(
  habit: EntityTagHabit,
  digest: Digest,
  question: Question,
  headers: HeaderList,
  bytes: Uint8Array,
): void {
  habit.sawList(isList(bytes))
  if (question.credential.isAnonymous) return
  const tag = headerValue(headers, 'etag')
  const opaque = isEntityTag(tag) ? opaqueTag(tag) : ''
  const fields = hashedFields(headers)
  if (looksHashed(opaque) && predictedTag(digest, question.headers, fields, bytes) === opaque) {
    habit.sawMatch(credentialKind(question.headers), fields)
  } else habit.sawDifference()
}
