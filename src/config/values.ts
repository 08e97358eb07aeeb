/**
 * Parsers of single values. Each returns the parsed value or throws ValueProblem, whose message completes the sentence
 * "got X, which …"; an empty message means that what is wanted says it all.
 */

import { reasonNotToAdd } from '../github/further-fields.ts'
import type { FreshnessPolicy } from '../http/freshness.ts'
import { isAddress, NetworkError, type NetworkMatcher, parseNetworks } from '../http/networks.ts'
import { isPlainName } from '../http/plain-name.ts'
import type { ReadFile } from './types.ts'

export class ValueProblem extends Error {
  override readonly name = 'ValueProblem'
}

const millisecondsPerUnit: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** 24 days. Timers hold milliseconds in 31 bits; a longer one would fire at once. */
const longestMilliseconds = 576 * 3_600_000

/**
 * A duration in milliseconds: a whole number and `ms`, `s`, `m` or `h`. No fractions (`1500ms`, not `1.5s`), so that nothing is
 * ever rounded, and no bare numbers, since people disagree on their unit.
 */
export function parseDuration(text: string, options: { atLeastMilliseconds?: number } = {}): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(text)
  if (match === null) throw new ValueProblem(/^\d+$/.test(text) ? 'which has no unit' : '')
  const milliseconds = Number(match[1]) * millisecondsPerUnit[match[2]!]!
  if (milliseconds < (options.atLeastMilliseconds ?? 1)) throw new ValueProblem('which is too short')
  if (milliseconds > longestMilliseconds) throw new ValueProblem('which is longer than 576h')
  return milliseconds
}

const bytesPerUnit: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** A size in bytes: a whole number, with `KiB`, `MiB` or `GiB` or without. At least 1: to a cache 0 would mean "no bound". */
export function parseSize(text: string): number {
  const match = /^(\d+)(KiB|MiB|GiB|)$/.exec(text)
  if (match === null) throw new ValueProblem('')
  const bytes = Number(match[1]) * bytesPerUnit[match[2]!]!
  if (bytes === 0) throw new ValueProblem('which is nothing at all')
  if (!Number.isSafeInteger(bytes)) throw new ValueProblem('which is too large')
  return bytes
}

/** A whole number within bounds, both included. */
export function parseWhole(text: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most)) throw new ValueProblem('')
  return value
}

/** A share from 0 to 1. */
export function parseShare(text: string): number {
  const value = /^(?:\d+(?:\.\d+)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= 0 && value <= 1)) throw new ValueProblem('')
  return value
}

