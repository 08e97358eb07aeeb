/**
 * Faults: how the sandbox misbehaves on purpose. A fault is chosen when a request's header has arrived, before it is
 * evaluated, and is told in the log.
 */
export type Fault =
  /** The connection is destroyed: before any byte, after the header, or after half of the body. */
  | { kind: 'reset'; when: 'before-headers' | 'after-headers' | 'mid-body' }
  /** The header promises the whole body, `bytes` of it (half, unless told) are sent, then the connection is closed. */
  | { kind: 'truncate'; bytes?: number }
  /** Nothing more is sent and the connection stays open until the client gives up or the sandbox closes. */
  | { kind: 'hang'; when: 'before-headers' | 'mid-body' }
  /** `Content-Encoding: gzip` with a body whose middle is garbled. */
  | { kind: 'corrupt-gzip' }
  /** Any answer at all, instead of the real one. `headers` is a flat list. */
  | { kind: 'answer'; status: number; headers?: readonly string[]; body?: string | Buffer }
  /** These very bytes instead of an answer, status line and all, then the end of the connection. */
  | { kind: 'raw'; data: string | Buffer }
  /** The real header with a body that is cut inside the JSON, consistently framed. */
  | { kind: 'invalid-json' }
  /** The real answer with some headers replaced (or, with `null`, removed): malformed `Link`, `ETag` and the like. */
  | { kind: 'headers'; set: Readonly<Record<string, string | readonly string[] | null>> }
  /** Waits for a promise: before the request is evaluated, or between evaluating it and sending the answer. */
  | { kind: 'wait'; until: Promise<unknown>; when: 'before-evaluating' | 'before-sending' }

/** What a fault can be chosen by. */
export interface FaultRequest {
  method: string
  /** As received. */
  target: string
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Chooses a fault for a request, or none. */
export type FaultChooser = (request: FaultRequest) => Fault | null | undefined

/** One place in the queue of faults: the first rule that matches a request is used, `times` times, then dropped. */
export interface FaultRule {
  method?: string
  /** A part of the raw target, or a pattern for it. */
  target?: string | RegExp
  matches?: (request: FaultRequest) => boolean
  /** How often the rule is used before it leaves the queue; 1 unless told. `Infinity` stays. */
  times?: number
  fault: Fault
}

function applies(rule: FaultRule, request: FaultRequest): boolean {
  if (rule.method !== undefined && rule.method !== request.method) return false
  if (typeof rule.target === 'string' && !request.target.includes(rule.target)) return false
  // `search` and not `test`: a pattern with the `g` flag would remember where it stopped.
  if (rule.target instanceof RegExp && request.target.search(rule.target) === -1) return false
  return rule.matches === undefined || rule.matches(request)
}

/** The fault for this request, if any; a rule that has been used up is removed from `faults`. */
export function chooseFault(faults: FaultRule[] | FaultChooser, request: FaultRequest): Fault | null {
  if (typeof faults === 'function') return faults(request) ?? null
  if (faults.length === 0) return null
  const index = faults.findIndex((rule) => applies(rule, request))
  const rule = faults[index]
  if (rule === undefined) return null
  const left = (rule.times ?? 1) - 1
  if (left > 0) faults[index] = { ...rule, times: left }
  else faults.splice(index, 1)
  return rule.fault
}

/** Waits, where the fault says so. */
export async function holdFor(fault: Fault | null, when: 'before-evaluating' | 'before-sending'): Promise<void> {
  if (fault?.kind === 'wait' && fault.when === when) await fault.until
}

/** `headers` with the fault's replacements in place; names are compared without case. */
export function replaceHeaders(
  headers: readonly string[],
  set: Readonly<Record<string, string | readonly string[] | null>>,
): string[] {
  const names = new Set(Object.keys(set).map((name) => name.toLowerCase()))
  const result: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    if (!names.has(name.toLowerCase())) result.push(name, headers[i + 1] ?? '')
  }
  for (const [name, value] of Object.entries(set)) {
    if (value === null) continue
    for (const line of typeof value === 'string' ? [value] : value) result.push(name, line)
  }
  return result
}
