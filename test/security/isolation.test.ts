import fc from 'fast-check'
import { expect, test } from 'vitest'
import { APPLICATION, ONE_TIME_CODE, PASSWORDS, TOKENS } from '../../sandbox/index.ts'
import { type Answer, type Asking, type Pair, startPair } from '../support/pair.ts'

/**
 * Whatever several readers ask at once and in whatever order, while what they ask for changes: each answer is what the
 * sandbox itself says to that credential, with the addresses moved and nothing else changed.
 */

const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})

/** A reader: what it sends, and what it adds to a path. */
interface Reader {
  readonly headers: Record<string, string>
  readonly query?: string
}

const READERS: readonly Reader[] = [
  ...Object.values(TOKENS).map((token) => ({ headers: { authorization: `token ${token}` } })),
  { headers: { authorization: `Bearer ${TOKENS.octocat}` } },
  { headers: basic('hubot', PASSWORDS.hubot) },
  { headers: { ...basic('monalisa', PASSWORDS.monalisa), 'x-github-otp': ONE_TIME_CODE } },
  { headers: basic('monalisa', PASSWORDS.monalisa) },
  { headers: basic(APPLICATION.clientId, APPLICATION.clientSecret) },
  { headers: { authorization: 'token wrong' } },
  { headers: {}, query: `access_token=${TOKENS.hubot}` },
  { headers: {}, query: `access_token=${TOKENS.stranger}` },
  { headers: {} },
]

const PATHS = [
  '/repos/octo-org/secret',
  '/repos/octo-org/secret/issues?per_page=1&direction=asc',
  '/repos/octocat/hello-world',
  '/repos/octocat/hello-world/contents/README.md',
  '/repos/octocat/hello-world/hooks',
  '/repos/octocat/old-name',
  '/orgs/octo-org/repos?per_page=3',
  '/user',
  '/nowhere',
]

const ACCEPTS = [undefined, '', 'application/vnd.github.v3+json', 'application/vnd.github.v3.raw']

interface Read {
  readonly reader: number
  readonly path: string
  readonly accept: string | undefined
  readonly method: 'GET' | 'HEAD'
  /** Whether the reader says what it holds. */
  readonly conditional: boolean
}

const read: fc.Arbitrary<Read> = fc.record({
  reader: fc.nat(READERS.length - 1),
  path: fc.constantFrom(...PATHS),
  accept: fc.constantFrom(...ACCEPTS),
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD'),
  conditional: fc.boolean(),
})

/** What happens between two volleys of reads. */
const CHANGES = {
  nothing: () => {},
  describe: ({ sandbox: { world } }) => {
    const repository = world.repository('octo-org/secret')
    world.updateRepository(repository, { description: `${repository.description}!` })
  },
  addIssue: ({ sandbox: { world } }) => {
    world.addIssue(world.repository('octo-org/secret'), { title: 'Another', author: 'octocat' })
  },
  promote: ({ sandbox: { world } }) => world.setCollaborator(world.repository('octo-org/secret'), 'stranger', 'push'),
  withdraw: ({ sandbox: { world } }) => world.setCollaborator(world.repository('octo-org/secret'), 'stranger', null),
  demote: ({ sandbox: { world } }) => world.setCollaborator(world.repository('octocat/hello-world'), 'hubot', 'pull'),
  hide: ({ sandbox: { world } }) => {
    world.updateRepository(world.repository('octocat/hello-world'), { private: true })
  },
  show: ({ sandbox: { world } }) => {
    world.updateRepository(world.repository('octocat/hello-world'), { private: false })
  },
} satisfies Record<string, (pair: Pair) => void>

const volley = fc.record({
  change: fc.constantFrom(...(Object.keys(CHANGES) as (keyof typeof CHANGES)[])),
  reads: fc.array(read, { minLength: 1, maxLength: 12 }),
})

/** Fields that must be the upstream's own. */
const SAME = ['content-type', 'x-oauth-scopes', 'x-accepted-oauth-scopes', 'x-github-media-type', 'last-modified']
const UNMOVED = ['link', 'location']

function asking({ reader, accept, method }: Read): { query: string | undefined; asking: Asking } {
  const { headers, query } = READERS[reader] as Reader
  return { query, asking: { method, headers: { ...headers, ...(accept === undefined ? {} : { accept }) } } }
}

function withQuery(path: string, query: string | undefined): string {
  return query === undefined ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`
}

/** What each reader holds, by everything that makes a question. */
type Held = Map<string, { etag: string; text: string }>

async function check(pair: Pair, held: Held, one: Read): Promise<() => Promise<void>> {
  const { query, asking: plain } = asking(one)
  const path = withQuery(one.path, query)
  const name = JSON.stringify([one.reader, one.path, one.accept])
  const known = one.conditional ? held.get(name) : undefined
  const headers = known === undefined ? plain.headers : { ...plain.headers, 'if-none-match': known.etag }
  const answer = await pair.ask(path, { ...plain, ...(headers === undefined ? {} : { headers }) })
  return async () => compare(pair, held, name, known, answer, await pair.direct(path, plain), one)
}

function compare(
  { gateway, sandbox }: Pair,
  held: Held,
  name: string,
  known: { etag: string; text: string } | undefined,
  answer: Answer,
  own: Answer,
  { method }: Read,
): void {
  const back = (text: string) => text.replaceAll(gateway.api, sandbox.urls.api)
  if (answer.status === 304) {
    expect(known, name).toBeDefined()
    expect(own.status, name).toBe(200)
    if (method === 'GET') expect(back(known?.text ?? ''), name).toBe(own.text)
    return
  }
  expect(answer.status, name).toBe(own.status)
  expect(back(answer.text), name).toBe(own.text)
  // Repeated here as it was given to this same credential, perhaps for another `Accept`.
  if (answer.status === 401) return
  for (const field of SAME) expect(answer.headers[field], `${name} ${field}`).toBe(own.headers[field])
  for (const field of UNMOVED) {
    const value = answer.headers[field]
    expect(value === undefined ? value : back(String(value)), `${name} ${field}`).toBe(own.headers[field])
  }
  const etag = answer.headers['etag']
  if (method === 'GET' && answer.status === 200 && etag !== undefined) held.set(name, { etag, text: answer.text })
}

test.each([
  ['github', {}],
  ['opaque', {}],
  ['git', { linkOn304: true }],
] as const)('readers stay apart where ETags are made by the rule %s', async (etagRule, switches) => {
  await fc.assert(
    fc.asyncProperty(fc.array(volley, { minLength: 1, maxLength: 8 }), async (volleys) => {
      const pair = await startPair({ switches: { etagRule, ...switches } })
      try {
        const held: Held = new Map()
        for (const { change, reads } of volleys) {
          CHANGES[change](pair)
          // Beyond the minute for which anonymous answers and Links may be reused.
          pair.clock.advance(61_000)
          const comparisons = await Promise.all(reads.map((one) => check(pair, held, one)))
          for (const comparison of comparisons) await comparison()
        }
        expect(pair.sandbox.log.filter({ status: 500 })).toEqual([])
      } finally {
        await pair.close()
      }
    }),
    { numRuns: 15 },
  )
})
