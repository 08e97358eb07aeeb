import type { Permission } from '../../sandbox/world/model.ts'
import type { World } from '../../sandbox/world/world.ts'
import type { Random } from './random.ts'
import { GUEST_REPOSITORY, GUESTS } from './scene.ts'

/** Something that happens upstream, not through the gateway. Plain data, so that it can be sent to another process. */
export type Change =
  | { kind: 'edit-issue'; repository: string; number: number; text: string }
  | { kind: 'comment'; repository: string; number: number; text: string }
  | { kind: 'open-issue'; repository: string; text: string }
  | { kind: 'close-issue'; repository: string; number: number }
  | { kind: 'label'; repository: string; text: string }
  | { kind: 'describe'; repository: string; text: string }
  | { kind: 'release'; repository: string; text: string }
  | { kind: 'profile'; login: string; text: string }
  | { kind: 'access'; login: string; permission: Permission | null }

/** How often each happens, of 100, and to what. */
const KINDS: readonly { share: number; make: (random: Random, world: World, text: string) => Change }[] = [
  {
    share: 30,
    make: (random, _world, text) => ({ kind: 'edit-issue', ...random.weighted(ISSUES, ({ share }) => share), text }),
  },
  {
    share: 26,
    make: (random, _world, text) => ({ kind: 'comment', ...random.weighted(ISSUES, ({ share }) => share), text }),
  },
  { share: 5, make: (random, _world, text) => ({ kind: 'open-issue', repository: busy(random), text }) },
  {
    share: 3,
    make: (random, world) => {
      const repository = busy(random)
      const open = world.repository(repository).issues.filter(({ state }) => state === 'open')
      // The newest, so that the numbers that are read stay open.
      return { kind: 'close-issue', repository, number: open.at(-1)?.number ?? 1 }
    },
  },
  { share: 11, make: (random, _world, text) => ({ kind: 'label', repository: busy(random), text }) },
  { share: 2, make: (random, _world, text) => ({ kind: 'describe', repository: busy(random), text }) },
  { share: 4, make: (_random, _world, text) => ({ kind: 'release', repository: 'acme/anvil', text }) },
  { share: 5, make: (random, _world, text) => ({ kind: 'profile', login: random.pick(['ada', 'bob', 'eve']), text }) },
  {
    share: 14,
    make: (random, world) => {
      const login = random.pick(GUESTS)
      const known = world.repository(GUEST_REPOSITORY).collaborators.has(login)
      return { kind: 'access', login, permission: known ? null : 'pull' }
    },
  },
]

/** Most issues that change are read by nobody alone, but stand on a page that many read. */
const ISSUES = [
  { share: 8, repository: 'acme/anvil', number: 38 },
  { share: 4, repository: 'acme/anvil', number: 40 },
  { share: 2, repository: 'acme/rocket', number: 2 },
  { share: 1, repository: 'acme/anvil', number: 3 },
  { share: 1, repository: 'acme/catalog', number: 1 },
  { share: 1, repository: 'acme/rocket', number: 9 },
  { share: 1, repository: 'ada/vault', number: 1 },
]

function busy(random: Random): string {
  return random.weighted(['acme/anvil', 'acme/rocket', 'acme/catalog', GUEST_REPOSITORY], (name) =>
    name === 'acme/anvil' ? 4 : name === 'acme/rocket' ? 3 : 1,
  )
}

/** The change that comes next; `number` is how many there were before. */
export function chooseChange(random: Random, world: World, number: number): Change {
  return random.weighted(KINDS, ({ share }) => share).make(random, world, `change ${number + 1}`)
}

/**
 * Makes a change. The world's clock must tell the scene's time. Whatever alters a representation also moves its
 * `Last-Modified`, as a truthful upstream's does: what dates miss is another matter than what this measures.
 *
 * @throws RangeError where the world lacks what the change is about
 */
export function applyChange(world: World, change: Change): void {
  switch (change.kind) {
    case 'edit-issue':
      world.updateIssue(issueOf(world, change), { body: `Now it says: ${change.text}` })
      return
    case 'comment':
      world.addComment(issueOf(world, change), { author: 'cyd', body: change.text })
      return
    case 'open-issue': {
      const repository = world.repository(change.repository)
      world.addIssue(repository, { title: change.text, author: 'bob' })
      world.updateRepository(repository, {})
      return
    }
    case 'close-issue':
      world.updateIssue(issueOf(world, change), { state: 'closed', closedAt: world.clock() })
      world.updateRepository(world.repository(change.repository), {})
      return
    case 'label':
      world.addLabel(world.repository(change.repository), { name: change.text })
      return
    case 'describe':
      world.updateRepository(world.repository(change.repository), { description: change.text })
      return
    case 'release':
      world.addRelease(world.repository(change.repository), { tag: change.text, author: 'ada' })
      return
    case 'profile':
      world.updateAccount(change.login, { bio: change.text })
      return
    case 'access':
      world.setCollaborator(world.repository(GUEST_REPOSITORY), change.login, change.permission)
  }
}

function issueOf(world: World, { repository, number }: { repository: string; number: number }) {
  const found = world.repository(repository).issues.find((issue) => issue.number === number)
  if (found === undefined) throw new RangeError(`no issue ${number} in ${repository}`)
  return found
}
