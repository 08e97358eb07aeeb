/**
 * What a request concerns, for invalidation: the scopes that a write to this path ends the reuse of, and that a read of
 * it depends on.
 */

/** `/repositories/{id}` names a repository by a number that nothing here can translate into its name. */
const SOME_REPOSITORY = 'some repository'

/**
 * The repository that a path names, case-folded as GitHub's own routing folds it, or `undefined`.
 *
 * @param path below the API root, raw
 */
export function repositoryOf(path: string): string | undefined {
  const [collection, owner, name] = segmentsOf(path)
  return collection === 'repos' && owner !== undefined && name !== undefined ? `repository ${owner}/${name}` : undefined
}

/** The scope of everything that one credential was answered. */
export function credentialScope(fingerprint: string): string {
  return `credential ${fingerprint}`
}

/** Scopes that a read depends on. A repository read by its number may be any of those that are written to by name. */
export function scopesOfRead(path: string, fingerprint: string): readonly string[] {
  const credential = credentialScope(fingerprint)
  if (isById(path)) return [credential, SOME_REPOSITORY]
  const repository = repositoryOf(path)
  return repository === undefined ? [credential] : [credential, repository]
}

/**
 * Scopes that a write ends. A write to `/repositories/{id}` ends everything: too much costs a free 304, too little a
 * wrong answer.
 */
export function scopesOfWrite(path: string, fingerprint: string): readonly string[] | 'everything' {
  if (isById(path)) return 'everything'
  const repository = repositoryOf(path)
  const credential = credentialScope(fingerprint)
  return repository === undefined ? [credential] : [credential, repository, SOME_REPOSITORY]
}

function isById(path: string): boolean {
  return segmentsOf(path)[0] === 'repositories'
}

/**
 * The first three segments as the upstream may understand them: escapes decoded (byte by byte: only equality matters),
 * empty segments dropped, case folded.
 */
function segmentsOf(path: string): string[] {
  const plain = path.includes('%')
    ? path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : path
  const segments: string[] = []
  for (const segment of plain.split('/')) {
    if (segment !== '' && segments.push(segment.toLowerCase()) === 3) break
  }
  return segments
}
