import { Limits, type LimitsProfile } from './limits.ts'

/*
 * The state of the model's upstream: who there is, what they may do, and what there is to read. Nothing in this file, nor in
 * the rest of the model's upstream and its judge, comes from `src/`: a rule that is wrong there must not be wrong here as well.
 */

export const UPSTREAM = 'https://ghes.example'
export const PUBLIC = 'https://weir.example'

/** A Wednesday, a whole second: `Date` fields made from it lose nothing. */
export const START = Date.UTC(2026, 3, 15, 12, 0, 0)

/**
 * What an account may do with a repository. `blocked`: it exists for them, and is refused with a 403; `challenged`: with a
 * 401, which is about this repository and not about who asks.
 */
export type Level = 'none' | 'blocked' | 'challenged' | 'read' | 'write'

export type Repository = 'one' | 'two' | 'open'
export const REPOSITORIES: readonly Repository[] = ['one', 'two', 'open']

export const ACCOUNTS = ['ann', 'bob', 'cat'] as const
export type Account = (typeof ACCOUNTS)[number]

/**
 * How the upstream makes entity tags. `github`: SHA-256 over `Accept`, `Authorization` and the body. `opaque`: another secret
 * one per token. `body`: the same for everybody who gets these bytes. `version`: names the state of the thing and not what this
 * reader sees of it, as git's own names do. `none`: there is only `Last-Modified`.
 */
export type TagRule = 'github' | 'opaque' | 'body' | 'version' | 'none'

/** What never changes about an upstream while it runs. */
export interface Profile {
  readonly rule: TagRule
  /** Whether `If-None-Match` is read as a list, or compared as a whole. */
  readonly readsLists: boolean
  readonly tagOn304: boolean
  readonly linkOn304: boolean
  readonly mediaTypeOn304: boolean
  /** `Cache-Control` of what is answered to a credential, and to none. */
  readonly credentialed: string | undefined
  readonly anonymous: string | undefined
  /** Whether refusals and redirects carry it too. */
  readonly onErrors: boolean
  readonly limits: LimitsProfile
}

/** Something that can be read in several ways. */
export interface Thing {
  /** What it says: few values, so that it often returns to what it was. */
  value: number
  /** How many items there are, where it is a collection. */
  items: number
  /** Counts its changes: never the same twice. */
  version: number
  /** Epoch ms. */
  changedAt: number
}

export interface Token {
  readonly account: Account
  scopes: number
}

export class World {
  now = START
  rule: TagRule
  readonly profile: Profile
  readonly limits: Limits
  readonly tokens = new Map<string, Token>()
  /** Whose they are, or were. */
  readonly #owners = new Map<string, Account>()
  readonly #levels = new Map<string, Level>()
  readonly #things = new Map<string, Thing>()
  #issued = 0

  constructor(profile: Profile) {
    this.profile = profile
    this.rule = profile.rule
    this.limits = new Limits(profile.limits)
    for (const account of ACCOUNTS) for (const repository of REPOSITORIES) this.allow(account, repository, 'read')
    this.allow('ann', 'one', 'write')
    this.thing('issues').items = 2
    this.thing('tags').items = 30
  }

  /** A new token of an account. */
  issue(account: Account): string {
    const text = `${account}-token-${++this.#issued}`
    this.tokens.set(text, { account, scopes: 0 })
    this.#owners.set(text, account)
    return text
  }

  allow(account: Account, repository: Repository, level: Level): void {
    this.#levels.set(`${account} ${repository}`, level)
  }

  /** Everybody may read `open`. */
  levelOf(account: Account | undefined, repository: Repository): Level {
    const level = account === undefined ? 'none' : (this.#levels.get(`${account} ${repository}`) ?? 'none')
    return repository === 'open' && level !== 'write' ? 'read' : level
  }

  thing(name: string): Thing {
    let thing = this.#things.get(name)
    if (thing === undefined) {
      thing = { value: 0, items: 0, version: 1, changedAt: START - 86_400_000 }
      this.#things.set(name, thing)
    }
    return thing
  }

  change(name: string, changed: Partial<Pick<Thing, 'value' | 'items'>>): void {
    const thing = this.thing(name)
    const { value = thing.value, items = thing.items } = changed
    if (value === thing.value && items === thing.items) return
    Object.assign(thing, { value, items, version: thing.version + 1, changedAt: this.now })
  }

  /** Whom an exact `Authorization` names; `undefined` where the upstream does not accept it. */
  tokenOf(authorization: string): Token | undefined {
    return this.tokens.get(secretIn(authorization))
  }

  /** Whose credential it is, or was when it was accepted. */
  ownerOf(authorization: string | undefined): Owner {
    return authorization === undefined ? 'nobody' : (this.#owners.get(secretIn(authorization)) ?? 'intruder')
  }
}

/** Somebody with an account, those who name none, or one whom the upstream has never accepted. */
export type Owner = Account | 'nobody' | 'intruder'

/** An `Authorization`. With `Basic` the token is a password, beside the account's name. */
export function authorizationOf(scheme: string, owner: Owner, secret: string): string {
  return scheme === 'Basic' ? `Basic ${btoa(`${owner}:${secret}`)}` : `${scheme} ${secret}`
}

function secretIn(authorization: string): string {
  const value = authorization.slice(authorization.indexOf(' ') + 1)
  if (!authorization.startsWith('Basic ')) return value
  const pair = atob(value)
  return pair.slice(pair.indexOf(':') + 1)
}
