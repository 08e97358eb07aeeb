import type { OutgoingHttpHeaders } from 'node:http'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/index.ts'
import type { Clock } from '../../src/ports.ts'
import { type RawAnswer, rawRequest, type TestGateway, testGateway } from './gateway.ts'

/** A clock that stands still until it is told to go on. */
export interface ManualClock extends Clock {
  advance(milliseconds: number): void
}

/** Where manual clocks begin: a whole second, so that HTTP dates lose nothing. */
const START = Date.parse('2024-06-01T12:00:00Z')

export function manualClock(): ManualClock {
  let now = START
  return {
    now: () => now,
    elapsed: () => now - START,
    advance: (milliseconds) => {
      now += milliseconds
    },
  }
}

/** An answer with its body read. */
export interface Answer extends RawAnswer {
  readonly text: string
  /** @throws SyntaxError where the body is no JSON */
  // biome-ignore lint/suspicious/noExplicitAny: a test names the fields that it looks at
  json(): any
}

export interface Asking {
  readonly token?: string
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  /** A value that is not text or bytes is sent as JSON. */
  readonly payload?: unknown
}

export type Ask = (path: string, asking?: Asking) => Promise<Answer>

/** Makes a client of one API root, such as `http://127.0.0.1:1234/api/v3`. Nothing but the given headers is sent. */
export function client(root: string): Ask {
  const { origin, pathname } = new URL(root)
  const prefix = pathname === '/' ? '' : pathname
  return async (path, { token, method = 'GET', headers = {}, payload } = {}) => {
    const plain = typeof payload === 'string' || payload instanceof Uint8Array || payload === undefined
    const body = plain ? payload : JSON.stringify(payload)
    const raw = await rawRequest(origin, prefix + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `token ${token}` }),
        ...(plain ? {} : { 'content-type': 'application/json' }),
        ...(body === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: body }),
    })
    const text = raw.body.toString('utf8')
    return { ...raw, text, json: () => JSON.parse(text) }
  }
}

/** A gateway in front of a sandbox, with one clock for both. */
export interface Pair {
  readonly sandbox: Sandbox
  readonly gateway: TestGateway
  readonly clock: ManualClock
  /** Through the gateway, below `/api/v3`. */
  readonly ask: Ask
  /** The sandbox itself, below its REST root. */
  readonly direct: Ask
  /** What the sandbox would say to a client of the gateway: every address under the upstream's API moved. */
  moved(text: string): string
  close(): Promise<void>
}

export interface PairOptions {
  readonly switches?: SandboxOptions['switches']
  readonly paths?: SandboxOptions['paths']
  /** Settings of the gateway besides the upstream's address. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Starts both on free ports of this machine. */
export async function startPair({ switches, paths, settings }: PairOptions = {}): Promise<Pair> {
  const clock = manualClock()
  const sandbox = await startSandbox({
    clock: clock.now,
    ...(switches === undefined ? {} : { switches }),
    ...(paths === undefined ? {} : { paths }),
  })
  const gateway = await testGateway(
    { WEIR_UPSTREAM: sandbox.origin, WEIR_MANAGE_UPSTREAM: sandbox.manageOrigin, ...settings },
    { clock },
  )
  const moved = (text: string) =>
    text
      .replaceAll(sandbox.urls.graphql, `${gateway.origin}/api/graphql`)
      .replaceAll(sandbox.urls.uploads, `${gateway.origin}/api/uploads`)
      .replaceAll(sandbox.urls.api, gateway.api)
  const close = async () => {
    gateway.kill()
    await sandbox.close()
  }
  return { sandbox, gateway, clock, ask: client(gateway.api), direct: client(sandbox.urls.api), moved, close }
}

/** The same, with an upstream that is known to limit nothing: what is not known is asked one at a time. */
export async function startUnlimitedPair(options: PairOptions = {}): Promise<Pair> {
  const pair = await startPair(options)
  await pair.ask('/meta')
  pair.sandbox.log.clear()
  pair.gateway.events.length = 0
  return pair
}
