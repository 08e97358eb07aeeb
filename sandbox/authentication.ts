import type { IncomingHttpHeaders } from 'node:http'
import { forbidden, unauthorized } from './answer.ts'
import type { Switches } from './switches.ts'
import type { Account, Token } from './world/model.ts'
import type { World } from './world/world.ts'

/** Who asks, as far as the sandbox is convinced. */
export interface Identity {
  kind: 'anonymous' | 'user' | 'installation' | 'application'
  /** The user or the installation's bot; null for the anonymous and for OAuth applications. */
  user: Account | null
  /** Null for credentials without scopes: passwords, installations. */
  scopes: readonly string[] | null
  /** Whom requests are charged to. */
  account: string
}

/** The credential of a request: the `Authorization` value, else the query's, else null. */
export function credentialOf(headers: IncomingHttpHeaders, query: URLSearchParams, switches: Switches): string | null {
  if (headers.authorization !== undefined) return headers.authorization
  if (!switches.queryCredentials) return null
  const token = query.get('access_token')
  if (token !== null) return `token ${token}`
  const id = query.get('client_id')
  const secret = query.get('client_secret')
  if (id === null || secret === null) return null
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}

/** Decides who asks. Failed logins are remembered per user name, in the sandbox's own time. */
export class Authenticator {
  private readonly world: World
  private readonly switches: Switches
  private readonly failures = new Map<string, number[]>()

  constructor(world: World, switches: Switches) {
    this.world = world
    this.switches = switches
  }

  /** Forgets all failed logins. */
  forgetFailures(): void {
    this.failures.clear()
  }

  /**
   * @param address what anonymous requests, and those that fail, are charged to
   * @throws Refusal 401 for a wrong credential or a missing second factor, 403 for a locked login
   */
  identify(credential: string | null, headers: IncomingHttpHeaders, address: string): Identity {
    if (credential === null) return { kind: 'anonymous', user: null, scopes: null, account: `address:${address}` }
    const [, scheme = '', value = ''] = /^\s*(\S+)\s+(.*?)\s*$/.exec(credential) ?? []
    switch (scheme.toLowerCase()) {
      case 'token':
      case 'bearer':
        return this.byToken(value)
      case 'basic':
        return this.byBasic(value, headers)
      default:
        throw this.badCredentials()
    }
  }

  private byToken(value: string): Identity {
    const token = this.world.tokens.get(value)
    if (token === undefined) throw this.badCredentials()
    this.refuseLocked(token.login)
    return this.identityOf(token)
  }

  private identityOf(token: Token): Identity {
    const user = this.world.account(token.login)
    return token.installation === null
      ? { kind: 'user', user, scopes: token.scopes, account: `user:${user.login}` }
      : { kind: 'installation', user, scopes: null, account: `installation:${token.installation}` }
  }

  private byBasic(value: string, headers: IncomingHttpHeaders): Identity {
    const pair = Buffer.from(value, 'base64').toString('utf8')
    const colon = pair.indexOf(':')
    const login = colon === -1 ? pair : pair.slice(0, colon)
    const password = colon === -1 ? '' : pair.slice(colon + 1)
    const application = this.world.applications.get(login)
    if (application !== undefined && application.clientSecret === password) {
      return { kind: 'application', user: null, scopes: null, account: `application:${login}` }
    }
    this.refuseLocked(login)
    // A token counts in either place: as the password, or as the name with anything after it.
    const token = this.world.tokens.get(password) ?? this.world.tokens.get(login)
    if (token !== undefined) return this.identityOf(token)
    const user = this.world.accounts.get(login.toLowerCase())
    if (user === undefined || user.password === null || user.password !== password) {
      this.recordFailure(login)
      throw this.badCredentials()
    }
    if (user.twoFactor !== null) this.checkOneTimeCode(user, headers['x-github-otp'])
    return { kind: 'user', user, scopes: null, account: `user:${user.login}` }
  }

  private checkOneTimeCode(user: Account, code: string | string[] | undefined): void {
    if (code === user.oneTimeCode) return
    if (code !== undefined) this.recordFailure(user.login)
    throw unauthorized(this.switches.version, 'Must specify two-factor authentication OTP code.', [
      'X-GitHub-OTP',
      `required; ${user.twoFactor}`,
    ])
  }

  private badCredentials() {
    return unauthorized(this.switches.version, 'Bad credentials')
  }

  private recordFailure(login: string): void {
    const key = login.toLowerCase()
    this.failures.set(key, [...this.recentFailures(key), this.world.clock()])
  }

  private recentFailures(key: string): number[] {
    const since = this.world.clock() - this.switches.failedLogins.windowSeconds * 1000
    return (this.failures.get(key) ?? []).filter((time) => time > since)
  }

  private refuseLocked(login: string): void {
    const failures = this.failures.get(login.toLowerCase())
    if (failures === undefined || this.recentFailures(login.toLowerCase()).length < this.switches.failedLogins.limit)
      return
    throw forbidden(this.switches.version, 'Maximum number of login attempts exceeded. Please try again later.')
  }
}
