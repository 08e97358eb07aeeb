import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { failures } from '../../src/errors.ts'
import { details, outcomes } from '../../src/outcome.ts'
import { parts, sources } from './imports.ts'

const root = new URL('../../', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, root), 'utf8')
const architecture = read('ARCHITECTURE.md')

/** What stands under a heading, up to the next one of the same or a higher level. */
function section(heading: string): string {
  const [level] = /^#+/.exec(heading) as RegExpExecArray
  const start = architecture.indexOf(`\n${heading}\n`)
  expect(start, `ARCHITECTURE.md has no ${heading}`).not.toBe(-1)
  const rest = architecture.slice(start + heading.length + 2)
  const end = rest.search(new RegExp(`^#{1,${level.length}} `, 'm'))
  return end === -1 ? rest : rest.slice(0, end)
}

/** The cells of the rows of the table in a text, without those of its head. */
function rows(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}

const quoted = (name: string): string => `\`${name}\``

test('the table of outcomes is the closed set', () => {
  expect(rows(section('### Outcomes'))).toEqual(Object.entries(outcomes).map(([name, why]) => [quoted(name), why]))
})

test('the table of details is the closed set', () => {
  expect(rows(section('### Details'))).toEqual(Object.entries(details).map(([name, why]) => [quoted(name), why]))
})

test('the table of failures is the closed set', () => {
  const expected = Object.entries(failures).map(([tag, [status, message]]) => [quoted(tag), String(status), message])
  expect(rows(section('### Failures'))).toEqual(expected)
})

test('every source file is on the map, once, with a line about it', () => {
  const lines = [...section('## The map').matchAll(/^- `(src\/[^`]+)`: (.+)$/gm)]
  const mapped = lines.map((line) => line[1] as string)
  expect(mapped.toSorted()).toEqual([...sources('src').keys()].toSorted())
  for (const [, path, about] of lines) expect(about?.length, path).toBeGreaterThan(8)
})

test('the diagram is the one above the chain', () => {
  const comment = /\n \* A request runs through[^\n]*\n \*\n([\s\S]*?)\n \*\/\n/.exec(read('src/app.ts'))?.[1]
  expect(comment).toBeDefined()
  const diagram = (comment as string).split('\n').map((line) => line.slice(3))
  expect(section('## The way of a request')).toContain(`\`\`\`text\n${diagram.join('\n')}\n\`\`\``)
})

test('every invariant names tests, and they exist', () => {
  const invariants = rows(section('## Invariants'))
  expect(invariants.map(([number]) => number)).toEqual(['1', '2', '3', '4', '5', '6', '7'])
  for (const [number, , , tests = ''] of invariants) {
    const files = [...tests.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)
    expect(files.length, `invariant ${number}`).toBeGreaterThan(0)
    for (const file of files) expect(file).toMatch(/^test\/.+\.test\.ts$/)
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([])
  }
})

test('every file that is named anywhere in it exists', () => {
  const named = [...architecture.matchAll(/`((?:src|test|docs|sandbox|demo|bench)\/[\w./-]+)`|\]\(([\w./-]+)\)/g)]
  const paths = named.map((match) => (match[1] ?? match[2]) as string)
  expect(paths.length).toBeGreaterThan(80)
  expect(paths.filter((path) => !existsSync(new URL(path, root)))).toEqual([])
})

test('the table of who may import whom has every part that the rules have', () => {
  const names = rows(section('## Who may import whom'))
    .flatMap(([part = '']) => [...part.matchAll(/`([^`]+)`/g)])
    .map((match) => match[1] as string)
  for (const part of parts) {
    const paths = [...sources('src').keys()].filter(part.is)
    for (const path of paths)
      expect(
        names.filter((name) => path.startsWith(name)),
        path,
      ).toHaveLength(1)
  }
})
