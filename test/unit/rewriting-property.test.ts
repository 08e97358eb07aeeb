import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findUrlPlaces, rewriteStream, rulesForPath, splice, type UrlRoots } from '../../src/github/rewriting/index.ts'
import { bytesOf, DOTCOM, GHES, type Json, type Kind, Model, PUBLIC, textOf } from './rewriting-model.ts'

const PATHS: Record<Kind, string> = {
  general: '/repos/o/r/issues',
  events: '/users/o/events',
  gists: '/gists',
  scim: '/scim/v2/Users',
  analysis: '/repos/o/r/code-scanning/analyses/7',
}

const key = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('url', 'issues_url', 'href', 'blob_href', 'html_url', 'self', '_links', 'owner'),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom('config', 'payload', 'app', 'variables', 'files', 'properties', 'title', 'body'),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom('target_url', 'mirror_url', 'homepage', 'location', '$ref', 'github/alertUrl'),
  },
  fc.constantFrom(
    'a"b_url',
    'back\\slash_url',
    'a/b_url',
    `${'x'.repeat(70)}_url`,
    'caf\u00e9_url',
    'curl',
    '_url',
    '',
  ),
  fc.string({ maxLength: 8 }).filter((text) => text !== '__proto__'),
)

const url = fc
  .tuple(
    fc.constantFrom(
      ...[...GHES.pairs, ...DOTCOM.pairs].map(({ upstream }) => upstream),
      'https://ghe.example.com',
      'https://ghe.example.com.evil/api/v3',
      'http://ghe.example.com/api/v3',
      '"https://ghe.example.com/api/v3',
    ),
    fc.constantFrom(
      '',
      '/',
      '/users/o',
      '?page=2',
      '#top',
      '{/id}',
      '0/users',
      '/api/v3/x',
      '/api/v3',
      '/api/v30',
      '\\',
      '"',
      ' ',
    ),
    fc.constantFrom('', '?next=https://ghe.example.com/api/v3/user', 'é', '\ud83c\udf0a', '\\\\', '\n"'),
  )
  .map((parts) => parts.join(''))

const text = fc.oneof(
  url,
  fc.string({ maxLength: 12 }),
  fc.constantFrom('\\', '\\\\', '"', '\\"', 'plain \\" and more text'),
)

const { json } = fc.letrec<{ json: Json; object: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 6, depthSize: 'medium', withCrossShrink: true },
    { weight: 5, arbitrary: text as fc.Arbitrary<Json> },
    { weight: 1, arbitrary: fc.constantFrom<Json>(null, true, 17, -2.5e3) },
    { weight: 4, arbitrary: tie('object') },
    { weight: 2, arbitrary: fc.array(tie('json'), { maxLength: 4 }) },
  ),
  object: fc.dictionary(key, tie('json'), { maxKeys: 6, noNullPrototype: true }),
}))

/** Half of the documents are lists of objects, as collections are. */
const document = fc.oneof(
  json,
  fc.array(fc.dictionary(key, json, { maxKeys: 6, noNullPrototype: true }), { maxLength: 3 }),
)

const written = fc.record({
  value: document,
  indent: fc.constantFrom(0, 2, '\t'),
  escaped: fc.boolean(),
  kind: fc.constantFrom<Kind>('general', 'events', 'gists', 'scim', 'analysis'),
  roots: fc.constantFrom<UrlRoots>(GHES, DOTCOM),
})

function write(value: Json, indent: number | string, escaped: boolean): string {
  const plain = JSON.stringify(value, null, indent)
  return escaped ? plain.replaceAll('/', '\\/') : plain
}

async function streamed(chunks: readonly Uint8Array[], roots: UrlRoots, path: string): Promise<Uint8Array> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* chunks
  }
  const out: Uint8Array[] = []
  for await (const chunk of rewriteStream(source(), roots, rulesForPath(path), PUBLIC)) out.push(chunk)
  return Buffer.concat(out)
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

const sizes = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 90 })), { minLength: 1, maxLength: 8 })
  .filter((list) => list.some((size) => size > 0))

