import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KnownRepresentation, KnownRepresentations } from '../../src/ports.ts'

/** What is known of a body, with room for anything that a test wants to be different. */
export function known(bodyKey: string, more: Partial<KnownRepresentation> = {}): KnownRepresentation {
  return {
    bodyKey,
    length: 2,
    contentType: 'application/json; charset=utf-8',
    lastModified: undefined,
    mediaType: 'github.v3; format=json',
    accept: 'application/json',
    seenWithLink: false,
    nextPage: 'none',
    ...more,
  }
}

/**
 * What every memory of bodies owes its caller.
 *
 * @param makeKnown an empty one with room for the few resources of a test
 * @param ofOne how many bodies of one resource it remembers at the least
 */
export function knownRepresentationsContract(name: string, makeKnown: () => KnownRepresentations, ofOne: number): void {
  const keys = (representations: readonly KnownRepresentation[]) => representations.map(({ bodyKey }) => bodyKey)

  describe(`known representations: ${name}`, () => {
    test('gives back what was seen, every field of it, for that resource alone', () => {
      const memory = makeKnown()
      const seen = known('b', {
        lastModified: 'Wed, 15 Apr 2026 12:00:00 GMT',
        accept: undefined,
        mediaType: undefined,
        contentType: undefined,
        seenWithLink: true,
        nextPage: 'possible',
      })
      memory.saw('https://ghes.example/api/v3/user json', seen)
      expect(memory.of('https://ghes.example/api/v3/user json')).toEqual([seen])
      for (const other of ['', 'https://ghes.example/api/v3/user', 'https://ghes.example/api/v3/USER json', 'b']) {
        expect(memory.of(other)).toEqual([])
      }
    })

    test('names what was seen last first, and each body once, as it was seen last', () => {
      const memory = makeKnown()
      for (const each of ['one', 'two', 'three']) memory.saw('r', known(each))
      expect(keys(memory.of('r'))).toEqual(['three', 'two', 'one'])
      memory.saw('r', known('one', { seenWithLink: true }))
      expect(keys(memory.of('r'))).toEqual(['one', 'three', 'two'])
      expect(memory.of('r')[0]?.seenWithLink).toBe(true)
      memory.saw('r', known('one'))
      expect(memory.of('r')[0]?.seenWithLink).toBe(false)
      expect(keys(memory.of('r'))).toEqual(['one', 'three', 'two'])
    })

    test('seeing the very same again moves it to the front', () => {
      const memory = makeKnown()
      const one = known('one')
      memory.saw('r', one)
      memory.saw('r', known('two'))
      memory.saw('r', one)
      memory.saw('r', one)
      expect(keys(memory.of('r'))).toEqual(['one', 'two'])
    })

    test('may forget, most recently seen last, and never makes anything up', () => {
      const resource = fc.constantFrom('a', 'b')
      const body = fc.nat(2 * ofOne)
      fc.assert(
        fc.property(fc.array(fc.record({ resource, body }), { maxLength: 80 }), (steps) => {
          const memory = makeKnown()
          const model = new Map<string, string[]>()
          for (const step of steps) {
            const key = `${step.resource} ${step.body}`
            memory.saw(step.resource, known(key))
            const before = model.get(step.resource) ?? []
            model.set(step.resource, [key, ...before.filter((each) => each !== key)])
            for (const each of ['a', 'b']) {
              const expected = model.get(each) ?? []
              const found = keys(memory.of(each))
              expect(found).toEqual(expected.slice(0, found.length))
              expect(found.length).toBeGreaterThanOrEqual(Math.min(ofOne, expected.length))
            }
          }
        }),
        { numRuns: 50 },
      )
    })

    test('what it hands out does not change afterwards', () => {
      const memory = makeKnown()
      memory.saw('r', known('one'))
      const before = memory.of('r')
      memory.saw('r', known('two'))
      expect(keys(before)).toEqual(['one'])
    })
  })
}
