import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createLog } from '../../src/entry/node/log.ts'
import { createMetrics } from '../../src/entry/node/metrics.ts'
import type { RequestEvent } from '../../src/outcome.ts'

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
const operations = read('docs/operations.md')

const event: Required<RequestEvent> = {
  requestId: 'a-1',
  method: 'GET',
  route: 'api',
  path: '/api/v3/user',
  status: 200,
  outcome: 'hit',
  detail: 'no-store',
  failure: 'internal',
  upstream: { requests: 1, cost: 1, milliseconds: 1 },
  milliseconds: 2,
  bytes: 3,
  aborted: true,
  credential: 'fingerprint',
  address: '127.0.0.1',
}

test('docs/operations.md lists the gateway’s own metrics and no others', async () => {
  const gauges = {
    cache: () => [],
    entityTags: () => ({ matched: 0, differed: 0, listsIgnored: 0, unnamed: 0 }),
    upstream: () => ({ open: 0, waiting: 0 }),
    budgets: () => ({ inFlight: 0, waiting: 0, paused: 0 }),
    inFlight: () => 0,
  }
  const text = await createMetrics(gauges, '0').text()
  const exported = [...text.matchAll(/^# TYPE (weir_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`)
  expect(exported.length).toBeGreaterThan(8)
  const listed = [...operations.matchAll(/^\| `(weir_\w+)` \| (\w+) \|/gm)].map(([, name, type]) => `${name} ${type}`)
  expect(listed.toSorted()).toEqual(exported.toSorted())
})

test('docs/operations.md lists the fields of a request’s line and no others', () => {
  const lines: string[] = []
  const options = { format: 'json', level: 'info', hitShare: 0.5 } as const
  const { telemetry } = createLog({ ...options, destination: { write: (line) => lines.push(line) } })
  telemetry.record(event)
  telemetry.record(event)
  const written = Object.keys(JSON.parse(lines[0] as string))
  const table = operations.slice(operations.indexOf('\n### Fields\n'), operations.indexOf('\n### Levels\n'))
  const listed = [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, names]) => [
    ...(names as string).matchAll(/`(\w+)`/g),
  ])
  expect(listed.map((match) => match[1]).toSorted()).toEqual(written.toSorted())
})

test('docs/storage-schema.md lists the fields of a validation and no others', () => {
  const declared = /export interface Validation \{([\s\S]*?)\n\}/.exec(read('src/ports.ts'))?.[1] ?? ''
  const fields = [...declared.matchAll(/^ {2}readonly (\w+)/gm)].map((match) => match[1])
  expect(fields.length).toBeGreaterThan(8)
  const schema = read('docs/storage-schema.md')
  const table = schema.slice(schema.indexOf('| field | meaning |'), schema.indexOf('Of an answer'))
  const listed = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1])
  expect(listed.toSorted()).toEqual(fields.toSorted())
})

test('the documents link only to what exists, and each decision is linked from the list', () => {
  const folders = ['docs', 'docs/decisions']
  const documents = folders.flatMap((folder) =>
    readdirSync(new URL(`../../${folder}/`, import.meta.url))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  )
  documents.push('README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md')
  const broken: string[] = []
  for (const document of documents) {
    for (const [, link] of read(document).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
      try {
        readFileSync(new URL(link as string, new URL(`../../${document}`, import.meta.url)))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EISDIR') broken.push(`${document}: ${link}`)
      }
    }
  }
  expect(broken).toEqual([])
  const list = read('docs/decisions/README.md')
  const decisions = documents.filter((name) => /decisions\/\d/.test(name))
  expect(decisions.length).toBeGreaterThan(8)
  expect(decisions.filter((name) => !list.includes(`](${name.replace('docs/decisions/', '')})`))).toEqual([])
})
