import { blobId, makeCommit } from './git.ts'
import type { NewRepository } from './make.ts'
import { makeAccount, makeAsset, makeIssue, makeRelease, makeRepository } from './make.ts'
import type {
  Account,
  Application,
  Asset,
  Comment,
  Commit,
  File,
  Issue,
  Label,
  Mutable,
  Permission,
  Release,
  Repository,
  Token,
  WorldEvent,
} from './model.ts'
import { PERMISSIONS } from './model.ts'

/** A fixed JSON page, served to anybody under the API root at its path. */
export interface FixedPage {
  body: Buffer
  contentType: string
  /** Epoch milliseconds. */
  lastModified: number | null
}

/**
 * The living model. Every method that changes something counts up `revision`, which is what keeps rendered bodies
 * from being sent after the thing behind them has changed.
 */
export class World {
  /** Counts changes. */
  revision = 0
  readonly clock: () => number
  readonly accounts = new Map<string, Account>()
  readonly tokens = new Map<string, Token>()
  readonly applications = new Map<string, Application>()
  readonly repositories = new Map<number, Repository>()
  /** Repositories starred, by login in lower case. */
  readonly stars = new Map<string, Set<number>>()
  readonly events: WorldEvent[] = []
  readonly fixedPages = new Map<string, FixedPage>()
  /** Repositories whose statistics have been asked for: the first answer is 202. */
  private readonly statisticsReady = new Set<number>()
  private readonly names = new Map<string, number>()
  private nextId = 1000

  constructor(clock: () => number) {
    this.clock = clock
  }

  /** Counts a change made by other means than these methods. */
  touch(): void {
    this.revision += 1
  }

  /** An id that nothing has yet. */
  newId(): number {
    this.nextId += 1
    return this.nextId
  }

  addAccount(account: Partial<Account> & { login: string }): Account {
    const made = makeAccount(account.id ?? this.newId(), this.clock(), account)
    this.accounts.set(made.login.toLowerCase(), made)
    this.touch()
    return made
  }

  updateAccount(login: string, change: Partial<Account>): Account {
    const account = this.account(login)
    return this.addAccount({ ...account, updatedAt: this.clock(), ...change, id: account.id, login: account.login })
  }

  /** @throws RangeError for an unknown login */
  account(login: string): Account {
    const found = this.accounts.get(login.toLowerCase())
    if (found === undefined) throw new RangeError(`no account ${login}`)
    return found
  }

  addToken(login: string, value: string, more: Partial<Omit<Token, 'value' | 'login'>> = {}): Token {
    const token: Token = { kind: 'personal', scopes: ['repo', 'user'], installation: null, ...more, value, login }
    this.tokens.set(value, token)
    this.touch()
    return token
  }

  revokeToken(value: string): void {
    this.tokens.delete(value)
    this.touch()
  }

  addApplication(application: Application): Application {
    this.applications.set(application.clientId, application)
    return application
  }

  addRepository(repository: NewRepository): Repository {
    const made = makeRepository(repository.id ?? this.newId(), this.clock(), repository)
    this.repositories.set(made.id, made)
    this.names.set(`${made.owner}/${made.name}`.toLowerCase(), made.id)
    this.touch()
    return made
  }

  /** The repository under its present or a former name, with `renamed` true for a former one. */
  lookUp(owner: string, name: string): { repository: Repository; renamed: boolean } | null {
    const full = `${owner}/${name}`.toLowerCase()
    const id = this.names.get(full)
    const repository = id === undefined ? undefined : this.repositories.get(id)
    if (repository === undefined) return null
    return { repository, renamed: `${repository.owner}/${repository.name}`.toLowerCase() !== full }
  }

  /** The repository `owner/name`. @throws RangeError where there is none */
  repository(fullName: string): Repository {
    const [owner = '', name = ''] = fullName.split('/')
    const found = this.lookUp(owner, name)
    if (found === null) throw new RangeError(`no repository ${fullName}`)
    return found.repository
  }

  /** Changes fields in place, so that others who hold the repository see them. */
  updateRepository(repository: Repository, change: Partial<Repository>): Repository {
    Object.assign(repository as Mutable<Repository>, { updatedAt: this.clock() }, change)
    this.touch()
    return repository
  }

  /** Renames; the former name goes on redirecting until another repository takes it. */
  renameRepository(fullName: string, name: string): Repository {
    const repository = this.repository(fullName)
    this.updateRepository(repository, { name })
    this.names.set(`${repository.owner}/${name}`.toLowerCase(), repository.id)
    return repository
  }

  deleteRepository(repository: Repository): void {
    this.repositories.delete(repository.id)
    for (const [name, id] of this.names) if (id === repository.id) this.names.delete(name)
    this.touch()
  }

