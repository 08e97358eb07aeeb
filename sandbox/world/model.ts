/**
 * The things that the sandbox knows. Their fields are read-only: change them through `World`, which counts revisions,
 * because rendered bodies are kept until the revision changes.
 */
export type Permission = 'pull' | 'triage' | 'push' | 'maintain' | 'admin'

/** From least to most. */
export const PERMISSIONS: readonly Permission[] = ['pull', 'triage', 'push', 'maintain', 'admin']

/** A user, organisation or bot. Times are epoch milliseconds everywhere. */
export interface Account {
  readonly id: number
  readonly login: string
  readonly type: 'User' | 'Organization' | 'Bot'
  readonly name: string | null
  readonly siteAdmin: boolean
  readonly company: string | null
  readonly blog: string
  readonly location: string | null
  readonly email: string | null
  readonly bio: string | null
  readonly createdAt: number
  readonly updatedAt: number
  /** For Basic authentication; null: no login by password. */
  readonly password: string | null
  /** How the second factor is delivered; null: none. */
  readonly twoFactor: 'app' | 'sms' | null
  /** The one-time code that is accepted. */
  readonly oneTimeCode: string
  /** Of an organisation: its members' logins in lower case. */
  readonly members: ReadonlySet<string>
}

export interface Token {
  readonly value: string
  readonly kind: 'personal' | 'oauth' | 'installation'
  /** Whose it is; for an installation, its bot. */
  readonly login: string
  readonly scopes: readonly string[]
  /** Of an installation token. */
  readonly installation: number | null
}

export interface Application {
  readonly clientId: string
  readonly clientSecret: string
  readonly name: string
}

export interface Label {
  readonly id: number
  readonly name: string
  readonly color: string
  readonly description: string | null
  readonly default: boolean
}

export interface Comment {
  readonly id: number
  readonly author: string
  readonly body: string
  readonly createdAt: number
  readonly updatedAt: number
}

export interface Issue {
  readonly id: number
  readonly number: number
  readonly title: string
  readonly body: string | null
  readonly author: string
  readonly state: 'open' | 'closed'
  readonly stateReason: string | null
  readonly locked: boolean
  readonly labels: readonly string[]
  readonly assignees: readonly string[]
  readonly comments: readonly Comment[]
  readonly createdAt: number
  readonly updatedAt: number
  readonly closedAt: number | null
}

export interface Asset {
  readonly id: number
  readonly name: string
  readonly label: string | null
  readonly contentType: string
  /** Bytes. */
  readonly size: number
  /** Null: the content is generated while it is sent. */
  readonly content: Buffer | null
  readonly sha256: string | null
  readonly downloads: number
  readonly uploader: string
  readonly createdAt: number
  readonly updatedAt: number
}

export interface Release {
  readonly id: number
  readonly tag: string
  readonly name: string | null
  readonly body: string | null
  readonly author: string
  readonly draft: boolean
  readonly prerelease: boolean
  readonly createdAt: number
  readonly assets: readonly Asset[]
}

export interface File {
  readonly path: string
  readonly content: Buffer
  /** The git blob id, 40 hex. */
  readonly sha: string
}

export interface Commit {
  readonly sha: string
  readonly message: string
  readonly author: string
  readonly date: number
  /** The unified diff that the commit's `diff` representation consists of. */
  readonly diff: string
}

export interface Hook {
  readonly id: number
  readonly url: string
  readonly contentType: string
  readonly events: readonly string[]
  readonly active: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

export interface DeploymentStatus {
  readonly id: number
  readonly state: string
  readonly description: string
  readonly targetUrl: string
  readonly logUrl: string
  readonly environmentUrl: string
  readonly creator: string
  readonly createdAt: number
}

export interface Deployment {
  readonly id: number
  readonly sha: string
  readonly ref: string
  readonly task: string
  /** What the creator gave, text or an object, kept as it came. */
  readonly payload: string | Readonly<Record<string, unknown>>
  readonly environment: string
  readonly description: string | null
  readonly creator: string
  readonly createdAt: number
  readonly statuses: readonly DeploymentStatus[]
}

export interface CommitStatus {
  readonly id: number
  readonly sha: string
  readonly state: string
  readonly description: string | null
  readonly targetUrl: string | null
  readonly context: string
  readonly creator: string
  readonly createdAt: number
}

export interface WorldEvent {
  readonly id: string
  readonly type: string
  readonly actor: string
  readonly repository: number
  readonly payload: Readonly<Record<string, unknown>>
  readonly createdAt: number
}

export interface Repository {
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly private: boolean
  readonly archived: boolean
  readonly description: string | null
  readonly homepage: string | null
  readonly language: string | null
  readonly defaultBranch: string
  readonly topics: readonly string[]
  readonly createdAt: number
  readonly updatedAt: number
  readonly pushedAt: number
  readonly customProperties: Readonly<Record<string, string | readonly string[] | null>>
  readonly variables: Readonly<Record<string, string>>
  readonly collaborators: ReadonlyMap<string, Permission>
  readonly labels: readonly Label[]
  readonly issues: readonly Issue[]
  readonly files: readonly File[]
  readonly commits: readonly Commit[]
  readonly releases: readonly Release[]
  readonly hooks: readonly Hook[]
  readonly deployments: readonly Deployment[]
  readonly statuses: readonly CommitStatus[]
}

/** Lets `World`, and nobody else, write. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] }
