import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { rawConversation, rawRequest } from '../support/gateway.ts'
import { type Pair, startPair } from '../support/pair.ts'

/** Request targets, raw: what is forwarded arrives byte for byte, everything else never leaves with a credential. */

let pair: Pair
beforeAll(async () => {
  pair = await startPair()
})
afterAll(async () => {
  expect((await rawRequest(pair.gateway.origin, '/_weir/healthz')).status).toBe(200)
  await pair.close()
})
beforeEach(() => pair.sandbox.log.clear())

/** One request as these very bytes, with a credential, and the status of its answer. */
async function send(target: string, method = 'GET', fields = ''): Promise<{ status: number; text: string }> {
  const { host } = new URL(pair.gateway.origin)
  const credential = `Authorization: token ${TOKENS.octocat}\r\n`
  const text = await rawConversation(
    pair.gateway.origin,
    `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${credential}${fields}Connection: close\r\n\r\n`,
  )
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]), text }
}

function expectError(text: string): void {
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  expect(Object.keys(JSON.parse(body))).toEqual(['message', 'documentation_url'])
}

describe('targets that are not origin form', () => {
  test.each([
    ['absolute form to another host', 'http://evil.example/api/v3/user'],
    ['absolute form to this host', 'http://127.0.0.1/api/v3/user'],
    ['absolute form, https', 'https://evil.example/api/v3/user'],
    ['authority form', 'evil.example:443'],
    ['asterisk form', '*'],
    ['no slash', 'api/v3/user'],
    ['a fragment', '/api/v3/user#part'],
    ['a backslash', '\\api\\v3\\user'],
    ['a mail address', 'mailto:x@evil.example'],
  ])('%s', async (_, target) => {
    const { status, text } = await send(target)
    expect(status).toBe(400)
    expectError(text)
    expect(pair.sandbox.log.count).toBe(0)
  })

  test.each(['*', 'http://evil.example/'])('OPTIONS %s', async (target) => {
    expect((await send(target, 'OPTIONS')).status).toBe(400)
    expect(pair.sandbox.log.count).toBe(0)
  })
})

test.each([
  '//evil.example/user',
  '//evil.example/api/v3/user',
  '///api/v3/user',
  '/\\evil.example/user',
  '/@evil.example/user',
  '/.evil.example/',
  '//api/v3/user',
  '/api/v3@evil.example/user',
  '/api/v3.evil.example/user',
  '/api/v3:80/user',
  '/api//v3/user',
])('%s leaves neither for another host nor for the upstream', async (target) => {
  const { status, text } = await send(target)
  expect(status).toBe(404)
  expectError(text)
  expect(pair.sandbox.log.count).toBe(0)
})

describe('dot segments', () => {
  const dots = ['..', '.', '%2e%2e', '%2E.', '.%2e', '%252e%252e', '%25252e.', '..;', '..;a=b', '%2e']
  const separators = ['/', '%2f', '%2F', '%5c', '\\', '%252f', '%25255c']
  test('are refused in every spelling, whatever separates them', async () => {
    const targets = dots.flatMap((dot) =>
      separators.flatMap((separator) => [
        `/api/v3/user${separator}${dot}${separator}..${separator}setup`,
        `/api/v3${separator === '/' ? '/' : '/x'}${separator}${dot}`,
        `/api/uploads/x${separator}${dot}${separator}y`,
        `/manage/v1${separator}${dot}${separator}x`,
      ]),
    )
    for (const target of targets) {
      const { status } = await send(target)
      expect(status, target).toBe(400)
    }
    expect(pair.sandbox.log.count).toBe(0)
  })

  test('before the API are no API', async () => {
    for (const target of ['/../api/v3/user', '/x/../api/v3/user', '/%2e%2e/api/v3/user', '/api/./v3/user']) {
      expect([400, 404]).toContain((await send(target)).status)
    }
    expect(pair.sandbox.log.count).toBe(0)
  })

  test('in a query are nobody’s path', async () => {
    const target = '/api/v3/repos/octocat/hello-world/commits?sha=../x&path=..%2f..'
    expect((await send(target)).status).toBe(200)
    expect(pair.sandbox.log.last.target).toBe(target)
  })
})

