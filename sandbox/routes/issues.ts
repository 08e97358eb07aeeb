import type { Answer } from '../answer.ts'
import { empty, forbidden, invalid, json, notFound } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { param, readObject, viewer } from '../exchange.ts'
import { paginate } from '../pages.ts'
import { renderComment, renderIssue } from '../render/issues.ts'
import type { Route } from '../router.ts'
import { get, live } from '../router.ts'
import type { Comment, Issue, Repository } from '../world/model.ts'
import { PERMISSIONS } from '../world/model.ts'
import { issueOf, permissionOf, repositoryOf } from './access.ts'
import { Fields, given } from './fields.ts'
import { ensureLabels } from './labels.ts'

const BASE = '/repos/:owner/:repo/issues'

function show(exchange: Exchange, issue: Issue, repository: Repository, status = 200): Answer {
  const { urls, world } = exchange.core
  const rendered = renderIssue(issue, repository, urls, world)
  return json(rendered, {
    status,
    lastModified: status === 200 ? issue.updatedAt : null,
    headers: status === 201 ? ['Location', String(rendered['url'])] : [],
    acceptedScopes: 'repo',
  })
}

/** Whether the caller may push, or is the author. @throws Refusal 401, 403 */
function requireEditor(exchange: Exchange, repository: Repository, author: string): void {
  const user = viewer(exchange)
  const permission = permissionOf(exchange, repository)
  const pushes = permission !== null && PERMISSIONS.indexOf(permission) >= PERMISSIONS.indexOf('push')
  if (!pushes && user.login.toLowerCase() !== author.toLowerCase()) {
    throw forbidden(exchange.core.switches.version, 'Must have admin rights to Repository.')
  }
}

/** The issues that the query's filters leave, in its order. @throws Refusal 422 */
export function filterIssues(exchange: Exchange, all: readonly Issue[]): Issue[] {
  const { query } = exchange
  const state = query.get('state') ?? 'open'
  if (!['open', 'closed', 'all'].includes(state)) throw invalid({ resource: 'Issue', field: 'state', code: 'invalid' })
  const labels = (query.get('labels') ?? '').split(',').filter((label) => label !== '')
  const since = Date.parse(query.get('since') ?? '')
  const creator = query.get('creator')?.toLowerCase()
  const assignee = query.get('assignee')?.toLowerCase()
  const kept = all.filter(
    (issue) =>
      (state === 'all' || issue.state === state) &&
      labels.every((label) => issue.labels.some((own) => own.toLowerCase() === label.toLowerCase())) &&
      (Number.isNaN(since) || issue.updatedAt >= since) &&
      (creator === undefined || issue.author.toLowerCase() === creator) &&
      (assignee === undefined || assignee === '*' || issue.assignees.some((own) => own.toLowerCase() === assignee)),
  )
  const sort = query.get('sort')
  const key = (issue: Issue) =>
    sort === 'updated' ? issue.updatedAt : sort === 'comments' ? issue.comments.length : issue.createdAt
  const sign = query.get('direction') === 'asc' ? 1 : -1
  return kept.sort((a, b) => sign * (key(a) - key(b) || a.number - b.number))
}

async function create(exchange: Exchange): Promise<Answer> {
  const repository = repositoryOf(exchange)
  const user = viewer(exchange)
  const fields = new Fields(await readObject(exchange), 'Issue')
  const title = fields.required('title')
  const body = fields.text('body') ?? null
  const labels = fields.names('labels') ?? []
  const assignees = fields.names('assignees') ?? []
  const { world } = exchange.core
  for (const login of assignees) if (!world.accounts.has(login.toLowerCase())) fields.reject('assignees', 'invalid')
  fields.check()
  ensureLabels(world, repository, labels)
  const issue = world.addIssue(repository, { title, body, author: user.login, labels, assignees })
  world.addEvent({
    type: 'IssuesEvent',
    actor: user.login,
    repository: repository.id,
    payload: { action: 'opened', number: issue.number },
  })
  return show(exchange, issue, repository, 201)
}

async function update(exchange: Exchange): Promise<Answer> {
  const repository = repositoryOf(exchange)
  const issue = issueOf(exchange, repository)
  requireEditor(exchange, repository, issue.author)
  const fields = new Fields(await readObject(exchange), 'Issue')
  const state = fields.choice('state', ['open', 'closed'] as const)
  const { world } = exchange.core
  const change = given<Issue>({
    title: fields.text('title') ?? undefined,
    body: fields.text('body'),
    labels: fields.names('labels'),
    assignees: fields.names('assignees'),
    stateReason: fields.text('state_reason'),
    state,
    closedAt: state === undefined ? undefined : state === 'closed' ? world.clock() : null,
  })
  fields.check()
  ensureLabels(world, repository, change.labels ?? [])
  return show(exchange, world.updateIssue(issue, change), repository)
}

