import type { IncomingMessage, ServerResponse } from 'node:http'
import { LRUCache } from 'lru-cache'
import type { Answer } from './answer.ts'
import { badRequest, empty, json, notFound, Refusal, unauthorized } from './answer.ts'
import type { Identity } from './authentication.ts'
import { credentialOf } from './authentication.ts'
import { deliver, substitute } from './delivery.ts'
import type { Core, Exchange } from './exchange.ts'
import type { Fault } from './faults.ts'
import { chooseFault, holdFor } from './faults.ts'
import type { Evaluated } from './finish.ts'
import { finish } from './finish.ts'
import { PREFLIGHT, RequestIds } from './headers.ts'
import { resourceOf } from './limits.ts'
import type { LogEntry } from './log.ts'
import type { Recorded } from './recorded.ts'
import { Router } from './router.ts'
import { answerGraphql } from './routes/graphql.ts'
import { ROUTES } from './routes/index.ts'
import { answerUpload } from './routes/uploads.ts'
import { ETags } from './validators.ts'

/** Where a request target leads. */
interface Place {
  api: 'rest' | 'graphql' | 'uploads'
  /** Below that API's root; `/` for the root itself. */
  path: string
  search: string
}

const KEPT_ANSWERS = 4000
const KEPT_BYTES = 128 * 1024 * 1024

function hidden(address: string): Identity {
  return { kind: 'anonymous', user: null, scopes: null, account: `address:${address}` }
}