/** A share from 0 to 1, which may be written as a percentage. */
export function parseShareOrPercentage(text: string): number {
  if (!text.endsWith('%')) return parseShare(text)
  const percent = /^\d{1,3}(?:\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN
  if (!(percent >= 0 && percent <= 100)) throw new ValueProblem('')
  return percent / 100
}

/** One of a closed set of words. */
export function parseChoice<Word extends string>(text: string, words: readonly Word[]): Word {
  const word = words.find((candidate) => candidate === text)
  if (word === undefined) throw new ValueProblem('')
  return word
}

export function parseFreshness(text: string): FreshnessPolicy {
  if (text === 'upstream' || text === 'revalidate') return { mode: text }
  return { mode: 'duration', milliseconds: parseDuration(text) }
}

/**
 * An http(s) origin (RFC 6454): lower-case host, no default port. The text is taken apart before `URL` sees it, for `URL` repairs
 * silently: it drops tabs, turns `\` into `/` and folds `/x/..` away.
 */
export function parseOrigin(text: string): string {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\\]*)([^?#]*)(\?[^#]*)?(#.*)?$/i.exec(text)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be refused.
  if (/[\u0000-\u0020\u007f\\]/.test(text))
    throw new ValueProblem('which holds a space, control character or backslash')
  if (match === null) throw new ValueProblem('which does not start with http:// or https://')
  const [, scheme = '', authority = '', path = '', query, fragment] = match
  if (!/^https?$/i.test(scheme)) throw new ValueProblem(`whose scheme is neither http nor https`)
  if (authority.includes('@')) throw new ValueProblem('which holds credentials')
  if (path !== '' && path !== '/') throw new ValueProblem('which has a path')
  if (query !== undefined) throw new ValueProblem('which has a query')
  if (fragment !== undefined) throw new ValueProblem('which has a fragment')
  const root = `${scheme}://${authority}/`
  if (!URL.canParse(root)) throw new ValueProblem('which has no valid host and port')
  const url = new URL(root)
  if (url.port === '0') throw new ValueProblem('whose port is 0')
  return url.origin
}

export function parseManageUpstream(text: string): string | 'off' {
  return text === 'off' ? text : parseOrigin(text)
}

/**
 * A path prefix without a slash at its end, or `/`. Only unreserved characters (RFC 3986 §2.3) and no dot segments: the upstream URL
 * is put together by concatenation, so the prefix must mean the same to every reader.
 */
export function parsePath(text: string): string {
  if (!text.startsWith('/')) throw new ValueProblem('which does not start with /')
  if (/[?#]/.test(text)) throw new ValueProblem('which has a query or fragment')
  if (!/^(?:\/[A-Za-z0-9._~-]+)*\/?$/.test(text)) {
    throw new ValueProblem('which holds something other than letters, digits, - . _ ~ and single slashes')
  }
  if (/\/\.\.?(?:\/|$)/.test(text)) throw new ValueProblem('which has a dot segment')
  return text === '/' ? text : text.replace(/\/$/, '')
}

/** What to listen on: an IP address or a host name, without port or brackets. */
export function parseHost(text: string): string {
  const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?'
  const isName = new RegExp(`^${label}(?:\\.${label})*$`).test(text) && !/^[\d.]+$/.test(text)
  if (!isName && !isAddress(text)) throw new ValueProblem('')
  return text
}

export function parseNetworkList(text: string): NetworkMatcher {
  try {
    return parseNetworks(text)
  } catch (error) {
    if (error instanceof NetworkError) throw new ValueProblem(`where ${error.message}`)
    throw error
  }
}

/** Names of request fields, in lower case. */
export function parseFieldNames(text: string, as: 'keyed' | 'trace'): readonly string[] {
  const names: string[] = []
  for (const part of text.split(',')) {
    const name = part.trim().toLowerCase()
    if (name === '') throw new ValueProblem('where a name is missing')
    if (names.includes(name)) throw new ValueProblem(`where ${name} stands twice`)
    const reason = reasonNotToAdd(name, as)
    if (reason !== undefined) throw new ValueProblem(`where ${JSON.stringify(name)} ${reason}`)
    names.push(name)
  }
  return names
}

/** Printable ASCII without spaces, since it has to fit a header: `Authorization: Bearer <token>`. */
export function parseAdminToken(text: string): string {
  if (text.length < 16) throw new ValueProblem('which is shorter than 16 characters')
  if (!/^[\u0021-\u007e]+$/.test(text)) throw new ValueProblem('which holds characters that a bearer token cannot have')
  return text
}

/** An application's id or secret: both stand in `Basic` credentials, where a colon ends the first (RFC 7617 §2). */
export function parseApplicationPart(text: string): string {
  if (text.length > 100) throw new ValueProblem('which is longer than 100 characters')
  if (!/^[\u0021-\u0039\u003b-\u007e]+$/.test(text)) {
    throw new ValueProblem('which holds a space, a colon or something else than ASCII')
  }
  return text
}

/** A name that can stand anywhere as it is. */
export function parsePlainName(text: string): string {
  if (!isPlainName(text)) throw new ValueProblem('')
  return text
}

export function parseSecret(text: string): string {
  if (text.length < 32) throw new ValueProblem('which is shorter than 32 characters')
  return text
}

/** The content of a file. The reader's own message is not passed on: it may repeat the path, and a path may be a misplaced secret. */
export function readText(path: string, readFile: ReadFile): string {
  try {
    return readFile(path)
  } catch (error) {
    throw new ValueProblem(unreadable(error))
  }
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'which does not exist'
    case 'EACCES':
    case 'EPERM':
      return 'which this process may not read'
    case 'EISDIR':
      return 'which is a directory'
    default:
      return `which cannot be read${typeof code === 'string' ? ` (${code})` : ''}`
  }
}

/** PEM text (RFC 7468) with at least one certificate, read from the file at `path`. */
export function parseCertificateFile(path: string, readFile: ReadFile): string {
  const pem = readPem(path, readFile)
  if (!/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.test(pem)) {
    throw new ValueProblem('which holds no PEM certificate')
  }
  return pem
}

/** PEM text (RFC 7468) with a private key, read from the file at `path`. A key with a passphrase is refused: nobody could type it. */
export function parseKeyFile(path: string, readFile: ReadFile): string {
  const pem = readPem(path, readFile)
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: *4, *ENCRYPTED/.test(pem)) {
    throw new ValueProblem('which holds a key that is protected by a passphrase')
  }
  if (!/-----BEGIN (?:RSA |EC )?PRIVATE KEY-----[^-]+-----END (?:RSA |EC )?PRIVATE KEY-----/.test(pem)) {
    throw new ValueProblem('which holds no PEM private key')
  }
  return pem
}

function readPem(path: string, readFile: ReadFile): string {
  if (path.includes('-----BEGIN')) throw new ValueProblem('which is the PEM text itself')
  return readText(path, readFile)
}
