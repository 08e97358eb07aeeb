import { describe, expect, it } from 'vitest'
import { findUrlPlaces, rewriteStream, rulesForPath, splice, type UrlRoots } from '../../src/github/rewriting/index.ts'
import { DEEPEST } from '../../src/github/rewriting/scan.ts'
import { bytesOf, DOTCOM, GHES, PUBLIC, textOf } from './rewriting-model.ts'

const API = 'https://ghe.example.com/api/v3'
const OURS = `${PUBLIC}/api/v3`
const ISSUES = '/repos/o/r/issues'

function rewriteText(json: string, path = ISSUES, roots: UrlRoots = GHES, status?: number): string {
  const body = bytesOf(json)
  return textOf(splice(body, findUrlPlaces(body, roots, rulesForPath(path, status)), PUBLIC))
}

/** Asserts that `<>` in the JSON marks the roots that change, and only those. */
function expectRewritten(marked: string, path = ISSUES): void {
  expect(rewriteText(marked.replaceAll('<>', API), path)).toBe(marked.replaceAll('<>', OURS))
}

function expectUntouched(json: string, path = ISSUES, status?: number): void {
  expect(rewriteText(json, path, GHES, status)).toBe(json)
}

describe('where a URL begins', () => {
  it.each(['', '/', '/users/o', '?page=2', '#x', '{/id}', '{?name,label}'])('root and %j', (rest) => {
    expectRewritten(`{"url":"<>${rest}"}`)
  })

  it.each([
    `${API}0/users`,
    `${API}x`,
    `${API} `,
    'https://ghe.example.com.evil/api/v3/user',
    'https://ghe.example.com/api/v30/user',
    'https://ghe.example.com:8443/api/v3/user',
    'https://user@ghe.example.com/api/v3/user',
    'http://ghe.example.com/api/v3/user',
    'https://GHE.example.com/api/v3/user',
    'HTTPS://ghe.example.com/api/v3/user',
    ` ${API}/user`,
    `see ${API}/user`,
    'https://ghe.example.com/octocat',
    'https://ghe.example.com/avatars/u/1?',
    'https://ghe.example.com/api/v3\\\\/x',
  ])('not %s', (url) => {
    expectUntouched(`{"url":"${url}"}`)
  })

  it('takes GraphQL and uploads to their own paths', () => {
    expect(
      rewriteText('{"url":"https://ghe.example.com/api/graphql","upload_url":"https://ghe.example.com/api/uploads/x"}'),
    ).toBe(`{"url":"${PUBLIC}/api/graphql","upload_url":"${PUBLIC}/api/uploads/x"}`)
  })

  it('tries longer roots first on api.github.com', () => {
    const json =
      '{"a_url":"https://api.github.com/graphql","b_url":"https://api.github.com/graphqlx","c_url":"https://api.github.com"}'
    expect(rewriteText(json, ISSUES, DOTCOM)).toBe(
      `{"a_url":"${PUBLIC}/api/graphql","b_url":"${OURS}/graphqlx","c_url":"${OURS}"}`,
    )
    expect(rewriteText('{"url":"https://api.github.com.evil/x"}', ISSUES, DOTCOM)).toBe(
      '{"url":"https://api.github.com.evil/x"}',
    )
  })

  it('never doubles the path', () => {
    const roots: UrlRoots = { pairs: [{ upstream: 'http://origin:9000', path: '/api/v3' }] }
    const json =
      '{"a_url":"http://origin:9000/api/v3/user","b_url":"http://origin:9000/api/v3","c_url":"http://origin:9000/api/v30"}'
    expect(rewriteText(json, ISSUES, roots)).toBe(
      `{"a_url":"${OURS}/user","b_url":"${OURS}","c_url":"${OURS}/api/v30"}`,
    )
    expect(rewriteText(rewriteText(`{"url":"${API}/user"}`))).toBe(`{"url":"${OURS}/user"}`)
  })

  it('leaves further URLs in the query alone', () => {
    expectRewritten(`{"url":"<>/x?next=${API}/y"}`)
  })

  it('escapes slashes where the upstream does', () => {
    expect(rewriteText('{"url":"https:\\/\\/ghe.example.com\\/api\\/v3\\/user","title":"\\/"}')).toBe(
      '{"url":"http:\\/\\/127.0.0.1:8787\\/api\\/v3\\/user","title":"\\/"}',
    )
  })

  it('writes a public origin as the inside of a JSON string', () => {
    const body = bytesOf(`{"url":"${API}/user"}`)
    const out = splice(body, findUrlPlaces(body, GHES, rulesForPath(ISSUES)), 'http://a"b')
    expect(JSON.parse(textOf(out))).toEqual({ url: 'http://a"b/api/v3/user' })
  })
})

