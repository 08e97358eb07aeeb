import type { JsonObject } from '../answer.ts'
import type { Urls } from '../urls.ts'
import type { Comment, Issue, Label, Repository } from '../world/model.ts'
import type { World } from '../world/world.ts'
import { isoTime, nodeId, simpleUser } from './accounts.ts'
import { repositoryPath } from './repositories.ts'

export function renderLabel(label: Label, repository: Repository, urls: Urls): JsonObject {
  return {
    id: label.id,
    node_id: nodeId('Label', label.id),
    url: `${urls.api}${repositoryPath(repository)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    color: label.color,
    default: label.default,
    description: label.description,
  }
}

function reactions(url: string): JsonObject {
  return {
    url: `${url}/reactions`,
    total_count: 0,
    '+1': 0,
    '-1': 0,
    laugh: 0,
    hooray: 0,
    confused: 0,
    heart: 0,
    rocket: 0,
    eyes: 0,
  }
}

/** What the author is to the repository. */
function association(login: string, repository: Repository, world: World): string {
  if (repository.owner.toLowerCase() === login.toLowerCase()) return 'OWNER'
  if (world.accounts.get(repository.owner.toLowerCase())?.members.has(login.toLowerCase())) return 'MEMBER'
  return repository.collaborators.has(login.toLowerCase()) ? 'COLLABORATOR' : 'NONE'
}

export function renderIssue(issue: Issue, repository: Repository, urls: Urls, world: World): JsonObject {
  const repositoryUrl = urls.api + repositoryPath(repository)
  const url = `${repositoryUrl}/issues/${issue.number}`
  const assignees = issue.assignees.map((login) => simpleUser(world.account(login), urls))
  const labels = issue.labels.flatMap((name) =>
    repository.labels
      .filter((label) => label.name.toLowerCase() === name.toLowerCase())
      .map((label) => renderLabel(label, repository, urls)),
  )
  return {
    url,
    repository_url: repositoryUrl,
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: `${urls.web}/${repository.owner}/${repository.name}/issues/${issue.number}`,
    id: issue.id,
    node_id: nodeId('Issue', issue.id),
    number: issue.number,
    title: issue.title,
    user: simpleUser(world.account(issue.author), urls),
    labels,
    state: issue.state,
    locked: issue.locked,
    assignee: assignees[0] ?? null,
    assignees,
    milestone: null,
    comments: issue.comments.length,
    created_at: isoTime(issue.createdAt),
    updated_at: isoTime(issue.updatedAt),
    closed_at: issue.closedAt === null ? null : isoTime(issue.closedAt),
    author_association: association(issue.author, repository, world),
    active_lock_reason: null,
    body: issue.body,
    reactions: reactions(url),
    timeline_url: `${url}/timeline`,
    performed_via_github_app: null,
    state_reason: issue.stateReason,
  }
}

export function renderComment(
  comment: Comment,
  issue: Issue,
  repository: Repository,
  urls: Urls,
  world: World,
): JsonObject {
  const repositoryUrl = urls.api + repositoryPath(repository)
  const url = `${repositoryUrl}/issues/comments/${comment.id}`
  const page = `${urls.web}/${repository.owner}/${repository.name}/issues/${issue.number}`
  return {
    url,
    html_url: `${page}#issuecomment-${comment.id}`,
    issue_url: `${repositoryUrl}/issues/${issue.number}`,
    id: comment.id,
    node_id: nodeId('IssueComment', comment.id),
    user: simpleUser(world.account(comment.author), urls),
    created_at: isoTime(comment.createdAt),
    updated_at: isoTime(comment.updatedAt),
    author_association: association(comment.author, repository, world),
    body: comment.body,
    reactions: reactions(url),
    performed_via_github_app: null,
  }
}
