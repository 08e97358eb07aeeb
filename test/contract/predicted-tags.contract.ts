import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PredictedTags } from '../../src/ports.ts'

/**
 * What every memory of worked-out tags owes its caller.
 *
 * @param makeTags an empty one with room for the few tags of a test
 */
export function predictedTagsContract(name: string, makeTags: () => PredictedTags): void {
  describe(`predicted tags: ${name}`, () => {
    test('gives back what was worked out, under that name alone', () => {
      const tags = makeTags()
      tags.set('who true :a body', 'tag')
      expect(tags.get('who true :a body')).toBe('tag')
      for (const other of ['', 'who true :a ', 'who true :A body', 'who true :a body ', 'tag']) {
        expect(tags.get(other)).toBeUndefined()
      }
      tags.set('who true :a body', 'other')
      expect(tags.get('who true :a body')).toBe('other')
    })

    test('may forget, and never makes anything up', () => {
      const step = fc.record({ name: fc.string({ unit: 'binary-ascii', maxLength: 40 }), tag: fc.string() })
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
          const tags = makeTags()
          const model = new Map<string, string>()
          for (const each of steps) {
            tags.set(each.name, each.tag)
            model.set(each.name, each.tag)
          }
          for (const [known, tag] of model) expect([undefined, tag]).toContain(tags.get(known))
        }),
      )
    })
  })
}
