import type { Switches } from '../../sandbox/switches.ts'
import { type Expectations, hashOf, neutral } from './expected.ts'
import type { Reply } from './http.ts'
import { type Given, judgeAll, type Verdict } from './judge.ts'
import type { Running, Start } from './subjects.ts'
import type { Read, Trace } from './trace.ts'
import type { UpstreamEntry } from './upstream.ts'
import { startUpstream, type UpstreamProcess } from './upstream-process.ts'

/** An answer, judged. */
export interface Judged extends Given {
  readonly verdict: Verdict
  /** What the gateway says of it; only to explain, never to measure. */
  readonly cacheStatus: string | undefined
}

export interface RunResult {
  readonly answers: readonly Judged[]
  /** The upstream's own log. */
  readonly entries: readonly UpstreamEntry[]
  /** Revisions of the upstream's world: at first, and after each turn. */
  readonly revisions: readonly number[]
}

interface Raw {
  readonly read: Read
  readonly reply: Reply
  readonly firstTurn: number
  readonly lastTurn: number
  readonly startedAt: number
  readonly endedAt: number
}

export interface RunOptions {
  readonly trace: Trace
  readonly expectations: Expectations
  readonly switches: Partial<Switches>
  /** Requests at a time. */
  readonly concurrent: number
}

/** Reads the whole trace through one subject, in front of an upstream of its own. */
export async function run(start: Start, options: RunOptions): Promise<RunResult> {
  const { trace, expectations, switches, concurrent } = options
  const upstream = await startUpstream(switches)
  let subject: Running | undefined
  try {
    subject = await start(upstream.origin)
    const raw = await readAll(trace, subject, upstream, concurrent)
    const origins = [upstream.origin, subject.origin]
    const entries = await upstream.entries()
    const answers = raw.map(({ reply, ...rest }) => ({
      ...rest,
      status: reply.status,
      body: hashOf(reply.body, origins),
      link: neutral(reply.link ?? '', origins),
      cacheStatus: reply.cacheStatus,
    }))
    return { answers: judgeAll(answers, expectations), entries, revisions: upstream.revisions }
  } finally {
    await subject?.stop()
    await upstream.stop()
  }
}

/** Hashing and judging come after the last answer: done in between they would be measured. */
async function readAll(trace: Trace, subject: Running, upstream: UpstreamProcess, concurrent: number): Promise<Raw[]> {
  const { reads, turns } = trace
  const answers: Raw[] = []
  let position = 0
  let begun = 0
  let turning: Promise<void> = Promise.resolve()
  /** Takes the next read. The turn before it is over by then, and no later read is sent before that. */
  const next = async (): Promise<{ read: Read; firstTurn: number } | undefined> => {
    const read = reads[position]
    if (read === undefined) return undefined
    position++
    const turn = turns[begun]
    if (turn?.at === read.position) {
      begun++
      turning = turning.then(() => upstream.apply(turn))
    }
    const firstTurn = begun
    await turning
    return { read, firstTurn }
  }
  const worker = async () => {
    for (let taken = await next(); taken !== undefined; taken = await next()) {
      const startedAt = now()
      const reply = await subject.ask(taken.read)
      answers.push({ ...taken, reply, lastTurn: begun, startedAt, endedAt: now() })
    }
  }
  await Promise.all(Array.from({ length: concurrent }, worker))
  return answers
}

function now(): number {
  return performance.timeOrigin + performance.now()
}
