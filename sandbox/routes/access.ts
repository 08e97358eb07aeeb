import { forbidden, json, notFound, Refusal } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { param, viewer } from '../exchange.ts'
import { documentation } from '../urls.ts'
import type { Account, Issue, Permission, Repository } from '../world/model.ts'
import { PERMISSIONS } from '../world/model.ts'

/** What the caller may do with a repository; null: not even know of it. A token without the scope `repo` sees no private one. */
export function permissionOf(exchange: Exchange, repository: Repository): Permission | null {
  const { identity, core } = exchange
  if (repository.private && identity.scopes !== null && !identity.scopes.includes('repo')) return null
  return core.world.permission(repository, identity.user?.login ?? null)
}

/** What `permissions` in a body is made of: null for the anonymous, who get none. */
export function shownPermission(exchange: Exchange, repository: Repository): Permission | null {
  return exchange.identity.user === null ? null : permissionOf(exchange, repository)
}

/** The redirect from a former name: 301, or 307 where the method must stay. */
function moved(exchange: Exchange, repository: Repository): Refusal {
  const rest = exchange.path.split('/').slice(4).join('/')
  const query = exchange.entry.target.split('?')[1]
  const url = `${exchange.core.urls.api}/repositories/${repository.id}${rest === '' ? '' : `/${rest}`}${query === undefined ? '' : `?${query}`}`
  return new Refusal(
    json(
      {
        message: 'Moved Permanently',
        url,
        documentation_url: documentation(
          exchange.core.switches.version,
          '/guides/best-practices-for-integrators#follow-redirects',
        ),
      },
      { status: exchange.method === 'GET' ? 301 : 307, headers: ['Location', url], acceptedScopes: 'repo' },
    ),
  )
}

/**
 * The repository that `:owner/:repo` of the route names.
 *
 * @throws Refusal 404 where the caller may not know of it, 301 or 307 from a former name, 401 or 403 where `needed` is
 * more than the caller may do
 */
export function repositoryOf(exchange: Exchange, needed: Permission = 'pull'): Repository {
  const { world, switches } = exchange.core
  const found = world.lookUp(param(exchange, 'owner'), param(exchange, 'repo'))
  const permission = found === null ? null : permissionOf(exchange, found.repository)
  if (found === null || permission === null) throw notFound(switches.version)
  if (found.renamed) throw moved(exchange, found.repository)
  if (PERMISSIONS.indexOf(permission) < PERMISSIONS.indexOf(needed)) {
    viewer(exchange)
    throw forbidden(switches.version, `Must have ${needed} rights to Repository.`)
  }
  return found.repository
}

/** The issue that `:number` names. @throws Refusal 404 */
export function issueOf(exchange: Exchange, repository: Repository): Issue {
  const number = Number(param(exchange, 'number'))
  const issue = repository.issues.find((one) => one.number === number)
  if (issue === undefined) throw notFound(exchange.core.switches.version)
  return issue
}

/** The account that `:login` names. @throws Refusal 404 */
export function accountOf(exchange: Exchange, type?: Account['type']): Account {
  const account = exchange.core.world.accounts.get(param(exchange, 'login').toLowerCase())
  if (account === undefined || (type !== undefined && account.type !== type)) {
    throw notFound(exchange.core.switches.version)
  }
  return account
}

/** The member of a list with this id. @throws Refusal 404 */
export function byId<T extends { id: number }>(exchange: Exchange, list: readonly T[], name = 'id'): T {
  const found = list.find((one) => one.id === Number(param(exchange, name)))
  if (found === undefined) throw notFound(exchange.core.switches.version)
  return found
}
