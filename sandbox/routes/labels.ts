import type { Answer, Json } from '../answer.ts'
import { empty, json, notFound } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { param, readJson, readObject } from '../exchange.ts'
import { paginate } from '../pages.ts'
import { renderLabel } from '../render/issues.ts'
import type { Route } from '../router.ts'
import { get, live } from '../router.ts'
import type { Issue, Label, Repository } from '../world/model.ts'
import type { World } from '../world/world.ts'
import { issueOf, repositoryOf } from './access.ts'
import { Fields } from './fields.ts'

const BASE = '/repos/:owner/:repo'

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

/** Labels that an issue names are made where the repository has none such. */
export function ensureLabels(world: World, repository: Repository, names: readonly string[]): void {
  for (const name of names) {
    if (!repository.labels.some((label) => sameName(label.name, name))) world.addLabel(repository, { name })
  }
}

function labelOf(exchange: Exchange, repository: Repository): Label {
  const label = repository.labels.find((one) => sameName(one.name, param(exchange, 'name')))
  if (label === undefined) throw notFound(exchange.core.switches.version)
  return label
}

function show(exchange: Exchange, label: Label, repository: Repository, status = 200): Answer {
  const rendered = renderLabel(label, repository, exchange.core.urls)
  return json(rendered, { status, headers: status === 201 ? ['Location', String(rendered['url'])] : [] })
}

function checkColor(fields: Fields, color: string | null | undefined): void {
  if (typeof color === 'string' && !/^[0-9a-f]{6}$/i.test(color)) fields.reject('color', 'invalid')
}

function showIssueLabels(exchange: Exchange, issue: Issue, repository: Repository): Answer {
  const labels = repository.labels.filter((label) => issue.labels.some((name) => sameName(name, label.name)))
  return json(labels.map((label) => renderLabel(label, repository, exchange.core.urls)))
}

function namesIn(value: Json): string[] {
  const list = Array.isArray(value) ? value : value !== null && typeof value === 'object' ? value['labels'] : []
  return (Array.isArray(list) ? list : []).flatMap((one) => {
    const name = one !== null && typeof one === 'object' && !Array.isArray(one) ? one['name'] : one
    return typeof name === 'string' ? [name] : []
  })
}

async function setIssueLabels(exchange: Exchange, keep: boolean): Promise<Answer> {
  const repository = repositoryOf(exchange, 'push')
  const issue = issueOf(exchange, repository)
  const names = namesIn(await readJson(exchange))
  ensureLabels(exchange.core.world, repository, names)
  const all = keep ? [...issue.labels, ...names] : names
  const labels = all.filter((name, index) => all.findIndex((other) => sameName(other, name)) === index)
  return showIssueLabels(exchange, exchange.core.world.updateIssue(issue, { labels }), repository)
}

export const LABEL_ROUTES: Route[] = [
  get(`${BASE}/labels`, (exchange) => {
    const repository = repositoryOf(exchange)
    const { items, headers } = paginate(exchange, repository.labels, `/repositories/${repository.id}/labels`)
    return json(
      items.map((label) => renderLabel(label, repository, exchange.core.urls)),
      { headers },
    )
  }),
  live('POST', `${BASE}/labels`, async (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const fields = new Fields(await readObject(exchange), 'Label')
    const name = fields.required('name')
    const color = fields.text('color')
    checkColor(fields, color)
    const description = fields.text('description') ?? null
    if (repository.labels.some((label) => sameName(label.name, name))) fields.reject('name', 'already_exists')
    fields.check()
    const label = exchange.core.world.addLabel(repository, { name, description, color: color ?? 'ededed' })
    return show(exchange, label, repository, 201)
  }),
  get(`${BASE}/labels/:name`, (exchange) => {
    const repository = repositoryOf(exchange)
    return show(exchange, labelOf(exchange, repository), repository)
  }),
  live('PATCH', `${BASE}/labels/:name`, async (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const label = labelOf(exchange, repository)
    const fields = new Fields(await readObject(exchange), 'Label')
    const name = fields.text('new_name') ?? label.name
    const color = fields.text('color') ?? label.color
    checkColor(fields, color)
    const description = fields.text('description')
    fields.check()
    const changed: Label = {
      ...label,
      name,
      color,
      description: description === undefined ? label.description : description,
    }
    const { world } = exchange.core
    world.updateRepository(repository, {
      labels: repository.labels.map((one) => (one === label ? changed : one)),
      updatedAt: repository.updatedAt,
    })
    for (const issue of repository.issues) {
      if (!issue.labels.some((own) => sameName(own, label.name))) continue
      const labels = issue.labels.map((own) => (sameName(own, label.name) ? name : own))
      world.updateIssue(issue, { labels, updatedAt: issue.updatedAt })
    }
    return show(exchange, changed, repository)
  }),
  live('DELETE', `${BASE}/labels/:name`, (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const label = labelOf(exchange, repository)
    exchange.core.world.updateRepository(repository, {
      labels: repository.labels.filter((one) => one !== label),
      updatedAt: repository.updatedAt,
    })
    return empty()
  }),
  get(`${BASE}/issues/:number/labels`, (exchange) => {
    const repository = repositoryOf(exchange)
    return showIssueLabels(exchange, issueOf(exchange, repository), repository)
  }),
  live('POST', `${BASE}/issues/:number/labels`, (exchange) => setIssueLabels(exchange, true)),
  live('PUT', `${BASE}/issues/:number/labels`, (exchange) => setIssueLabels(exchange, false)),
  live('DELETE', `${BASE}/issues/:number/labels`, (exchange) => {
    const issue = issueOf(exchange, repositoryOf(exchange, 'push'))
    exchange.core.world.updateIssue(issue, { labels: [] })
    return empty()
  }),
  live('DELETE', `${BASE}/issues/:number/labels/:name`, (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const issue = issueOf(exchange, repository)
    const name = param(exchange, 'name')
    if (!issue.labels.some((own) => sameName(own, name))) throw notFound(exchange.core.switches.version)
    exchange.core.world.updateIssue(issue, { labels: issue.labels.filter((own) => !sameName(own, name)) })
    return showIssueLabels(exchange, issue, repository)
  }),
]
