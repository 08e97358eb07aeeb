import type { Permission } from '../../sandbox/world/model.ts'
import type { World } from '../../sandbox/world/world.ts'

/*
 * What the reference trace reads: one organisation, four repositories, eight users who may do different things with them,
 * and the targets, from the most to the least popular.
 */

/** Nothing in the scene happened later, epoch milliseconds. */
const PAST = Date.parse('2025-01-06T08:00:00Z')

/** Time of the upstream's world when the trace has made so many changes; a distinct second each, for `Last-Modified`. */
export function sceneTime(changes: number): number {
  return PAST + 86_400_000 + changes * 40_000
}

const ALL: readonly string[] = ['repo', 'user']

/** The users, with the scopes of their two tokens. */
export const USERS: readonly { login: string; scopes: readonly [readonly string[], readonly string[]] }[] = [
  { login: 'ada', scopes: [ALL, ALL] },
  { login: 'bob', scopes: [ALL, ALL] },
  { login: 'cyd', scopes: [ALL, ALL] },
  // The second token, as a public build has it, sees nothing private.
  { login: 'dee', scopes: [ALL, ['public_repo']] },
  { login: 'eve', scopes: [ALL, ALL] },
  { login: 'fay', scopes: [ALL, ALL] },
  { login: 'gus', scopes: [ALL, ALL] },
  { login: 'hal', scopes: [ALL, ALL] },
]

interface SceneRepository {
  owner: string
  name: string
  private: boolean
  collaborators: readonly (readonly [string, Permission])[]
  issues: number
  comments: Readonly<Record<number, number>>
  labels: readonly string[]
  releases: number
}

/** Members of the organisation may pull all that it owns. */
const MEMBERS = ['ada', 'bob', 'cyd', 'dee']

const REPOSITORIES: readonly SceneRepository[] = [
  {
    owner: 'acme',
    name: 'anvil',
    private: false,
    collaborators: [
      ['ada', 'admin'],
      ['bob', 'push'],
      ['cyd', 'push'],
    ],
    issues: 42,
    comments: { 3: 1, 17: 2, 40: 7 },
    labels: ['bug', 'feature', 'question'],
    releases: 3,
  },
  {
    owner: 'acme',
    name: 'rocket',
    private: true,
    collaborators: [
      ['ada', 'admin'],
      ['bob', 'push'],
      ['eve', 'pull'],
    ],
    issues: 12,
    comments: { 2: 3, 9: 1 },
    labels: ['bug', 'fuel'],
    releases: 0,
  },
  {
    owner: 'acme',
    name: 'catalog',
    private: false,
    collaborators: [['bob', 'admin']],
    issues: 5,
    comments: { 1: 2 },
    labels: ['bug'],
    releases: 1,
  },
  {
    owner: 'ada',
    name: 'vault',
    private: true,
    collaborators: [
      ['bob', 'push'],
      ['fay', 'pull'],
    ],
    issues: 6,
    comments: { 1: 1 },
    labels: [],
    releases: 0,
  },
]

/** Those to whom ada opens and closes her private repository while the trace runs. */
export const GUESTS = ['eve', 'fay', 'gus']

export const GUEST_REPOSITORY = 'ada/vault'

/** The repositories' full names. */
export const REPOSITORY_NAMES = REPOSITORIES.map(({ owner, name }) => `${owner}/${name}`)

/**
 * Targets below the API root, the most popular first. Files are not among them: their entity tags are git's, which prove
 * nothing to another reader, so that they can only be shared by what the `git` line measures.
 */
export const TARGETS: readonly string[] = [
  '/repos/acme/anvil/issues?per_page=20',
  '/repos/acme/anvil',
  '/user',
  '/repos/acme/rocket/issues',
  '/repos/acme/anvil/pulls',
  '/repos/acme/anvil/issues/40',
  '/repos/acme/rocket',
  '/repos/acme/anvil/issues/40/comments?per_page=5',
  '/repos/acme/anvil/labels',
  '/repos/acme/rocket/issues/2',
  '/repos/acme/rocket/pulls',
  '/repos/acme/anvil/releases/latest',
  '/user/repos',
  '/repos/acme/anvil/issues?per_page=20&page=2',
  '/repos/acme/catalog/issues',
  '/repos/acme/rocket/issues/2/comments',
  '/repos/acme/anvil/issues/17',
  '/repos/acme/catalog/pulls',
  '/repos/acme/rocket/labels',
  '/repos/acme/catalog',
  '/orgs/acme',
  '/repos/acme/anvil/issues?per_page=20&page=3',
  '/repos/ada/vault/issues',
  '/repos/acme/anvil/releases',
  '/repos/acme/anvil/milestones',
  '/orgs/acme/members',
  '/repos/acme/anvil/issues/40/comments?per_page=5&page=2',
  '/repos/acme/rocket/releases',
  '/users/ada',
  '/repos/ada/vault',
  '/repos/acme/anvil/issues?labels=bug',
  '/repos/acme/catalog/issues/1',
  '/repos/acme/rocket/milestones',
  '/repos/acme/anvil/issues/3',
  '/repos/acme/catalog/labels',
  '/repos/ada/vault/labels',
  '/repos/acme/rocket/issues/9',
  '/user/orgs',
  '/repos/acme/anvil/topics',
  '/repos/ada/vault/issues/1',
]

