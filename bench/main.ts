import { request } from 'node:http'
import { type Child, startChild } from './children.ts'
import { load, median, quantile } from './load.ts'

/*
 * `npm run bench`: what the gateway costs, each figure beside a yardstick measured in the same run. The subjects take
 * turns, so that what else the machine does hits all alike, and the medians of the rounds' ratios are what counts.
 */

const ROUNDS = Number(process.env.ROUNDS ?? 5)
const MILLISECONDS = Number(process.env.MILLISECONDS ?? 1500)
const CONNECTIONS = 64
const PATH = '/api/v3/repos/octocat/hello-world'

interface Subject {
  readonly name: string
  readonly child: Child
  readonly headers: Readonly<Record<string, string>>
  readonly perSecond: number[]
  readonly cpuEach: number[]
}

const upstream = await startChild('upstream')
const quiet = await startChild('gateway', upstream.origin, 'off')
const logging = await startChild('gateway', upstream.origin, 'json')
const anonymous = { accept: 'application/vnd.github+json', 'user-agent': 'bench' }
const credentialed = { ...anonymous, authorization: 'Bearer ghp_000000000000000000000000000000000000' }

// The yardstick sends what the gateway sends: the fields and bytes of a fresh hit.
await answerOf(quiet.origin)
const hit = await answerOf(quiet.origin)
const bare = await startChild('bare', JSON.stringify(hit.fields), hit.body.toString('base64'))

const subject = (name: string, child: Child, headers: Readonly<Record<string, string>>): Subject => ({
  name,
  child,
  headers,
  perSecond: [],
  cpuEach: [],
})
const yardstick = subject('bare node:http, same fields and body', bare, anonymous)
const subjects = [
  yardstick,
  subject('Weir, fresh public hit, log off', quiet, anonymous),
  subject('Weir, fresh public hit, log on', logging, anonymous),
  subject('Weir, revalidated (304 upstream), log off', quiet, credentialed),
  subject('the upstream itself, 200', upstream, credentialed),
]

for (const each of subjects) await run(each, 1500)
for (const each of subjects) each.perSecond.length = each.cpuEach.length = 0
for (let round = 0; round < ROUNDS; round++) for (const each of subjects) await run(each, MILLISECONDS)

print(
  `${CONNECTIONS} connections, ${hit.body.byteLength} bytes and ${hit.fields.length / 2} fields an answer, ${ROUNDS} rounds of ${MILLISECONDS} ms\n`,
)
print(`${''.padEnd(44)}${'req/s'.padStart(9)}${'ratio'.padStart(8)}${'CPU µs each'.padStart(13)}${'ratio'.padStart(8)}`)
for (const each of subjects) {
  const speed = median(each.perSecond.map((value, round) => value / yardstick.perSecond[round]!))
  const work = median(each.cpuEach.map((value, round) => yardstick.cpuEach[round]! / value))
  print(
    each.name.padEnd(44) +
      median(each.perSecond).toFixed(0).padStart(9) +
      speed.toFixed(2).padStart(8) +
      median(each.cpuEach).toFixed(1).padStart(13) +
      work.toFixed(2).padStart(8),
  )
}
print('\nRatios are to the first line; above 1 is better than it. CPU is that of the server’s own process.')

print('\nLatency with one connection, ms:')
const added: number[] = []
const direct: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  const plain = await load({ url: upstream.origin + PATH, headers: credentialed, connections: 1, milliseconds: 1000 })
  const through = await load({ url: quiet.origin + PATH, headers: credentialed, connections: 1, milliseconds: 1000 })
  direct.push(quantile(plain.latencies, 0.5))
  added.push(quantile(through.latencies, 0.5) - quantile(plain.latencies, 0.5))
}
print(`  asked directly, median          ${median(direct).toFixed(3)}`)
print(`  added by revalidating, median   ${median(added).toFixed(3)}  (aim: below 1)`)
for (const child of [upstream, quiet, logging, bare]) child.stop()

async function run({ child, headers, perSecond, cpuEach }: Subject, milliseconds: number): Promise<void> {
  const before = await child.cpuMicroseconds()
  const result = await load({ url: child.origin + PATH, headers, connections: CONNECTIONS, milliseconds })
  perSecond.push(result.requests / result.seconds)
  cpuEach.push(((await child.cpuMicroseconds()) - before) / result.requests)
}

function answerOf(origin: string): Promise<{ fields: string[]; body: Buffer }> {
  return new Promise((resolve, reject) => {
    request(origin + PATH, { headers: anonymous, agent: false }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const fields: string[] = []
        for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
          const name = incoming.rawHeaders[index]!
          if (!/^(?:connection|keep-alive)$/i.test(name)) fields.push(name, incoming.rawHeaders[index + 1]!)
        }
        resolve({ fields, body: Buffer.concat(chunks) })
      })
    })
      .on('error', reject)
      .end()
  })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
