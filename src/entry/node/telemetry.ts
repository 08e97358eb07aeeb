import type { RequestEvent } from '../../outcome.ts'
import type { Telemetry } from '../../ports.ts'

/**
 * One telemetry that hands every event to each of several, in order. Never throws: what happened to a request must not
 * change because somebody could not write it down, and one broken listener does not silence the others.
 */
export function combine(...telemetries: readonly Telemetry[]): Telemetry {
  return {
    record(event: RequestEvent): void {
      for (const telemetry of telemetries) {
        try {
          telemetry.record(event)
        } catch {
          // There is nowhere left to report it.
        }
      }
    },
  }
}
