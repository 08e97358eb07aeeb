import type { Account, Level, Repository, World } from './world.ts'
import { UPSTREAM } from './world.ts'

const API = `${UPSTREAM}/api/v3`

/** What of the upstream's state a reader sees at an address. */
export interface Sight {
  readonly body: string
  /** The thing that it shows, for tags and dates of its own. */
  readonly thing: string
  readonly link?: string
  readonly location?: string
  readonly status?: number
  readonly pollInterval?: number
  /** Whether its tag is git's: the same for every form of it and every reader. */
  readonly isGit?: boolean
  readonly isRaw?: boolean
}

export interface Seeing {
  readonly world: World
  readonly account: Account | undefined
  readonly level: Level
  readonly apiVersion: string
  readonly isRaw: boolean
}

export interface Resource {
  /** Below the API's root. */
  readonly target: string
  /** Whose readers there are; `undefined`: whoever has an account. */
  readonly repository: Repository | undefined
  /** Addressed by the repository's number. */
  readonly byId?: boolean
  see(seeing: Seeing): Sight
}

function repository(target: string, name: 'one' | 'open', byId = false): Resource {
  return {
    target,
    repository: name,
    byId,
    see({ world, level, apiVersion }) {
      const { value } = world.thing(name)
      // A larger one, which some runs have no room for.
      const padding = value === 2 ? `,"topics":"${'x'.repeat(600)}"` : ''
      const url = `"url":"${API}/repos/o/${name}"`
      return {
        thing: name,
        body: `{"name":"${name}","size":${value},"version":"${apiVersion}","may":"${level}",${url}${padding}}`,
      }
    },
  }
}

/** Writers see what readers do not: how many pages there are depends on who asks. */
function visibleIssues(items: number, level: Level): number {
  if (level === 'write') return items
  return level === 'read' ? Math.ceil(items / 2) : 0
}

function page(
  target: string,
  size: number,
  number: number,
  items: number,
): { from: number; to: number; link?: string } {
  const last = Math.max(1, Math.ceil(items / size))
  const at = (page: number, relation: string) => `<${API}${target}&page=${page}>; rel="${relation}"`
  const links = [
    ...(number > 1 ? [at(number - 1, 'prev'), at(1, 'first')] : []),
    ...(number < last ? [at(number + 1, 'next'), at(last, 'last')] : []),
  ]
  const from = (number - 1) * size
  return { from, to: Math.min(items, from + size), ...(links.length === 0 ? {} : { link: links.join(', ') }) }
}

function numbers(from: number, to: number, item: (number: number) => string): string {
  const listed: string[] = []
  for (let number = from; number < to; number++) listed.push(item(number))
  return `[${listed.join(',')}]`
}

function issues(number: number): Resource {
  const first = '/repos/o/one/issues?per_page=2'
  return {
    target: number === 1 ? first : `${first}&page=${number}`,
    repository: 'one',
    see({ world, level }) {
      const { items, value } = world.thing('issues')
      const { from, to, link } = page(first, 2, number, visibleIssues(items, level))
      const body = numbers(from, to, (id) => `{"id":${id},"title":"${value}"}`)
      return { thing: 'issues', body, ...(link === undefined ? {} : { link }) }
    },
  }
}

