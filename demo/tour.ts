import { type Sandbox, TOKENS } from '../sandbox/index.ts'
import { type Chapter, chapters } from './chapters.ts'
import { row, rule } from './rows.ts'

/** What one chapter came to, read from the upstream's own log. */
interface Tally {
  /** Requests that reached the upstream. */
  readonly reached: number
  /** Units of rate limit that it charged for them. */
  readonly charged: number
}

/**
 * Plays the same chapters twice, straight against the upstream and through the gateway, and prints what the upstream
 * charged for each. Nothing is reckoned: both columns are read from the upstream's log.
 */
export async function tour(gatewayOrigin: string, sandbox: Sandbox, print: (line: string) => void): Promise<void> {
  const direct = await playAll(sandbox.origin, sandbox)
  const through = await playAll(gatewayOrigin, sandbox)

  print(row('what the apps do', 'asked', 'without Weir', 'with Weir'))
  print(rule)
  chapters.forEach((chapter, index) => {
    print(row(chapter.title, direct[index]!.reached, direct[index]!.charged, through[index]!.charged))
  })
  print(rule)
  const asked = sum(direct, 'reached')
  const without = sum(direct, 'charged')
  const withWeir = sum(through, 'charged')
  print(row('units of rate limit charged', asked, without, withWeir))
  print(
    `\nThe same ${asked} requests cost ${without} units asked directly and ${withWeir} through Weir, ` +
      `which asked the upstream ${sum(through, 'reached')} times.\n`,
  )
}

async function playAll(origin: string, sandbox: Sandbox): Promise<Tally[]> {
  const tallies: Tally[] = []
  for (const chapter of chapters) {
    sandbox.log.clear()
    await play(chapter, `${origin}/api/v3`)
    tallies.push({ reached: sandbox.log.entries.length, charged: sandbox.log.totalCost() })
  }
  sandbox.log.clear()
  return tallies
}

async function play(chapter: Chapter, api: string): Promise<void> {
  await chapter.play(async (app, path, post) => {
    const token = app === 'badge' ? undefined : TOKENS[app]
    const response = await fetch(path.startsWith('http') ? path : api + path, {
      headers: {
        ...(token === undefined ? {} : { authorization: `token ${token}` }),
        ...(post === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(post === undefined ? {} : { method: 'POST', body: JSON.stringify(post) }),
    })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${response.status} for ${path}: the tour expects no refusals`)
    return response
  })
}

function sum(tallies: readonly Tally[], part: keyof Tally): number {
  return tallies.reduce((total, tally) => total + tally[part], 0)
}
