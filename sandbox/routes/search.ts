import type { Answer } from '../answer.ts'
import { invalid, json } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { paginate } from '../pages.ts'
import { simpleUser } from '../render/accounts.ts'
import { renderIssue } from '../render/issues.ts'
import { renderRepository } from '../render/repositories.ts'
import type { Route } from '../router.ts'
import { get } from '../router.ts'
import { permissionOf, shownPermission } from './access.ts'

interface Query {
  /** Lower case. */
  terms: string[]
  qualifiers: Map<string, string[]>
}

function parseQuery(exchange: Exchange): Query {
  const text = exchange.query.get('q') ?? ''
  if (text.trim() === '') throw invalid({ resource: 'Search', field: 'q', code: 'missing' })
  const terms: string[] = []
  const qualifiers = new Map<string, string[]>()
  for (const [word] of text.matchAll(/(?:[\w-]+:)?"[^"]*"|\S+/g)) {
    const [, name, value] = /^([\w-]+):(.+)$/.exec(word) ?? []
    if (name === undefined || value === undefined) terms.push(word.replaceAll('"', '').toLowerCase())
    else qualifiers.set(name, [...(qualifiers.get(name) ?? []), value.replaceAll('"', '').toLowerCase()])
  }
  return { terms, qualifiers }
}

/** One page of results with the count of all. */
function results<T>(
  exchange: Exchange,
  all: readonly T[],
  path: string,
  render: (one: T) => Record<string, unknown>,
): Answer {
  const { items, headers } = paginate(exchange, all, path)
  const found = { total_count: all.length, incomplete_results: false, items: items.map(render) }
  return { ...json(null, { headers, cacheControl: 'no-cache' }), body: Buffer.from(JSON.stringify(found)) }
}

function searchIssues(exchange: Exchange): Answer {
  const { terms, qualifiers } = parseQuery(exchange)
  const { world, urls } = exchange.core
  const wants = (name: string, actual: readonly string[]) =>
    (qualifiers.get(name) ?? []).every((value) => actual.some((one) => one.toLowerCase() === value))
  const found = [...world.repositories.values()]
    .filter((repository) => permissionOf(exchange, repository) !== null)
    .filter((repository) => {
      const repo = qualifiers.get('repo')
      const owners = [...(qualifiers.get('user') ?? []), ...(qualifiers.get('org') ?? [])]
      const full = `${repository.owner}/${repository.name}`.toLowerCase()
      return (
        (repo === undefined || repo.includes(full)) &&
        (owners.length === 0 || owners.includes(repository.owner.toLowerCase()))
      )
    })
    .flatMap((repository) => repository.issues.map((issue) => ({ repository, issue })))
    .filter(({ issue }) => {
      const text = `${issue.title}\n${issue.body ?? ''}`.toLowerCase()
      const kinds = [issue.state, 'issue']
      return (
        terms.every((term) => text.includes(term)) &&
        wants('state', [issue.state]) &&
        wants('is', kinds) &&
        wants('type', ['issue']) &&
        wants('label', issue.labels) &&
        wants('author', [issue.author]) &&
        wants('assignee', issue.assignees)
      )
    })
    .sort((a, b) => b.issue.createdAt - a.issue.createdAt || b.issue.id - a.issue.id)
  return results(exchange, found, '/search/issues', ({ issue, repository }) => ({
    ...renderIssue(issue, repository, urls, world),
    score: 1,
  }))
}

function searchRepositories(exchange: Exchange): Answer {
  const { terms, qualifiers } = parseQuery(exchange)
  const { world, urls } = exchange.core
  const owners = [...(qualifiers.get('user') ?? []), ...(qualifiers.get('org') ?? [])]
  const topics = qualifiers.get('topic') ?? []
  const found = [...world.repositories.values()].filter((repository) => {
    const text = `${repository.name}\n${repository.description ?? ''}`.toLowerCase()
    return (
      permissionOf(exchange, repository) !== null &&
      terms.every((term) => text.includes(term)) &&
      topics.every((topic) => repository.topics.includes(topic)) &&
      (owners.length === 0 || owners.includes(repository.owner.toLowerCase()))
    )
  })
  return results(exchange, found, '/search/repositories', (repository) => ({
    ...renderRepository(repository, urls, world, shownPermission(exchange, repository), false),
    score: 1,
  }))
}

function searchUsers(exchange: Exchange): Answer {
  const { terms } = parseQuery(exchange)
  const { world, urls } = exchange.core
  const found = [...world.accounts.values()].filter(
    ({ login, name, type }) =>
      type !== 'Bot' && terms.every((term) => `${login}\n${name ?? ''}`.toLowerCase().includes(term)),
  )
  return results(exchange, found, '/search/users', (user) => ({ ...simpleUser(user, urls), score: 1 }))
}

function searchCode(exchange: Exchange): Answer {
  const { terms } = parseQuery(exchange)
  const { world, urls } = exchange.core
  const found = [...world.repositories.values()]
    .filter((repository) => permissionOf(exchange, repository) !== null)
    .flatMap((repository) => repository.files.map((file) => ({ repository, file })))
    .filter(({ file }) => terms.every((term) => file.content.toString('utf8').toLowerCase().includes(term)))
  return results(exchange, found, '/search/code', ({ repository, file }) => ({
    name: file.path.split('/').at(-1) ?? '',
    path: file.path,
    sha: file.sha,
    url: `${urls.api}/repositories/${repository.id}/contents/${file.path}`,
    git_url: `${urls.api}/repositories/${repository.id}/git/blobs/${file.sha}`,
    html_url: `${urls.web}/${repository.owner}/${repository.name}/blob/${repository.defaultBranch}/${file.path}`,
    repository: renderRepository(repository, urls, world, null, false),
    score: 1,
  }))
}

export const SEARCH_ROUTES: Route[] = [
  get('/search/issues', searchIssues),
  get('/search/repositories', searchRepositories),
  get('/search/users', searchUsers),
  get('/search/code', searchCode),
]
