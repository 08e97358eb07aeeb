import { afterEach, describe, expect, test } from 'vitest'
import { type Switches, TOKENS } from '../../sandbox/index.ts'
import { differences } from '../support/compare.ts'
import { type Pair, startPair } from '../support/pair.ts'

/**
 * The rule by which tags are made is checked and not believed: whatever the upstream does, no answer is wrong, and none
 * costs more than to one who keeps a copy for each token, but for what it takes to learn what the upstream does.
 */

let pair: Pair
afterEach(() => pair.close())

const { octocat, octocatOauth, hubot, stranger } = TOKENS
const READERS = [octocat, octocatOauth, hubot, stranger]
const REPOSITORY = '/repos/octocat/hello-world'
/** Tagged with a git name, whatever the rule for the others is. */
const FILE = `${REPOSITORY}/contents/README.md`
/** Has pages behind it, and a Link that is not in its tag. */
const PAGED = '/repos/octo-org/many-issues/issues?per_page=3'
const PATHS = [REPOSITORY, `${REPOSITORY}/issues/1`, `${REPOSITORY}/labels`, FILE, PAGED]

/** What is changed before each round of reads; labels come back to what they were. */
function change(round: number): void {
  const { world } = pair.sandbox
  const repository = world.repository('octocat/hello-world')
  const [issue] = repository.issues
  pair.clock.advance(61_000)
  if (round % 3 === 1) world.updateRepository(repository, { description: `Round ${round}` })
  if (round % 3 === 2 && issue !== undefined) world.updateIssue(issue, { title: `Round ${round}` })
  if (round === 2) world.putFile(repository, 'README.md', Buffer.from('# Another\n'), 'Change it', 'octocat')
  const labels = repository.labels
    .slice(0, 3)
    .map((label) => ({ ...label, color: round % 2 === 0 ? 'ffffff' : '000000' }))
  world.updateRepository(repository, { labels, updatedAt: repository.updatedAt })
  // Dates have whole seconds: one read in the second of its change could not be told from the next.
  pair.clock.advance(2000)
}

interface Read {
  readonly path: string
  readonly reader: string
  readonly text: string
  readonly cost: number
  readonly hasValidator: boolean
}

/** One read through the gateway, which must say what the upstream says to the same reader. */
async function read(path: string, token: string): Promise<Read> {
  const { log } = pair.sandbox
  const before = log.totalCost()
  const answer = await pair.ask(path, { token })
  const cost = log.totalCost() - before
  const own = await pair.direct(path, { token })
  expect(differences(pair, answer, own)).toEqual([])
  const hasValidator = own.headers['etag'] !== undefined || own.headers['last-modified'] !== undefined
  return { path, reader: token, text: own.text, cost, hasValidator }
}

async function readAll(rounds: number): Promise<Read[]> {
  const reads: Read[] = []
  for (let round = 0; round < rounds; round++) {
    change(round)
    for (const path of PATHS) {
      for (const [index, reader] of READERS.entries()) {
        // Not everybody reads at every round.
        if ((index + round) % 4 !== 3) reads.push(await read(path, reader))
      }
    }
  }
  return reads
}

function costOf(reads: readonly Read[], isMeant: (path: string) => boolean): number {
  return reads.filter(({ path }) => isMeant(path)).reduce((sum, { cost }) => sum + cost, 0)
}

/** What the same reads cost one who keeps the last copy for each token and asks with its validator. */
function costPerToken(reads: readonly Read[], isMeant: (path: string) => boolean): number {
  const last = new Map<string, string>()
  let cost = 0
  for (const { path, reader, text, hasValidator } of reads) {
    if (!isMeant(path)) continue
    const key = `${reader} ${path}`
    if (!hasValidator || last.get(key) !== text) cost++
    last.set(key, text)
  }
  return cost
}

function distinctBodies(reads: readonly Read[], isMeant: (path: string) => boolean): number {
  return new Set(reads.filter(({ path }) => isMeant(path)).map(({ path, text }) => `${path} ${text}`)).size
}

const isFile = (path: string) => path === FILE
const isPaged = (path: string) => path === PAGED
const isPlain = (path: string) => !isFile(path) && !isPaged(path)

const RULES: readonly Switches['etagRule'][] = ['github', 'opaque', 'git', 'none']
const COMBINATIONS = RULES.flatMap((etagRule) =>
  [true, false].flatMap((readsTagLists) =>
    [true, false].flatMap((linkOn304) =>
      (['always', 'never'] as const).map((weakETags) => ({ etagRule, readsTagLists, linkOn304, weakETags })),
    ),
  ),
)

test.each(COMBINATIONS)(
  '$etagRule, lists read $readsTagLists, Link on 304s $linkOn304, weak $weakETags: right, and no dearer',
  async (switches) => {
    pair = await startPair({ switches })
    const reads = await readAll(3)
    const { etagRule, readsTagLists, linkOn304 } = switches
    const perToken = costPerToken(reads, isPlain)
    if (etagRule !== 'github') {
      // Here learning costs nothing: an answer that was not predicted is the next one's own validator.
      expect(costOf(reads, isPlain)).toBe(perToken)
    } else if (readsTagLists) {
      expect(costOf(reads, isPlain)).toBe(distinctBodies(reads, isPlain))
    } else {
      // One tag at a time, the likeliest: dearer than a list, and cheaper than a copy for each token.
      expect(costOf(reads, isPlain)).toBeLessThan(perToken)
    }
    expect(costOf(reads, isFile)).toBe(costPerToken(reads, isFile))
    const paged = costOf(reads, isPaged)
    if (linkOn304) expect(paged).toBeLessThanOrEqual(costPerToken(reads, isPaged))
    else expect(paged).toBeLessThanOrEqual(reads.filter(({ path }) => isPaged(path)).length)
  },
)

