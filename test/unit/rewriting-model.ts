import type { UrlRoots } from '../../src/github/rewriting/index.ts'
import { LONGEST_KEY, PEOPLES_MAPS, PEOPLES_URLS, PEOPLES_VALUES } from '../../src/github/rewriting/keys.ts'

export const GHES: UrlRoots = {
  pairs: [
    { upstream: 'https://ghe.example.com/api/v3', path: '/api/v3' },
    { upstream: 'https://ghe.example.com/api/graphql', path: '/api/graphql' },
    { upstream: 'https://ghe.example.com/api/uploads', path: '/api/uploads' },
  ],
}

export const DOTCOM: UrlRoots = {
  pairs: [
    { upstream: 'https://api.github.com/graphql', path: '/api/graphql' },
    { upstream: 'https://uploads.github.com', path: '/api/uploads' },
    { upstream: 'https://api.github.com', path: '/api/v3' },
  ],
}

export const PUBLIC = 'http://127.0.0.1:8787'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Which answers differ from the general rule. */
export type Kind = 'general' | 'events' | 'gists' | 'scim' | 'analysis'

/** The rule as documentation says it, on parsed JSON: slow, and written without a look at the scanner. */
export class Model {
  readonly roots: UrlRoots
  readonly kind: Kind
  readonly slashesEscaped: boolean

  constructor(roots: UrlRoots, kind: Kind = 'general', slashesEscaped = false) {
    this.roots = roots
    this.kind = kind
    this.slashesEscaped = slashesEscaped
  }

  rewrite(value: Json): Json {
    return this.#walk(value, [])
  }

  /** `way` holds the object keys and list indexes that lead to the value. */
  #walk(value: Json, way: readonly (string | number)[]): Json {
    if (typeof value === 'string') return this.#isUrl(way) ? this.#point(value) : value
    if (value === null || typeof value !== 'object') return value
    const key = way.at(-1)
    if (typeof key === 'string' && this.#isPeoples(key, Array.isArray(value), way)) return value
    if (Array.isArray(value)) return value.map((item, index) => this.#walk(item, [...way, index]))
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.#walk(item, [...way, name])]))
  }

  #written(key: string): string {
    const text = JSON.stringify(key).slice(1, -1)
    return this.slashesEscaped ? text.replaceAll('/', '\\/') : text
  }

  #isStrange(key: string): boolean {
    const written = this.#written(key)
    if (Buffer.byteLength(written) > LONGEST_KEY) return true
    return written.includes('\\') && key !== 'github/alertUrl'
  }

  #isPeoples(key: string, isList: boolean, way: readonly (string | number)[]): boolean {
    if (this.#isStrange(key)) return true
    if (this.kind === 'analysis') return false
    if (this.kind === 'events' && key === 'payload' && way.length === 2 && typeof way[0] === 'number') return false
    if (PEOPLES_VALUES.includes(key)) return true
    if (isList) return false
    return PEOPLES_MAPS.includes(key) || (this.kind === 'gists' && key === 'files')
  }

  #isUrl(way: readonly (string | number)[]): boolean {
    const key = way.at(-1)
    if (typeof key !== 'string' || this.#isStrange(key)) return false
    if (key === 'github/alertUrl') return true
    if (this.kind === 'analysis' && way.length !== 1) return false
    if (this.kind !== 'analysis' && PEOPLES_VALUES.includes(key)) return false
    const parent = way.at(-2)
    if (parent === '_links') return true
    if (this.kind === 'scim' && (key === 'location' || key === '$ref')) return true
    if (PEOPLES_URLS.includes(key)) return false
    if (key === 'url') return parent !== 'app'
    return key === 'href' || key.endsWith('_url') || key.endsWith('_href')
  }

  #point(url: string): string {
    for (const { upstream, path } of this.roots.pairs) {
      if (!url.startsWith(upstream)) continue
      const rest = url.slice(upstream.length)
      if (!/^(?:$|[/?#{])/.test(rest)) continue
      const doubled = rest.startsWith(path) && /^(?:$|[/?#{])/.test(rest.slice(path.length))
      return PUBLIC + (doubled ? '' : path) + rest
    }
    return url
  }
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}
