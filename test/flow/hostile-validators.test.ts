import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { type TestGateway, testGateway } from '../support/gateway.ts'
import { type Ask, client, manualClock } from '../support/pair.ts'
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts'

/** An upstream whose validators and 304s are broken: what it confirms is believed only where that can be true. */

const { octocat, hubot } = TOKENS

let upstream: RawUpstream
let gateway: TestGateway
let ask: Ask
let respond: (head: string, say: Say) => void
const clock = manualClock()

/** Answers a request. */
type Say = (status: number, headers: readonly string[], body?: string) => void

beforeEach(async () => {
  upstream = await startRawUpstream((socket: Socket, head) => {
    const say: Say = (status, headers, body = '') => {
      const length = status === 304 ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
      const lines = [`HTTP/1.1 ${status} It`, ...headers, ...length, '', '']
      socket.write(lines.join('\r\n') + (/^HEAD /.test(head) ? '' : body))
    }
    respond(head, say)
  })
  gateway = await testGateway({ WEIR_UPSTREAM: upstream.origin }, { clock })
  ask = client(gateway.api)
})
afterEach(async () => {
  gateway.kill()
  await upstream.close()
})

const JSON_TYPE = 'Content-Type: application/json'
const VARY = 'Vary: Accept, Authorization'

function authorizationIn(head: string): string {
  return /^authorization: (.*)$/im.exec(head)?.[1] ?? ''
}

function tagsIn(head: string): string[] {
  return /^if-none-match: (.*)$/im.exec(head)?.[1]?.match(/(?:W\/)?"[^"]*"/g) ?? []
}

function isConditional(head: string): boolean {
  return /^if-(?:none-match|modified-since):/im.test(head)
}

function tagOf(head: string, body: string): string {
  return `"${createHash('sha256')
    .update(`${authorizationIn(head)}:${body}`)
    .digest('hex')}"`
}

test('an upstream that says 304 to nothing is asked once more, and then it is a 502', async () => {
  respond = (_, say) => say(304, ['ETag: "a"'])
  for (const path of ['/user', '/repos/octocat/hello-world/issues', '/user']) {
    upstream.heads.length = 0
    const answer = await ask(path, { token: octocat })
    expect(answer.status).toBe(502)
    expect(upstream.heads.length).toBeLessThanOrEqual(2)
    expect(isConditional(upstream.heads.at(-1) ?? '')).toBe(false)
  }
})

test('an upstream that says so to what others hold and the client does not never makes an answer of it', async () => {
  const body = '{"of":"octocat"}'
  respond = (head, say) => {
    if (isConditional(head) || !authorizationIn(head).includes(octocat)) say(304, [])
    else say(200, [JSON_TYPE, VARY, `ETag: ${tagOf(head, body)}`], body)
  }
  expect((await ask('/user', { token: octocat })).text).toBe(body)
  for (let round = 0; round < 4; round++) {
    const answer = await ask('/user', { token: hubot })
    expect(answer.status).toBe(502)
    expect(answer.text).not.toContain('octocat')
  }
})

test.each([
  ['names a tag that was never sent', '"never-sent"'],
  ['names a tag that looks like one', `"${'a'.repeat(64)}"`],
  ['names several', '"a", "b"'],
  ['names none', undefined],
  ['names what is none', 'nonsense'],
  ['names a star', '*'],
])('an upstream whose 304 %s is asked again without conditions', async (_, tag) => {
  let version = 0
  respond = (head, say) => {
    const body = JSON.stringify({ version, by: authorizationIn(head) })
    // It takes whatever it is asked for confirmed.
    if (tagsIn(head).length > 1 || (tag !== undefined && isConditional(head))) {
      say(304, tag === undefined ? [] : [`ETag: ${tag}`])
    } else if (tagsIn(head).includes(tagOf(head, body))) say(304, [`ETag: ${tagOf(head, body)}`])
    else say(200, [JSON_TYPE, VARY, `ETag: ${tagOf(head, body)}`], body)
  }
  for (let round = 0; round < 4; round++) {
    version++
    for (const token of [octocat, hubot]) {
      upstream.heads.length = 0
      expect((await ask('/user', { token })).json()).toEqual({ version, by: `token ${token}` })
      expect(upstream.heads.length).toBeLessThanOrEqual(2)
    }
  }
})

