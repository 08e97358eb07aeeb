import { Api } from './api.ts'
import { Authenticator } from './authentication.ts'
import { answerCodeload } from './codeload.ts'
import type { Core } from './exchange.ts'
import { Limits } from './limits.ts'
import type { Handle, Listener, Tls } from './listener.ts'
import { listen } from './listener.ts'
import type { LogEntry } from './log.ts'
import { RequestLog } from './log.ts'
import { Maintenance } from './manage/maintenance.ts'
import { ManageApi } from './manage/server.ts'
import { Recorded } from './recorded.ts'
import type { Switches } from './switches.ts'
import { defaultSwitches } from './switches.ts'
import type { ApiPaths, Urls } from './urls.ts'
import { GHES_PATHS, makeUrls } from './urls.ts'
import { seed } from './world/seed.ts'
import { World } from './world/world.ts'

export type { Fault, FaultChooser, FaultRequest, FaultRule } from './faults.ts'
export type { LogEntry, LogFilter } from './log.ts'
export { RequestLog } from './log.ts'
export { MANAGE_USERS } from './manage/server.ts'
export type { RateLimits, Resource, SecondaryLimits, Switches } from './switches.ts'
export { defaultSwitches } from './switches.ts'
export { githubETag } from './validators.ts'
export { APPLICATION, ONE_TIME_CODE, PASSWORDS, RECORDED_TOKENS, TOKENS } from './world/seed.ts'
export { ASSETS, BIG_ASSET_BYTES, RELEASE } from './world/seed-repositories.ts'
export { World } from './world/world.ts'

export interface SandboxOptions {
  /** 0, the default: any free port. */
  port?: number
  managePort?: number
  host?: string
  /** Epoch milliseconds; the sandbox knows no other time. */
  clock?: () => number
  switches?: Partial<Switches>
  /** Serves https on all three ports. */
  tls?: Tls
  /** Where the APIs stand below the origin; the default is where GitHub Enterprise Server has them. */
  paths?: Partial<ApiPaths>
}

export interface Sandbox {
  /** Such as `http://127.0.0.1:1234`. */
  origin: string
  manageOrigin: string
  /** Where archives and signed downloads live. */
  codeloadOrigin: string
  urls: Urls
  /** Live: a change counts from the next request on. */
  switches: Switches
  log: RequestLog
  world: World
  /** Quotas: to exhaust, set or pause an account's. */
  limits: Limits
  /** Forgets failed logins, which otherwise the clock does. */
  forgetFailures(): void
  /** `METHOD path` of every recorded request. */
  recorded: readonly string[]
  close(): Promise<void>
}

/** `maintenance` is one state with what `/manage` sets, seen as a switch. */
function tieMaintenance(switches: Switches, maintenance: Maintenance): Switches {
  const set = (enabled: boolean) => maintenance.set({ enabled, when: null, exceptions: [], message: '' })
  if (switches.maintenance) set(true)
  return Object.defineProperty(switches, 'maintenance', {
    enumerable: true,
    get: () => maintenance.status === 'on',
    set,
  })
}

/** The two pages for benchmarks: about 3.8 kB and about 262 kB of JSON, the same for everybody. */
function addFixedPages(world: World, urls: Urls): void {
  const issue = (number: number, filler: number) => ({
    url: `${urls.api}/repos/octo-org/many-issues/issues/${number}`,
    html_url: `${urls.web}/octo-org/many-issues/issues/${number}`,
    labels_url: `${urls.api}/repos/octo-org/many-issues/issues/${number}/labels{/name}`,
    number,
    title: `Issue ${number}`,
    body: 'All work and no play makes a dull page. '.repeat(filler),
  })
  world.setFixedPage('/fixed/small', JSON.stringify(issue(1, 87)))
  world.setFixedPage('/fixed/large', JSON.stringify(Array.from({ length: 100 }, (_, index) => issue(index + 1, 58))))
}

/**
 * Starts an embedded GitHub Enterprise Server: REST, GraphQL and uploads on one port, `/manage` on a second, archives
 * on a third.
 *
 * @throws Error where a port is taken, or `@octokit/fixtures` is not installed
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { host = '127.0.0.1', port = 0, managePort = 0, tls, clock = Date.now } = options
  const paths: ApiPaths = { ...GHES_PATHS, ...options.paths }
  const log = new RequestLog()
  const maintenance = new Maintenance(clock)
  const switches = tieMaintenance({ ...defaultSwitches(), ...options.switches }, maintenance)
  // The handlers need the addresses, which are only known when all three listen. Until then a request is dropped.
  const handlers: { [name in LogEntry['listener']]?: Handle } = {}
  const listeners: Listener[] = []
  const close = async () => {
    await Promise.all(listeners.map((listener) => listener.close()))
  }
  const open = async (name: LogEntry['listener'], wanted: number) => {
    const handle: Handle = async (...all) => {
      const ready = handlers[name]
      if (ready === undefined) throw new Error('the sandbox is still starting')
      await ready(...all)
    }
    const listener = await listen(name, { host, port: wanted, tls }, log, clock, handle)
    listeners.push(listener)
    return listener
  }
  try {
    const api = await open('api', port)
    const manage = await open('manage', managePort)
    const codeload = await open('codeload', 0)
    const urls = makeUrls(api.origin, codeload.origin, manage.origin, paths)
    const world = new World(clock)
    seed(world, urls)
    addFixedPages(world, urls)
    const limits = new Limits(switches, clock)
    const authenticator = new Authenticator(world, switches)
    const core: Core = { world, switches, limits, authenticator, maintenance, log, urls, paths, clock }
    const recorded = new Recorded(urls)
    const rest = new Api(core, recorded)
    const management = new ManageApi(core)
    handlers.api = (...all) => rest.handle(...all)
    handlers.manage = (...all) => management.handle(...all)
    handlers.codeload = (...all) => answerCodeload(core, recorded, ...all)
    return {
      origin: api.origin,
      manageOrigin: manage.origin,
      codeloadOrigin: codeload.origin,
      urls,
      switches,
      log,
      world,
      limits,
      forgetFailures: () => authenticator.forgetFailures(),
      recorded: recorded.served,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
