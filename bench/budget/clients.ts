import { headerValue } from '../../src/http/headers.ts'
import type { HeaderList } from '../../src/ports.ts'
import { Random } from '../quota/random.ts'
import type { ClientPlan } from './plan.ts'
import type { Ask, Reply } from './subjects.ts'
import { targetOf } from './upstream.ts'

/** How long a client goes on asking for one thing, ms. */
export const PATIENCE = 30 * 60_000

/** One thing that a client wanted. Times are epoch ms. */
export interface Thing {
  /** When it was wanted; for a client that always wants something, when it first asked. */
  readonly wantedAt: number
  /** When it was had, or given up after it was asked for; `undefined`: neither. */
  endedAt: number | undefined
  isServed: boolean
}

/** What a client went through. */
export interface ClientRecord {
  readonly plan: ClientPlan
  readonly things: readonly Thing[]
  /** Answers that it was given, refusals included. */
  readonly answers: number
  /** 403 and 429. */
  readonly refusals: number
  /** Any other answer than 200, and none at all. */
  readonly failures: number
}

/** A sensible app: what it is refused it asks for again, when it was told to and not before. */
export class SimulatedClient implements ClientRecord {
  readonly things: Thing[] = []
  answers = 0
  refusals = 0
  failures = 0
  readonly plan: ClientPlan
  private readonly ask: Ask
  private readonly random: Random
  /** Indexes of the things that wait for their turn. */
  private readonly queue: number[] = []
  private active = 0

  constructor(plan: ClientPlan, ask: Ask) {
    this.plan = plan
    this.ask = ask
    this.random = new Random(plan.seed)
  }

  /** Begins to want things, as planned, from now on. */
  start(): void {
    const { first, every } = this.plan
    const want = () => {
      if (every !== Infinity) setTimeout(want, every)
      this.want()
    }
    setTimeout(want, first)
  }

  private want(): void {
    const { each } = this.plan
    if (each !== Infinity) for (let count = 0; count < each; count++) this.add()
    this.work()
  }

  private add(): void {
    this.queue.push(this.things.push({ wantedAt: Date.now(), endedAt: undefined, isServed: false }) - 1)
  }

  private work(): void {
    while (this.active < this.plan.atOnce) {
      if (this.plan.each === Infinity) this.add()
      // The newest first: were it the oldest, a client that fell behind would only ask for what it is about to give up.
      const index = this.queue.pop()
      const thing = index === undefined ? undefined : this.things[index]
      if (index === undefined || thing === undefined) return
      if (thing.wantedAt + PATIENCE <= Date.now()) {
        // Nobody wants the older ones either.
        this.queue.length = 0
        return
      }
      this.active++
      void this.pursue(thing, index).then(() => {
        this.active--
        this.work()
      })
    }
  }

  /** Asks for one thing until it is had or given up. Never rejects. */
  private async pursue(thing: Thing, number: number): Promise<void> {
    const abandonment = new AbortController()
    const { signal } = abandonment
    const patience = setTimeout(() => abandonment.abort(), thing.wantedAt + PATIENCE - Date.now())
    const target = targetOf(this.plan.name, number)
    while (!signal.aborted) {
      const reply = await unlessAborted(this.ask({ client: this.plan, target, signal }), signal)
      if (signal.aborted) break
      this.count(reply)
      if (reply?.status === 200) {
        thing.isServed = true
        break
      }
      const jitter = this.random.below(LONGEST_JITTER)
      const pause = (reply === undefined ? FAILURE_PAUSE : pauseAfter(reply, Date.now())) + jitter
      await unlessAborted(new Promise((resolve) => setTimeout(resolve, pause)), signal)
    }
    clearTimeout(patience)
    thing.endedAt = Date.now()
  }

  private count(reply: Reply | undefined): void {
    if (reply !== undefined) this.answers++
    if (reply?.status === 403 || reply?.status === 429) this.refusals++
    else if (reply?.status !== 200) this.failures++
  }
}

/** ms. So that those who are told the same time do not come back in the same moment. */
const LONGEST_JITTER = 1000
/** ms, after an error that is no refusal. */
const FAILURE_PAUSE = 1000
/** ms, after a refusal that names no time (GitHub REST documentation, "Exceeding the rate limit": at least a minute). */
const UNNAMED_PAUSE = 60_000

/**
 * How long to leave the upstream alone after an answer that was not a 200, ms: `Retry-After`, else until the reset where
 * nothing remains (GitHub REST documentation, "Exceeding the rate limit").
 *
 * @param now epoch ms
 */
export function pauseAfter({ status, headers }: Reply, now: number): number {
  const retryAfter = numberIn(headers, 'retry-after')
  if (retryAfter !== undefined) return retryAfter * 1000
  const reset = numberIn(headers, 'x-ratelimit-reset')
  if (reset !== undefined && numberIn(headers, 'x-ratelimit-remaining') === 0) return Math.max(0, reset * 1000 - now)
  return status === 403 || status === 429 ? UNNAMED_PAUSE : FAILURE_PAUSE
}

function numberIn(headers: HeaderList, name: string): number | undefined {
  const value = headerValue(headers, name)
  return value !== undefined && /^\d{1,12}$/.test(value) ? Number(value) : undefined
}

/** What it resolves to, `undefined` where it rejects or the signal aborts first: a subject may hold on to what nobody wants. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve) => {
    const leave = () => resolve(undefined)
    const end = (value: T | undefined) => {
      signal.removeEventListener('abort', leave)
      resolve(value)
    }
    signal.addEventListener('abort', leave, { once: true })
    work.then(end, () => end(undefined))
  })
}
