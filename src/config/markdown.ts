import { fileVariableOf, type Setting, settingsTable } from './table.ts'

/** Words for the default, in Markdown. */
export function fallbackText({ fallback }: Setting): string {
  return 'literal' in fallback ? `\`${fallback.literal}\`` : fallback.described
}

/** The table of settings for the README, without a line break at its end. */
export function settingsMarkdown(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const rows = settingsTable.map((row) => {
    const name = row.secret ? `\`${row.name}\` or \`${fileVariableOf(row)}\`` : `\`${row.name}\``
    return `| ${name} | ${cell(row.meaning)} | ${cell(fallbackText(row))} |`
  })
  return ['| setting | meaning | default |', '|---|---|---|', ...rows].join('\n')
}
