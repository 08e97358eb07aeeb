import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { USUAL_FIELDS } from '../../../src/github/entity-tag-rule.ts'
import {
  type ConditionLevel,
  type EntityTagHabit,
  EntityTagMemory,
} from '../../../src/middleware/outbound/entity-tag-memory.ts'

const PATH = '/repos/o/r/issues'
/** Until so many questions at the least have been asked, more is not tried again after a failure. */
const FIRST = 32
const LONGEST = 4096

const fresh = () => new EntityTagMemory().learning(PATH)

/** How an upstream reads `If-None-Match`. */
type Reading = 'lists' | 'one tag' | 'nothing, and says 200' | 'nothing, and says 304'

/**
 * Asks once: the tag that holds now is the last of `tags` that go where lists may go, and the one that goes alone.
 *
 * @returns the level of the question, and whether it cost a unit
 */
function ask(habit: EntityTagHabit, reading: Reading, tags = 2): { level: ConditionLevel; paid: boolean } {
  const level = habit.nextLevel()
  if (level === 'none') return { level, paid: true }
  const sent = level === 'list' ? tags : 1
  if (reading === 'nothing, and says 304') {
    habit.sawUnnamed(level)
    return { level, paid: true }
  }
  const confirms = reading === 'lists' || (reading === 'one tag' && sent === 1)
  if (confirms) habit.sawNamed(level, sent)
  else if (sent > 1) habit.sawListIgnored()
  return { level, paid: !confirms }
}

/** Numbers of questions between those that were asked on another level than the rest. */
function gaps(levels: readonly ConditionLevel[], usual: ConditionLevel): number[] {
  const between: number[] = []
  let since = 0
  for (const level of levels) {
    if (level === usual) since++
    else {
      between.push(since)
      since = 0
    }
  }
  return between
}

