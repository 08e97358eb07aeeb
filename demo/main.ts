import { startSandbox, TOKENS } from '../sandbox/index.ts'
import { parseSettings, type Settings } from '../src/config.ts'
import { type RunningGateway, startGateway } from '../src/entry/node.ts'
import { clientsFileText, sharing } from './sharing.ts'
import { tour } from './tour.ts'

/** Where the gateway listens unless something else does already. */
const USUAL_PORT = '8787'

/** The only file that is read, and there is none: its text is made here. */
const CLIENTS_FILE = 'clients.json'

/**
 * `npm run demo`: an embedded GitHub Enterprise Server, the gateway in front of it, a tour of several apps with several
 * tokens, a chapter in which some of them share a small quota, and then both keep serving until they are interrupted.
 */
async function demo(): Promise<void> {
  // Nobody reads on (`npm run demo | head`): there is nothing left to show.
  process.stdout.on('error', () => process.exit(0))
  const sandbox = await startSandbox({ switches: { rateLimits: { core: 5000 } } })
  const gateway = await start({ WEIR_UPSTREAM: sandbox.origin, WEIR_MANAGE_UPSTREAM: sandbox.manageOrigin })
  print(`An embedded GitHub Enterprise Server serves ${sandbox.origin}/api/v3`)
  print(`Weir stands in front of it at              ${gateway.origin}/api/v3\n`)

  await tour(gateway.origin, sandbox, print)
  await sharing((environment) => startGateway(settingsOf({ ...environment, PORT: '0' })), CLIENTS_FILE, print)

  print('Try it yourself (the tokens are the sandbox’s own):\n')
  const api = `${gateway.origin}/api/v3`
  print(`  curl -i ${api}/repos/octocat/hello-world`)
  print(`  curl -i -H 'Authorization: token ${TOKENS.octocat}' ${api}/user`)
  print(`  curl -i -H 'Authorization: token ${TOKENS.hubot}' '${api}/repos/octo-org/many-issues/issues?page=2'`)
  print(`  curl ${gateway.origin}/_weir/readyz`)
  print(`  curl ${gateway.origin}/_weir/budgets`)
  print(`  curl ${gateway.origin}/_weir/metrics\n`)
  print('Run a line twice and watch Cache-Status. Ctrl-C ends the demo.')

  let stopping = false
  const stop = (): void => {
    if (stopping) process.exit(130)
    stopping = true
    void gateway
      .stop()
      .then(() => sandbox.close())
      .then(() => process.exit(0))
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

async function start(environment: Readonly<Record<string, string>>): Promise<RunningGateway> {
  const at = (port: string) => startGateway(settingsOf({ ...environment, PORT: port }))
  const wanted = process.env.PORT
  if (wanted !== undefined && wanted !== '') return at(wanted)
  try {
    return await at(USUAL_PORT)
  } catch {
    // Taken: any other will do for a demonstration.
    return at('0')
  }
}

function settingsOf(environment: Readonly<Record<string, string>>): Settings {
  return parseSettings({ ...environment, WEIR_LOG: 'off' }, (path) => {
    if (path === CLIENTS_FILE) return clientsFileText()
    throw new Error(`the demo reads no files, and no ${path}`)
  })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

demo().catch((thrown: unknown) => {
  process.stderr.write(`The demo cannot start: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
  process.exit(1)
})
