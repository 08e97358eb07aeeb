import { empty, json, notFound } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { param, readObject, viewer } from '../exchange.ts'
import { paginate } from '../pages.ts'
import { simpleUser } from '../render/accounts.ts'
import { renderRepository } from '../render/repositories.ts'
import type { Route } from '../router.ts'
import { get, live } from '../router.ts'
import type { Permission, Repository } from '../world/model.ts'
import { PERMISSIONS } from '../world/model.ts'
import { accountOf, repositoryOf, shownPermission } from './access.ts'
import { repositoryPage } from './accounts.ts'
import { Fields, given } from './fields.ts'

function show(exchange: Exchange, repository: Repository, status = 200) {
  const { urls, world } = exchange.core
  const rendered = renderRepository(repository, urls, world, shownPermission(exchange, repository), true)
  return json(rendered, {
    status,
    lastModified: status === 200 ? repository.updatedAt : null,
    headers: status === 201 ? ['Location', String(rendered['url'])] : [],
    acceptedScopes: 'repo',
  })
}

async function create(exchange: Exchange, owner: string) {
  const user = viewer(exchange)
  const { world, switches } = exchange.core
  const account = world.account(owner)
  if (account.type === 'Organization' && !account.members.has(user.login.toLowerCase()))
    throw notFound(switches.version)
  const fields = new Fields(await readObject(exchange), 'Repository')
  const name = fields.required('name').replace(/[^\w.-]/g, '-')
  const found = world.lookUp(owner, name)
  if (found !== null && !found.renamed) fields.reject('name', 'already_exists')
  const more = given<Repository>({
    description: fields.text('description'),
    homepage: fields.text('homepage'),
    private: fields.flag('private'),
  })
  fields.check()
  const collaborators = new Map<string, Permission>([[user.login.toLowerCase(), 'admin']])
  return show(exchange, world.addRepository({ ...more, owner: account.login, name, collaborators }), 201)
}

async function update(exchange: Exchange) {
  const repository = repositoryOf(exchange, 'admin')
  const fields = new Fields(await readObject(exchange), 'Repository')
  const name = fields.text('name') ?? undefined
  const change = given<Repository>({
    description: fields.text('description'),
    homepage: fields.text('homepage'),
    private: fields.flag('private'),
    archived: fields.flag('archived'),
    defaultBranch: fields.text('default_branch') ?? undefined,
  })
  fields.check()
  const { world } = exchange.core
  if (name !== undefined && name !== repository.name) {
    world.renameRepository(`${repository.owner}/${repository.name}`, name)
  }
  return show(exchange, world.updateRepository(repository, change))
}

function permissionName(permission: Permission | null): string {
  if (permission === null) return 'none'
  if (permission === 'admin') return 'admin'
  return PERMISSIONS.indexOf(permission) >= PERMISSIONS.indexOf('push') ? 'write' : 'read'
}

const BASE = '/repos/:owner/:repo'

export const REPOSITORY_ROUTES: Route[] = [
  get('/repositories', (exchange) => {
    const since = Number(exchange.query.get('since') ?? 0)
    const all = [...exchange.core.world.repositories.values()].filter((one) => !one.private && one.id > since)
    return repositoryPage(exchange, all, '/repositories')
  }),
  live('POST', '/user/repos', (exchange) => create(exchange, viewer(exchange).login)),
  live('POST', '/orgs/:login/repos', (exchange) => create(exchange, accountOf(exchange, 'Organization').login)),
  get(BASE, (exchange) => show(exchange, repositoryOf(exchange))),
  live('PATCH', BASE, update),
  live('DELETE', BASE, (exchange) => {
    exchange.core.world.deleteRepository(repositoryOf(exchange, 'admin'))
    return empty()
  }),
  get(`${BASE}/topics`, (exchange) => json({ names: [...repositoryOf(exchange).topics] })),
  live('PUT', `${BASE}/topics`, async (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const fields = new Fields(await readObject(exchange), 'Repository')
    const topics = fields.names('names')
    if (topics === undefined) fields.reject('names', 'missing_field')
    fields.check()
    exchange.core.world.updateRepository(repository, { topics: topics ?? [] })
    return json({ names: [...repository.topics] })
  }),
  get(`${BASE}/properties/values`, (exchange) => {
    const { customProperties } = repositoryOf(exchange)
    return json(
      Object.entries(customProperties).map(([property_name, value]) => ({
        property_name,
        value: value === null || typeof value === 'string' ? value : [...value],
      })),
    )
  }),
  get(`${BASE}/actions/variables`, (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const created_at = new Date(repository.createdAt).toISOString()
    const variables = Object.entries(repository.variables).map(([name, value]) => ({
      name,
      value,
      created_at,
      updated_at: created_at,
    }))
    return json({ total_count: variables.length, variables })
  }),
  // Nobody has opened a pull request, set a milestone, tagged or forked here.
  ...['pulls', 'milestones', 'tags', 'forks'].map((name) =>
    get(`${BASE}/${name}`, (exchange) => {
      repositoryOf(exchange)
      return json([])
    }),
  ),
  get(`${BASE}/languages`, (exchange) => {
    const { language, files } = repositoryOf(exchange)
    const size = files.reduce((sum, file) => sum + file.content.length, 0)
    return json(language === null ? {} : { [language]: size })
  }),
  get(`${BASE}/collaborators`, (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const { world, urls } = exchange.core
    const logins = [...new Set([repository.owner.toLowerCase(), ...repository.collaborators.keys()])]
    const people = logins.map((login) => world.account(login)).filter(({ type }) => type !== 'Organization')
    const { items, headers } = paginate(exchange, people, `/repositories/${repository.id}/collaborators`)
    return json(
      items.map((one) => {
        const rank = PERMISSIONS.indexOf(world.permission(repository, one.login) ?? 'pull')
        const permissions = Object.fromEntries(PERMISSIONS.map((name, index) => [name, index <= rank]))
        return { ...simpleUser(one, urls), permissions }
      }),
      { headers },
    )
  }),
  get(`${BASE}/collaborators/:login`, (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const login = param(exchange, 'login').toLowerCase()
    if (login !== repository.owner.toLowerCase() && !repository.collaborators.has(login)) {
      throw notFound(exchange.core.switches.version)
    }
    return empty()
  }),
  get(`${BASE}/collaborators/:login/permission`, (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const user = accountOf(exchange)
    const { world, urls } = exchange.core
    return json({ permission: permissionName(world.permission(repository, user.login)), user: simpleUser(user, urls) })
  }),
  live('PUT', `${BASE}/collaborators/:login`, async (exchange) => {
    const repository = repositoryOf(exchange, 'admin')
    const fields = new Fields(await readObject(exchange), 'Repository')
    const permission = fields.choice('permission', PERMISSIONS) ?? 'push'
    fields.check()
    exchange.core.world.setCollaborator(repository, accountOf(exchange).login, permission)
    return empty()
  }),
  live('DELETE', `${BASE}/collaborators/:login`, (exchange) => {
    const repository = repositoryOf(exchange, 'admin')
    exchange.core.world.setCollaborator(repository, param(exchange, 'login'), null)
    return empty()
  }),
]
