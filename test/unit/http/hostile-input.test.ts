import { describe, expect, test } from 'vitest'
import { credentialOf, withoutSecrets } from '../../../src/github/credential.ts'
import { asksForRaw } from '../../../src/github/media-type.ts'
import { loggablePath } from '../../../src/github/path-secrets.ts'
import { returnTag } from '../../../src/github/presentation-tag.ts'
import { repositoryOf } from '../../../src/github/write-scopes.ts'
import { chooseCoding } from '../../../src/http/accept-encoding.ts'
import { parseCacheControl } from '../../../src/http/cache-control.ts'
import { isEntityTag, parseEntityTags } from '../../../src/http/entity-tag.ts'
import { parseHttpDate } from '../../../src/http/http-date.ts'
import { parseTarget, refuseDotSegments } from '../../../src/http/target.ts'
import { digest } from '../outbound/harness.ts'

/**
 * Text that sends a backtracking pattern back to its start again and again. It is so long that work which grows with
 * the square of its length outlasts the runner's own limit by far; there is no other measure of time here.
 */
const LENGTH = 60_000
const units = [
  ',',
  ' ',
  '\t',
  '"',
  '\\"',
  'a="',
  'a=',
  'a= ',
  '"a",',
  '"a" ',
  'W/',
  '=',
  ';',
  'q=',
  '+',
  '%25',
  '%2525',
]
const more = [
  '/',
  '/.',
  '/%2e',
  '%2f',
  '..;',
  '.',
  'token=',
  '%',
  '[',
  'a',
  'application/',
  'gzip;',
  '-s-',
  '\\',
  '&',
  '0',
]
const endings = ['', '!', '"', 'x', ' x y', '%zz', '\x7f']
const texts = [...units, ...more].flatMap((unit) =>
  endings.map((ending) => ({ unit, ending, text: unit.repeat(LENGTH / unit.length) + ending })),
)

const readers: Record<string, (text: string) => unknown> = {
  parseCacheControl: (text) => [
    parseCacheControl(text),
    parseCacheControl(`a=${text}`),
    parseCacheControl(`a="${text}`),
  ],
  parseEntityTags: (text) => [parseEntityTags(text), parseEntityTags(`"${text}`)],
  isEntityTag: (text) => [isEntityTag(text), isEntityTag(`"${text}`)],
  parseHttpDate: (text) => [parseHttpDate(text, 0), parseHttpDate(`Wed,${text}`, 0)],
  parseTarget: (text) => unlessRefused(() => parseTarget(`/${text}`)),
  refuseDotSegments: (text) => unlessRefused(() => refuseDotSegments(`/${text}`)),
  chooseCoding: (text) => [chooseCoding(text, ['br']), chooseCoding(`gzip;${text}`, ['br'])],
  credentialOf: (text) => [credentialOf([], text, digest), withoutSecrets(`${text}=token`)],
  loggablePath: (text) => [loggablePath(`/app-manifests/a${text}`), loggablePath(`/applications/a${text}`)],
  repositoryOf: (text) => repositoryOf(`/repos/${text}`),
  returnTag: (text) => returnTag(`W/"weir-a-s-${text}"`, 'a'),
  asksForRaw: (text) => [asksForRaw(text, '/user'), asksForRaw(`application/${text}`, `/${text}`)],
}

function unlessRefused(read: () => unknown): unknown {
  try {
    return read()
  } catch (refused) {
    return refused
  }
}

describe('work grows no faster than the input', () => {
  test.each(Object.keys(readers))('%s', (name) => {
    const read = readers[name]!
    let done = 0
    for (const { text } of texts) {
      read(text)
      done++
    }
    expect(done).toBe(texts.length)
  })
})
