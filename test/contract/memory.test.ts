import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryCacheStore } from '../../src/store/memory/cache-store.ts'
import { memoryKnownAccounts } from '../../src/store/memory/known-accounts.ts'
import { memoryKnownRepresentations } from '../../src/store/memory/known-representations.ts'
import { memoryBudgetLedger } from '../../src/store/memory/ledger/index.ts'
import { memoryPredictedTags } from '../../src/store/memory/predicted-tags.ts'
import { memoryWriteEpochs } from '../../src/store/memory/write-epochs.ts'
import { budgetLedgerContract } from './budget-ledger.contract.ts'
import { body, cacheStoreContract, neverMakesAnythingUp, validation } from './cache-store.contract.ts'
import { known, knownRepresentationsContract } from './known-representations.contract.ts'
import { LEDGER_OPTIONS, stated } from './ledger-desk.ts'
import { LedgerTime } from './ledger-time.ts'
import { predictedTagsContract } from './predicted-tags.contract.ts'
import { writeEpochsContract } from './write-epochs.contract.ts'

cacheStoreContract('memory', () => memoryCacheStore({ bodyBytes: 100_000, validationBytes: 100_000 }))
neverMakesAnythingUp('memory, with hardly any room', () => memoryCacheStore({ bodyBytes: 600, validationBytes: 1500 }))
writeEpochsContract('memory', memoryWriteEpochs)
knownRepresentationsContract('memory', () => memoryKnownRepresentations(100_000), 20)
predictedTagsContract('memory', () => memoryPredictedTags(100_000))
predictedTagsContract('memory, with hardly any room', () => memoryPredictedTags(500))
budgetLedgerContract('memory', { make: memoryBudgetLedger })

describe('bounds of the memory store', () => {
  const BODIES = 20_000
  const VALIDATIONS = 10_000
  const entry = fc.record({
    key: fc.oneof(fc.nat(30).map(String), fc.string({ maxLength: 300 })),
    body: fc.nat(30),
    size: fc.nat(30_000),
    headers: fc.array(fc.string({ maxLength: 400 }), { maxLength: 10 }),
    drop: fc.boolean(),
  })

  test('hold after every step, and everything that is held is counted', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), (entries) => {
        const store = memoryCacheStore({ bodyBytes: BODIES, validationBytes: VALIDATIONS })
        const bodyKeys = new Map<string, number>()
        const keys = new Map<string, number>()
        for (const { key, body: number, size, headers, drop } of entries) {
          if (drop) void store.drop(key)
          const bodyKey = `body ${number} ${size}`
          const fields = headers.flatMap((value) => ['x-name', value])
          void store.keep(key, validation(bodyKey, { headers: fields }), { key: bodyKey, bytes: new Uint8Array(size) })
          bodyKeys.set(bodyKey, size)
          keys.set(key, key.length + fields.join('').length)
          const [bodies, validations] = store.usage()
          expect(bodies!.bytes).toBeLessThanOrEqual(BODIES)
          expect(validations!.bytes).toBeLessThanOrEqual(VALIDATIONS)
          // A second opinion, from outside: the payload alone of what can still be read.
          const heldBodies = [...bodyKeys].filter(([held]) => store.body(held) !== undefined)
          const held = [...keys].filter(([known]) => store.validation(known) !== undefined)
          expect(heldBodies.length).toBe(bodies!.entries)
          expect(held.length).toBe(validations!.entries)
          expect(bodies!.bytes).toBeGreaterThanOrEqual(total(heldBodies) + 100 * heldBodies.length)
          expect(validations!.bytes).toBeGreaterThanOrEqual(total(held) + 100 * held.length)
        }
      }),
      { numRuns: 60 },
    )
  })

  function total(sizes: readonly (readonly [string, number])[]): number {
    return sizes.reduce((sum, [, size]) => sum + size, 0)
  }

  test('what could never fit is not kept, and does not push out the rest', () => {
    const store = memoryCacheStore({ bodyBytes: BODIES, validationBytes: VALIDATIONS })
    void store.keep('small', validation('b'), body('b'))
    void store.keep('k', validation('big'), { key: 'big', bytes: new Uint8Array(BODIES) })
    void store.keep('x'.repeat(VALIDATIONS), validation('b'), body('b'))
    void store.keep('long', validation('b', { headers: ['link', 'x'.repeat(VALIDATIONS)] }), body('b'))
    expect(store.body('big')).toBeUndefined()
    expect(store.validation('long')).toBeUndefined()
    expect(store.validation('x'.repeat(VALIDATIONS))).toBeUndefined()
    expect(store.validation('small')).toBeDefined()
    expect(store.body('b')).toBeDefined()
  })

  test('a validation that grew beyond all room does not leave its old form behind', () => {
    const store = memoryCacheStore({ bodyBytes: BODIES, validationBytes: VALIDATIONS })
    void store.keep('k', validation('b', { epoch: 1 }), body('b'))
    void store.keep('k', validation('b', { epoch: 2, headers: ['link', 'x'.repeat(VALIDATIONS)] }), body('b'))
    expect(store.validation('k')).toBeUndefined()
  })

  test('what was used or sent again is not the next to go', () => {
    const store = memoryCacheStore({ bodyBytes: 3 * 1300, validationBytes: VALIDATIONS })
    const large = (key: string) => ({ key, bytes: new Uint8Array(1000) })
    void store.keep('1', validation('one'), large('one'))
    void store.keep('2', validation('two'), large('two'))
    void store.keep('3', validation('three'), large('three'))
    void store.keep('1', validation('one'), large('one'))
    void store.body('two')
    void store.keep('4', validation('four'), large('four'))
    expect(['one', 'two', 'three', 'four'].map((key) => store.body(key) !== undefined)).toEqual([
      true,
      true,
      false,
      true,
    ])
  })
})

