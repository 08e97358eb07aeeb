import type { Answer, JsonObject } from '../answer.ts'
import { json, notFound } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { readBody, readObject, viewer } from '../exchange.ts'
import { RESOURCES } from '../limits.ts'
import type { Route } from '../router.ts'
import { get, live } from '../router.ts'
import type { Urls } from '../urls.ts'
import { Fields } from './fields.ts'

function rootDocument({ api, web }: Urls): JsonObject {
  return {
    current_user_url: `${api}/user`,
    current_user_authorizations_html_url: `${web}/settings/connections/applications{/client_id}`,
    authorizations_url: `${api}/authorizations`,
    code_search_url: `${api}/search/code?q={query}{&page,per_page,sort,order}`,
    commit_search_url: `${api}/search/commits?q={query}{&page,per_page,sort,order}`,
    emails_url: `${api}/user/emails`,
    emojis_url: `${api}/emojis`,
    events_url: `${api}/events`,
    feeds_url: `${api}/feeds`,
    followers_url: `${api}/user/followers`,
    following_url: `${api}/user/following{/target}`,
    gists_url: `${api}/gists{/gist_id}`,
    hub_url: `${api}/hub`,
    issue_search_url: `${api}/search/issues?q={query}{&page,per_page,sort,order}`,
    issues_url: `${api}/issues`,
    keys_url: `${api}/user/keys`,
    label_search_url: `${api}/search/labels?q={query}&repository_id={repository_id}{&page,per_page}`,
    notifications_url: `${api}/notifications`,
    organization_url: `${api}/orgs/{org}`,
    organization_repositories_url: `${api}/orgs/{org}/repos{?type,page,per_page,sort}`,
    organization_teams_url: `${api}/orgs/{org}/teams`,
    public_gists_url: `${api}/gists/public`,
    rate_limit_url: `${api}/rate_limit`,
    repository_url: `${api}/repos/{owner}/{repo}`,
    repository_search_url: `${api}/search/repositories?q={query}{&page,per_page,sort,order}`,
    current_user_repositories_url: `${api}/user/repos{?type,page,per_page,sort}`,
    starred_url: `${api}/user/starred{/owner}{/repo}`,
    starred_gists_url: `${api}/gists/starred`,
    topic_search_url: `${api}/search/topics?q={query}{&page,per_page}`,
    user_url: `${api}/users/{user}`,
    user_organizations_url: `${api}/user/orgs`,
    user_repositories_url: `${api}/users/{user}/repos{?type,page,per_page,sort}`,
    user_search_url: `${api}/search/users?q={query}{&page,per_page,sort,order}`,
  }
}

const EMOJIS = ['+1', '-1', '100', 'octocat', 'shipit', 'sparkles', 'tada', 'ocean', 'rocket']

const ZEN = [
  'Anything added dilutes everything else.',
  'Approachable is better than simple.',
  'Keep it logically awesome.',
]

function rateLimit(exchange: Exchange): Answer {
  const { limits, switches } = exchange.core
  const resources: JsonObject = {}
  for (const resource of RESOURCES) {
    const quota = limits.quota(exchange.identity.account, resource)
    if (quota === null) throw notFound(switches.version, 'Rate limiting is not enabled.')
    const used = Math.min(quota.used, quota.limit)
    resources[resource] = { limit: quota.limit, used, remaining: quota.limit - used, reset: quota.reset }
  }
  return json({ resources, rate: resources['core'] ?? null }, { cacheControl: 'no-cache' })
}

function text(value: string, contentType = 'text/plain;charset=utf-8'): Answer {
  return { status: 200, headers: [], contentType, body: Buffer.from(value) }
}

function renderMarkdown(source: string): string {
  const safe = source.replace(/[&<>]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[one] ?? one)
  return safe
    .split(/\n{2,}/)
    .map((block) => {
      const [, marks, title] = /^(#{1,6}) (.*)$/.exec(block.trim()) ?? []
      return marks === undefined ? `<p>${block.trim()}</p>` : `<h${marks.length}>${title}</h${marks.length}>`
    })
    .join('\n')
}

export const META_ROUTES: Route[] = [
  get('/', (exchange) => json(rootDocument(exchange.core.urls))),
  get('/meta', (exchange) =>
    json({
      verifiable_password_authentication: true,
      github_services_sha: '0123456789abcdef0123456789abcdef01234567',
      installed_version: exchange.core.switches.version,
    }),
  ),
  live('GET', '/rate_limit', rateLimit),
  get('/emojis', ({ core }) =>
    json(
      Object.fromEntries(
        EMOJIS.map((name) => [name, `${core.urls.web}/images/icons/emoji/${encodeURIComponent(name)}.png`]),
      ),
    ),
  ),
  live('GET', '/zen', (exchange) => text(ZEN[Math.floor(exchange.core.clock() / 60_000) % ZEN.length] ?? '')),
  live('GET', '/octocat', () =>
    text('  MMM.           .MMM\n  MMMMMMMMMMMMMMMMMMM\n   |  o  o  |\n', 'application/octocat-stream'),
  ),
  live('POST', '/markdown', async (exchange) => {
    viewer(exchange)
    const fields = new Fields(await readObject(exchange), 'Markdown')
    const source = fields.required('text')
    fields.check()
    return text(renderMarkdown(source), 'text/html;charset=utf-8')
  }),
  live('POST', '/markdown/raw', async (exchange) => {
    viewer(exchange)
    const source = await readBody(exchange.request, exchange.entry)
    return text(renderMarkdown(source.toString('utf8')), 'text/html;charset=utf-8')
  }),
]
