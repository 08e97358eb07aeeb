import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ASSETS, TOKENS } from '../../sandbox/index.ts'
import { differences } from '../support/compare.ts'
import { testGateway } from '../support/gateway.ts'
import { type Answer, type Asking, client, type Pair, startPair } from '../support/pair.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'

/** Where the upstream's validators say less than they seem to: each of these has given a cache wrong answers. */

let pair: Pair
beforeEach(async () => {
  pair = await startPair()
})
afterEach(() => pair.close())

const { octocat, hubot } = TOKENS
const REPOSITORY = '/repos/octocat/hello-world'

/** What the gateway says, which must be what the upstream says. */
async function read(path: string, asking: Asking = { token: octocat }): Promise<Answer> {
  const answer = await pair.ask(path, asking)
  expect(differences(pair, answer, await pair.direct(path, asking))).toEqual([])
  return answer
}

describe('created after a 404', () => {
  test.each(['github', 'opaque', 'git', 'none'] as const)('is there at once, for everybody: %s', async (etagRule) => {
    pair.sandbox.switches.etagRule = etagRule
    const { world } = pair.sandbox
    const path = '/repos/octocat/made-later'
    for (const token of [octocat, hubot]) expect((await read(path, { token })).status).toBe(404)
    // As GitHub does it: older than the 404.
    const createdAt = Date.parse('2020-01-01T00:00:00Z')
    world.addRepository({ owner: 'octocat', name: 'made-later', createdAt, updatedAt: createdAt })
    for (const token of [octocat, hubot]) expect((await read(path, { token })).status).toBe(200)
  })

  test('no date of the 404 is sent along', async () => {
    pair.sandbox.switches.etagRule = 'none'
    pair.sandbox.switches.faults = [
      {
        fault: {
          kind: 'answer',
          status: 404,
          headers: ['Last-Modified', new Date(pair.clock.now()).toUTCString(), 'ETag', '"of-the-404"'],
          body: '{"message":"Not Found"}',
        },
      },
    ]
    expect((await pair.ask(REPOSITORY, { token: octocat })).status).toBe(404)
    expect((await read(REPOSITORY)).status).toBe(200)
    const asked = pair.sandbox.log.filter({ target: REPOSITORY })[1]
    expect(asked?.headers['if-modified-since']).toBeUndefined()
    expect(String(asked?.headers['if-none-match'])).not.toContain('of-the-404')
  })

  test('what was there before the 404 is not confirmed by its older date', async () => {
    pair.sandbox.switches.etagRule = 'none'
    const { world } = pair.sandbox
    const path = '/repos/octocat/comes-and-goes'
    const add = (description: string) => {
      const times = { createdAt: Date.parse('2020-01-01T00:00:00Z'), updatedAt: Date.parse('2020-01-01T00:00:00Z') }
      return world.addRepository({ owner: 'octocat', name: 'comes-and-goes', description, ...times })
    }
    const first = add('First')
    await read(path)
    world.deleteRepository(first)
    expect((await read(path)).status).toBe(404)
    add('Second')
    expect((await read(path)).json().description).toBe('Second')
  })

  test('a client’s own date is its own business, and is told only what the upstream says', async () => {
    const since = { 'if-modified-since': new Date(pair.clock.now()).toUTCString() }
    expect((await pair.ask('/repos/octocat/none', { token: octocat, headers: since })).status).toBe(404)
    const added = await pair.ask(REPOSITORY, { token: octocat, headers: since })
    expect(added.status).toBe((await pair.direct(REPOSITORY, { token: octocat, headers: since })).status)
    // And it is no copy for those who hold nothing.
    expect((await read(REPOSITORY)).status).toBe(200)
  })
})

describe('a date, where there is no tag', () => {
  const path = `${REPOSITORY}/issues/1`
  const write = (title: string) => pair.ask(path, { token: octocat, method: 'PATCH', payload: { title } })

  test('does not hide the second of two changes in one second from who read in between', async () => {
    pair.sandbox.switches.etagRule = 'none'
    for (const title of ['One', 'Two', 'Three']) {
      expect((await write(title)).status).toBe(200)
      for (const token of [octocat, hubot]) expect((await read(path, { token })).json().title).toBe(title)
    }
    // Once the second is over it is as good as any validator.
    pair.clock.advance(1000)
    await read(path)
    const before = pair.sandbox.log.totalCost()
    await pair.ask(path, { token: octocat })
    expect(pair.sandbox.log.totalCost()).toBe(before)
  })
})

