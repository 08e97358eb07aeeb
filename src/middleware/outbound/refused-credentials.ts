import { withoutHeaders } from '../../http/headers.ts'
import type { Clock, HeaderList } from '../../ports.ts'
import { HeldBody } from './ask.ts'
import { collect } from './collect.ts'
import type { Response } from './exchange.ts'
import { forgetOldest } from './oldest.ts'
import { storedFields } from './stored-fields.ts'

/** Names remembered; the one that was refused longest ago goes first. */
const MOST_HOLDS = 10_000

export interface HoldTimes {
  /** The first hold, ms. Also how long the one request that tries again afterwards keeps the others back. */
  readonly first: number
  /** The longest hold, ms: each further refusal doubles it until then. */
  readonly longest: number
  /** How long after its last refusal a name is forgotten, ms. */
  readonly memory: number
}

interface Hold<Refused> {
  readonly refused: Refused
  /** ms */
  readonly length: number
  /** Epoch ms. */
  until: number
  /** Epoch ms. */
  readonly refusedAt: number
  /** Number of the request that was refused. */
  readonly refusedNumber: number
  /** Number of the last request that went out before this was known. */
  readonly lastUnaware: number
}

/** What is out under one name. */
interface Out {
  requests: number
  /** The highest number of a request that was accepted: what was sent before it is old news. */
  accepted: number
}

/** One request on its way. `end` is called once, last. */
export interface Sending<Refused> {
  /** What it was refused with meanwhile, by the answer to another that went out before. */
  refusedMeanwhile(): Refused | undefined
  /** It goes on the wire now: it may have waited, and others that came later were sent before it. */
  sent(): void
  /** Whether one that was sent after it has been accepted. */
  isOutdated(): boolean
  /** It was refused, so whoever asks again is held back. */
  refused(refused: Refused): void
  /** It was accepted: nothing that was refused before it was sent holds any longer. */
  accepted(): void
  end(): void
}

/**
 * Names under which the upstream refused a moment ago, and is not asked again for a short, growing time. When that is
 * over, one request tries, and holds the others back until it is answered, or for as long as the first hold: whoever waits
 * for the end comes in a crowd, and each would be one more failure.
 *
 * Answers overtake each other, so it is the order of sending that counts: a refusal of what was sent before something that
 * was accepted holds nobody, nor does an acceptance of what was sent before something that was refused end a hold.
 */
export class Holds<Refused> {
  readonly #times: HoldTimes
  readonly #clock: Clock
  readonly #holds = new Map<string, Hold<Refused>>()
  /** As many as there are requests out, at the most. */
  readonly #out = new Map<string, Out>()
  #sent = 0

  constructor(times: HoldTimes, clock: Clock) {
    this.#times = times
    this.#clock = clock
  }

  /**
   * What was refused and is still held, or `undefined` where one may ask.
   *
   * @param further how much longer than others this one is held back, ms
   */
  held(name: string, further = 0): Refused | undefined {
    const hold = this.#known(name)
    return hold !== undefined && this.#clock.now() < hold.until + further ? hold.refused : undefined
  }

  /** A request goes out: to be called only where nothing is held. */
  begin(name: string): Sending<Refused> {
    const begun = ++this.#sent
    let number = begun
    const out = this.#out.get(name) ?? { requests: 0, accepted: 0 }
    out.requests++
    this.#out.set(name, out)
    const tried = this.#known(name)
    const endOfHold = tried?.until ?? 0
    const endOfTry = this.#clock.now() + this.#times.first
    if (tried !== undefined) tried.until = endOfTry
    return {
      refusedMeanwhile: () => {
        const hold = this.#known(name)
        return hold !== undefined && hold.lastUnaware >= begun ? this.held(name) : undefined
      },
      sent: () => {
        number = ++this.#sent
      },
      isOutdated: () => number <= out.accepted,
      refused: (refused) => {
        if (number > out.accepted) this.#refuse(name, number, refused)
      },
      accepted: () => {
        out.accepted = Math.max(out.accepted, number)
        const hold = this.#holds.get(name)
        if (hold !== undefined && number > hold.refusedNumber) this.#holds.delete(name)
      },
      end: () => {
        if (--out.requests === 0) this.#out.delete(name)
        // It was neither refused nor accepted, and nobody else has tried since: the next one may.
        if (tried !== undefined && tried.until === endOfTry) tried.until = endOfHold
      },
    }
  }

  #known(name: string): Hold<Refused> | undefined {
    const hold = this.#holds.get(name)
    if (hold === undefined || this.#clock.now() - hold.refusedAt < this.#times.memory) return hold
    this.#holds.delete(name)
    return undefined
  }

  #refuse(name: string, number: number, refused: Refused): void {
    const before = this.#known(name)
    // Several were out when the first of them was refused: together that is one refusal.
    if (before !== undefined && number <= before.lastUnaware) return
    const { first, longest } = this.#times
    const length = before === undefined ? first : Math.min(2 * before.length, longest)
    const now = this.#clock.now()
    if (before !== undefined) this.#holds.delete(name)
    else if (this.#holds.size >= MOST_HOLDS) forgetOldest(this.#holds)
    const hold = {
      refused,
      length,
      until: now + length,
      refusedAt: now,
      refusedNumber: number,
      lastUnaware: this.#sent,
    }
    this.#holds.set(name, hold)
  }
}

/** Bytes of a refusal's body that are kept: GitHub's have about a hundred. */
const MOST_BYTES = 1024
/** Characters of its fields that are kept: GitHub's have less than two thousand. */
const MOST_CHARACTERS = 4096

/** A refusal that can be said again to the one whom it was said to. */
export interface KeptRefusal {
  readonly status: number
  /** Without those that belong to one exchange. */
  readonly headers: HeaderList
  readonly bytes: Uint8Array | null
  readonly refusal: Response['refusal']
}

/**
 * Reads a refusal, to say it again. What is too long is not kept, and passed on all the same.
 *
 * @throws Failure when the body breaks off
 */
export async function keepRefusal(response: Response): Promise<{ response: Response; kept: KeptRefusal | undefined }> {
  const { status, refusal, body } = response
  const collected = await collect(body, MOST_BYTES)
  if (!collected.complete) return { response: { ...response, body: collected.body }, kept: undefined }
  const bytes = body === null ? null : collected.bytes
  const whole = { ...response, body: heldBody(bytes) }
  const headers = repeatedFields(response.headers)
  if (headers.join('').length > MOST_CHARACTERS) return { response: whole, kept: undefined }
  return { response: whole, kept: { status, headers, bytes, refusal } }
}

/** The refusal again, as an answer to this method: one to HEAD has no body. */
export function repeatRefusal({ bytes, refusal, ...kept }: KeptRefusal, method: string): Response {
  const body = method === 'HEAD' ? null : heldBody(bytes)
  return { ...kept, body, ...(refusal === undefined ? {} : { refusal }), isRepeated: true }
}

/** Fields that are true of a later answer too: whose limits they were, when and under which id is true of the first alone. */
function repeatedFields(headers: HeaderList): HeaderList {
  return withoutHeaders(storedFields(headers), (name) => name === 'date')
}

function heldBody(bytes: Uint8Array | null): HeldBody | null {
  return bytes === null ? null : new HeldBody(bytes)
}