/** The REST, GraphQL and upload APIs of the sandbox. */
export class Api {
  private readonly core: Core
  private readonly recorded: Recorded
  private readonly router = new Router(ROUTES)
  private readonly tools = { etags: new ETags(), requestIds: new RequestIds() }
  private readonly kept = new LRUCache<string, { revision: number; answer: Answer }>({
    max: KEPT_ANSWERS,
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ answer }) => (answer.body?.length ?? 0) + 500,
  })

  constructor(core: Core, recorded: Recorded) {
    this.core = core
    this.recorded = recorded
  }

  /** Answers one request, whatever happens. */
  async handle(request: IncomingMessage, response: ServerResponse, entry: LogEntry): Promise<void> {
    const { switches } = this.core
    const method = request.method ?? 'GET'
    const fault = chooseFault(switches.faults, { method, target: entry.target, headers: request.headers })
    entry.fault = fault?.kind ?? null
    await holdFor(fault, 'before-evaluating')
    const latency = typeof switches.latency === 'number' ? switches.latency : switches.latency(method, entry.target)
    if (latency > 0) await new Promise((resolve) => setTimeout(resolve, latency))
    const evaluated = await this.evaluate(request, response, entry, fault)
    const outgoing = finish(this.core, this.tools, request, entry, evaluated)
    this.core.log.settle(entry)
    await holdFor(fault, 'before-sending')
    await deliver(response, outgoing, fault, entry)
  }

  private async evaluate(
    request: IncomingMessage,
    response: ServerResponse,
    entry: LogEntry,
    fault: Fault | null,
  ): Promise<Evaluated> {
    const { limits } = this.core
    const address = request.socket.remoteAddress ?? 'unknown'
    const evaluated: Evaluated = {
      answer: empty(),
      identity: hidden(address),
      resource: 'core',
      cost: 0,
    }
    try {
      const place = this.locate(entry.target)
      evaluated.resource = place.api === 'graphql' ? 'graphql' : place.api === 'rest' ? resourceOf(place.path) : 'core'
      const query = new URLSearchParams(place.search)
      entry.credential = credentialOf(request.headers, query, this.core.switches)
      evaluated.cost = 1
      if (request.method === 'OPTIONS') throw new Refusal(empty(204, PREFLIGHT))
      evaluated.identity = this.admit(request, entry, address)
      const { identity } = evaluated
      entry.account = identity.account
      limits.enter(identity.account)
      response.once('close', () => limits.leave(identity.account))
      const free = place.api === 'rest' && place.path === '/rate_limit'
      const refused =
        limits.secondary(identity.account, request.method ?? 'GET') ??
        (free ? null : limits.primary(identity, evaluated.resource))
      if (refused !== null) throw new Refusal(refused)
      if (free) evaluated.cost = 0
      const instead = substitute(fault, request.method)
      if (instead !== null) {
        entry.source = 'fault'
        evaluated.answer = { ...instead, contentType: null }
        return evaluated
      }
      entry.source = 'living'
      evaluated.answer = await this.route(request, entry, place, query, identity)
    } catch (error) {
      if (error instanceof Refusal) {
        evaluated.answer = error.answer
        // What never came to be routed was charged to nobody, but a wrong credential to the address it came from.
        if (entry.source === 'gate') evaluated.cost = error.answer.status === 401 ? 1 : 0
      } else {
        entry.error = error instanceof Error ? (error.stack ?? error.message) : String(error)
        evaluated.answer = json({ message: 'Server Error' }, { status: 500 })
      }
    }
    return evaluated
  }

  /** Maintenance, authentication and private mode, in the order in which a server meets them. */
  private admit(request: IncomingMessage, entry: LogEntry, address: string): Identity {
    const { switches, authenticator, maintenance } = this.core
    if (maintenance.refuses(address)) {
      throw new Refusal(json({ message: 'GitHub Enterprise Server is down for maintenance.' }, { status: 503 }))
    }
    if (switches.requireUserAgent && !request.headers['user-agent']) {
      throw new Refusal(
        json(
          {
            message:
              'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.',
          },
          { status: 403 },
        ),
      )
    }
    const identity = authenticator.identify(entry.credential, request.headers, address)
    if (switches.privateMode && identity.user === null) {
      throw unauthorized(switches.version, 'Must authenticate to access this API.')
    }
    return identity
  }

  private locate(target: string): Place {
    // Absolute form (RFC 9112 §3.2.2): scheme and authority are none of the router's business.
    const origin = /^https?:\/\/[^/?#]*/i.exec(target)?.[0] ?? ''
    const rest = target.slice(origin.length)
    const mark = rest.indexOf('?')
    const path = (mark === -1 ? rest : rest.slice(0, mark)) || '/'
    const search = mark === -1 ? '' : rest.slice(mark + 1)
    const { paths, urls } = this.core
    if (path === paths.graphql) return { api: 'graphql', path: '/', search }
    if (path.startsWith(`${paths.uploads}/`)) return { api: 'uploads', path: path.slice(paths.uploads.length), search }
    if (path === paths.rest) return { api: 'rest', path: '/', search }
    if (path.startsWith(`${paths.rest}/`)) return { api: 'rest', path: path.slice(paths.rest.length), search }
    if (path === '/manage' || path.startsWith('/manage/')) {
      throw new Refusal(empty(301, ['Location', urls.manage + rest]))
    }
    const page = Buffer.from(
      '<!DOCTYPE html><title>Page not found</title><p>This is not the web page you are looking for.</p>',
    )
    throw new Refusal({ status: 404, headers: [], contentType: 'text/html; charset=utf-8', body: page })
  }

  private async route(
    request: IncomingMessage,
    entry: LogEntry,
    place: Place,
    query: URLSearchParams,
    identity: Identity,
  ): Promise<Answer> {
    const { core } = this
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET')
    const exchange: Exchange = { core, request, entry, method, path: place.path, query, params: {}, identity }
    if (place.api === 'graphql') return answerGraphql(exchange)
    if (core.switches.recorded) {
      const found = await this.recorded.find(exchange, place.api)
      if (found !== null) return found
    }
    if (place.api === 'uploads') return answerUpload(exchange)
    const fixed = method === 'GET' ? core.world.fixedPages.get(place.path) : undefined
    if (fixed !== undefined) return { status: 200, headers: [], ...fixed }
    return this.routeRest(exchange, place)
  }

  private routeRest(exchange: Exchange, place: Place): Answer | Promise<Answer> {
    const { world, switches } = this.core
    const { identity, method } = exchange
    const scopes = identity.scopes?.join() ?? ''
    const accept = exchange.request.headers.accept ?? ''
    const key = `${identity.account}\n${scopes}\n${accept}\n${switches.version}\n${place.path}?${place.search}`
    if (method === 'GET') {
      const kept = this.kept.get(key)
      if (kept !== undefined && kept.revision === world.revision) return kept.answer
    }
    const segments = this.segments(place.path)
    const found =
      this.router.find(method, segments) ??
      // Resource endpoints also accept POST where they accept PATCH.
      (method === 'POST' ? this.router.find('PATCH', segments) : null)
    if (found === null) throw notFound(switches.version)
    const { revision } = world
    const answer = found.route.handler({ ...exchange, params: found.params })
    if (found.route.kept && !(answer instanceof Promise) && answer.status === 200 && Buffer.isBuffer(answer.body)) {
      this.kept.set(key, { revision, answer })
    }
    return answer
  }

  /** The decoded segments, with `/repositories/{id}` and the like turned into the names that routes are written in. */
  private segments(path: string): string[] {
    let segments: string[]
    try {
      segments = path.slice(1).split('/').map(decodeURIComponent)
    } catch {
      throw badRequest('Bad Request')
    }
    const { world, switches } = this.core
    const [kind, id = '', ...rest] = segments
    const byId = (collection: 'user' | 'organizations') => {
      const type = collection === 'user' ? 'User' : 'Organization'
      const account = [...world.accounts.values()].find((one) => one.id === Number(id) && one.type === type)
      if (account === undefined) throw notFound(switches.version)
      return [collection === 'user' ? 'users' : 'orgs', account.login, ...rest]
    }
    if (kind === 'repositories' && segments.length > 1) {
      const repository = world.repositories.get(Number(id))
      if (repository === undefined) throw notFound(switches.version)
      return ['repos', repository.owner, repository.name, ...rest]
    }
    if (/^\d+$/.test(id) && (kind === 'user' || kind === 'organizations')) return byId(kind)
    return segments
  }
}
