import { Readable, type Transform } from 'node:stream'
import { promisify } from 'node:util'
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib'
import { toFailure } from '../../errors.ts'
import type { Compression, ContentCoding } from '../../ports.ts'
import { ReadableBytes } from './readable-bytes.ts'

/** Brotli's 4 compresses JSON better than gzip's 6 in the same time; its default, 11, takes a hundred times longer. */
const BROTLI_QUALITY = 4
const GZIP_LEVEL = 6

const brotliCompressAsync = promisify(brotliCompress)
const gzipAsync = promisify(gzip)

/** Compression by `node:zlib`, on its threads and not on ours. */
export const compression: Compression = {
  codings: ['br', 'gzip'],

  compress(bytes, coding) {
    if (coding === 'gzip') return gzipAsync(bytes, { level: GZIP_LEVEL })
    return brotliCompressAsync(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
      },
    })
  },

  /** What the body throws is thrown on; when the reader stops early, the body is told at once. */
  compressStream: (body, coding) => new CompressedBody(body, coding),
}

class CompressedBody implements AsyncIterable<Uint8Array> {
  readonly #body: AsyncIterable<Uint8Array>
  readonly #coding: ContentCoding

  constructor(body: AsyncIterable<Uint8Array>, coding: ContentCoding) {
    this.#body = body
    this.#coding = coding
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const source = Readable.from(this.#body, { objectMode: true, highWaterMark: 1 })
    const encoder = encoderFor(this.#coding)
    const bytes = new ReadableBytes(encoder, {
      abandoned: () => {
        source.destroy()
        encoder.destroy()
      },
    })
    const fail = (thrown: Error) => {
      source.destroy()
      encoder.destroy()
      bytes.fail(toFailure(thrown))
    }
    source.on('error', fail)
    encoder.on('error', fail)
    source.pipe(encoder)
    return bytes
  }
}

function encoderFor(coding: ContentCoding): Transform {
  if (coding === 'gzip') return createGzip({ level: GZIP_LEVEL })
  return createBrotliCompress({
    params: {
      [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    },
  })
}