describe('where lists are not read', () => {
  const path = `${REPOSITORY}/labels`

  function paint(color: string): void {
    const { world } = pair.sandbox
    const repository = world.repository('octocat/hello-world')
    world.updateRepository(repository, { labels: repository.labels.map((label) => ({ ...label, color })) })
  }

  test('that is found out for at most one unit, and new callers are still free', async () => {
    pair = await startPair({ switches: { readsTagLists: false } })
    await read(path, octocat)
    // The body that is known, and the empty list beside it: that list is not read.
    expect((await read(path, hubot)).cost).toBe(1)
    expect((await read(path, stranger)).cost).toBe(0)
    paint('111111')
    for (const reader of [octocat, hubot]) {
      expect((await read(path, reader)).cost).toBe(1)
      expect((await read(path, reader)).cost).toBe(0)
    }
    // Two bodies are known by now, and the likelier one goes alone.
    expect((await read(path, octocatOauth)).cost).toBe(0)
    expect(pair.sandbox.log.entries.at(-2)?.headers['if-none-match']).toMatch(/^"[0-9a-f]{64}"$/)
    // Of a route that was never asked for that is known already.
    const other = `${REPOSITORY}/topics`
    const { world } = pair.sandbox
    await read(other, octocat)
    world.updateRepository(world.repository('octocat/hello-world'), { topics: ['new'] })
    await read(other, octocat)
    expect((await read(other, hubot)).cost).toBe(0)
  })

  test('asking now and then whether they are now costs ever less', async () => {
    pair = await startPair({ switches: { readsTagLists: false } })
    for (const color of ['111111', '222222']) {
      paint(color)
      for (const reader of [octocat, hubot]) await read(path, reader)
    }
    const { log } = pair.sandbox
    log.clear()
    for (let round = 0; round < 400; round++) await pair.ask(path, { token: octocat })
    expect(log.count).toBe(400)
    const paid = log.entries.flatMap(({ cost }, index) => (cost > 0 ? [index] : []))
    expect(paid.length).toBeGreaterThan(0)
    expect(paid.length).toBeLessThanOrEqual(4)
    const gaps = paid.slice(1).map((index, at) => index - (paid[at] ?? 0))
    for (const [at, gap] of gaps.slice(1).entries()) expect(gap).toBeGreaterThan(gaps[at] ?? 0)
  })

  test('an upgrade of the upstream is noticed', async () => {
    pair = await startPair({ switches: { readsTagLists: false } })
    for (const color of ['111111', '222222']) {
      paint(color)
      for (const reader of [octocat, hubot]) await read(path, reader)
    }
    pair.sandbox.switches.readsTagLists = true
    for (let round = 0; round < 100; round++) await pair.ask(path, { token: octocat })
    // Back to what it was: several candidates, and not the own one.
    paint('111111')
    for (const reader of [octocat, hubot]) expect((await read(path, reader)).cost).toBe(0)
  })
})

test('what is learnt of one route is not held against another', async () => {
  pair = await startPair()
  for (const reader of READERS.slice(0, 3)) expect((await read(FILE, reader)).cost).toBe(1)
  for (const path of PATHS.filter(isPlain).slice(1)) {
    await read(path, octocat)
    for (const reader of READERS.slice(1)) expect((await read(path, reader)).cost).toBe(0)
  }
  // A git name is nobody's secret: who sends it holds it, and that is how it is asked for.
  for (const reader of READERS.slice(0, 3)) expect((await read(FILE, reader)).cost).toBe(0)
})

describe('a rule that changes while the gateway runs', () => {
  const path = `${REPOSITORY}/issues/1`

  test.each(['opaque', 'git', 'none'] as const)(
    'to %s and back: right answers, and predictions by themselves',
    async (rule) => {
      pair = await startPair()
      const { world, switches } = pair.sandbox
      const [issue] = world.repository('octocat/hello-world').issues
      const retitle = (title: string) => {
        pair.clock.advance(61_000)
        if (issue !== undefined) world.updateIssue(issue, { title })
        pair.clock.advance(2000)
      }
      for (const reader of READERS) await read(path, reader)
      switches.etagRule = rule
      for (const title of ['One', 'Two', 'Three', 'Four']) {
        retitle(title)
        for (const reader of READERS) expect((await read(path, reader)).cost).toBeLessThanOrEqual(1)
        // Nothing but its own validator is as good now, and that one is.
        for (const reader of READERS) expect((await read(path, reader)).cost).toBe(0)
      }
      expect((await read(path, TOKENS.monalisa)).cost).toBe(1)
      switches.etagRule = 'github'
      retitle('Five')
      expect((await read(path, octocat)).cost).toBe(1)
      expect((await read(path, TOKENS.hubotOauth)).cost).toBe(0)
      for (const reader of READERS.slice(1)) {
        // Who holds a date and no tag asks with that, and only then has a tag again.
        expect((await read(path, reader)).cost).toBe(rule === 'none' ? 1 : 0)
        expect((await read(path, reader)).cost).toBe(0)
      }
    },
  )

  test('for one answer is not believed', async () => {
    pair = await startPair()
    await read(path, octocat)
    pair.sandbox.switches.faults = [{ fault: { kind: 'headers', set: { ETag: '"something-else"' } } }]
    await pair.ask(`${REPOSITORY}/issues/2`, { token: octocat })
    for (const reader of [hubot, stranger]) expect((await read(path, reader)).cost).toBe(0)
  })
})
