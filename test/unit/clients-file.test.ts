import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseClientsFile } from '../../src/config/clients-file.ts'
import { ValueProblem } from '../../src/config/values.ts'

const parse = (content: unknown) =>
  parseClientsFile('/clients.json', () => (typeof content === 'string' ? content : JSON.stringify(content)))

/** What is wrong with a file, as the end of "got x, …". */
function faultOf(content: unknown): string {
  try {
    parse(content)
  } catch (error) {
    if (error instanceof ValueProblem) return error.message
    throw error
  }
  return ''
}

const [one, two, three] = ['hush-hush-hush-1', 'hush-hush-hush-2', 'hush-hush-hush-3']

describe('apps', () => {
  test('have a key or several', () => {
    expect(parse({ ci: one, dashboards: [two, three] })).toEqual(
      new Map([
        ['ci', [one]],
        ['dashboards', [two, three]],
      ]),
    )
    expect(parse({}).size).toBe(0)
  })

  test('have plain names', () => {
    const names = ['a', 'CI-1', 'a.b_c', '0', 'x'.repeat(64), '__proto__']
    const members = names.map((name, index) => `"${name}": "${one}${index}"`)
    expect(parse(`{${members.join(',')}}`)).toEqual(new Map(names.map((name, index) => [name, [`${one}${index}`]])))
  })

  test.each(['', 'a b', 'a/b', 'a:b', 'é', 'x'.repeat(65), 'a\n'])('are not named %j', (name) => {
    expect(faultOf({ ci: one, [name]: two })).toBe(
      'where the name of member 2 of $ is not 1 to 64 letters, digits, ".", "_" and "-"',
    )
  })

  test('have keys of their own', () => {
    expect(faultOf({ ci: [two, one], dashboards: one })).toBe(
      'where $["dashboards"] is the same as $["ci"][1], of another app',
    )
    expect(parse({ ci: [one, one] }).get('ci')).toEqual([one, one])
  })

  test('are at most a thousand', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`app-${index}`, `${one}-${index}`]))
    expect(parse(many(1000)).size).toBe(1000)
    expect(faultOf(many(1001))).toBe('where there are more than 1000 apps')
  })

  test('cannot be had by changing what was read', () => {
    expect(Object.isFrozen(parse({ ci: one }).get('ci'))).toBe(true)
  })
})

describe('keys', () => {
  test.each(['x'.repeat(16), 'x'.repeat(256), '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'])('may be %j', (key) => {
    expect(parse({ ci: key }).get('ci')).toEqual([key])
  })

  test.each(['', 'hush-hush-hush-', 'x'.repeat(257), 'hush-hush hush-hush', 'hüsh-hush-hush-hush', `${one}\n`])(
    'are not %j',
    (key) => {
      const wanted = 'is not 16 to 256 letters, digits and signs without spaces'
      expect(faultOf({ ci: key })).toBe(`where $["ci"] ${wanted}`)
      expect(faultOf({ ci: [one, key] })).toBe(`where $["ci"][1] ${wanted}`)
    },
  )

  test.each([1, null, true, { key: one }, [one]])('are texts, not %j', (value) => {
    expect(faultOf({ ci: [two, value] })).toBe('where $["ci"][1] is no text')
  })

  test.each([1, null, true, { key: one }])('or arrays of them, not %j', (value) => {
    expect(faultOf({ ci: value })).toBe('where $["ci"] is no text')
  })

  test('are not left out', () => {
    expect(faultOf({ ci: [] })).toBe('where $["ci"] has no key')
  })

  test('are not repeated in the place of a name', () => {
    expect(faultOf({ [one]: 'ci' })).toBe(
      'where member 1 of $ is not 16 to 256 letters, digits and signs without spaces',
    )
    expect(faultOf({ [one]: two, [three]: two })).toBe(
      'where member 2 of $ is the same as member 1 of $, of another app',
    )
  })

  test('are never repeated', () => {
    const keys = fc.stringMatching(/^[!-~]{6,40}$/).map((text) => `hush${text}`)
    // What is too short for a key may stand in a message where a name belongs.
    const longKeys = keys.filter((text) => text.length >= 16)
    const values = fc.oneof(keys, fc.array(keys, { maxLength: 3 }), fc.constant(null))
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(longKeys, fc.constantFrom('ci', 'b')), values, { maxKeys: 4 }), (content) => {
        expect(faultOf({ ...content, 'a b': one, ci: [one, null] })).not.toContain('hush')
      }),
    )
  })
})

describe('the file', () => {
  test.each(['[]', 'null', '"x"'])('holds an object, not %s', (text) => {
    expect(faultOf(text)).toBe('where $ is no object')
  })

  test.each(['', '{"ci": hush-hush-hush-hush}', 'hush-hush'])('holds JSON, not %j', (text) => {
    expect(faultOf(text)).toBe('which holds no JSON')
  })

  test('is not the JSON text itself', () => {
    expect(() => parseClientsFile(`{"ci": "${one}"}`, () => '{}')).toThrow(/^which is the JSON text itself$/)
  })

  test('tells all its faults', () => {
    expect(faultOf({ ci: 'x', b: one, c: [one, 1] })).toBe(
      'where $["ci"] is not 16 to 256 letters, digits and signs without spaces, $["c"][0] is the same as $["b"], of another app, $["c"][1] is no text',
    )
  })
})
