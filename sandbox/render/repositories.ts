import type { JsonObject } from '../answer.ts'
import type { Urls } from '../urls.ts'
import type { Permission, Repository } from '../world/model.ts'
import { PERMISSIONS } from '../world/model.ts'
import type { World } from '../world/world.ts'
import { isoTime, nodeId, simpleUser } from './accounts.ts'

/** Path of a repository below the API root. */
export function repositoryPath(repository: Repository): string {
  return `/repos/${repository.owner}/${repository.name}`
}

function links(url: string): JsonObject {
  return {
    forks_url: `${url}/forks`,
    keys_url: `${url}/keys{/key_id}`,
    collaborators_url: `${url}/collaborators{/collaborator}`,
    teams_url: `${url}/teams`,
    hooks_url: `${url}/hooks`,
    issue_events_url: `${url}/issues/events{/number}`,
    events_url: `${url}/events`,
    assignees_url: `${url}/assignees{/user}`,
    branches_url: `${url}/branches{/branch}`,
    tags_url: `${url}/tags`,
    blobs_url: `${url}/git/blobs{/sha}`,
    git_tags_url: `${url}/git/tags{/sha}`,
    git_refs_url: `${url}/git/refs{/sha}`,
    trees_url: `${url}/git/trees{/sha}`,
    statuses_url: `${url}/statuses/{sha}`,
    languages_url: `${url}/languages`,
    stargazers_url: `${url}/stargazers`,
    contributors_url: `${url}/contributors`,
    subscribers_url: `${url}/subscribers`,
    subscription_url: `${url}/subscription`,
    commits_url: `${url}/commits{/sha}`,
    git_commits_url: `${url}/git/commits{/sha}`,
    comments_url: `${url}/comments{/number}`,
    issue_comment_url: `${url}/issues/comments{/number}`,
    contents_url: `${url}/contents/{+path}`,
    compare_url: `${url}/compare/{base}...{head}`,
    merges_url: `${url}/merges`,
    archive_url: `${url}/{archive_format}{/ref}`,
    downloads_url: `${url}/downloads`,
    issues_url: `${url}/issues{/number}`,
    pulls_url: `${url}/pulls{/number}`,
    milestones_url: `${url}/milestones{/number}`,
    notifications_url: `${url}/notifications{?since,all,participating}`,
    labels_url: `${url}/labels{/name}`,
    releases_url: `${url}/releases{/id}`,
    deployments_url: `${url}/deployments`,
  }
}

/** Stars over all users. */
function starCount(repository: Repository, world: World): number {
  let count = 0
  for (const starred of world.stars.values()) if (starred.has(repository.id)) count += 1
  return count
}

/**
 * A repository as one reader gets it: `permissions` is the reader's own, and absent for the anonymous.
 *
 * @param permission what the reader may do; null for the anonymous
 */
export function renderRepository(
  repository: Repository,
  urls: Urls,
  world: World,
  permission: Permission | null,
  detailed: boolean,
): JsonObject {
  const fullName = `${repository.owner}/${repository.name}`
  const url = urls.api + repositoryPath(repository)
  const owner = world.account(repository.owner)
  const stars = starCount(repository, world)
  const open = repository.issues.filter(({ state }) => state === 'open').length
  const permissions: JsonObject = {}
  for (const name of [...PERMISSIONS].reverse()) {
    permissions[name] = permission !== null && PERMISSIONS.indexOf(name) <= PERMISSIONS.indexOf(permission)
  }
  const rendered: JsonObject = {
    id: repository.id,
    node_id: nodeId('Repository', repository.id),
    name: repository.name,
    full_name: fullName,
    private: repository.private,
    owner: simpleUser(owner, urls),
    html_url: `${urls.web}/${fullName}`,
    description: repository.description,
    fork: false,
    url,
    ...links(url),
    created_at: isoTime(repository.createdAt),
    updated_at: isoTime(repository.updatedAt),
    pushed_at: isoTime(repository.pushedAt),
    git_url: `git://${urls.host}/${fullName}.git`,
    ssh_url: `git@${urls.hostname}:${fullName}.git`,
    clone_url: `${urls.web}/${fullName}.git`,
    svn_url: `${urls.web}/${fullName}`,
    homepage: repository.homepage,
    size: repository.files.reduce((sum, file) => sum + file.content.length, 0) >> 10,
    stargazers_count: stars,
    watchers_count: stars,
    language: repository.language,
    has_issues: true,
    has_projects: true,
    has_downloads: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    forks_count: 0,
    mirror_url: null,
    archived: repository.archived,
    disabled: false,
    open_issues_count: open,
    license: null,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: [...repository.topics],
    visibility: repository.private ? 'private' : 'public',
    forks: 0,
    open_issues: open,
    watchers: stars,
    default_branch: repository.defaultBranch,
  }
  if (permission !== null) rendered['permissions'] = permissions
  if (!detailed) return rendered
  if (permission === 'admin') {
    Object.assign(rendered, {
      temp_clone_token: '',
      allow_squash_merge: true,
      allow_merge_commit: true,
      allow_rebase_merge: true,
      allow_auto_merge: false,
      delete_branch_on_merge: false,
    })
  }
  const custom: JsonObject = {}
  for (const [name, value] of Object.entries(repository.customProperties)) {
    custom[name] = value === null || typeof value === 'string' ? value : [...value]
  }
  rendered['custom_properties'] = custom
  if (owner.type === 'Organization') rendered['organization'] = simpleUser(owner, urls)
  rendered['network_count'] = 0
  rendered['subscribers_count'] = 1
  return rendered
}
