import { Readable } from 'node:stream'
import type { Answer, BodySource } from '../answer.ts'
import { empty, json, notFound } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { param, readObject, viewer } from '../exchange.ts'
import { paginate } from '../pages.ts'
import { renderAsset, renderRelease } from '../render/releases.ts'
import type { Route } from '../router.ts'
import { get, live } from '../router.ts'
import { signedPath } from '../signatures.ts'
import type { Asset, Mutable, Release, Repository } from '../world/model.ts'
import { byId, repositoryOf } from './access.ts'
import { Fields } from './fields.ts'

const BASE = '/repos/:owner/:repo/releases'

const BLOCK = Buffer.from(Array.from({ length: 64 * 1024 }, (_, index) => index % 251))

/** Bytes that need no memory: byte n is `n % 65536 % 251`. */
export function generated(length: number): BodySource {
  return {
    length,
    open(start, end) {
      let position = start
      return new Readable({
        read() {
          if (position >= end) {
            this.push(null)
            return
          }
          const offset = position % BLOCK.length
          const part = BLOCK.subarray(offset, Math.min(BLOCK.length, offset + end - position))
          position += part.length
          this.push(part)
        },
      })
    },
  }
}

/** The bytes of an asset, kept or generated. */
export function assetBody(asset: Asset): Buffer | BodySource {
  return asset.content ?? generated(asset.size)
}

function show(exchange: Exchange, release: Release, repository: Repository, status = 200): Answer {
  const { urls, world } = exchange.core
  const rendered = renderRelease(release, repository, urls, world)
  return json(rendered, { status, headers: status === 201 ? ['Location', String(rendered['url'])] : [] })
}

/** The release and the asset that an asset's id belongs to. @throws Refusal 404 */
export function assetOf(exchange: Exchange, repository: Repository): { release: Release; asset: Asset } {
  for (const release of repository.releases) {
    const asset = release.assets.find((one) => one.id === Number(param(exchange, 'id')))
    if (asset !== undefined) return { release, asset }
  }
  throw notFound(exchange.core.switches.version)
}

function replaceAssets(exchange: Exchange, release: Release, assets: readonly Asset[]): void {
  ;(release as Mutable<Release>).assets = assets
  exchange.core.world.touch()
}

function showAsset(exchange: Exchange): Answer {
  const repository = repositoryOf(exchange)
  const { release, asset } = assetOf(exchange, repository)
  const { urls, world, switches, clock } = exchange.core
  if (!/application\/octet-stream/.test(exchange.request.headers.accept ?? '')) {
    return json(renderAsset(asset, release, repository, urls, world), { lastModified: asset.updatedAt })
  }
  const headers = ['Content-Disposition', `attachment; filename=${asset.name}`]
  if (switches.redirectAssets) {
    const path = signedPath(`/asset/${repository.id}/${asset.id}`, clock())
    return {
      ...empty(302, ['Location', urls.codeload + path]),
      contentType: 'text/html;charset=utf-8',
      cacheControl: 'no-cache',
    }
  }
  return { status: 200, headers, contentType: asset.contentType, body: assetBody(asset), ranges: true }
}

export const RELEASE_ROUTES: Route[] = [
  get(BASE, (exchange) => {
    const repository = repositoryOf(exchange)
    const { urls, world } = exchange.core
    const { items, headers } = paginate(exchange, repository.releases, `/repositories/${repository.id}/releases`)
    return json(
      items.map((release) => renderRelease(release, repository, urls, world)),
      { headers },
    )
  }),
  live('POST', BASE, async (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const author = viewer(exchange).login
    const fields = new Fields(await readObject(exchange), 'Release')
    const tag = fields.required('tag_name')
    const name = fields.text('name') ?? null
    const body = fields.text('body') ?? null
    const draft = fields.flag('draft') ?? false
    const prerelease = fields.flag('prerelease') ?? false
    if (repository.releases.some((one) => one.tag === tag)) fields.reject('tag_name', 'already_exists')
    fields.check()
    const release = exchange.core.world.addRelease(repository, { tag, name, body, author, draft, prerelease })
    return show(exchange, release, repository, 201)
  }),
  get(`${BASE}/latest`, (exchange) => {
    const repository = repositoryOf(exchange)
    const release = repository.releases.find((one) => !one.draft && !one.prerelease)
    if (release === undefined) throw notFound(exchange.core.switches.version)
    return show(exchange, release, repository)
  }),
  get(`${BASE}/tags/:tag`, (exchange) => {
    const repository = repositoryOf(exchange)
    const release = repository.releases.find((one) => one.tag === param(exchange, 'tag'))
    if (release === undefined) throw notFound(exchange.core.switches.version)
    return show(exchange, release, repository)
  }),
  live('GET', `${BASE}/assets/:id`, showAsset),
  live('PATCH', `${BASE}/assets/:id`, async (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const { release, asset } = assetOf(exchange, repository)
    const fields = new Fields(await readObject(exchange), 'ReleaseAsset')
    const name = fields.text('name') ?? asset.name
    const label = fields.text('label')
    fields.check()
    const { urls, world, clock } = exchange.core
    const changed: Asset = { ...asset, name, label: label === undefined ? asset.label : label, updatedAt: clock() }
    replaceAssets(
      exchange,
      release,
      release.assets.map((one) => (one === asset ? changed : one)),
    )
    return json(renderAsset(changed, release, repository, urls, world))
  }),
  live('DELETE', `${BASE}/assets/:id`, (exchange) => {
    const repository = repositoryOf(exchange, 'push')
    const { release, asset } = assetOf(exchange, repository)
    replaceAssets(
      exchange,
      release,
      release.assets.filter((one) => one !== asset),
    )
    return empty()
  }),
  get(`${BASE}/:id`, (exchange) => {
    const repository = repositoryOf(exchange)
    return show(exchange, byId(exchange, repository.releases), repository)
  }),
  get(`${BASE}/:id/assets`, (exchange) => {
    const repository = repositoryOf(exchange)
    const release = byId(exchange, repository.releases)
    const { urls, world } = exchange.core
    const path = `/repositories/${repository.id}/releases/${release.id}/assets`
    const { items, headers } = paginate(exchange, release.assets, path)
    return json(
      items.map((asset) => renderAsset(asset, release, repository, urls, world)),
      { headers },
    )
  }),
]
