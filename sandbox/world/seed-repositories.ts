import type { Urls } from '../urls.ts'
import type { Repository } from './model.ts'
import type { World } from './world.ts'

function day(text: string): number {
  return Date.parse(`${text}T00:00:00Z`)
}

const MINUTE = 60_000

/** Bytes of the large, generated asset. */
export const BIG_ASSET_BYTES = 200 * 1000 * 1000

/** The ids of the two assets of octocat/hello-world. */
export const ASSETS = { small: 9001, big: 9002 } as const

/** The id of the release that they belong to. */
export const RELEASE = 9000

/** `octocat/hello-world`: a bit of everything, and addresses of the API where people have typed them. */
export function seedHelloWorld(world: World, urls: Urls): Repository {
  const typed = `${urls.api}/repos/octocat/hello-world`
  const times = { createdAt: day('2023-01-01'), updatedAt: day('2024-03-01'), pushedAt: day('2024-03-01') }
  const repository = world.addRepository({
    ...times,
    id: 501,
    owner: 'octocat',
    name: 'hello-world',
    description: `My first repository, see ${typed}`,
    homepage: typed,
    language: 'Markdown',
    topics: ['hello', 'octocat'],
    customProperties: { dashboard: typed, team: 'platform', tags: [typed, 'two'] },
    variables: { API_ROOT: urls.api, COLOUR: 'blue' },
    collaborators: new Map([
      ['hubot', 'push'],
      ['monalisa', 'pull'],
      ['weir-app[bot]', 'push'],
    ]),
  })
  for (const [name, color] of [
    ['bug', 'd73a4a'],
    ['good first issue', '7057ff'],
    ['help wanted', '008672'],
  ] as const) {
    world.addLabel(repository, { name, color, default: true, description: `The label ${name}` })
  }
  seedIssues(world, repository, typed)
  seedFiles(world, repository, typed)
  const release = world.addRelease(repository, {
    id: RELEASE,
    tag: 'v1.0.0',
    name: 'Version 1.0.0',
    body: `Notes at ${typed}/releases/latest`,
    author: 'octocat',
    createdAt: day('2024-01-01'),
  })
  const uploaded = { uploader: 'octocat', createdAt: day('2024-01-02'), updatedAt: day('2024-01-02') }
  world.addAsset(release, {
    ...uploaded,
    id: ASSETS.small,
    name: 'notes.txt',
    contentType: 'text/plain',
    content: Buffer.from(`Raw bytes with an address in them: ${typed}\n`),
  })
  world.addAsset(release, {
    ...uploaded,
    id: ASSETS.big,
    name: 'big.bin',
    size: BIG_ASSET_BYTES,
  })
  seedIntegrations(world, repository, typed)
  return world.updateRepository(repository, times)
}

function seedIssues(world: World, repository: Repository, typed: string): void {
  for (let number = 1; number <= 7; number += 1) {
    const createdAt = day('2024-01-10') + number * MINUTE
    const issue = world.addIssue(repository, {
      title: number === 1 ? `Broken link ${typed}/issues/1` : `Found a problem ${number}`,
      body:
        number === 1
          ? `I wrote this address myself: ${typed}/issues/1 and "url":"${typed}"`
          : `Body of issue ${number}.`,
      author: number % 2 === 0 ? 'hubot' : 'octocat',
      labels: number % 3 === 0 ? ['bug'] : [],
      assignees: number === 2 ? ['monalisa'] : [],
      state: number === 7 ? 'closed' : 'open',
      closedAt: number === 7 ? createdAt + MINUTE : null,
      createdAt,
      updatedAt: createdAt,
    })
    if (number <= 2) {
      world.addComment(issue, {
        author: 'monalisa',
        body: `See ${typed}/issues/${number}`,
        createdAt,
        updatedAt: createdAt,
      })
      world.updateIssue(issue, { updatedAt: createdAt })
    }
  }
}

function seedFiles(world: World, repository: Repository, typed: string): void {
  const files: [string, string][] = [
    ['README.md', '# hello-world\n\nMy first repository.\n'],
    ['links.json', JSON.stringify({ url: typed, html_url: typed })],
    ['docs/links.md', `The API is at ${typed}, said once more: ${typed}\n`],
  ]
  for (const [path, text] of files) world.putFile(repository, path, Buffer.from(text), `Add ${path}`, 'octocat')
  world.updateRepository(repository, {
    commits: repository.commits.map((commit, index) => ({ ...commit, date: day('2024-03-01') - index * MINUTE })),
  })
}

function seedIntegrations(world: World, repository: Repository, typed: string): void {
  const created = day('2024-02-02')
  const head = repository.commits[0]?.sha ?? ''
  world.updateRepository(repository, {
    hooks: [
      {
        id: 8001,
        url: `${typed}/a-receiver-that-somebody-typed`,
        contentType: 'json',
        events: ['push', 'pull_request'],
        active: true,
        createdAt: created,
        updatedAt: created,
      },
    ],
    deployments: [
      {
        id: 8101,
        sha: head,
        ref: 'main',
        task: 'deploy',
        payload: { url: typed, html_url: typed, note: 'typed by a person' },
        environment: 'production',
        description: `Deploys ${typed}`,
        creator: 'octocat',
        createdAt: created,
        statuses: [
          {
            id: 8201,
            state: 'success',
            description: `See ${typed}`,
            targetUrl: `${typed}/typed-target`,
            logUrl: `${typed}/typed-log`,
            environmentUrl: `${typed}/typed-environment`,
            creator: 'hubot',
            createdAt: created,
          },
        ],
      },
    ],
    statuses: [
      {
        id: 8301,
        sha: head,
        state: 'success',
        description: 'Built',
        targetUrl: `${typed}/typed-build`,
        context: 'ci/build',
        creator: 'hubot',
        createdAt: created,
      },
    ],
  })
}

/** `octo-org/many-issues`: 250 issues; a page of 100 is about as large as such a page of github.com, 262 kB. */
export function seedManyIssues(world: World): Repository {
  const times = { createdAt: day('2023-06-01'), updatedAt: day('2024-04-01'), pushedAt: day('2024-04-01') }
  const repository = world.addRepository({
    ...times,
    id: 510,
    owner: 'octo-org',
    name: 'many-issues',
    description: 'Pages of them',
  })
  world.addLabel(repository, { name: 'bug', color: 'd73a4a', default: true })
  world.addLabel(repository, { name: 'enhancement', color: 'a2eeef', default: true })
  for (let number = 1; number <= 250; number += 1) {
    const createdAt = day('2023-06-02') + number * MINUTE
    world.addIssue(repository, {
      title: `Issue ${number} of many`,
      body: `Steps to reproduce:\n\n1. Open page ${number}\n2. Wait\n\n${'The page stays empty, whatever I try. '.repeat(11)}`,
      author: number % 2 === 0 ? 'hubot' : 'octocat',
      labels: number % 4 === 0 ? ['bug'] : [],
      createdAt,
      updatedAt: createdAt,
    })
  }
  return repository
}
