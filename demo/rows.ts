const COLUMNS = [52, 7, 14, 11] as const

export const rule = '─'.repeat(COLUMNS.reduce<number>((total, width) => total + width, 0))

/** One line of a table. */
export function row(title: string, ...cells: readonly (string | number)[]): string {
  return title.padEnd(COLUMNS[0]) + cells.map((cell, index) => String(cell).padStart(COLUMNS[index + 1]!)).join('')
}
