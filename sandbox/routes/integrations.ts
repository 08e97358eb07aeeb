import type { Answer, JsonObject } from '../answer.ts'
import { empty, json } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { param, readObject, viewer } from '../exchange.ts'
import { paginate } from '../pages.ts'
import { renderCommitStatus, renderDeployment, renderDeploymentStatus, renderHook } from '../render/releases.ts'
import type { Route } from '../router.ts'
import { get, live } from '../router.ts'
import type { Deployment, DeploymentStatus, Hook, Repository } from '../world/model.ts'
import { byId, repositoryOf } from './access.ts'
import { Fields } from './fields.ts'

/** Hooks, deployments and statuses: resources full of addresses that people typed. */
const BASE = '/repos/:owner/:repo'

function hookConfig(body: JsonObject): JsonObject {
  const { config } = body
  return config !== null && typeof config === 'object' && !Array.isArray(config) ? config : {}
}

async function createHook(exchange: Exchange): Promise<Answer> {
  const repository = repositoryOf(exchange, 'admin')
  const body = await readObject(exchange)
  const fields = new Fields(body, 'Hook')
  const config = new Fields(hookConfig(body), 'Hook')
  const url = config.required('url')
  const events = fields.names('events') ?? ['push']
  const active = fields.flag('active') ?? true
  fields.check()
  config.check()
  const { world, clock, urls } = exchange.core
  const contentType = config.text('content_type') ?? 'form'
  const hook: Hook = { id: world.newId(), url, contentType, events, active, createdAt: clock(), updatedAt: clock() }
  world.updateRepository(repository, { hooks: [...repository.hooks, hook], updatedAt: repository.updatedAt })
  const rendered = renderHook(hook, repository, urls)
  return json(rendered, { status: 201, headers: ['Location', String(rendered['url'])] })
}

async function updateHook(exchange: Exchange): Promise<Answer> {
  const repository = repositoryOf(exchange, 'admin')
  const hook = byId(exchange, repository.hooks)
  const body = await readObject(exchange)
  const fields = new Fields(body, 'Hook')
  const config = new Fields(hookConfig(body), 'Hook')
  const { world, clock, urls } = exchange.core
  const changed: Hook = {
    ...hook,
    url: config.text('url') ?? hook.url,
    contentType: config.text('content_type') ?? hook.contentType,
    events: fields.names('events') ?? hook.events,
    active: fields.flag('active') ?? hook.active,
    updatedAt: clock(),
  }
  fields.check()
  config.check()
  world.updateRepository(repository, { hooks: repository.hooks.map((one) => (one === hook ? changed : one)) })
  return json(renderHook(changed, repository, urls))
}

async function createDeployment(exchange: Exchange): Promise<Answer> {
  const repository = repositoryOf(exchange, 'push')
  const body = await readObject(exchange)
  const fields = new Fields(body, 'Deployment')
  const ref = fields.required('ref')
  const { payload } = body
  const { world, clock, urls } = exchange.core
  const deployment: Deployment = {
    id: world.newId(),
    sha: repository.commits[0]?.sha ?? '',
    ref,
    task: fields.text('task') ?? 'deploy',
    payload:
      typeof payload === 'string' || (payload !== null && typeof payload === 'object' && !Array.isArray(payload))
        ? payload
        : {},
    environment: fields.text('environment') ?? 'production',
    description: fields.text('description') ?? null,
    creator: viewer(exchange).login,
    createdAt: clock(),
    statuses: [],
  }
  fields.check()
  world.updateRepository(repository, { deployments: [deployment, ...repository.deployments] })
  return json(renderDeployment(deployment, repository, urls, world), { status: 201 })
}

async function createDeploymentStatus(exchange: Exchange): Promise<Answer> {
  const repository = repositoryOf(exchange, 'push')
  const deployment = byId(exchange, repository.deployments)
  const fields = new Fields(await readObject(exchange), 'DeploymentStatus')
  const { world, clock, urls } = exchange.core
  const status: DeploymentStatus = {
    id: world.newId(),
    state: fields.required('state'),
    description: fields.text('description') ?? '',
    targetUrl: fields.text('target_url') ?? '',
    logUrl: fields.text('log_url') ?? '',
    environmentUrl: fields.text('environment_url') ?? '',
    creator: viewer(exchange).login,
    createdAt: clock(),
  }
  fields.check()
  const changed: Deployment = { ...deployment, statuses: [status, ...deployment.statuses] }
  world.updateRepository(repository, {
    deployments: repository.deployments.map((one) => (one === deployment ? changed : one)),
  })
  return json(renderDeploymentStatus(status, changed, repository, urls, world), { status: 201 })
}

