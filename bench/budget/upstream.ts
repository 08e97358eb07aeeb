import type { Answer } from '../../sandbox/answer.ts'
import type { Identity } from '../../sandbox/authentication.ts'
import { httpDate } from '../../sandbox/headers.ts'
import { Limits } from '../../sandbox/limits.ts'
import { defaultSwitches } from '../../sandbox/switches.ts'
import { Failure } from '../../src/errors.ts'
import type { UpstreamRequest, UpstreamResponse } from '../../src/ports.ts'
import { Random } from '../quota/random.ts'

/** Where it would be, and with what every client asks: one user's token. */
export const ORIGIN = 'https://ghes.example.com'
export const API_PATH = '/api/v3'
export const AUTHORIZATION = 'Bearer ghp_000000000000000000000000000000000000'

/** Units an hour of the one account. */
export const LIMIT = 5000
/** github.com's documented secondary limits, as far as reads go. */
const SECONDARY = { concurrent: 100, pointsPerMinute: 900 }

const ACCOUNT: Identity = { kind: 'user', user: null, scopes: [], account: 'user:1' }
/** ms. Refusals come sooner than answers. */
const MEDIAN_LATENCY = 120
const MEDIAN_REFUSAL_LATENCY = 30
const LATENCY_SPREAD = 0.4
const LONGEST_LATENCY = 2000

/** One window of the budget, as the upstream counted it. */
export interface UsedWindow {
  /** Epoch seconds. */
  readonly reset: number
  /** Units charged, by client. */
  readonly usedBy: Map<string, number>
}

/** What the upstream saw. */
export interface UpstreamRecord {
  readonly windows: readonly UsedWindow[]
  /** When each request arrived, epoch ms, in order. */
  readonly arrivals: readonly number[]
  readonly primaryRefusals: number
  readonly secondaryRefusals: number
  /** The most requests that it had in hand at once. */
  readonly peak: number
}

/**
 * An upstream without sockets: the sandbox's own counting, after a while that looks like a network's. Time is the global
 * clock's, and virtual.
 */
export class Upstream implements UpstreamRecord {
  readonly windows: UsedWindow[] = []
  readonly arrivals: number[] = []
  primaryRefusals = 0
  secondaryRefusals = 0
  peak = 0
  private inHand = 0
  private readonly random: Random
  private readonly limits = new Limits(
    {
      ...defaultSwitches(),
      rateLimits: { core: LIMIT },
      secondaryLimits: SECONDARY,
      // The words of github.com, whose limits these are; Octokit knows no others.
      secondaryShape: { ...defaultSwitches().secondaryShape, wording: 'secondary' },
    },
    () => Date.now(),
  )

  constructor(seed: number) {
    this.random = new Random(seed)
  }

  /** Answers, or refuses, as `Send` does. @throws Failure `client-gone` where the request's signal aborts first */
  readonly send = async (request: UpstreamRequest): Promise<UpstreamResponse> => {
    if (request.signal?.aborted) throw new Failure('client-gone')
    this.arrivals.push(Date.now())
    this.inHand++
    this.peak = Math.max(this.peak, this.inHand)
    this.limits.enter(ACCOUNT.account)
    try {
      const refusal = this.judge(request)
      // What is said is said now: an answer that is longer on its way brings older numbers than one that overtakes it.
      const headers = this.headers(refusal)
      const status = refusal?.status ?? 200
      const body = refusal === null ? ANSWER : (refusal.body as Uint8Array)
      await pass(this.latency(refusal === null ? MEDIAN_LATENCY : MEDIAN_REFUSAL_LATENCY), request.signal)
      return { status, headers, body: only(body) }
    } finally {
      this.inHand--
      this.limits.leave(ACCOUNT.account)
    }
  }

  /** The refusal, or null; then it is charged. */
  private judge({ method, target }: UpstreamRequest): Answer | null {
    const { account } = ACCOUNT
    const secondary = this.limits.secondary(account, method)
    if (secondary !== null) {
      this.secondaryRefusals++
      return secondary
    }
    const primary = this.limits.primary(ACCOUNT, 'core')
    if (primary !== null) {
      this.primaryRefusals++
      return primary
    }
    this.limits.charge(account, 'core', 1)
    const reset = this.limits.quota(account, 'core')?.reset ?? 0
    if (this.windows.at(-1)?.reset !== reset) this.windows.push({ reset, usedBy: new Map() })
    const { usedBy } = this.windows.at(-1) as UsedWindow
    const client = clientOf(target)
    usedBy.set(client, (usedBy.get(client) ?? 0) + 1)
    return null
  }

  private headers(refusal: Answer | null): string[] {
    const named = [...(refusal?.headers ?? []), ...this.limits.headers(ACCOUNT.account, 'core')]
    return [
      'date',
      httpDate(Date.now()),
      'content-type',
      'application/json; charset=utf-8',
      ...named.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text)),
    ]
  }

  /** Lognormal, whole ms. */
  private latency(median: number): number {
    // At least above 0, whose logarithm is none.
    const radius = Math.sqrt(-2 * Math.log(1 - this.random.next()))
    const normal = radius * Math.cos(2 * Math.PI * this.random.next())
    return Math.min(LONGEST_LATENCY, Math.round(median * Math.exp(LATENCY_SPREAD * normal)))
  }
}

/** What a client asks for, below the API root: each thing once, so that no cache can help. */
export function targetOf(client: string, number: number): string {
  return `/repos/acme/${client}/issues/${number}`
}

function clientOf(target: string): string {
  return target.slice(API_PATH.length).split('/')[3] ?? ''
}

const ANSWER = new TextEncoder().encode('{}')

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Waits. @throws Failure `client-gone` where the signal aborts first */
function pass(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer)
      reject(new Failure('client-gone'))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', leave, { once: true })
  })
}