describe('which key', () => {
  it('reads pretty-printed JSON', () => {
    expectRewritten('[\r\n  {\n\t"url" : "<>/x",\n    "_links": { "self" : { "href":\n"<>/y" } }\n  }\n]\n')
  })

  it('takes no string in a list and no bare string', () => {
    expectUntouched(`["${API}/x",{"urls":["${API}/y"],"callback_urls":["${API}/z"]}]`)
    expectUntouched(`"${API}/x"`)
  })

  it('takes no text that happens to be a URL', () => {
    expectUntouched(
      `{"title":"${API}/x","body":"${API}/x","name":"${API}","message":"${API}","note":"${API}","value":"${API}","location":"${API}","curl":"${API}"}`,
    )
  })

  it('is not fooled by text that looks like JSON', () => {
    expectRewritten(`{"body":"\\"url\\":\\"${API}/x\\"","x\\"":"${API}","url":"<>/y","text":"\\\\","issue_url":"<>/z"}`)
  })

  it('never changes a key', () => {
    expectRewritten(`{"${API}/x_url":{"url":"<>/y"}}`.replace(API, 'https:ghe'))
    expectUntouched(`{"${API}/x":1,"url":{"${API}":"${API}"}}`)
  })

  it('takes every address in _links', () => {
    expectRewritten(
      '{"_links":{"self":"<>/a","git":"<>/b","html":"https://ghe.example.com/o","issue":{"href":"<>/c"}}}',
    )
    expectUntouched(`{"links":{"self":"${API}/a"}}`)
  })

  it('takes a key only for what it is written as', () => {
    expectUntouched(
      `{"\\u0074arget_url":"${API}/x","\\u0063onfig":{"url":"${API}/y"},"${'k'.repeat(80)}":{"url":"${API}/z"}}`,
    )
  })

  it('takes each of two equal keys for itself', () => {
    expectRewritten('{"url":"<>/a","url":"<>/b"}')
  })

  it('leaves the address of the OAuth app that an authorization is for', () => {
    expectRewritten(
      `{"url":"<>/authorizations/1","app":{"url":"${API}/typed","integration_url":"<>/apps/x","owner":{"url":"<>/users/o"}},"note_url":"${API}/n"}`,
      '/authorizations/1',
    )
  })

  it('rewrites the output of a check run only where GitHub speaks', () => {
    expectRewritten(
      `{"url":"<>/x","details_url":"${API}/d","output":{"title":"${API}","summary":"${API}","text":"${API}","annotations_url":"<>/a"}}`,
    )
  })
})

