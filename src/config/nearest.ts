import { closest } from 'fastest-levenshtein'
import { flagOf, knownNames } from './table.ts'

/**
 * The real setting whose name is most like the given one. Compared without `WEIR_`, so that `WEIR_PORT` finds `PORT`; accepts the
 * spelling of flags too.
 */
export function nearestName(name: string): string {
  const stem = (text: string) =>
    text
      .toUpperCase()
      .replace(/^-+/, '')
      .replaceAll('-', '_')
      .replace(/^WEIR_/, '')
  const stems = knownNames.map(stem)
  return knownNames[stems.indexOf(closest(stem(name), stems))]!
}

/** The real flag whose name is most like the given one; `further` are flags that are no settings. */
export function nearestFlag(flag: string, further: readonly string[]): string {
  const bare = flag
    .toLowerCase()
    .replaceAll('_', '-')
    .replace(/^-*(?:weir-)?/, '--')
  return closest(bare, [...knownNames.map(flagOf), ...further])
}
