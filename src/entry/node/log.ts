import { type DestinationStream, pino } from 'pino'
import type { LogFormat, LogLevel } from '../../config/types.ts'
import type { Failure } from '../../errors.ts'
import { loggablePath } from '../../github/path-secrets.ts'
import type { RequestEvent } from '../../outcome.ts'
import type { Telemetry } from '../../ports.ts'
import { describeCauses } from './log-causes.ts'
import { backgroundOutput, type Output } from './log-output.ts'
import { terminalFormatter } from './log-terminal.ts'

export interface LogOptions {
  /** `auto`: `pretty` where the destination is a terminal, else `json`. `off`: nothing is written, whatever the level. */
  readonly format: LogFormat
  readonly level: LogLevel
  /** Share of fresh hits that get a line, 0 to 1. All other requests always get theirs. */
  readonly hitShare: number
  /** Receives whole lines; default: the standard output, written in the background. */
  readonly destination?: { write(line: string): unknown; readonly isTTY?: boolean }
}

/** Only plain values: an error, a request or a settings object cannot end up in a line by accident. */
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** Writes one line. What was thrown is shown by `describeCauses`, so its message never is. */
export type LogLine = (message: string, fields?: LogFields, thrown?: unknown) => void

export interface Logger {
  readonly debug: LogLine
  readonly info: LogLine
  readonly warn: LogLine
  readonly error: LogLine
}

export interface Log {
  /** One line for each request, except fresh hits beyond their share. */
  readonly telemetry: Telemetry
  /** For start, stop and warnings. */
  readonly logger: Logger
  /**
   * Why a request failed, as a line of its own beside the request's: `internal` at error, the upstream's failures at warn,
   * everything that a client did at debug.
   */
  failed(requestId: string, failure: Failure): void
  /** Waits until all lines are written out, for two seconds at most. To be awaited before the process is ended. */
  close(): Promise<void>
}

/** Longer than any reader that still reads needs, and short beside the time that a container is given to stop. ms. */
const CLOSE_LIMIT = 2000

/**
 * The log. Every line is one JSON object with `level` (a word), `time` (epoch ms) and `msg`. The line of a request has
 * `msg` `request` and
 *
 * | field | value |
 * |---|---|
 * | `requestId` | the client's `X-Request-Id` where it is acceptable, else the gateway's |
 * | `method`, `path` | as sent; no query, secret segments hidden |
 * | `route` | `api`, `graphql`, `uploads`, `manage`, `gateway`, `unknown` |
 * | `status`, `bytes`, `milliseconds` | of the answer to the client |
 * | `outcome`, `detail`, `failure` | words from the closed sets |
 * | `upstreamRequests`, `upstreamCost`, `upstreamMilliseconds` | what it took to ask the upstream |
 * | `credential` | keyed fingerprint; absent for anonymous requests |
 * | `address` | the client's address |
 * | `aborted` | `true` where the client left before the end |
 * | `hitShare` | on fresh hits of which not all are logged: the share that is |
 *
 * Levels: `error` for faults of the gateway, `warn` for every other status from 500, `debug` for the gateway's own pages
 * (a load balancer asks for them every second), `info` for all the rest.
 */
export function createLog(options: LogOptions): Log {
  const standardOutput =
    options.destination === undefined
      ? backgroundOutput(1, { onRecovered: (lost) => logger.warn('log lines were lost', { lost }) })
      : undefined
  const output = options.destination ?? (standardOutput as Output)
  const onTerminal = (options.destination ?? process.stdout).isTTY === true
  const pretty = options.format === 'pretty' || (options.format === 'auto' && onTerminal)
  const writer = pino(
    {
      level: options.format === 'off' ? 'silent' : options.level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
    },
    pretty ? prettyOutput(output, onTerminal) : output,
  )
  const takeHit = sampler(options.hitShare)
  const sampled = options.hitShare < 1 ? options.hitShare : undefined

  const line =
    (level: 'debug' | 'info' | 'warn' | 'error'): LogLine =>
    (message, fields = {}, thrown = undefined) => {
      if (!writer.isLevelEnabled(level)) return
      writer[level](thrown === undefined ? fields : { ...fields, causes: describeCauses(thrown) }, message)
    }
  const logger: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }

  return {
    telemetry: {
      record(event): void {
        const isHit = event.outcome === 'hit'
        if (isHit && !takeHit()) return
        const level = levelOf(event)
        if (!writer.isLevelEnabled(level)) return
        writer[level](
          {
            requestId: event.requestId,
            method: event.method,
            route: event.route,
            path: event.path === undefined ? undefined : loggablePath(event.path),
            status: event.status,
            outcome: event.outcome,
            detail: event.detail,
            failure: event.failure,
            upstreamRequests: event.upstream.requests,
            upstreamCost: event.upstream.cost,
            upstreamMilliseconds: rounded(event.upstream.milliseconds),
            milliseconds: rounded(event.milliseconds),
            bytes: event.bytes,
            aborted: event.aborted ? true : undefined,
            credential: event.credential,
            address: event.address,
            hitShare: isHit ? sampled : undefined,
          },
          'request',
        )
      },
    },
    logger,
    failed(requestId, failure): void {
      const level =
        failure.tag === 'internal' ? 'error' : failure.tag.startsWith('upstream-') ? 'warn' : ('debug' as const)
      logger[level]('request failed', { requestId, failure: failure.tag }, failure)
    },
    async close(): Promise<void> {
      await standardOutput?.close(CLOSE_LIMIT)
    },
  }
}

function levelOf(event: RequestEvent): 'debug' | 'info' | 'warn' | 'error' {
  if (event.failure === 'internal') return 'error'
  if (event.status >= 500) return 'warn'
  return event.outcome === 'served' ? 'debug' : 'info'
}

/**
 * Answers true for the given share of its calls, evenly spread and without chance: of any thousand calls at a share of 0.1
 * exactly a hundred. Counts in millionths, because tenths do not add up to one in binary.
 */
function sampler(share: number): () => boolean {
  const step = Math.round(share * 1_000_000)
  let sum = 0
  return () => {
    sum += step
    if (sum < 1_000_000) return false
    sum -= 1_000_000
    return true
  }
}

/** Microseconds are the finest that a line shows. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000
}

function prettyOutput(output: { write(line: string): unknown }, colorize: boolean): DestinationStream {
  const format = terminalFormatter(colorize && process.env['NO_COLOR'] === undefined)
  return { write: (line) => void output.write(format(line)) }
}
