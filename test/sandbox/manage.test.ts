import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sandbox } from '../../sandbox/index.ts'
import { MANAGE_USERS, startSandbox, TOKENS } from '../../sandbox/index.ts'
import { OPERATIONS } from '../../sandbox/manage/operations.ts'
import { ask, basic, handClock, token } from './ask.ts'

let clock: ReturnType<typeof handClock>
let sandbox: Sandbox
const root = basic('api_key', MANAGE_USERS['api_key'] ?? '')
beforeEach(async () => {
  clock = handClock()
  sandbox = await startSandbox({ clock })
})
afterEach(() => sandbox.close())

function manage(method: string, path: string, body?: unknown, headers = root) {
  const text = body === undefined ? {} : { body: JSON.stringify(body) }
  return ask(`${sandbox.manageOrigin}/manage/v1${path}`, { method, headers, ...text })
}

describe('/manage', () => {
  it('wants the root password or a console user', async () => {
    expect((await manage('GET', '/version', undefined, {})).status).toBe(401)
    expect((await manage('GET', '/version', undefined, basic('api_key', 'wrong'))).status).toBe(401)
    expect((await manage('GET', '/version', undefined, basic('constructor', ''))).status).toBe(401)
    expect((await manage('GET', '/version', undefined, token(TOKENS.admin))).status).toBe(401)
    const [name = '', password = ''] = Object.entries(MANAGE_USERS)[1] ?? []
    expect((await manage('GET', '/version', undefined, basic(name, password))).status).toBe(200)
  })

  it('is redirected to from the plain port', async () => {
    const reply = await ask(`${sandbox.origin}/manage/v1/version?uuid=1`)
    expect([reply.status, reply.header('location')]).toEqual([301, `${sandbox.manageOrigin}/manage/v1/version?uuid=1`])
  })

  it('filters nodes by uuid and by role, under both names, with several values', async () => {
    const hosts = async (query: string) =>
      (await manage('GET', `/config/nodes${query}`))
        .json<{ nodes: { hostname: string }[] }>()
        .nodes.map(({ hostname }) => hostname)
    const [primary, replica] = await hosts('')
    expect([primary, replica]).toEqual(['ghe-local-primary', 'ghe-local-replica'])
    expect(await hosts('?uuid=228406d4-f97c-11ed-ab01-062281bbcf03')).toEqual([replica])
    expect(await hosts('?cluster_role=WebServer')).toEqual([primary])
    expect(await hosts('?cluster_roles=PagesServer')).toEqual([replica])
    expect(await hosts('?cluster_roles=WebServer,PagesServer')).toEqual([primary, replica])
    expect(await hosts('?cluster_roles=Nobody')).toEqual([])
  })

  it('has 19 operations, all of which answer', async () => {
    expect(Object.keys(OPERATIONS)).toHaveLength(19)
    for (const key of Object.keys(OPERATIONS)) {
      const [method = '', path = ''] = key.split(' ')
      const form = /license$|init$/.test(path) && method !== 'GET'
      const body = form ? '--b--' : method === 'GET' ? undefined : '{"key":"ssh-rsa x","enabled":false}'
      const headers = form ? { ...root, 'content-type': 'multipart/form-data; boundary=b' } : root
      const reply = await ask(sandbox.manageOrigin + path, { method, headers, ...(body === undefined ? {} : { body }) })
      expect([key, reply.status >= 200 && reply.status < 300]).toEqual([key, true])
    }
    expect((await manage('GET', '/nothing')).status).toBe(404)
    expect((await manage('PATCH', '/version')).status).toBe(404)
  })

  it('refuses what it cannot read', async () => {
    const broken = { method: 'POST', headers: root, body: '{' }
    expect((await ask(`${sandbox.manageOrigin}/manage/v1/maintenance`, broken)).status).toBe(400)
    for (const body of [
      {},
      { enabled: 'yes' },
      { enabled: true, when: 'tomorrow' },
      { enabled: true, uuid: 'nobody' },
      { enabled: true, ip_exception_list: ['not an address'] },
    ]) {
      expect([body, (await manage('POST', '/maintenance', body)).status]).toEqual([body, 400])
    }
  })
})

describe('maintenance mode', () => {
  async function status(): Promise<unknown> {
    return (await manage('GET', '/maintenance')).json<{ status: string }[]>()[0]?.status
  }

  it('goes from off over scheduled to on, and off again', async () => {
    expect(await status()).toBe('off')
    const when = new Date(clock() + 60_000).toISOString()
    const set = await manage('POST', '/maintenance', { enabled: true, when })
    expect(set.json()).toMatchObject([{ hostname: 'ghe-local-primary', message: 'maintenance mode scheduled' }])
    expect([await status(), (await ask(`${sandbox.urls.api}/meta`)).status]).toEqual(['scheduled', 200])
    clock.advance(60_000)
    expect([await status(), (await ask(`${sandbox.urls.api}/meta`)).status]).toEqual(['on', 503])
    expect(sandbox.log.last.cost).toBe(0)
    await manage('POST', '/maintenance', { enabled: false })
    expect([await status(), (await ask(`${sandbox.urls.api}/meta`)).status]).toEqual(['off', 200])
  })

  it('is the same thing as the switch', async () => {
    sandbox.switches.maintenance = true
    expect([await status(), (await ask(`${sandbox.urls.api}/meta`)).status]).toEqual(['on', 503])
    await manage('POST', '/maintenance', { enabled: false })
    expect(sandbox.switches.maintenance).toBe(false)
  })

  it('lets the exceptions in', async () => {
    const body = { enabled: true, when: 'now', ip_exception_list: ['10.0.0.0/8'] }
    await manage('POST', '/maintenance', body)
    expect((await ask(`${sandbox.urls.api}/meta`)).status).toBe(503)
    await manage('POST', '/maintenance', { ...body, ip_exception_list: ['127.0.0.0/8'] })
    expect((await ask(`${sandbox.urls.api}/meta`)).status).toBe(200)
  })
})
