import { describe, expect, test } from 'vitest'
import { flagOf, parseSettings, settingsTable } from '../../src/config.ts'
import { exitCodes, parseArguments } from '../../src/entry/arguments.ts'

function environment(argv: string[], variables: Record<string, string> = {}) {
  const result = parseArguments(argv, variables)
  if (result.kind !== 'run') throw new Error(`expected a run, got ${JSON.stringify(result)}`)
  return result.environment
}

function message(argv: string[]): string {
  const result = parseArguments(argv, {})
  if (result.kind !== 'error') throw new Error(`expected an error, got ${JSON.stringify(result)}`)
  return result.message
}

test('every setting is a flag, with = or without', () => {
  for (const { name } of settingsTable) {
    expect(environment([flagOf(name), 'value'])).toEqual({ [name]: 'value' })
    expect(environment([`${flagOf(name)}=value`])).toEqual({ [name]: 'value' })
  }
})

test.each([
  ['WEIR_UPSTREAM', '--upstream'],
  ['PORT', '--port'],
  ['WEIR_CACHE_MAX_BYTES', '--cache-max-bytes'],
  ['WEIR_UPSTREAM_API_PATH', '--upstream-api-path'],
])('%s is %s', (name, flag) => {
  expect(flagOf(name)).toBe(flag)
})

test('flags win over variables, and the rest stays', () => {
  const variables = { PORT: '1', HOST: '::1', OTHER: 'x' }
  expect(environment(['--port', '2'], variables)).toEqual({ PORT: '2', HOST: '::1', OTHER: 'x' })
  expect(variables.PORT).toBe('1')
  expect(environment(['--port', '2', '--port', '3'])).toEqual({ PORT: '3' })
})

test('an empty flag brings the default back', () => {
  const merged = environment(['--upstream', 'https://ghes.example.com', '--port='], { PORT: 'wrong' })
  expect(parseSettings(merged, () => '').listen.port).toBe(8787)
})

describe('secrets', () => {
  test('a flag wins over the variable and over its file', () => {
    expect(environment(['--secret', 'a'], { WEIR_SECRET_FILE: '/b' })).toEqual({ WEIR_SECRET: 'a' })
    expect(environment(['--secret-file', '/a'], { WEIR_SECRET: 'b' })).toEqual({ WEIR_SECRET_FILE: '/a' })
  })

  test('both flags stay, for the settings to refuse', () => {
    const merged = environment(['--secret', 'a', '--secret-file', '/b'])
    expect(merged).toEqual({ WEIR_SECRET: 'a', WEIR_SECRET_FILE: '/b' })
  })

  test.each([
    [['--admin-tokn=hush-hush'], 'unknown flag "--admin-tokn"; the nearest is --admin-token'],
    [['--admin-tokn', 'hush-hush'], 'unknown flag "--admin-tokn"'],
    [['--admin-tokn', '-xhush-hush'], 'unknown flag "--admin-tokn"'],
    [['hush-hush'], '1 value(s) without a flag'],
    [['--', 'hush-hush'], '1 value(s) without a flag'],
  ])('no value is repeated: %j', (argv, text) => {
    expect(message(argv)).toContain(text)
    expect(message(argv)).not.toMatch(/hush/)
  })
})

describe('mistakes', () => {
  test.each([
    ['--prot', '--port'],
    ['--weir-upstream', '--upstream'],
    ['--PORT', '--port'],
    ['--cache_max_bytes', '--cache-max-bytes'],
    ['--hlep', '--help'],
    ['--upstrea', '--upstream'],
  ])('%s: the nearest is %s', (flag, nearest) => {
    expect(message([flag, '1'])).toBe(`unknown flag "${flag}"; the nearest is ${nearest}`)
  })

  test('all unknown flags are listed', () => {
    const lines = message(['--prot', '1', '--upstream', 'https://h', '--lgo', 'x', '-x']).split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[1]).toContain('--log')
  })

  test('a flag without its value', () => {
    expect(message(['--port'])).toMatch(/--port <port>.*missing/)
  })
})

describe('help and version', () => {
  test.each([['--help'], ['-h'], ['--port', '1', '--help'], ['--hepl', '--help']])('%s', (...argv) => {
    expect(parseArguments(argv, {}).kind).toBe('help')
  })

  test('help names every setting with flag, variable and default', () => {
    const result = parseArguments(['--help'], {})
    const text = result.kind === 'help' ? result.text.replace(/\s+/g, ' ') : ''
    for (const { name, placeholder, secret } of settingsTable) {
      expect(text).toContain(`${flagOf(name)} <${placeholder}>`)
      expect(text).toContain(`[${name}; default: `)
      if (secret) expect(text).toContain(`${flagOf(name)}-file <file>`)
    }
    expect(text).toContain('[PORT; default: 8787]')
    expect(text).toContain('Usage: weir --upstream <origin>')
    expect(text).toContain('Exit codes: 0')
    expect(text).not.toContain('`')
  })

  test.each(['--version', '-v'])('%s', (flag) => {
    expect(parseArguments([flag], {})).toEqual({ kind: 'version' })
  })

  test('exit codes', () => {
    expect(exitCodes).toEqual({ ok: 0, usage: 2 })
  })
})