describe('what is people’s', () => {
  it.each([
    'config',
    'custom_properties',
    'properties',
    'inputs',
    'client_payload',
    'payload',
    'metadata',
    'manifests',
    'references',
    'values',
    'bundle',
    'sbom',
  ])('%s stays, however deep', (key) => {
    expectRewritten(
      `{"${key}":{"url":"${API}/a","x":[{"_links":{"self":"${API}/b"}}],"y_url":"${API}/c"},"url":"<>/d"}`,
    )
    expectRewritten(`{"${key}":[{"url":"${API}/a"}],"owner":{"url":"<>/d"}}`)
  })

  it('a map of variables stays, a list of them is GitHub’s', () => {
    expectUntouched(`{"variables":{"url":"${API}/a","DOCS_url":"${API}/b"}}`)
    expectRewritten(
      `{"total_count":1,"variables":[{"name":"url","value":"${API}/a","selected_repositories_url":"<>/b"}]}`,
      '/orgs/o/actions/variables',
    )
  })

  it('a hook’s own url is GitHub’s, its address is not', () => {
    expectRewritten(`[{"url":"<>/hooks/1","ping_url":"<>/p","config":{"url":"${API}/receiver"}}]`, '/repos/o/r/hooks')
  })

  it.each([
    '/repos/o/r/hooks/1/config',
    '/repositories/7/hooks/1/config',
    '/repos/o/r/%68ooks/1/conf%69g',
    '/orgs/o/hooks/1/config',
    '/app/hook/config',
    '/repos/o/r/hooks/1/deliveries/2',
    '/app/hook/deliveries/2',
    '/user/social_accounts',
    '/users/o/social_accounts',
    '/orgs/o/audit-log',
    '/enterprises/e/audit-log',
    '/orgs/o/private-registries',
    '/orgs/o/artifacts/sha256:1/metadata/storage-records',
  ])('%s is a record of what was typed', (path) => {
    expectUntouched(`{"url":"${API}/x","request":{"payload":{"url":"${API}/y"}}}`, path)
    // Unless it is a redirect or an error.
    expect(rewriteText(`{"message":"Moved Permanently","url":"${API}/x"}`, path, GHES, 301)).toContain(`"${OURS}/x"`)
  })

  it.each([
    '/repos/hooks/1/config',
    '/repos/o/hooks/issues',
    '/repos/audit-log/audit-log',
    '/users/social_accounts',
    '/repos/o/r/social_accounts',
  ])('%s only looks like one', (path) => {
    expectRewritten('{"url":"<>/x"}', path)
  })
})

describe('rules of single endpoints', () => {
  const event = `[{"actor":{"url":"<>/u"},"payload":{"issue":{"url":"<>/i"},"deployment":{"url":"<>/d","payload":{"url":"${API}/typed"}}}}]`

  it.each([
    '/events',
    '/repos/o/r/events',
    '/repositories/1/events',
    '/networks/o/r/events',
    '/orgs/o/events',
    '/users/u/events',
    '/users/u/events/public',
    '/users/u/events/orgs/o',
    '/user/17/received_events',
    '/users/u/received_events/public',
  ])('%s: the payload of an event is GitHub’s', (path) => {
    expectRewritten(event, path)
  })

  it.each([
    '/repos/o/events/deployments',
    '/repos/events/events',
    '/repos/o/r/issues/events',
    '/repos/o/r/issues/1/events',
  ])('%s is no list of events', (path) => {
    expectRewritten(`[{"url":"<>/d","payload":{"url":"${API}/typed"}}]`, path)
  })

  it('a payload anywhere else is not the payload of an event', () => {
    expectRewritten(`{"event":{"url":"<>/e","payload":{"url":"${API}/typed"}}}`, '/events')
    expectRewritten(`[[{"url":"<>/e","payload":{"url":"${API}/typed"}}]]`, '/events')
    expectRewritten(`[{"url":"<>/e","payload":"${API}/typed"}]`, '/events')
  })

  it('files of a gist are named by people, files of a commit or a community profile are not', () => {
    expectRewritten(`{"url":"<>/g","files":{"_links":{"content":"${API}/x","raw_url":"${API}/y"}}}`, '/gists/1')
    expectRewritten(`[{"url":"<>/g","files":{"_links":{"content":"${API}/x"}}}]`, '/users/u/gists')
    expectRewritten('{"files":[{"contents_url":"<>/c"}]}', '/repos/o/r/commits/1')
    expectRewritten('{"files":{"readme":{"url":"<>/c"}}}', '/repos/o/r/community/profile')
  })

  it('locations and references in SCIM are the server’s', () => {
    const json =
      '{"meta":{"location":"<>/scim/v2/Users/1"},"members":[{"$ref":"<>/scim/v2/Users/2","displayName":"x"}]}'
    expectRewritten(json, '/scim/v2/Groups/1')
    expectUntouched(json.replaceAll('<>', API), '/users/u')
  })

  it('of an uploaded analysis only GitHub’s own link changes', () => {
    const path = '/repos/o/r/code-scanning/analyses/7'
    expectRewritten(
      `{"$schema":"${API}/s","runs":[{"tool":{"url":"${API}/t"},"results":[{"properties":{"github/alertUrl":"<>/a","url":"${API}/p"}}]}]}`,
      path,
    )
    expectRewritten('{"url":"<>/a","analysis_key":"x"}', path)
    expect(rewriteText(`{"github\\/alertUrl":"${API.replaceAll('/', '\\/')}\\/a"}`, path)).toContain('127.0.0.1')
  })
})

