import { resourcePath } from './path.ts'

/** What was asked, as far as it decides what kind of answer comes. */
export interface RewriteQuestion {
  /** API path below `/api/v3`, without query. */
  readonly path: string
  readonly accept: string | undefined
}

export interface RewriteAnswer {
  readonly contentType: string | undefined
  /** `X-GitHub-Media-Type`. */
  readonly mediaType: string | undefined
  /** Redirects and errors are GitHub's own JSON even where a file was asked for. Without it: a success. */
  readonly status?: number
}

const JSON_TYPE = /^\s*application\/(?:[^\s;/+]+\+)*json\s*(?:;|$)/i
const OCTET_STREAM = /\bapplication\/octet-stream\b/i
const GITHUB_RANGE = /\bapplication\/vnd\.github([^\s,;]*)/gi
const MEDIA_TYPE_PARAM = /\bparam=([^\s,;]+)/gi

/** The answer is text or a file, whatever the resource. */
const NEVER_JSON = new Set(['diff', 'patch', 'sha'])
/** The answer is the file itself where there is one; a field of JSON where there is a text (`body_html`). */
const FILE_OR_FIELD = new Set(['raw', 'html'])

/**
 * Whether an answer is JSON whose URLs are GitHub's own, and so may be rewritten.
 *
 * A JSON file fetched raw comes with a JSON `Content-Type`, and an uploaded asset with the one that its owner claimed; both
 * belong to whoever wrote them. So the request's `Accept`, the answer's `Content-Type` and `X-GitHub-Media-Type` must all be free
 * of a file's flavour, unless the resource is known to stay JSON in it. Where that is not known the answer stays untouched: a URL
 * that points past the gateway is a nuisance, a changed file is damage. `application/sarif+json` counts as JSON: its rules
 * (`rulesForPath`) touch only the links that GitHub added.
 */
export function isRewritable(question: RewriteQuestion, answer: RewriteAnswer): boolean {
  if (answer.contentType === undefined || !JSON_TYPE.test(answer.contentType)) return false
  if (answer.status !== undefined && answer.status >= 300) return true
  if (question.accept !== undefined && OCTET_STREAM.test(question.accept)) return false
  const flavours = flavoursOf(question.accept, answer)
  if (flavours.some((flavour) => NEVER_JSON.has(flavour))) return false
  return staysJson(question.path) || !flavours.some((flavour) => FILE_OR_FIELD.has(flavour))
}

/** `application/vnd.github.v3.raw+json` → `v3`, `raw`, `json`. */
function flavoursOf(accept: string | undefined, answer: RewriteAnswer): string[] {
  const found: string[] = []
  const collect = (text: string | undefined, pattern: RegExp): void => {
    for (const match of (text ?? '').matchAll(pattern)) found.push(...match[1]!.toLowerCase().split(/[.+]/))
  }
  collect(accept, GITHUB_RANGE)
  collect(answer.contentType, GITHUB_RANGE)
  collect(answer.mediaType, MEDIA_TYPE_PARAM)
  return found
}

/** Resources whose `raw` and `html` only add or change fields of their JSON (GitHub's "Media types", comment body properties). */
export function staysJson(path: string): boolean {
  const { scope, rest } = resourcePath(path)
  const [first, second, third] = rest
  switch (scope) {
    case 'repository':
      if (first === 'issues' || first === 'pulls' || first === 'comments') return true
      if (first === 'commits') return third === 'comments'
      return first === 'releases' && second !== 'assets'
    case 'team':
      return first === 'discussions'
    case 'organization':
      return first === 'issues'
    case 'user':
      return first === 'issues' || first === 'gists'
    case 'root':
      return first === 'issues' || first === 'gists' || first === 'search'
    default:
      return false
  }
}
