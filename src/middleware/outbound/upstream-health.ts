import type { FailureTag } from '../../errors.ts'

/** What the traffic of this process has shown about the upstream. Times are epoch ms. */
export interface UpstreamReport {
  /** Whether the last exchange got an answer; `null`: nothing has been asked yet. */
  readonly reachable: boolean | null
  readonly lastSuccess: number | null
  readonly lastFailure: number | null
  /** What went wrong the last time; kept after the upstream is back. */
  readonly failure: FailureTag | null
}

/** Failures before the headers of an answer. `upstream-busy` is our own queue and `client-gone` not the upstream's doing. */
const UNREACHABLE: ReadonlySet<FailureTag> = new Set<FailureTag>([
  'upstream-unreachable',
  'upstream-reset',
  'upstream-invalid',
  'upstream-connect-timeout',
  'upstream-headers-timeout',
])

/** Failures of an answer whose headers had arrived: worth reporting, but the upstream is there. */
const BROKEN_ANSWER: ReadonlySet<FailureTag> = new Set<FailureTag>([
  'upstream-truncated',
  'upstream-coding',
  'upstream-body-timeout',
])

/**
 * Remembers how asking the upstream went, for people and dashboards. It asks nothing by itself and nothing may be decided by it:
 * readiness above all, or a load balancer would take every gateway away at the moment when stored answers help most.
 */
export class UpstreamHealth {
  #reachable: boolean | null = null
  #lastSuccess: number | null = null
  #lastFailure: number | null = null
  #failure: FailureTag | null = null

  /** The headers of an answer arrived, whatever its status. `now` in epoch ms. */
  succeeded(now: number): void {
    this.#reachable = true
    this.#lastSuccess = now
  }

  /** Asking failed; tags that say nothing about the upstream are ignored. `now` in epoch ms. */
  failed(now: number, tag: FailureTag): void {
    if (UNREACHABLE.has(tag)) this.#reachable = false
    else if (!BROKEN_ANSWER.has(tag)) return
    this.#lastFailure = now
    this.#failure = tag
  }

  report(): UpstreamReport {
    return {
      reachable: this.#reachable,
      lastSuccess: this.#lastSuccess,
      lastFailure: this.#lastFailure,
      failure: this.#failure,
    }
  }
}
