import { describe, expect, test } from 'vitest'
import { parseSettings, type Settings, SettingsError, settingsMarkdown, settingsTable } from '../../src/config.ts'

const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
const key = '-----BEGIN PRIVATE KEY-----\nMIIC\n-----END PRIVATE KEY-----\n'
const files: Readonly<Record<string, string>> = {
  '/cert.pem': certificate,
  '/key.pem': key,
  '/rsa.pem': key.replaceAll('PRIVATE', 'RSA PRIVATE'),
  '/locked.pem': key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE'),
  '/locked-rsa.pem':
    '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\nMIIC\n-----END RSA PRIVATE KEY-----\n',
  '/empty': '',
  '/newline': '\n',
  '/token': 'file-token-0123456789\n',
  '/token-windows': 'file-token-0123456789\r\n',
  '/token-two-lines': 'file-token-0123456789\n\n',
  '/short': 'hush-hush\n',
}

function readFile(path: string): string {
  const text = files[path]
  if (text === undefined) throw Object.assign(new Error(`ENOENT, open '${path}'`), { code: 'ENOENT' })
  return text
}

const required = { WEIR_UPSTREAM: 'https://ghes.example.com' }

function parse(variables: Record<string, string | undefined> = {}): Settings {
  return parseSettings({ ...required, ...variables }, readFile)
}

function problems(variables: Record<string, string | undefined>, read = readFile): readonly string[] {
  try {
    parseSettings({ ...required, ...variables }, read)
  } catch (error) {
    if (error instanceof SettingsError) {
      expect(error.message).toBe(error.problems.join('\n'))
      return error.problems
    }
    throw error
  }
  return []
}

/** The single problem that the variables make. */
function problem(variables: Record<string, string | undefined>, read = readFile): string {
  const found = problems(variables, read)
  expect(found).toHaveLength(1)
  return found[0]!
}

test('defaults', () => {
  const { manage, isTrustedProxy, budget: _, ...plain } = parse()
  expect(plain).toEqual({
    upstream: {
      origin: 'https://ghes.example.com',
      profile: 'github-enterprise-server',
      apiPath: '/api/v3',
      caCertificate: undefined,
      connectTimeoutMilliseconds: 5000,
      headersTimeoutMilliseconds: 30_000,
      bodyTimeoutMilliseconds: 30_000,
      maxConnections: 128,
      forwardHeaders: [],
      traceHeaders: [],
    },
    listen: { host: '127.0.0.1', port: 8787, tls: undefined },
    publicOrigin: undefined,
    adminToken: undefined,
    secret: undefined,
    cache: {
      maxBytes: 268_435_456,
      maxEntryBytes: 8_388_608,
      freshness: { mode: 'upstream' },
      staleOnError: { milliseconds: 300_000, isSet: false },
    },
    drainTimeoutMilliseconds: 30_000,
    log: { format: 'auto', level: 'info', hitShare: 1 },
  })
  expect(manage.origin).toBe('https://ghes.example.com:8443')
  expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].map(manage.allows)).toEqual([true, true, true, true])
  expect(['10.0.0.1', '128.0.0.1', '::2'].map(manage.allows)).toEqual([false, false, false])
  expect(['127.0.0.1', '::1'].map(isTrustedProxy)).toEqual([false, false])
})

test('the result is frozen at every depth', () => {
  const settings = parse({ WEIR_FRESHNESS: '5m', WEIR_TLS_CERT: '/cert.pem', WEIR_TLS_KEY: '/key.pem' })
  const parts = [settings, settings.upstream, settings.manage, settings.listen, settings.listen.tls, settings.cache]
  expect([...parts, settings.cache.freshness, settings.log].map(Object.isFrozen)).not.toContain(false)
})

