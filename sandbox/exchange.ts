import type { IncomingMessage } from 'node:http'
import type { Answer, Json, JsonObject } from './answer.ts'
import { badRequest, json, Refusal, unauthorized } from './answer.ts'
import type { Authenticator, Identity } from './authentication.ts'
import type { Limits } from './limits.ts'
import type { LogEntry, RequestLog } from './log.ts'
import type { Maintenance } from './manage/maintenance.ts'
import type { Switches } from './switches.ts'
import type { ApiPaths, Urls } from './urls.ts'
import type { Account } from './world/model.ts'
import type { World } from './world/world.ts'

/** What all requests share. */
export interface Core {
  readonly world: World
  readonly switches: Switches
  readonly limits: Limits
  readonly authenticator: Authenticator
  readonly maintenance: Maintenance
  readonly log: RequestLog
  readonly urls: Urls
  readonly paths: ApiPaths
  /** Epoch milliseconds. */
  readonly clock: () => number
}

/** One request on its way through a route. */
export interface Exchange {
  readonly core: Core
  readonly request: IncomingMessage
  readonly entry: LogEntry
  /** GET for HEAD requests too. */
  readonly method: string
  /** Below the API root, decoded nowhere, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** What the route's pattern captured, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly identity: Identity
}

export type Handler = (exchange: Exchange) => Answer | Promise<Answer>

const MAX_JSON_BYTES = 10 * 1024 * 1024

const bodies = new WeakMap<IncomingMessage, Promise<Buffer>>()

async function collect(request: IncomingMessage, entry: LogEntry): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) {
    entry.received += chunk.length
    if (entry.received > MAX_JSON_BYTES) throw new Refusal(json({ message: 'Payload too large' }, { status: 413 }))
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The whole request body, however often it is asked for. @throws Refusal 413 beyond 10 MiB */
export function readBody(request: IncomingMessage, entry: LogEntry): Promise<Buffer> {
  const body = bodies.get(request) ?? collect(request, entry)
  bodies.set(request, body)
  return body
}

/** The request body as JSON of any kind; no body is an empty object. @throws Refusal 400 */
export async function readJson(exchange: Exchange): Promise<Json> {
  const body = await readBody(exchange.request, exchange.entry)
  if (body.length === 0) return {}
  try {
    return JSON.parse(body.toString('utf8')) as Json
  } catch {
    throw badRequest('Problems parsing JSON')
  }
}

/** The request body as a JSON object. @throws Refusal 400 in the documented words */
export async function readObject(exchange: Exchange): Promise<JsonObject> {
  const value = await readJson(exchange)
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw badRequest('Body should be a JSON object')
  return value
}

/** Who asks. @throws Refusal 401 where nobody is logged in */
export function viewer(exchange: Exchange): Account {
  const { user } = exchange.identity
  if (user === null) throw unauthorized(exchange.core.switches.version, 'Requires authentication')
  return user
}

/** What the route's pattern captured under `name`; empty where it did not. */
export function param(exchange: Exchange, name: string): string {
  return exchange.params[name] ?? ''
}

/** Which representation `Accept` asks for: `raw`, `html`, `diff`, `patch`, …, or `json`. */
export function representation(exchange: Exchange): string {
  const accept = exchange.request.headers.accept ?? ''
  const [, parameter] = /application\/vnd\.github(?:\.v3)?\.(raw|html|text|full|diff|patch|sha)\b/.exec(accept) ?? []
  return parameter ?? 'json'
}
