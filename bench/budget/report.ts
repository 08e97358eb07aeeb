import { type Aim, type Summary, waitsOf } from './judge.ts'
import { type ClientCount, KINDS, MIXES } from './plan.ts'
import type { RunRecord } from './run.ts'
import { LIMIT } from './upstream.ts'

/** Heads of the columns after those of the windows, and their widths. */
const ABOVE =
  "   refused upstream  clients     most  a second   Jain's index                      modest wait, s  things"
const BELOW =
  '  primary secondary  refused  at once  at reset   hungry  steady  modest nightly   median    worst  given up'
const WIDTHS = [9, 10, 9, 9, 10, 9, 8, 8, 8, 9, 9, 10]
const NAME_WIDTH = 9
const WINDOW_WIDTH = 7
const USED = '  % of windows used'

/** The table's head for one mix of clients. */
export function headOf(count: ClientCount, windows: number): string {
  const mix: Readonly<Record<string, number>> = MIXES[count]
  const kinds = KINDS.filter((kind) => mix[kind] !== 0).map((kind) => `${mix[kind]} ${kind}`)
  const ordinals = Array.from({ length: windows }, (_, index) => String(index + 1))
  return [
    `${count} ${count === 1 ? 'client' : 'clients'}: ${kinds.join(', ')}`,
    `${' '.repeat(NAME_WIDTH)}${USED.padStart(windows * WINDOW_WIDTH)}${ABOVE}`,
    `${' '.repeat(NAME_WIDTH)}${windowCells(ordinals)}${BELOW}`,
  ].join('\n')
}

/** A subject's line of the table. */
export function lineOf(name: string, summary: Summary): string {
  const { windows, fairness, modest, refusedShare, failures } = summary
  const cells = [
    String(summary.primaryRefusals),
    String(summary.secondaryRefusals),
    fixed(refusedShare === undefined ? undefined : 100 * refusedShare, 1, ' %'),
    String(summary.peak),
    fixed(summary.burst, 0),
    ...KINDS.map((kind) => fixed(fairness[kind], 3)),
    fixed(modest?.median, 2),
    fixed(modest?.worst, 1),
    String(summary.givenUp),
  ].map((cell, index) => cell.padStart(WIDTHS[index] ?? 0))
  const used = windowCells(windows.map(({ used }) => ((100 * used) / LIMIT).toFixed(1)))
  const line = `${name.padEnd(NAME_WIDTH)}${used}${cells.join('')}`
  return failures === 0 ? line : `${line}\n  ${failures} attempts of clients ended with another error`
}

/** As wide as the words above them at least. */
function windowCells(cells: readonly string[]): string {
  return cells
    .map((cell) => cell.padStart(WINDOW_WIDTH))
    .join('')
    .padStart(USED.length)
}

/** Whether the gateway reached what it is to reach. */
export function aimLine(aims: readonly Aim[]): string {
  return `aims: ${aims.map(({ name, isMet }) => `${name}: ${isMet ? 'met' : 'missed'}`).join('; ')}`
}

/** What each client used of each window, and how long it waited at the longest. */
export function explanationOf({ clients, upstream, endedAt }: RunRecord, windows: number): string {
  const lines = clients.map((client) => {
    const { name } = client.plan
    const used = upstream.windows.slice(0, windows).map(({ usedBy }) => String(usedBy.get(name) ?? 0))
    const worst = fixed(waitsOf([client], endedAt).at(-1), 1)
    return `  ${name.padEnd(12)}${windowCells(used)}  units, waited at most ${worst} s`
  })
  return lines.join('\n')
}

function fixed(value: number | undefined, digits: number, unit = ''): string {
  return value === undefined ? '-' : `${value.toFixed(digits)}${unit}`
}