describe('upstream', () => {
  test.each([
    ['https://ghes.example.com/', 'https://ghes.example.com'],
    ['HTTPS://GHES.Example.COM:443', 'https://ghes.example.com'],
    ['http://ghes.example.com:80', 'http://ghes.example.com'],
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['http://[::1]:3000/', 'http://[::1]:3000'],
    ['  https://ghes.example.com\r', 'https://ghes.example.com'],
  ])('%j is %s', (given, origin) => {
    expect(parse({ WEIR_UPSTREAM: given }).upstream.origin).toBe(origin)
  })

  test.each([
    ['https://ghes.example.com/api/v3', 'which has a path'],
    ['https://ghes.example.com/x/..', 'which has a path'],
    ['https://ghes.example.com//', 'which has a path'],
    ['https://ghes.example.com?a=1', 'which has a query'],
    ['https://ghes.example.com/?', 'which has a query'],
    ['https://ghes.example.com#a', 'which has a fragment'],
    ['https://me@ghes.example.com', 'which holds credentials'],
    ['https://@ghes.example.com', 'which holds credentials'],
    ['https://me:pass@ghes.example.com/', 'which holds credentials'],
    ['ftp://ghes.example.com', 'neither http nor https'],
    ['ghes.example.com', 'does not start with http'],
    ['ghes.example.com:443', 'does not start with http'],
    ['https:ghes.example.com', 'does not start with http'],
    ['//ghes.example.com', 'does not start with http'],
    ['https://', 'no valid host'],
    ['https://ghes.example.com:99999', 'no valid host'],
    ['https://ghes.example.com:0', 'port is 0'],
    ['https://ghes.example.com\\@evil.example', 'backslash'],
    ['https://ghes.exa\tmple.com', 'control character'],
    ['https://github.com', 'serves no API'],
    ['http://api.github.com', 'unencrypted'],
  ])('%j is refused: %s', (given, why) => {
    const line = problem({ WEIR_UPSTREAM: given })
    expect(line).toMatch(/^WEIR_UPSTREAM: got ".*", wh.*; wanted .*such as https:/)
    expect(line).toContain(why)
  })

  test.each([undefined, '', '  '])('%j is a missing one', (given) => {
    expect(problem({ WEIR_UPSTREAM: given })).toMatch(/^WEIR_UPSTREAM: not set; wanted .*https:\/\/ghes.example.com/)
  })

  test('api.github.com has its own profile', () => {
    const { upstream, manage } = parse({ WEIR_UPSTREAM: 'https://API.github.com:443/' })
    expect(upstream).toMatchObject({ origin: 'https://api.github.com', profile: 'api.github.com', apiPath: '/' })
    expect(manage.origin).toBeUndefined()
  })

  test.each([
    ['/', '/'],
    ['/api/v3', '/api/v3'],
    ['/api/v3/', '/api/v3'],
    ['/gateway/git_hub-1.0/~x', '/gateway/git_hub-1.0/~x'],
  ])('API path %s is %s', (given, path) => {
    expect(parse({ WEIR_UPSTREAM_API_PATH: given }).upstream.apiPath).toBe(path)
  })

  test.each([
    'api/v3',
    '/api?x',
    '/api#x',
    '//evil.example',
    '/a//b',
    '/a/../b',
    '/..',
    '/.',
    '/a b',
    '/%2e%2e',
    '/a\\b',
  ])('API path %j is refused', (given) => {
    expect(problem({ WEIR_UPSTREAM_API_PATH: given })).toMatch(
      /^WEIR_UPSTREAM_API_PATH: got ".*", which .*such as \/api\/v3/,
    )
  })
})

describe('manage', () => {
  test.each([
    ['http://ghes.example.com', undefined, 'http://ghes.example.com:8080'],
    ['https://ghes.example.com:444', undefined, 'https://ghes.example.com:8443'],
    ['http://[::1]:3000', undefined, 'http://[::1]:8080'],
    ['https://ghes.example.com', 'off', undefined],
    ['https://ghes.example.com', 'https://console.example.com:9443/', 'https://console.example.com:9443'],
    ['https://api.github.com', 'https://console.example.com', 'https://console.example.com'],
  ])('%s with %s: %s', (upstream, given, origin) => {
    expect(parse({ WEIR_UPSTREAM: upstream, WEIR_MANAGE_UPSTREAM: given }).manage.origin).toBe(origin)
  })

  test('wrong values', () => {
    expect(problem({ WEIR_MANAGE_UPSTREAM: 'none' })).toMatch(/^WEIR_MANAGE_UPSTREAM: got "none".*or off$/)
    expect(problem({ WEIR_MANAGE_UPSTREAM: 'https://h/manage' })).toContain('has a path')
    expect(problem({ WEIR_MANAGE_ALLOW: '10.0.0.0/8, everyone' })).toMatch(/^WEIR_MANAGE_ALLOW: .*entry 2 is not/)
  })

  test('networks', () => {
    const { allows } = parse({ WEIR_MANAGE_ALLOW: '10.0.0.0/8, 192.168.1.7' }).manage
    expect(['10.1.2.3', '192.168.1.7', '192.168.1.8', '127.0.0.1'].map(allows)).toEqual([true, true, false, false])
  })
})

