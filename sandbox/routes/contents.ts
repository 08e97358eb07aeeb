import type { Answer, JsonObject } from '../answer.ts'
import { invalid, json, notFound } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { param, readObject, representation, viewer } from '../exchange.ts'
import { paginate } from '../pages.ts'
import { isoTime, simpleUser } from '../render/accounts.ts'
import { repositoryPath } from '../render/repositories.ts'
import type { Route } from '../router.ts'
import { get, live } from '../router.ts'
import type { Commit, File, Repository } from '../world/model.ts'
import { repositoryOf } from './access.ts'
import { Fields } from './fields.ts'

const BASE = '/repos/:owner/:repo'

function describe(exchange: Exchange, file: File, repository: Repository): JsonObject {
  const { urls } = exchange.core
  const ref = repository.defaultBranch
  const path = file.path.split('/').map(encodeURIComponent).join('/')
  const self = `${urls.api}${repositoryPath(repository)}/contents/${path}?ref=${ref}`
  const git = `${urls.api}${repositoryPath(repository)}/git/blobs/${file.sha}`
  const html = `${urls.web}/${repository.owner}/${repository.name}/blob/${ref}/${path}`
  return {
    name: file.path.split('/').at(-1) ?? '',
    path: file.path,
    sha: file.sha,
    size: file.content.length,
    url: self,
    html_url: html,
    git_url: git,
    download_url: `${urls.web}/raw/${repository.owner}/${repository.name}/${ref}/${path}`,
    type: 'file',
    _links: { self, git, html },
  }
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`)
}

function showFile(exchange: Exchange, file: File, repository: Repository): Answer {
  const kind = representation(exchange)
  // The git id stands for every representation alike, raw or JSON, as GitHub does it.
  const common = { etag: file.sha, lastModified: repository.pushedAt, acceptedScopes: '' }
  if (kind === 'raw') {
    const contentType = 'application/vnd.github.v3.raw; charset=utf-8'
    return { status: 200, headers: [], contentType, body: file.content, ranges: true, ...common }
  }
  if (kind === 'html') {
    const text = escapeHtml(file.content.toString('utf8'))
    const body = Buffer.from(`<div id="file"><article class="markdown-body"><pre>${text}</pre></article></div>`)
    return { status: 200, headers: [], contentType: 'application/vnd.github.v3.html; charset=utf-8', body, ...common }
  }
  const content = file.content.toString('base64').replace(/.{60}/g, '$&\n')
  return json({ ...describe(exchange, file, repository), content: `${content}\n`, encoding: 'base64' }, common)
}

function show(exchange: Exchange): Answer {
  const repository = repositoryOf(exchange)
  const path = param(exchange, 'path').replace(/\/$/, '')
  const file = repository.files.find((one) => one.path === path)
  if (file !== undefined) return showFile(exchange, file, repository)
  const inside = repository.files.filter((one) => path === '' || one.path.startsWith(`${path}/`))
  if (inside.length === 0) throw notFound(exchange.core.switches.version)
  return json(
    inside.map((one) => describe(exchange, one, repository)),
    { lastModified: repository.pushedAt },
  )
}

function renderCommit(exchange: Exchange, commit: Commit, repository: Repository): JsonObject {
  const { urls, world } = exchange.core
  const author = world.account(commit.author)
  const url = `${urls.api}${repositoryPath(repository)}/commits/${commit.sha}`
  const person = { name: author.name, email: author.email, date: isoTime(commit.date) }
  return {
    url,
    sha: commit.sha,
    html_url: `${urls.web}/${repository.owner}/${repository.name}/commit/${commit.sha}`,
    comments_url: `${url}/comments`,
    commit: {
      url: `${urls.api}${repositoryPath(repository)}/git/commits/${commit.sha}`,
      author: person,
      committer: person,
      message: commit.message,
      comment_count: 0,
    },
    author: simpleUser(author, urls),
    committer: simpleUser(author, urls),
    parents: [],
  }
}

function commitOf(exchange: Exchange, repository: Repository): Commit {
  const ref = param(exchange, 'ref')
  const found =
    ref === repository.defaultBranch ? repository.commits[0] : repository.commits.find(({ sha }) => sha.startsWith(ref))
  if (found === undefined) {
    throw invalid({ resource: 'Commit', field: 'sha', code: 'custom', message: `No commit found for SHA: ${ref}` })
  }
  return found
}

function showCommit(exchange: Exchange): Answer {
  const repository = repositoryOf(exchange)
  const commit = commitOf(exchange, repository)
  const kind = representation(exchange)
  if (kind === 'diff' || kind === 'patch') {
    const head = kind === 'diff' ? '' : `From ${commit.sha}\nSubject: [PATCH] ${commit.message}\n\n---\n`
    const contentType = `application/vnd.github.v3.${kind}; charset=utf-8`
    return { status: 200, headers: [], contentType, body: Buffer.from(head + commit.diff) }
  }
  return json(renderCommit(exchange, commit, repository), { lastModified: commit.date })
}

async function put(exchange: Exchange): Promise<Answer> {
  const repository = repositoryOf(exchange, 'push')
  const author = viewer(exchange).login
  const path = param(exchange, 'path')
  const fields = new Fields(await readObject(exchange), 'Content')
  const message = fields.required('message')
  const content = Buffer.from(fields.text('content') ?? '', 'base64')
  const sha = fields.text('sha')
  fields.check()
  const known = repository.files.find((one) => one.path === path)
  if (known !== undefined && sha !== known.sha) {
    return json({ message: `${path} does not match ${known.sha}` }, { status: 409 })
  }
  const commit = exchange.core.world.putFile(repository, path, content, message, author)
  const file = repository.files.find((one) => one.path === path)
  if (file === undefined) throw new Error('the file that was just put is not there')
  const described = describe(exchange, file, repository)
  return json(
    { content: described, commit: renderCommit(exchange, commit, repository) },
    { status: known === undefined ? 201 : 200 },
  )
}

export const CONTENT_ROUTES: Route[] = [
  get(`${BASE}/contents`, show),
  get(`${BASE}/contents/*path`, show),
  live('PUT', `${BASE}/contents/*path`, put),
  get(`${BASE}/readme`, (exchange) => {
    const repository = repositoryOf(exchange)
    const file = repository.files.find(({ path }) => /^readme(?:\.\w+)?$/i.test(path))
    if (file === undefined) throw notFound(exchange.core.switches.version)
    return showFile(exchange, file, repository)
  }),
  get(`${BASE}/git/blobs/:sha`, (exchange) => {
    const repository = repositoryOf(exchange)
    const file = repository.files.find(({ sha }) => sha === param(exchange, 'sha'))
    if (file === undefined) throw notFound(exchange.core.switches.version)
    const url = `${exchange.core.urls.api}${repositoryPath(repository)}/git/blobs/${file.sha}`
    const content = file.content.toString('base64')
    return json({ sha: file.sha, size: file.content.length, url, content, encoding: 'base64' }, { etag: file.sha })
  }),
  get(`${BASE}/commits`, (exchange) => {
    const repository = repositoryOf(exchange)
    const { items, headers } = paginate(exchange, repository.commits, `/repositories/${repository.id}/commits`)
    return json(
      items.map((commit) => renderCommit(exchange, commit, repository)),
      { headers },
    )
  }),
  get(`${BASE}/commits/:ref`, showCommit),
  get(`${BASE}/branches`, (exchange) => {
    const repository = repositoryOf(exchange)
    const head = repository.commits[0]
    if (head === undefined) return json([])
    const url = `${exchange.core.urls.api}${repositoryPath(repository)}/commits/${head.sha}`
    return json([{ name: repository.defaultBranch, commit: { sha: head.sha, url }, protected: false }])
  }),
]
