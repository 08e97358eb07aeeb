import { Failure } from '../../errors.ts'
import type { Clock } from '../../ports.ts'
import { forgetOldest } from './oldest.ts'

/** For how long a wrong password counts, ms. */
const WINDOW = 60_000
/** Wrong passwords that one client may try for one user name in that time: somebody mistypes, or tries an old one. */
const MOST_PER_USER_AND_CLIENT = 3
/** The same for one user name by all clients together: less than makes the upstream lock the user out. */
const MOST_PER_USER = 10
/** The same for one client over all user names: one that tries the same few passwords on everybody. */
const MOST_PER_CLIENT = 30
/** User names, clients and passwords that are remembered; what was used longest ago goes first. */
const MOST_REMEMBERED = 10_000
/** Requests that may wait for the answer to the same password. */
const MOST_WAITING = 1000

/** A password that a request claims to be good. */
export interface Password {
  /** Upstream and user name. */
  readonly user: string
  /** Whose share of the attempts it is (`Client.group`). */
  readonly group: string
  /** Of the exact credential. */
  readonly fingerprint: string
  /** Upstream and fingerprint without the one-time password, where there is one beside it. */
  readonly withoutOneTime: string | undefined
}

/** How an attempt ended. `neither`: the upstream did not say whether the password is right, or was not asked. */
export type AttemptEnd = 'right' | 'wrong' | 'neither'

/**
 * Counts unknown passwords that go upstream, because it locks a user out, good passwords included, after several wrong
 * ones (seed, "Failed login limit"). Each counts once, however often it is tried; while it is out it counts as wrong.
 */
export class PasswordAttempts {
  readonly #clock: Clock
  readonly #users = new Map<string, Tries>()
  readonly #clients = new Map<string, Tries>()
  /** Passwords that were right beside a one-time password: the next one makes another credential of the same. */
  readonly #right = new Set<string>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether the password has been right before, beside another one-time password. */
  knows({ withoutOneTime }: Password): boolean {
    return withoutOneTime !== undefined && this.#right.has(withoutOneTime)
  }

  /** Whether a password that the upstream has not accepted may go there. */
  allows(password: Password): boolean {
    const { user, group } = password
    const name = nameOf(password)
    const now = this.#clock.now()
    const ofClient = this.#clients.get(group)
    if (ofClient !== undefined) {
      if (ofClient.countOthers(name, now) >= MOST_PER_CLIENT) return false
      if (ofClient.countOthers(name, now, user) >= MOST_PER_USER_AND_CLIENT) return false
    }
    // What others try for the same user must not keep the user's own password from going.
    if (this.knows(password)) return true
    const ofUser = this.#users.get(user)
    return ofUser === undefined || ofUser.countOthers(name, now) < MOST_PER_USER
  }

  /**
   * It goes upstream: to be called only where it is allowed.
   *
   * @returns to be called once, when it is known how it ended
   */
  begin(password: Password): (end: AttemptEnd) => void {
    const { user, group } = password
    const name = nameOf(password)
    const settleForClient = this.#tries(this.#clients, group).begin(name, user)
    const settleForUser = this.knows(password) ? undefined : this.#tries(this.#users, user).begin(name, user)
    return (end) => {
      const now = this.#clock.now()
      settleForClient(end, now)
      if (settleForUser !== undefined) settleForUser(end, now)
      else if (end === 'right') this.#users.get(user)?.clear(name)
    }
  }

  /** Notes what the upstream said of a password that came with a one-time password. */
  learn({ withoutOneTime }: Password, isRight: boolean): void {
    if (withoutOneTime === undefined) return
    this.#right.delete(withoutOneTime)
    if (!isRight) return
    if (this.#right.size >= MOST_REMEMBERED) forgetOldest(this.#right)
    this.#right.add(withoutOneTime)
  }

  #tries(all: Map<string, Tries>, key: string): Tries {
    const known = all.get(key)
    if (known !== undefined) all.delete(key)
    else if (all.size >= MOST_REMEMBERED) forgetOldest(all)
    const tries = known ?? new Tries()
    all.set(key, tries)
    return tries
  }
}

/** The same password for another upstream is another attempt. */
function nameOf({ user, fingerprint }: Password): string {
  return `${user} ${fingerprint}`
}

interface Try {
  readonly user: string
  /** Requests with it that are out. */
  out: number
  /** When it was last found wrong: epoch ms. */
  wrongAt: number
}

const NEVER = Number.NEGATIVE_INFINITY

/** What was tried for one user name or by one client: never more than may be, for nothing else is let in. */
class Tries {
  readonly #tries = new Map<string, Try>()

  /** How many others count, of those for one user or of all. */
  countOthers(name: string, now: number, user?: string): number {
    let count = 0
    for (const [other, tried] of this.#tries) {
      if (tried.out === 0 && now - tried.wrongAt >= WINDOW) this.#tries.delete(other)
      else if (other !== name && (user === undefined || tried.user === user)) count++
    }
    return count
  }

  begin(name: string, user: string): (end: AttemptEnd, now: number) => void {
    const tried = this.#tries.get(name) ?? { user, out: 0, wrongAt: NEVER }
    tried.out++
    this.#tries.set(name, tried)
    return (end, now) => {
      tried.out--
      // Not when it was sent: the upstream may have counted it at any time until now.
      if (end === 'wrong') tried.wrongAt = now
      else if (end === 'right') tried.wrongAt = NEVER
    }
  }

  /** It is not wrong after all. */
  clear(name: string): void {
    const tried = this.#tries.get(name)
    if (tried !== undefined) tried.wrongAt = NEVER
  }
}

/**
 * Lets one request with an unknown password go ahead and the others that carry the same wait for its answer: a client
 * whose password is outdated starts with many requests at once, and each would be a failed login.
 */
export class Turns {
  /** As many as there are requests out, at the most. */
  readonly #ahead = new Map<string, { readonly answered: Promise<void>; waiting: number }>()

  /**
   * The wait for the request that is ahead, or `undefined` where none is.
   *
   * @throws Failure `upstream-busy` when too many wait already; rejects with `client-gone` when the signal aborts
   */
  wait(password: Password, signal: AbortSignal): Promise<void> | undefined {
    const ahead = this.#ahead.get(nameOf(password))
    if (ahead === undefined) return undefined
    if (ahead.waiting >= MOST_WAITING) throw new Failure('upstream-busy')
    ahead.waiting++
    return new Promise<void>((resolve, reject) => {
      const end = () => {
        ahead.waiting--
        signal.removeEventListener('abort', leave)
      }
      const leave = () => {
        end()
        reject(new Failure('client-gone'))
      }
      if (signal.aborted) return leave()
      signal.addEventListener('abort', leave, { once: true })
      void ahead.answered.then(() => {
        end()
        resolve()
      })
    })
  }

  /**
   * This request goes ahead: to be called only where none is.
   *
   * @returns to be called when it is answered
   */
  begin(password: Password): () => void {
    const name = nameOf(password)
    let settle = () => {}
    const answered = new Promise<void>((resolve) => {
      settle = resolve
    })
    this.#ahead.set(name, { answered, waiting: 0 })
    return () => {
      this.#ahead.delete(name)
      settle()
    }
  }
}
