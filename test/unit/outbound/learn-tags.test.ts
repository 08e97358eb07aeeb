import { describe, expect, test } from 'vitest'
import { EntityTagMemory } from '../../../src/middleware/outbound/entity-tag-memory.ts'
import { learnFromBody, learnFromHeaders } from '../../../src/middleware/outbound/learn-tags.ts'
import type { Prediction } from '../../../src/middleware/outbound/predict.ts'
import type { Candidate, Conditions } from '../../../src/middleware/outbound/validators.ts'
import type { HeaderList } from '../../../src/ports.ts'
import { digest, questionFor } from './harness.ts'

const BODY = new TextEncoder().encode('{"a":1}')
const LIST = new TextEncoder().encode('[1]')
const VARY = ['vary', 'Accept-Encoding', 'vary', 'Accept, Authorization']
const asking = (authorization?: string) => {
  const question = questionFor(authorization === undefined ? {} : { authorization })
  return { ...question, headers: ['accept', 'a/b', ...question.headers] }
}

describe('of a 200’s headers', () => {
  const prediction = {} as Prediction
  const tags: Candidate[] = [
    { of: 'stored', tag: 'W/"own"' },
    { of: 'client', tag: '"c"' },
    { of: 'prediction', tag: '"p"', prediction },
  ]

  /** How often a list is taken for ignored. */
  function ignored(candidates: readonly Candidate[], headers: HeaderList): number {
    const memory = new EntityTagMemory()
    const conditions: Conditions = { level: 'list', candidates, date: undefined, fields: [] }
    learnFromHeaders(memory.learning('/user'), conditions, headers)
    return memory.evidence().listsIgnored
  }

  test.each([
    ['the own', '"own"'],
    ['the own in its weak form', 'W/"own"'],
    ['the client’s', 'W/"c"'],
    ['a predicted one', '"p"'],
  ])('a list was ignored where the tag is one of it: %s', (_name, etag) => {
    expect(ignored(tags, ['etag', etag])).toBe(1)
    expect(ignored(tags.slice(0, 2), ['etag', '"own"'])).toBe(1)
  })

  test.each<[string, readonly Candidate[], HeaderList]>([
    ['where the tag is another', tags, ['etag', '"z"']],
    ['where there is none', tags, []],
    ['where it is malformed', tags, ['etag', 'own']],
    ['where one tag was sent alone', tags.slice(0, 1), ['etag', '"own"']],
    ['where none was sent', [], ['etag', '"own"']],
  ])('nothing is known of lists %s', (_name, candidates, headers) => {
    expect(ignored(candidates, headers)).toBe(0)
  })
})

describe('of a complete 200', () => {
  const tagFor = (prefix: string, bytes = BODY) => digest.sha256(prefix, bytes)

  function learnt(headers: HeaderList, authorization?: string, bytes = BODY) {
    const memory = new EntityTagMemory()
    const habit = memory.learning('/user')
    learnFromBody(habit, digest, asking(authorization), headers, bytes)
    const { matched, differed } = memory.evidence()
    return { matched, differed, habit }
  }

  test.each([
    ['strong', `"${tagFor('a/b:token one:')}"`],
    ['weak', `W/"${tagFor('a/b:token one:')}"`],
  ])('the rule holds where its tag is the one that the rule gives: %s', (_name, etag) => {
    const { habit, ...counted } = learnt(['etag', etag, ...VARY], 'token one')
    expect(counted).toEqual({ matched: 1, differed: 0 })
    expect(habit.isPredictable).toBe(true)
  })

  test('which fields take part is read off its Vary, and kept for this kind of credential', () => {
    const etag = `"${tagFor('a/b:')}"`
    const { habit, ...counted } = learnt(['etag', etag, 'vary', 'Accept'], 'Basic YTpi')
    expect(counted).toEqual({ matched: 1, differed: 0 })
    expect(habit.fieldsOf('basic')).toEqual({ accept: true, authorization: false })
    expect(habit.fieldsOf('token')).toEqual({ accept: true, authorization: true })
  })

  test.each<[string, HeaderList]>([
    ['where it is that of other bytes', ['etag', `"${tagFor('a/b:token one:', LIST)}"`, ...VARY]],
    ['where it is that of another caller', ['etag', `"${tagFor('a/b:token two:')}"`, ...VARY]],
    ['where its Vary says otherwise', ['etag', `"${tagFor('a/b:token one:')}"`, 'vary', 'Accept']],
    ['where it is a git object’s name', ['etag', '"3d21ec53a331a6f037a91c368710b99387d012c1"', ...VARY]],
    ['where it is in capitals', ['etag', `"${tagFor('a/b:token one:').toUpperCase()}"`, ...VARY]],
    ['where it has no quotes', ['etag', tagFor('a/b:token one:'), ...VARY]],
    ['where it has none', ['last-modified', 'x', ...VARY]],
  ])('the rule does not hold %s', (_name, headers) => {
    const { habit, ...counted } = learnt(headers, 'token one')
    expect(counted).toEqual({ matched: 0, differed: 1 })
    expect(habit.isPredictable).toBe(false)
  })

  test('nothing is learnt of the rule from an answer to nobody, for nothing is predicted for nobody', () => {
    for (const etag of [`"${tagFor('a/b:')}"`, '"other"']) {
      const { habit, ...counted } = learnt(['etag', etag, 'vary', 'Accept'])
      expect(counted).toEqual({ matched: 0, differed: 0 })
      expect(habit.isPredictable).toBe(true)
    }
  })

  test('whether it is a list is learnt, from whomever', () => {
    expect(learnt([], 'token one').habit.mayBeList).toBe(false)
    expect(learnt([]).habit.mayBeList).toBe(false)
    expect(learnt([], 'token one', LIST).habit.mayBeList).toBe(true)
    const both = learnt([], 'token one', LIST).habit
    learnFromBody(both, digest, asking('token one'), [], BODY)
    expect(both.mayBeList).toBe(true)
  })
})
