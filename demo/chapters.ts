/** The apps of the tour: the names of the sandbox's tokens they show, or `badge`, which shows none. */
export type App = 'octocat' | 'octocatOauth' | 'hubot' | 'hubotOauth' | 'badge'

/** One request of an app, as an ordinary client makes it: no validators of its own. */
export type Ask = (app: App, path: string, post?: unknown) => Promise<Response>

export interface Chapter {
  readonly title: string
  play(ask: Ask): Promise<void>
}

const REPOSITORY = '/repos/octocat/hello-world'
const ALL_ISSUES = '/repos/octo-org/many-issues/issues?per_page=30'
const READERS: readonly App[] = ['octocat', 'octocatOauth', 'hubot']

async function repeat(times: number, action: () => Promise<unknown>): Promise<void> {
  for (let round = 0; round < times; round++) await action()
}

/** Follows the `Link` fields to the last page, as client libraries do. */
async function allPages(ask: Ask, app: App): Promise<void> {
  let next: string | undefined = ALL_ISSUES
  while (next !== undefined) {
    const response: Response = await ask(app, next)
    next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
  }
}

/** What internal apps do all day. */
export const chapters: readonly Chapter[] = [
  {
    title: 'three apps read a repository for the first time',
    async play(ask) {
      for (const app of READERS) await ask(app, REPOSITORY)
    },
  },
  {
    title: 'each of them asks for it ten times more',
    play: (ask) =>
      repeat(10, async () => {
        for (const app of READERS) await ask(app, REPOSITORY)
      }),
  },
  { title: 'a badge without a token asks fifty times', play: (ask) => repeat(50, () => ask('badge', REPOSITORY)) },
  { title: 'a dashboard pages through all issues', play: (ask) => allPages(ask, 'octocat') },
  { title: 'and does so four times again', play: (ask) => repeat(4, () => allPages(ask, 'octocat')) },
  {
    title: 'a bot opens an issue and reads the list',
    async play(ask) {
      await ask('hubot', `${REPOSITORY}/issues`, { title: 'Opened on the tour' })
      await ask('hubot', `${REPOSITORY}/issues`)
    },
  },
  {
    title: 'nothing changes while it asks twenty times more',
    play: (ask) => repeat(20, () => ask('hubot', `${REPOSITORY}/issues`)),
  },
  {
    title: 'its token is replaced, and it asks ten times more',
    play: (ask) => repeat(10, () => ask('hubotOauth', `${REPOSITORY}/issues`)),
  },
  {
    title: 'forty copies of a job ask at the same moment',
    async play(ask) {
      await Promise.all(Array.from({ length: 40 }, () => ask('hubot', `${REPOSITORY}/labels`)))
    },
  },
]

/** Units an hour that the apps of the last chapter have together. */
export const QUOTA = 120

/** The apps of the last chapter. All of them have the same token, and each has a key of its own. */
export const SHARING_APPS = ['crawler', 'dashboard', 'bot'] as const
export type SharingApp = (typeof SHARING_APPS)[number]

/**
 * The last chapter: a crawler reads all issues one by one, as fast as it can. Meanwhile a dashboard and a bot read something
 * now and then. Nothing is read twice, so nothing can be spared.
 */
export async function shareOut(ask: (app: SharingApp, path: string) => Promise<unknown>): Promise<void> {
  await ask('crawler', '/user')
  let issue = 0
  for (let round = 1; round <= 10; round++) {
    await repeat(25, () => ask('crawler', `/repos/octo-org/many-issues/issues/${++issue}`))
    await ask('dashboard', `/repos/octo-org/many-issues/issues?per_page=25&page=${round}`)
    await ask('bot', `/repos/octo-org/many-issues/issues?per_page=10&page=${round}`)
  }
}
