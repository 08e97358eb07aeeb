import { Api } from './api.ts'
import { Authenticator } from './authentication.ts'
import { answerCodeload } from './codeload.ts'
import type { Core } from './exchange.ts'
import { Limits } from './limits.ts'
import type { Tls } from './listener.ts'
import { listen } from './listener.ts'
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
  const handlers: { api?: Api; manage?: ManageApi; core?: Core; recorded?: Recorded } = {}
  const ready = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the sandbox is still starting')
    return value
  }
  const api = await listen(
    'api',
    { host, port, tls },
    log,
    clock,
    () =>
      (...all) =>
        ready(handlers.api).handle(...all),
  )
  const manage = await listen(
    'manage',
    { host, port: managePort, tls },
    log,
    clock,
    () =>
      (...all) =>
        ready(handlers.manage).handle(...all),
  ).catch(async (error: unknown) => {
    await api.close()
    throw error
  })
  const codeload = await listen(
    'codeload',
    { host, port: 0, tls },
    log,
    clock,
    () =>
      (...all) =>
        answerCodeload(ready(handlers.core), ready(handlers.recorded), ...all),
  )
  const close = async () => {
    await Promise.all([api.close(), manage.close(), codeload.close()])
  }
  try {
    const urls = makeUrls(api.origin, codeload.origin, manage.origin, paths)
    const world = new World(clock)
    seed(world, urls)
    addFixedPages(world, urls)
    const limits = new Limits(switches, clock)
    const authenticator = new Authenticator(world, switches)
    const core: Core = { world, switches, limits, authenticator, maintenance, log, urls, paths, clock }
    const recorded = new Recorded(urls)
    Object.assign(handlers, { core, recorded, api: new Api(core, recorded), manage: new ManageApi(core) })
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
