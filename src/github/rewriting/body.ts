import { PlaceCollector, plainView, splice, type UrlPlaces } from './places.ts'
import { rootBytes, type UrlRoots } from './roots.ts'
import type { RewriteRules } from './rules.ts'
import { UrlScanner } from './scan.ts'

/**
 * Where in a JSON body URLs of the upstream stand that GitHub, and no person, put there. Depends on the body, the roots and the
 * rules only: remember it with the body, and every further public origin costs just `splice`.
 *
 * A string is such a URL if it begins with a root at a boundary *and* its key says so (see keys.ts). Never throws: what is not
 * JSON has few such places or none.
 */
export function findUrlPlaces(body: Uint8Array, roots: UrlRoots, rules: RewriteRules): UrlPlaces {
  const bytes = rootBytes(roots)
  const collector = new PlaceCollector()
  if (rules.name !== 'nothing') new UrlScanner(bytes, rules).scan(plainView(body), true, collector)
  return collector.places(bytes.paths)
}

/**
 * The same rule for JSON that is too large to hold. Chunks may be cut anywhere; at most an unfinished key or the beginning of an
 * unfinished URL is held back, so that a string of any length streams through. Errors of `body` pass on; when the reader stops
 * early, `body` is told.
 */
export async function* rewriteStream(
  body: AsyncIterable<Uint8Array>,
  roots: UrlRoots,
  rules: RewriteRules,
  publicOrigin: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (rules.name === 'nothing') {
    yield* body
    return
  }
  const bytes = rootBytes(roots)
  const scanner = new UrlScanner(bytes, rules)
  let held: Uint8Array = new Uint8Array(0)
  for await (const chunk of body) {
    const joined = held.length === 0 ? plainView(chunk) : join(held, chunk)
    const collector = new PlaceCollector()
    const done = scanner.scan(joined, false, collector)
    // A copy, of a few bytes: the chunk's memory belongs to whoever sent it.
    held = joined.slice(done)
    if (done > 0) yield splice(joined.subarray(0, done), collector.places(bytes.paths), publicOrigin)
  }
  if (held.length === 0) return
  const collector = new PlaceCollector()
  scanner.scan(held, true, collector)
  yield splice(held, collector.places(bytes.paths), publicOrigin)
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
