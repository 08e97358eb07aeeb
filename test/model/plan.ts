import type { Fault } from './exchange.ts'
import type { Hint, RateLimited } from './limits.ts'
import type { Directive } from './reading.ts'
import type { Settings } from './rules.ts'
import type { Account, Level, Owner, Profile, Repository, TagRule } from './world.ts'

/** Which validators a client sends with a read. */
export type Holding = 'nothing' | 'own' | 'older' | 'several' | 'of another' | 'foreign' | 'garbage' | 'date' | 'both'

/** Which of two apps, which have addresses of their own and so a share each of what budget there is. */
export type App = 0 | 1

/** What happens, in order. Between two of them the schedule lets `steps` things of what is under way happen. */
export type Command = { readonly steps: number } & (
  | {
      readonly kind: 'read'
      readonly caller: number
      readonly resource: number
      readonly method: 'GET' | 'HEAD'
      readonly accept: number
      readonly apiVersion: boolean
      readonly holding: Holding
      readonly directive: Directive
      /** How often at once. */
      readonly times: number
      readonly app: App
    }
  | { readonly kind: 'write'; readonly caller: number; readonly writing: number; readonly app: App }
  | { readonly kind: 'leave'; readonly request: number }
  | { readonly kind: 'allow'; readonly account: Account; readonly repository: Repository; readonly level: Level }
  | { readonly kind: 'change'; readonly thing: number; readonly value: number }
  | { readonly kind: 'grow'; readonly thing: number; readonly items: number }
  | { readonly kind: 'rotate'; readonly caller: number; readonly revokes: boolean }
  | { readonly kind: 'rescope'; readonly caller: number }
  | { readonly kind: 'revoke'; readonly caller: number }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'leave over'; readonly caller: number; readonly resource: RateLimited; readonly left: number }
  | { readonly kind: 'slow down'; readonly caller: number; readonly milliseconds: number; readonly hint: Hint }
  | { readonly kind: 'flip'; readonly rule: TagRule }
  | { readonly kind: 'wait'; readonly milliseconds: number }
  | { readonly kind: 'rest' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'release' }
)

export interface Plan {
  readonly profile: Profile
  readonly settings: Settings
  /** What is read in this run: few things, so that requests meet. */
  readonly focus: readonly number[]
  /** Who asks in this run; commands count in it, round. */
  readonly cast: readonly number[]
  readonly store: 'at once' | 'later'
  readonly maxEntryBytes: number
  readonly bodyBytes: number
  readonly commands: readonly Command[]
}

/** Who asks: accounts with their schemes, nobody, and one whom the upstream has never accepted. */
export const CALLERS: readonly { readonly account: Owner; readonly scheme: string }[] = [
  { account: 'ann', scheme: 'token' },
  { account: 'bob', scheme: 'Bearer' },
  { account: 'bob', scheme: 'token' },
  { account: 'cat', scheme: 'Basic' },
  { account: 'nobody', scheme: '' },
  { account: 'intruder', scheme: 'token' },
]

/** Which of them is the one never accepted. */
export const STRANGER = CALLERS.length - 1

export const THINGS = ['one', 'open', 'file', 'user ann', 'user bob', 'issues', 'notifications ann', 'tags'] as const
export const COLLECTIONS = ['issues', 'tags', 'labels'] as const

export const ACCEPTS = [
  undefined,
  'application/vnd.github.v3+json',
  'application/json',
  'application/vnd.github.raw',
] as const
