import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSamePresented, presentTag, returnTag } from '../../../src/github/presentation-tag.ts'
import { isEntityTag } from '../../../src/http/entity-tag.ts'

const piece = fc.constantFrom('weir-', '-s-', '-w-', 'W/', '-', 's', 'a1', '\xe9', '!', ',', "'", '~')
const opaque = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
const tag = fc.tuple(fc.boolean(), opaque).map(([weak, inside]) => `${weak ? 'W/' : ''}"${inside}"`)
const presentation = fc.stringMatching(/^[A-Za-z0-9]{1,12}$/)

describe('two tags that were given out', () => {
  test('are the same where the upstream’s are, weakly compared, and the presentation is one', () => {
    fc.assert(
      fc.property(tag, tag, presentation, presentation, (left, right, here, there) => {
        const [one, other] = [presentTag(left, here), presentTag(right, there)]
        const weakly = left.replace(/^W\//, '') === right.replace(/^W\//, '')
        expect(isSamePresented(one, other)).toBe(weakly && here === there)
      }),
    )
  })

  test('of a weak 200 and of the strong 304 to it are one', () => {
    expect(isSamePresented(presentTag('W/"a"', 'p'), presentTag('"a"', 'p'))).toBe(true)
    expect(isSamePresented(presentTag('W/"a"', 'p'), '"a"')).toBe(false)
    expect(isSamePresented('W/"a"', '"a"')).toBe(true)
  })
})

describe('tags of presented answers', () => {
  test('are turned back into the upstream’s, also after a proxy made them strong', () => {
    fc.assert(
      fc.property(tag, presentation, (upstream, here) => {
        const presented = presentTag(upstream, here)
        expect(isEntityTag(presented)).toBe(true)
        expect(presented.startsWith('W/')).toBe(true)
        expect(returnTag(presented, here)).toEqual({ kind: 'ours', tag: upstream })
        expect(returnTag(presented.slice(2), here)).toEqual({ kind: 'ours', tag: upstream })
      }),
    )
  })

  test('of another public URL name bytes that are no longer given out', () => {
    fc.assert(
      fc.property(tag, presentation, presentation, (upstream, there, here) => {
        fc.pre(there !== here)
        expect(returnTag(presentTag(upstream, there), here)).toEqual({ kind: 'outdated' })
      }),
    )
  })

  test('that were not made here stay what they are', () => {
    fc.assert(
      fc.property(tag, presentation, (upstream, here) => {
        fc.pre(!/^(W\/)?"weir-[A-Za-z0-9]+-[sw]-/.test(upstream))
        expect(returnTag(upstream, here)).toEqual({ kind: 'foreign', tag: upstream })
      }),
    )
  })

  test('a gateway behind a gateway gets its own tag back', () => {
    const inner = presentTag('"a"', 'inner')
    expect(returnTag(presentTag(inner, 'outer'), 'outer')).toEqual({ kind: 'ours', tag: inner })
  })
})
