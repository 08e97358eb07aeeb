import { type ClientRecord, SimulatedClient } from './clients.ts'
import type { ClientPlan } from './plan.ts'
import { SUBJECTS, type SubjectName } from './subjects.ts'
import { installVirtualTime } from './time.ts'
import { Upstream, type UpstreamRecord } from './upstream.ts'

/** What came of one subject between these clients and the upstream. */
export interface RunRecord {
  readonly clients: readonly ClientRecord[]
  readonly upstream: UpstreamRecord
  /** Epoch ms, virtual. */
  readonly startedAt: number
  /** The end of the last window. */
  readonly endedAt: number
}

export interface RunOptions {
  readonly plan: readonly ClientPlan[]
  readonly seed: number
  /** Windows of an hour; the run ends with the last of them. */
  readonly windows: number
}

/** The beginning of an hour. */
const START = Date.UTC(2026, 0, 5, 8)
const HOUR = 3_600_000

/** Plays the hours. Nothing else may run in the process meanwhile: its timers would be virtual too. */
export async function run(name: SubjectName, { plan, seed, windows }: RunOptions): Promise<RunRecord> {
  const time = installVirtualTime(START)
  try {
    const upstream = new Upstream(seed)
    const start = await SUBJECTS[name]()
    const subject = await start({ send: upstream.send, clients: plan, run: `${plan.length} clients` })
    const clients = plan.map((each) => new SimulatedClient(each, subject.ask))
    for (const client of clients) client.start()
    // A window begins with its first request: only the upstream knows when the last one ends.
    const end = () => {
      const last = upstream.windows[windows - 1]
      return last === undefined ? START + (windows + 1) * HOUR : last.reset * 1000
    }
    await time.runUntil(end)
    subject.stop?.()
    return { clients, upstream, startedAt: START, endedAt: end() }
  } finally {
    time.uninstall()
  }
}