describe('raw and JSON under one git tag', () => {
  const path = `${REPOSITORY}/contents/README.md`
  const json = { token: octocat }
  const raw = { token: octocat, headers: { accept: 'application/vnd.github.v3.raw' } }
  const html = { token: octocat, headers: { accept: 'application/vnd.github.v3.html' } }

  test('the upstream does give them one tag', async () => {
    const tags = await Promise.all([json, raw, html].map(async (one) => (await pair.direct(path, one)).headers['etag']))
    expect(new Set(tags.map((tag) => String(tag).replace('W/', ''))).size).toBe(1)
  })

  test.each([
    ['JSON first', [json, raw, html]],
    ['raw first', [raw, html, json]],
  ])('each reader gets its own: %s', async (_, readers) => {
    for (const token of [octocat, hubot]) {
      for (const one of [...readers, ...readers]) await read(path, { ...one, token })
    }
  })

  test.each([
    ['with the other one in memory', true],
    ['with nothing in memory', false],
  ])('a client that holds one and asks for the other is never told that it has it, %s', async (_, remembers) => {
    const held = new Map<Asking, string>()
    for (const one of [json, raw, html]) held.set(one, String((await pair.ask(path, one)).headers['etag']))
    const settings = { WEIR_UPSTREAM: pair.sandbox.origin, WEIR_PUBLIC_URL: pair.gateway.origin }
    const restarted = await testGateway(settings)
    const ask = remembers ? pair.ask : client(restarted.api)
    try {
      for (const [one, tag] of held) {
        for (const other of held.keys()) {
          // Raw and HTML go through unchanged, and so do their tags: there the client gets what the upstream says.
          if (other === one || (one !== json && other !== json)) continue
          const headers = { ...other.headers, 'if-none-match': tag }
          const answer = await ask(path, { ...other, headers })
          expect(answer.status).toBe(200)
        }
      }
    } finally {
      restarted.kill()
    }
  })

  test('readers of the rest of the API keep their predictions', async () => {
    for (const one of [json, raw]) await read(path, one)
    await read(`${REPOSITORY}/issues/1`)
    const before = pair.sandbox.log.totalCost()
    await pair.ask(`${REPOSITORY}/issues/1`, { token: hubot })
    expect(pair.sandbox.log.totalCost()).toBe(before)
  })
})

describe('API versions', () => {
  test('are bodies of their own, though the tag may be one', async () => {
    // Its tags name the resource and the caller, and nothing of the version.
    const upstream = await startRawUpstream((socket, head) => {
      const version = /x-github-api-version: (\S+)/i.exec(head)?.[1] ?? 'none'
      const tag = `"${createHash('sha256')
        .update(/authorization: .*/i.exec(head)?.[0] ?? '')
        .digest('hex')}"`
      const common = `ETag: ${tag}\r\nVary: Accept, Authorization\r\nCache-Control: private, max-age=60\r\n`
      const body = JSON.stringify({ version })
      if (head.includes(tag)) socket.write(`HTTP/1.1 304 Not Modified\r\n${common}\r\n`)
      else {
        const length = `Content-Length: ${body.length}\r\nContent-Type: application/json\r\n`
        socket.write(`HTTP/1.1 200 OK\r\n${common}${length}\r\n${body}`)
      }
    })
    const gateway = await testGateway({ WEIR_UPSTREAM: upstream.origin })
    try {
      const ask = client(gateway.api)
      for (let round = 0; round < 3; round++) {
        for (const version of ['2022-11-28', '2026-03-10', undefined]) {
          for (const token of [octocat, hubot]) {
            const headers = version === undefined ? {} : { 'x-github-api-version': version }
            expect((await ask('/user', { token, headers })).json()).toEqual({ version: version ?? 'none' })
          }
        }
      }
      // Each of the six was sent once.
      expect(upstream.heads.filter((head) => !/if-none-match/i.test(head)).length).toBeLessThanOrEqual(6)
    } finally {
      gateway.kill()
      await upstream.close()
    }
  })
})