describe('rewriting bodies, for any JSON', () => {
  it('does to the bytes what the documented rule does to the parsed value', () => {
    let touched = 0
    fc.assert(
      fc.property(written, ({ value, indent, escaped, kind, roots }) => {
        const before = write(value, indent, escaped)
        const body = bytesOf(before)
        const places = findUrlPlaces(body, roots, rulesForPath(PATHS[kind]))
        touched += places.count
        const after: unknown = JSON.parse(textOf(splice(body, places, PUBLIC)))
        expect(after).toStrictEqual(new Model(roots, kind, escaped).rewrite(JSON.parse(before)))
      }),
      { numRuns: 3000 },
    )
    expect(touched).toBeGreaterThan(200)
  })

  it('changes nothing but the roots: what lies between places is the same bytes', () => {
    fc.assert(
      fc.property(written, ({ value, indent, escaped, kind, roots }) => {
        const before = bytesOf(write(value, indent, escaped))
        const places = findUrlPlaces(before, roots, rulesForPath(PATHS[kind]))
        const after = textOf(splice(before, places, PUBLIC))
        let expected = ''
        let copied = 0
        for (let i = 0; i < places.count; i++) {
          const start = places.starts[i]!
          const end = start + places.lengths[i]!
          const isEscaped = (places.kinds[i]! & 1) === 1
          const root = textOf(before.subarray(start, end)).replaceAll('\\/', '/')
          const { upstream, path } = roots.pairs[places.kinds[i]! >> 1]!
          expect([upstream, upstream + path]).toContain(root)
          const target = PUBLIC + path
          expected += textOf(before.subarray(copied, start)) + (isEscaped ? target.replaceAll('/', '\\/') : target)
          copied = end
        }
        expect(after).toBe(expected + textOf(before.subarray(copied)))
      }),
    )
  })

  it('changes nothing when applied to its own result', () => {
    fc.assert(
      fc.property(written, ({ value, indent, escaped, kind, roots }) => {
        const rules = rulesForPath(PATHS[kind])
        const body = bytesOf(write(value, indent, escaped))
        const once = splice(body, findUrlPlaces(body, roots, rules), PUBLIC)
        expect(findUrlPlaces(once, roots, rules).count).toBe(0)
      }),
    )
  })

  it('never touches what is below a field of people', () => {
    const peoples = fc.constantFrom('config', 'custom_properties', 'inputs', 'client_payload', 'payload', 'properties')
    fc.assert(
      fc.property(peoples, json, (field, value) => {
        const body = bytesOf(
          JSON.stringify({ [field]: value, list: [{ [field]: value }], strings: [value].flat().map(String) }),
        )
        // `list` and `strings` are not URL fields either, so that nothing at all may be found.
        expect(findUrlPlaces(body, GHES, rulesForPath('/repos/o/r/deployments')).count).toBe(0)
      }),
    )
  })
})

describe('rewriting streams', () => {
  it('gives what the whole body gives, wherever chunks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(written, sizes, async ({ value, indent, escaped, kind, roots }, lengths) => {
        const body = bytesOf(write(value, indent, escaped))
        const whole = splice(body, findUrlPlaces(body, roots, rulesForPath(PATHS[kind])), PUBLIC)
        expect(textOf(await streamed(cut(body, lengths), roots, PATHS[kind]))).toBe(textOf(whole))
      }),
      { numRuns: 600 },
    )
  })

  it('does so for what is not JSON, too', async () => {
    const damage = fc.array(fc.record({ at: fc.nat(2000), bytes: fc.uint8Array({ maxLength: 3 }), drop: fc.nat(4) }), {
      minLength: 1,
      maxLength: 4,
    })
    await fc.assert(
      fc.asyncProperty(written, damage, sizes, async ({ value, indent, escaped, kind, roots }, wounds, lengths) => {
        let body: Uint8Array = bytesOf(write(value, indent, escaped))
        for (const { at, bytes, drop } of wounds) {
          const from = at % (body.length + 1)
          body = Buffer.concat([body.subarray(0, from), bytes, body.subarray(from + drop)])
        }
        const whole = splice(body, findUrlPlaces(body, roots, rulesForPath(PATHS[kind])), PUBLIC)
        expect(Buffer.from(await streamed(cut(body, lengths), roots, PATHS[kind])).equals(Buffer.from(whole))).toBe(
          true,
        )
      }),
      { numRuns: 600 },
    )
  })
})
