import type { Answer } from './answer.ts'
import { badRequest, JSON_TYPE } from './answer.ts'
import type { Switches } from './switches.ts'

const indented = new WeakMap<Buffer, Buffer>()
const escaped = new WeakMap<Buffer, Buffer>()

function remember(memory: WeakMap<Buffer, Buffer>, body: Buffer, make: () => string): Buffer {
  const known = memory.get(body) ?? Buffer.from(make())
  memory.set(body, known)
  return known
}

function isJson(answer: Answer): boolean {
  return answer.contentType === JSON_TYPE && Buffer.isBuffer(answer.body) && answer.body.length > 0
}

/** The body with `/` written as `\/` in strings; elsewhere JSON has no slashes. Takes part in the ETag. */
export function escapeSlashes(answer: Answer): Answer {
  const { body } = answer
  if (!isJson(answer) || !Buffer.isBuffer(body)) return answer
  return { ...answer, body: remember(escaped, body, () => body.toString('utf8').replaceAll('/', '\\/')) }
}

/** The body indented, where the switch and the user agent want it. Takes no part in the ETag. */
export function indent(answer: Answer, switches: Switches, userAgent: string | undefined): Answer {
  const { body } = answer
  if (switches.prettyPrint === 'never' || !isJson(answer) || !Buffer.isBuffer(body)) return answer
  if (switches.prettyPrint === 'agents' && !/^(?:curl|Mozilla)\//.test(userAgent ?? '')) return answer
  return {
    ...answer,
    body: remember(indented, body, () => {
      const text = `${JSON.stringify(JSON.parse(body.toString('utf8')), null, 2)}\n`
      return switches.escapeSlashes ? text.replaceAll('/', '\\/') : text
    }),
  }
}

/** A `Link` value as JSON-P tells it: `[[url, {rel: …}], …]`. */
function parsedLink(value: string): [string, Record<string, string>][] {
  return [...value.matchAll(/<([^>]*)>((?:\s*;\s*\w+="[^"]*")*)/g)].map(([, url = '', parameters = '']) => [
    url,
    Object.fromEntries([...parameters.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', text = '']) => [name, text])),
  ])
}

const META =
  /^(?:x-(?!xss|frame|content)|link$|etag$|last-modified$|location$|cache-control$|vary$|retry-after$|status$)/i

/**
 * Wraps an answer for a page that can only load scripts (JSON-P): status 200, the real one in `meta.status`, headers
 * beside it, `Link` parsed. @throws Refusal 400 where the callback is no name
 */
export function wrapCallback(
  callback: string,
  status: number,
  headers: readonly string[],
  body: Buffer | null,
): Buffer {
  if (!/^[A-Za-z_$][\w$.[\]]*$/.test(callback)) throw badRequest('Invalid callback')
  const meta: Record<string, unknown> = { status }
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const value = headers[i + 1] ?? ''
    if (META.test(name)) meta[name] = name === 'Link' ? parsedLink(value) : value
  }
  const data: unknown = body === null || body.length === 0 ? null : JSON.parse(body.toString('utf8'))
  // U+2028 and U+2029 end a line in older JavaScript and would break the script.
  const text = JSON.stringify({ meta, data }).replace(
    /[\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16)}`,
  )
  return Buffer.from(`/**/${callback}(${text})`)
}

/** The part of a body that `Range` asks for, or null where there is none to honour (RFC 9110 §14.1.2). */
export function parseRange(
  range: string | undefined,
  length: number,
): { start: number; end: number } | 'unsatisfiable' | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return null
  const start = first === '' ? Math.max(length - Number(last), 0) : Number(first)
  const end = first === '' || last === '' ? length : Math.min(Number(last) + 1, length)
  return start >= length || end <= start ? 'unsatisfiable' : { start, end }
}
