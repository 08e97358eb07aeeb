import { claimOf } from '../../github/claim.ts'
import type { Credential } from '../../github/credential.ts'
import type { AcceptedCredentials, Digest, KnownAccounts, RateLimit } from '../../ports.ts'
import type { AnonymousApplication } from './anonymous-application.ts'
import type { Question } from './exchange.ts'

/** Whom the upstream charges for a question, as far as is known. */
export interface ChargedAccount {
  readonly name: string
  /** Whether the upstream has accepted the credential; until then it is nobody's but its own. */
  readonly isVouchedFor: boolean
}

export interface AccountsOptions {
  readonly known: KnownAccounts
  readonly accepted: AcceptedCredentials
  readonly digest: Digest
  /** Accounts by the base64 of the SHA-256 of a bare token, as the operator listed them. */
  readonly configured: ReadonlyMap<string, string>
  /** The account of requests without a credential. */
  readonly anonymous: string
  readonly application: AnonymousApplication | undefined
}

/** Windows of one budget that end this far apart (seconds) are two budgets' windows. */
const OTHER_WINDOW = 5
/**
 * Names that a user can have (GitHub, "Username considerations for external authentication"): at most 39 characters, in lower
 * case here. No token is so short, so none becomes the name of an account, which is shown to the operator.
 */
const USER_NAME = /^[a-z0-9][a-z0-9_-]{0,38}$/
/** What belongs to nobody who is known is an account of its own, named by a keyed fingerprint. */
const OWN = 'credential:'
const NO_BYTES = new Uint8Array(0)

/**
 * Whose budgets a credential uses. GitHub counts by user over all of a user's tokens, by installation, by OAuth application,
 * and by address where nobody says who they are ("Rate limits for the REST API"). What a credential says of itself counts only once
 * the upstream has accepted it.
 */
export class Accounts {
  readonly #options: AccountsOptions

  constructor(options: AccountsOptions) {
    this.#options = options
  }

  /** The account that the upstream charges for what says nothing of itself, a wrong credential included. */
  get address(): string {
    return this.#options.anonymous
  }

  of(question: Question): ChargedAccount {
    const { credential } = question
    const { accepted, application, anonymous } = this.#options
    if (!credential.isAnonymous) {
      return { name: this.nameOf(credential), isVouchedFor: accepted.has(credential.fingerprint) }
    }
    return { name: application?.accountOf(question) ?? anonymous, isVouchedFor: true }
  }

  /** The same, where nothing but the credential is known. */
  nameOf({ fingerprint, isAnonymous }: Credential): string {
    const { application, anonymous } = this.#options
    if (isAnonymous) return application?.account ?? anonymous
    return this.#known(fingerprint) ?? `${OWN}${fingerprint}`
  }

  /**
   * The account of a credential that the upstream has just accepted; from now on it is known.
   *
   * @param stated the numbers of that answer
   * @param latest what is known of an account's budget
   */
  accepted(
    question: Question,
    stated: RateLimit | undefined,
    latest: (account: string, resource: string) => RateLimit | undefined,
  ): ChargedAccount {
    const { fingerprint } = question.credential
    const known = this.#known(fingerprint)
    if (known !== undefined) return { name: known, isVouchedFor: true }
    let name = this.#claimed(question) ?? `${OWN}${fingerprint}`
    // A name beside a token that does not look like one is anybody's: then the numbers are not those of the named user.
    const held = stated === undefined ? undefined : latest(name, stated.resource)
    if (held !== undefined && Math.abs(held.reset - stated!.reset) > OTHER_WINDOW) name = `${OWN}${fingerprint}`
    this.#options.known.learn(fingerprint, name)
    return { name, isVouchedFor: true }
  }

  /**
   * The upstream has said who the user behind a credential is. A token that the operator listed stays where it was put.
   *
   * @returns the account's name
   */
  learnUser(question: Question, login: string): string {
    const claim = claimOf(question.headers, question.query)
    const token = claim.kind === 'token' ? claim.token : undefined
    const listed = token === undefined ? undefined : this.#listed(token)
    const account = listed ?? `user:${login.toLowerCase()}`
    const { known } = this.#options
    known.learn(question.credential.fingerprint, account)
    if (token !== undefined) known.learn(this.#nameOfToken(token), account)
    return account
  }

  /** The upstream has made a token for an installation. */
  learnInstallation(token: string, id: string): void {
    this.#options.known.learn(this.#nameOfToken(token), `installation:${id}`)
  }

  /** Whose a credential is known to be; also where that was learnt from the same token, sent in another way. */
  #known(fingerprint: string): string | undefined {
    const { known } = this.#options
    const name = known.of(fingerprint)
    return name?.startsWith(OWN) === true ? (known.of(name.slice(OWN.length)) ?? name) : name
  }

  #claimed({ headers, query }: Question): string | undefined {
    const claim = claimOf(headers, query)
    if (claim.kind === 'password') return USER_NAME.test(claim.userName) ? `user:${claim.userName}` : undefined
    if (claim.kind === 'application') return `application:${claim.clientId}`
    if (claim.kind !== 'token') return undefined
    const name = this.#nameOfToken(claim.token)
    return this.#listed(claim.token) ?? this.#options.known.of(name) ?? `${OWN}${name}`
  }

  /** Whose a token is, as the operator says. */
  #listed(token: string): string | undefined {
    const { configured, digest } = this.#options
    return configured.size === 0 ? undefined : configured.get(base64(digest.sha256(token, NO_BYTES)))
  }

  /** However a token is sent, it is one token: with `Bearer`, with `token`, or as a password. */
  #nameOfToken(token: string): string {
    return this.#options.digest.fingerprint(`bare token\n${token}`)
  }
}

function base64(hex: string): string {
  return btoa(hex.replace(/../g, (pair) => String.fromCharCode(Number.parseInt(pair, 16))))
}
