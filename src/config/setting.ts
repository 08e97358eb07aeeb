import type { ReadFile } from './types.ts'

/** One setting, as data. */
export interface Setting<Value = unknown> {
  /** The environment variable; the flag is its lower-case form without `WEIR_`. */
  readonly name: string
  /** What stands for the value in `--help`. */
  readonly placeholder: string
  /** One line, in Markdown. */
  readonly meaning: string
  /** What a good value is, with an example; ends every problem's line. */
  readonly wanted: string
  /** Literal: parsed as if it had been given. Described: words for the reader, and the value is undefined. */
  readonly fallback: { readonly literal: string } | { readonly described: string }
  /** Its value is never shown, and `NAME_FILE` may name a file that holds it. */
  readonly secret?: true
  /** Throws ValueProblem. */
  readonly parse: (text: string, readFile: ReadFile) => Value
}

/** Infers the type of the value from the parser. */
export function setting<Value>(row: Setting<Value>): Setting<Value> {
  return row
}

/** The command line's name of a setting: `WEIR_CACHE_MAX_BYTES` is `--cache-max-bytes`, `PORT` is `--port`. */
export function flagOf(name: string): string {
  return `--${name
    .replace(/^WEIR_/, '')
    .toLowerCase()
    .replaceAll('_', '-')}`
}

/** The variable that may hold the path of a secret instead of the secret. */
export function fileVariableOf(setting: Pick<Setting, 'name'>): string {
  return `${setting.name}_FILE`
}
