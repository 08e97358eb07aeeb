import type { Body } from '../../ports.ts'

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
  let settled = 0
  for (;;) {
    const { done, value } = await iterator.next()
    if (done === true) return { complete: true, bytes: joined(chunks) }
    chunks.push(value)
    length += value.byteLength
    if (length > limit) return { complete: false, body: resumed(chunks, iterator) }
    if (chunks.length - settled === GROUP) {
      const group = chunks.slice(settled)
      if (lengthOf(group) < GROUP * SMALL) chunks.splice(settled, GROUP, joined(group))
      settled = chunks.length
    }
  }
}

/** So many chunks that are on average smaller than so many bytes become one: each costs a hundred bytes by itself. */
const GROUP = 256
const SMALL = 1024

function lengthOf(chunks: readonly Uint8Array[]): number {
  let length = 0
  for (const chunk of chunks) length += chunk.byteLength
  return length
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const bytes = new Uint8Array(lengthOf(chunks))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

/** Not a generator: one that was never begun would not tell the body when it is given up, and keep its connection. */
function resumed(chunks: Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  const iterator: AsyncIterator<Uint8Array> = {
    // Shifted, not indexed: what was passed on may be collected while the rest arrives.
    async next() {
      const value = chunks.shift()
      return value === undefined ? rest.next() : { done: false, value }
    },
    async return() {
      chunks.length = 0
      await rest.return?.()
      return { done: true, value: undefined }
    },
  }
  return { [Symbol.asyncIterator]: () => iterator }
}

/** Bytes that are held, in the form of those that arrive. */
export function asStream(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  return resumed([bytes], { next: async () => ({ done: true, value: undefined }) })
}

/** A body that tells when it has been read to its end, has broken off, or was given up. Told once. */
export function whenOver(body: AsyncIterable<Uint8Array>, over: () => void): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = body[Symbol.asyncIterator]()
      return {
        async next() {
          try {
            const result = await iterator.next()
            if (result.done === true) over()
            return result
          } catch (thrown) {
            over()
            throw thrown
          }
        },
        async return() {
          over()
          await iterator.return?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
}

/** Lets go of a body that will not be passed on, and with it of the upstream's connection. */
export async function discard(body: Body): Promise<void> {
  if (body === null || body instanceof Uint8Array) return
  await body[Symbol.asyncIterator]().return?.()
}
