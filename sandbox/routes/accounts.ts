import { json, notFound } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { readObject, viewer } from '../exchange.ts'
import { paginate } from '../pages.ts'
import { fullOrganization, fullUser, simpleOrganization, simpleUser } from '../render/accounts.ts'
import { renderRepository } from '../render/repositories.ts'
import type { Route } from '../router.ts'
import { get, live } from '../router.ts'
import type { Account, Repository } from '../world/model.ts'
import { accountOf, permissionOf, shownPermission } from './access.ts'
import { Fields, given } from './fields.ts'

/** The summary of each repository on the page, as this caller sees it. */
export function repositoryPage(exchange: Exchange, all: Repository[], path: string) {
  const { urls, world } = exchange.core
  const sort = exchange.query.get('sort') ?? 'full_name'
  const key = (one: Repository) =>
    sort === 'created' ? -one.createdAt : sort === 'updated' ? -one.updatedAt : sort === 'pushed' ? -one.pushedAt : 0
  const sorted = [...all].sort(
    (a, b) => key(a) - key(b) || (`${a.owner}/${a.name}`.toLowerCase() < `${b.owner}/${b.name}`.toLowerCase() ? -1 : 1),
  )
  const { items, headers } = paginate(exchange, sorted, path)
  const rendered = items.map((one) => renderRepository(one, urls, world, shownPermission(exchange, one), false))
  return json(rendered, { headers })
}

function visibleOf(exchange: Exchange, owner: Account): Repository[] {
  return [...exchange.core.world.repositories.values()].filter(
    (one) => one.owner.toLowerCase() === owner.login.toLowerCase() && permissionOf(exchange, one) !== null,
  )
}

function ownRepositories(exchange: Exchange): Repository[] {
  const user = viewer(exchange)
  return [...exchange.core.world.repositories.values()].filter((one) => {
    const related =
      one.owner.toLowerCase() === user.login.toLowerCase() || one.collaborators.has(user.login.toLowerCase())
    return related && permissionOf(exchange, one) !== null
  })
}

function organizationsOf(exchange: Exchange, user: Account): Account[] {
  return [...exchange.core.world.accounts.values()].filter((one) => one.members.has(user.login.toLowerCase()))
}

function showUser(exchange: Exchange, user: Account, own: boolean) {
  const { urls, world } = exchange.core
  return json(fullUser(user, urls, world, own), { lastModified: user.updatedAt, acceptedScopes: '' })
}

export const ACCOUNT_ROUTES: Route[] = [
  get('/user', (exchange) => showUser(exchange, viewer(exchange), true)),
  live('PATCH', '/user', async (exchange) => {
    const user = viewer(exchange)
    const fields = new Fields(await readObject(exchange), 'User')
    const change = given<Account>({
      name: fields.text('name'),
      blog: fields.text('blog') ?? undefined,
      company: fields.text('company'),
      location: fields.text('location'),
      bio: fields.text('bio'),
    })
    fields.check()
    return showUser(exchange, exchange.core.world.updateAccount(user.login, change), true)
  }),
  get('/user/repos', (exchange) => repositoryPage(exchange, ownRepositories(exchange), '/user/repos')),
  get('/user/orgs', (exchange) => {
    const { items, headers } = paginate(exchange, organizationsOf(exchange, viewer(exchange)), '/user/orgs')
    return json(
      items.map((one) => simpleOrganization(one, exchange.core.urls)),
      { headers },
    )
  }),
  get('/user/emails', (exchange) => {
    const { email } = viewer(exchange)
    return json(email === null ? [] : [{ email, primary: true, verified: true, visibility: 'public' }])
  }),
  get('/users', (exchange) => {
    const since = Number(exchange.query.get('since') ?? 0)
    const users = [...exchange.core.world.accounts.values()].filter((one) => one.id > since)
    const sorted = users
      .sort((a, b) => a.id - b.id)
      .slice(0, Math.min(Number(exchange.query.get('per_page')) || 30, 100))
    return json(sorted.map((one) => simpleUser(one, exchange.core.urls)))
  }),
  get('/users/:login', (exchange) => {
    const user = accountOf(exchange)
    return showUser(exchange, user, false)
  }),
  get('/users/:login/repos', (exchange) => {
    const user = accountOf(exchange)
    const all = visibleOf(exchange, user).filter((one) => !one.private)
    return repositoryPage(exchange, all, `/user/${user.id}/repos`)
  }),
  get('/users/:login/orgs', (exchange) => {
    const user = accountOf(exchange)
    const { items, headers } = paginate(exchange, organizationsOf(exchange, user), `/user/${user.id}/orgs`)
    return json(
      items.map((one) => simpleOrganization(one, exchange.core.urls)),
      { headers },
    )
  }),
  get('/users/:login/followers', (exchange) => {
    accountOf(exchange)
    return json([])
  }),
  get('/orgs/:login', (exchange) => {
    const organization = accountOf(exchange, 'Organization')
    const { urls, world } = exchange.core
    return json(fullOrganization(organization, urls, world), { lastModified: organization.updatedAt })
  }),
  get('/orgs/:login/repos', (exchange) => {
    const organization = accountOf(exchange, 'Organization')
    return repositoryPage(exchange, visibleOf(exchange, organization), `/organizations/${organization.id}/repos`)
  }),
  get('/orgs/:login/members', (exchange) => {
    const organization = accountOf(exchange, 'Organization')
    const { world, urls, switches } = exchange.core
    const members = [...organization.members].map((login) => world.accounts.get(login))
    if (members.includes(undefined)) throw notFound(switches.version)
    const { items, headers } = paginate(
      exchange,
      members.filter((one) => one !== undefined),
      `/organizations/${organization.id}/members`,
    )
    return json(
      items.map((one) => simpleUser(one, urls)),
      { headers },
    )
  }),
]
