import { createHash } from 'node:crypto'
import { clientOf, type Reply } from './http.ts'
import type { Read, ReaderClass, Trace } from './trace.ts'
import { startScene } from './upstream.ts'

/** What the upstream says to one reader about one target at one time. */
export interface State {
  readonly status: number
  /** SHA-256 of the body, with the upstream's address taken out. */
  readonly body: string
  readonly link: string
  readonly isEmptyList: boolean
  /** It came with a `Link`, or is a full page: an unchanged body does not tell which pages there are. */
  readonly hasOpenLink: boolean
  readonly hasDate: boolean
}

/** How many turns of the world a request may last and still be judged. */
export const JUDGED_TURNS = 4

/** The same text for the same content, whichever ports the servers listen on: hosts are taken out, for not all URLs are http. */
export function neutral(text: string, origins: readonly string[]): string {
  return origins.reduce((done, origin) => done.replaceAll(new URL(origin).host, 'upstream'), text)
}

export function hashOf(body: Buffer, origins: readonly string[]): string {
  return createHash('sha256')
    .update(neutral(body.toString('utf8'), origins))
    .digest('hex')
}

/** What the upstream would have said, to whom, when: asked of a sandbox that has done nothing else. */
export class Expectations {
  private readonly states = new Map<string, Map<number, State>>()
  private readonly classesOf = new Map<string, Set<ReaderClass>>()

  add(reader: ReaderClass, target: string, turn: number, state: State): void {
    const key = `${reader}\n${target}`
    const known = this.states.get(key) ?? new Map<number, State>()
    this.states.set(key, known.set(turn, state))
    this.classesOf.set(target, (this.classesOf.get(target) ?? new Set()).add(reader))
  }

  /** After so many turns of the world; undefined where that was not asked. */
  find(reader: ReaderClass, target: string, turn: number): State | undefined {
    return this.states.get(`${reader}\n${target}`)?.get(turn)
  }

  /** The same. @throws RangeError where that was not asked */
  at(reader: ReaderClass, target: string, turn: number): State {
    const found = this.find(reader, target, turn)
    if (found === undefined) throw new RangeError(`${target} was not looked up for ${reader} after turn ${turn}`)
    return found
  }

  /** All that this reader was ever told about the target. */
  ever(reader: ReaderClass, target: string): State[] {
    return [...(this.states.get(`${reader}\n${target}`)?.values() ?? [])]
  }

  /** All that other readers were ever told about it. */
  toOthers(reader: ReaderClass, target: string): State[] {
    return [...(this.classesOf.get(target) ?? [])]
      .filter((one) => one !== reader)
      .flatMap((one) => this.ever(one, target))
  }
}

/**
 * Asks a sandbox of its own, turn after turn, what each reader would get: at the time of the read, and for some turns after
 * it, in case the read lasts so long.
 *
 * @throws Error where the trace and the upstream do not agree about what is refused
 */
export async function lookUp(trace: Trace): Promise<Expectations> {
  const expectations = new Expectations()
  const scene = await startScene({})
  const client = clientOf(scene.origin)
  const { reads, turns } = trace
  /** Each turn's first read; the last one is the end. */
  const starts = [0, ...turns.map(({ at }) => at), reads.length]
  try {
    for (let turn = 0; turn <= turns.length; turn++) {
      const happening = turns[turn - 1]
      if (happening !== undefined) scene.apply(happening)
      const first = starts[Math.max(turn - JUDGED_TURNS + 1, 0)]
      const wanted = new Map<string, Read>()
      for (const read of reads.slice(first, starts[turn + 1])) wanted.set(`${read.readerClass}\n${read.target}`, read)
      await inParallel([...wanted.values()], async (read) => {
        const reply = await client.get(`/api/v3${read.target}`, headersOf(read))
        const isNow = read.position >= (starts[turn] as number)
        if (isNow && (reply.status === 200) === read.isRefused) {
          throw new Error(`${reply.status} for read ${read.position}, ${read.login} ${read.target}`)
        }
        expectations.add(read.readerClass, read.target, turn, stateOf(reply, read.target, scene.origin))
      })
    }
  } finally {
    client.close()
    await scene.close()
  }
  return expectations
}

/** What every subject's client sends. */
export function headersOf({ accept, authorization }: Read): Record<string, string> {
  return { accept, authorization, 'user-agent': 'reference-trace' }
}

function stateOf({ status, body, link, lastModified }: Reply, target: string, origin: string): State {
  const parsed: unknown = JSON.parse(body.toString('utf8'))
  const size = Number(/[?&]per_page=(\d+)/.exec(target)?.[1] ?? 30)
  return {
    status,
    body: hashOf(body, [origin]),
    link: neutral(link ?? '', [origin]),
    isEmptyList: Array.isArray(parsed) && parsed.length === 0,
    hasOpenLink: link !== undefined || (Array.isArray(parsed) && parsed.length === size),
    hasDate: lastModified !== undefined,
  }
}

async function inParallel<T>(list: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...list]
  const worker = async () => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await work(one)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}
