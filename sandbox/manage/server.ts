import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Json } from '../answer.ts'
import { Refusal } from '../answer.ts'
import type { Outgoing } from '../delivery.ts'
import { deliver, substitute } from '../delivery.ts'
import type { Core } from '../exchange.ts'
import { readBody } from '../exchange.ts'
import { chooseFault, holdFor } from '../faults.ts'
import { httpDate } from '../headers.ts'
import type { LogEntry } from '../log.ts'
import type { ManageAnswer, ManageSettings } from './operations.ts'
import { BadManageRequest, OPERATIONS } from './operations.ts'

/** Who may use `/manage`: the root site administrator and a user of the Management Console. */
export const MANAGE_USERS: Readonly<Record<string, string>> = {
  api_key: 'root-site-admin-password',
  'console-operator': 'console-operator-password',
}

/** What a secret in the settings looks like, for those who must not pass it on. */
const PRIVATE_KEY =
  '-----BEGIN PGP PRIVATE KEY BLOCK-----\nmade up for the sandbox\n-----END PGP PRIVATE KEY BLOCK-----\n'

function freshSettings(hostname: string): ManageSettings {
  return {
    sshKeys: ['ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCwcd9tu20xsJVBMWbIs sandbox'],
    lastRun: null,
    values: {
      private_mode: false,
      public_pages: false,
      subdomain_isolation: false,
      signup_enabled: false,
      github_hostname: hostname,
      identicons_host: 'dotcom',
      auth_mode: 'default',
      expire_sessions: false,
      configuration_id: 1401777404,
      configuration_run_count: 4,
      avatar: { enabled: false, uri: '' },
      customer: { name: 'Octo Organisation', email: 'octo@example.com', secret_key_data: PRIVATE_KEY },
      github_ssl: { enabled: false, cert: null, key: null },
    },
  }
}

function authorized(authorization: string | undefined): boolean {
  const [, encoded = ''] = /^basic\s+(\S+)$/i.exec(authorization ?? '') ?? []
  const pair = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  const name = pair.slice(0, colon)
  return colon > 0 && MANAGE_USERS[name] === pair.slice(colon + 1)
}

/** The Manage API, which listens on a port of its own and goes on working in maintenance mode. */
export class ManageApi {
  private readonly core: Core
  private readonly settings: ManageSettings

  constructor(core: Core) {
    this.core = core
    this.settings = freshSettings(core.urls.hostname)
  }

  /** Answers one request, whatever happens. */
  async handle(request: IncomingMessage, response: ServerResponse, entry: LogEntry): Promise<void> {
    entry.credential = request.headers.authorization ?? null
    const { switches, log } = this.core
    const { method = 'GET', headers: asked } = request
    const fault = chooseFault(switches.faults, { method, target: entry.target, headers: asked })
    entry.fault = fault?.kind ?? null
    await holdFor(fault, 'before-evaluating')
    const { status, value } = await this.evaluate(request, entry).catch((error: unknown): ManageAnswer => {
      if (error instanceof BadManageRequest) return { status: 400, value: { message: error.message } }
      if (error instanceof Refusal) return { status: error.answer.status, value: { message: 'Bad request' } }
      entry.error = error instanceof Error ? (error.stack ?? error.message) : String(error)
      return { status: 500, value: { message: 'Internal error' } }
    })
    const headers = ['Date', httpDate(this.core.clock())]
    if (value !== null) headers.push('Content-Type', 'application/json')
    if (status === 401) headers.push('WWW-Authenticate', 'Basic realm="Management Console"')
    const body = value === null ? null : Buffer.from(JSON.stringify(value))
    const real: Outgoing = { status, headers, body, headOnly: method === 'HEAD', statedLength: null }
    const outgoing = substitute(fault, method) ?? real
    entry.status = outgoing.status
    log.settle(entry)
    await holdFor(fault, 'before-sending')
    await deliver(response, outgoing, fault, entry)
  }

  private async evaluate(request: IncomingMessage, entry: LogEntry): Promise<ManageAnswer> {
    if (!authorized(request.headers.authorization)) return { status: 401, value: { message: 'Unauthorized' } }
    const mark = entry.target.indexOf('?')
    const path = mark === -1 ? entry.target : entry.target.slice(0, mark)
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET')
    const key = `${method} ${path}`
    const operation = Object.hasOwn(OPERATIONS, key) ? OPERATIONS[key] : undefined
    if (operation === undefined) return { status: 404, value: { message: 'Not Found' } as Json }
    entry.account = 'manage'
    return operation({
      query: new URLSearchParams(mark === -1 ? '' : entry.target.slice(mark)),
      body: await readBody(request, entry),
      contentType: request.headers['content-type'] ?? '',
      maintenance: this.core.maintenance,
      settings: this.settings,
      switches: this.core.switches,
      now: this.core.clock(),
    })
  }
}
