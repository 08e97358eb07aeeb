import type { Answer, Json, JsonObject } from '../answer.ts'
import { empty, json, notFound } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { viewer } from '../exchange.ts'
import { paginate } from '../pages.ts'
import { isoTime, simpleUser } from '../render/accounts.ts'
import { repositoryPath } from '../render/repositories.ts'
import type { Route } from '../router.ts'
import { get, live } from '../router.ts'
import { signedPath } from '../signatures.ts'
import type { Repository, WorldEvent } from '../world/model.ts'
import { accountOf, permissionOf, repositoryOf } from './access.ts'
import { repositoryPage } from './accounts.ts'

const BASE = '/repos/:owner/:repo'
const POLL_SECONDS = 60

function renderEvent(exchange: Exchange, event: WorldEvent, repository: Repository): JsonObject {
  const { urls, world } = exchange.core
  const actor = world.account(event.actor)
  return {
    id: event.id,
    type: event.type,
    actor: {
      id: actor.id,
      login: actor.login,
      display_login: actor.login,
      gravatar_id: '',
      url: `${urls.api}/users/${actor.login}`,
      avatar_url: `${urls.web}/avatars/u/${actor.id}?`,
    },
    repo: {
      id: repository.id,
      name: `${repository.owner}/${repository.name}`,
      url: urls.api + repositoryPath(repository),
    },
    payload: event.payload as { [key: string]: Json },
    public: !repository.private,
    created_at: isoTime(event.createdAt),
  }
}

/** A feed, newest first, in pages of 30 whatever `per_page` says; `X-Poll-Interval` tells how often to ask. */
function feed(
  exchange: Exchange,
  path: string,
  wanted: (event: WorldEvent, repository: Repository) => boolean,
): Answer {
  const { world } = exchange.core
  const all = world.events.flatMap((event) => {
    const repository = world.repositories.get(event.repository)
    if (repository === undefined || permissionOf(exchange, repository) === null) return []
    return wanted(event, repository) ? [{ event, repository }] : []
  })
  const { items, headers } = paginate(exchange, all, path, 30)
  return json(
    items.map(({ event, repository }) => renderEvent(exchange, event, repository)),
    {
      headers: [...headers, 'X-Poll-Interval', String(POLL_SECONDS)],
      lastModified: all[0]?.event.createdAt ?? null,
    },
  )
}

function archive(exchange: Exchange, format: 'tar.gz' | 'zip'): Answer {
  const repository = repositoryOf(exchange)
  const { urls, clock } = exchange.core
  const path = signedPath(
    `/${repository.owner}/${repository.name}/legacy.${format}/refs/heads/${repository.defaultBranch}`,
    clock(),
  )
  return {
    ...empty(302, ['Location', urls.codeload + path]),
    contentType: 'text/html;charset=utf-8',
    cacheControl: 'public, must-revalidate, max-age=0',
  }
}

function statistics(exchange: Exchange): Answer {
  const repository = repositoryOf(exchange)
  const { world, urls } = exchange.core
  if (!world.statistics(repository)) return json({}, { status: 202 })
  const authors = [...new Set(repository.commits.map(({ author }) => author))]
  return json(
    authors.map((login) => {
      const total = repository.commits.filter(({ author }) => author === login).length
      return {
        total,
        weeks: [{ w: 1_700_000_000, a: total, d: 0, c: total }],
        author: simpleUser(world.account(login), urls),
      }
    }),
  )
}

function star(exchange: Exchange, starred: boolean): Answer {
  const user = viewer(exchange)
  exchange.core.world.setStar(user.login, repositoryOf(exchange), starred)
  return empty()
}

export const ACTIVITY_ROUTES: Route[] = [
  get('/events', (exchange) => feed(exchange, '/events', (_, repository) => !repository.private)),
  get(`${BASE}/events`, (exchange) => {
    const { id } = repositoryOf(exchange)
    return feed(exchange, `/repositories/${id}/events`, (event) => event.repository === id)
  }),
  get('/users/:login/events', (exchange) => {
    const { id, login } = accountOf(exchange)
    return feed(exchange, `/user/${id}/events`, (event) => event.actor.toLowerCase() === login.toLowerCase())
  }),
  get('/orgs/:login/events', (exchange) => {
    const { id, login } = accountOf(exchange, 'Organization')
    return feed(exchange, `/organizations/${id}/events`, (_, { owner }) => owner.toLowerCase() === login.toLowerCase())
  }),
  get('/notifications', (exchange) => {
    viewer(exchange)
    return json([], { headers: ['X-Poll-Interval', String(POLL_SECONDS)] })
  }),
  get(`${BASE}/stargazers`, (exchange) => {
    const repository = repositoryOf(exchange)
    const { world, urls } = exchange.core
    const logins = [...world.stars].filter(([, starred]) => starred.has(repository.id)).map(([login]) => login)
    const { items, headers } = paginate(exchange, logins, `/repositories/${repository.id}/stargazers`)
    return json(
      items.map((login) => simpleUser(world.account(login), urls)),
      { headers },
    )
  }),
  get('/user/starred', (exchange) => {
    const { world } = exchange.core
    const starred = world.stars.get(viewer(exchange).login.toLowerCase()) ?? new Set()
    const all = [...world.repositories.values()].filter(
      (one) => starred.has(one.id) && permissionOf(exchange, one) !== null,
    )
    return repositoryPage(exchange, all, '/user/starred')
  }),
  get('/user/starred/:owner/:repo', (exchange) => {
    const starred = exchange.core.world.stars.get(viewer(exchange).login.toLowerCase())
    if (!starred?.has(repositoryOf(exchange).id)) throw notFound(exchange.core.switches.version)
    return empty()
  }),
  live('PUT', '/user/starred/:owner/:repo', (exchange) => star(exchange, true)),
  live('DELETE', '/user/starred/:owner/:repo', (exchange) => star(exchange, false)),
  live('GET', `${BASE}/stats/contributors`, statistics),
  live('GET', `${BASE}/tarball`, (exchange) => archive(exchange, 'tar.gz')),
  live('GET', `${BASE}/tarball/*ref`, (exchange) => archive(exchange, 'tar.gz')),
  live('GET', `${BASE}/zipball`, (exchange) => archive(exchange, 'zip')),
  live('GET', `${BASE}/zipball/*ref`, (exchange) => archive(exchange, 'zip')),
]
