/**
 * Every setting, as data. The parser, `--help` and the README's table all read this table and nothing else, so a setting that is
 * documented is also read, and the other way round.
 */

import { budgetSettings } from './budget-table.ts'
import { fileVariableOf, flagOf, type Setting, setting } from './setting.ts'
import type { LogFormat, LogLevel } from './types.ts'
import {
  parseAdminToken,
  parseCertificateFile,
  parseChoice,
  parseDuration,
  parseFieldNames,
  parseFreshness,
  parseHost,
  parseKeyFile,
  parseManageUpstream,
  parseNetworkList,
  parseOrigin,
  parsePath,
  parseSecret,
  parseShare,
  parseSize,
  parseWhole,
  ValueProblem,
} from './values.ts'

export { fileVariableOf, flagOf, type Setting }

const logFormats: readonly LogFormat[] = ['auto', 'json', 'pretty', 'off']
const logLevels: readonly LogLevel[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']

export const settings = {
  upstream: setting({
    name: 'WEIR_UPSTREAM',
    placeholder: 'origin',
    meaning:
      'root of GitHub Enterprise Server, by the name that it writes in its own URLs (under any other they lead past Weir; `https://ghes.example.com`: REST under `/api/v3`, `/api/graphql`, `/api/uploads`) or `https://api.github.com` (REST at `/`, `/graphql`, `https://uploads.github.com`)',
    wanted: 'the root of the upstream, such as https://ghes.example.com or https://api.github.com',
    fallback: { described: 'required by `npm start`; `npm run demo` brings its own' },
    parse: (text) => {
      const origin = parseOrigin(text)
      const { host } = new URL(origin)
      if (/^(?:www\.)?github\.com$/.test(host)) throw new ValueProblem('which serves no API')
      if (origin === 'http://api.github.com') throw new ValueProblem('which would send tokens unencrypted')
      return origin
    },
  }),
  apiPath: setting({
    name: 'WEIR_UPSTREAM_API_PATH',
    placeholder: 'path',
    meaning: 'where REST lives on any other upstream (another gateway, a test origin)',
    wanted: 'a path without query, such as /api/v3 or /',
    fallback: { described: '`/api/v3`, or `/` for api.github.com' },
    parse: parsePath,
  }),
  caCertificate: setting({
    name: 'WEIR_CA_CERT',
    placeholder: 'file',
    meaning: "PEM file: a private CA that the upstream's certificates come from",
    wanted: 'the path of a PEM file with a certificate, such as /etc/weir/ca.pem',
    fallback: { described: 'system CAs' },
    parse: parseCertificateFile,
  }),
  manageUpstream: setting({
    name: 'WEIR_MANAGE_UPSTREAM',
    placeholder: 'origin|off',
    meaning: 'root that serves `/manage`; `off` answers 404',
    wanted: 'the root that serves /manage, such as https://ghes.example.com:8443, or off',
    fallback: {
      described: "the upstream's host, port 8443 for https, 8080 for http; `off` for api.github.com",
    },
    parse: parseManageUpstream,
  }),
  manageAllow: setting({
    name: 'WEIR_MANAGE_ALLOW',
    placeholder: 'networks',
    meaning: 'networks (CIDR, comma-separated) whose clients may use `/manage`',
    wanted: 'networks or addresses separated by commas, such as 10.0.0.0/8,::1',
    fallback: { literal: '127.0.0.0/8,::1/128' },
    parse: parseNetworkList,
  }),
  publicUrl: setting({
    name: 'WEIR_PUBLIC_URL',
    placeholder: 'origin',
    meaning: 'the origin clients use; what URLs are rewritten to',
    wanted: 'the origin that clients use, without a path, such as https://weir.example.com',
    fallback: { described: "the request's own scheme and `Host`" },
    parse: parseOrigin,
  }),
  trustedProxies: setting({
    name: 'WEIR_TRUSTED_PROXIES',
    placeholder: 'networks',
    meaning:
      'networks (CIDR, comma-separated) whose `X-Forwarded-For/-Proto/-Host` are believed; from anybody else these are dropped, and a request that carries them gets no exemption by address',
    wanted: 'networks or addresses separated by commas, such as 10.0.0.0/8,192.168.1.7',
    fallback: { described: 'none' },
    parse: parseNetworkList,
  }),
  host: setting({
    name: 'HOST',
    placeholder: 'address',
    meaning: 'address to listen on (`0.0.0.0` in the container image)',
    wanted: 'an IP address or host name without a port, such as 127.0.0.1, 0.0.0.0 or ::',
    fallback: { literal: '127.0.0.1' },
    parse: parseHost,
  }),
  port: setting({
    name: 'PORT',
    placeholder: 'port',
    meaning: 'port to listen on; `0`: any free one',
    wanted: 'a port from 0 to 65535, such as 8787',
    fallback: { literal: '8787' },
    parse: (text) => parseWhole(text, 0, 65_535),
  }),
  tlsCertificate: setting({
    name: 'WEIR_TLS_CERT',
    placeholder: 'file',
    meaning: 'PEM file: serve https with this certificate and its chain (GitHub CLI insists on https)',
    wanted: 'the path of a PEM file with a certificate, such as /etc/weir/tls.crt',
    fallback: { described: 'plain http' },
    parse: parseCertificateFile,
  }),
  tlsKey: setting({
    name: 'WEIR_TLS_KEY',
    placeholder: 'file',
    meaning: 'PEM file: the private key, without a passphrase, that belongs to `WEIR_TLS_CERT`',
    wanted: 'the path of a PEM file with an unencrypted private key, such as /etc/weir/tls.key',
    fallback: { described: 'plain http' },
    parse: parseKeyFile,
  }),
  redisUrl: setting({
    name: 'REDIS_URL',
    placeholder: 'url',
    meaning: 'sharing the cache among replicas is not in this version: setting this stops the start',
    wanted: 'no value: this version keeps its cache in the process only, and cannot share it through Redis',
    fallback: { described: 'in-process' },
    secret: true,
    parse: () => {
      throw new ValueProblem('')
    },
  }),
  secret: setting({
    name: 'WEIR_SECRET',
    placeholder: 'text',
    meaning: 'key of all credential fingerprints, at least 32 characters',
    wanted: 'at least 32 characters, such as the output of: openssl rand -hex 32',
    fallback: { described: 'random, made anew at each start' },
    secret: true,
    parse: parseSecret,
  }),
  adminToken: setting({
    name: 'WEIR_ADMIN_TOKEN',
    placeholder: 'token',
    meaning: 'bearer token for `/_weir/*` other than health, at least 16 characters',
    wanted: 'at least 16 letters, digits and signs without spaces, such as the output of: openssl rand -hex 16',
    fallback: { described: 'only direct loopback requests' },
    secret: true,
    parse: parseAdminToken,
  }),
  cacheMaxBytes: setting({
    name: 'WEIR_CACHE_MAX_BYTES',
    placeholder: 'size',
    meaning: 'bound of the in-process cache, everything counted',
    wanted: 'a size such as 64KiB, 256MiB, 1GiB or a number of bytes',
    fallback: { literal: '256MiB' },
    parse: parseSize,
  }),
  cacheMaxEntryBytes: setting({
    name: 'WEIR_CACHE_MAX_ENTRY_BYTES',
    placeholder: 'size',
    meaning:
      'bound of one entry, and never more than a quarter of `WEIR_CACHE_MAX_BYTES`; larger answers pass through unstored',
    wanted: 'a size such as 64KiB, 8MiB or a number of bytes, not above WEIR_CACHE_MAX_BYTES',
    fallback: { described: '`8MiB`, or `WEIR_CACHE_MAX_BYTES` where that is less' },
    parse: parseSize,
  }),
  freshness: setting({
    name: 'WEIR_FRESHNESS',
    placeholder: 'mode',
    meaning:
      "`upstream`: RFC 9111 as a shared cache, except that `private` responses are kept per credential and revalidated every time; `revalidate`: always ask; a duration: also reuse the **same credential's** private response for so long",
    wanted: 'upstream, revalidate or a duration such as 30s or 5m',
    fallback: { literal: 'upstream' },
    parse: parseFreshness,
  }),
  staleOnError: setting({
    name: 'WEIR_STALE_ON_ERROR',
    placeholder: 'duration',
    meaning:
      "how long the **same credential's** copy may be used unconfirmed where the upstream cannot be asked or answers 500, 502, 503 or 504, and where the client sends `max-stale`; `0s`: never. Only a duration that is set here counts against `must-revalidate`, and against the `s-maxage` of public answers, too; an answer's own `stale-if-error` takes its place, except for `0s`",
    wanted: 'a duration such as 5m or 0s',
    fallback: { described: '`5m`' },
    parse: (text) => parseDuration(text, { atLeastMilliseconds: 0 }),
  }),
  ...budgetSettings,
  connectTimeout: setting({
    name: 'WEIR_UPSTREAM_CONNECT_TIMEOUT',
    placeholder: 'duration',
    meaning: 'how long a connection to the upstream may take, TLS included',
    wanted: 'a duration such as 500ms or 5s',
    fallback: { literal: '5s' },
    parse: (text) => parseDuration(text),
  }),
  headersTimeout: setting({
    name: 'WEIR_UPSTREAM_HEADERS_TIMEOUT',
    placeholder: 'duration',
    meaning: "how long the upstream may take until its response's headers are there",
    wanted: 'a duration such as 30s or 1m',
    fallback: { literal: '30s' },
    parse: (text) => parseDuration(text),
  }),
  bodyTimeout: setting({
    name: 'WEIR_UPSTREAM_BODY_TIMEOUT',
    placeholder: 'duration',
    meaning: 'how long the upstream may pause between two pieces of a body',
    wanted: 'a duration such as 30s or 1m',
    fallback: { literal: '30s' },
    parse: (text) => parseDuration(text),
  }),
  maxConnections: setting({
    name: 'WEIR_UPSTREAM_MAX_CONNECTIONS',
    placeholder: 'count',
    meaning: 'most connections to the upstream at a time',
    wanted: 'a whole number from 1 to 65535, such as 128',
    fallback: { literal: '128' },
    parse: (text) => parseWhole(text, 1, 65_535),
  }),
  forwardHeaders: setting({
    name: 'WEIR_FORWARD_HEADERS',
    placeholder: 'names',
    meaning:
      'names (comma-separated) of request fields that go upstream besides those that GitHub documents; part of the key of every answer, their values in plain text, so never name one that holds a credential',
    wanted: 'names of request fields separated by commas, such as Accept-Language,X-Tenant',
    fallback: { described: 'none' },
    parse: (text) => parseFieldNames(text, 'keyed'),
  }),
  traceHeaders: setting({
    name: 'WEIR_TRACE_HEADERS',
    placeholder: 'names',
    meaning:
      'names (comma-separated) of request fields that go upstream and never change the answer, such as trace ids; part of no key: an answer to one value is given to the others, so a field that holds a credential or a choice of the caller would hand one caller what another was sent',
    wanted: 'names of request fields separated by commas, such as traceparent,tracestate',
    fallback: { described: 'none' },
    parse: (text) => parseFieldNames(text, 'trace'),
  }),
  drainTimeout: setting({
    name: 'WEIR_DRAIN_TIMEOUT',
    placeholder: 'duration',
    meaning: 'how long requests in flight may take to finish after SIGTERM or SIGINT; `0s`: not at all',
    wanted: 'a duration such as 30s or 0s',
    fallback: { literal: '30s' },
    parse: (text) => parseDuration(text, { atLeastMilliseconds: 0 }),
  }),
  logFormat: setting({
    name: 'WEIR_LOG',
    placeholder: 'format',
    meaning: '`json`, `pretty` or `off`; `auto`: `pretty` on a terminal, `json` elsewhere',
    wanted: 'json, pretty, off or auto',
    fallback: { literal: 'auto' },
    parse: (text) => parseChoice(text, logFormats),
  }),
  logLevel: setting({
    name: 'WEIR_LOG_LEVEL',
    placeholder: 'level',
    meaning: 'least level that is logged: `fatal`, `error`, `warn`, `info`, `debug` or `trace`',
    wanted: 'fatal, error, warn, info, debug or trace',
    fallback: { literal: 'info' },
    parse: (text) => parseChoice(text, logLevels),
  }),
  logHits: setting({
    name: 'WEIR_LOG_HITS',
    placeholder: 'share',
    meaning: 'share of fresh hits that are logged, `0` to `1`',
    wanted: 'a share from 0 to 1, such as 0.01',
    fallback: { literal: '1' },
    parse: parseShare,
  }),
} as const

export type SettingKey = keyof typeof settings

/** What the rows parse to; undefined where a setting is unset and its default is not a literal. */
export type Values = { readonly [Key in SettingKey]: ReturnType<(typeof settings)[Key]['parse']> | undefined }

/** The rows, in the order in which readers meet them. */
export const settingsTable: readonly Setting[] = Object.values(settings)

/** Every variable that is read: the settings and, for secrets, their `_FILE` forms. */
export const knownNames: readonly string[] = settingsTable.flatMap((row) =>
  row.secret ? [row.name, fileVariableOf(row)] : [row.name],
)
