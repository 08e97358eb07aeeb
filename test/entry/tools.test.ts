import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/entry/node/clock.ts'
import { compression } from '../../src/entry/node/compression.ts'
import { createDigest } from '../../src/entry/node/digest.ts'
import { readAll } from './sockets.ts'

describe('digest', () => {
  const digest = createDigest(Buffer.from('Jefe'))

  test('fingerprints are HMAC-SHA-256', () => {
    // RFC 4231 §4.3, test case 2.
    const expected = Buffer.from('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'hex')
    expect(digest.fingerprint('what do ya want for nothing?')).toBe(expected.toString('base64url'))
    expect(digest.fingerprint('what do ya want for nothing?')).toBe(expected.toString('base64url'))
  })

  test('another secret makes another fingerprint', () => {
    const other = createDigest(Buffer.from('jefe'))
    expect(other.fingerprint('Bearer x')).not.toBe(digest.fingerprint('Bearer x'))
  })

  test('a text too long to be remembered has one too', () => {
    const long = 'x'.repeat(5_000)
    expect(digest.fingerprint(long)).toBe(digest.fingerprint(long))
    expect(digest.fingerprint(long)).not.toBe(digest.fingerprint(`${long}x`))
  })

  test('content keys are SHA-256', () => {
    // FIPS 180-2, appendix B.1.
    const expected = Buffer.from('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'hex')
    expect(digest.contentKey(new TextEncoder().encode('abc'))).toBe(expected.toString('base64url'))
  })
})

describe.each(['br', 'gzip'] as const)('compression (%s)', (coding) => {
  const decompress = coding === 'br' ? brotliDecompressSync : gunzipSync
  const text = 'weir '.repeat(20_000)

  test('of bytes', async () => {
    const bytes = await compression.compress(Buffer.from(text), coding)
    expect(bytes.byteLength).toBeLessThan(2_000)
    expect(decompress(bytes).toString()).toBe(text)
  })

  test('of a stream', async () => {
    async function* pieces() {
      for (let start = 0; start < text.length; start += 1_000) yield Buffer.from(text.slice(start, start + 1_000))
    }
    expect(decompress(await readAll(compression.compressStream(pieces(), coding))).toString()).toBe(text)
  })

  test('of a stream of nothing', async () => {
    expect(decompress(await readAll(compression.compressStream((async function* () {})(), coding))).length).toBe(0)
  })

  test('throws what the stream throws', async () => {
    const failure = new Error('broke off')
    async function* broken() {
      yield Buffer.from('a')
      throw failure
    }
    await expect(readAll(compression.compressStream(broken(), coding))).rejects.toMatchObject({ cause: failure })
  })

  test('a reader that stops is heard at once, even while it waits', async () => {
    let returned = false
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: async () => {
          returned = true
          return { done: true as const, value: undefined }
        },
      }),
    }
    const iterator = compression.compressStream(body, coding)[Symbol.asyncIterator]()
    const pending = iterator.next()
    await iterator.return?.()
    expect(await pending).toEqual({ done: true, value: undefined })
    await vi.waitUntil(() => returned)
  })
})

test('the clock tells epoch milliseconds', () => {
  const before = Date.now()
  const now = systemClock.now()
  expect(now).toBeGreaterThanOrEqual(before)
  expect(now).toBeLessThanOrEqual(Date.now())
})
