import { rewriteUrl, type UrlRoots } from './roots.ts'

/**
 * A `Link` header (RFC 8288 §3) with the targets of its links pointed at the gateway.
 *
 * A target is the `<…>` at the start of a link-value; parameters, quoted strings (an `anchor`, a `title`) and whatever does not
 * follow the grammar stay byte for byte. Parameter order, spacing and unknown relations are the upstream's business.
 */
export function rewriteLink(value: string, roots: UrlRoots, publicOrigin: string): string {
  let result = ''
  let copied = 0
  let expectTarget = true
  for (let at = 0; at < value.length; at++) {
    const char = value[at]
    if (char === '"') {
      at = endOfQuoted(value, at)
      expectTarget = false
    } else if (char === ',') {
      expectTarget = true
    } else if (char === '<' && expectTarget) {
      const close = value.indexOf('>', at)
      if (close === -1) break
      const target = value.slice(at + 1, close)
      const rewritten = rewriteUrl(target, roots, publicOrigin)
      if (rewritten !== target) {
        result += value.slice(copied, at + 1) + rewritten
        copied = close
      }
      at = close
      expectTarget = false
    } else if (char !== ' ' && char !== '\t') {
      expectTarget = false
    }
  }
  return copied === 0 ? value : result + value.slice(copied)
}

/** Index of the closing quote, or of the last character where there is none. */
function endOfQuoted(value: string, open: number): number {
  for (let at = open + 1; at < value.length; at++) {
    if (value[at] === '\\') at++
    else if (value[at] === '"') return at
  }
  return value.length
}
