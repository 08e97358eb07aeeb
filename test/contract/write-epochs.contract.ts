import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { WriteEpochs } from '../../src/ports.ts'

/**
 * What every counter of writes owes its caller.
 *
 * @param makeEpochs one that tells at least `scopes` scopes apart, and need not tell more
 */
export function writeEpochsContract(name: string, makeEpochs: (scopes: number) => WriteEpochs): void {
  const scope = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
  const scopes = fc.uniqueArray(scope, { minLength: 1, maxLength: 3 })
  const step = fc.oneof(
    fc.record({ do: fc.constant('ask' as const), scopes }),
    fc.record({ do: fc.constant('write' as const), scopes: fc.oneof(scopes, fc.constant('everything' as const)) }),
  )
  type Step = { do: 'ask' | 'write'; scopes: readonly string[] | 'everything' }

  /** Runs the steps; after each one `check` is given everything asked so far and whether a write has ended it. */
  function run(
    epochs: WriteEpochs,
    steps: readonly Step[],
    check: (asked: { epoch: number; scopes: readonly string[]; ended: boolean }) => void,
  ): void {
    const questions: { epoch: number; scopes: readonly string[]; ended: boolean }[] = []
    for (const { do: what, scopes: concerned } of steps) {
      if (what === 'ask' && concerned !== 'everything') {
        questions.push({ epoch: epochs.current(), scopes: concerned, ended: false })
      } else {
        epochs.bump(concerned)
        for (const question of questions) {
          question.ended ||= concerned === 'everything' || question.scopes.some((each) => concerned.includes(each))
        }
      }
      for (const question of questions) check(question)
    }
  }

  describe(`write epochs: ${name}`, () => {
    test('a write ends what was asked before it in its scopes, and nothing else', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
          const epochs = makeEpochs(6)
          run(epochs, steps, ({ epoch, scopes: asked, ended }) => {
            expect(epochs.isCurrent(epoch, asked)).toBe(!ended)
          })
        }),
      )
    })

    test('with more scopes than it can tell apart, it ends more and never less', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), (steps, room) => {
          const epochs = makeEpochs(room)
          run(epochs, steps, ({ epoch, scopes: asked, ended }) => {
            if (ended) expect(epochs.isCurrent(epoch, asked)).toBe(false)
          })
        }),
      )
    })

    test('what is asked after all writes is current', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 6 }), scopes, (steps, room, asked) => {
          const epochs = makeEpochs(room)
          run(epochs, steps, () => {})
          expect(epochs.isCurrent(epochs.current(), asked)).toBe(true)
        }),
      )
    })

    test('reading a scope does not save it from being forgotten before one that was written later', () => {
      const epochs = makeEpochs(2)
      epochs.bump(['old'])
      const between = epochs.current()
      epochs.bump(['new'])
      epochs.isCurrent(between, ['old'])
      epochs.bump(['newest'])
      // `old` is the one to go: what was asked after it stays as it was.
      expect(epochs.isCurrent(between, ['old'])).toBe(true)
      expect(epochs.isCurrent(between, ['new'])).toBe(false)
    })
  })
}