describe('bad input', () => {
  it.each([
    '',
    ' ',
    '{',
    '"',
    '"\\',
    '{"url',
    '{"url"',
    '{"url":',
    '{"url":"',
    '{"url":"https://gh',
    `{"url":"${API}`,
    '{"url":"https:\\',
    ']]]}}}',
    'not json',
    '{"url":}',
    '{"a":"\\',
  ])('%j passes', (json) => {
    expectUntouched(json)
  })

  it('rewrites what stood before a fault', () => {
    expectRewritten('{"url":"<>/x","title":"cut off he')
    expectRewritten('{"url":"<>/x')
  })

  it('passes bytes that are no UTF-8, and a byte order mark', () => {
    const head = Uint8Array.of(0xef, 0xbb, 0xbf)
    const body = Buffer.concat([
      head,
      bytesOf('{"title":"'),
      Uint8Array.of(0xff, 0xfe, 0xc3),
      bytesOf(`","url":"${API}/x"}`),
    ])
    const out = splice(body, findUrlPlaces(body, GHES, rulesForPath(ISSUES)), PUBLIC)
    expect(Buffer.from(out).toString('latin1')).toBe(body.toString('latin1').replace(API, OURS))
  })

  it('survives deep nesting and looks no deeper than it promises', () => {
    expectUntouched('['.repeat(10_000) + ']'.repeat(10_000))
    expectUntouched(`${'{"a":'.repeat(10_000)}{"url":"${API}/x"}${'}'.repeat(10_000)}`)
    expectRewritten(`{"a":${'['.repeat(DEEPEST + 50)}${']'.repeat(DEEPEST + 50)},"url":"<>/x"}`)
    expectRewritten(`${'['.repeat(DEEPEST - 1)}{"url":"<>/x"}${']'.repeat(DEEPEST - 1)}`)
  })

  it('returns the body itself when there is nothing to replace', () => {
    const body = bytesOf('{"title":"x"}')
    expect(splice(body, findUrlPlaces(body, GHES, rulesForPath(ISSUES)), PUBLIC)).toBe(body)
  })

  it('reads a body that is a view into other memory', () => {
    const whole = Buffer.from(`xxx{"url":"${API}/x"}yyy`)
    const body = whole.subarray(3, whole.length - 3)
    expect(textOf(splice(body, findUrlPlaces(body, GHES, rulesForPath(ISSUES)), PUBLIC))).toBe(`{"url":"${OURS}/x"}`)
  })

  it('finds nothing where there are no roots', () => {
    expect(rewriteText(`{"url":"${API}/x"}`, ISSUES, { pairs: [] })).toBe(`{"url":"${API}/x"}`)
  })
})

