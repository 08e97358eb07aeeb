import { headerValue } from '../http/headers.ts'
import type { HeaderList } from '../ports.ts'
import type { UpstreamAddress } from './upstream.ts'

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
  return repositoryScope(segmentsOf(path))
}

/** The scope of everything that one credential was answered. */
export function credentialScope(fingerprint: string): string {
  return `credential ${fingerprint}`
}

/** Scopes that a read depends on. A repository read by its number may be any of those that are written to by name. */
export function scopesOfRead(path: string, fingerprint: string): readonly string[] {
  const segments = segmentsOf(path)
  const scopes = [credentialScope(fingerprint), targetScope(segments)]
  const repository = isById(segments) ? SOME_REPOSITORY : repositoryScope(segments)
  if (repository !== undefined) scopes.push(repository)
  return scopes
}

/**
 * Scopes that a write ends: the writer's own reads, the repository, and the URL itself, whoever reads it (RFC 9111 §4.4).
 * A write to `/repositories/{id}` ends everything: too much costs a free 304, too little a wrong answer.
 *
 * @param fingerprint `undefined` where the write carries no credential: then there is no caller of one's own, and every
 *   other anonymous one would be meant too
 */
export function scopesOfWrite(path: string, fingerprint: string | undefined): readonly string[] | 'everything' {
  const segments = segmentsOf(path)
  if (isById(segments)) return 'everything'
  const scopes = [targetScope(segments)]
  if (fingerprint !== undefined) scopes.push(credentialScope(fingerprint))
  const repository = repositoryScope(segments)
  if (repository !== undefined) scopes.push(repository, SOME_REPOSITORY)
  return scopes
}

/**
 * Scopes of what the answer to a write names as made or changed, by `Location` and `Content-Location` (RFC 9111 §4.4):
 * on the same upstream alone, for a server speaks for nobody else.
 *
 * @param address of the write
 * @param path of the write, below the API root
 */
export function scopesOfLocations(
  headers: HeaderList,
  { origin, target }: UpstreamAddress,
  path: string,
): readonly string[] {
  const [written = ''] = target.split('?', 1)
  const root = written.slice(0, written.length - path.length)
  const scopes: string[] = []
  for (const name of ['location', 'content-location']) {
    const value = headerValue(headers, name)
    if (value === undefined || !URL.canParse(value, origin + written)) continue
    const named = new URL(value, origin + written)
    if (named.origin === origin && named.pathname.startsWith(root)) {
      scopes.push(targetScope(segmentsOf(named.pathname.slice(root.length))))
    }
  }
  return scopes
}

/** Names are no longer than this: two that begin alike are then written to and read as one. */
const LONGEST_TARGET = 256

/** The scope of one URL without its query, whoever reads it. */
function targetScope(segments: readonly string[]): string {
  return `target ${segments.join('/').slice(0, LONGEST_TARGET)}`
}

function repositoryScope([collection, owner, name]: readonly string[]): string | undefined {
  return collection === 'repos' && owner !== undefined && name !== undefined ? `repository ${owner}/${name}` : undefined
}

function isById([collection]: readonly string[]): boolean {
  return collection === 'repositories'
}

/**
 * The segments as the upstream may understand them: escapes decoded (byte by byte: only equality matters), empty
 * segments dropped, case folded.
 */
function segmentsOf(path: string): string[] {
  const plain = path.includes('%')
    ? path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : path
  return plain
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '')
}
