import { afterEach, describe, expect, test } from 'vitest'
import { MANAGE_USERS, RELEASE, TOKENS } from '../../sandbox/index.ts'
import { client, type Pair, startPair } from '../support/pair.ts'

/** The APIs beside REST, other layouts of the upstream, and credentials in other places. */

let pair: Pair
afterEach(() => pair.close())

const token = TOKENS.octocat
const REPOSITORY = '/repos/octocat/hello-world'

test('the root answers with and without its slash', async () => {
  pair = await startPair()
  const { ask, sandbox, gateway } = pair
  for (const [path, target] of [
    ['', '/api/v3'],
    ['/', '/api/v3/'],
    ['?per_page=1', '/api/v3?per_page=1'],
  ] as const) {
    const answer = await ask(path, { token })
    expect(answer.json().current_user_url).toBe(`${gateway.api}/user`)
    expect(sandbox.log.last.target).toBe(target)
  }
})

test('outside the APIs nothing is forwarded', async () => {
  pair = await startPair()
  for (const path of ['/', '/user', '/api', '/api/v3x/user', '/api/v4', '/api/graphql/x', '/API/V3/user', '/login']) {
    const answer = await client(pair.gateway.origin)(path, { token })
    expect(answer.status, path).toBe(404)
    expect(answer.json()).toEqual({ message: 'Not Found', documentation_url: 'https://docs.github.com/rest' })
  }
  expect(pair.sandbox.log.count).toBe(0)
})

test('graphql passes through, unchanged both ways and never kept', async () => {
  pair = await startPair()
  const { sandbox, gateway } = pair
  const graphql = client(`${gateway.origin}/api/graphql`)
  const own = client(sandbox.urls.graphql)
  const payload = { query: 'query { viewer { login url } url: viewer { id } }' }
  for (const asking of [
    { token, method: 'POST', payload },
    { method: 'POST', payload },
  ]) {
    const expected = await own('', asking)
    for (let round = 0; round < 2; round++) {
      const answer = await graphql('', asking)
      expect(answer).toMatchObject({ status: expected.status, text: expected.text })
      expect(answer.headers['content-type']).toBe(expected.headers['content-type'])
    }
  }
  expect(sandbox.log.filter({ status: 200, credential: `token ${token}` })).toHaveLength(3)
  const got = await graphql('', { token })
  expect(got.status).toBe(404)
  expect(got.headers['cache-status']).toBe('weir; fwd=miss')
})

test('an upload goes to the uploads API and comes back with moved addresses', async () => {
  pair = await startPair()
  const { gateway, sandbox, ask } = pair
  const release = (await ask(`${REPOSITORY}/releases/${RELEASE}`, { token })).json()
  const uploads = `${gateway.origin}/api/uploads`
  expect(release.upload_url).toBe(`${uploads}${REPOSITORY}/releases/${RELEASE}/assets{?name,label}`)
  const payload = Buffer.from([0, 1, 2, 255, 254, 13, 10])
  const answer = await client(uploads)(`${REPOSITORY}/releases/${RELEASE}/assets?name=bytes.bin&label=A%20b`, {
    token,
    method: 'POST',
    payload,
    headers: { 'content-type': 'application/x-weir' },
  })
  expect(answer.status).toBe(201)
  const { id, url, label, content_type } = answer.json()
  expect({ label, content_type }).toEqual({ label: 'A b', content_type: 'application/x-weir' })
  expect(url).toBe(`${gateway.api}${REPOSITORY}/releases/assets/${id}`)
  expect(sandbox.log.last.target).toBe(
    `/api/uploads${REPOSITORY}/releases/${RELEASE}/assets?name=bytes.bin&label=A%20b`,
  )
  const back = await ask(`${REPOSITORY}/releases/assets/${id}`, {
    token,
    headers: { accept: 'application/octet-stream' },
  })
  expect(back.body.equals(payload)).toBe(true)
})

