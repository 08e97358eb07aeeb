import { describe, expect, test } from 'vitest'
import { RouteMemory } from '../../../src/middleware/outbound/route-memory.ts'

/** More routes than are remembered: of each, one that only its shape tells from the others. */
const MOST = 500
const path = (index: number) => `/repos/o/r/route${index}`

function memory(): RouteMemory<{ learnt: boolean }> {
  return new RouteMemory(() => ({ learnt: false }))
}

function learn(of: ReturnType<typeof memory>, index: number): void {
  of.learning(path(index)).learnt = true
}

describe('what is known of routes', () => {
  test('is one thing for all resources of a kind', () => {
    const routes = memory()
    routes.learning('/repos/o/r/issues/1').learnt = true
    expect(routes.of('/repos/other/repo/issues/2').learnt).toBe(true)
    expect(routes.learning('/repos/other/repo/issues/3').learnt).toBe(true)
    for (const other of ['/repos/o/r/issues', '/repos/o/r/pulls/1', '/orgs/o/issues/1', '/repos/o/r/issues/1/labels']) {
      expect(routes.of(other).learnt).toBe(false)
    }
  })

  test('is bounded: what taught nothing for longest goes first', () => {
    const routes = memory()
    for (let index = 0; index < MOST; index++) learn(routes, index)
    expect(routes.of(path(0)).learnt).toBe(true)
    // Learnt anew: then it is not the next to go.
    learn(routes, 0)
    learn(routes, MOST)
    const known = Array.from({ length: MOST + 1 }, (_, index) => routes.of(path(index)).learnt)
    expect(known.indexOf(false)).toBe(1)
    expect(known.filter((learnt) => learnt)).toHaveLength(MOST)
  })

  test('is not pushed out, nor filled, by asking', () => {
    const routes = memory()
    for (let index = 0; index < MOST; index++) learn(routes, index)
    for (let index = 0; index < 3 * MOST; index++) routes.of(`/repos/o/r/asked${index}`).learnt = true
    for (let index = 0; index < MOST; index++) expect(routes.of(path(index)).learnt).toBe(true)
    expect(routes.of('/repos/o/r/asked1').learnt).toBe(false)
  })

  test('is not kept longer for being asked about', () => {
    const routes = memory()
    for (let index = 0; index < MOST; index++) learn(routes, index)
    routes.of(path(0))
    learn(routes, MOST)
    expect(routes.of(path(0)).learnt).toBe(false)
  })
})
