/**
 * Settings: parsed once, every problem reported, the result frozen. Rules that hold for one setting are in its row of
 * `config/table.ts`; those between settings are here. An empty value counts as unset, because compose files pass empty strings for
 * variables that nobody set.
 */

import { nearestName } from './config/nearest.ts'
import { fileVariableOf, knownNames, type Setting, type SettingKey, settings, type Values } from './config/table.ts'
import { type ReadFile, type Settings, SettingsError, type UpstreamProfile } from './config/types.ts'
import { parseDuration, parseSize, readText, ValueProblem } from './config/values.ts'

export { settingsMarkdown } from './config/markdown.ts'
export { flagOf, type Setting, settingsTable } from './config/table.ts'
export {
  type LogFormat,
  type LogLevel,
  type ReadFile,
  type Settings,
  SettingsError,
  type UpstreamProfile,
} from './config/types.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const defaultMaxEntryBytes = parseSize('8MiB')
const defaultStaleOnError = parseDuration('5m')
const defaultStaleOnLimit = parseDuration('15m')

/**
 * Reads all settings from the variables of `environment`; others than `HOST`, `PORT`, `REDIS_URL` and `WEIR_*` are ignored.
 * Throws SettingsError, listing every problem, if any setting is invalid, unknown, missing or at odds with another.
 */
export function parseSettings(environment: Environment, readFile: ReadFile): Settings {
  const problems = unknownNames(environment)
  const values = readValues(environment, readFile, problems)
  problems.push(...conflicts(environment, values))
  if (problems.length > 0) throw new SettingsError(problems)
  return deepFreeze(assemble(values))
}

function unknownNames(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((name) => /^WEIR_/i.test(name) && environment[name] !== undefined && !knownNames.includes(name))
    .sort()
    .map((name) => {
      // Kubernetes gives every pod variables named after the services around it, so a service called `weir` makes WEIR_PORT and more.
      const service = /_SERVICE_(?:HOST|PORT)|^WEIR_PORT(?:_|$)/.test(name) && environment['KUBERNETES_SERVICE_HOST']
      const hint = service ? '; if Kubernetes set it for a service, turn enableServiceLinks off' : ''
      return `${showName(name)}: no such setting; the nearest is ${nearestName(name)}${hint}`
    })
}

/** Parses every row, adding to `problems`; a row with a problem stays undefined. */
function readValues(environment: Environment, readFile: ReadFile, problems: string[]): Values {
  const values: Partial<Record<SettingKey, unknown>> = {}
  for (const [key, row] of Object.entries(settings)) {
    try {
      values[key as SettingKey] = readValue(row, environment, readFile)
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error
      problems.push(...error.problems)
    }
  }
  return values as Values
}

function readValue(row: Setting, environment: Environment, readFile: ReadFile): unknown {
  const given = textOf(row, environment[row.name])
  const path = pathOfSecret(row, environment)
  if (path !== '') {
    const fileVariable = fileVariableOf(row)
    if (given !== '') throw problem(`${row.name}: set together with ${fileVariable}; wanted only one of the two`)
    return parseOr(fileVariable, 'got a file', row, () => row.parse(readSecret(path, readFile), readFile))
  }
  if (given !== '') {
    const shown = row.secret ? 'got a value (not shown)' : `got ${show(given)}`
    return parseOr(row.name, shown, row, () => row.parse(given, readFile))
  }
  return 'literal' in row.fallback ? row.parse(row.fallback.literal, readFile) : undefined
}

/** Spaces around a value are slips, except in a secret, where they may be part of it. */
function textOf(row: Setting, value = ''): string {
  return row.secret ? value : value.trim()
}

/** The path of the file that holds a secret, or `''`. */
function pathOfSecret(row: Setting, environment: Environment): string {
  return row.secret ? (environment[fileVariableOf(row)]?.trim() ?? '') : ''
}

function readSecret(path: string, readFile: ReadFile): string {
  const text = readText(path, readFile).replace(/\r?\n$/, '')
  if (text === '') throw new ValueProblem('which is empty')
  return text
}

function parseOr(name: string, shown: string, row: Setting, parse: () => unknown): unknown {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error
    throw problem(`${name}: ${shown}${error.message === '' ? '' : `, ${error.message}`}; wanted ${row.wanted}`)
  }
}

function problem(line: string): SettingsError {
  return new SettingsError([line])
}

/** Settings that mean nothing one without the other. */
const pairs: readonly (readonly [Setting, Setting])[] = [
  [settings.tlsCertificate, settings.tlsKey],
  [settings.anonymousClientId, settings.anonymousClientSecret],
]

