import { describe, expect, test } from 'vitest'
import { applyChange } from '../../bench/quota/changes.ts'
import { Expectations, JUDGED_TURNS, neutral, type State } from '../../bench/quota/expected.ts'
import { explain } from '../../bench/quota/explain.ts'
import {
  type Asked,
  costOf,
  leastByDate,
  leastPerToken,
  leastPossible,
  leastWithoutLinks,
} from '../../bench/quota/ideals.ts'
import { type Given, judge, judgeAll } from '../../bench/quota/judge.ts'
import { parseOptions } from '../../bench/quota/options.ts'
import { Random } from '../../bench/quota/random.ts'
import { buildScene, GUEST_REPOSITORY, mayRead, repositoryOf, rotateTokens } from '../../bench/quota/scene.ts'
import { makeTrace, type Read } from '../../bench/quota/trace.ts'
import type { UpstreamEntry } from '../../bench/quota/upstream.ts'
import { World } from '../../sandbox/world/world.ts'

const SIZES = { seed: 7, reads: 2000, changeEvery: 40, rotations: 4 }

describe('the reference trace', () => {
  const trace = makeTrace(SIZES)

  test('is the same for the same seed, and another for another', () => {
    expect(makeTrace(SIZES)).toEqual(trace)
    expect(makeTrace({ ...SIZES, seed: 8 }).reads).not.toEqual(trace.reads)
  })

  test('has as many reads, refusals, changes and rotations as was asked for', () => {
    expect(trace.reads.filter(({ isRefused }) => !isRefused)).toHaveLength(2000)
    expect(trace.reads.filter(({ isRefused }) => isRefused)).toHaveLength(50)
    expect(trace.turns).toHaveLength(49)
    expect(trace.turns.flatMap(({ generation }) => generation ?? [])).toEqual([1, 2, 3, 4])
    // A change every 40 allowed reads: refused ones come on top.
    expect(trace.turns.map(({ at }) => at).slice(0, 3)).toEqual([41, 82, 123])
    expect(trace.reads.map(({ position }) => position)).toEqual(trace.reads.map((_, index) => index))
  })

  test('is read by 8 users with 2 tokens each in two schemes, and two names of one media type', () => {
    const firsts = trace.reads.slice(0, trace.turns.find(({ generation }) => generation === 1)?.at)
    expect(new Set(firsts.map(({ login }) => login)).size).toBe(8)
    expect(new Set(firsts.map(({ authorization }) => authorization.split(' ')[1])).size).toBe(16)
    expect(new Set(firsts.map(({ authorization }) => authorization)).size).toBe(32)
    expect(new Set(firsts.map(({ accept }) => accept)).size).toBe(2)
    expect(new Set(trace.reads.map(({ authorization }) => authorization)).size).toBe(160)
  })

  test('asks with valid tokens only, and for what its reader may, or may not, read at that time', () => {
    const world = new World(() => 0)
    buildScene(world)
    const left = [...trace.turns]
    for (const { position, authorization, login, target, isRefused } of trace.reads) {
      const turn = left[0]?.at === position ? left.shift() : undefined
      if (turn?.generation !== undefined) rotateTokens(world, turn.generation)
      if (turn !== undefined) applyChange(world, turn.change)
      const token = world.tokens.get(authorization.split(' ')[1] ?? '')
      expect(token?.login).toBe(login)
      expect(mayRead(world, login, token?.scopes ?? [], target)).toBe(!isRefused)
    }
    expect(left).toEqual([])
  })

  test('gives and withdraws access only where that user has not asked just before', () => {
    const disputes = trace.turns.flatMap(({ at, change }) =>
      change.kind === 'access' ? [{ login: change.login, before: trace.reads.slice(Math.max(at - 40, 0), at) }] : [],
    )
    expect(disputes.length).toBeGreaterThan(1)
    for (const { login, before } of disputes) {
      const own = before.filter((read) => read.login === login)
      expect(own.filter(({ target }) => repositoryOf(target) === GUEST_REPOSITORY)).toEqual([])
    }
  })

  test('reads the popular more often than the others', () => {
    const count = (target: string) => trace.reads.filter((read) => read.target === target).length
    expect(count('/repos/acme/anvil')).toBeGreaterThan(3 * count('/repos/acme/anvil/topics'))
    expect(count('/repos/acme/anvil/topics')).toBeGreaterThan(0)
  })

  test('cannot be made of nothing', () => {
    expect(() => makeTrace({ ...SIZES, reads: 0 })).toThrow(RangeError)
    expect(() => makeTrace({ ...SIZES, changeEvery: 0 })).toThrow(RangeError)
  })
})

