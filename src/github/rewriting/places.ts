/** The places in one JSON body whose bytes give way to a public URL: found once, good for every public origin. */
export interface UrlPlaces {
  readonly count: number
  /** Bytes of memory this holds, for the cache's accounts. */
  readonly byteLength: number
  /** Offset in the body of the first byte to replace. */
  readonly starts: Uint32Array
  /** How many bytes to replace there. */
  readonly lengths: Uint16Array
  /** Index of the root × 2, plus 1 where slashes are written `\/`. */
  readonly kinds: Uint8Array
  /** The gateway's path by index of the root. */
  readonly paths: readonly string[]
}

const OBJECT_OVERHEAD = 200

/** Collects places in rising order of their offsets. */
export class PlaceCollector {
  count = 0
  #starts = new Uint32Array(16)
  #lengths = new Uint16Array(16)
  #kinds = new Uint8Array(16)

  add(start: number, length: number, kind: number): void {
    const at = this.count
    if (at === this.#starts.length) this.#grow()
    this.#starts[at] = start
    this.#lengths[at] = length
    this.#kinds[at] = kind
    this.count = at + 1
  }

  #grow(): void {
    const capacity = this.#starts.length * 4
    const starts = new Uint32Array(capacity)
    const lengths = new Uint16Array(capacity)
    const kinds = new Uint8Array(capacity)
    starts.set(this.#starts)
    lengths.set(this.#lengths)
    kinds.set(this.#kinds)
    this.#starts = starts
    this.#lengths = lengths
    this.#kinds = kinds
  }

  /** What was collected, in arrays of just that size. */
  places(paths: readonly string[]): UrlPlaces {
    const { count } = this
    return {
      count,
      byteLength: OBJECT_OVERHEAD + count * 7,
      starts: this.#starts.slice(0, count),
      lengths: this.#lengths.slice(0, count),
      kinds: this.#kinds.slice(0, count),
      paths,
    }
  }
}

/** Shorter stretches are copied byte by byte: a native copy costs more to call than it saves. */
const NATIVE_COPY = 300

/**
 * The body with every place replaced by `publicOrigin` (scheme, host and port, no slash at the end) and the gateway's path.
 * Returns `body` itself when there is nothing to replace. Throws nothing; `places` must be those of this very body.
 */
export function splice(body: Uint8Array, places: UrlPlaces, publicOrigin: string): Uint8Array {
  const { count, starts, lengths, kinds } = places
  if (count === 0) return body
  const from = plainView(body)
  const replacements = places.paths.flatMap((path) => replacementBytes(publicOrigin + path))
  let size = body.length
  for (let i = 0; i < count; i++) size += replacements[kinds[i]!]!.length - lengths[i]!

  const out = new Uint8Array(size)
  const source = new DataView(from.buffer, from.byteOffset, from.length)
  const target = new DataView(out.buffer)
  let read = 0
  let write = 0
  for (let i = 0; i < count; i++) {
    const start = starts[i]!
    if (start - read > NATIVE_COPY) {
      out.set(from.subarray(read, start), write)
      write += start - read
      read = start
    }
    for (; read + 4 <= start; read += 4, write += 4) target.setInt32(write, source.getInt32(read, true), true)
    while (read < start) out[write++] = from[read++]!
    const replacement = replacements[kinds[i]!]!
    for (let at = 0; at < replacement.length; at++) out[write++] = replacement[at]!
    read = start + lengths[i]!
  }
  out.set(from.subarray(read), write)
  return out
}

/** The same bytes as a bare `Uint8Array`: subclasses (Node's `Buffer`) bring slower methods of the same names, and other ones. */
export function plainView(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** As the inside of a JSON string: slashes plain, and slashes as `\/`. */
function replacementBytes(url: string): [Uint8Array, Uint8Array] {
  const inside = JSON.stringify(url).slice(1, -1)
  const encoder = new TextEncoder()
  return [encoder.encode(inside), encoder.encode(inside.replaceAll('/', '\\/'))]
}
