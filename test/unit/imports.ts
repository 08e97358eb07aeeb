import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

/** The source files of this repository by path from its root, such as `src/app.ts`. */
export function sources(folder: string): Map<string, string> {
  const root = new URL(`../../${folder}/`, import.meta.url)
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  const files = names.map((name) => name.replaceAll('\\', '/')).filter((name) => name.endsWith('.ts'))
  return new Map(files.sort().map((name) => [`${folder}/${name}`, readFileSync(new URL(name, root), 'utf8')]))
}

/** One import of a file: another file by its path from the root, or a package by its name. */
export interface Import {
  readonly from: string
  readonly to: string
  readonly isFile: boolean
  /** Nothing of it is left when the types are gone. */
  readonly typesOnly: boolean
}

/** `import … from`, `export … from`, `import 'x'` and `import('x')`, which may also stand in a type. */
const IMPORT =
  /^(?:import|export)\b\s*(type\b)?([^'"`;]*?)\bfrom\s*'([^']+)'|^import\s*'([^']+)'|\bimport\(\s*['"`]([^'"`]+)['"`]\s*\)/gm

export function importsOf(path: string, text: string): Import[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const [, type, names = '', specifier] = match
    const to = (specifier ?? match[4] ?? match[5]) as string
    const isFile = to.startsWith('.')
    return {
      from: path,
      to: isFile ? posix.join(posix.dirname(path), to) : packageOf(to),
      isFile,
      typesOnly: specifier !== undefined && (type !== undefined || everyNameIsType(names)),
    }
  })
}

function packageOf(specifier: string): string {
  if (/^[a-z]+:/.test(specifier)) return specifier
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] as string)
}

/** `{ type A, type B }` */
function everyNameIsType(names: string): boolean {
  const list = /^\s*\{([^}]*)\}\s*$/.exec(names)?.[1]
  const listed = (list ?? '').split(',').filter((name) => name.trim() !== '')
  return listed.length > 0 && listed.every((name) => /^\s*type\s/.test(name))
}

/**
 * One part of `src/`: which files it is, and what these may import. `files` and `types` are beginnings of paths from the
 * root; the part itself may always import its own files. `packages` are names, or beginnings that end in `:`.
 */
export interface Part {
  readonly name: string
  readonly is: (path: string) => boolean
  readonly files: readonly string[]
  /** Of these only types. */
  readonly types?: readonly string[]
  readonly packages?: readonly string[]
}

const SHARED = ['src/ports.ts', 'src/outcome.ts', 'src/errors.ts']
const RULES = ['src/http/', 'src/github/', ...SHARED]
const PLATFORM = ['node:', 'cloudflare:', 'ioredis', 'bottleneck']

/** ARCHITECTURE.md shows the same in words. */
export const parts: readonly Part[] = [
  {
    name: 'entry',
    is: under('src/entry/'),
    files: ['src/'],
    packages: [
      ...PLATFORM,
      '@hono/node-server',
      'commander',
      'hono',
      'lru-cache',
      'pino',
      'pino-pretty',
      'prom-client',
    ],
  },
  { name: 'store', is: under('src/store/'), files: SHARED, packages: [...PLATFORM, 'lru-cache'] },
  {
    name: 'config',
    is: (path) => path === 'src/config.ts' || path.startsWith('src/config/'),
    // Which fields may not go upstream is said once, where those that do are listed.
    files: ['src/config.ts', 'src/config/', 'src/github/further-fields.ts', 'src/http/'],
    packages: ['fastest-levenshtein'],
  },
  {
    name: 'app',
    is: (path) => path === 'src/app.ts',
    files: ['src/routes/', 'src/middleware/', ...RULES],
    packages: ['hono'],
  },
  { name: 'routes', is: under('src/routes/'), files: ['src/middleware/', ...RULES] },
  {
    name: 'inbound',
    is: under('src/middleware/inbound/'),
    files: RULES,
    types: ['src/middleware/outbound/exchange.ts'],
  },
  { name: 'outbound', is: under('src/middleware/outbound/'), files: RULES },
  {
    name: 'present',
    is: under('src/middleware/present/'),
    // Reading a body up to a bound is the same work on the way in and on the way out.
    files: ['src/middleware/outbound/collect.ts', ...RULES],
    types: ['src/middleware/outbound/'],
    packages: ['lru-cache'],
  },
  { name: 'github', is: under('src/github/'), files: ['src/http/', 'src/ports.ts', 'src/errors.ts'] },
  { name: 'http', is: under('src/http/'), files: SHARED, packages: ['ipaddr.js'] },
  { name: 'ports', is: (path) => path === 'src/ports.ts', files: [], types: ['src/outcome.ts'] },
  { name: 'outcome', is: (path) => path === 'src/outcome.ts', files: [], types: ['src/errors.ts'] },
  { name: 'errors', is: (path) => path === 'src/errors.ts', files: [] },
  { name: 'version', is: (path) => path === 'src/version.ts', files: [] },
]

