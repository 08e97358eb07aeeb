import type { IncomingHttpHeaders } from 'node:http'

/** One request as the sandbox saw it. It is a sandbox: credentials stand here in the clear. */
export interface LogEntry {
  /** Epoch milliseconds, by the sandbox's clock, when the header had arrived. */
  time: number
  listener: 'api' | 'codeload' | 'manage'
  method: string
  /** The request target, byte for byte. */
  target: string
  /** As Node joins them, names in lower case. */
  headers: IncomingHttpHeaders
  /** As received: `[name, value, …]`, duplicates and case kept. */
  rawHeaders: readonly string[]
  /** The `Authorization` value, or the credential in the query, or null. */
  credential: string | null
  /** Whom the request was charged to, such as `user:octocat`, `installation:3001`, `address:127.0.0.1`. */
  account: string
  /** 0 until it is known. */
  status: number
  /** Rate-limit units that the upstream charges, counted even where limits are off. */
  cost: number
  resource: string | null
  /** Bytes of body written so far. */
  bytes: number
  /** Bytes of body received, where the sandbox read it. */
  received: number
  /** Which state of the world the answer speaks of: `World.revision` when it was made; null until it is known. */
  revision: number | null
  /** Which part answered. */
  source: 'living' | 'recorded' | 'fault' | 'gate'
  fault: string | null
  /** The client went away before the answer was complete. */
  aborted: boolean
  /** What went wrong inside the sandbox itself, if anything did. */
  error: string | null
}

/** Which entries are meant; a string `target` is a part of the raw target. */
export interface LogFilter {
  listener?: LogEntry['listener']
  method?: string
  target?: string | RegExp
  status?: number
  account?: string
  credential?: string | null
}

interface Waiter {
  matches: (entry: LogEntry) => boolean
  resolve: (entry: LogEntry) => void
}

function matcher(filter: LogFilter): (entry: LogEntry) => boolean {
  return (entry) =>
    (filter.listener === undefined || entry.listener === filter.listener) &&
    (filter.method === undefined || entry.method === filter.method) &&
    (filter.status === undefined || entry.status === filter.status) &&
    (filter.account === undefined || entry.account === filter.account) &&
    (filter.credential === undefined || entry.credential === filter.credential) &&
    (filter.target === undefined ||
      (typeof filter.target === 'string'
        ? entry.target.includes(filter.target)
        : entry.target.search(filter.target) !== -1))
}

/**
 * What was asked and what it cost. Entries are added when a request's header has arrived and completed before the
 * first byte of the answer is sent, so a client that has its answer always finds it here.
 */
export class RequestLog {
  /** The newest entries; the oldest are dropped beyond `capacity`. */
  readonly entries: LogEntry[] = []
  readonly capacity: number
  private dropped = { count: 0, cost: 0 }
  private waiters: Waiter[] = []

  constructor(capacity = 50_000) {
    this.capacity = capacity
  }

  /** Adds an entry; the caller completes it in place. */
  add(entry: LogEntry): void {
    this.entries.push(entry)
    if (this.entries.length > this.capacity) {
      // In blocks: shifting one by one would move the whole array at every request of a benchmark.
      for (const old of this.entries.splice(0, Math.ceil(this.capacity / 10))) {
        this.dropped.count += 1
        this.dropped.cost += old.cost
      }
    }
    this.settle(entry)
  }

  /** Tells those who wait that the entry has changed. */
  settle(entry: LogEntry): void {
    // An entry that was cleared away may still end, but nobody waits for it any more.
    if (this.waiters.length === 0 || !this.entries.includes(entry)) return
    this.waiters = this.waiters.filter((waiter) => {
      if (!waiter.matches(entry)) return true
      waiter.resolve(entry)
      return false
    })
  }

  /** Forgets everything so far. */
  clear(): void {
    this.entries.length = 0
    this.dropped = { count: 0, cost: 0 }
  }

  /** Requests since the last `clear`, those dropped included. */
  get count(): number {
    return this.dropped.count + this.entries.length
  }

  /** Units charged since the last `clear`; with a filter, over the entries still held. */
  totalCost(filter?: LogFilter): number {
    const held = filter === undefined ? this.entries : this.filter(filter)
    const sum = held.reduce((total, entry) => total + entry.cost, 0)
    return filter === undefined ? sum + this.dropped.cost : sum
  }

  /** The entries that match, oldest first. */
  filter(filter: LogFilter): LogEntry[] {
    return this.entries.filter(matcher(filter))
  }

  /** The newest entry. @throws RangeError where there is none. */
  get last(): LogEntry {
    const entry = this.entries.at(-1)
    if (entry === undefined) throw new RangeError('nothing has been asked yet')
    return entry
  }

  /** Resolves with the first entry, already there or to come, that matches. Lets a test wait without sleeping. */
  waitFor(filter: LogFilter): Promise<LogEntry> {
    const matches = matcher(filter)
    const found = this.entries.find(matches)
    if (found !== undefined) return Promise.resolve(found)
    return new Promise((resolve) => {
      this.waiters.push({ matches, resolve })
    })
  }
}
