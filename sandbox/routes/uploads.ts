import { createHash } from 'node:crypto'
import type { Answer } from '../answer.ts'
import { badRequest, invalid, json, notFound } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { viewer } from '../exchange.ts'
import { renderAsset } from '../render/releases.ts'
import { byId, repositoryOf } from './access.ts'

/** Larger uploads are counted and hashed, not kept. */
const KEPT_BYTES = 1024 * 1024

/** `POST {uploads}/repos/:owner/:repo/releases/:id/assets?name=…`: takes the body as it streams in. */
export async function answerUpload(exchange: Exchange): Promise<Answer> {
  const [, owner = '', repo = '', id = ''] =
    /^\/repos\/([^/]+)\/([^/]+)\/releases\/(\d+)\/assets$/.exec(exchange.path) ?? []
  if (owner === '' || exchange.method !== 'POST') throw notFound(exchange.core.switches.version)
  const target: Exchange = { ...exchange, params: { owner, repo, id } }
  const repository = repositoryOf(target, 'push')
  const release = byId(target, repository.releases)
  const uploader = viewer(target).login
  const name = exchange.query.get('name') ?? ''
  if (name === '') throw invalid({ resource: 'ReleaseAsset', field: 'name', code: 'missing_field' })
  const hash = createHash('sha256')
  const chunks: Buffer[] = []
  for await (const chunk of exchange.request as AsyncIterable<Buffer>) {
    exchange.entry.received += chunk.length
    hash.update(chunk)
    if (exchange.entry.received <= KEPT_BYTES) chunks.push(chunk)
    else chunks.length = 0
  }
  const size = exchange.entry.received
  if (size === 0) throw badRequest('Bad Content-Length: 0')
  if (release.assets.some((asset) => asset.name === name)) {
    throw invalid({ resource: 'ReleaseAsset', field: 'name', code: 'already_exists' })
  }
  const { urls, world } = exchange.core
  const asset = world.addAsset(release, {
    name,
    uploader,
    size,
    label: exchange.query.get('label'),
    contentType: exchange.request.headers['content-type'] ?? 'application/octet-stream',
    content: size <= KEPT_BYTES ? Buffer.concat(chunks) : null,
    sha256: hash.digest('hex'),
  })
  const rendered = renderAsset(asset, release, repository, urls, world)
  return json(rendered, { status: 201, cacheControl: 'no-cache', headers: ['Location', String(rendered['url'])] })
}
