import { createHash } from 'node:crypto'
import { RESOURCES, type Resource, type Writing } from './resources.ts'
import type { Profile, TagRule, Token, World } from './world.ts'

/** A request as far as the answer depends on it, its conditions left out. */
export interface Asked {
  readonly method: string
  /** Below the API's root. */
  readonly target: string
  /** The exact `Authorization`. */
  readonly authorization: string | undefined
  readonly accept: string | undefined
  readonly apiVersion: string | undefined
}

/** What the upstream answers this caller at this moment when there are no conditions. */
export interface Truth {
  readonly status: number
  readonly body: string
  readonly isJson: boolean
  /** Opaque part of the entity tag. */
  readonly tag: string | undefined
  /** Whole seconds, epoch ms. */
  readonly lastModified: number | undefined
  readonly link: string | undefined
  readonly location: string | undefined
  readonly contentType: string
  readonly mediaType: string
  readonly cacheControl: string | undefined
  readonly pollInterval: number | undefined
  /** Live, and different for each token. */
  readonly scopes: string | undefined
  /** Only on whole answers, and different for each token. */
  readonly sso: string | undefined
  readonly variesByAuthorization: boolean
}

const exactly = new Map(RESOURCES.map((resource) => [resource.target, resource]))
const folded = new Map(RESOURCES.map((resource) => [resource.target.toLowerCase(), resource]))

export function resourceAt(target: string): Resource | undefined {
  return exactly.get(target) ?? folded.get(target.toLowerCase())
}

export function truthOf(world: World, asked: Asked): Truth {
  const { authorization } = asked
  const token = authorization === undefined ? undefined : world.tokenOf(authorization)
  if (authorization !== undefined && token === undefined) return plain(world, asked, token, 401, 'Bad credentials')
  const resource = resourceAt(asked.target)
  if (resource === undefined) return plain(world, asked, token, 404, 'Not Found')
  const refused = refusal(world, asked, token, resource.repository)
  if (refused !== undefined) return refused
  const level = resource.repository === undefined ? 'read' : world.levelOf(token?.account, resource.repository)
  const isRaw = asked.accept?.includes('raw') === true
  const sight = resource.see({
    world,
    account: token?.account,
    level,
    apiVersion: asked.apiVersion ?? 'default',
    isRaw,
  })
  const whole = {
    ...plain(world, asked, token, sight.status ?? 200, ''),
    body: sight.body,
    isJson: sight.isRaw !== true,
    link: sight.link,
    location: sight.location,
    pollInterval: sight.pollInterval,
  }
  if (whole.status !== 200) return whole
  const thing = world.thing(sight.thing)
  const rule = sight.isGit === true && world.rule !== 'none' ? 'git' : world.rule
  const hasDate = world.rule === 'none' || !resource.target.includes('?')
  return {
    ...whole,
    contentType: sight.isRaw === true ? 'application/vnd.github.raw; charset=utf-8' : whole.contentType,
    cacheControl: cacheControlOf(world.profile, token),
    tag: tagOf(rule, asked, whole, `${sight.thing} ${sight.isGit === true ? thing.value : thing.version}`),
    lastModified: hasDate ? Math.floor(thing.changedAt / 1000) * 1000 : undefined,
    sso: token === undefined ? undefined : `partial-results; for=${authorization}`,
  }
}

/** Does what is asked, if this caller may, and says what the upstream answers. */
export function carryOut(world: World, asked: Asked, writing: Writing): Truth {
  const { authorization } = asked
  const token = authorization === undefined ? undefined : world.tokenOf(authorization)
  if (token === undefined) {
    return plain(world, asked, token, 401, authorization === undefined ? 'Requires authentication' : 'Bad credentials')
  }
  if (writing.repository !== undefined) {
    const refused = refusal(world, asked, token, writing.repository)
    if (refused !== undefined) return refused
    if (world.levelOf(token.account, writing.repository) !== 'write') {
      return plain(world, asked, token, 403, 'Must have admin rights to Repository.')
    }
  }
  const represented = writing.carryOut(world, token.account)
  if (represented !== undefined) return truthOf(world, { ...asked, method: 'GET', target: represented })
  return plain(world, asked, token, writing.method === 'DELETE' ? 204 : 201, '')
}

/** What somebody is told whose request is not looked at, because of a limit. */
export function refusedTruth(world: World, asked: Asked, status: number, body: string): Truth {
  return { ...plain(world, asked, undefined, status, ''), body, cacheControl: undefined }
}

function refusal(
  world: World,
  asked: Asked,
  token: Token | undefined,
  repository: Resource['repository'],
): Truth | undefined {
  if (repository === undefined) {
    return token === undefined ? plain(world, asked, token, 401, 'Requires authentication') : undefined
  }
  const level = world.levelOf(token?.account, repository)
  if (level === 'none') return plain(world, asked, token, 404, 'Not Found')
  if (level === 'challenged') return plain(world, asked, token, 401, 'Log in again with a second factor')
  return level === 'blocked' ? plain(world, asked, token, 403, 'Resource protected by organization') : undefined
}

function plain(world: World, asked: Asked, token: Token | undefined, status: number, message: string): Truth {
  const { accept, authorization } = asked
  const flavour = accept?.includes('raw') === true ? 'param=raw' : 'format=json'
  return {
    status,
    body: message === '' ? '' : `{"message":"${message}"}`,
    isJson: true,
    tag: undefined,
    lastModified: undefined,
    link: undefined,
    location: undefined,
    contentType: 'application/json; charset=utf-8',
    mediaType: `github.${accept?.includes('v3') === true ? 'v3' : 'beta'}; ${flavour}`,
    cacheControl: world.profile.onErrors && status < 500 ? cacheControlOf(world.profile, token) : undefined,
    pollInterval: undefined,
    scopes: token === undefined ? undefined : `scopes ${token.scopes} of ${authorization}`,
    sso: undefined,
    // An OAuth app's own Basic credential is not named in GitHub's `Vary`, and has no part in its tags.
    variesByAuthorization: authorization !== undefined && !authorization.startsWith('Basic '),
  }
}

function cacheControlOf(profile: Profile, token: Token | undefined): string | undefined {
  return token === undefined ? profile.anonymous : profile.credentialed
}

function tagOf(rule: TagRule | 'git', asked: Asked, { body, variesByAuthorization }: Truth, state: string) {
  switch (rule) {
    case 'github': {
      const accept = asked.accept === undefined ? '' : `${asked.accept}:`
      const authorization = variesByAuthorization ? `${asked.authorization}:` : ''
      return hash('sha256', accept + authorization + body)
    }
    case 'opaque':
      return hash('sha256', `salt ${asked.authorization} ${asked.accept} ${body}`).slice(0, 32)
    case 'body':
      return hash('md5', body)
    case 'git':
      return hash('sha1', state)
    case 'version':
      return state.replaceAll(' ', '-')
    case 'none':
      return undefined
  }
}

function hash(algorithm: string, text: string): string {
  return createHash(algorithm).update(text).digest('hex')
}
