import type { JsonObject } from '../answer.ts'
import type { Urls } from '../urls.ts'
import type { Account, Repository } from '../world/model.ts'
import type { World } from '../world/world.ts'

/** ISO 8601 in UTC without milliseconds, as all of GitHub's times; from epoch milliseconds. */
export function isoTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`
}

/** A node id of the old, transparent form. */
export function nodeId(type: string, id: number | string): string {
  return Buffer.from(`0${type.length}:${type}${id}`).toString('base64')
}

/** The summary that other resources carry of a user. */
export function simpleUser(account: Account, urls: Urls): JsonObject {
  const { login, id } = account
  const url = `${urls.api}/users/${encodeURIComponent(login)}`
  return {
    login,
    id,
    node_id: nodeId(account.type, id),
    avatar_url: `${urls.web}/avatars/u/${id}?`,
    gravatar_id: '',
    url,
    html_url: `${urls.web}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: account.type,
    site_admin: account.siteAdmin,
  }
}

function publicRepositories(account: Account, world: World): Repository[] {
  return [...world.repositories.values()].filter(
    (repository) => !repository.private && repository.owner.toLowerCase() === account.login.toLowerCase(),
  )
}

/** The detailed representation; with `own`, what only the user themselves may see. */
export function fullUser(account: Account, urls: Urls, world: World, own: boolean): JsonObject {
  const privateFields: JsonObject = {
    private_gists: 0,
    total_private_repos: 0,
    owned_private_repos: 0,
    disk_usage: 2048,
    collaborators: 0,
    two_factor_authentication: account.twoFactor !== null,
  }
  return {
    ...simpleUser(account, urls),
    name: account.name,
    company: account.company,
    blog: account.blog,
    location: account.location,
    email: account.email,
    hireable: null,
    bio: account.bio,
    public_repos: publicRepositories(account, world).length,
    public_gists: 0,
    followers: 3,
    following: 1,
    created_at: isoTime(account.createdAt),
    updated_at: isoTime(account.updatedAt),
    ...(own ? privateFields : {}),
  }
}

/** An organisation as lists carry it. */
export function simpleOrganization(account: Account, urls: Urls): JsonObject {
  const url = `${urls.api}/orgs/${account.login}`
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId('Organization', account.id),
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url: `${urls.web}/avatars/u/${account.id}?`,
    description: account.bio,
  }
}

/** The detailed representation of an organisation. */
export function fullOrganization(account: Account, urls: Urls, world: World): JsonObject {
  return {
    ...simpleOrganization(account, urls),
    name: account.name,
    company: account.company,
    blog: account.blog,
    location: account.location,
    email: account.email,
    is_verified: false,
    has_organization_projects: true,
    has_repository_projects: true,
    public_repos: publicRepositories(account, world).length,
    public_gists: 0,
    followers: 0,
    following: 0,
    html_url: `${urls.web}/${account.login}`,
    created_at: isoTime(account.createdAt),
    updated_at: isoTime(account.updatedAt),
    type: 'Organization',
  }
}