function under(folder: string): (path: string) => boolean {
  return (path) => path.startsWith(folder)
}

/** Every import that the rules forbid, one line each. */
export function forbiddenImports(files: ReadonlyMap<string, string>): string[] {
  const lines: string[] = []
  for (const [path, text] of files) {
    const part = parts.find(({ is }) => is(path))
    if (part === undefined) {
      lines.push(`${path} belongs to no part`)
      continue
    }
    for (const found of importsOf(path, text)) {
      const problem = problemOf(part, found, files)
      if (problem !== undefined) lines.push(`${path} (${part.name}) ${problem} ${found.to}`)
    }
  }
  return lines
}

function problemOf(
  part: Part,
  { to, isFile, typesOnly }: Import,
  files: ReadonlyMap<string, string>,
): string | undefined {
  if (!isFile) {
    const allowed = part.packages ?? []
    return allowed.some((name) => (name.endsWith(':') ? to.startsWith(name) : to === name))
      ? undefined
      : 'may not import the package'
  }
  if (!to.startsWith('src/')) return 'leaves src with'
  if (!files.has(to)) return 'imports what does not exist:'
  if (part.is(to) || part.files.some((start) => to.startsWith(start))) return undefined
  if (part.types?.some((start) => to.startsWith(start)) === true) {
    return typesOnly ? undefined : 'may import only types of'
  }
  return 'may not import'
}

/** A circle of imports, types included, as `a -> b -> a`; empty where there is none. */
export function circleOf(files: ReadonlyMap<string, string>): string[] {
  const finished = new Set<string>()
  const visit = (path: string, trail: readonly string[]): string[] => {
    const seenAt = trail.indexOf(path)
    if (seenAt !== -1) return [...trail.slice(seenAt), path]
    if (finished.has(path)) return []
    for (const { to, isFile } of importsOf(path, files.get(path) ?? '')) {
      const circle = isFile ? visit(to, [...trail, path]) : []
      if (circle.length > 0) return circle
    }
    finished.add(path)
    return []
  }
  for (const path of files.keys()) {
    const circle = visit(path, [])
    if (circle.length > 0) return circle
  }
  return []
}

/** What a runtime offers without an import, and what time it is: whoever needs either is handed it through a port. */
const AMBIENT =
  /(?<![.\w])(?:process|Buffer|globalThis|performance)\s*[.[]|(?<![.\w])(?:fetch|setTimeout|setInterval|setImmediate)\(|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b/

/** Lines outside `src/entry/` and `src/store/` that reach for the platform or the clock by themselves. */
export function ambientUses(files: ReadonlyMap<string, string>): string[] {
  const lines: string[] = []
  for (const [path, text] of files) {
    if (path.startsWith('src/entry/') || path.startsWith('src/store/')) continue
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
    for (const line of code.split('\n')) if (AMBIENT.test(line)) lines.push(`${path}: ${line.trim()}`)
  }
  return lines
}
