import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { settingsMarkdown } from '../../src/config.ts'

const readme = new URL('../../README.md', import.meta.url)
const [start, end] = ['<!-- settings:start -->', '<!-- settings:end -->']
const advice = `Write the table anew: npm run build && node -e "import('./dist/src/config.js').then((config) => console.log(config.settingsMarkdown()))"`

test('the README’s table of settings is the one the program reads', () => {
  expect(existsSync(readme), 'README.md is missing').toBe(true)
  const text = readFileSync(readme, 'utf8')
  const from = text.indexOf(start)
  const to = text.indexOf(end)
  expect(from !== -1 && to > from, `README.md has no ${start} followed by ${end}. ${advice}`).toBe(true)
  expect(text.slice(from + start.length, to).trim(), advice).toBe(settingsMarkdown())
})
