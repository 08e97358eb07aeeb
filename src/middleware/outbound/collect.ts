/** A body that was read to its end, or as much of one as may be held with the rest still to come. */
export type Collected =
  | { readonly complete: true; readonly bytes: Uint8Array }
  | { readonly complete: false; readonly body: AsyncIterable<Uint8Array> }

const EMPTY = new Uint8Array(0)

/**
 * Reads a body up to `limit` bytes. A body that is longer is handed back whole, as a stream that begins with what was
 * read: nothing is lost and no more than `limit` bytes and one chunk are held.
 *
 * @throws Failure when the body breaks off within the limit: then no byte of it has been passed on yet
 */
export async function collect(body: AsyncIterable<Uint8Array> | null, limit: number): Promise<Collected> {
  if (body === null) return { complete: true, bytes: EMPTY }
  const iterator = body[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await iterator.next()
    if (done === true) return { complete: true, bytes: joined(chunks, length) }
    chunks.push(value)
    length += value.byteLength
    if (length > limit) return { complete: false, body: resumed(chunks, iterator) }
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

async function* resumed(chunks: Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    // Shifted, not iterated: what was passed on may be collected while the rest arrives.
    while (chunks.length > 0) yield chunks.shift()!
    for (;;) {
      const { done, value } = await iterator.next()
      if (done === true) return
      yield value
    }
  } finally {
    await iterator.return?.()
  }
}
