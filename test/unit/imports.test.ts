import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ambientUses, circleOf, forbiddenImports, importsOf, sources } from './imports.ts'

const files = sources('src')

describe('the source', () => {
  test('is read at all', () => {
    expect(files.size).toBeGreaterThan(60)
    const imports = [...files].flatMap(([path, text]) => importsOf(path, text))
    // Every line that names another file or package is understood.
    const named = [...files.values()].flatMap(
      (text) => text.match(/^(?:import|export)\b[^'"]*\bfrom '|^import '/gm) ?? [],
    )
    expect(imports.length).toBeGreaterThanOrEqual(named.length)
    expect(named.length).toBeGreaterThan(200)
  })

  test('has no arrow that points the wrong way', () => {
    expect(forbiddenImports(files)).toEqual([])
  })

  test('has no circle, types included', () => {
    expect(circleOf(files)).toEqual([])
  })

  test('is handed the clock and the platform, outside entry and store', () => {
    expect(ambientUses(files)).toEqual([])
    const lines = [
      'Date.now()',
      'new Date()',
      'setTimeout(f, 1)',
      'process.env',
      'Buffer.from(a)',
      'fetch(url)',
      'Math.random()',
    ]
    for (const line of lines) expect(ambientUses(new Map([['src/app.ts', line]])), line).toHaveLength(1)
    const innocent = ['new Date(0)', '// Date.now()', '/* process.env */', 'app.fetch(a)', 'preprocess.a']
    expect(ambientUses(new Map([['src/app.ts', innocent.join('\n')]]))).toEqual([])
    expect(ambientUses(new Map([['src/entry/cli.ts', lines.join('\n')]]))).toEqual([])
  })

  test('needs no package at run time that is not a dependency of its own', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    const used = [...files].flatMap(([path, text]) => importsOf(path, text))
    const packages = used.filter(({ to, isFile }) => !isFile && !to.includes(':')).map(({ to }) => to)
    const unlisted = packages.filter((name) => !Object.hasOwn(manifest.dependencies, name))
    expect(unlisted).toEqual([])
    const unused = Object.keys(manifest.dependencies).filter((name) => !packages.includes(name))
    expect(unused, 'dependencies that nothing in src imports').toEqual([])
  })
})

describe('the rules refuse', () => {
  const refusals: readonly (readonly [what: string, path: string, line: string])[] = [
    ['Node in the core', 'src/http/headers.ts', `import { Buffer } from 'node:buffer'`],
    ['Node in a middleware', 'src/middleware/outbound/ask.ts', `import { request } from 'node:http'`],
    ['types of Node in the core', 'src/github/credential.ts', `import type { Socket } from 'node:net'`],
    ['Redis outside the stores', 'src/app.ts', `import { Redis } from 'ioredis'`],
    ['a Worker outside the entry', 'src/routes/api.ts', `import { env } from 'cloudflare:workers'`],
    ['Hono in an outbound mechanism', 'src/middleware/outbound/ask.ts', `import type { Context } from 'hono'`],
    ['Hono in the presentation', 'src/middleware/present/present.ts', `import { Hono } from 'hono'`],
    ['Hono in a rule', 'src/http/target.ts', `import { Hono } from 'hono/tiny'`],
    ['inbound from outbound', 'src/middleware/outbound/ask.ts', `import type { A } from '../inbound/context.ts'`],
    ['inbound from present', 'src/middleware/present/view.ts', `import type { A } from '../inbound/context.ts'`],
    ['present from outbound', 'src/middleware/outbound/ask.ts', `import type { View } from '../present/view.ts'`],
    ['values of outbound in present', 'src/middleware/present/view.ts', `import { ask } from '../outbound/ask.ts'`],
    ['values of outbound in inbound', 'src/middleware/inbound/event.ts', `import { A } from '../outbound/exchange.ts'`],
    ['a middleware from a rule', 'src/github/upstream.ts', `import { ask } from '../middleware/outbound/ask.ts'`],
    ['GitHub from HTTP', 'src/http/headers.ts', `import type { A } from '../github/upstream.ts'`],
    ['a route from a middleware', 'src/middleware/inbound/event.ts', `import { A } from '../../routes/api.ts'`],
    ['the app from a route', 'src/routes/api.ts', `import { createApp } from '../app.ts'`],
    ['a store from the app', 'src/app.ts', `import { A } from './store/memory/sizes.ts'`],
    ['the settings from the app', 'src/app.ts', `import { parseSettings } from './config.ts'`],
    ['a rule from a store', 'src/store/memory/sizes.ts', `import { A } from '../../http/headers.ts'`],
    ['the entry from anywhere', 'src/config.ts', `export { A } from './entry/node.ts'`],
    ['the sandbox', 'src/entry/node.ts', `import { A } from '../../sandbox/world/world.ts'`],
    ['the tests', 'src/entry/node.ts', `import { A } from '../../test/unit/imports.ts'`],
    ['the bench, written over lines', 'src/app.ts', `import {\n  A,\n  B,\n} from '../bench/rewriting.ts'`],
    ['an import within a type', 'src/http/headers.ts', `type A = import('../app.ts').AppOptions`],
    ['an import while running', 'src/http/headers.ts', `const fs = await import('node:fs')`],
    ['an import for its effect', 'src/http/headers.ts', `import 'node:process'`],
    ['a file that is not there', 'src/app.ts', `import { A } from './ports.js'`],
    ['a file of no part', 'src/extra.ts', ''],
  ]
  test.each(refusals)('%s', (_what, path, line) => {
    const changed = new Map(files).set(path, `${files.get(path) ?? ''}\n${line}\n`)
    expect(forbiddenImports(changed)).toHaveLength(1)
  })

  test('a circle of two, of three, and of types alone', () => {
    const circle = (...lines: readonly string[]) =>
      circleOf(new Map(lines.map((line, index) => [`src/${'abc'[index]}.ts`, line])))
    expect(circle(`import { B } from './b.ts'`, `import { A } from './a.ts'`)).toEqual([
      'src/a.ts',
      'src/b.ts',
      'src/a.ts',
    ])
    expect(circle(`export * from './b.ts'`, `import './c.ts'`, `type A = import('./a.ts').A`)).toHaveLength(4)
    expect(circle(`import type { B } from './b.ts'`, `import { type A } from './a.ts'`)).toHaveLength(3)
    expect(circle(`import { B } from './b.ts'`, `import { C } from './c.ts'`, '')).toEqual([])
  })
})

test('tells imports of types from others', () => {
  const typesOnly = (line: string) => importsOf('src/a.ts', line).map((found) => found.typesOnly)
  expect(typesOnly(`import type { A } from './b.ts'`)).toEqual([true])
  expect(typesOnly(`import { type A, type B } from './b.ts'`)).toEqual([true])
  expect(typesOnly(`import { type A, b } from './b.ts'`)).toEqual([false])
  expect(typesOnly(`import { A } from './b.ts'\nexport * from './c.ts'`)).toEqual([false, false])
  expect(importsOf('src/x/a.ts', `import { A } from '../b.ts'\nimport c from '@s/p/deep'`).map(({ to }) => to)).toEqual(
    ['src/b.ts', '@s/p'],
  )
})
