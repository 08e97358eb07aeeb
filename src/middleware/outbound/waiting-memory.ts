import type { OutcomeName } from '../../outcome.ts'
import { forgetOldest } from './oldest.ts'

const MOST_RESOURCES = 2000
/** Waits in vain, in a row, after which a resource is not waited for. */
const IN_VAIN = 2
/** Requests that then do not wait, until one tries again. */
const UNTIL_NEXT_TRY = 64

/**
 * Resources that every reader gets another body of (signed addresses in it, counters of one's own): what one caller
 * brings never helps the next, so waiting for it would cost time and save nothing.
 */
export class WaitingMemory {
  readonly #resources = new Map<string, { inVain: number; skipped: number }>()

  /** Whether waiting for another caller's answer may make the question free. */
  mayHelp(resource: string): boolean {
    const known = this.#resources.get(resource)
    if (known === undefined || known.inVain < IN_VAIN) return true
    known.skipped++
    if (known.skipped < UNTIL_NEXT_TRY) return false
    known.skipped = 0
    return true
  }

  /** @param outcome of a question that waited for one that brought a new body */
  note(resource: string, outcome: OutcomeName): void {
    if (outcome === 'predicted') this.#resources.delete(resource)
    if (outcome !== 'filled' && outcome !== 'replaced') return
    const known = this.#resources.get(resource) ?? { inVain: 0, skipped: 0 }
    known.inVain++
    if (this.#resources.size >= MOST_RESOURCES && !this.#resources.has(resource)) forgetOldest(this.#resources)
    this.#resources.set(resource, known)
  }
}
