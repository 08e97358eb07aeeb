import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startSandbox, TOKENS } from '../../sandbox/index.ts'
import { differences } from '../support/compare.ts'
import { type TestGateway, testGateway } from '../support/gateway.ts'
import { type Answer, type Asking, client, manualClock, type Pair, startPair } from '../support/pair.ts'

/** Bodies that come another way than by reading: in the answer to a write, or named by what a client holds. */

const token = TOKENS.octocat
const REPOSITORY = '/repos/octocat/hello-world'

describe('the body of a write’s answer', () => {
  let pair: Pair
  beforeEach(async () => {
    pair = await startPair()
  })
  afterEach(() => pair.close())

  /** What the next read of the same costs, which must say what the upstream says. */
  async function costOfRead(path: string, asking: Asking): Promise<number> {
    const { log } = pair.sandbox
    const before = log.totalCost()
    const answer = await pair.ask(path, asking)
    const cost = log.totalCost() - before
    expect(differences(pair, answer, await pair.direct(path, asking))).toEqual([])
    return cost
  }

  function write(path: string, method: string, payload: unknown, headers = {}): Promise<Answer> {
    return pair.ask(path, { token, method, payload, headers })
  }

  test.each([
    ['PATCH', `${REPOSITORY}/issues/1`, { title: 'Another title' }],
    ['PATCH', `${REPOSITORY}/labels/bug`, { color: '00ff00' }],
    ['PUT', `${REPOSITORY}/topics`, { names: ['one', 'two'] }],
    ['PUT', `${REPOSITORY}/issues/1/labels`, { labels: ['bug'] }],
  ])('%s %s makes the next read free, whoever reads', async (method, path, payload) => {
    expect((await write(path, method, payload)).status).toBe(200)
    for (const reader of [token, TOKENS.octocatOauth, TOKENS.hubot, TOKENS.stranger]) {
      expect(await costOfRead(path, { token: reader })).toBe(0)
    }
  })

  test('also where the reader spells what it accepts otherwise, and where it had a copy of what was before', async () => {
    const path = `${REPOSITORY}/issues/1`
    await pair.ask(path, { token: TOKENS.hubot })
    await write(path, 'PATCH', { title: 'New' }, { accept: 'application/vnd.github+json' })
    const spelt = { token: TOKENS.hubot, headers: { accept: 'application/vnd.github.v3+json' } }
    expect(await costOfRead(path, { token: TOKENS.hubot })).toBe(0)
    expect(await costOfRead(path, spelt)).toBe(0)
    expect((await pair.ask(path, spelt)).json().title).toBe('New')
  })

  test.each([
    ['issues', { title: 'Made just now' }],
    ['issues/1/comments', { body: 'Said just now' }],
    ['labels', { name: 'new label' }],
    ['releases', { tag_name: 'v9' }],
  ])('POST to %s makes the first read of what it made free', async (path, payload) => {
    const made = await write(`${REPOSITORY}/${path}`, 'POST', payload)
    expect(made.status).toBe(201)
    const where = String(made.headers['location']).slice(pair.gateway.api.length)
    expect(await costOfRead(where, { token: TOKENS.hubot })).toBe(0)
    // The collection is another thing.
    expect((await pair.ask(`${REPOSITORY}/${path}`, { token })).json()).toBeInstanceOf(Array)
  })

  test('a reader whose permissions make another body pays for its own', async () => {
    await write(REPOSITORY, 'PATCH', { description: 'New' })
    expect(await costOfRead(REPOSITORY, { token: TOKENS.octocatOauth })).toBe(0)
    expect(await costOfRead(REPOSITORY, { token: TOKENS.hubot })).toBe(1)
    expect(await costOfRead(REPOSITORY, { token: TOKENS.stranger })).toBe(1)
  })

  test('whoever may not read it is told so, although the body is held', async () => {
    const path = '/repos/octo-org/secret/issues/1'
    await write(path, 'PATCH', { title: 'Still secret' })
    await pair.ask(path, { token: TOKENS.hubot })
    for (const reader of [{ token: TOKENS.stranger }, {}]) {
      const answer = await pair.ask(path, reader)
      expect(answer.status).toBe(404)
      expect(answer.text).not.toContain('secret')
      // Nothing tells that somebody reads it.
      expect(answer.headers['cache-status']).toBe('weir; fwd=miss')
      const nowhere = await pair.ask('/repos/octo-org/nowhere/issues/1', reader)
      expect(answer.text).toBe(nowhere.text)
      expect(Object.keys(answer.headers).sort()).toEqual(Object.keys(nowhere.headers).sort())
    }
    const limited = await pair.ask(path, { token: TOKENS.octocatPublicOnly })
    expect(limited.status).toBe(404)
    const refused = await pair.ask(path, { token: 'wrong' })
    expect(refused.status).toBe(401)
  })

  test('a full page in it may have got another behind it by the time it is read', async () => {
    const { world } = pair.sandbox
    const path = `${REPOSITORY}/issues/1/labels`
    const names = Array.from({ length: 30 }, (_, index) => `label ${String(index).padStart(2, '0')}`)
    const written = await write(path, 'PUT', { labels: names })
    expect(written.json()).toHaveLength(30)
    const next = `<${pair.sandbox.urls.api}/repositories/501/issues/1/labels?page=2>; rel="next"`
    // The same 30 are still on the first page when a 31st appears.
    const isRead = ({ method }: { method: string }) => method === 'GET'
    pair.sandbox.switches.faults = ({ method, headers }) =>
      isRead({ method }) && headers['if-none-match'] === undefined ? { kind: 'headers', set: { Link: next } } : null
    world.touch()
    const read = await pair.ask(path, { token })
    expect(read.headers['link']).toContain('page=2')
  })

  test('an answer that must not be stored is not', async () => {
    const path = `${REPOSITORY}/topics`
    pair.sandbox.switches.cacheControl = 'no-store'
    await write(path, 'PUT', { names: ['secret-topic'] })
    pair.sandbox.switches.cacheControl = null
    expect(await costOfRead(path, { token })).toBe(1)
  })
})

