import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryWriteSpacing } from '../../src/store/memory/write-spacing.ts'

// Bottleneck reads the global clock and timers, and takes a few ms of them for itself.
const FEW = 50
beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-04-15T12:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

function spaced(interval = 1000) {
  const spacing = memoryWriteSpacing(interval)
  const begun: [name: string, at: number][] = []
  const start = Date.now()
  const write = (account: string, name: string, milliseconds = 0) =>
    spacing.next(account, async () => {
      begun.push([name, Math.round((Date.now() - start) / (2 * FEW)) * 2 * FEW])
      if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds))
      return name
    })
  return { spacing, begun, write }
}

describe('writes', () => {
  test('of one account begin so long after each other', async () => {
    const { begun, write } = spaced()
    const all = Promise.all([write('user:one', 'a'), write('user:one', 'b'), write('user:one', 'c')])
    await vi.advanceTimersByTimeAsync(2000 - FEW)
    expect(begun).toEqual([
      ['a', 0],
      ['b', 1000],
    ])
    await vi.advanceTimersByTimeAsync(2 * FEW)
    expect(begun.at(-1)).toEqual(['c', 2000])
    expect(await all).toEqual(['a', 'b', 'c'])
  })

  test('of one account go one at a time, however long one takes', async () => {
    const { begun, write } = spaced()
    void write('user:one', 'slow', 5000)
    void write('user:one', 'next')
    await vi.advanceTimersByTimeAsync(5000 - FEW)
    expect(begun).toEqual([['slow', 0]])
    await vi.advanceTimersByTimeAsync(2 * FEW)
    expect(begun.at(-1)).toEqual(['next', 5000])
  })

  test('of different accounts have nothing to do with each other', async () => {
    const { begun, write } = spaced()
    void write('user:one', 'one', 5000)
    void write('user:two', 'two')
    await vi.advanceTimersByTimeAsync(FEW)
    expect(begun).toEqual([
      ['one', 0],
      ['two', 0],
    ])
  })

  test('are not spaced where no time is to lie between them', async () => {
    const { begun, write } = spaced(0)
    void write('user:one', 'a')
    void write('user:one', 'b')
    await vi.advanceTimersByTimeAsync(FEW)
    expect(begun.map(([, at]) => at)).toEqual([0, 0])
  })

  test('one that fails says so, and the next one goes', async () => {
    const { spacing, begun, write } = spaced()
    const failure = new Error('broke off')
    const failed = spacing.next('user:one', () => Promise.reject(failure)).catch((thrown: unknown) => thrown)
    void write('user:one', 'next')
    await vi.advanceTimersByTimeAsync(1000 + FEW)
    expect(await failed).toBe(failure)
    expect(begun).toEqual([['next', 1000]])
  })

  test('an account that has written nothing for a while writes at once, and not before its interval is over', async () => {
    const { begun, write } = spaced(45_000)
    void write('user:one', 'a')
    await vi.advanceTimersByTimeAsync(44_000)
    void write('user:one', 'b')
    await vi.advanceTimersByTimeAsync(1000 + FEW)
    expect(begun.at(-1)).toEqual(['b', 45_000])
    await vi.advanceTimersByTimeAsync(600_000 - FEW)
    void write('user:one', 'c')
    await vi.advanceTimersByTimeAsync(FEW)
    expect(begun.at(-1)).toEqual(['c', 645_000])
  })
})
