import type { Urls } from '../urls.ts'
import type { Repository } from './model.ts'
import { seedHelloWorld, seedManyIssues } from './seed-repositories.ts'
import type { World } from './world.ts'

/** Everything that a test or a reader of the demo needs to log in with. */
export const TOKENS = {
  octocat: 'ghp_octocat0000000000000000000000000001',
  octocatOauth: 'gho_octocat0000000000000000000000000002',
  octocatPublicOnly: 'ghp_octocat0000000000000000000000000003',
  hubot: 'ghp_hubot000000000000000000000000000001',
  hubotOauth: 'gho_hubot000000000000000000000000000002',
  monalisa: 'ghp_monalisa000000000000000000000000001',
  stranger: 'ghp_stranger000000000000000000000000001',
  admin: 'ghp_gheadmin000000000000000000000000001',
  installation: 'ghs_weirapp0000000000000000000000000001',
} as const

/** Passwords for Basic authentication. `monalisa` needs the one-time code besides. */
export const PASSWORDS = {
  octocat: 'octocat-password',
  hubot: 'hubot-password',
  monalisa: 'monalisa-password',
  'ghe-admin': 'admin-password',
} as const

/** What `X-GitHub-OTP` must say for monalisa. */
export const ONE_TIME_CODE = '123456'

/** An OAuth application: its id and secret, as Basic, raise the anonymous limit and nothing else. */
export const APPLICATION = { clientId: 'Iv1.weirsandbox0001', clientSecret: 'weir-sandbox-application-secret' } as const

/** The tokens that the recordings were made with. */
export const RECORDED_TOKENS = [
  '0000000000000000000000000000000000000001',
  '0000000000000000000000000000000000000002',
] as const

const SCOPES = ['admin:org', 'admin:repo_hook', 'delete_repo', 'notifications', 'repo', 'user', 'workflow']

function day(text: string): number {
  return Date.parse(`${text}T00:00:00Z`)
}

function seedAccounts(world: World, urls: Urls): void {
  const created = { createdAt: day('2011-01-25'), updatedAt: day('2024-05-01') }
  world.addAccount({
    ...created,
    id: 1,
    login: 'octocat',
    name: 'The Octocat',
    // What a person typed, and looks like one of the API's own addresses.
    blog: `${urls.api}/users/octocat`,
    company: '@octo-org',
    location: 'San Francisco',
    email: 'octocat@example.com',
    password: PASSWORDS.octocat,
  })
  world.addAccount({
    ...created,
    id: 2,
    login: 'hubot',
    name: 'Hubot',
    email: 'hubot@example.com',
    password: PASSWORDS.hubot,
  })
  world.addAccount({
    ...created,
    id: 3,
    login: 'monalisa',
    name: 'Mona Lisa Octocat',
    password: PASSWORDS.monalisa,
    twoFactor: 'app',
    oneTimeCode: ONE_TIME_CODE,
  })
  world.addAccount({
    ...created,
    id: 4,
    login: 'ghe-admin',
    name: 'Site Administrator',
    siteAdmin: true,
    password: PASSWORDS['ghe-admin'],
  })
  world.addAccount({ ...created, id: 5, login: 'stranger', name: null })
  world.addAccount({ ...created, id: 6, login: 'weir-app[bot]', type: 'Bot', name: null })
  world.addAccount({
    ...created,
    id: 50,
    login: 'octo-org',
    type: 'Organization',
    name: 'Octo Organisation',
    blog: 'https://octo.example.com',
    members: new Set(['octocat', 'hubot']),
  })
  world.addAccount({
    ...created,
    id: 51,
    login: 'empty-org',
    type: 'Organization',
    name: 'Nothing here',
    members: new Set(['ghe-admin']),
  })
}

function seedTokens(world: World): void {
  world.addToken('octocat', TOKENS.octocat, { scopes: SCOPES })
  world.addToken('octocat', TOKENS.octocatOauth, { kind: 'oauth', scopes: ['repo', 'user'] })
  world.addToken('octocat', TOKENS.octocatPublicOnly, { scopes: ['public_repo'] })
  world.addToken('hubot', TOKENS.hubot, { scopes: SCOPES })
  world.addToken('hubot', TOKENS.hubotOauth, { kind: 'oauth', scopes: ['repo'] })
  world.addToken('monalisa', TOKENS.monalisa, { scopes: ['repo', 'user'] })
  world.addToken('stranger', TOKENS.stranger, { scopes: ['repo'] })
  world.addToken('ghe-admin', TOKENS.admin, { scopes: [...SCOPES, 'site_admin'] })
  world.addToken('weir-app[bot]', TOKENS.installation, { kind: 'installation', scopes: [], installation: 3001 })
  world.addApplication({ ...APPLICATION, name: 'Weir sandbox application' })
  world.addAccount({
    id: 31_898_046,
    login: 'octokit-fixture-user-a',
    createdAt: day('2017-09-12'),
    updatedAt: day('2022-03-14'),
  })
  world.addAccount({
    id: 31_898_047,
    login: 'octokit-fixture-user-b',
    createdAt: day('2017-09-12'),
    updatedAt: day('2022-03-14'),
  })
  world.addToken('octokit-fixture-user-a', RECORDED_TOKENS[0], { scopes: SCOPES })
  world.addToken('octokit-fixture-user-b', RECORDED_TOKENS[1], { scopes: SCOPES })
}

function seedEvents(world: World, repository: Repository, count: number): void {
  for (let index = 0; index < count; index += 1) {
    world.addEvent({
      type: index % 2 === 0 ? 'PushEvent' : 'WatchEvent',
      actor: index % 3 === 0 ? 'hubot' : 'octocat',
      repository: repository.id,
      payload: index % 2 === 0 ? { push_id: index, size: 1, ref: 'refs/heads/main' } : { action: 'started' },
      createdAt: day('2024-05-01') + index * 60_000,
    })
  }
}

/** Fills a new world. The same every time, apart from the addresses. */
export function seed(world: World, urls: Urls): void {
  seedAccounts(world, urls)
  seedTokens(world)
  const hello = seedHelloWorld(world, urls)
  seedManyIssues(world)
  const times = { createdAt: day('2023-02-01'), updatedAt: day('2024-02-01'), pushedAt: day('2024-02-01') }
  const secret = world.addRepository({
    ...times,
    id: 502,
    owner: 'octo-org',
    name: 'secret',
    private: true,
    description: 'Not for everybody',
    collaborators: new Map([
      ['octocat', 'admin'],
      ['hubot', 'push'],
      ['monalisa', 'pull'],
      ['weir-app[bot]', 'push'],
    ]),
  })
  world.addIssue(secret, { title: 'Nobody may know', author: 'octocat', body: 'Quiet.', ...times })
  world.addRepository({ ...times, id: 503, owner: 'octocat', name: 'empty', description: 'No issues, no files' })
  const former = world.addRepository({
    ...times,
    id: 504,
    owner: 'octocat',
    name: 'old-name',
    description: 'Was renamed',
  })
  world.addIssue(former, { title: 'Still here after the renaming', author: 'hubot', ...times })
  world.renameRepository('octocat/old-name', 'new-name')
  world.updateRepository(former, { updatedAt: times.updatedAt })
  seedEvents(world, hello, 45)
  world.setStar('hubot', hello, true)
}
