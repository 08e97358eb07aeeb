import { Octokit, RequestError } from 'octokit'
import type { Send } from '../../../src/ports.ts'
import type { Reply, StartSubject } from '../subjects.ts'
import { API_PATH, AUTHORIZATION, ORIGIN } from '../upstream.ts'

/** How often Octokit itself asks again after a refusal; after that the client hears of it. */
const RETRIES = 2

/** Each client has its own Octokit, as an app of its own has: real retries, real throttling, only the network is not. */
export const startOctokit: StartSubject = ({ send, clients, run }) => {
  const fetch = fetchThrough(send)
  const apps = new Map(clients.map(({ name }) => [name, createApp(`${run} ${name}`, fetch)]))
  return {
    async ask({ client, target, signal }) {
      const app = apps.get(client.name)
      if (app === undefined) throw new RangeError(`no client is called ${client.name}`)
      try {
        return replyOf(await app.request(`GET ${target}`, { request: { signal } }))
      } catch (error) {
        if (error instanceof RequestError && error.response !== undefined) return replyOf(error.response)
        throw error
      }
    },
  }
}

function createApp(id: string, fetch: typeof globalThis.fetch): Octokit {
  const wantsRetry = (_after: number, _options: unknown, _octokit: unknown, retryCount: number) => retryCount < RETRIES
  return new Octokit({
    auth: AUTHORIZATION.replace('Bearer ', ''),
    baseUrl: `${ORIGIN}${API_PATH}`,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    request: { fetch },
    // Without an id all of a process share their queues.
    throttle: { id, onRateLimit: wantsRetry, onSecondaryRateLimit: wantsRetry },
  })
}

function replyOf({ status, headers }: { status: number; headers: object }): Reply {
  return { status, headers: Object.entries(headers).flatMap(([name, value]) => [name, String(value)]) }
}

function fetchThrough(send: Send): typeof globalThis.fetch {
  return async (input, init) => {
    const { pathname, search } = new URL(String(input))
    const signal = init?.signal ?? undefined
    try {
      const { status, headers, body } = await send({
        method: init?.method ?? 'GET',
        origin: ORIGIN,
        target: `${pathname}${search}`,
        headers: [...new Headers(init?.headers)].flat(),
        body: null,
        bodyLength: undefined,
        signal,
      })
      const chunks: Uint8Array[] = []
      for await (const chunk of body ?? []) chunks.push(chunk)
      return new Response(Buffer.concat(chunks), { status, headers: pairsOf(headers) })
    } catch (error) {
      if (signal?.aborted) throw new DOMException('The operation was aborted', 'AbortError')
      throw error
    }
  }
}

function pairsOf(headers: readonly string[]): [string, string][] {
  return headers.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, headers[index + 1] ?? '']] : [],
  )
}