describe('whether lists of tags are read', () => {
  test('is assumed, and holds as long as nothing says otherwise', () => {
    const habit = fresh()
    for (let count = 0; count < 10_000; count++) {
      expect(ask(habit, 'lists', 1 + (count % 3))).toEqual({ level: 'list', paid: false })
    }
  })

  test('one list that was ignored is enough; then more is tried ever more rarely', () => {
    const habit = fresh()
    expect(ask(habit, 'one tag')).toEqual({ level: 'list', paid: true })
    const levels = Array.from({ length: 20_000 }, () => ask(habit, 'one tag'))
    const between = gaps(
      levels.map(({ level }) => level),
      'one',
    )
    expect(between.slice(0, 8)).toEqual([32, 64, 128, 256, 512, 1024, 2048, 4096])
    expect(between.slice(8)).toEqual([4096, 4096])
    // Only the tries cost anything.
    expect(levels.filter(({ paid }) => paid).length).toBe(between.length)
  })

  test('an upstream that answers 304 to anything is soon asked without conditions', () => {
    const habit = fresh()
    const levels = Array.from({ length: 3 }, () => ask(habit, 'nothing, and says 304').level)
    expect(levels).toEqual(['list', 'list', 'one'])
    const after = Array.from({ length: 20_000 }, () => ask(habit, 'nothing, and says 304').level)
    const between = gaps(after, 'none')
    expect(after).not.toContain('list')
    expect(between[0]).toBeGreaterThanOrEqual(FIRST)
    for (const [index, gap] of between.entries()) {
      if (index > 0) expect(gap).toBe(Math.min(LONGEST, between[index - 1]! * 2))
    }
    expect(between.at(-1)).toBe(LONGEST)
  })

  test('an upstream whose 304s have no tag reads lists in vain: one tag is asked with, and more ever more rarely', () => {
    const habit = fresh()
    const question = (): ConditionLevel => {
      const level = habit.nextLevel()
      if (level === 'list') habit.sawUnnamed(level, false)
      else habit.sawNamed(level, 1, false)
      return level
    }
    const levels = Array.from({ length: 5000 }, question)
    expect(levels).not.toContain('none')
    expect(gaps(levels, 'one').slice(0, 7)).toEqual([0, 32, 64, 128, 256, 512, 1024])
    // What is merely predicted has to be named, and is not offered in vain.
    expect(habit.isPredictable).toBe(false)
    habit.sawMatch('token', USUAL_FIELDS)
    expect(habit.isPredictable).toBe(false)
    habit.sawNamed('one', 1, true)
    expect(habit.isPredictable).toBe(true)
  })

  test('a single 304 that names nothing changes nothing, however often there is one', () => {
    const habit = fresh()
    for (let count = 0; count < 20; count++) {
      habit.sawUnnamed('list')
      expect(ask(habit, 'lists').level).toBe('list')
    }
  })

  test('a try that says nothing either way is made again as soon as the last one', () => {
    const habit = fresh()
    ask(habit, 'one tag')
    // Lists of one tag: whether more would be read, nobody can tell.
    const between = gaps(
      Array.from({ length: 200 }, () => ask(habit, 'one tag', 1).level),
      'one',
    )
    expect(between).toEqual([FIRST, FIRST, FIRST, FIRST, FIRST, FIRST])
  })

  test.each<[Reading, number]>([
    ['one tag', 8],
    ['nothing, and says 304', 8],
  ])('questions that were out at once fail once: %s', (reading, together) => {
    const habit = fresh()
    const levels = Array.from({ length: together }, () => habit.nextLevel())
    expect(new Set(levels)).toEqual(new Set(['list']))
    for (const level of levels) {
      if (reading === 'one tag') habit.sawListIgnored()
      else habit.sawUnnamed(level)
    }
    const after = Array.from({ length: FIRST + 1 }, () => habit.nextLevel())
    expect(after).toEqual([...Array<ConditionLevel>(FIRST).fill('one'), 'list'])
  })

  test('nor does what was out since before a try count for the next one', () => {
    const habit = fresh()
    ask(habit, 'one tag')
    for (let count = 0; count <= FIRST; count++) ask(habit, 'one tag')
    // Answers to lists of long ago.
    for (let count = 0; count < 8; count++) habit.sawListIgnored()
    const after = Array.from({ length: 2 * FIRST + 1 }, () => habit.nextLevel())
    expect(after.indexOf('list')).toBe(2 * FIRST)
  })

  test('an upstream that never confirms is not taken for one that reads no lists', () => {
    const habit = fresh()
    ask(habit, 'nothing, and says 200', 1)
    expect(habit.nextLevel()).toBe('list')
  })

  test('comes back step by step, from asking without conditions', () => {
    const habit = fresh()
    for (let count = 0; count < 5; count++) ask(habit, 'nothing, and says 304')
    const levels = Array.from({ length: 300 }, () => ask(habit, 'lists').level)
    const one = levels.indexOf('one')
    const list = levels.indexOf('list')
    expect(levels.slice(0, one).every((level) => level === 'none')).toBe(true)
    expect(levels.slice(one, list).every((level) => level === 'one')).toBe(true)
    expect(levels.slice(list).every((level) => level === 'list')).toBe(true)
    expect(one).toBeLessThanOrEqual(2 * FIRST)
    expect(list - one).toBeLessThanOrEqual(FIRST + 1)
  })

  const readings = fc.constantFrom<Reading>('lists', 'one tag', 'nothing, and says 200', 'nothing, and says 304')
  const spell = fc.record({
    reading: readings,
    questions: fc.integer({ min: 1, max: 400 }),
    tags: fc.integer({ min: 1, max: 4 }),
  })

  test('whatever the upstream was like: what is known to fail is only tried, and tries get rarer', () => {
    fc.assert(
      fc.property(
        fc.array(spell, { maxLength: 6 }),
        fc.constantFrom<Reading>('one tag', 'nothing, and says 304'),
        (before, last) => {
          const habit = fresh()
          for (const { reading, questions, tags } of before) {
            for (let count = 0; count < questions; count++) ask(habit, reading, tags)
          }
          const levels = Array.from({ length: 15_000 }, () => ask(habit, last).level)
          const usual = last === 'one tag' ? 'one' : 'none'
          // What was learnt before takes a while to be unlearnt: a try each for one level up.
          const settled = levels.slice(levels.indexOf(usual))
          const between = gaps(settled, usual).slice(1)
          for (const [index, gap] of between.entries()) {
            expect(gap).toBeGreaterThanOrEqual(FIRST)
            if (index > 0) expect(gap).toBeGreaterThanOrEqual(between[index - 1]!)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('whatever the upstream was like: lists come back where they are read again', () => {
    fc.assert(
      fc.property(fc.array(spell, { maxLength: 8 }), (before) => {
        const habit = fresh()
        for (const { reading, questions, tags } of before) {
          for (let count = 0; count < questions; count++) ask(habit, reading, tags)
        }
        for (let count = 0; count <= 2 * LONGEST + 1; count++) ask(habit, 'lists')
        for (let count = 0; count < 100; count++) {
          expect(ask(habit, 'lists')).toEqual({ level: 'list', paid: false })
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('whether tags can be predicted', () => {
  test('is assumed, given up at the first difference where they never could, and found again by a match', () => {
    const habit = fresh()
    expect(habit.isPredictable).toBe(true)
    habit.sawDifference()
    expect(habit.isPredictable).toBe(false)
    habit.sawMatch('token', USUAL_FIELDS)
    expect(habit.isPredictable).toBe(true)
  })

  test('is only given up after three differences in a row where they once could', () => {
    const habit = fresh()
    habit.sawMatch('token', USUAL_FIELDS)
    habit.sawDifference()
    habit.sawDifference()
    expect(habit.isPredictable).toBe(true)
    habit.sawDifference()
    expect(habit.isPredictable).toBe(false)
  })

  test('in any history: depends on whether there ever was a match, and on the differences since the last', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 30 }), (matches) => {
        const habit = fresh()
        for (const [index, matched] of matches.entries()) {
          if (matched) habit.sawMatch('token', USUAL_FIELDS)
          else habit.sawDifference()
          const before = matches.slice(0, index + 1)
          const differences = index - before.lastIndexOf(true)
          expect(habit.isPredictable).toBe(before.includes(true) ? differences < 3 : false)
        }
      }),
    )
  })

  test('which fields take part is known for each kind of credential by itself', () => {
    const habit = fresh()
    expect(habit.fieldsOf('basic')).toEqual({ accept: true, authorization: true })
    habit.sawMatch('basic', { accept: true, authorization: false })
    habit.sawMatch('token', { accept: false, authorization: true })
    expect(habit.fieldsOf('basic')).toEqual({ accept: true, authorization: false })
    expect(habit.fieldsOf('token')).toEqual({ accept: false, authorization: true })
    expect(habit.fieldsOf('other')).toEqual({ accept: true, authorization: true })
    habit.sawDifference()
    expect(habit.fieldsOf('basic')).toEqual({ accept: true, authorization: false })
  })
})

describe('what is learnt for all routes together', () => {
  test('a route of which nothing is known begins with what was learnt last of lists', () => {
    const memory = new EntityTagMemory()
    expect(memory.of('/user').nextLevel()).toBe('list')
    ask(memory.learning(PATH), 'one tag')
    expect(memory.of('/user').nextLevel()).toBe('one')
    expect(memory.learning('/orgs/o/repos').nextLevel()).toBe('one')
    for (let count = 0; count <= FIRST; count++) ask(memory.learning(PATH), 'lists')
    expect(memory.of('/user').nextLevel()).toBe('list')
    // One that something is known of keeps to that.
    expect(memory.of('/orgs/o/repos').nextLevel()).toBe('one')
  })

  test('a route without any working conditions says nothing about others', () => {
    const memory = new EntityTagMemory()
    for (let count = 0; count < 5; count++) ask(memory.learning(PATH), 'nothing, and says 304')
    expect(memory.of(PATH).nextLevel()).toBe('none')
    expect(memory.of('/user').nextLevel()).toBe('one')
  })

  test('whether tags can be predicted is a matter of each route', () => {
    const memory = new EntityTagMemory()
    memory.learning('/user').sawDifference()
    expect(memory.of('/user').isPredictable).toBe(false)
    expect(memory.of(PATH).isPredictable).toBe(true)
  })

  test('asking about a route teaches nothing about it', () => {
    const memory = new EntityTagMemory()
    memory.of(PATH).sawDifference()
    expect(memory.of(PATH).isPredictable).toBe(true)
  })

  test('the evidence is counted over all of them', () => {
    const memory = new EntityTagMemory()
    expect(memory.evidence()).toEqual({ matched: 0, differed: 0, listsIgnored: 0, unnamed: 0 })
    for (const path of [PATH, '/user', '/user']) memory.learning(path).sawMatch('token', USUAL_FIELDS)
    for (const path of [PATH, '/user']) memory.learning(path).sawDifference()
    memory.learning(PATH).sawListIgnored()
    for (let count = 0; count < 4; count++) memory.learning(PATH).sawUnnamed('list')
    memory.learning(PATH).sawNamed('list', 2)
    expect(memory.evidence()).toEqual({ matched: 3, differed: 2, listsIgnored: 1, unnamed: 4 })
  })
})