interface FoundComment {
  repository: Repository
  issue: Issue
  comment: Comment
}

function commentOf(exchange: Exchange): FoundComment {
  const repository = repositoryOf(exchange)
  const id = Number(param(exchange, 'id'))
  for (const issue of repository.issues) {
    const comment = issue.comments.find((one) => one.id === id)
    if (comment !== undefined) return { repository, issue, comment }
  }
  throw notFound(exchange.core.switches.version)
}

function showComment(exchange: Exchange, { comment, issue, repository }: FoundComment, status = 200): Answer {
  const { urls, world } = exchange.core
  const rendered = renderComment(comment, issue, repository, urls, world)
  return json(rendered, { status, headers: status === 201 ? ['Location', String(rendered['url'])] : [] })
}

export const ISSUE_ROUTES: Route[] = [
  get(BASE, (exchange) => {
    const repository = repositoryOf(exchange)
    const { urls, world } = exchange.core
    const all = filterIssues(exchange, repository.issues)
    const { items, headers } = paginate(exchange, all, `/repositories/${repository.id}/issues`)
    const rendered = items.map((issue) => renderIssue(issue, repository, urls, world))
    return json(rendered, { headers, acceptedScopes: 'repo' })
  }),
  live('POST', BASE, create),
  get(`${BASE}/comments`, (exchange) => {
    const repository = repositoryOf(exchange)
    const { urls, world } = exchange.core
    const all = repository.issues.flatMap((issue) => issue.comments.map((comment) => ({ issue, comment })))
    const { items, headers } = paginate(exchange, all, `/repositories/${repository.id}/issues/comments`)
    return json(
      items.map(({ comment, issue }) => renderComment(comment, issue, repository, urls, world)),
      { headers },
    )
  }),
  get(`${BASE}/comments/:id`, (exchange) => showComment(exchange, commentOf(exchange))),
  live('PATCH', `${BASE}/comments/:id`, async (exchange) => {
    const found = commentOf(exchange)
    requireEditor(exchange, found.repository, found.comment.author)
    const fields = new Fields(await readObject(exchange), 'IssueComment')
    const body = fields.required('body')
    fields.check()
    const { world } = exchange.core
    const comment = { ...found.comment, body, updatedAt: world.clock() }
    world.updateIssue(found.issue, {
      comments: found.issue.comments.map((one) => (one.id === comment.id ? comment : one)),
    })
    return showComment(exchange, { ...found, comment })
  }),
  live('DELETE', `${BASE}/comments/:id`, (exchange) => {
    const { repository, issue, comment } = commentOf(exchange)
    requireEditor(exchange, repository, comment.author)
    exchange.core.world.updateIssue(issue, { comments: issue.comments.filter((one) => one !== comment) })
    return empty()
  }),
  get(`${BASE}/:number`, (exchange) => {
    const repository = repositoryOf(exchange)
    return show(exchange, issueOf(exchange, repository), repository)
  }),
  live('PATCH', `${BASE}/:number`, update),
  live('PUT', `${BASE}/:number/lock`, (exchange) => {
    exchange.core.world.updateIssue(issueOf(exchange, repositoryOf(exchange, 'push')), { locked: true })
    return empty()
  }),
  live('DELETE', `${BASE}/:number/lock`, (exchange) => {
    exchange.core.world.updateIssue(issueOf(exchange, repositoryOf(exchange, 'push')), { locked: false })
    return empty()
  }),
  get(`${BASE}/:number/comments`, (exchange) => {
    const repository = repositoryOf(exchange)
    const issue = issueOf(exchange, repository)
    const { urls, world } = exchange.core
    const path = `/repositories/${repository.id}/issues/${issue.number}/comments`
    const { items, headers } = paginate(exchange, issue.comments, path)
    return json(
      items.map((comment) => renderComment(comment, issue, repository, urls, world)),
      { headers },
    )
  }),
  live('POST', `${BASE}/:number/comments`, async (exchange) => {
    const repository = repositoryOf(exchange)
    const issue = issueOf(exchange, repository)
    const author = viewer(exchange).login
    const fields = new Fields(await readObject(exchange), 'IssueComment')
    const body = fields.required('body')
    fields.check()
    const comment = exchange.core.world.addComment(issue, { author, body })
    return showComment(exchange, { repository, issue, comment }, 201)
  }),
]
