import { fork } from 'node:child_process'
import { once } from 'node:events'
import { version } from '../../src/version.ts'
import { peers, versionOf } from './peers.ts'
import { countOf, passedTests, type Results, suiteTests } from './suite.ts'

/*
 * `npm run bench:conformance`: how many tests of the public HTTP cache suite Weir passes, beside what else is installed.
 * With the name of a subject as its argument (`Weir`, `nginx`, `Varnish`) it lists what that one does not pass.
 */

const KINDS = ['required', 'optimal', 'check'] as const

interface Subject {
  readonly name: string
  readonly version: string
}

const installed = peers.flatMap((peer) => {
  const found = versionOf(peer)
  if (found === undefined) print(`${peer.name} is left out: to install it: apt-get install -y ${peer.package}`)
  return found === undefined ? [] : [{ name: peer.name, version: found }]
})
const subjects: Subject[] = [{ name: 'Weir', version }, ...installed, { name: 'no cache', version: '' }]
const asked = process.argv[2]?.toLowerCase()

if (asked === undefined) {
  print(
    row(
      '',
      KINDS.map((kind) => `${kind} of ${suiteTests.filter((test) => test.kind === kind).length}`),
    ),
  )
  // One after another: with all at once the pauses of the suite would not be what they are meant to be.
  for (const subject of subjects) {
    const passed = passedTests(await resultsOf(subject))
    print(
      row(
        `${subject.name} ${subject.version}`.trim(),
        KINDS.map((kind) => String(countOf(kind, passed))),
      ),
    )
  }
} else {
  const subject = subjects.find(({ name }) => name.toLowerCase() === asked)
  if (subject === undefined) throw new Error(`one of ${subjects.map(({ name }) => name).join(', ')}`)
  const results = await resultsOf(subject)
  const passed = passedTests(results)
  for (const { id, kind, dependsOn } of suiteTests) {
    if (passed.has(id)) continue
    const [, why = ''] = results[id] === true ? [] : (results[id] ?? [])
    const needed = dependsOn.filter((each) => !passed.has(each))
    print(`${kind.padEnd(8)} ${id.padEnd(46)} ${why || `depends on ${needed.join(', ')}`}`)
  }
}

async function resultsOf({ name }: Subject): Promise<Results> {
  const child = fork(new URL('./run.js', import.meta.url), [name], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const left = once(child, 'exit').then(([code]) => {
    throw new Error(`the run of ${name} ended with ${code}`)
  })
  const [results] = (await Promise.race([once(child, 'message'), left])) as [Results]
  left.catch(() => {})
  return results
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(16) + cells.map((cell) => cell.padStart(18)).join('')
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