test.each([
  '/api/v3/repos/octocat/hello-world/branches/feature%2Fone',
  '/api/v3/repos/octocat/hello-world/contents/a%20b%23c%3Fd',
  '/api/v3/repos/octocat/hello-world/contents/docs/links.md',
  '/api/v3/repos/octocat/hello-world/git/refs/heads/v1...v2',
  '/api/v3/repos/octocat/hello-world/compare/main...feature%2f.hidden',
  '/api/v3/repos/octocat/hello-world/contents/.github/..gitignore',
  '/api/v3/repos/octocat/hello-world//issues',
  '/api/v3//user',
  '/api/v3/user/',
  '/api/v3/search/issues?q=repo:a/b+is:open&&x=%&y=%zz;z[]=1',
  '/api/v3/user?',
  '/api/v3/user??',
  '/api/v3/repos/octocat/hello-world/contents/%E2%9C%93',
  '/api/v3/repos/octocat/hello-world/contents/%ff%fe',
  '/api/v3/repos/octocat/hello-world/contents/%00',
  '/api/v3/repos/octocat/hello-world/contents/{a}|b^c`d"e<f>',
  '/api/v3/%72epos/octocat/hello-world',
])('%s arrives as it was written', async (target) => {
  const { status } = await send(target)
  expect(pair.sandbox.log.count).toBe(1)
  // A lone question mark is the one thing that says nothing.
  expect(pair.sandbox.log.last.target).toBe(target === '/api/v3/user?' ? '/api/v3/user' : target)
  expect(status).toBe(pair.sandbox.log.last.status)
})

test('bytes that are no UTF-8 arrive as they were written, or are refused', async () => {
  const target = '/api/v3/repos/octocat/hello-world/contents/\xff\xfe'
  const { status } = await send(target)
  if (pair.sandbox.log.count === 0) expect(status).toBe(400)
  else expect(Buffer.from(pair.sandbox.log.last.target, 'latin1')).toEqual(Buffer.from(target, 'latin1'))
})

test.each([
  ['NUL', '\0'],
  ['a tab', '\t'],
  ['a carriage return', '\r'],
  ['a line feed', '\n'],
  ['DEL', '\x7f'],
  ['an escape', '\x1b'],
  ['a space', ' '],
])('%s in a target is refused', async (_, character) => {
  for (const target of [`/api/v3/us${character}er`, `/api/v3/user?a=${character}b`]) {
    const { status } = await send(target)
    expect(status).toBe(400)
  }
  expect(pair.sandbox.log.count).toBe(0)
})

test('a target cannot carry a second request', async () => {
  const injected = '/api/v3/user%0d%0aX-Injected:%201%0d%0a%0d%0aDELETE%20/api/v3/repos/octocat/hello-world'
  await send(injected)
  expect(pair.sandbox.log.count).toBe(1)
  expect(pair.sandbox.log.last.headers['x-injected']).toBeUndefined()
  expect(pair.sandbox.log.last.target).toBe(injected)
})

test.each(['TRACE', 'CONNECT'])('%s is not forwarded', async (method) => {
  for (const target of ['/api/v3/user', 'evil.example:443']) {
    const { status, text } = await send(target, method)
    expect(status === 405 || (status === 400 && target !== '/api/v3/user'), `${status}`).toBe(true)
    expectError(text)
  }
  expect(pair.sandbox.log.count).toBe(0)
})

test('an unknown method is refused, one that HTTP knows is passed on once', async () => {
  expect((await send('/api/v3/user', 'WEIRD')).status).toBe(400)
  expect(pair.sandbox.log.count).toBe(0)
  expect((await send('/api/v3/user', 'PROPFIND')).status).toBe(404)
  expect(pair.sandbox.log.filter({ method: 'PROPFIND' })).toHaveLength(1)
})