test('trusted proxies', () => {
  const { isTrustedProxy } = parse({ WEIR_TRUSTED_PROXIES: '10.0.0.1,fd00::/8' })
  expect(['10.0.0.1', '::ffff:10.0.0.1', 'fd12::1', '10.0.0.2'].map(isTrustedProxy)).toEqual([true, true, true, false])
  expect(problem({ WEIR_TRUSTED_PROXIES: '10.0.0.0/33' })).toMatch(
    /^WEIR_TRUSTED_PROXIES: .*entry 1 has a prefix length/,
  )
})

describe('request fields', () => {
  test('names are folded, in the order given', () => {
    const { upstream } = parse({
      WEIR_FORWARD_HEADERS: 'Accept-Language, X-Tenant',
      WEIR_TRACE_HEADERS: ' TraceParent,tracestate ,X-Request-Id',
    })
    expect(upstream.forwardHeaders).toEqual(['accept-language', 'x-tenant'])
    expect(upstream.traceHeaders).toEqual(['traceparent', 'tracestate', 'x-request-id'])
  })

  test.each([
    ['', 'is no name'],
    ['a b', 'is not a field name'],
    ['a:', 'is not a field name'],
    ['naïve', 'is not a field name'],
    ['Accept', 'goes upstream anyway'],
    ['Authorization', 'goes upstream anyway'],
    ['X-GitHub-OTP', 'goes upstream anyway'],
    ['Connection', 'one connection'],
    ['TE', 'one connection'],
    ['Transfer-Encoding', 'one connection'],
    ['Proxy-Authorization', 'one connection'],
    ['Host', 'Weir sets itself'],
    ['User-Agent', 'Weir sets itself'],
    ['Accept-Encoding', 'Weir sets itself'],
    ['Content-Length', 'where the message ends'],
    ['Expect', 'where the message ends'],
    ['Cookie', 'is a credential'],
    ['X-Api-Key', 'is a credential'],
    ['Forwarded', 'who asks'],
    ['X-Forwarded-For', 'who asks'],
    ['X-Forwarded-Anything', 'who asks'],
    ['X-Real-IP', 'who asks'],
    ['X-Weir-Client', 'meant for Weir'],
    ['X-HTTP-Method-Override', 'another request'],
    ['X-Method-Override', 'another request'],
    ['X-HTTP-Method', 'another request'],
    ['X-Original-URL', 'another request'],
    ['If-None-Match', 'the cache itself'],
    ['If-Whatever', 'the cache itself'],
    ['Range', 'the cache itself'],
    ['Cache-Control', 'the cache itself'],
  ])('%j may be in neither list', (name, reason) => {
    for (const setting of ['WEIR_FORWARD_HEADERS', 'WEIR_TRACE_HEADERS']) {
      const line = problem({ [setting]: `X-Good,${name}` })
      expect(line).toMatch(new RegExp(`^${setting}: got "`))
      expect(line).toContain(name === '' ? 'where a name is missing' : reason)
      expect(line).toContain('; wanted names of request fields separated by commas, such as ')
    }
  })

  test('what is different with every request may not be in a key', () => {
    for (const name of ['x-request-id', 'traceparent', 'tracestate', 'baggage', 'x-correlation-id']) {
      expect(problem({ WEIR_FORWARD_HEADERS: name })).toContain('is different with every request')
      expect(parse({ WEIR_TRACE_HEADERS: name }).upstream.traceHeaders).toEqual([name])
    }
  })

  test('no name stands twice, in one list or in both', () => {
    expect(problem({ WEIR_TRACE_HEADERS: 'a,A' })).toContain('where a stands twice')
    expect(problem({ WEIR_FORWARD_HEADERS: 'X-A,X-B', WEIR_TRACE_HEADERS: 'x-c,x-b' })).toBe(
      'WEIR_TRACE_HEADERS: got "x-b", which WEIR_FORWARD_HEADERS has too; wanted it in one of them',
    )
  })
})

test('public URL', () => {
  expect(parse({ WEIR_PUBLIC_URL: 'https://Weir.example.com:443/' }).publicOrigin).toBe('https://weir.example.com')
  expect(problem({ WEIR_PUBLIC_URL: 'https://weir.example.com/api/v3' })).toMatch(/^WEIR_PUBLIC_URL: .*has a path/)
  expect(problem({ WEIR_PUBLIC_URL: 'weir.example.com' })).toContain('does not start with http')
})

