import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Origin, startOrigin } from '../../bench/conformance/origin.ts'
import { type Peer, type RunningPeer, startPeer } from '../../bench/conformance/peers.ts'
import { countOf, passedTests, runSuite, suiteTests } from '../../bench/conformance/suite.ts'
import { describeWithTools } from '../support/tools.ts'
import { named, optimal, required } from './exceptions.ts'

/** Measures another cache in the same way, and holds Weir against it. One a file: the suite keeps state in its modules. */
export function describePeer(peer: Peer): void {
  describeWithTools(`${peer.name}, measured in the same way`, [peer], () => {
    let origin: Origin | undefined
    let running: RunningPeer | undefined
    let passed: ReadonlySet<string>

    beforeAll(async () => {
      origin = await startOrigin()
      running = await startPeer(peer, origin.port)
      passed = passedTests(await runSuite(running.origin))
    }, 120_000)
    afterAll(async () => {
      await running?.stop()
      await origin?.close()
    })

    test('it was asked, and is a cache', () => {
      expect(passed.has('freshness-max-age')).toBe(true)
      expect(passed.has('freshness-none')).toBe(true)
    })

    test.each([
      ['required', required],
      ['optimal', optimal],
    ] as const)('it passes fewer %s tests than Weir', (kind, reasons) => {
      // That Weir passes all but the named ones is what weir.test.ts finds out.
      const weir = suiteTests.filter((each) => each.kind === kind).length - named(reasons).length
      expect(countOf(kind, passed)).toBeLessThan(weir)
    })
  })
}