test('a weighted choice never takes what weighs nothing, and takes the rest by weight', () => {
  const random = new Random(1)
  const taken = Array.from({ length: 3000 }, () =>
    random.weighted(['a', 'b', 'c'], (one) => ({ a: 1, b: 0, c: 3 })[one] ?? 0),
  )
  expect(taken).not.toContain('b')
  const share = taken.filter((one) => one === 'a').length / 3000
  expect(share).toBeGreaterThan(0.2)
  expect(share).toBeLessThan(0.3)
  expect(() => random.weighted(['a'], () => 0)).toThrow(RangeError)
})

const read = (authorization: string, target = '/a', accept = 'json'): Read => ({
  position: 0,
  login: authorization,
  readerClass: authorization,
  authorization,
  accept,
  target,
  isRefused: false,
})

const state = (body: string, more: Partial<State> = {}): State => ({
  status: 200,
  body,
  link: '',
  isEmptyList: false,
  hasOpenLink: false,
  hasDate: false,
  ...more,
})

describe('the ideals', () => {
  const asked = (authorization: string, body: string, more: Partial<State> = {}, accept = 'json'): Asked => ({
    read: read(authorization, '/a', accept),
    state: state(body, more),
  })
  const twoReaders = [
    asked('ada', '1'),
    asked('bob', '1'),
    asked('ada', '2'),
    asked('ada', '1'),
    asked('ada', '1', {}, 'v3'),
  ]

  test('the least possible pays each body of a target once', () => {
    expect(costOf(leastPossible, twoReaders)).toBe(2)
    const elsewhere = { read: read('ada', '/b'), state: state('1') }
    expect(costOf(leastPossible, [...twoReaders, elsewhere])).toBe(3)
  })

  test('the empty list is free only where it can be predicted', () => {
    const empty = asked('ada', '[]', { isEmptyList: true })
    expect(costOf(leastPossible, [empty])).toBe(0)
    expect(costOf(leastWithoutLinks, [empty])).toBe(0)
    expect(costOf(leastPerToken, [empty])).toBe(1)
  })

  test('without Link on a 304, each credential pays for a page that may have a next one', () => {
    const page = { hasOpenLink: true }
    expect(
      costOf(leastWithoutLinks, [asked('ada', '1', page), asked('bob', '1', page), asked('ada', '1', page, 'v3')]),
    ).toBe(2)
    expect(costOf(leastWithoutLinks, twoReaders)).toBe(2)
  })

  test('per token, each credential and each Accept pays for itself', () => {
    expect(costOf(leastPerToken, twoReaders)).toBe(4)
  })

  test('with dates only, what has none is paid whenever it is read', () => {
    expect(costOf(leastByDate, twoReaders)).toBe(5)
    const dated = { hasDate: true }
    expect(costOf(leastByDate, [asked('ada', '1', dated), asked('ada', '1', dated), asked('ada', '3')])).toBe(2)
  })
})

/** Ada saw bodies a1 and then a2, from turn 2 on nothing; Bob saw b1 all the time. */
function expectations(): Expectations {
  const made = new Expectations()
  made.add('ada', '/a', 0, state('a1', { link: 'L1' }))
  made.add('ada', '/a', 1, state('a2', { link: 'L2' }))
  for (let turn = 2; turn < 8; turn++) made.add('ada', '/a', turn, state('refusal', { status: 404 }))
  for (let turn = 0; turn < 8; turn++) made.add('bob', '/a', turn, state('b1', { link: 'LB' }))
  return made
}