describe('listen address', () => {
  test.each(['0.0.0.0', '::', '::1', 'fe80::1%eth0', 'localhost', 'weir_1.internal'])('host %s', (host) => {
    expect(parse({ HOST: host }).listen.host).toBe(host)
  })
  test.each(['127.0.0.1:80', '[::1]', 'http://h', '999.1.1.1', '1.2.3', '*', 'a b', '-a', 'a..b', '10.0.0.0/8'])(
    'not host %j',
    (host) => {
      expect(problem({ HOST: host })).toMatch(/^HOST: got ".*"; wanted .*such as 127\.0\.0\.1/)
    },
  )
  test.each([
    ['0', 0],
    ['65535', 65_535],
  ])('port %s', (given, port) => {
    expect(parse({ PORT: given }).listen.port).toBe(port)
  })
  test.each(['65536', '-1', '80.5', 'http', '0x50', '1e3', '8787/tcp'])('not port %j', (given) => {
    expect(problem({ PORT: given })).toBe(`PORT: got "${given}"; wanted a port from 0 to 65535, such as 8787`)
  })
})

describe('PEM files', () => {
  test('are read', () => {
    const settings = parse({ WEIR_CA_CERT: '/cert.pem', WEIR_TLS_CERT: '/cert.pem', WEIR_TLS_KEY: '/rsa.pem' })
    expect(settings.upstream.caCertificate).toBe(certificate)
    expect(settings.listen.tls).toEqual({ certificate, key: files['/rsa.pem'] })
  })

  test.each([
    ['ENOENT', 'which does not exist'],
    ['EACCES', 'which this process may not read'],
    ['EISDIR', 'which is a directory'],
    ['EIO', 'which cannot be read (EIO)'],
    [undefined, 'which cannot be read;'],
  ])('%s', (code, why) => {
    const read = () => {
      throw Object.assign(new Error('reason'), { code })
    }
    const line = problem({ WEIR_CA_CERT: '/gone.pem' }, read)
    expect(line).toMatch(/^WEIR_CA_CERT: got "\/gone.pem", which/)
    expect(line).toContain(why)
  })

  test('must hold what they are for', () => {
    const found = problems({ WEIR_CA_CERT: '/key.pem', WEIR_TLS_CERT: '/empty', WEIR_TLS_KEY: '/cert.pem' })
    expect(found).toHaveLength(3)
    expect(found[0]).toMatch(/^WEIR_CA_CERT: .*holds no PEM certificate/)
    expect(found[1]).toMatch(/^WEIR_TLS_CERT: .*holds no PEM certificate/)
    expect(found[2]).toMatch(/^WEIR_TLS_KEY: .*holds no PEM private key/)
  })

  test.each(['/locked.pem', '/locked-rsa.pem'])('a key with a passphrase is refused: %s', (path) => {
    expect(problem({ WEIR_TLS_CERT: '/cert.pem', WEIR_TLS_KEY: path })).toContain('passphrase')
  })

  test('certificate and key come together', () => {
    expect(problem({ WEIR_TLS_CERT: '/cert.pem' })).toMatch(/^WEIR_TLS_KEY: not set although WEIR_TLS_CERT is/)
    expect(problem({ WEIR_TLS_KEY: '/key.pem' })).toMatch(/^WEIR_TLS_CERT: not set although WEIR_TLS_KEY is/)
    expect(problem({ WEIR_TLS_CERT: '/cert.pem', WEIR_TLS_KEY: '/gone' })).toMatch(/^WEIR_TLS_KEY: .*does not exist/)
  })

  test('a key pasted where its path belongs is not repeated', () => {
    const line = problem({ WEIR_TLS_CERT: '/cert.pem', WEIR_TLS_KEY: key })
    expect(line).toContain('the PEM text itself')
    expect(line).not.toContain('MIIC')
  })
})