test('/manage passes through, credentials included, and is never kept', async () => {
  pair = await startPair()
  const { gateway, sandbox } = pair
  const authorization = `Basic ${Buffer.from(`api_key:${MANAGE_USERS['api_key']}`).toString('base64')}`
  const manage = client(`${gateway.origin}/manage/v1`)
  const read = async () => (await manage('/maintenance', { headers: { authorization } })).json()[0]
  expect(await read()).toMatchObject({ status: 'off' })
  const set = await manage('/maintenance', { method: 'POST', payload: { enabled: true }, headers: { authorization } })
  expect(set.status).toBe(200)
  expect(await read()).toMatchObject({ status: 'on' })
  expect(sandbox.log.filter({ listener: 'manage' })).toHaveLength(3)
  expect((await manage('/maintenance')).status).toBe(401)
})

describe('an upstream with REST at its root, like api.github.com', () => {
  const layout = { paths: { rest: '' }, settings: { WEIR_UPSTREAM_API_PATH: '/' } }

  test('is asked for as /api/v3', async () => {
    pair = await startPair(layout)
    const { ask, direct, sandbox, gateway } = pair
    expect(sandbox.urls.api).toBe(sandbox.origin)
    const own = (await direct('/orgs/octo-org', { token })).json()
    expect(own.url).toBe(`${sandbox.origin}/orgs/octo-org`)
    const answer = await ask('/orgs/octo-org', { token })
    expect(answer.json()).toMatchObject({ url: `${gateway.api}/orgs/octo-org` })
    await ask('/orgs/octo-org', { token })
    expect(sandbox.log.last).toMatchObject({ target: '/orgs/octo-org', status: 304, cost: 0 })
    expect((await ask('', { token })).json().user_url).toBe(`${gateway.api}/users/{user}`)
    expect(sandbox.log.last.target).toBe('/')
  })

  test('pages link back to the gateway, and redirects too', async () => {
    pair = await startPair(layout)
    const { ask, gateway } = pair
    const page = await ask('/repos/octo-org/many-issues/issues', { token })
    expect(page.headers['link']).toMatch(new RegExp(`^<${gateway.api}/repositories/510/issues\\?page=2>; rel="next"`))
    const next = /<([^>]*)>/.exec(String(page.headers['link']))?.[1] ?? ''
    expect((await ask(next.slice(gateway.api.length), { token })).json()).toHaveLength(30)
    const moved = await ask('/repos/octocat/old-name', { token })
    expect(moved.headers['location']).toBe(`${gateway.api}/repositories/504`)
  })

  test('graphql and uploads are told apart from REST', async () => {
    pair = await startPair(layout)
    const { gateway, ask } = pair
    const { upload_url } = (await ask(`${REPOSITORY}/releases/${RELEASE}`, { token })).json()
    expect(upload_url).toMatch(new RegExp(`^${gateway.origin}/api/uploads/repos/`))
    const answer = await client(`${gateway.origin}/api/graphql`)('', {
      token,
      method: 'POST',
      payload: { query: '{ viewer { login } }' },
    })
    expect(answer.json()).toEqual({ data: { viewer: { login: 'octocat' } } })
  })
})

describe('credentials in the query', () => {
  test('are who asks: two of them never share, and each is confirmed for free', async () => {
    pair = await startPair()
    const { ask, sandbox } = pair
    const read = async (value: string) => (await ask(`${REPOSITORY}?access_token=${value}`)).json().permissions
    expect(await read(token)).toMatchObject({ admin: true })
    expect(await read(TOKENS.monalisa)).toMatchObject({ admin: false, pull: true })
    expect(await read(token)).toMatchObject({ admin: true })
    expect(sandbox.log.last).toMatchObject({ status: 304, cost: 0, credential: `token ${token}` })
    // Without one the reader is nobody, and gets what nobody gets.
    expect((await ask(REPOSITORY)).json().permissions).toBeUndefined()
  })

  test('do not appear in the links of the answer', async () => {
    pair = await startPair()
    const { headers, text } = await pair.ask(`/repos/octo-org/many-issues/issues?access_token=${token}`)
    expect(headers['link']).toContain('rel="next"')
    expect(headers['link']).not.toContain(token)
    expect(text).not.toContain(token)
  })
})
