import type { Json, JsonObject } from '../answer.ts'
import type { Urls } from '../urls.ts'
import type { Asset, CommitStatus, Deployment, DeploymentStatus, Hook, Release, Repository } from '../world/model.ts'
import type { World } from '../world/world.ts'
import { isoTime, nodeId, simpleUser } from './accounts.ts'
import { repositoryPath } from './repositories.ts'

export function renderAsset(
  asset: Asset,
  release: Release,
  repository: Repository,
  urls: Urls,
  world: World,
): JsonObject {
  const web = `${urls.web}/${repository.owner}/${repository.name}`
  return {
    url: `${urls.api}${repositoryPath(repository)}/releases/assets/${asset.id}`,
    id: asset.id,
    node_id: nodeId('ReleaseAsset', asset.id),
    name: asset.name,
    label: asset.label,
    uploader: simpleUser(world.account(asset.uploader), urls),
    content_type: asset.contentType,
    state: 'uploaded',
    size: asset.size,
    digest: asset.sha256 === null ? null : `sha256:${asset.sha256}`,
    download_count: asset.downloads,
    created_at: isoTime(asset.createdAt),
    updated_at: isoTime(asset.updatedAt),
    browser_download_url: `${web}/releases/download/${release.tag}/${encodeURIComponent(asset.name)}`,
  }
}

export function renderRelease(release: Release, repository: Repository, urls: Urls, world: World): JsonObject {
  const path = repositoryPath(repository)
  const url = `${urls.api}${path}/releases/${release.id}`
  return {
    url,
    assets_url: `${url}/assets`,
    upload_url: `${urls.uploads}${path}/releases/${release.id}/assets{?name,label}`,
    html_url: `${urls.web}/${repository.owner}/${repository.name}/releases/tag/${release.tag}`,
    id: release.id,
    author: simpleUser(world.account(release.author), urls),
    node_id: nodeId('Release', release.id),
    tag_name: release.tag,
    target_commitish: repository.defaultBranch,
    name: release.name,
    draft: release.draft,
    prerelease: release.prerelease,
    created_at: isoTime(release.createdAt),
    published_at: release.draft ? null : isoTime(release.createdAt),
    assets: release.assets.map((asset) => renderAsset(asset, release, repository, urls, world)),
    tarball_url: `${urls.api}${path}/tarball/${release.tag}`,
    zipball_url: `${urls.api}${path}/zipball/${release.tag}`,
    body: release.body,
  }
}

export function renderHook(hook: Hook, repository: Repository, urls: Urls): JsonObject {
  const url = `${urls.api}${repositoryPath(repository)}/hooks/${hook.id}`
  return {
    type: 'Repository',
    id: hook.id,
    name: 'web',
    active: hook.active,
    events: [...hook.events],
    config: { content_type: hook.contentType, insecure_ssl: '0', url: hook.url },
    updated_at: isoTime(hook.updatedAt),
    created_at: isoTime(hook.createdAt),
    url,
    test_url: `${url}/test`,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    last_response: { code: null, status: 'unused', message: null },
  }
}

export function renderDeployment(deployment: Deployment, repository: Repository, urls: Urls, world: World): JsonObject {
  const repositoryUrl = urls.api + repositoryPath(repository)
  const url = `${repositoryUrl}/deployments/${deployment.id}`
  return {
    url,
    id: deployment.id,
    node_id: nodeId('Deployment', deployment.id),
    task: deployment.task,
    original_environment: deployment.environment,
    environment: deployment.environment,
    description: deployment.description,
    created_at: isoTime(deployment.createdAt),
    updated_at: isoTime(deployment.createdAt),
    statuses_url: `${url}/statuses`,
    repository_url: repositoryUrl,
    creator: simpleUser(world.account(deployment.creator), urls),
    sha: deployment.sha,
    ref: deployment.ref,
    payload: deployment.payload as Json,
    transient_environment: false,
    production_environment: deployment.environment === 'production',
    performed_via_github_app: null,
  }
}

export function renderDeploymentStatus(
  status: DeploymentStatus,
  deployment: Deployment,
  repository: Repository,
  urls: Urls,
  world: World,
): JsonObject {
  const repositoryUrl = urls.api + repositoryPath(repository)
  const deploymentUrl = `${repositoryUrl}/deployments/${deployment.id}`
  return {
    url: `${deploymentUrl}/statuses/${status.id}`,
    id: status.id,
    node_id: nodeId('DeploymentStatus', status.id),
    state: status.state,
    creator: simpleUser(world.account(status.creator), urls),
    description: status.description,
    environment: deployment.environment,
    target_url: status.targetUrl,
    created_at: isoTime(status.createdAt),
    updated_at: isoTime(status.createdAt),
    deployment_url: deploymentUrl,
    repository_url: repositoryUrl,
    environment_url: status.environmentUrl,
    log_url: status.logUrl,
    performed_via_github_app: null,
  }
}

export function renderCommitStatus(status: CommitStatus, repository: Repository, urls: Urls, world: World): JsonObject {
  const creator = world.account(status.creator)
  return {
    url: `${urls.api}${repositoryPath(repository)}/statuses/${status.sha}`,
    avatar_url: `${urls.web}/avatars/u/${creator.id}?`,
    id: status.id,
    node_id: nodeId('StatusContext', status.id),
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    created_at: isoTime(status.createdAt),
    updated_at: isoTime(status.createdAt),
    creator: simpleUser(creator, urls),
  }
}
