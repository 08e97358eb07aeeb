import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { representationKind, resourceName } from '../../../src/github/representation-kind.ts'

const PATH = '/repos/o/r'

describe('requests of one kind', () => {
  test.each([
    undefined,
    '',
    '*/*',
    'application/json',
    'application/vnd.github+json',
    'application/vnd.github.v3+json',
    'APPLICATION/VND.GITHUB.V3+JSON',
    'application/vnd.github.v3',
    'application/vnd.github.v4+json',
    'application/vnd.github.v3+json, application/json;q=0.9',
  ])('%j asks for plain JSON', (accept) => {
    expect(representationKind(accept, PATH)).toBe(representationKind(undefined, PATH))
  })

  test('name their flavours and previews in whatever order and case', () => {
    const one = 'application/vnd.github.mercy-preview+json, application/vnd.github.v3.full+json'
    const other = 'application/vnd.GitHub.v3.FULL+json;q=1, application/vnd.github.mercy-preview.v3'
    expect(representationKind(one, PATH)).toBe(representationKind(other, PATH))
  })
})

describe('requests of different kinds', () => {
  const kinds = [
    'application/json',
    'application/vnd.github.full+json',
    'application/vnd.github.html+json',
    'application/vnd.github.text+json',
    'application/vnd.github.v3.star+json',
    'application/vnd.github.mercy-preview+json',
    'application/vnd.github.full+json, application/vnd.github.mercy-preview+json',
    'application/vnd.github.v3.raw',
    'application/vnd.github.v3.diff',
    'application/vnd.github.v3.patch',
    'application/vnd.github.v3.sha',
    'application/octet-stream',
    'text/html',
  ]

  test('are told apart', () => {
    const path = '/repos/o/r/contents/README.md'
    expect(new Set(kinds.map((accept) => representationKind(accept, path))).size).toBe(kinds.length)
  })

  test('a file is never of a kind with JSON, however the request is spelt', () => {
    const path = '/repos/o/r/contents/README.md'
    const json = fc.constantFrom('application/json', 'application/vnd.github.v3+json', '*/*')
    const raw = fc.constantFrom(
      'application/vnd.github.raw',
      'application/vnd.github.v3.raw',
      'application/octet-stream',
    )
    fc.assert(
      fc.property(raw, fc.array(json, { maxLength: 3 }), fc.nat(3), (file, others, at) => {
        const accept = [...others.slice(0, at), file, ...others.slice(at)].join(', ')
        expect(representationKind(accept, path)).toMatch(/^raw /)
        for (const each of others) expect(representationKind(each, path)).toBe('json')
      }),
    )
  })

  test('a flavour is a field of JSON where there is no file', () => {
    expect(representationKind('application/vnd.github.raw+json', '/repos/o/r/issues/1')).toBe('json raw')
    expect(representationKind('application/vnd.github.raw+json', '/repos/o/r/contents/a')).toMatch(/^raw /)
  })
})

test('a resource is the address and the kind, whoever asks', () => {
  const address = 'https://ghes.example/api/v3/repos/o/r?page=2'
  const name = resourceName(address, 'application/json', PATH)
  expect(resourceName(address, 'application/vnd.github.v3+json', PATH)).toBe(name)
  expect(resourceName(address, 'application/vnd.github.full+json', PATH)).not.toBe(name)
  expect(resourceName(`${address}0`, 'application/json', PATH)).not.toBe(name)
})
