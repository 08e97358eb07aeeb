import { Failure, type FailureTag } from '../../errors.ts'

/** One link of the chain of causes behind a failure, as the log shows it. */
export interface LoggedCause {
  /** The error's class name. */
  readonly error: string
  readonly failure?: FailureTag
  /** Only a `Failure`'s: its texts are made for clients and free of secrets. */
  readonly message?: string
  /** What Node calls the problem: `ECONNREFUSED`, `CERT_HAS_EXPIRED`, `HPE_INVALID_HEADER_TOKEN`, … */
  readonly code?: string
  readonly syscall?: string
  /** Where a connection or name look-up went: `address:port` or a host name. */
  readonly peer?: string
  /** Where an error without a code was thrown: it is a fault of the gateway and has to be found. */
  readonly frames?: readonly string[]
}

const MAX_CAUSES = 6
const MAX_FRAMES = 8

/**
 * The chain of causes behind anything thrown, outermost first.
 *
 * Messages of foreign errors are left out, all of them: Node and libraries quote in them what they were given
 * (`JSON.parse` a piece of the body, `Headers` the value of `Authorization`, `URL` the whole URL), and no filter
 * recognises a password. Code, system call, peer and the place in the source say what happened without quoting anybody.
 * Never throws, whatever was thrown, and ends on a chain that is a circle.
 */
export function describeCauses(thrown: unknown): LoggedCause[] {
  const causes: LoggedCause[] = []
  const waiting: unknown[] = [thrown]
  const seen = new Set<unknown>()
  while (waiting.length > 0 && causes.length < MAX_CAUSES) {
    const next = waiting.shift()
    if (next === undefined || next === null || seen.has(next)) continue
    seen.add(next)
    try {
      causes.push(describe(next))
      if (next instanceof Error && next.cause !== undefined) waiting.push(next.cause)
      // Node reports a name with several addresses as one error with an error for each address.
      if (next instanceof AggregateError) waiting.push(...next.errors.slice(0, MAX_CAUSES))
    } catch {
      causes.push({ error: 'unreadable' })
    }
  }
  return causes
}

function describe(thrown: unknown): LoggedCause {
  if (!(thrown instanceof Error)) return { error: typeof thrown }
  if (thrown instanceof Failure) return { error: 'Failure', failure: thrown.tag, message: thrown.message }
  const { code, syscall, address, hostname, port } = thrown as NodeJS.ErrnoException & {
    readonly address?: unknown
    readonly hostname?: unknown
    readonly port?: unknown
  }
  const known = shaped(code, /^[A-Z][A-Z0-9_]{1,63}$/)
  const host = shaped(address, /^[\w.:%-]{1,253}$/) ?? shaped(hostname, /^[\w.:-]{1,253}$/)
  const call = shaped(syscall, /^[a-z0-9_]{1,32}$/i)
  return {
    error: shaped(thrown.name, /^[A-Za-z][A-Za-z0-9]{0,63}$/) ?? 'Error',
    ...(known === undefined ? { frames: framesOf(thrown) } : { code: known }),
    ...(call === undefined ? {} : { syscall: call }),
    ...(host === undefined ? {} : { peer: typeof port === 'number' ? `${host}:${port}` : host }),
  }
}

function shaped(value: unknown, shape: RegExp): string | undefined {
  return typeof value === 'string' && shape.test(value) ? value : undefined
}

/**
 * The call sites of a stack. A stack begins with the message, which may have lines of its own that look like call sites,
 * so a stack in which the message cannot be found has none.
 */
function framesOf(error: Error): string[] {
  const stack = typeof error.stack === 'string' ? error.stack : ''
  const messageAt = stack.indexOf(error.message)
  if (messageAt === -1) return []
  return stack
    .slice(messageAt + error.message.length)
    .split('\n')
    .filter((line) => /^ {4}at [\w$.<>#[\]() :/\\@+-]+$/.test(line))
    .slice(0, MAX_FRAMES)
    .map((line) => line.slice('    at '.length))
}