/** How much less the next target is read than the one before it: a target of rank r has the weight r^-POPULARITY. */
const POPULARITY = 0.7

export function popularityOf(target: string): number {
  return (TARGETS.indexOf(target) + 1) ** -POPULARITY
}

/** The full name of the repository that a target lies in, or undefined. */
export function repositoryOf(target: string): string | undefined {
  return /^\/repos\/([^/?]+\/[^/?]+)/.exec(target)?.[1]
}

/** Whether a user's token with these scopes may read the target now. */
export function mayRead(world: World, login: string, scopes: readonly string[], target: string): boolean {
  const name = repositoryOf(target)
  if (name === undefined) return true
  const repository = world.repository(name)
  if (repository.private && !scopes.includes('repo')) return false
  return world.permission(repository, login) !== null
}

/** The token of a user in a generation of tokens. */
export function tokenOf(login: string, which: 0 | 1, generation: number): string {
  return `ghp_${login}${which}${String(generation).padStart(32, '0')}`
}

/** Makes the tokens of a generation valid. Those before the last one are withdrawn: requests with the last may be on their way. */
export function rotateTokens(world: World, generation: number): void {
  for (const { login, scopes } of USERS) {
    for (const which of [0, 1] as const) {
      world.addToken(login, tokenOf(login, which, generation), { scopes: scopes[which] })
      if (generation > 1) world.revokeToken(tokenOf(login, which, generation - 2))
    }
  }
}

/** Adds the scene to a world, with the first generation of tokens. */
export function buildScene(world: World): void {
  const times = { createdAt: PAST, updatedAt: PAST }
  USERS.forEach(({ login }, index) => {
    world.addAccount({ ...times, id: 7001 + index, login, name: login })
  })
  world.addAccount({
    ...times,
    id: 7100,
    login: 'acme',
    type: 'Organization',
    name: 'Acme Corporation',
    members: new Set(MEMBERS),
  })
  REPOSITORIES.forEach((repository, index) => {
    buildRepository(world, 7200 + index, repository)
  })
  rotateTokens(world, 0)
}

function buildRepository(world: World, id: number, scene: SceneRepository): void {
  const times = { createdAt: PAST, updatedAt: PAST, pushedAt: PAST }
  const repository = world.addRepository({
    ...times,
    id,
    owner: scene.owner,
    name: scene.name,
    private: scene.private,
    description: `The ${scene.name} of ${scene.owner}`,
    collaborators: new Map(scene.collaborators),
  })
  for (const name of scene.labels) world.addLabel(repository, { name, description: `Everything about ${name}` })
  for (let number = 1; number <= scene.issues; number++) {
    const at = PAST + number * 60_000
    const issue = world.addIssue(repository, {
      title: `${scene.name} ${number}`,
      body: `${'It does not do what the manual says. '.repeat(1 + (number % 9))}\n`,
      author: number % 2 === 0 ? 'ada' : 'bob',
      labels: scene.labels.length > 0 && number % 6 === 0 ? [scene.labels[0] as string] : [],
      createdAt: at,
      updatedAt: at,
    })
    for (let index = 0; index < (scene.comments[number] ?? 0); index++) {
      const comment = { author: 'bob', body: `Seen ${index + 1} times.`, createdAt: at, updatedAt: at }
      world.addComment(issue, comment)
    }
    world.updateIssue(issue, { updatedAt: at })
  }
  for (let number = 1; number <= scene.releases; number++) {
    world.addRelease(repository, {
      tag: `v${number}.0.0`,
      name: `Version ${number}`,
      body: 'Better than the last one.',
      author: 'ada',
      createdAt: PAST + number * 60_000,
    })
  }
  world.updateRepository(repository, { updatedAt: PAST, pushedAt: PAST })
}