/** Problems between settings, each reported only when both sides were good by themselves. */
function conflicts(environment: Environment, values: Values): string[] {
  const isSet = (row: Setting) => textOf(row, environment[row.name]) !== '' || pathOfSecret(row, environment) !== ''
  const lines: string[] = []
  if (!isSet(settings.upstream)) lines.push(`${settings.upstream.name}: not set; wanted ${settings.upstream.wanted}`)
  for (const [one, two] of pairs) {
    const row = isSet(one) ? two : one
    const other = isSet(one) ? one : two
    if (!isSet(row) && isSet(other)) lines.push(`${row.name}: not set although ${other.name} is; wanted ${row.wanted}`)
  }
  const inBoth = values.forwardHeaders?.find((name) => values.traceHeaders?.includes(name))
  if (inBoth !== undefined) {
    const { forwardHeaders, traceHeaders } = settings
    lines.push(
      `${traceHeaders.name}: got ${show(inBoth)}, which ${forwardHeaders.name} has too; wanted it in one of them`,
    )
  }
  const { cacheMaxBytes, cacheMaxEntryBytes } = values
  if (cacheMaxBytes !== undefined && cacheMaxEntryBytes !== undefined && cacheMaxEntryBytes > cacheMaxBytes) {
    const row = settings.cacheMaxEntryBytes
    const given = show(textOf(row, environment[row.name]))
    lines.push(`${row.name}: got ${given}, which is more than ${settings.cacheMaxBytes.name}; wanted ${row.wanted}`)
  }
  return lines
}

/** Called only when there is no problem, so every required value and every literal default is there. */
function assemble(values: Values): Settings {
  const origin = values.upstream!
  const profile: UpstreamProfile = origin === 'https://api.github.com' ? 'api.github.com' : 'github-enterprise-server'
  const { tlsCertificate: certificate, tlsKey: key } = values
  const { anonymousClientId: clientId, anonymousClientSecret: clientSecret } = values
  return {
    upstream: {
      origin,
      profile,
      apiPath: values.apiPath ?? (profile === 'api.github.com' ? '/' : '/api/v3'),
      caCertificate: values.caCertificate,
      connectTimeoutMilliseconds: values.connectTimeout!,
      headersTimeoutMilliseconds: values.headersTimeout!,
      bodyTimeoutMilliseconds: values.bodyTimeout!,
      maxConnections: values.maxConnections!,
      forwardHeaders: values.forwardHeaders ?? [],
      traceHeaders: values.traceHeaders ?? [],
    },
    manage: { origin: manageOrigin(values.manageUpstream, origin, profile), allows: values.manageAllow! },
    listen: {
      host: values.host!,
      port: values.port!,
      tls: certificate === undefined || key === undefined ? undefined : { certificate, key },
    },
    publicOrigin: values.publicUrl,
    isTrustedProxy: values.trustedProxies ?? (() => false),
    adminToken: values.adminToken,
    secret: values.secret,
    cache: {
      maxBytes: values.cacheMaxBytes!,
      maxEntryBytes: values.cacheMaxEntryBytes ?? Math.min(defaultMaxEntryBytes, values.cacheMaxBytes!),
      freshness: values.freshness!,
      staleOnError: {
        milliseconds: values.staleOnError ?? defaultStaleOnError,
        isSet: values.staleOnError !== undefined,
      },
    },
    budget: {
      reserve: values.reserve!,
      maxWaitMilliseconds: values.maxWait!,
      staleOnLimit: {
        milliseconds: values.staleOnLimit ?? defaultStaleOnLimit,
        isSet: values.staleOnLimit !== undefined,
      },
      concurrency: values.concurrency!,
      pointsPerMinute: values.pointsPerMinute!,
      writeIntervalMilliseconds: values.writeInterval!,
      accounts: values.accounts ?? new Map(),
      sharedEgress: values.sharedEgress,
      anonymousApplication:
        clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret },
      clients: values.clients ?? new Map(),
    },
    drainTimeoutMilliseconds: values.drainTimeout!,
    log: { format: values.logFormat!, level: values.logLevel!, hitShare: values.logHits! },
  }
}

/** GHES serves `/manage` beside the management console: port 8443, or 8080 without TLS (Manage GHES API). */
function manageOrigin(given: string | undefined, upstream: string, profile: UpstreamProfile): string | undefined {
  if (given === 'off') return undefined
  if (given !== undefined) return given
  if (profile === 'api.github.com') return undefined
  const { protocol, hostname } = new URL(upstream)
  return `${protocol}//${hostname}:${protocol === 'https:' ? 8443 : 8080}`
}

/**
 * A given value as a message may repeat it: one short line, without what a URL may carry of secrets (`user:password@`, a query), without
 * PEM text or JSON that was pasted where a path belongs and without GitHub tokens (and applications' secrets) in the wrong variable.
 */
function show(text: string): string {
  if (text.includes('-----BEGIN')) return 'PEM text (not shown)'
  if (/^\{|^\[.*"/s.test(text)) return 'JSON text (not shown)'
  const harmless = text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1***@')
    .replace(/([?#]).*$/s, '$1***')
    .replace(/\b(?:(?:gh[a-z]_|github_pat_)\w+|[0-9a-f]{40}\b)/g, '***')
  return JSON.stringify(harmless.length > 100 ? `${harmless.slice(0, 100)}…` : harmless)
}

/** A variable's name as a message may repeat it. */
function showName(name: string): string {
  return /^\w{1,100}$/.test(name) ? name : JSON.stringify(name.slice(0, 100))
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part)
    Object.freeze(value)
  }
  return value
}