const given = (firstTurn: number, lastTurn: number, body: string, link: string, more: Partial<Given> = {}): Given => ({
  read: read('ada'),
  status: 200,
  body,
  link,
  startedAt: 10,
  endedAt: 20,
  firstTurn,
  lastTurn,
  ...more,
})

describe('the verdict on an answer', () => {
  const verdict = (one: Given) => judge(one, expectations())

  test('right is what held at any time between question and answer', () => {
    expect(verdict(given(0, 0, 'a1', 'L1'))).toBe('right')
    expect(verdict(given(0, 1, 'a1', 'L1'))).toBe('right')
    expect(verdict(given(0, 1, 'a2', 'L2'))).toBe('right')
    expect(verdict(given(2, 2, 'refusal', '', { status: 404 }))).toBe('right')
  })

  test('stale is what this reader once had', () => {
    expect(verdict(given(1, 1, 'a1', 'L1'))).toBe('stale')
    expect(verdict(given(1, 2, 'a1', 'L1'))).toBe('stale')
  })

  test('leaked is what this reader never had, or would be refused by now', () => {
    expect(verdict(given(1, 1, 'b1', 'LB'))).toBe('leaked')
    expect(verdict(given(2, 2, 'a2', 'L2'))).toBe('leaked')
    expect(verdict(given(1, 2, 'a2', 'L2'))).toBe('right')
    expect(verdict(given(1, 1, 'a2', 'LB'))).toBe('leaked')
  })

  test('an old Link beside the right body is told apart', () => {
    expect(verdict(given(1, 1, 'a2', 'L1'))).toBe('old-link')
    expect(verdict(given(1, 1, 'a2', 'nobody’s'))).toBe('wrong')
  })

  test('wrong is what nobody was ever told', () => {
    expect(verdict(given(0, 0, 'c', 'L1'))).toBe('wrong')
    expect(verdict(given(0, 0, 'a1', 'L1', { status: 502 }))).toBe('wrong')
  })

  test('what lasted too long is not judged', () => {
    expect(verdict(given(0, JUDGED_TURNS, 'a1', 'L1'))).toBe('unjudged')
  })

  test('shared is what was right for the same question under way, and only that', () => {
    const leader = given(0, 1, 'a1', 'L1', { startedAt: 5, endedAt: 15 })
    const follower = given(1, 1, 'a1', 'L1', { startedAt: 10, endedAt: 16 })
    const verdicts = (...answers: Given[]) => judgeAll(answers, expectations()).map((one) => one.verdict)
    expect(verdicts(leader, follower)).toEqual(['right', 'shared'])
    expect(verdicts({ ...leader, endedAt: 9 }, follower)).toEqual(['right', 'stale'])
    expect(verdicts({ ...leader, startedAt: 11 }, follower)).toEqual(['right', 'stale'])
    const elsewhere = { ...leader, read: { ...leader.read, accept: 'v3' } }
    expect(verdicts(elsewhere, follower)).toEqual(['right', 'stale'])
  })
})

