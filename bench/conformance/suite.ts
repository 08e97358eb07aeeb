import { getResults, runTests } from 'http-cache-tests/client/runner.mjs'
import suites from 'http-cache-tests/tests/index.mjs'

/** One test of the suite. */
export interface SuiteTest {
  readonly id: string
  readonly name: string
  /** Id of the group of tests that it belongs to. */
  readonly group: string
  /** `required`: the standard demands it; `optimal`: a good cache does it; `check`: only shows what a cache does. */
  readonly kind: 'required' | 'optimal' | 'check'
  readonly dependsOn: readonly string[]
}

/** `true`, or the kind of trouble and its words: `Assertion` for the cache's behaviour, anything else for the set-up. */
export type Results = Readonly<Record<string, true | readonly [name: string, message: string]>>

/** Every test but those for the caches of browsers. */
export const suiteTests: readonly SuiteTest[] = suites.flatMap(({ id: group, tests }) =>
  tests
    .filter((test) => test.browser_only !== true)
    .map(({ id, name, kind = 'required', depends_on: dependsOn = [] }) => ({ id, name, group, kind, dependsOn })),
)

/**
 * Runs the suite with its own client, against the cache at `base`. The client keeps state in its modules, so one process
 * makes one run. Takes about half a minute, most of it pauses in which answers become stale.
 */
export async function runSuite(base: string): Promise<Results> {
  await runTests(suites, plainFetch, false, base)
  return getResults()
}

/**
 * Node's `fetch` without what it adds where a request is conditional or says `no-store` itself: `Cache-Control: no-cache`,
 * which would keep every cache from answering. This mode means "whatever is stored", and Node has no cache of its own.
 */
function plainFetch(url: string, init: RequestInit): Promise<Response> {
  return fetch(url, { ...init, cache: 'force-cache' })
}

/** Ids of the tests that count as passed: the test itself passed, and all that it depends on did. */
export function passedTests(results: Results): ReadonlySet<string> {
  const known = new Map(suiteTests.map((test) => [test.id, test]))
  const passes = (id: string): boolean =>
    results[id] === true && (known.get(id)?.dependsOn ?? []).every((needed) => passes(needed))
  return new Set(suiteTests.map(({ id }) => id).filter(passes))
}

/** How many tests of one kind passed. */
export function countOf(kind: SuiteTest['kind'], passed: ReadonlySet<string>): number {
  return suiteTests.filter((test) => test.kind === kind && passed.has(test.id)).length
}
