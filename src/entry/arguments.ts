/** The command line: every setting as a flag. Flags become variables and win over those that were there. */

import { Command, CommanderError, Option } from 'commander'
import { fallbackText } from '../config/markdown.ts'
import { nearestFlag } from '../config/nearest.ts'
import { fileVariableOf, flagOf, type Setting, settingsTable } from '../config/table.ts'
import type { Environment } from '../config.ts'

/** Exit codes that scripts may rely on: help and version end with `ok`, wrong flags and settings with `usage`. */
export const exitCodes = { ok: 0, usage: 2 } as const

export type Arguments =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  /** `environment` with the flags laid over it, ready for `parseSettings`. */
  | { readonly kind: 'run'; readonly environment: Environment }
  /** One problem a line. Exit code 2. */
  | { readonly kind: 'error'; readonly message: string }

/** One flag: the variable it stands for, and the one that it replaces, since a secret comes from its text or from a file. */
interface Flag {
  readonly option: Option
  readonly variable: string
  readonly replaces: string | undefined
}

const closing = `Durations are whole numbers with a unit: 500ms, 5s, 15m, 1h. Sizes: 64KiB, 256MiB, 1GiB or a number of bytes.
Flags win over variables; an empty value counts as not set.
Everybody on a machine can read its command lines: give secrets as variables or files.

Exit codes: 0 after help, version or a stop; 1 where it cannot listen or its TLS files do not fit; 2 for wrong flags or
settings, all of which are listed; 130 and 143 after a second SIGINT or SIGTERM.`

/**
 * Reads the arguments that follow the program's name. Values are not looked at here, `parseSettings` does that; what is wrong is
 * reported without repeating any value, because the flag before it may have been a misspelt secret.
 */
export function parseArguments(argv: readonly string[], environment: Environment): Arguments {
  const flags = settingsTable.flatMap(flagsOf)
  const command = new Command('weir')
    .description('A caching, rate-limit-aware gateway for the GitHub REST API.')
    .usage('--upstream <origin> [options]')
    .helpOption(false)
    .configureHelp({ helpWidth: 110 })
    .configureOutput({ writeErr: () => {} })
    .exitOverride()
    .addHelpText('after', `\n${closing}`)
  for (const { option } of flags) command.addOption(option)
  command.option('-h, --help', 'show this and exit').option('-v, --version', 'show the version and exit')

  const problems: string[] = []
  try {
    const { operands, unknown } = command.parseOptions([...argv])
    problems.push(...unknownFlags(unknown))
    if (operands.length > 0) problems.push(`${operands.length} value(s) without a flag; wanted --name value pairs`)
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    problems.push(error.message.replace(/^error: /, ''))
  }
  const given = command.opts<Record<string, unknown>>()
  if (given['help'] === true) return { kind: 'help', text: helpText(command) }
  if (given['version'] === true) return { kind: 'version' }
  if (problems.length > 0) return { kind: 'error', message: problems.join('\n') }
  return { kind: 'run', environment: merge(environment, flags, given) }
}

function flagsOf(setting: Setting): Flag[] {
  const plain = (markdown: string) => markdown.replaceAll(/`|\*\*/g, '')
  const about = `${plain(setting.meaning)} [${setting.name}; default: ${plain(fallbackText(setting))}]`
  const variable = setting.name
  const value = new Option(`${flagOf(variable)} <${setting.placeholder}>`, about)
  if (!setting.secret) return [{ option: value, variable, replaces: undefined }]
  const fileVariable = fileVariableOf(setting)
  const file = new Option(
    `${flagOf(fileVariable)} <file>`,
    `file that holds the value of ${flagOf(variable)} [${fileVariable}]`,
  )
  return [
    { option: value, variable, replaces: fileVariable },
    { option: file, variable: fileVariable, replaces: variable },
  ]
}

/** Arguments that commander did not know, and whatever followed them; only the flags' names are reported. */
function unknownFlags(unknown: readonly string[]): string[] {
  return unknown
    .filter((argument) => /^-./.test(argument) && argument !== '--')
    .map((argument) => {
      const name = argument.startsWith('--') ? argument.replace(/=.*$/s, '') : argument.slice(0, 2)
      return `unknown flag ${JSON.stringify(name)}; the nearest is ${nearestFlag(name, ['--help', '--version'])}`
    })
}

function helpText(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: (part) => {
      text += part
    },
  })
  command.outputHelp()
  return text
}

/** Both forms of a secret as flags are kept, so that `parseSettings` reports them. */
function merge(environment: Environment, flags: readonly Flag[], given: Record<string, unknown>): Environment {
  const merged: Record<string, string | undefined> = { ...environment }
  const set = flags.filter(({ option }) => typeof given[option.attributeName()] === 'string')
  for (const { replaces } of set) if (replaces !== undefined) delete merged[replaces]
  for (const { option, variable } of set) merged[variable] = String(given[option.attributeName()])
  return merged
}
