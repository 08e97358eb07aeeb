import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findUrlPlaces, rulesForPath, splice, type UrlRoots } from '../../src/github/rewriting/index.ts'
import { PEOPLES_URLS } from '../../src/github/rewriting/keys.ts'
import { bytesOf, DOTCOM, GHES, type Json, PUBLIC, textOf } from './rewriting-model.ts'

interface Field {
  readonly field: string
  readonly classes: Record<string, number>
}

const data = JSON.parse(readFileSync(new URL('../fixtures/url-fields.json', import.meta.url), 'utf8')) as {
  apiOnly: string[]
  mixed: Field[]
  neverApi: Field[]
}

function rewrite(value: Json, roots: UrlRoots, path = '/repos/o/r'): Json {
  const body = bytesOf(JSON.stringify(value))
  return JSON.parse(textOf(splice(body, findUrlPlaces(body, roots, rulesForPath(path)), PUBLIC)))
}

/** `_links.self.href` → {_links: {self: {href: value}}}; a name with dots that is one key stays one. */
function nest(field: string, value: Json): Json {
  if (!field.startsWith('_links.')) return { [field.replace('[]', '')]: field.endsWith('[]') ? [value] : value }
  return field
    .split('.')
    .reverse()
    .reduce<Json>((inner, part) => (part.endsWith('[]') ? { [part.slice(0, -2)]: [inner] } : { [part]: inner }), value)
}

const API = 'https://ghe.example.com/api/v3/repos/o/r{/id}'
const OURS = `${PUBLIC}/api/v3/repos/o/r{/id}`

describe('every field of the description that holds URLs', () => {
  it('has its 210 fields', () => {
    expect([data.apiOnly.length, data.mixed.length, data.neverApi.length]).toEqual([136, 12, 62])
  })

  it.each([...data.apiOnly, ...data.mixed.map(({ field }) => field)])('%s: rewritten under the API root', (field) => {
    expect(rewrite(nest(field, API), GHES)).toEqual(nest(field, OURS))
    expect(rewrite([{ owner: nest(field, API) }], GHES)).toEqual([{ owner: nest(field, OURS) }])
  })

  it.each(data.mixed)('$field: a web page or another address stays', ({ field }) => {
    for (const url of [
      'https://ghe.example.com/o/r',
      'git://ghe.example.com/o/r.git',
      'https://example.com/api/v3/x',
    ]) {
      expect(rewrite(nest(field, url), GHES)).toEqual(nest(field, url))
    }
  })

  it.each(data.neverApi)('$field: web pages, avatars, git, ssh and codeload addresses stay', ({ field }) => {
    for (const url of [
      'https://ghe.example.com/o/r',
      'https://ghe.example.com/avatars/u/4?',
      'git@ghe.example.com:o/r.git',
      'https://codeload.ghe.example.com/o/r/legacy.tar.gz/main',
    ]) {
      expect(rewrite(nest(field, url), GHES)).toEqual(nest(field, url))
    }
  })

  /** Those of the fields above, and a few more, that people fill in: even an address below the API root is theirs. */
  const typed = [
    ...data.neverApi
      .filter(({ classes }) => 'external' in classes)
      .map(({ field }) => field)
      // GitHub's own after all: examples with another host's pages or files.
      .filter(
        (field) =>
          !['avatar_url', 'clone_url', 'svn_url', 'diff_url', 'download_url', '_links.html.href'].includes(field),
      ),
    'blog',
    'url_template',
    'secret_scanning_push_protection_custom_link',
    ...PEOPLES_URLS,
  ]
  it.each(typed)('%s: stays even under the API root', (field) => {
    expect(rewrite(nest(field, API), GHES)).toEqual(nest(field, API))
  })

  it('upload_url is under the uploads root', () => {
    expect(
      rewrite({ upload_url: 'https://ghe.example.com/api/uploads/repos/o/r/releases/1/assets{?name,label}' }, GHES),
    ).toEqual({ upload_url: `${PUBLIC}/api/uploads/repos/o/r/releases/1/assets{?name,label}` })
    expect(
      rewrite({ upload_url: 'https://uploads.github.com/repos/o/r/releases/1/assets{?name,label}' }, DOTCOM),
    ).toEqual({
      upload_url: `${PUBLIC}/api/uploads/repos/o/r/releases/1/assets{?name,label}`,
    })
  })
})

interface Recorded {
  readonly path: string
  readonly response: Json
}

const scenarios = join(dirname(createRequire(import.meta.url).resolve('@octokit/fixtures')), 'scenarios/api.github.com')
const recorded: Recorded[] = readdirSync(scenarios).flatMap(
  (scenario) => JSON.parse(readFileSync(join(scenarios, scenario, 'raw-fixture.json'), 'utf8')) as Recorded[],
)

function strings(value: Json, way: string, found: [string, string][]): void {
  if (typeof value === 'string') found.push([way, value])
  else if (Array.isArray(value)) for (const item of value) strings(item, `${way}[]`, found)
  else if (value !== null && typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) strings(item, way === '' ? key : `${way}.${key}`, found)
  }
}

describe('recorded answers of api.github.com', () => {
  const objects = recorded.filter(({ response }) => response !== null && typeof response === 'object')

  it('are there', () => {
    expect(objects.length).toBeGreaterThan(50)
  })

  it('keep no URL of the API, of uploads or of GraphQL, and change in nothing else', () => {
    let rewritten = 0
    for (const { path, response } of objects) {
      const after = rewrite(response, DOTCOM, path.split('?')[0]!)
      const [old, now]: [string, string][][] = [[], []]
      strings(response, '', old!)
      strings(after, '', now!)
      expect(now!.length).toBe(old!.length)
      for (const [index, [way, value]] of old!.entries()) {
        const isApi = /^https:\/\/(?:api|uploads)\.github\.com(?:[/?#{]|$)/.test(value)
        const expected = isApi
          ? value
              .replace(/^https:\/\/api\.github\.com/, `${PUBLIC}/api/v3`)
              .replace(/^https:\/\/uploads\.github\.com/, `${PUBLIC}/api/uploads`)
          : value
        expect(now![index], `${path} ${way}`).toEqual([way, expected])
        if (isApi) rewritten++
      }
    }
    expect(rewritten).toBeGreaterThan(2000)
  })
})