test('an upstream whose 304s name nothing is in the end not asked with conditions, and now and then again', async () => {
  respond = (head, say) => {
    if (isConditional(head)) say(304, ['ETag: "never-sent"'])
    else say(200, [JSON_TYPE, VARY, `ETag: ${tagOf(head, '{}')}`], '{}')
  }
  for (let round = 0; round < 120; round++) expect((await ask('/user', { token: octocat })).text).toBe('{}')
  // An answer each time, and a few tries.
  expect(upstream.heads.length).toBeLessThanOrEqual(126)
  // It comes to its senses.
  respond = (head, say) => {
    if (tagsIn(head).includes(tagOf(head, '{}'))) say(304, [`ETag: ${tagOf(head, '{}')}`])
    else say(200, [JSON_TYPE, VARY, `ETag: ${tagOf(head, '{}')}`], '{}')
  }
  let confirmed = 0
  for (let round = 0; round < 260; round++) {
    const { headers } = await ask('/user', { token: octocat })
    if (String(headers['cache-status']).includes('fwd-status=304')) confirmed++
  }
  expect(confirmed).toBeGreaterThan(0)
})

test('an upstream that names one of several tags in a list is believed about that one', async () => {
  const bodies = ['{"n":1}', '{"n":2}', '{"n":3}']
  let now = 0
  respond = (head, say) => {
    const tag = tagOf(head, bodies[now] ?? '')
    if (tagsIn(head).some((sent) => sent.replace('W/', '') === tag)) say(304, [`ETag: W/${tag}`, VARY])
    else say(200, [JSON_TYPE, VARY, `ETag: W/${tag}`], bodies[now])
  }
  for (now of [0, 1, 2]) await ask('/user', { token: octocat })
  upstream.heads.length = 0
  for (now of [1, 0, 2, 1]) {
    for (const token of [hubot, octocat]) expect((await ask('/user', { token })).text).toBe(bodies[now])
  }
  expect(upstream.heads.length).toBe(8)
})

test('an upstream that makes its tags otherwise at every answer', async () => {
  let count = 0
  const rules: ((head: string, body: string) => string | undefined)[] = [
    tagOf,
    (_, body) => `"${createHash('sha1').update(body).digest('hex')}"`,
    (head, body) =>
      `W/"${createHash('md5')
        .update(head + body)
        .digest('hex')}"`,
    () => undefined,
    (head, body) => `W/${tagOf(head, body)}`,
  ]
  let version = 0
  respond = (head, say) => {
    const body = JSON.stringify({ version, by: authorizationIn(head) })
    const tag = rules[count++ % rules.length]?.(head, body)
    const opaque = tag?.replace('W/', '')
    if (opaque !== undefined && tagsIn(head).some((sent) => sent.replace('W/', '') === opaque)) {
      say(304, [`ETag: ${opaque}`])
    } else say(200, [JSON_TYPE, VARY, ...(tag === undefined ? [] : [`ETag: ${tag}`])], body)
  }
  for (let round = 0; round < 40; round++) {
    if (round % 5 === 0) version++
    for (const token of [octocat, hubot]) {
      expect((await ask('/user', { token })).json()).toEqual({ version, by: `token ${token}` })
    }
  }
  expect(upstream.heads.length).toBe(80)
})

test('an upstream with tags of 8 kB, malformed ones, and one tag for everything', async () => {
  const tags = [`"${'e'.repeat(8000)}"`, '"half', 'bare', '""', '"a"b"', 'W/W/"a"', '"\u00e9\u00ff"', '"tab\tin it"']
  for (const [index, tag] of tags.entries()) {
    let version = 0
    respond = (head, say) => {
      const body = JSON.stringify({ version, by: authorizationIn(head) })
      say(200, [JSON_TYPE, VARY, `ETag: ${tag}`], body)
    }
    for (version of [1, 2, 3]) {
      for (const token of [octocat, hubot]) {
        const answer = await ask(`/users/u${index}`, { token })
        expect(answer.json()).toEqual({ version, by: `token ${token}` })
      }
    }
  }
  const longest = Math.max(...upstream.heads.map((head) => head.length))
  expect(longest).toBeLessThan(8000 + 2100 + 600)
})

test('an upstream that echoes in its 304 the first tag of the list it was sent', async () => {
  // Nobody can tell this from the truth but by what the tags are made of: what is confirmed is that caller's own prediction.
  const body = (head: string) => JSON.stringify({ by: authorizationIn(head) })
  let lies = false
  respond = (head, say) => {
    const [first] = tagsIn(head)
    if (lies && first !== undefined) say(304, [`ETag: ${first}`])
    else say(200, [JSON_TYPE, VARY, `ETag: ${tagOf(head, body(head))}`], body(head))
  }
  for (const token of [octocat, hubot]) await ask('/user', { token })
  lies = true
  // Each gets its own: its own copy is the likeliest, and so the first.
  for (const token of [octocat, hubot]) {
    expect((await ask('/user', { token })).json()).toEqual({ by: `token ${token}` })
  }
})
