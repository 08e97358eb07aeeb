import { startSandbox, TOKENS } from '../sandbox/index.ts'
import type { RunningGateway } from '../src/entry/node.ts'
import { QUOTA, SHARING_APPS, type SharingApp, shareOut } from './chapters.ts'
import { row, rule } from './rows.ts'

/** What came of one app. */
interface Tally {
  asked: number
  served: number
}

/** What one run came to. */
interface Outcome {
  readonly apps: ReadonlyMap<SharingApp, Tally>
  /** Refused by the upstream, by its own log. */
  readonly refusedUpstream: number
  /** Units that the upstream charged. */
  readonly charged: number
  /** The words of the last refusal, whoever made it. */
  readonly refusal: string | undefined
}

/** What the apps ask: the upstream itself, or a gateway before it. */
interface Subject {
  readonly origin: string
  /** Called when all is asked. */
  end?(): Promise<void>
}

/** Starts a gateway with these settings. */
export type StartGateway = (environment: Readonly<Record<string, string>>) => Promise<RunningGateway>

/**
 * Plays the last chapter twice, straight against an upstream with a small quota and through a gateway, each time with all of
 * the quota, and prints what came of each app. What was refused and charged is read from the upstream's log, what the
 * gateway knows from its own page.
 *
 * @param clientsFile names the file of the apps' keys; whoever starts the gateway hands in its text
 */
export async function sharing(start: StartGateway, clientsFile: string, print: (line: string) => void): Promise<void> {
  const direct = await play(async (upstream) => ({ origin: upstream }))
  let page: Budgets | undefined
  const through = await play(async (upstream) => {
    const settings = { WEIR_UPSTREAM: upstream, WEIR_MANAGE_UPSTREAM: 'off', WEIR_CLIENTS_FILE: clientsFile }
    const gateway = await start(settings)
    const end = async () => {
      page = (await (await fetch(`${gateway.origin}/_weir/budgets`)).json()) as Budgets
      await gateway.stop()
    }
    return { origin: gateway.origin, end }
  })

  print(`Three apps use one token, which has ${QUOTA} units an hour. One of them is greedy.\n`)
  print(row('requests that were served', 'asked', 'without Weir', 'with Weir'))
  print(rule)
  for (const app of SHARING_APPS) {
    const { asked, served } = direct.apps.get(app)!
    print(row(`the ${app}`, asked, served, through.apps.get(app)!.served))
  }
  print(rule)
  print(row('refused by the upstream', '', direct.refusedUpstream, through.refusedUpstream))
  print(row('units of rate limit charged', '', direct.charged, through.charged))
  print(`\nWeir refused the others itself: “${through.refusal}”,`)
  print('each with the time to come again. GET /_weir/budgets says:\n')
  for (const line of described(page)) print(`  ${line}`)
  print('')
}

/** One run, against an upstream of its own. */
async function play(before: (upstream: string) => Promise<Subject>): Promise<Outcome> {
  const sandbox = await startSandbox({ switches: { rateLimits: { core: QUOTA } } })
  try {
    const { origin, end } = await before(sandbox.origin)
    const apps = new Map(SHARING_APPS.map((app) => [app, { asked: 0, served: 0 }]))
    let refusal: string | undefined
    await shareOut(async (app, path) => {
      const headers = { authorization: `token ${TOKENS.octocat}`, 'x-weir-key': keyOf(app) }
      const response = await fetch(`${origin}/api/v3${path}`, { headers })
      const body = await response.text()
      const tally: Tally = apps.get(app)!
      tally.asked++
      if (response.ok) tally.served++
      else if (response.status === 403) refusal = (JSON.parse(body) as { readonly message: string }).message
      else throw new Error(`${response.status} for ${path}: the demo expects no such answer`)
    })
    await end?.()
    const refusedUpstream = sandbox.log.filter({ status: 403 }).length
    return { apps, refusedUpstream, charged: sandbox.log.totalCost(), refusal }
  } finally {
    await sandbox.close()
  }
}

/** A key of the kind that an operator would make. It opens nothing but the demo. */
function keyOf(app: SharingApp): string {
  return `no-secret-key-of-the-${app}`
}

/** What `WEIR_CLIENTS_FILE` holds: each app's key. */
export function clientsFileText(): string {
  return JSON.stringify(Object.fromEntries(SHARING_APPS.map((app) => [app, keyOf(app)])))
}

/** As much of the page as is shown (docs/operations.md, "Budgets"). */
interface Budgets {
  readonly accounts: readonly {
    readonly account: string
    readonly budgets: readonly {
      readonly resource: string
      readonly limit: number | null
      readonly remaining: number | null
      readonly tight: boolean
      readonly clients: readonly { readonly client: string; readonly used: number }[]
    }[]
  }[]
}

/** The user's budget. What was known of the token before it was known whose it is stands on the page, too. */
function described(page: Budgets | undefined): string[] {
  const users = page?.accounts.filter(({ account }) => account.startsWith('user:')) ?? []
  return users.flatMap(({ account, budgets }) =>
    budgets.flatMap(({ resource, limit, remaining, tight, clients }) => [
      `${account}, ${resource}: ${remaining} of ${limit} units remain; ${tight ? '' : 'not '}tight`,
      ...clients.map(({ client, used }) => `${used} used by ${client}`),
    ]),
  )
}
