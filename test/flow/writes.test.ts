import { afterEach, beforeEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { type Pair, startUnlimitedPair } from '../support/pair.ts'

/** Methods other than GET and HEAD: passed on once, as they are, and seen by the reads that follow. */

let pair: Pair
beforeEach(async () => {
  pair = await startUnlimitedPair()
})
afterEach(() => pair.close())

const ISSUES = '/repos/octocat/hello-world/issues'
const token = TOKENS.octocat

test('a created issue is answered with moved addresses, and seen by the next read', async () => {
  const { ask, sandbox, gateway } = pair
  await ask(ISSUES, { token })
  const created = await ask(ISSUES, { token, method: 'POST', payload: { title: 'Created', body: 'Through Weir' } })
  expect(created.status).toBe(201)
  const { number, url } = created.json()
  expect(url).toBe(`${gateway.api}${ISSUES}/${number}`)
  expect(created.headers['location']).toBe(url)
  expect(created.headers['cache-status']).toBeUndefined()
  expect(sandbox.log.filter({ method: 'POST' })).toHaveLength(1)
  expect((await ask(ISSUES, { token })).json()[0]).toMatchObject({ number, title: 'Created' })
})

test('PATCH, PUT with and without a body, and DELETE arrive as they were sent', async () => {
  const { ask, sandbox } = pair
  const patched = await ask(`${ISSUES}/1`, { token, method: 'PATCH', payload: { title: 'Patched' } })
  expect(patched.json()).toMatchObject({ number: 1, title: 'Patched' })
  expect(sandbox.log.last.headers['content-type']).toBe('application/json')
  expect((await ask(`${ISSUES}/1`, { token })).json().title).toBe('Patched')

  const star = '/user/starred/octocat/hello-world'
  expect((await ask(star, { token })).status).toBe(404)
  const starred = await ask(star, { token, method: 'PUT' })
  expect(starred).toMatchObject({ status: 204, text: '' })
  expect(sandbox.log.last.headers['content-length']).toBe('0')
  expect(sandbox.log.last.headers['transfer-encoding']).toBeUndefined()
  expect((await ask(star, { token })).status).toBe(204)
  const topics = await ask('/repos/octocat/hello-world/topics', { token, method: 'PUT', payload: { names: ['weir'] } })
  expect(topics.json()).toEqual({ names: ['weir'] })
  const unstarred = await ask(star, { token, method: 'DELETE' })
  expect(unstarred).toMatchObject({ status: 204, text: '' })
  expect(sandbox.log.last.headers['content-length']).toBeUndefined()
  expect((await ask(star, { token })).status).toBe(404)
})

test('a body of unknown length is passed on in chunks', async () => {
  const payload = JSON.stringify({ title: 'In chunks' })
  const created = await pair.ask(ISSUES, {
    token,
    method: 'POST',
    payload,
    headers: { 'transfer-encoding': 'chunked' },
  })
  expect(created.json()).toMatchObject({ title: 'In chunks' })
  const { headers, received } = pair.sandbox.log.last
  expect(headers['transfer-encoding']).toBe('chunked')
  expect(headers['content-length']).toBeUndefined()
  expect(received).toBe(payload.length)
})

test('the answer to a write is no matter of what the client holds', async () => {
  const { ask, sandbox } = pair
  const { headers } = await ask(`${ISSUES}/2`, { token })
  for (const held of ['*', String(headers['etag'])]) {
    const conditions = {
      'if-none-match': held,
      'if-modified-since': String(headers['last-modified'] ?? headers['date']),
    }
    const answer = await ask(`${ISSUES}/2`, { token, method: 'PATCH', payload: {}, headers: conditions })
    expect(answer.status).toBe(200)
    expect(answer.json().number).toBe(2)
  }
  // Conditions of a write are the upstream's to judge.
  expect(sandbox.log.last.headers['if-none-match']).toMatch(/^(?:W\/)?"[0-9a-f]{64}"$/)
})

test('what is wrong with a write is told in the upstream’s own words', async () => {
  const { ask, direct } = pair
  for (const payload of ['not json', '[]', { body: 'no title' }, { title: 'x', assignees: ['nobody-at-all'] }]) {
    const own = await direct(ISSUES, { token, method: 'POST', payload })
    const answer = await ask(ISSUES, { token, method: 'POST', payload })
    expect([400, 422]).toContain(own.status)
    expect(answer).toMatchObject({ status: own.status, text: own.text })
    expect(answer.headers['content-type']).toBe(own.headers['content-type'])
  }
})

test('a write to a renamed repository is redirected, not followed', async () => {
  const { ask, sandbox, gateway } = pair
  const answer = await ask('/repos/octocat/old-name/issues', { token, method: 'POST', payload: { title: 'Moved?' } })
  const url = `${gateway.api}/repositories/504/issues`
  expect(answer.status).toBe(307)
  expect(answer.headers['location']).toBe(url)
  expect(answer.json()).toMatchObject({ message: 'Moved Permanently', url })
  expect(sandbox.log.count).toBe(1)
})

test('a write by repository number ends what was kept under its name', async () => {
  const { ask } = pair
  const labels = '/repos/octocat/hello-world/labels'
  expect((await ask(labels, { token })).json()).toHaveLength(3)
  await ask('/repositories/501/labels', { token, method: 'POST', payload: { name: 'weir', color: '00ff00' } })
  expect((await ask(labels, { token })).json()).toHaveLength(4)
})

test('a write that runs while a read is out does not leave the old page behind as fresh', async () => {
  await pair.close()
  pair = await startUnlimitedPair({ settings: { WEIR_FRESHNESS: '1h' } })
  const { ask, sandbox } = pair
  let release = () => {}
  const until = new Promise<void>((resolve) => {
    release = resolve
  })
  sandbox.switches.faults = [{ method: 'GET', fault: { kind: 'wait', until, when: 'before-sending' } }]
  const early = ask(`${ISSUES}/1`, { token })
  await sandbox.log.waitFor({ method: 'GET', status: 200 })
  await ask(`${ISSUES}/1`, { token, method: 'PATCH', payload: { title: 'Newer' } })
  release()
  expect((await early).json().title).not.toBe('Newer')
  expect((await ask(`${ISSUES}/1`, { token })).json().title).toBe('Newer')
})

test('a read between a write’s sending and its answer does not stay as fresh either', async () => {
  await pair.close()
  pair = await startUnlimitedPair({ settings: { WEIR_FRESHNESS: '1h' } })
  const { ask, sandbox } = pair
  let release = () => {}
  const until = new Promise<void>((resolve) => {
    release = resolve
  })
  sandbox.switches.faults = [{ method: 'PATCH', fault: { kind: 'wait', until, when: 'before-evaluating' } }]
  const writing = ask(`${ISSUES}/1`, { token, method: 'PATCH', payload: { title: 'Newer' } })
  await sandbox.log.waitFor({ method: 'PATCH' })
  expect((await ask(`${ISSUES}/1`, { token })).json().title).not.toBe('Newer')
  release()
  await writing
  expect((await ask(`${ISSUES}/1`, { token })).json().title).toBe('Newer')
})

test('what somebody writes without a credential is no matter of what everybody else reads without one', async () => {
  const { ask, sandbox } = pair
  await ask('/repos/octocat/hello-world')
  const body = Buffer.from('<p>x</p>')
  sandbox.switches.faults = [{ method: 'POST', fault: { kind: 'answer', status: 200, headers: [], body } }]
  expect((await ask('/markdown', { method: 'POST', payload: { text: 'x' } })).status).toBe(200)
  expect((await ask('/repos/octocat/hello-world')).headers['cache-status']).toBe('weir; hit')
})

test('OPTIONS is the upstream’s to answer', async () => {
  const answer = await pair.ask('/user', { method: 'OPTIONS', headers: { origin: 'https://example.com' } })
  expect(answer.status).toBe(204)
  expect(answer.headers['access-control-allow-methods']).toContain('PATCH')
})
