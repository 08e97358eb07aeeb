import type { ReadFile } from './types.ts'
import { readText, ValueProblem } from './values.ts'

/** One member of the object that a file holds. */
export interface Member {
  readonly name: string
  readonly value: unknown
  /** Counted from 1. */
  readonly position: number
}

/**
 * The members of the JSON object that the file at `path` holds. Throws ValueProblem. The parser's own message is not passed
 * on: it repeats a piece of the text, which may be a key.
 */
export function readMembers(path: string, readFile: ReadFile): readonly Member[] {
  if (/^\s*[{[]/.test(path)) throw new ValueProblem('which is the JSON text itself')
  const value = parseJson(readText(path, readFile))
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ValueProblem('where $ is no object')
  return Object.entries(value).map(([name, member], index) => ({ name, value: member, position: index + 1 }))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ValueProblem('which holds no JSON')
  }
}

/**
 * Where a member is, in the notation of RFC 9535 (JSONPath), or by its position where its name may be a secret that somebody put
 * in the place of a name.
 */
export function pathOf({ name, position }: Member, isFitToShow: boolean): string {
  return isFitToShow ? `$[${JSON.stringify(name)}]` : `member ${position} of $`
}

/** So many faults are told one by one; whoever has more has one reason for all of them. */
const MOST_TOLD = 5

/** Throws ValueProblem if there is any fault; each is a clause that names its place and repeats no value. */
export function refuseFaults(faults: readonly string[]): void {
  if (faults.length === 0) return
  const more = faults.length > MOST_TOLD ? `, and there are ${faults.length - MOST_TOLD} more` : ''
  throw new ValueProblem(`where ${faults.slice(0, MOST_TOLD).join(', ')}${more}`)
}
