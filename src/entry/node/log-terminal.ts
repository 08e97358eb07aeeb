import { prettyFactory } from 'pino-pretty'
import type { LoggedCause } from './log-causes.ts'

type Line = Readonly<Record<string, unknown>>

/** Fields that every line has, and which the terminal shows in its own way. */
const FRAME = new Set(['level', 'time', 'msg', 'causes'])

/**
 * Turns JSON log lines into one readable line each, such as
 * `[14:03:07.120] INFO: GET /api/v3/user 200 revalidated 12.3 ms 1482 B, upstream 1 (cost 0) 11.8 ms [k3v9q2m1x0f4-1a]`.
 */
export function terminalFormatter(colorize: boolean): (json: string) => string {
  const format = prettyFactory({
    colorize,
    // Objects would follow on lines of their own; everything they hold is in the message already.
    hideObject: true,
    errorLikeObjectKeys: [],
    translateTime: 'SYS:HH:MM:ss.l',
    messageFormat: (line) => withoutControls('outcome' in line ? requestText(line) : otherText(line)),
  })
  return (json) => format(json)
}

function requestText(line: Line): string {
  const reason = [line['detail'], line['failure']].filter((word) => word !== undefined).join(', ')
  const outcome = reason === '' ? line['outcome'] : `${line['outcome']} (${reason})`
  const path = line['path'] ?? '(refused target)'
  const upstream =
    line['upstreamRequests'] === 0
      ? ''
      : `, upstream ${line['upstreamRequests']} (cost ${line['upstreamCost']}) ${brief(line['upstreamMilliseconds'])} ms`
  const aborted = line['aborted'] === true ? ', client left' : ''
  const size = `${brief(line['milliseconds'])} ms ${line['bytes']} B`
  return `${line['method']} ${path} ${line['status']} ${outcome} ${size}${upstream}${aborted} [${line['requestId']}]`
}

function otherText(line: Line): string {
  const fields = Object.entries(line)
    .filter(([name]) => !FRAME.has(name))
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return `${line['msg']}${fields.join('')}${causesText(line['causes'])}`
}

function causesText(causes: unknown): string {
  if (!Array.isArray(causes)) return ''
  return (causes as LoggedCause[])
    .map(({ error, message, code, syscall, peer, frames }) => {
      const words = [message ?? error, syscall, code, peer].filter((word) => word !== undefined).join(' ')
      return frames?.[0] === undefined ? `; ${words}` : `; ${words} at ${frames.join(' < ')}`
    })
    .join('')
}

function brief(milliseconds: unknown): string {
  return typeof milliseconds === 'number' ? milliseconds.toFixed(milliseconds < 10 ? 2 : 0) : String(milliseconds)
}

/** A terminal obeys control characters, those above 0x7f included: nothing that came from outside may bring any. */
function withoutControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, '?')
}
