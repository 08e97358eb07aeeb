import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Origin, startOrigin } from '../../bench/conformance/origin.ts'
import { countOf, passedTests, type Results, runSuite, suiteTests } from '../../bench/conformance/suite.ts'
import { weirSettings } from '../../bench/conformance/weir.ts'
import { type TestGateway, testGateway } from '../support/gateway.ts'
import { named, optimal, required } from './exceptions.ts'

/**
 * The public HTTP cache suite (npm `http-cache-tests`, https://cache-tests.fyi), its own client and origin, with the real
 * gateway between them.
 */

let origin: Origin
let gateway: TestGateway
let results: Results
let passed: ReadonlySet<string>

beforeAll(async () => {
  origin = await startOrigin()
  gateway = await testGateway(weirSettings(origin.origin))
  results = await runSuite(gateway.api)
  passed = passedTests(results)
}, 120_000)
afterAll(async () => {
  gateway?.kill()
  await origin?.close()
})

/** Ids of what did not pass, in the order of the suite. */
function failed(kind: 'required' | 'optimal'): string[] {
  return suiteTests.filter((each) => each.kind === kind && !passed.has(each.id)).map(({ id }) => id)
}

const KINDS = [
  ['required', required],
  ['optimal', optimal],
] as const

describe('the public HTTP cache suite', () => {
  test('has run to its end', () => {
    expect(Object.keys(results).sort()).toEqual(suiteTests.map(({ id }) => id).sort())
    for (const id of ['freshness-max-age', 'freshness-none', 'conditional-etag-strong-generate', 'vary-no-match']) {
      expect(passed.has(id), id).toBe(true)
    }
  })

  test.each(KINDS)('every %s test passes but those that are named, and each of these fails', (kind, reasons) => {
    const unexpected = failed(kind).filter((id) => !named(reasons).includes(id))
    expect(unexpected.map((id) => [id, results[id]])).toEqual([])
    expect(failed(kind)).toEqual(named(reasons))
  })

  test.each(KINDS)('every %s test that is named exists, once', (kind, reasons) => {
    const ids = Object.values(reasons).flat()
    const known = suiteTests.filter((each) => each.kind === kind).map(({ id }) => id)
    expect(ids.filter((id) => !known.includes(id))).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('more of both kinds pass than the best that the suite’s authors publish of any other cache', () => {
    // bench/README.md has the table; Traffic Server leads in both.
    expect(countOf('required', passed)).toBeGreaterThan(136)
    expect(countOf('optimal', passed)).toBeGreaterThan(64)
  })
})