describe('what a client holds, asked of a gateway that does not remember', () => {
  const clock = manualClock()
  const PUBLIC = 'https://weir.example'
  const PATH = `${REPOSITORY}/issues/1`
  let sandbox: Awaited<ReturnType<typeof startSandbox>>
  const gateways: TestGateway[] = []
  beforeEach(async () => {
    sandbox = await startSandbox({ clock: clock.now })
  })
  afterEach(async () => {
    for (const gateway of gateways.splice(0)) gateway.kill()
    await sandbox.close()
  })

  /** A gateway that has just been started. */
  async function restarted(publicUrl = PUBLIC) {
    const gateway = await testGateway({ WEIR_UPSTREAM: sandbox.origin, WEIR_PUBLIC_URL: publicUrl }, { clock })
    gateways.push(gateway)
    return client(gateway.api)
  }

  function cost(): number {
    const total = sandbox.log.totalCost()
    sandbox.log.clear()
    return total
  }

  function change(): void {
    const [issue] = sandbox.world.repository('octocat/hello-world').issues
    if (issue !== undefined) sandbox.world.updateIssue(issue, { title: 'Changed' })
  }

  test('it costs nothing and its client is told that it is still good', async () => {
    const first = await (await restarted())(PATH, { token })
    const etag = String(first.headers['etag'])
    expect(cost()).toBe(1)
    const ask = await restarted()
    const answer = await ask(PATH, { token, headers: { 'if-none-match': etag } })
    expect(answer).toMatchObject({ status: 304, text: '' })
    expect(answer.headers['etag']).toBe(etag)
    expect(answer.headers['cache-status']).toBe('weir; fwd=uri-miss; fwd-status=304')
    expect(cost()).toBe(0)
    // There is no body here for whoever holds none.
    const other = await ask(PATH, { token })
    expect(other).toMatchObject({ status: 200, text: first.text })
    expect(cost()).toBe(1)
    change()
    const changed = await ask(PATH, { token, headers: { 'if-none-match': etag } })
    expect(changed.status).toBe(200)
    expect(changed.json().title).toBe('Changed')
  })

  test('also by HEAD, in a list, and with a tag of its own date', async () => {
    const etag = String((await (await restarted())(PATH, { token })).headers['etag'])
    cost()
    const lists = [`"one", ${etag}`, `${etag}, W/"two"`, `"weir-0-s-three" , ${etag}`]
    for (const held of lists) {
      const answer = await (await restarted())(PATH, { token, headers: { 'if-none-match': held } })
      expect(answer.status).toBe(304)
    }
    const head = await (await restarted())(PATH, { token, method: 'HEAD', headers: { 'if-none-match': etag } })
    expect(head.status).toBe(304)
    expect(cost()).toBe(0)
  })

  test('a date alone does the same where there are no tags', async () => {
    sandbox.switches.etagRule = 'none'
    const first = await (await restarted())(PATH, { token })
    cost()
    const since = { 'if-modified-since': String(first.headers['last-modified']) }
    expect((await (await restarted())(PATH, { token, headers: since })).status).toBe(304)
    expect(cost()).toBe(0)
  })

  test('where others’ reading brought the body, it is an answer and a copy', async () => {
    const first = await (await restarted())(PATH, { token })
    const etag = String(first.headers['etag'])
    const ask = await restarted()
    await ask(PATH, { token: TOKENS.hubot })
    cost()
    const answer = await ask(PATH, { token, headers: { 'if-none-match': etag } })
    expect(answer).toMatchObject({ status: 304, text: '' })
    expect(answer.headers['cache-status']).toBe('weir; fwd=uri-miss; fwd-status=304; stored')
    expect(await ask(PATH, { token })).toMatchObject({ status: 200, text: first.text })
    expect(cost()).toBe(0)
  })

  test('a tag that is outdated gets the body that others brought', async () => {
    const etag = String((await (await restarted())(PATH, { token })).headers['etag'])
    change()
    const ask = await restarted()
    await ask(PATH, { token: TOKENS.hubot })
    cost()
    const answer = await ask(PATH, { token, headers: { 'if-none-match': etag } })
    expect(answer.status).toBe(200)
    expect(answer.json().title).toBe('Changed')
    expect(cost()).toBe(0)
  })

  test('under another public URL no tag is good any longer', async () => {
    const etag = String((await (await restarted())(PATH, { token })).headers['etag'])
    const ask = await restarted('https://other.example')
    const answer = await ask(PATH, { token, headers: { 'if-none-match': etag } })
    expect(answer.status).toBe(200)
    expect(answer.json().url).toMatch(/^https:\/\/other\.example\//)
  })

  test('another caller’s tag is nothing', async () => {
    const etag = String((await (await restarted())(PATH, { token })).headers['etag'])
    const ask = await restarted()
    const answer = await ask(PATH, { token: TOKENS.hubot, headers: { 'if-none-match': etag } })
    expect(answer.status).toBe(200)
  })
})
