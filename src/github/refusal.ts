import { headerValue } from '../http/headers.ts'
import { parseHttpDate } from '../http/http-date.ts'
import type { HeaderList } from '../ports.ts'

/** A refusal that is about limits. */
export interface LimitRefusal {
  /** `primary`: the budget is used up; `secondary`: the account asks too fast, too much at once, or what is too dear. */
  readonly kind: 'primary' | 'secondary'
  /** How long to wait, ms, where the upstream says so by `Retry-After`. */
  readonly retryAfter: number | undefined
}

/** Why the upstream refused a request, where that is about the caller and not about what was asked for. */
export type Refusal =
  | LimitRefusal
  /** 401 for whoever is no user, on an instance that shows nothing to others. */
  | { readonly kind: 'private-mode' }
  /** 401 for a credential that is not good at all. */
  | { readonly kind: 'bad-credentials'; readonly documentationUrl: string | undefined }
  /** 403 for a user name, after too many wrong passwords. */
  | { readonly kind: 'login-locked'; readonly documentationUrl: string | undefined }

/** What an error's body says (seed, "Client errors"); empty where it is no such JSON. */
export interface ErrorBody {
  readonly message: string
  readonly documentationUrl: string | undefined
}

/** Whether the body of an answer has to be read to know why it refuses. */
export function mayBeRefusal(status: number): boolean {
  return status === 401 || status === 403 || status === 429
}

/** Reads the body of an error. Never throws. */
export function readErrorBody(bytes: Uint8Array): ErrorBody {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const { message, documentation_url: url } = value as { message?: unknown; documentation_url?: unknown }
    return {
      message: typeof message === 'string' ? message : '',
      documentationUrl: typeof url === 'string' && url.length <= LONGEST_URL ? url : undefined,
    }
  } catch {
    return { message: '', documentationUrl: undefined }
  }
}

const LONGEST_URL = 500

/**
 * Why an answer refuses, or `undefined` where it is about what was asked for.
 *
 * Limits are told apart in the order in which GitHub's own libraries look (GitHub REST documentation, "Exceeding the rate
 * limit"): refusals are 403 or 429; secondary ones name themselves in `gh-limited-by`, by `Retry-After`, in the address of
 * the documentation or in the text, and may lack all but the last; primary ones say that nothing remains.
 *
 * @param now epoch ms by the upstream's clock, for a `Retry-After` that is a date
 */
export function refusalOf(status: number, headers: HeaderList, body: ErrorBody, now: number): Refusal | undefined {
  const { message, documentationUrl } = body
  if (status === 401) {
    // A second factor that is wanted says nothing against the first (seed, "Failed login limit").
    if (/^must authenticate\b/i.test(message)) return { kind: 'private-mode' }
    const isBad = message === 'Bad credentials' && headerValue(headers, 'x-github-otp') === undefined
    return isBad ? { kind: 'bad-credentials', documentationUrl } : undefined
  }
  if (status !== 403 && status !== 429) return undefined
  if (/^maximum number of login attempts exceeded/i.test(message)) return { kind: 'login-locked', documentationUrl }
  const retryAfter = retryAfterOf(headerValue(headers, 'retry-after'), now)
  if (isSecondary(headers, body)) return { kind: 'secondary', retryAfter }
  // What has words of its own is about something else, though it used up the last there was.
  const isSpent = headerValue(headers, 'x-ratelimit-remaining') === '0' && (message === '' || status === 429)
  const isPrimary = isSpent || /rate limit exceeded/i.test(message)
  if (isPrimary) return { kind: 'primary', retryAfter }
  return status === 429 ? { kind: 'secondary', retryAfter } : undefined
}

function isSecondary(headers: HeaderList, { message, documentationUrl }: ErrorBody): boolean {
  return (
    headerValue(headers, 'gh-limited-by') !== undefined ||
    headerValue(headers, 'retry-after') !== undefined ||
    /(?:secondary-rate-limits|#abuse-rate-limits)$/.test(documentationUrl ?? '') ||
    /secondary rate|abuse detection/i.test(message)
  )
}

/**
 * How long to wait, ms: `Retry-After` is a number of seconds or a date (RFC 9110 §10.2.3). `undefined` where it is neither.
 *
 * @param now epoch ms by the clock of whoever sent it
 */
export function retryAfterOf(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const date = parseHttpDate(value, now)
  return date === undefined ? undefined : Math.max(0, date - now)
}