describe('secrets', () => {
  const good = 'x'.repeat(32)

  test('from variables, exactly as given', () => {
    expect(parse({ WEIR_SECRET: ` ${good} ` }).secret).toBe(` ${good} `)
    expect(parse({ WEIR_ADMIN_TOKEN: '0123456789abcdef' }).adminToken).toBe('0123456789abcdef')
  })

  test.each(['/token', '/token-windows'])('from a file, less one newline: %s', (path) => {
    expect(parse({ WEIR_ADMIN_TOKEN_FILE: path }).adminToken).toBe('file-token-0123456789')
  })

  test('only one newline is dropped', () => {
    expect(problem({ WEIR_ADMIN_TOKEN_FILE: '/token-two-lines' })).toContain('bearer token cannot have')
  })

  test('an empty variable beside a file is no conflict', () => {
    expect(parse({ WEIR_ADMIN_TOKEN: '', WEIR_ADMIN_TOKEN_FILE: '/token' }).adminToken).toBe('file-token-0123456789')
    expect(parse({ WEIR_ADMIN_TOKEN: '0123456789abcdef', WEIR_ADMIN_TOKEN_FILE: '' }).adminToken).toHaveLength(16)
  })

  test('both variable and file', () => {
    const line = problem({ WEIR_SECRET: good, WEIR_SECRET_FILE: '/token' })
    expect(line).toBe('WEIR_SECRET: set together with WEIR_SECRET_FILE; wanted only one of the two')
  })

  test.each([
    [{ WEIR_ADMIN_TOKEN: 'hush-hush' }, 'WEIR_ADMIN_TOKEN: got a value (not shown), which is shorter than 16'],
    [{ WEIR_ADMIN_TOKEN: 'hush-hush with spaces' }, 'characters that a bearer token cannot have'],
    [{ WEIR_ADMIN_TOKEN: 'hush-hush-hush-hüsh' }, 'characters that a bearer token cannot have'],
    [{ WEIR_SECRET: 'hush-hush' }, 'WEIR_SECRET: got a value (not shown), which is shorter than 32'],
    [{ WEIR_ADMIN_TOKEN_FILE: '/short' }, 'WEIR_ADMIN_TOKEN_FILE: got a file, which is shorter than 16'],
    [{ WEIR_ADMIN_TOKEN_FILE: '/newline' }, 'which is empty'],
    [{ WEIR_ADMIN_TOKEN_FILE: 'hush-hush' }, 'WEIR_ADMIN_TOKEN_FILE: got a file, which does not exist'],
    [{ REDIS_URL: 'redis://:hush-hush@redis' }, 'REDIS_URL: got a value (not shown); wanted no value: this version'],
    [{ REDIS_URL_FILE: '/short' }, 'REDIS_URL_FILE: got a file; wanted no value'],
    [{ WEIR_UPSTREAM: 'https://me:hush-hush@ghes.example.com' }, 'got "https://***@ghes.example.com"'],
    [{ WEIR_UPSTREAM: 'me:hush-hush@ghes.example.com' }, 'got "***@ghes.example.com"'],
    [{ WEIR_UPSTREAM: 'https://h/?access_token=hush-hush' }, 'got "https://h/?***"'],
    [{ WEIR_UPSTREAM: 'ghp_hush0hush0' }, 'got "***"'],
    [{ WEIR_SHARED_EGRESS: ' github_pat_11hush0_hush0 ghp_hush0' }, 'got "*** ***"'],
    [
      { WEIR_CLIENTS_FILE: '{"ci": "hush-hush-hush-hush"}' },
      'got JSON text (not shown), which is the JSON text itself',
    ],
    [{ WEIR_ACCOUNTS_FILE: ' [\n"hush-hush"]' }, 'got JSON text (not shown), which is the JSON text itself'],
    [{ WEIR_LOG: '{hush-hush' }, 'got JSON text (not shown)'],
    [{ WEIR_TRUSTED_PROXIES: 'https://me:hush-hush@proxy/8' }, 'got "https://***@proxy/8"'],
    [{ WEIR_ADMIN_TOKN: 'hush-hush' }, 'WEIR_ADMIN_TOKN: no such setting; the nearest is WEIR_ADMIN_TOKEN'],
  ])('are never repeated: %j', (variables, text) => {
    const line = problem(variables)
    expect(line).toContain(text)
    expect(line).not.toMatch(/hush/)
  })

  test('a long value is cut', () => {
    expect(problem({ WEIR_LOG: 'x'.repeat(5000) }).length).toBeLessThan(200)
  })

  test('a value with line breaks stays on its line', () => {
    expect(problem({ WEIR_LOG: 'a\nWEIR_PORT: fine' })).not.toContain('\n')
  })
})

