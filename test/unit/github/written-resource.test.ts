import { expect, test } from 'vitest'
import { writtenResource } from '../../../src/github/written-resource.ts'

const ORIGIN = 'https://ghes.example:8443'
const ISSUES = `${ORIGIN}/api/v3/repos/o/r/issues`
const LOCATION = ['location', `${ISSUES}/7`]

test.each<[string, string, string, number, readonly string[], string | undefined]>([
  ['what a 201 names', 'POST', ISSUES, 201, LOCATION, `${ISSUES}/7`],
  ['what a 201 to PUT names, rather than what was put', 'PUT', ISSUES, 201, LOCATION, `${ISSUES}/7`],
  ['a 201 that names nothing', 'POST', ISSUES, 201, [], undefined],
  ['a 201 to PUT that names nothing', 'PUT', ISSUES, 201, [], undefined],
  ['a Location of another host', 'POST', ISSUES, 201, ['location', 'https://evil.example/x'], undefined],
  ['one whose host only begins alike', 'POST', ISSUES, 201, ['location', `${ORIGIN}.evil.example/x`], undefined],
  ['one whose port only begins alike', 'POST', ISSUES, 201, ['location', `${ORIGIN}0/x`], undefined],
  ['one of another scheme', 'POST', ISSUES, 201, ['location', 'http://ghes.example:8443/x'], undefined],
  ['a Location that is no address', 'POST', ISSUES, 201, ['location', '/api/v3/repos/o/r/issues/7'], undefined],
  ['a Location on a 200', 'POST', ISSUES, 200, LOCATION, undefined],
  ['a Location on a 202', 'POST', ISSUES, 202, LOCATION, undefined],
  ['what was patched', 'PATCH', `${ISSUES}/7`, 200, [], `${ISSUES}/7`],
  ['what was put', 'PUT', `${ISSUES}/7/labels`, 200, [], `${ISSUES}/7/labels`],
  ['what was patched, without the query', 'PATCH', `${ISSUES}/7?a=b?c`, 200, [], `${ISSUES}/7`],
  ['the answer to a POST', 'POST', `${ISSUES}/7`, 200, [], undefined],
  ['the answer to a DELETE', 'DELETE', `${ISSUES}/7`, 200, [], undefined],
  ['an accepted PATCH', 'PATCH', `${ISSUES}/7`, 202, [], undefined],
  ['a refused one', 'PATCH', `${ISSUES}/7`, 422, [], undefined],
  ['a redirected one', 'PATCH', `${ISSUES}/7`, 307, LOCATION, undefined],
  ['a PUT without an answer', 'PUT', `${ISSUES}/7`, 204, [], undefined],
])('%s', (_name, method, address, status, headers, expected) => {
  expect(writtenResource(method, address, status, headers)).toBe(expected)
})
