import { credentialScope, scopesOfLocations } from '../../github/write-scopes.ts'
import type { AcceptedCredentials, WriteEpochs } from '../../ports.ts'
import type { Answerer, Attempt } from './exchange.ts'
import { limitedBy, REPEATED } from './other-status.ts'

/**
 * Passes everything that is not a read straight through, once. What it may have changed is asked for again afterwards:
 * the epoch is bumped when it is sent, because the upstream may act on it before it answers, and when it is answered,
 * because reads that were asked in between may have seen the state before it.
 *
 * That reaches other callers only for a credential that the upstream has accepted, or a write that it carried out: a
 * stranger's refused writes must not make others ask for what they could have reused.
 */
export function write(epochs: WriteEpochs, accepted: AcceptedCredentials, next: Attempt): Answerer {
  return async function written(question) {
    const { fingerprint, isAnonymous } = question.credential
    const scopes = question.scopes()
    // Without a credential there is no caller of one's own: every other anonymous one would be meant too.
    const own = isAnonymous || scopes.length === 0 ? [] : [credentialScope(fingerprint)]
    let isSent = false
    let isAccepted = false
    let carriedOut = false
    let located: readonly string[] = []
    try {
      const response = await next(question, () => {
        // Now, and not before it waited for its turn: what was asked meanwhile saw the state before it.
        isSent = true
        isAccepted = accepted.has(fingerprint)
        epochs.bump(isAccepted ? scopes : own)
        return question.headers
      })
      const { status, headers, body } = response
      carriedOut = status < 400
      if (carriedOut && scopes.length > 0) located = scopesOfLocations(headers, question.address, question.path)
      const outcome = response.isRepeated ? REPEATED : ({ name: 'written', forwardStatus: status } as const)
      return { status, headers, live: [], body, stored: undefined, age: undefined, outcome, ...limitedBy(response) }
    } finally {
      // Also when it failed: the upstream may have acted on it all the same.
      if (isSent) epochs.bump(isAccepted || carriedOut ? scopes : own)
      if (located.length > 0) epochs.bump(located)
    }
  }
}