  setCollaborator(repository: Repository, login: string, permission: Permission | null): void {
    const collaborators = new Map(repository.collaborators)
    if (permission === null) collaborators.delete(login.toLowerCase())
    else collaborators.set(login.toLowerCase(), permission)
    this.updateRepository(repository, { collaborators, updatedAt: repository.updatedAt })
  }

  /** What an account may do with a repository; null: it may not know that it exists. */
  permission(repository: Repository, login: string | null): Permission | null {
    const candidates: Permission[] = repository.private ? [] : ['pull']
    if (login !== null) {
      const key = login.toLowerCase()
      if (repository.owner.toLowerCase() === key) candidates.push('admin')
      if (this.accounts.get(repository.owner.toLowerCase())?.members.has(key)) candidates.push('pull')
      const given = repository.collaborators.get(key)
      if (given !== undefined) candidates.push(given)
    }
    return candidates.sort((a, b) => PERMISSIONS.indexOf(b) - PERMISSIONS.indexOf(a))[0] ?? null
  }

  addLabel(repository: Repository, label: Partial<Label> & { name: string }): Label {
    const made: Label = { id: this.newId(), color: 'ededed', description: null, default: false, ...label }
    this.updateRepository(repository, { labels: [...repository.labels, made], updatedAt: repository.updatedAt })
    return made
  }

  addIssue(repository: Repository, issue: Partial<Issue> & { title: string; author: string }): Issue {
    const number = repository.issues.reduce((highest, other) => Math.max(highest, other.number), 0) + 1
    const made = makeIssue(this.newId(), number, this.clock(), issue)
    ;(repository.issues as Issue[]).push(made)
    this.touch()
    return made
  }

  updateIssue(issue: Issue, change: Partial<Issue>): Issue {
    Object.assign(issue as Mutable<Issue>, { updatedAt: this.clock() }, change)
    this.touch()
    return issue
  }

  addComment(issue: Issue, comment: Partial<Comment> & { author: string; body: string }): Comment {
    const now = this.clock()
    const made: Comment = { id: this.newId(), createdAt: now, updatedAt: now, ...comment }
    this.updateIssue(issue, { comments: [...issue.comments, made] })
    return made
  }

  /** Creates or replaces a file, with the commit that does so. */
  putFile(repository: Repository, path: string, content: Buffer, message: string, author: string): Commit {
    const file: File = { path, content, sha: blobId(content) }
    const date = this.clock()
    const commit = makeCommit(repository.commits[0]?.sha ?? '', file, message, author, date)
    this.updateRepository(repository, {
      files: [...repository.files.filter((other) => other.path !== path), file].sort((a, b) =>
        a.path < b.path ? -1 : 1,
      ),
      commits: [commit, ...repository.commits],
      pushedAt: date,
    })
    return commit
  }

  addRelease(repository: Repository, release: Partial<Release> & { tag: string; author: string }): Release {
    const made = makeRelease(this.newId(), this.clock(), release)
    this.updateRepository(repository, { releases: [made, ...repository.releases], updatedAt: repository.updatedAt })
    return made
  }

  /** Adds an asset; without `content`, one of `size` bytes is generated whenever it is downloaded. */
  addAsset(release: Release, asset: Partial<Asset> & { name: string; uploader: string }): Asset {
    const made = makeAsset(this.newId(), this.clock(), asset)
    ;(release as Mutable<Release>).assets = [...release.assets, made]
    this.touch()
    return made
  }

  addEvent(event: Omit<WorldEvent, 'id' | 'createdAt'> & { createdAt?: number }): WorldEvent {
    const made: WorldEvent = { createdAt: this.clock(), ...event, id: String(40_000_000_000 + this.newId()) }
    this.events.unshift(made)
    this.touch()
    return made
  }

  setStar(login: string, repository: Repository, starred: boolean): void {
    const set = this.stars.get(login.toLowerCase()) ?? new Set()
    if (starred) set.add(repository.id)
    else set.delete(repository.id)
    this.stars.set(login.toLowerCase(), set)
    this.touch()
  }

  /** Whether the statistics have been computed; asking starts the computing, which is done by the next question. */
  statistics(repository: Repository): boolean {
    if (this.statisticsReady.has(repository.id)) return true
    this.statisticsReady.add(repository.id)
    return false
  }

  /** Serves `body` at `path` below the API root; the path begins with a slash. */
  setFixedPage(path: string, body: Buffer | string, contentType = 'application/json; charset=utf-8'): void {
    this.fixedPages.set(path, { body: Buffer.from(body), contentType, lastModified: null })
    this.touch()
  }
}
