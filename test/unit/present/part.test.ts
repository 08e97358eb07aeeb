import { expect, test } from 'vitest'
import { countHeader, headerValue } from '../../../src/http/headers.ts'
import { JSON_TYPE } from '../outbound/harness.ts'
import { hitOf, passedAnswer, presenter, storedAnswer, viewOf } from './harness.ts'

const TEXT = '0123456789'
const text = { 'content-type': 'text/plain', etag: '"a"', 'x-other': '1' }
const range = { range: 'bytes=2-4' }

test('of a stored body that goes out as it is, a part is sent', async () => {
  const { present } = presenter()
  const stored = hitOf(storedAnswer(TEXT, { ...text, status: '200 OK', 'content-range': 'bytes 9-9/99' }))
  const answer = await present(stored, viewOf(range))
  expect(answer).toMatchObject({ status: 206, text: '234' })
  expect(headerValue(answer.headers, 'content-range')).toBe('bytes 2-4/10')
  expect(countHeader(answer.headers, 'content-range')).toBe(1)
  expect(headerValue(answer.headers, 'status')).toBe('206 Partial Content')
  for (const name of ['content-type', 'etag', 'x-other'] as const)
    expect(headerValue(answer.headers, name)).toBe(text[name])
  expect(headerValue(answer.headers, 'cache-status')).toBe('weir; hit')
  expect(headerValue(answer.headers, 'age')).toBe('1')
})

test('a part is sent without a coding', async () => {
  const { present } = presenter()
  const stored = hitOf(storedAnswer('x'.repeat(5000), { 'content-type': 'text/plain' }))
  const answer = await present(stored, viewOf({ ...range, 'accept-encoding': 'gzip' }))
  expect(answer).toMatchObject({ status: 206, text: 'xxx' })
  expect(headerValue(answer.headers, 'content-encoding')).toBeUndefined()
})

test('a part that is not there is a 416, with nothing of the whole', async () => {
  const { present } = presenter()
  const answer = await present(hitOf(storedAnswer(TEXT, text)), viewOf({ range: 'bytes=10-' }))
  expect(answer).toMatchObject({ status: 416, body: null })
  expect(headerValue(answer.headers, 'content-range')).toBe('bytes */10')
  for (const name of Object.keys(text)) expect(headerValue(answer.headers, name), name).toBeUndefined()
})

test('the whole is sent where there is no part', async () => {
  const { present } = presenter()
  const stored = hitOf(storedAnswer(TEXT, text))
  const json = hitOf(storedAnswer('{"a":"bcd"}', { 'content-type': JSON_TYPE, etag: '"a"' }))
  const cases = [
    present(stored, viewOf({ range: 'bytes=0-1,3-4' })),
    present(stored, viewOf({ ...range, 'if-range': '"b"' })),
    present(stored, viewOf(range, { method: 'HEAD' })),
    present(json, viewOf(range)),
    present(passedAnswer(200, text, new TextEncoder().encode(TEXT)), viewOf(range)),
  ]
  for (const answer of await Promise.all(cases)) {
    expect(answer.status).toBe(200)
    expect(headerValue(answer.headers, 'content-range')).toBeUndefined()
    expect(answer.text.length).toBeGreaterThan(9)
  }
  // What another status says is no representation of the thing.
  const missing = { ...stored, status: 404 }
  expect(await present(missing, viewOf(range))).toMatchObject({ status: 404, text: TEXT })
})

test('a client that holds the whole gets a 304, not a part', async () => {
  const { present } = presenter()
  const asked = viewOf({ ...range, 'if-none-match': '"a"' })
  expect(await present(hitOf(storedAnswer(TEXT, text)), asked)).toMatchObject({ status: 304, body: null })
})
