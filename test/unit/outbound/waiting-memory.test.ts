import { describe, expect, test } from 'vitest'
import { WaitingMemory } from '../../../src/middleware/outbound/waiting-memory.ts'
import type { OutcomeName } from '../../../src/outcome.ts'

const URL = '/user json'
/** Questions that do not wait, once waiting has been in vain, before one does again. */
const SKIPPED = 63

function inVain(memory: WaitingMemory, resource = URL): void {
  memory.note(resource, 'filled')
  memory.note(resource, 'replaced')
}

describe('whether waiting may help', () => {
  test('is assumed, however often it is asked', () => {
    const memory = new WaitingMemory()
    for (let count = 0; count < 1000; count++) expect(memory.mayHelp(URL)).toBe(true)
  })

  test.each<OutcomeName>(['filled', 'replaced'])('is denied after two waits in vain that ended %s', (outcome) => {
    const memory = new WaitingMemory()
    memory.note(URL, outcome)
    expect(memory.mayHelp(URL)).toBe(true)
    memory.note(URL, outcome)
    expect(memory.mayHelp(URL)).toBe(false)
    expect(memory.mayHelp('/other json')).toBe(true)
  })

  test('is tried again now and then', () => {
    const memory = new WaitingMemory()
    inVain(memory)
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < SKIPPED; count++) expect(memory.mayHelp(URL)).toBe(false)
      expect(memory.mayHelp(URL)).toBe(true)
      memory.note(URL, 'filled')
    }
  })

  test('is known again as soon as it did', () => {
    const memory = new WaitingMemory()
    memory.note(URL, 'filled')
    memory.note(URL, 'predicted')
    memory.note(URL, 'filled')
    expect(memory.mayHelp(URL)).toBe(true)
    inVain(memory)
    expect(memory.mayHelp(URL)).toBe(false)
    memory.note(URL, 'predicted')
    for (let count = 0; count < 100; count++) expect(memory.mayHelp(URL)).toBe(true)
  })

  test.each<OutcomeName>(['revalidated', 'refused', 'confirmed', 'fetched', 'hit', 'stale', 'failed', 'bypassed'])(
    'is not answered by an answer that was %s',
    (outcome) => {
      const memory = new WaitingMemory()
      for (let count = 0; count < 10; count++) memory.note(URL, outcome)
      expect(memory.mayHelp(URL)).toBe(true)
      inVain(memory)
      for (let count = 0; count < 10; count++) memory.note(URL, outcome)
      expect(memory.mayHelp(URL)).toBe(false)
    },
  )

  test('is remembered of 2000 resources, and forgotten of the oldest', () => {
    const memory = new WaitingMemory()
    for (let index = 0; index < 2000; index++) inVain(memory, `${index}`)
    expect(memory.mayHelp('0')).toBe(false)
    // One that is known already pushes nothing out.
    memory.note('1999', 'filled')
    expect(memory.mayHelp('0')).toBe(false)
    memory.note('new', 'filled')
    expect(memory.mayHelp('0')).toBe(true)
    expect(memory.mayHelp('1')).toBe(false)
    expect(memory.mayHelp('1999')).toBe(false)
  })
})
