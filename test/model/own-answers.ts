import { type Exchange, isFailure } from './exchange.ts'
import { mayBeLocked } from './logins.ts'
import { field, type Got, type Reading } from './reading.ts'
import type { Told } from './told.ts'
import type { Upstream } from './upstream.ts'

/** What the gateway says in its own words. */
export type Own = 'only-if-cached' | 'failed' | 'paused' | 'rate-limited' | 'share-used' | 'login-locked'

const DOCUMENTATION = 'https://docs.github.com/rest'
const LIMITS = '/overview/rate-limits-for-the-rest-api'
const WORDS: Record<Own, { readonly statuses: readonly number[]; readonly page: string; readonly message: RegExp }> = {
  'only-if-cached': { statuses: [504], page: '', message: /^No stored answer/ },
  failed: { statuses: [502, 504], page: '', message: /^The upstream / },
  paused: {
    statuses: [403],
    page: '/overview/resources-in-the-rest-api#secondary-rate-limits',
    message: /^You have exceeded a secondary rate limit/,
  },
  'rate-limited': { statuses: [403], page: LIMITS, message: /^API rate limit exceeded$/ },
  'share-used': { statuses: [403], page: LIMITS, message: /^API rate limit exceeded: this client has had its share/ },
  'login-locked': { statuses: [403], page: '', message: /^Maximum number of login attempts exceeded/ },
}
const NAMES = Object.keys(WORDS) as Own[]

/** How long the gateway lets a request wait rather than refuse it, ms. */
export const LONGEST_WAIT = 5000

/**
 * Says whether the gateway may make an answer itself: only where the upstream gave none, where the client forbade asking, or
 * where the upstream would have refused, or has asked to be left alone, by its own word to this very account.
 */
export class OwnAnswers {
  readonly #upstream: Upstream
  readonly #told: Told

  constructor(upstream: Upstream, told: Told) {
    this.#upstream = upstream
    this.#told = told
  }

  /**
   * @param asked what the upstream said to this request, or to one that it shared the question of
   * @returns which of its own answers this is; a reason where it is one that may not be given; `undefined` where it is none
   */
  judge(
    reading: Reading,
    got: Got,
    asked: readonly Exchange[],
    tick: number,
  ): Own | { readonly problem: string } | undefined {
    const problems: string[] = []
    for (const name of NAMES.filter((each) => isWordOf(each, got))) {
      const problem = this.#problem(name, reading, got, asked, tick)
      if (problem === undefined) return name
      problems.push(`${name}: ${problem}`)
    }
    return problems.length === 0 ? undefined : { problem: problems.join('; ') }
  }

  /** Whether a limit may have kept a request back that came when it did, whatever became of it. */
  mayBeKeptBack(reading: Reading, tick: number): boolean {
    return (
      this.#told.pauses(reading, tick).some((until) => until > reading.startedTime) ||
      this.#told.usedUp(reading, tick).length > 0 ||
      this.#told.isShared(reading, tick)
    )
  }

  #problem(name: Own, reading: Reading, got: Got, asked: readonly Exchange[], tick: number): string | undefined {
    const { directive, startedTime } = reading
    switch (name) {
      case 'only-if-cached':
        return directive === 'only-if-cached' ? undefined : 'the client does not forbid to ask'
      case 'failed':
        return asked.some(isFailure) ? undefined : 'the upstream did not fail'
      case 'login-locked':
        return mayBeLocked(this.#upstream, reading, tick) ? undefined : 'too few wrong passwords were tried'
      case 'paused': {
        const pauses = this.#told.pauses(reading, tick).filter((until) => until > startedTime + LONGEST_WAIT)
        const wait = Number(field(got.headers, 'retry-after')) * 1000
        // It was said at some time between the request and its answer, in whole seconds.
        const isSaid = pauses.some((until) => until - wait <= got.time && until - wait + 1000 > startedTime)
        return isSaid ? undefined : `nothing says so; it may be paused until ${pauses.join(', ') || 'no time'}`
      }
      case 'rate-limited': {
        const resets = this.#told.usedUp(reading, tick).map(({ reset }) => reset)
        const lag = this.#told.lag(reading.generation, tick)
        const isLong = resets.some((reset) => reset * 1000 + lag > startedTime + LONGEST_WAIT)
        const isSaid = resets.includes(Number(field(got.headers, 'x-ratelimit-reset')))
        if (!isLong || !isSaid) return `it is used up until ${resets.join(', ') || 'no time'}`
        return isSpent(got) ? undefined : 'it has no numbers, or others'
      }
      case 'share-used':
        if (!this.#told.isShared(reading, tick)) return 'nobody else wants any of it, or there is enough'
        return isSpent(got) ? undefined : 'it has no numbers, or others'
    }
  }
}

/** As a primary refusal has to look: nothing is left, and no time to wait but that of the reset. */
function isSpent({ headers }: Got): boolean {
  return field(headers, 'x-ratelimit-remaining') === '0' && field(headers, 'retry-after') === undefined
}

function isWordOf(name: Own, { status, headers, body }: Got): boolean {
  const { statuses, page, message } = WORDS[name]
  if (!statuses.includes(status)) return false
  if ((name === 'paused') !== (field(headers, 'retry-after') !== undefined)) return false
  if (body === '') return true
  try {
    const said = JSON.parse(body) as { message?: string; documentation_url?: string }
    return said.documentation_url === `${DOCUMENTATION}${page}` && message.test(said.message ?? '')
  } catch {
    return false
  }
}