describe('places', () => {
  it('say what they weigh', () => {
    const body = bytesOf(`[${Array.from({ length: 1000 }, (_, i) => `{"url":"${API}/${i}"}`).join()}]`)
    const places = findUrlPlaces(body, GHES, rulesForPath(ISSUES))
    const { starts, lengths, kinds } = places
    expect(places.count).toBe(1000)
    expect(places.byteLength).toBeGreaterThanOrEqual(
      starts.buffer.byteLength + lengths.buffer.byteLength + kinds.buffer.byteLength,
    )
    expect(places.byteLength).toBeLessThan(8000)
  })

  it('serve any number of origins, shorter and longer', () => {
    const body = bytesOf(`{"url":"${API}/x","body":"${'long '.repeat(200)}","issue_url":"${API}/y"}`)
    const places = findUrlPlaces(body, GHES, rulesForPath(ISSUES))
    for (const origin of ['http://h', 'https://a-rather-long-name.internal.example.com:8443']) {
      expect(textOf(splice(body, places, origin))).toBe(textOf(body).replaceAll(API, `${origin}/api/v3`))
    }
  })
})

describe('streams', () => {
  async function* chunksOf(text: string, size: number): AsyncGenerator<Uint8Array> {
    const bytes = bytesOf(text)
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }

  it.each([
    `{"config":"x" {"url":"${API}/a"},"url":"${API}/b"}`,
    `{"url":"x\\\\\\"","a":"${API}/a","url":"${API}{/b}"}`,
    `{"config" : {"url":"${API}/a"} , "blob_href" :\n"${API}?b" }`,
    `[{"payload":{"url":"${API}/a"},"github/alertUrl":"${API}`,
  ])('give what the whole body gives, cut after any number of bytes: %s', async (json) => {
    const expected = rewriteText(json)
    for (let size = 1; size < json.length; size++) {
      let out = ''
      for await (const chunk of rewriteStream(chunksOf(json, size), GHES, rulesForPath(ISSUES), PUBLIC))
        out += textOf(chunk)
      expect(out).toBe(expected)
    }
  })

  it('hold back no more than an unfinished beginning, however long a string is', async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      yield bytesOf(`{"url":"${API}/x","body":"`)
      for (let i = 0; i < 300; i++) yield new Uint8Array(1000).fill(0x61)
      yield bytesOf(`","issue_url":"${API}/y"}`)
    }
    let received = 0
    let sent = 0
    let most = 0
    let text = ''
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const chunk of source()) {
        // A chunk is asked for when all before it but a beginning has been passed on.
        most = Math.max(most, sent - received)
        sent += chunk.length
        yield chunk
      }
    }
    for await (const chunk of rewriteStream(counted(), GHES, rulesForPath(ISSUES), API.replace('/api/v3', ''))) {
      received += chunk.length
      text += textOf(chunk)
    }
    expect(most).toBeLessThan(100)
    expect(JSON.parse(text).body).toHaveLength(300_000)
  })

  it('pass an endless key in pieces', async () => {
    const json = `{"${'k'.repeat(500)}_url":"${API}/x","url":"${API}/y"}`
    let out = ''
    for await (const chunk of rewriteStream(chunksOf(json, 7), GHES, rulesForPath(ISSUES), PUBLIC)) out += textOf(chunk)
    expect(out).toBe(`{"${'k'.repeat(500)}_url":"${API}/x","url":"${OURS}/y"}`)
  })

  it('tell the source when the reader leaves, and pass its error on', async () => {
    let closed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield bytesOf('[1],')
      } finally {
        closed = true
      }
    }
    for await (const _ of rewriteStream(endless(), GHES, rulesForPath(ISSUES), PUBLIC)) break
    expect(closed).toBe(true)

    async function* failing(): AsyncGenerator<Uint8Array> {
      yield bytesOf('[')
      throw new Error('reset by peer')
    }
    const reading = (async () => {
      for await (const _ of rewriteStream(failing(), GHES, rulesForPath(ISSUES), PUBLIC));
    })()
    await expect(reading).rejects.toThrow('reset by peer')
  })
})