async function createStatus(exchange: Exchange): Promise<Answer> {
  const repository = repositoryOf(exchange, 'push')
  const fields = new Fields(await readObject(exchange), 'Status')
  const state = fields.choice('state', ['error', 'failure', 'pending', 'success'] as const)
  if (state === undefined) fields.reject('state', 'missing_field')
  const { world, clock, urls } = exchange.core
  const status = {
    id: world.newId(),
    sha: param(exchange, 'sha'),
    state: state ?? '',
    description: fields.text('description') ?? null,
    targetUrl: fields.text('target_url') ?? null,
    context: fields.text('context') ?? 'default',
    creator: viewer(exchange).login,
    createdAt: clock(),
  }
  fields.check()
  world.updateRepository(repository, { statuses: [status, ...repository.statuses], updatedAt: repository.updatedAt })
  return json(renderCommitStatus(status, repository, urls, world), { status: 201 })
}

function deploymentPath(repository: Repository, deployment: Deployment): string {
  return `/repositories/${repository.id}/deployments/${deployment.id}/statuses`
}

export const INTEGRATION_ROUTES: Route[] = [
  get(`${BASE}/hooks`, (exchange) => {
    const repository = repositoryOf(exchange, 'admin')
    const { items, headers } = paginate(exchange, repository.hooks, `/repositories/${repository.id}/hooks`)
    return json(
      items.map((hook) => renderHook(hook, repository, exchange.core.urls)),
      { headers },
    )
  }),
  live('POST', `${BASE}/hooks`, createHook),
  get(`${BASE}/hooks/:id`, (exchange) => {
    const repository = repositoryOf(exchange, 'admin')
    return json(renderHook(byId(exchange, repository.hooks), repository, exchange.core.urls))
  }),
  live('PATCH', `${BASE}/hooks/:id`, updateHook),
  live('DELETE', `${BASE}/hooks/:id`, (exchange) => {
    const repository = repositoryOf(exchange, 'admin')
    const hook = byId(exchange, repository.hooks)
    exchange.core.world.updateRepository(repository, { hooks: repository.hooks.filter((one) => one !== hook) })
    return empty()
  }),
  get(`${BASE}/deployments`, (exchange) => {
    const repository = repositoryOf(exchange)
    const { urls, world } = exchange.core
    const { items, headers } = paginate(exchange, repository.deployments, `/repositories/${repository.id}/deployments`)
    return json(
      items.map((one) => renderDeployment(one, repository, urls, world)),
      { headers },
    )
  }),
  live('POST', `${BASE}/deployments`, createDeployment),
  get(`${BASE}/deployments/:id`, (exchange) => {
    const repository = repositoryOf(exchange)
    const { urls, world } = exchange.core
    return json(renderDeployment(byId(exchange, repository.deployments), repository, urls, world))
  }),
  get(`${BASE}/deployments/:id/statuses`, (exchange) => {
    const repository = repositoryOf(exchange)
    const deployment = byId(exchange, repository.deployments)
    const { urls, world } = exchange.core
    const { items, headers } = paginate(exchange, deployment.statuses, deploymentPath(repository, deployment))
    return json(
      items.map((one) => renderDeploymentStatus(one, deployment, repository, urls, world)),
      { headers },
    )
  }),
  live('POST', `${BASE}/deployments/:id/statuses`, createDeploymentStatus),
  get(`${BASE}/commits/:sha/statuses`, (exchange) => {
    const repository = repositoryOf(exchange)
    const { urls, world } = exchange.core
    const all = repository.statuses.filter(({ sha }) => sha === param(exchange, 'sha'))
    const { items, headers } = paginate(
      exchange,
      all,
      `/repositories/${repository.id}/commits/${param(exchange, 'sha')}/statuses`,
    )
    return json(
      items.map((one) => renderCommitStatus(one, repository, urls, world)),
      { headers },
    )
  }),
  live('POST', `${BASE}/statuses/:sha`, createStatus),
]