export const RESOURCES: readonly Resource[] = [
  repository('/repos/o/one', 'one'),
  issues(1),
  issues(2),
  repository('/repos/o/open', 'open'),
  {
    target: '/repos/o/open/contents/f',
    repository: 'open',
    see({ world, account, isRaw }) {
      const { value } = world.thing('file')
      if (isRaw) return { thing: 'file', isGit: true, isRaw: true, body: `file ${value} ${API}/users/o` }
      // Its address is signed for the reader and not for long, and git's name does not cover that.
      const signature = `${account ?? 'anybody'}-${Math.floor(world.now / 100_000)}`
      const url = `"url":"${API}/repos/o/open/contents/f"`
      return { thing: 'file', isGit: true, body: `{"content":"${value}","signed":"${signature}",${url}}` }
    },
  },
  {
    target: '/user',
    repository: undefined,
    see: ({ world, account }) => ({
      thing: `user ${account}`,
      body: `{"login":"${account}","bio":${world.thing(`user ${account}`).value},"url":"${API}/users/${account}"}`,
    }),
  },
  {
    // At most 30 a page, whatever was asked for.
    target: '/repos/o/one/tags?per_page=100',
    repository: 'one',
    see({ world }) {
      const { items, value } = world.thing('tags')
      const { from, to, link } = page('/repos/o/one/tags?per_page=100', 30, 1, items)
      const body = numbers(from, to, () => `${value}`)
      return { thing: 'tags', body, ...(link === undefined ? {} : { link }) }
    },
  },
  {
    target: '/repos/o/two/labels',
    repository: 'two',
    see: ({ world }) => ({ thing: 'labels', body: numbers(0, world.thing('labels').items, (id) => `{"id":${id}}`) }),
  },
  {
    target: '/search/issues?q=x&per_page=2',
    repository: undefined,
    see({ world, account }) {
      const { items, value } = world.thing('issues')
      const visible = visibleIssues(items, world.levelOf(account, 'one'))
      const { from, to, link } = page('/search/issues?q=x&per_page=2', 2, 1, visible)
      const found = numbers(from, to, (id) => `{"id":${id},"title":"${value}"}`)
      const body = `{"total_count":${visible},"items":${found}}`
      return { thing: 'issues', body, ...(link === undefined ? {} : { link }) }
    },
  },
  {
    target: '/notifications',
    repository: undefined,
    see({ world, account }) {
      const { value } = world.thing(`notifications ${account}`)
      const body = numbers(0, value, (id) => `{"id":${id},"for":"${account}"}`)
      return { thing: `notifications ${account}`, pollInterval: 60, body }
    },
  },
  repository('/repositories/1', 'one', true),
  repository('/repos/O/One', 'one'),
  {
    target: '/repos/o/one/zipball',
    repository: 'one',
    see: ({ world, account }) => ({
      thing: 'one',
      status: 302,
      body: '',
      location: `https://codeload.example/one?for=${account}&until=${world.now + 300_000}`,
    }),
  },
]

/** Something that can be written to, and what that changes. */
export interface Writing {
  readonly method: string
  readonly target: string
  readonly repository: Repository | undefined
  readonly byId?: boolean
  /** @returns the target that the answer represents, if any */
  carryOut(world: World, account: Account): string | undefined
}

function change(world: World, thing: string): void {
  world.change(thing, { value: (world.thing(thing).value + 1) % 3 })
}

function patch(target: string, repository: 'one' | 'open', byId = false): Writing {
  return {
    method: 'PATCH',
    target,
    repository,
    byId,
    carryOut(world) {
      change(world, repository)
      return target
    },
  }
}

export const WRITINGS: readonly Writing[] = [
  patch('/repos/o/one', 'one'),
  {
    method: 'POST',
    target: '/repos/o/one/issues',
    repository: 'one',
    carryOut(world) {
      world.change('issues', { items: world.thing('issues').items + 1 })
      return undefined
    },
  },
  patch('/repos/O/ONE', 'one'),
  patch('/repositories/1', 'one', true),
  {
    method: 'PUT',
    target: '/repos/o/open/contents/f',
    repository: 'open',
    carryOut(world) {
      change(world, 'file')
      return undefined
    },
  },
  {
    method: 'PATCH',
    target: '/user',
    repository: undefined,
    carryOut(world, account) {
      change(world, `user ${account}`)
      return '/user'
    },
  },
  {
    method: 'DELETE',
    target: '/repos/o/two/labels',
    repository: 'two',
    carryOut(world) {
      world.change('labels', { items: 0 })
      return undefined
    },
  },
]
