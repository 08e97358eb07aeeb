import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { BodySource } from './answer.ts'
import { deliver } from './delivery.ts'
import type { Core } from './exchange.ts'
import { httpDate } from './headers.ts'
import type { LogEntry } from './log.ts'
import type { Recorded } from './recorded.ts'
import { assetBody } from './routes/releases.ts'
import { isSigned } from './signatures.ts'

const BLOCK_BYTES = 512

/** One file as a tar archive has it (POSIX ustar). */
function tarEntry(name: string, content: Buffer, seconds: number): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`
  header.write(name.slice(0, 100), 0)
  header.write(octal(0o644, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(content.length, 12), 124)
  header.write(octal(seconds, 12), 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\u000000', 257)
  let sum = 0
  for (const byte of header) sum += byte
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES)
  return Buffer.concat([header, content, padding])
}

/** Follows a signed URL of this host. @returns null where there is nothing */
function find(core: Core, path: string): { body: Buffer | BodySource; name: string; type: string } | null {
  const [, repositoryId, assetId] = /^\/asset\/(\d+)\/(\d+)$/.exec(path) ?? []
  if (repositoryId !== undefined) {
    const repository = core.world.repositories.get(Number(repositoryId))
    const asset = repository?.releases.flatMap(({ assets }) => assets).find(({ id }) => id === Number(assetId))
    return asset === undefined ? null : { body: assetBody(asset), name: asset.name, type: asset.contentType }
  }
  const [, owner = '', name = ''] = /^\/([^/]+)\/([^/]+)\/legacy\.(?:tar\.gz|zip)\//.exec(path) ?? []
  const repository = core.world.lookUp(owner, name)?.repository
  if (repository === undefined) return null
  const root = `${owner}-${name}-${repository.commits[0]?.sha.slice(0, 7) ?? '0000000'}`
  const seconds = Math.floor(repository.pushedAt / 1000)
  const entries = repository.files.map((file) => tarEntry(`${root}/${file.path}`, file.content, seconds))
  const body = gzipSync(Buffer.concat([...entries, Buffer.alloc(2 * BLOCK_BYTES)]))
  return { body, name: `${root}.tar.gz`, type: 'application/x-gzip' }
}

/** The other origin that archives and signed downloads redirect to. A credential that comes along is only logged. */
export async function answerCodeload(
  core: Core,
  recorded: Recorded,
  request: IncomingMessage,
  response: ServerResponse,
  entry: LogEntry,
): Promise<void> {
  const mark = entry.target.indexOf('?')
  const path = mark === -1 ? entry.target : entry.target.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : entry.target.slice(mark))
  entry.credential = request.headers.authorization ?? null
  const replay = recorded.archive(path)
  const found =
    replay !== null && replay.body !== null
      ? { body: replay.body, name: 'archive.tar.gz', type: replay.contentType ?? 'application/x-gzip' }
      : isSigned(path, query, core.clock())
        ? find(core, path)
        : null
  entry.status = found === null ? 404 : 200
  const headers = ['Date', httpDate(core.clock()), 'Content-Type', found?.type ?? 'text/plain; charset=utf-8']
  if (found !== null) headers.push('Content-Disposition', `attachment; filename=${found.name}`)
  headers.push('Vary', 'Authorization,Accept-Encoding,Origin', 'X-Content-Type-Options', 'nosniff')
  core.log.settle(entry)
  const body = found?.body ?? Buffer.from('404: Not Found')
  const headOnly = request.method === 'HEAD'
  await deliver(response, { status: entry.status, headers, body, headOnly, statedLength: null }, null, entry)
}
