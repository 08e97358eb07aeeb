import type { Account, Asset, Issue, Release, Repository } from './model.ts'

/** What a new repository needs; the rest has defaults. */
export type NewRepository = Partial<Omit<Repository, 'id'>> & { owner: string; name: string; id?: number }

/** A user as a site administrator would create one; `now` in epoch milliseconds, as everywhere here. */
export function makeAccount(id: number, now: number, account: Partial<Account> & { login: string }): Account {
  return {
    id,
    type: 'User',
    name: account.login,
    siteAdmin: false,
    company: null,
    blog: '',
    location: null,
    email: null,
    bio: null,
    createdAt: now,
    updatedAt: now,
    password: null,
    twoFactor: null,
    oneTimeCode: '123456',
    members: new Set(),
    ...account,
  }
}

/** An empty public repository. */
export function makeRepository(id: number, now: number, repository: NewRepository): Repository {
  return {
    id,
    private: false,
    archived: false,
    description: null,
    homepage: null,
    language: null,
    defaultBranch: 'main',
    topics: [],
    createdAt: now,
    updatedAt: now,
    pushedAt: now,
    customProperties: {},
    variables: {},
    collaborators: new Map(),
    labels: [],
    issues: [],
    files: [],
    commits: [],
    releases: [],
    hooks: [],
    deployments: [],
    statuses: [],
    ...repository,
  }
}

/** An open issue. */
export function makeIssue(
  id: number,
  number: number,
  now: number,
  issue: Partial<Issue> & { title: string; author: string },
): Issue {
  return {
    id,
    number,
    body: null,
    state: 'open',
    stateReason: null,
    locked: false,
    labels: [],
    assignees: [],
    comments: [],
    createdAt: now,
    updatedAt: now,
    closedAt: null,
    ...issue,
  }
}

/** A published release without assets. */
export function makeRelease(
  id: number,
  now: number,
  release: Partial<Release> & { tag: string; author: string },
): Release {
  return { id, name: null, body: null, draft: false, prerelease: false, createdAt: now, assets: [], ...release }
}

/** An asset; without `content`, one of `size` bytes that is generated whenever it is downloaded. */
export function makeAsset(id: number, now: number, asset: Partial<Asset> & { name: string; uploader: string }): Asset {
  return {
    id,
    label: null,
    contentType: 'application/octet-stream',
    size: asset.content?.length ?? 0,
    content: null,
    sha256: null,
    downloads: 0,
    createdAt: now,
    updatedAt: now,
    ...asset,
  }
}
