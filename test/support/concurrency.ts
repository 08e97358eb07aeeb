import { type OutgoingHttpHeaders, request } from 'node:http'
import { rawRequest, type TestGateway } from './gateway.ts'
import type { Pair } from './pair.ts'

/** Ordering concurrent requests without sleeping: everything here waits for something that can be seen. */

/** A promise that a fault waits for, and what lifts it. */
export interface Barrier {
  readonly until: Promise<void>
  lift(): void
}

export function barrier(): Barrier {
  let lift = () => {}
  const until = new Promise<void>((resolve) => {
    lift = resolve
  })
  return { until, lift }
}

/** Resolves once this is true; looks at every turn of the event loop. */
export async function eventually(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise(setImmediate)
}

/** Resolves once the gateway has taken in exactly so many requests that it has not answered: by its own metrics. */
export async function inFlight(gateway: TestGateway, count: number): Promise<void> {
  for (;;) {
    const { body } = await rawRequest(gateway.origin, '/_weir/metrics')
    const [, stated] = /^weir_requests_in_flight (\d+)$/m.exec(body.toString('latin1')) ?? []
    // The one that asks is one of them.
    if (Number(stated) === count + 1) return
  }
}

/** Holds the next upstream requests for a target (one, unless told) before they are evaluated. */
export function hold(pair: Pair, target: string, times = 1): Barrier {
  const held = barrier()
  const { faults } = pair.sandbox.switches
  if (typeof faults === 'function') throw new TypeError('the faults are a function')
  faults.push({ target, times, fault: { kind: 'wait', until: held.until, when: 'before-evaluating' } })
  return held
}

/** A request whose client can go away. */
export interface Departing {
  leave(): void
  /** Whether any answer has begun to arrive. */
  readonly isAnswered: boolean
}

export function departing(origin: string, target: string, headers: OutgoingHttpHeaders): Departing {
  const { hostname, port } = new URL(origin)
  const state = { isAnswered: false }
  const outgoing = request({ hostname, port, path: target, agent: false, headers }, (incoming) => {
    state.isAnswered = true
    incoming.on('error', () => {})
    incoming.resume()
  })
  outgoing.on('error', () => {})
  outgoing.end()
  return {
    leave: () => outgoing.destroy(),
    get isAnswered() {
      return state.isAnswered
    },
  }
}
