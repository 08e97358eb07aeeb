import type { State } from './expected.ts'
import type { Read } from './trace.ts'

/** A read, and what the upstream says to it when it is sent. */
export interface Asked {
  readonly read: Pick<Read, 'authorization' | 'accept' | 'target'>
  readonly state: Pick<State, 'body' | 'isEmptyList' | 'hasOpenLink' | 'hasDate'>
}

function distinct(asked: readonly Asked[], keyOf: (one: Asked) => string | undefined): number {
  return new Set(asked.map(keyOf).filter((key) => key !== undefined)).size
}

/** The least possible: every distinct body of a target paid once, the empty list not at all. */
export function leastPossible(asked: readonly Asked[]): number {
  return distinct(asked, ({ read, state }) => (state.isEmptyList ? undefined : `${read.target} ${state.body}`))
}

/**
 * The least where a 304 comes without `Link`: a page that may have a next one, or whose `Link` names the last, is paid once by
 * each credential, because only its own 200 tells it which pages there are.
 */
export function leastWithoutLinks(asked: readonly Asked[]): number {
  return distinct(asked, ({ read, state }) => {
    if (state.isEmptyList) return undefined
    return `${read.target} ${state.body} ${state.hasOpenLink ? read.authorization : ''}`
  })
}

/**
 * The least where nothing is known about entity tags but that the upstream takes back its own: each distinct body of a target
 * is paid once by each credential and each `Accept`, the empty list too.
 */
export function leastPerToken(asked: readonly Asked[]): number {
  return distinct(asked, ({ read, state }) => `${read.authorization} ${read.accept} ${read.target} ${state.body}`)
}

/** The least where there are only dates: as per token, but what has no date is paid whenever it is read. */
export function leastByDate(asked: readonly Asked[]): number {
  const dated = asked.filter(({ state }) => state.hasDate)
  return leastPerToken(dated) + asked.length - dated.length
}
