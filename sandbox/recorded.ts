import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { Answer, Json } from './answer.ts'
import type { Exchange } from './exchange.ts'
import { readBody, representation } from './exchange.ts'
import type { Urls } from './urls.ts'

/** One recorded request and its answer, in the words of the recording. */
interface Recording {
  scope: string
  method: string
  path: string
  body: Json
  status: number
  response: Json
  rawHeaders: string[]
  reqheaders?: Record<string, string>
  responseIsBinary: boolean
}

interface Candidate {
  /** What the request said. */
  body: Json
  /** Whether the raw representation was asked for. */
  raw: boolean
  answer: Answer
}

/** Headers that are kept; all others are the sandbox's own. */
const KEPT = new Set([
  'location',
  'link',
  'deprecation',
  'sunset',
  'x-commonmarker-version',
  'content-disposition',
  'expires',
])

function rebase(text: string, urls: Urls): string {
  return text
    .replaceAll('https://api.github.com', urls.api)
    .replaceAll('https://uploads.github.com', urls.uploads)
    .replaceAll('https://codeload.github.com', urls.codeload)
}

function bodyOf(recording: Recording, encoding: string | undefined, urls: Urls): Buffer {
  const { response, responseIsBinary } = recording
  // Bodies that came compressed were recorded as lists of hexadecimal chunks.
  if (encoding === 'gzip' && Array.isArray(response)) {
    const packed = Buffer.from(response.join(''), 'hex')
    return Buffer.from(rebase(gunzipSync(packed).toString('utf8'), urls))
  }
  if (typeof response !== 'string') return Buffer.from(rebase(JSON.stringify(response), urls))
  return responseIsBinary ? Buffer.from(response, 'hex') : Buffer.from(rebase(response, urls))
}

function answerOf(recording: Recording, urls: Urls): Answer {
  const values = new Map<string, string>()
  const headers: string[] = []
  for (let i = 0; i < recording.rawHeaders.length; i += 2) {
    const name = recording.rawHeaders[i] ?? ''
    const value = recording.rawHeaders[i + 1] ?? ''
    values.set(name.toLowerCase(), value)
    if (KEPT.has(name.toLowerCase())) headers.push(name, rebase(value, urls))
  }
  const git = /^"([0-9a-f]{40})"$/.exec(values.get('etag') ?? '')?.[1]
  const modified = values.get('last-modified')
  const none = recording.status === 204 || recording.status === 205 || recording.status === 304
  const cacheControl = values.get('cache-control')
  return {
    status: recording.status,
    headers,
    contentType: recording.status === 204 ? null : (values.get('content-type') ?? null),
    body: none || recording.response === '' ? null : bodyOf(recording, values.get('content-encoding'), urls),
    lastModified: modified === undefined ? null : Date.parse(modified),
    acceptedScopes: values.get('x-accepted-oauth-scopes') ?? '',
    ...(git === undefined ? {} : { etag: git }),
    // The usual one is the sandbox's business, because it depends on who asks.
    ...(cacheControl === undefined || cacheControl.startsWith('private, max-age=60') ? {} : { cacheControl }),
  }
}

/** A path with its query sorted and decoded, so that the spelling of a query does not matter. */
function keyOf(api: string, method: string, path: string, query: URLSearchParams): string {
  const parameters = [...query].map(([name, value]) => `${name}=${value}`).sort()
  return `${api} ${method.toUpperCase()} ${path}?${parameters.join('&')}`
}

/** What the caller said, read as the recordings have it: JSON where it is JSON, otherwise text. */
function readable(body: Buffer): Json {
  const text = body.toString('utf8')
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

/** Where the npm package `@octokit/fixtures` keeps its scenarios. @throws Error where it is not installed */
export function scenariosDirectory(): string {
  const entry = createRequire(import.meta.url).resolve('@octokit/fixtures')
  const directory = join(dirname(entry), 'scenarios', 'api.github.com')
  if (!existsSync(directory)) throw new Error(`no recorded scenarios in ${directory}`)
  return directory
}

/**
 * Real answers of api.github.com, recorded by the authors of octokit, re-based to the sandbox's addresses. Replay has
 * no state: the same request always gets the same answer. Where a recording asks the same thing twice and the answers
 * differ, the first is served.
 */
export class Recorded {
  private readonly candidates = new Map<string, Candidate[]>()
  /** `METHOD path` of everything that is served, sorted. */
  readonly served: readonly string[]

  constructor(urls: Urls) {
    const served = new Set<string>()
    const directory = scenariosDirectory()
    for (const scenario of readdirSync(directory).sort()) {
      const file = join(directory, scenario, 'raw-fixture.json')
      for (const recording of JSON.parse(readFileSync(file, 'utf8')) as Recording[]) {
        served.add(`${recording.method.toUpperCase()} ${recording.path}`)
        this.add(recording, urls)
      }
    }
    this.served = [...served].sort()
  }

  private add(recording: Recording, urls: Urls): void {
    const { hostname } = new URL(recording.scope)
    // The root belongs to whoever asks, so the living model answers for it.
    if (recording.path === '/') return
    const api = hostname.startsWith('uploads.') ? 'uploads' : hostname.startsWith('codeload.') ? 'codeload' : 'rest'
    const [path = '', search = ''] = recording.path.split('?')
    const key = keyOf(api, recording.method, path, new URLSearchParams(search))
    const list = this.candidates.get(key) ?? []
    const raw = (recording.reqheaders?.['accept'] ?? '').includes('raw')
    list.push({ body: recording.body, raw, answer: answerOf(recording, urls) })
    this.candidates.set(key, list)
  }

  /** What was recorded for a path of the archive host, if anything. */
  archive(path: string): Answer | null {
    return this.candidates.get(keyOf('codeload', 'get', path, new URLSearchParams()))?.[0]?.answer ?? null
  }

  /**
   * The recorded answer to this request, or null where none was recorded or nobody is logged in, for recordings were
   * made by somebody who was. A request with a body must say what the recorded one said.
   */
  find(exchange: Exchange, api: 'rest' | 'uploads'): Answer | Promise<Answer | null> | null {
    if (exchange.identity.user === null) return null
    const list = this.candidates.get(keyOf(api, exchange.method, exchange.path, exchange.query))
    if (list === undefined) return null
    if (exchange.method !== 'GET') return this.byBody(exchange, list)
    const raw = representation(exchange) === 'raw'
    const answer = list.find((candidate) => candidate.raw === raw)?.answer ?? null
    if (answer !== null) exchange.entry.source = 'recorded'
    return answer
  }

  private async byBody(exchange: Exchange, list: readonly Candidate[]): Promise<Answer | null> {
    const body = readable(await readBody(exchange.request, exchange.entry))
    const answer = list.find((candidate) => isDeepStrictEqual(candidate.body, body))?.answer ?? null
    if (answer !== null) exchange.entry.source = 'recorded'
    return answer
  }
}
