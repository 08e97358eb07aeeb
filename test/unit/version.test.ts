import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { version } from '../../src/version.ts'

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

test('the version that the program states is the package’s', () => {
  expect(version).toBe(JSON.parse(read('package.json')).version)
  expect(version).toBe(JSON.parse(read('package-lock.json')).version)
})

test('the changelog begins with it', () => {
  expect(/^## (\S+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version)
})
