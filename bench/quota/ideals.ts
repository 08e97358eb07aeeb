import type { State } from './expected.ts'
import type { Read } from './trace.ts'

/** A read, and what the upstream says to it. */
export interface Asked {
  readonly read: Pick<Read, 'authorization' | 'accept' | 'target'>
  readonly state: Pick<State, 'body' | 'isEmptyList' | 'hasOpenLink' | 'hasDate'>
}

/** What has to be paid: nothing, once for all reads of the same name, or each time. */
export type Price = 'free' | 'always' | { readonly once: string }

/** The least that reading can cost in front of one kind of upstream. */
export type Ideal = (asked: Asked) => Price

/** The least possible: every distinct body of a target paid once, the empty list not at all. */
export const leastPossible: Ideal = ({ read, state }) =>
  state.isEmptyList ? 'free' : { once: `${read.target} ${state.body}` }

/**
 * The least where a 304 comes without `Link`: a page that may have a next one, or whose `Link` names the last, is paid once by
 * each credential, because only its own 200 tells it which pages there are.
 */
export const leastWithoutLinks: Ideal = (asked) =>
  asked.state.hasOpenLink
    ? { once: `${asked.read.authorization} ${asked.read.target} ${asked.state.body}` }
    : leastPossible(asked)

/**
 * The least where nothing is known about entity tags but that the upstream takes back its own: each distinct body of a target
 * is paid once by each credential and each `Accept`, the empty list too.
 */
export const leastPerToken: Ideal = ({ read, state }) => ({
  once: `${read.authorization} ${read.accept} ${read.target} ${state.body}`,
})

/** The least where there are only dates: as per token, but what has no date is paid whenever it is read. */
export const leastByDate: Ideal = (asked) => (asked.state.hasDate ? leastPerToken(asked) : 'always')

/** What an ideal costs over a whole trace. */
export function costOf(ideal: Ideal, trace: readonly Asked[]): number {
  const prices = trace.map(ideal).filter((price) => price !== 'free')
  const always = prices.filter((price) => price === 'always').length
  return (
    always + new Set(prices.map((price) => (price === 'always' ? undefined : price.once))).size - Math.min(always, 1)
  )
}
