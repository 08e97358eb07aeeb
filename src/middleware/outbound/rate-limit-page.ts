import { type RateLimitPageShape, readRateLimitPage, writeRateLimitPage } from '../../github/rate-limit-page.ts'
import { parseCacheControl } from '../../http/cache-control.ts'
import { joinedHeader, withoutHeaders } from '../../http/headers.ts'
import type { Outcome } from '../../outcome.ts'
import type { BudgetLedger, Clock, HeaderList } from '../../ports.ts'
import { collect } from './collect.ts'
import type { Answer, Answerer, Question } from './exchange.ts'
import { forgetOldest } from './oldest.ts'
import { storedFields } from './stored-fields.ts'

export interface RateLimitPageOptions {
  readonly ledger: Pick<BudgetLedger, 'latest' | 'observe'>
  readonly clock: Pick<Clock, 'elapsed'>
  /** Whom the upstream charges for a question, as far as is known now. Its answer may teach it. */
  readonly accountOf: (question: Question) => string
}

/** Below the API's root. */
const PATH = '/rate_limit'

/** Numbers are repeated for so long after the upstream stated them, ms. */
const HEARD_WITHIN = 60_000
/**
 * For so long a credential is answered without asking, ms, though others of its account keep the numbers fresh: one that
 * was revoked has to find out.
 */
const LONGEST_UNASKED = 300_000
/** Bytes of a page that is read. */
const LONGEST_PAGE = 64 * 1024

const MOST_CALLERS = 10_000
/** Characters of a key, and of fields, beyond which nothing is remembered of a caller: both can be long, and are many. */
const LONGEST_KEY = 2000
const LONGEST_FIELDS = 4000

/** What one caller was sent for the page. Holds no credential and no numbers. */
interface Remembered {
  readonly shape: RateLimitPageShape
  readonly headers: HeaderList
  /** When, by `Clock.elapsed`. */
  readonly at: number
}

/**
 * Answers `/rate_limit` from the ledger while all of its numbers were stated lately, and takes in those of the upstream's
 * own answers. The page is free on the primary limit but may count on the secondary one (GitHub REST documentation, "Rate
 * limits for the REST API"), and apps poll it before everything they do.
 *
 * Shape and fields are remembered by credential and variant, as stored answers are: the fields name the credential's scopes
 * and its expiry, which are nobody else's. Only the numbers are the whole account's.
 */
export function rateLimitPage({ ledger, clock, accountOf }: RateLimitPageOptions, next: Answerer): Answerer {
  const remembered = new Map<string, Remembered>()

  function fromLedger(question: Question): Answer | undefined {
    const known = remembered.get(question.key)
    const { noCache, maxAge } = question.directives
    const within = maxAge === undefined ? HEARD_WITHIN : Math.min(HEARD_WITHIN, maxAge * 1000)
    if (known === undefined || noCache || within === 0) return undefined
    if (clock.elapsed() - known.at > LONGEST_UNASKED) return undefined
    const account = accountOf(question)
    const page = writeRateLimitPage(known.shape, (resource) => ledger.latest(account, resource, within))
    if (page === undefined) return undefined
    const body = question.method === 'HEAD' ? null : page
    return { status: 200, headers: known.headers, live: [], body, stored: undefined, age: undefined, outcome: LEDGER }
  }

  /** Takes in what the upstream's answer says. */
  async function learnt(question: Question, answer: Answer): Promise<Answer> {
    // It speaks of the page and does not show it.
    if (question.method === 'HEAD' && answer.status === 200) return answer
    const { body } = answer
    if (!isNews(answer) || body === null) return forgotten(question, answer)
    if (body instanceof Uint8Array) return learn(question, answer, body)
    const collected = await collect(body, LONGEST_PAGE)
    if (!collected.complete) return forgotten(question, { ...answer, body: collected.body })
    return learn(question, { ...answer, body: collected.bytes }, collected.bytes)
  }

  function learn(question: Question, answer: Answer, bytes: Uint8Array): Answer {
    const page = bytes.byteLength > LONGEST_PAGE ? undefined : readRateLimitPage(bytes)
    if (page === undefined) return forgotten(question, answer)
    // Asked anew: who it was may have been learnt from this very answer.
    const account = accountOf(question)
    for (const stated of page.limits) ledger.observe(account, stated)
    const headers = withoutHeaders(storedFields(answer.headers), isOfOneBody)
    remembered.delete(question.key)
    if (question.key.length > LONGEST_KEY || lengthOf(headers) > LONGEST_FIELDS || forbidsStoring(answer)) return answer
    if (remembered.size >= MOST_CALLERS) forgetOldest(remembered)
    remembered.set(question.key, { shape: page.shape, headers, at: clock.elapsed() })
    return answer
  }

  function forgotten(question: Question, answer: Answer): Answer {
    remembered.delete(question.key)
    return answer
  }

  return function answered(question) {
    const { method, path, query, bypass, directives } = question
    const isPage = path === PATH && query === '' && (method === 'GET' || method === 'HEAD')
    // What a client forbids to store is not looked at either.
    if (!isPage || bypass !== undefined || directives.noStore) return next(question)
    const known = fromLedger(question)
    if (known !== undefined) return known
    const answer = next(question)
    return answer instanceof Promise ? answer.then((late) => learnt(question, late)) : learnt(question, answer)
  }
}

const LEDGER: Outcome = { name: 'hit', detail: 'ledger' }

/** Whether the upstream said, just now and to this very caller, that this is what holds. A stale copy is history. */
function isNews({ status, outcome: { forwardStatus } }: Answer): boolean {
  return status === 200 && (forwardStatus === 200 || forwardStatus === 304)
}

/** Fields that are true of one body, or one moment, and not of the page as such. */
const OF_ONE_BODY = new Set([
  'date',
  'expires',
  'etag',
  'last-modified',
  'content-md5',
  'content-digest',
  'repr-digest',
  'digest',
])

function isOfOneBody(name: string): boolean {
  return OF_ONE_BODY.has(name)
}

function lengthOf(headers: HeaderList): number {
  let length = 0
  for (const text of headers) length += text.length
  return length
}

function forbidsStoring({ headers }: Answer): boolean {
  return parseCacheControl(joinedHeader(headers, 'cache-control')).noStore
}
