import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CacheStore, StoredBody, Validation } from '../../src/ports.ts'

/** A validation that names a body, with room for anything that a test wants to be different. */
export function validation(bodyKey: string, more: Partial<Validation> = {}): Validation {
  return {
    bodyKey,
    status: 200,
    headers: ['content-type', 'application/json', 'etag', '"e"', 'vary', 'Accept', 'vary', 'Accept-Encoding'],
    etag: '"e"',
    lastModified: undefined,
    confirmedAt: 1_776_254_400_000,
    initialAge: 0,
    freshFor: 60_000,
    isPublic: false,
    alwaysRevalidate: false,
    pollInterval: 60_000,
    staleUse: 'operator',
    staleWhileRevalidate: 30_000,
    staleIfError: 300_000,
    linkGoodUntil: 1_776_254_460_000,
    nextPage: 'possible',
    epoch: 7,
    ...more,
  }
}

export function body(key: string, text = key): StoredBody {
  return { key, bytes: new TextEncoder().encode(text) }
}

/**
 * What every cache store owes its caller.
 *
 * @param makeStore an empty store with room for the few small entries of a test
 */
export function cacheStoreContract(name: string, makeStore: () => CacheStore | Promise<CacheStore>): void {
  describe(`cache store: ${name}`, () => {
    test('gives back what was kept, every field of it', async () => {
      const store = await makeStore()
      const kept = validation('b', { lastModified: 'Wed, 15 Apr 2026 12:00:00 GMT', etag: undefined, isPublic: true })
      await store.keep('k', kept, body('b', '\0\xff{}'))
      expect(await store.validation('k')).toEqual(kept)
      const held = await store.body('b')
      expect(held?.key).toBe('b')
      expect(Array.from(held!.bytes)).toEqual(Array.from(body('b', '\0\xff{}').bytes))
    })

    test('knows nothing that was not kept', async () => {
      const store = await makeStore()
      await store.keep('k', validation('b'), body('b'))
      for (const key of ['', 'K', 'k ', 'k2', 'b']) expect(await store.validation(key)).toBeUndefined()
      for (const key of ['', 'B', 'k']) expect(await store.body(key)).toBeUndefined()
    })

    test('the last validation under a key counts, and a dropped one is gone', async () => {
      const store = await makeStore()
      await store.keep('k', validation('b1', { epoch: 1 }), body('b1'))
      await store.keep('k', validation('b2', { epoch: 2 }), body('b2'))
      await store.keep('other', validation('b1'), body('b1'))
      expect(await store.validation('k')).toMatchObject({ bodyKey: 'b2', epoch: 2 })
      await store.drop('k')
      await store.drop('k')
      await store.drop('never kept')
      expect(await store.validation('k')).toBeUndefined()
      expect(await store.validation('other')).toMatchObject({ bodyKey: 'b1' })
    })

    test('keeps a body that nothing names yet, and nothing else with it', async () => {
      const store = await makeStore()
      await store.keepBody(body('b', '\0\xff{}'))
      const held = await store.body('b')
      expect(held?.key).toBe('b')
      expect(Array.from(held!.bytes)).toEqual(Array.from(body('b', '\0\xff{}').bytes))
      expect(await store.validation('b')).toBeUndefined()
      expect(await store.body('B')).toBeUndefined()
    })

    test('a body that was kept alone is the one that a validation names, and outlives it', async () => {
      const store = await makeStore()
      await store.keepBody(body('b'))
      await store.keep('k', validation('b'), body('b'))
      await store.keepBody(body('b'))
      expect(await store.validation('k')).toMatchObject({ bodyKey: 'b' })
      await store.drop('k')
      await store.drop('b')
      expect((await store.body('b'))?.key).toBe('b')
    })

    test('keys are told apart whatever characters they hold', async () => {
      const keys = fc.uniqueArray(fc.string({ unit: 'binary-ascii', maxLength: 30 }), { maxLength: 8 })
      await fc.assert(
        fc.asyncProperty(keys, async (names) => {
          const store = await makeStore()
          for (const [index, key] of names.entries())
            await store.keep(key, validation('b', { epoch: index }), body('b'))
          for (const [index, key] of names.entries()) {
            expect((await store.validation(key))?.epoch).toBe(index)
          }
        }),
        { numRuns: 30 },
      )
    })
  })
  neverMakesAnythingUp(name, makeStore)
}

/** The part of the contract that also a store with no room to speak of has to keep. */
export function neverMakesAnythingUp(name: string, makeStore: () => CacheStore | Promise<CacheStore>): void {
  describe(`cache store: ${name}`, () => {
    test('may forget, and never makes anything up', async () => {
      const key = fc.constantFrom('a', 'b', 'c')
      const operation = fc.oneof(
        fc.record({ do: fc.constant('keep' as const), key, body: fc.constantFrom('x', 'y', 'z') }),
        fc.record({ do: fc.constant('keep body' as const), key: fc.constantFrom('x', 'y', 'z') }),
        fc.record({ do: fc.constant('drop' as const), key }),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 20 }), async (operations) => {
          const store = await makeStore()
          const model = new Map<string, Validation>()
          for (const [index, each] of operations.entries()) {
            if (each.do === 'keep') {
              const kept = validation(each.body, { epoch: index })
              model.set(each.key, kept)
              await store.keep(each.key, kept, body(each.body))
            } else if (each.do === 'keep body') {
              await store.keepBody(body(each.key))
            } else {
              model.delete(each.key)
              await store.drop(each.key)
            }
            for (const known of ['a', 'b', 'c']) {
              const found = await store.validation(known)
              if (found !== undefined) expect(found).toEqual(model.get(known))
            }
            for (const known of ['x', 'y', 'z']) {
              const found = await store.body(known)
              if (found !== undefined) expect(new TextDecoder().decode(found.bytes)).toBe(known)
            }
          }
        }),
        { numRuns: 50 },
      )
    })
  })
}