describe('the explanation', () => {
  const entry = (
    credential: string,
    time: number,
    status: number,
    more: Partial<UpstreamEntry> = {},
  ): UpstreamEntry => ({
    time,
    method: 'GET',
    target: '/api/v3/a',
    credential,
    status,
    cost: status === 304 ? 0 : 1,
    revision: 3,
    accept: 'json',
    ifNoneMatch: undefined,
    ifModifiedSince: undefined,
    ...more,
  })
  const reads = ['ada', 'bob', 'cyd', 'dee'].map((login) => read(login))
  const same = new Expectations()
  for (const { readerClass } of reads) {
    same.add(readerClass, '/a', 0, state('1'))
    same.add(readerClass, '/a', 1, state('2'))
  }
  /** The first answer of ada's, at 20, is what the gateway then knows. */
  const answers = judgeAll(
    [given(0, 0, '1', ''), given(1, 1, '2', '', { startedAt: 90, endedAt: 95 })].map((one) => ({
      ...one,
      cacheStatus: 'weir; fwd=miss',
    })),
    same,
  )
  const explained = (...entries: UpstreamEntry[]) =>
    explain({ options: SIZES, reads, turns: [] }, { answers, entries, revisions: [3, 5] }, same, leastPossible)

  test('finds no fault with what is due', () => {
    const { targets, surplus } = explained(
      entry('ada', 12, 200),
      entry('bob', 30, 304),
      entry('bob', 91, 200, { revision: 6 }),
    )
    expect(surplus).toEqual([])
    expect(targets).toEqual([{ target: '/a', reads: 4, cold: 1, changed: 1, surplus: 0 }])
  })

  test('names the reason of each payment that is not', () => {
    const { surplus, targets } = explained(
      entry('ada', 12, 200),
      entry('bob', 14, 200),
      entry('cyd', 30, 200),
      entry('dee', 40, 200, { ifNoneMatch: '"x", "y"' }),
      entry('bob', 50, 304, { ifNoneMatch: '"z"' }),
      entry('bob', 51, 200),
    )
    expect(surplus.map(({ reason }) => reason)).toEqual([
      'concurrent',
      'unconditional',
      'not-among-candidates',
      'after-304',
    ])
    expect(surplus.map(({ candidates }) => candidates)).toEqual([0, 0, 2, 0])
    expect(surplus.map(({ firstPaid }) => firstPaid)).toEqual(
      [2, 18, 28, 39].map((before) => ({ login: 'ada', before })),
    )
    expect(targets[0]?.surplus).toBe(4)
  })

  test('counts how many bodies were used since the one that was paid again', () => {
    const { surplus } = explained(
      entry('ada', 12, 200),
      entry('bob', 91, 200, { revision: 5 }),
      entry('cyd', 96, 200, { revision: 3, ifNoneMatch: '"x"' }),
    )
    expect(surplus.map(({ newer }) => newer)).toEqual([1])
  })
})

test('addresses are taken out of bodies, whatever the scheme', () => {
  const text = '{"url":"http://127.0.0.1:5001/api/v3","git_url":"git://127.0.0.1:5000/a.git"}'
  expect(neutral(text, ['http://127.0.0.1:5000', 'http://127.0.0.1:5001'])).toBe(
    '{"url":"http://upstream/api/v3","git_url":"git://upstream/a.git"}',
  )
})

describe('the options', () => {
  test('are those of the reference trace unless told', () => {
    const { seed, reads, changeEvery, rotations, concurrent, latencies } = parseOptions([], {})
    expect({ seed, reads, changeEvery, rotations, concurrent, latencies }).toEqual({
      seed: 1,
      reads: 4000,
      changeEvery: 40,
      rotations: 4,
      concurrent: 8,
      latencies: [0, 40],
    })
  })

  test('come from flags before the environment', () => {
    const environment = { QUOTA_SEED: '5', QUOTA_CHANGE_EVERY: '10', QUOTA_EXPLAIN: '1' }
    const options = parseOptions(['--seed', '6', '--latency', '0', '--modes', '-', '--subjects', 'weir'], environment)
    expect(options).toMatchObject({
      seed: 6,
      changeEvery: 10,
      explain: true,
      latencies: [0],
      modes: [],
      subjects: ['weir'],
    })
  })

  test.each([
    [['--reads', '0']],
    [['--change-every', '15', '--concurrent', '16']],
    [['--seed', 'x']],
    [['--latency', '0,fast']],
    [['--subjects', 'weir,varnish']],
    [['--modes', 'all']],
    [['--depth', '3']],
  ])('refuses %j', (args) => {
    expect(() => parseOptions(args, {})).toThrow(/--|depth/)
  })
})
