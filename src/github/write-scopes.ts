/**
 * What a request concerns, for invalidation: the scopes that a write to this path ends the reuse of, and that a read of
 * it depends on.
 */

/**
 * The repository that a path names, case-folded as GitHub's own routing folds it, or `undefined`.
 *
 * @param path below the API root, raw
 */
export function repositoryOf(path: string): string | undefined {
  const match = /^\/repos\/([^/]+)\/([^/]+)/i.exec(path)
  if (match === null) return undefined
  return `repository ${fold(match[1]!)}/${fold(match[2]!)}`
}

/** Scopes that a read depends on. */
export function scopesOfRead(path: string, fingerprint: string): readonly string[] {
  const repository = repositoryOf(path)
  const credential = `credential ${fingerprint}`
  return repository === undefined ? [credential] : [credential, repository]
}

/**
 * Scopes that a write ends. `/repositories/{id}` names a repository by a number that nothing here can translate into
 * its name, so such a write ends everything: too much costs a free 304, too little a wrong answer.
 */
export function scopesOfWrite(path: string, fingerprint: string): readonly string[] | 'everything' {
  if (/^\/repositories(?:\/|$)/i.test(path)) return 'everything'
  return scopesOfRead(path, fingerprint)
}

function fold(segment: string): string {
  try {
    return decodeURIComponent(segment).toLowerCase()
  } catch {
    return segment.toLowerCase()
  }
}
