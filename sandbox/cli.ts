import { parseArgs } from 'node:util'
import type { Sandbox, Switches } from './index.ts'
import { APPLICATION, MANAGE_USERS, ONE_TIME_CODE, PASSWORDS, startSandbox, TOKENS } from './index.ts'

const HELP = `An embedded GitHub Enterprise Server, alone.

  --host <address>        listen address                                     127.0.0.1
  --port <number>         port of the API, 0 for any                         8090
  --manage-port <number>  port of /manage, 0 for any                         8080
  --rate-limits <quota>   off, on, or core units an hour                     off
  --etag-rule <rule>      github, opaque, none, git                          github
  --single-tags           If-None-Match is read as one tag, not as a list
  --link-on-304           304s carry Link
  --latency <ms>          milliseconds before each answer                    0
  --private-mode          nobody reads anything without a credential
  --status-header         repeat the status in a Status header
  --version-number <v>    version to tell                                    3.19.0
  --help                  this text

The same settings come from the environment as SANDBOX_HOST, SANDBOX_PORT, SANDBOX_RATE_LIMITS and so on; flags win.
`

const OPTIONS = {
  host: { type: 'string' },
  port: { type: 'string' },
  'manage-port': { type: 'string' },
  'rate-limits': { type: 'string' },
  'etag-rule': { type: 'string' },
  'single-tags': { type: 'boolean' },
  'link-on-304': { type: 'boolean' },
  latency: { type: 'string' },
  'private-mode': { type: 'boolean' },
  'status-header': { type: 'boolean' },
  'version-number': { type: 'string' },
  help: { type: 'boolean' },
} as const

type Name = keyof typeof OPTIONS

/** Reads flags and environment into one table of texts; a boolean that is on is `true`. */
function settings(args: string[], environment: NodeJS.ProcessEnv): (name: Name) => string | undefined {
  const { values } = parseArgs({ args, options: OPTIONS })
  return (name) => {
    const flag = values[name]
    return flag === undefined ? environment[`SANDBOX_${name.toUpperCase().replaceAll('-', '_')}`] : String(flag)
  }
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} is ${text}, which is no whole number`)
  return Number(text)
}

function quotas(text: string): Switches['rateLimits'] {
  if (text === 'off') return 'off'
  return text === 'on' ? {} : { core: wholeNumber('rate-limits', text) }
}

function tagRule(text: string): Switches['etagRule'] {
  const rules: readonly Switches['etagRule'][] = ['github', 'opaque', 'none', 'git']
  const found = rules.find((rule) => rule === text)
  if (found === undefined) throw new Error(`etag-rule is ${text}, which is none of ${rules.join(', ')}`)
  return found
}

function describe(sandbox: Sandbox): string {
  const api = sandbox.urls.api
  const tokens = Object.entries(TOKENS).map(([name, token]) => `  ${name.padEnd(18)} ${token}`)
  const logins = Object.entries(PASSWORDS).map(([name, password]) => `  ${name.padEnd(18)} ${password}`)
  return `Sandbox GitHub Enterprise Server ${sandbox.switches.version}
  API                ${api}
  GraphQL            ${sandbox.urls.graphql}
  uploads            ${sandbox.urls.uploads}
  archives           ${sandbox.codeloadOrigin}
  Manage API         ${sandbox.manageOrigin}/manage/v1

Tokens
${tokens.join('\n')}

Passwords (monalisa also needs X-GitHub-OTP: ${ONE_TIME_CODE})
${logins.join('\n')}
  OAuth application  ${APPLICATION.clientId}:${APPLICATION.clientSecret}

Try
  curl -i -H 'Authorization: token ${TOKENS.octocat}' ${api}/user
  curl -i '${api}/repos/octo-org/many-issues/issues?per_page=100'
  curl -i -L ${api}/repos/octocat/old-name
  curl -i -u hubot:${PASSWORDS.hubot} ${api}/repos/octo-org/secret
  curl -i -u api_key:${MANAGE_USERS['api_key']} ${sandbox.manageOrigin}/manage/v1/maintenance

${sandbox.recorded.length} recorded requests are served besides. Ctrl-C ends it.
`
}

async function main(): Promise<void> {
  const setting = settings(process.argv.slice(2), process.env)
  const on = (name: Name) => ['true', '1', 'yes', 'on'].includes(setting(name) ?? '')
  if (on('help')) {
    process.stdout.write(HELP)
    return
  }
  const sandbox = await startSandbox({
    host: setting('host') ?? '127.0.0.1',
    port: wholeNumber('port', setting('port') ?? '8090'),
    managePort: wholeNumber('manage-port', setting('manage-port') ?? '8080'),
    switches: {
      rateLimits: quotas(setting('rate-limits') ?? 'off'),
      etagRule: tagRule(setting('etag-rule') ?? 'github'),
      readsTagLists: !on('single-tags'),
      linkOn304: on('link-on-304'),
      latency: wholeNumber('latency', setting('latency') ?? '0'),
      privateMode: on('private-mode'),
      statusHeader: on('status-header'),
      version: setting('version-number') ?? '3.19.0',
    },
  })
  process.stdout.write(describe(sandbox))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      const { count } = sandbox.log
      process.stdout.write(`\n${count} requests, ${sandbox.log.totalCost()} units\n`)
      void sandbox.close()
    })
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`sandbox: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