describe('cache', () => {
  test('sizes', () => {
    expect(parse({ WEIR_CACHE_MAX_BYTES: '1GiB', WEIR_CACHE_MAX_ENTRY_BYTES: '64KiB' }).cache).toMatchObject({
      maxBytes: 1_073_741_824,
      maxEntryBytes: 65_536,
    })
  })

  test('the default entry bound follows a smaller cache', () => {
    expect(parse({ WEIR_CACHE_MAX_BYTES: '4MiB' }).cache.maxEntryBytes).toBe(4_194_304)
  })

  test('no entry is larger than the cache', () => {
    expect(parse({ WEIR_CACHE_MAX_BYTES: '1MiB', WEIR_CACHE_MAX_ENTRY_BYTES: '1MiB' }).cache.maxEntryBytes).toBe(
      1_048_576,
    )
    const line = problem({ WEIR_CACHE_MAX_BYTES: '1MiB', WEIR_CACHE_MAX_ENTRY_BYTES: '1025KiB' })
    expect(line).toMatch(/^WEIR_CACHE_MAX_ENTRY_BYTES: got "1025KiB", which is more than WEIR_CACHE_MAX_BYTES/)
    expect(problem({ WEIR_CACHE_MAX_ENTRY_BYTES: '512MiB' })).toMatch(/^WEIR_CACHE_MAX_ENTRY_BYTES/)
  })

  test.each(['0', '256MB', '1.5GiB', '-1', '64 KiB', '64kib', 'lots', '9999999999999GiB'])(
    'not a size: %j',
    (given) => {
      expect(problem({ WEIR_CACHE_MAX_BYTES: given })).toMatch(/^WEIR_CACHE_MAX_BYTES: got .*256MiB/)
    },
  )

  test.each([
    ['upstream', { mode: 'upstream' }],
    ['revalidate', { mode: 'revalidate' }],
    ['90s', { mode: 'duration', milliseconds: 90_000 }],
  ])('freshness %s', (given, freshness) => {
    expect(parse({ WEIR_FRESHNESS: given }).cache.freshness).toEqual(freshness)
  })

  test('how long unconfirmed copies are used, and whether that is the operator’s own word', () => {
    const staleOnError = (given: string) => parse({ WEIR_STALE_ON_ERROR: given }).cache.staleOnError
    expect(staleOnError('')).toEqual({ milliseconds: 300_000, isSet: false })
    expect(staleOnError('5m')).toEqual({ milliseconds: 300_000, isSet: true })
    expect(staleOnError('0s')).toEqual({ milliseconds: 0, isSet: true })
    for (const wrong of ['0', '5', 'never', '-1s']) expect(() => staleOnError(wrong), wrong).toThrow(SettingsError)
  })

  test.each(['always', '5', '0s'])('not a freshness: %s', (given) => {
    expect(problem({ WEIR_FRESHNESS: given })).toMatch(/^WEIR_FRESHNESS: got ".*revalidate or a duration/)
  })
})

describe('upstream limits, drain and log', () => {
  test('given', () => {
    const settings = parse({
      WEIR_UPSTREAM_CONNECT_TIMEOUT: '500ms',
      WEIR_UPSTREAM_HEADERS_TIMEOUT: '1m',
      WEIR_UPSTREAM_BODY_TIMEOUT: '1h',
      WEIR_UPSTREAM_MAX_CONNECTIONS: '7',
      WEIR_DRAIN_TIMEOUT: '0s',
      WEIR_LOG: 'off',
      WEIR_LOG_LEVEL: 'debug',
      WEIR_LOG_HITS: '0.25',
    })
    expect(settings.upstream).toMatchObject({
      connectTimeoutMilliseconds: 500,
      headersTimeoutMilliseconds: 60_000,
      bodyTimeoutMilliseconds: 3_600_000,
      maxConnections: 7,
    })
    expect(settings.drainTimeoutMilliseconds).toBe(0)
    expect(settings.log).toEqual({ format: 'off', level: 'debug', hitShare: 0.25 })
  })

  test.each(['WEIR_UPSTREAM_CONNECT_TIMEOUT', 'WEIR_UPSTREAM_HEADERS_TIMEOUT', 'WEIR_UPSTREAM_BODY_TIMEOUT'])(
    '%s is a duration above nothing',
    (name) => {
      for (const given of ['0s', '30', '1d', '-1s', '1.5s', 'soon', '577h']) {
        expect(problem({ [name]: given })).toMatch(new RegExp(`^${name}: got "${given}".*wanted a duration such as`))
      }
    },
  )

  test.each([
    ['WEIR_UPSTREAM_MAX_CONNECTIONS', ['0', '-1', '1.5', 'many']],
    ['WEIR_DRAIN_TIMEOUT', ['0', '30', 'never']],
    ['WEIR_LOG', ['yes', 'JSON']],
    ['WEIR_LOG_LEVEL', ['silent', 'verbose']],
    ['WEIR_LOG_HITS', ['2', '-0.1', '50%', '.', '1e-3']],
  ])('%s is not any of %j', (name, values) => {
    for (const given of values)
      expect(problem({ [name]: given })).toMatch(new RegExp(`^${name}: got "${given}".*wanted`))
  })
})

test('an empty value is an unset one, for every setting', () => {
  const empty = Object.fromEntries(settingsTable.map(({ name }) => [name, '']))
  expect(problems({ ...empty, ...required })).toEqual([])
})

describe('unknown names', () => {
  test.each([
    ['WEIR_PORT', 'PORT'],
    ['WEIR_UPSTREM', 'WEIR_UPSTREAM'],
    ['WEIR_CACHE_MAXBYTES', 'WEIR_CACHE_MAX_BYTES'],
    ['WEIR_REDIS_URL', 'REDIS_URL'],
    ['WEIR_SECRETS', 'WEIR_SECRET'],
    ['WEIR_SECRET_FIL', 'WEIR_SECRET_FILE'],
    ['weir_log_level', 'WEIR_LOG_LEVEL'],
  ])('%s: the nearest is %s', (name, nearest) => {
    expect(problem({ [name]: 'x' })).toBe(`${name}: no such setting; the nearest is ${nearest}`)
    expect(problem({ [name]: '' })).toContain(nearest)
  })

  test('an undefined one is not there, and other names are nobody else’s business', () => {
    expect(problems({ WEIR_X: undefined, PATH: '/bin', MY_WEIR_X: '1', REDIS_URI: 'x' })).toEqual([])
  })

  test('what Kubernetes sets for a service called weir is explained', () => {
    const found = problems({
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
      WEIR_SERVICE_HOST: '10.0.0.2',
      WEIR_PORT: 'tcp://10.0.0.2:80',
    })
    expect(found).toHaveLength(2)
    for (const line of found) expect(line).toContain('enableServiceLinks')
    expect(problem({ WEIR_PORT: '80' })).not.toContain('enableServiceLinks')
  })
})

test('every problem is reported, one a line', () => {
  const variables = {
    WEIR_UPSTREAM: '',
    WEIR_PORT: '80',
    WEIR_LOGS: 'x',
    PORT: 'http',
    WEIR_TLS_CERT: '/gone.pem',
    WEIR_CACHE_MAX_BYTES: '1MiB',
    WEIR_CACHE_MAX_ENTRY_BYTES: '2MiB',
    WEIR_ADMIN_TOKEN: 'short',
    WEIR_LOG_HITS: '2',
    REDIS_URL: 'redis://redis',
  }
  const names = problems(variables).map((line) => line.replace(/:.*/, ''))
  expect(names.sort()).toEqual(
    [
      'WEIR_PORT',
      'WEIR_LOGS',
      'PORT',
      'WEIR_TLS_CERT',
      'REDIS_URL',
      'WEIR_ADMIN_TOKEN',
      'WEIR_LOG_HITS',
      'WEIR_UPSTREAM',
      'WEIR_TLS_KEY',
      'WEIR_CACHE_MAX_ENTRY_BYTES',
    ].sort(),
  )
})

describe('the table', () => {
  test('is Markdown with one row a setting', () => {
    const lines = settingsMarkdown().split('\n')
    expect(lines).toHaveLength(settingsTable.length + 2)
    for (const line of lines) expect(line.replaceAll('\\|', '').split('|')).toHaveLength(5)
    expect(lines).toContain('| `PORT` | port to listen on; `0`: any free one | `8787` |')
    expect(settingsMarkdown()).toContain('| `WEIR_SECRET` or `WEIR_SECRET_FILE` |')
  })

  test('says an example of a good value in every problem', () => {
    for (const { name, wanted } of settingsTable)
      expect(`${name} ${wanted}`).toMatch(/such as|in the process only| or /)
  })
})