describe('Vary', () => {
  const CREDENTIAL = 'Accept, Authorization, Cookie, X-GitHub-OTP'
  const OTHER = 'Accept-Encoding, Accept, X-Requested-With'
  const path = `${REPOSITORY}/issues/1`

  test.each([
    ['the first of two lines', [CREDENTIAL, OTHER]],
    ['the second of two lines', [OTHER, CREDENTIAL]],
    ['one of many lines', ['Accept-Encoding', 'Accept', 'Authorization', 'Cookie', 'X-Requested-With']],
  ])('names Authorization in %s', async (_, Vary) => {
    pair.sandbox.switches.faults = ({ target }) => (target.includes(path) ? { kind: 'headers', set: { Vary } } : null)
    await pair.ask(path, { token: octocat })
    await pair.ask(path, { token: hubot })
    expect(pair.sandbox.log.last).toMatchObject({ account: 'user:hubot', status: 304, cost: 0 })
  })

  test('without Authorization does not make one caller’s answer another’s', async () => {
    pair.sandbox.switches.faults = ({ target }) =>
      target.includes(REPOSITORY) ? { kind: 'headers', set: { Vary: 'Accept-Encoding, Accept' } } : null
    for (let round = 0; round < 2; round++) {
      expect((await pair.ask(REPOSITORY, { token: octocat })).json().permissions.admin).toBe(true)
      expect((await pair.ask(REPOSITORY, { token: hubot })).json().permissions.admin).toBe(false)
      expect((await pair.ask(REPOSITORY)).json().permissions).toBeUndefined()
    }
  })

  test('of everything, in whichever line, is not kept', async () => {
    pair.sandbox.switches.faults = ({ target }) =>
      target.includes(path) ? { kind: 'headers', set: { Vary: [OTHER, '*'] } } : null
    for (let round = 0; round < 2; round++) {
      const { headers } = await pair.ask(path, { token: octocat })
      expect(headers['cache-status']).toBe('weir; fwd=uri-miss; fwd-status=200; detail=vary-any')
    }
  })
})

describe('answers that are not there yet, or not for long', () => {
  const statistics = `${REPOSITORY}/stats/contributors`

  test('202 is passed on and forgotten: the next one asks and gets what was computed, and so does another', async () => {
    const first = await pair.ask(statistics, { token: octocat })
    expect(first).toMatchObject({ status: 202, text: '{}' })
    expect((await read(statistics)).status).toBe(200)
    expect((await read(statistics, { token: hubot })).json()).toHaveLength(1)
  })

  test('even where it has a tag and a lifetime', async () => {
    const headers = ['ETag', '"computing"', 'Cache-Control', 'public, max-age=60', 'Content-Type', 'application/json']
    for (const asking of [{ token: octocat }, {}]) {
      pair.sandbox.switches.faults = [{ fault: { kind: 'answer', status: 202, headers, body: '{}' } }]
      expect((await pair.ask(REPOSITORY, asking)).status).toBe(202)
      expect((await read(REPOSITORY, asking)).status).toBe(200)
    }
  })

  test.each([
    ['upstream', {}],
    ['a duration', { WEIR_FRESHNESS: '1h' }],
  ])(
    'signed redirects are made anew for every request and followed by nobody here: freshness %s',
    async (_, settings) => {
      await pair.close()
      pair = await startPair({ settings, switches: { redirectAssets: true } })
      const asset = `${REPOSITORY}/releases/assets/${ASSETS.small}`
      const asking = { token: octocat, headers: { accept: 'application/octet-stream' } }
      for (const [path, one] of [
        [asset, asking],
        [`${REPOSITORY}/tarball/main`, { token: octocat }],
      ] as const) {
        const locations = new Set<string>()
        for (let round = 0; round < 3; round++) {
          const answer = await pair.ask(path, one)
          expect(answer.status).toBe(302)
          locations.add(String(answer.headers['location']))
          pair.clock.advance(1000)
        }
        expect(locations.size).toBe(3)
        for (const location of locations) expect(location.startsWith(pair.sandbox.codeloadOrigin)).toBe(true)
        // Nor is one caller's signature another's.
        const other = await pair.ask(path, { ...one, token: hubot })
        expect(locations).not.toContain(String(other.headers['location']))
      }
      expect(pair.sandbox.log.filter({ listener: 'codeload' })).toEqual([])
    },
  )

  test('not even one that says that it may be kept', async () => {
    const elsewhere = `${pair.sandbox.codeloadOrigin}/signed?signature=`
    let count = 0
    pair.sandbox.switches.faults = () => ({
      kind: 'answer',
      status: 302,
      headers: ['Location', elsewhere + ++count, 'Cache-Control', 'public, max-age=600'],
    })
    for (const expected of [1, 2]) {
      const answer = await pair.ask('/zen')
      expect(answer.headers['location']).toBe(elsewhere + expected)
    }
  })
})