test('a body that was kept alone counts towards the bound, and is as good as new when it is kept again', () => {
  const store = memoryCacheStore({ bodyBytes: 3 * 1300, validationBytes: 10_000 })
  const large = (key: string) => ({ key, bytes: new Uint8Array(1000) })
  for (const key of ['one', 'two', 'three']) void store.keepBody(large(key))
  void store.keepBody(large('one'))
  void store.keepBody(large('four'))
  expect(['one', 'two', 'three', 'four'].map((key) => store.body(key) !== undefined)).toEqual([true, false, true, true])
  expect(store.usage()[0]!.bytes).toBeLessThanOrEqual(3 * 1300)
})

describe('bounds of what predictions rest on', () => {
  const BYTES = 20_000
  /** What a client chose: ordinary mostly, now and then as long as a field may be. */
  const long = fc.tuple(fc.nat(4000), fc.nat(9)).map(([length, digit]) => String(digit).repeat(length))
  const text = fc.oneof(fc.constant('application/json'), fc.string({ maxLength: 20 }), long)

  test('known representations: 20 of a resource', () => {
    const memory = memoryKnownRepresentations(100_000)
    for (let index = 0; index < 30; index++) memory.saw('r', known(`${index}`))
    expect(memory.of('r').map(({ bodyKey }) => bodyKey)).toEqual(
      Array.from({ length: 20 }, (_, index) => `${29 - index}`),
    )
  })

  test('known representations: in bytes, texts that a client chose included', () => {
    const step = fc.record({
      resource: fc.oneof(fc.nat(5).map(String), text),
      accept: fc.option(text, { nil: undefined }),
      body: fc.nat(8),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const memory = memoryKnownRepresentations(BYTES)
        for (const { resource, accept, body: bodyKey } of steps) memory.saw(resource, known(`${bodyKey}`, { accept }))
        const { bytes, entries } = memory.usage()
        // A second opinion, from outside: the texts alone of what can still be read.
        const held = [...new Set(steps.map(({ resource }) => resource))].filter((each) => memory.of(each).length > 0)
        const texts = held
          .map(
            (each) =>
              each +
              memory
                .of(each)
                .map(({ accept }) => accept ?? '')
                .join(''),
          )
          .join('')
        expect(bytes).toBeLessThanOrEqual(BYTES)
        expect(bytes).toBeGreaterThanOrEqual(texts.length + 400 * held.length)
        expect(entries).toBe(held.length)
      }),
      { numRuns: 60 },
    )
  })

  test('known representations: each text of the upstream counts', () => {
    const bytesOf = (more: Parameters<typeof known>[1]) => {
      const memory = memoryKnownRepresentations(BYTES)
      memory.saw('r', known('b', more))
      return memory.usage().bytes
    }
    const short = { accept: '', contentType: '', lastModified: '', mediaType: '' }
    for (const name of ['accept', 'contentType', 'lastModified', 'mediaType']) {
      expect(bytesOf({ ...short, [name]: 'x'.repeat(1000) })).toBe(bytesOf(short) + 1000)
    }
    expect(bytesOf({ ...short, accept: 'x'.repeat(BYTES) })).toBe(0)
  })

  test('known representations: the resource that nobody asked about for longest goes first', () => {
    const memory = memoryKnownRepresentations(2 * 1000)
    memory.saw('one', known('b'))
    memory.saw('two', known('b'))
    memory.of('one')
    memory.saw('three', known('b'))
    expect(['one', 'two', 'three'].map((each) => memory.of(each).length)).toEqual([1, 0, 1])
  })

  test('predicted tags: in bytes, names included, which hold what a client chose', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 100 }), (names) => {
        const tags = memoryPredictedTags(BYTES)
        for (const name of names) tags.set(name, 'x'.repeat(64))
        const held = [...new Set(names)].filter((name) => tags.get(name) !== undefined)
        const { bytes, entries } = tags.usage()
        expect(bytes).toBeLessThanOrEqual(BYTES)
        expect(bytes).toBeGreaterThanOrEqual(held.join('').length + 150 * held.length)
        expect(entries).toBe(held.length)
      }),
    )
  })

  test('predicted tags: what was not used for longest goes first', () => {
    const tags = memoryPredictedTags(2 * 300)
    tags.set('one', 'tag')
    tags.set('two', 'tag')
    tags.get('one')
    tags.set('three', 'tag')
    expect(['one', 'two', 'three'].map((name) => tags.get(name))).toEqual(['tag', undefined, 'tag'])
  })
})

test('the memory ledger forgets the account that was not asked for or heard of for longest', () => {
  const time = new LedgerTime()
  const ledger = memoryBudgetLedger({ ...LEDGER_OPTIONS, clock: time, scheduler: time, maxAccounts: 3 })
  for (const account of ['a', 'b', 'c', 'a', 'd']) ledger.observe(account, stated(1))
  expect(['a', 'b', 'c', 'd'].map((each) => ledger.latest(each, 'core')?.remaining)).toEqual([1, undefined, 1, 1])
})

test('whose credentials are whose is known of so many, and forgotten of those that were not asked about for longest', () => {
  const known = memoryKnownAccounts(2)
  known.learn('one', 'user:a')
  known.learn('two', 'user:a')
  expect(known.of('one')).toBe('user:a')
  known.learn('three', 'user:b')
  expect(['one', 'two', 'three', 'four'].map((each) => known.of(each))).toEqual([
    'user:a',
    undefined,
    'user:b',
    undefined,
  ])
  known.learn('one', 'user:c')
  expect(known.of('one')).toBe('user:c')
})
