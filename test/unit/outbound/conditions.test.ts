import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { opaqueTag, parseEntityTags } from '../../../src/http/entity-tag.ts'
import type { StoredAnswer } from '../../../src/middleware/outbound/exchange.ts'
import { LinkHabit } from '../../../src/middleware/outbound/link-memory.ts'
import type { Prediction } from '../../../src/middleware/outbound/predict.ts'
import {
  type Conditions,
  composeConditions,
  confirmedBy,
  leavesLinkOpen,
  UNCONDITIONAL,
  type Validators,
} from '../../../src/middleware/outbound/validators.ts'
import type { KnownRepresentation, Validation } from '../../../src/ports.ts'
import { body, validation } from '../../contract/cache-store.contract.ts'
import { questionFor } from './harness.ts'

const NOW = 1_776_254_400_000
const DATE = 'Wed, 15 Apr 2026 12:00:00 GMT'
const LATER = 'Wed, 15 Apr 2026 13:00:00 GMT'

function stored(more: Partial<Validation> = {}): StoredAnswer {
  const made = { etag: 'W/"own"', headers: [], nextPage: 'none', linkGoodUntil: 0, ...more } as const
  return { validation: validation('own body', made), body: body('own body') }
}

function prediction(opaque: string, more: Partial<KnownRepresentation> = {}): Prediction {
  const bodyKey = more.bodyKey ?? `body of ${opaque}`
  const representation: KnownRepresentation = {
    bodyKey,
    length: bodyKey.length,
    contentType: 'application/json',
    lastModified: LATER,
    mediaType: undefined,
    accept: undefined,
    seenWithLink: false,
    nextPage: 'none',
    ...more,
  }
  return { opaque, body: body(bodyKey), representation, fields: { accept: true, authorization: true } }
}

/** A habit of routes whose 304s leave `Link` out: doubtful pages are fetched at once. */
function omitting(): LinkHabit {
  const habit = new LinkHabit()
  habit.sawLinkOnlyOn200()
  return habit
}

function sending(): LinkHabit {
  const habit = new LinkHabit()
  habit.sawLinkOn304()
  return habit
}

type Composed = Partial<Validators> & { clientTags?: string[]; clientModifiedSince?: string }

function compose({ clientTags = [], clientModifiedSince, ...validators }: Composed): Conditions {
  const client = clientModifiedSince === undefined ? { clientTags } : { clientTags, clientModifiedSince }
  return composeConditions(questionFor({ authorization: 'token one', ...client }), {
    stored: undefined,
    predictions: [],
    level: 'list',
    link: new LinkHabit(),
    now: NOW,
    ...validators,
  })
}

const tagsOf = ({ candidates }: Conditions) => candidates.map(({ of, tag }) => `${of} ${tag}`)

describe('the validators that are sent', () => {
  test('are the own tag first, then what the client holds, then what is predicted, in this order', () => {
    const conditions = compose({
      stored: stored(),
      clientTags: ['W/"c1"', '"c2"'],
      predictions: [prediction('p1'), prediction('p2')],
    })
    expect(tagsOf(conditions)).toEqual([
      'stored W/"own"',
      'client W/"c1"',
      'client "c2"',
      'prediction "p1"',
      'prediction "p2"',
    ])
    expect(conditions.fields).toEqual(['if-none-match', 'W/"own", W/"c1", "c2", "p1", "p2"'])
    expect(conditions).toMatchObject({ level: 'list', date: undefined })
  })

  test('are the client’s and the predicted where nothing is stored', () => {
    const conditions = compose({ clientTags: ['"c"'], predictions: [prediction('p')] })
    expect(tagsOf(conditions)).toEqual(['client "c"', 'prediction "p"'])
  })

  test('are none where there are none', () => {
    expect(compose({})).toEqual(UNCONDITIONAL)
    expect(compose({ stored: stored({ etag: undefined }) })).toEqual(UNCONDITIONAL)
    expect(UNCONDITIONAL).toEqual({ level: 'none', candidates: [], date: undefined, fields: [] })
  })

  test('are none at all on the lowest level', () => {
    const everything = { stored: stored(), clientTags: ['"c"'], predictions: [prediction('p')] }
    expect(compose({ ...everything, level: 'none' })).toEqual(UNCONDITIONAL)
    expect(compose({ clientModifiedSince: DATE, level: 'none' })).toEqual(UNCONDITIONAL)
    expect(compose({ stored: stored({ etag: undefined, lastModified: DATE }), level: 'none' })).toEqual(UNCONDITIONAL)
  })

  test.each<[string, Composed, string]>([
    ['the own tag', { stored: stored(), clientTags: ['"c"'], predictions: [prediction('p')] }, 'stored W/"own"'],
    ['else the client’s first', { clientTags: ['"c"', '"d"'], predictions: [prediction('p')] }, 'client "c"'],
    ['else the likeliest prediction', { predictions: [prediction('p'), prediction('q')] }, 'prediction "p"'],
  ])('where lists are not read: %s, alone', (_name, validators, only) => {
    const conditions = compose({ ...validators, level: 'one' })
    expect(tagsOf(conditions)).toEqual([only])
    expect(conditions.level).toBe('one')
    expect(conditions.fields).toEqual(['if-none-match', only.split(' ')[1]])
  })

  test('name nothing twice: not the body that is stored, not a tag in two forms', () => {
    const conditions = compose({
      stored: stored({ etag: 'W/"same"' }),
      clientTags: ['"same"', 'W/"c"', '"c"'],
      predictions: [prediction('same', { bodyKey: 'other body' }), prediction('x', { bodyKey: 'own body' })],
    })
    expect(tagsOf(conditions)).toEqual(['stored W/"same"', 'client "c"'])
  })

  test('take a tag that is the client’s and predicted for the prediction, at the client’s place', () => {
    const conditions = compose({
      clientTags: ['W/"p2"', '"c"'],
      predictions: [prediction('p1'), prediction('p2')],
    })
    expect(tagsOf(conditions)).toEqual(['prediction "p2"', 'client "c"', 'prediction "p1"'])
    const alone = compose({ clientTags: ['W/"p2"'], predictions: [prediction('p1'), prediction('p2')], level: 'one' })
    expect(tagsOf(alone)).toEqual(['prediction "p2"'])
  })
})

describe('dates', () => {
  const dated = stored({ etag: undefined, lastModified: DATE })

  test('go for the own copy that has no tag, and then alone', () => {
    const conditions = compose({ stored: dated, clientTags: ['"c"'], predictions: [prediction('p')] })
    expect(conditions).toEqual({
      level: 'list',
      candidates: [],
      date: 'stored',
      fields: ['if-modified-since', DATE],
    })
  })

  test.each<[string, Partial<Validation>, boolean]>([
    ['sent a second after it was changed', { headers: ['date', 'Wed, 15 Apr 2026 12:00:01 GMT'] }, true],
    ['sent in the second in which it was changed', { headers: ['date', DATE] }, false],
    ['sent before it was changed, by another clock', { headers: ['date', 'Wed, 15 Apr 2026 11:00:00 GMT'] }, false],
    ['sent at a time that nobody can read', { headers: ['date', 'yesterday'] }, true],
    ['changed at a time that nobody can read', { headers: ['date', DATE], lastModified: 'yesterday' }, true],
  ])('go only where they can tell a copy from the next: %s', (_name, more, goes) => {
    const copy = { etag: undefined, lastModified: DATE, ...more }
    const conditions = compose({ stored: stored(copy), predictions: [prediction('p')] })
    expect(conditions.fields).toEqual(goes ? ['if-modified-since', copy.lastModified] : ['if-none-match', '"p"'])
  })

  test('never go beside a tag, nor where there is one', () => {
    const conditions = compose({ stored: stored({ lastModified: DATE }), clientModifiedSince: LATER })
    expect(conditions.fields).toEqual(['if-none-match', 'W/"own"'])
    expect(conditions.date).toBeUndefined()
  })

  test('are the client’s where nothing is stored and no tag is known', () => {
    expect(compose({ clientModifiedSince: DATE })).toMatchObject({
      date: 'client',
      candidates: [],
      fields: ['if-modified-since', DATE],
    })
    expect(compose({ clientModifiedSince: DATE, predictions: [prediction('p')] })).toMatchObject({
      date: undefined,
      fields: ['if-none-match', '"p"'],
    })
  })

  test('are the client’s rather than what nobody was sent yet, where nothing is stored', () => {
    const guess: Prediction = { ...prediction('guess'), isGuess: true }
    const dateOf = (more: Composed) => compose({ clientModifiedSince: DATE, ...more }).fields
    expect(dateOf({ predictions: [guess] })).toEqual(['if-modified-since', DATE])
    expect(dateOf({ predictions: [guess], level: 'one' })).toEqual(['if-modified-since', DATE])
    expect(dateOf({ predictions: [prediction('p'), guess] })).toEqual(['if-none-match', '"p", "guess"'])
    expect(dateOf({ predictions: [guess], clientTags: ['"c"'] })).toEqual(['if-none-match', '"c", "guess"'])
    expect(dateOf({ predictions: [guess], stored: stored({ etag: undefined }) })).toEqual(['if-none-match', '"guess"'])
    expect(compose({ predictions: [guess] }).fields).toEqual(['if-none-match', '"guess"'])
  })

  test('are not the client’s where a copy is stored that has its own, or none', () => {
    expect(compose({ stored: dated, clientModifiedSince: LATER }).fields).toEqual(['if-modified-since', DATE])
    expect(compose({ stored: stored({ etag: undefined }), clientModifiedSince: LATER })).toEqual(UNCONDITIONAL)
  })

  test('are never those of a body that others were sent', () => {
    const doubtful = prediction('p', { seenWithLink: true, lastModified: DATE })
    expect(compose({ predictions: [doubtful], link: omitting() })).toEqual(UNCONDITIONAL)
  })
})

describe('the length of the field', () => {
  const long = (letter: string, length: number) => letter.repeat(length - 2)
  const lengthOf = ({ fields }: Conditions) => fields[1]!.length

  test('is bounded for all but the first tag, so that an own one of 8 kB still goes', () => {
    const own = `"${'x'.repeat(8192)}"`
    const conditions = compose({ stored: stored({ etag: own }), predictions: [prediction('p'), prediction('q')] })
    expect(tagsOf(conditions)).toEqual([`stored ${own}`, 'prediction "p"', 'prediction "q"'])
  })

  test('lets some thirty predictions go', () => {
    const predictions = Array.from({ length: 100 }, (_, index) => prediction(index.toString(16).padStart(64, '0')))
    const conditions = compose({ stored: stored(), predictions })
    expect(conditions.candidates).toHaveLength(31)
    expect(lengthOf(conditions)).toBeLessThanOrEqual(8 + 2048)
  })

  test.each([
    [1024, 1024, 3],
    [1024, 1025, 2],
  ])('counts the comma and the space: tags of %i and %i bytes with both', (one, other, sent) => {
    const predictions = [prediction(long('p', one - 2)), prediction(long('q', other - 2))]
    expect(compose({ stored: stored(), predictions }).candidates).toHaveLength(sent)
  })

  test('is not for the client to choose: its tags are bounded like all others', () => {
    const clientTags = Array.from({ length: 64 }, (_, index) => `"${long(String.fromCharCode(65 + index), 100)}"`)
    const conditions = compose({ stored: stored(), clientTags })
    expect(conditions.candidates.length).toBeGreaterThan(15)
    expect(lengthOf(conditions)).toBeLessThanOrEqual(8 + 2048)
  })
})

describe('pages whose Link has run out, where 304s leave Link out', () => {
  const full = { nextPage: 'possible' } as const
  const linked = { headers: ['link', '<x>; rel="next"'] }

  test.each<[string, Partial<Validation>, boolean]>([
    ['a full page', full, false],
    ['a page with a Link', linked, false],
    ['a page that is not full', {}, true],
    ['a page whose body says how many there are', { ...linked, nextPage: 'stated' }, true],
    ['a full page whose Link is good still', { ...full, linkGoodUntil: NOW + 1 }, true],
    ['a page with a Link that is good until this moment', { ...linked, linkGoodUntil: NOW }, false],
  ])('of the own: %s', (_name, more, isSent) => {
    const conditions = compose({ stored: stored(more), link: omitting() })
    expect(tagsOf(conditions)).toEqual(isSent ? ['stored W/"own"'] : [])
  })

  test('nor does the date of such a copy go', () => {
    const dated = { etag: undefined, lastModified: DATE, ...full }
    expect(compose({ stored: stored(dated), link: omitting() })).toEqual(UNCONDITIONAL)
  })

  test.each<[string, Partial<KnownRepresentation>, boolean]>([
    ['a full page', full, false],
    ['one that was seen with a Link', { seenWithLink: true }, false],
    [
      'one that was seen with a Link, however many it says there are',
      { seenWithLink: true, nextPage: 'stated' },
      false,
    ],
    ['one that says how many there are', { nextPage: 'stated' }, true],
    ['a page that is not full', {}, true],
  ])('of others: %s', (_name, more, isSent) => {
    const predictions = [prediction('p', more), prediction('sure')]
    const expected = isSent ? ['prediction "p"', 'prediction "sure"'] : ['prediction "sure"']
    expect(tagsOf(compose({ predictions, link: omitting() }))).toEqual(expected)
  })

  test('what is not doubtful goes all the same', () => {
    const conditions = compose({
      stored: stored(full),
      clientTags: ['"c"'],
      predictions: [prediction('doubtful', full), prediction('sure')],
      link: omitting(),
    })
    expect(tagsOf(conditions)).toEqual(['client "c"', 'prediction "sure"'])
    const own = compose({ stored: stored(), predictions: [prediction('doubtful', full)], link: omitting() })
    expect(tagsOf(own)).toEqual(['stored W/"own"'])
  })

  test('now and then they go, and only they count towards it', () => {
    const link = omitting()
    for (let count = 0; count < 100; count++) compose({ stored: stored(), predictions: [prediction('sure')], link })
    const sent: number[] = []
    for (let count = 1; count <= 51; count++) {
      if (compose({ stored: stored(full), link }).fields.length > 0) sent.push(count)
    }
    expect(sent).toEqual([17, 34, 51])
  })

  test.each([
    ['not known', () => new LinkHabit()],
    ['known to be carried', sending],
  ])('everything goes where Link on 304s is %s', (_name, link) => {
    const conditions = compose({ stored: stored(full), predictions: [prediction('p', full)], link: link() })
    expect(tagsOf(conditions)).toEqual(['stored W/"own"', 'prediction "p"'])
  })
})

describe('whatever there is to choose from', () => {
  const opaque = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'x'.repeat(900), 'y'.repeat(1500))
  const tag = fc.tuple(fc.boolean(), opaque).map(([weak, inner]) => `${weak ? 'W/' : ''}"${inner}"`)
  const nextPage = fc.constantFrom<Validation['nextPage']>('none', 'stated', 'possible')
  const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })
  const copy = fc
    .record({
      etag: maybe(tag),
      lastModified: maybe(fc.constant(DATE)),
      nextPage,
      linkGoodUntil: fc.constantFrom(0, NOW + 1),
    })
    .map(stored)
  const known = fc
    .record({
      inner: opaque,
      bodyKey: fc.constantFrom('own body', '1', '2', '3'),
      nextPage,
      seenWithLink: fc.boolean(),
    })
    .map(({ inner, ...more }) => prediction(inner, more))
  const choice = fc.record({
    stored: maybe(copy),
    predictions: fc.array(known, { maxLength: 6 }),
    clientTags: fc.array(tag, { maxLength: 5 }),
    clientModifiedSince: maybe(fc.constant(LATER)),
    level: fc.constantFrom<Conditions['level']>('list', 'one', 'none'),
    link: fc.constantFrom('unknown', 'sends', 'omits').map((what) => {
      return what === 'omits' ? omitting() : what === 'sends' ? sending() : new LinkHabit()
    }),
  })

  test('the field says what the candidates are, never too much, never twice, never with a date', () => {
    fc.assert(
      fc.property(choice, ({ clientModifiedSince, ...rest }) => {
        const conditions = compose({ ...rest, ...(clientModifiedSince === undefined ? {} : { clientModifiedSince }) })
        const { candidates, fields, date, level } = conditions
        if (level === 'none') expect(conditions).toEqual(UNCONDITIONAL)
        if (level === 'one') expect(candidates.length).toBeLessThanOrEqual(1)
        if (candidates.length === 0) {
          expect(fields[0]).toBe(date === undefined ? undefined : 'if-modified-since')
          return
        }
        expect(date).toBeUndefined()
        expect(fields).toHaveLength(2)
        expect(fields[0]).toBe('if-none-match')
        const tags = candidates.map(({ tag: each }) => each)
        expect(parseEntityTags(fields[1]!)).toEqual(tags)
        expect(new Set(tags.map(opaqueTag)).size).toBe(tags.length)
        expect(fields[1]!.length).toBeLessThanOrEqual(tags[0]!.length + 2048)
        for (const [index, candidate] of candidates.entries()) {
          if (candidate.of === 'stored') expect([index, candidate.tag]).toEqual([0, rest.stored?.validation.etag])
          if (candidate.of === 'client') expect(rest.clientTags).toContain(candidate.tag)
          if (candidate.of !== 'prediction') continue
          expect(rest.predictions).toContain(candidate.prediction)
          expect(opaqueTag(candidate.tag)).toBe(candidate.prediction.opaque)
          expect(candidate.prediction.body.key).not.toBe(rest.stored?.body.key)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('a 304 is taken for nothing that its tag does not name', () => {
    fc.assert(
      fc.property(choice, fc.option(tag, { nil: undefined }), ({ clientModifiedSince, ...rest }, named) => {
        const conditions = compose({ ...rest, ...(clientModifiedSince === undefined ? {} : { clientModifiedSince }) })
        const confirmed = confirmedBy(conditions, named)
        if (confirmed.what === 'prediction') expect(confirmed.prediction.opaque).toBe(opaqueTag(named!))
        if (confirmed.what === 'stored' && conditions.date === undefined && named !== undefined) {
          expect(opaqueTag(rest.stored!.validation.etag!)).toBe(opaqueTag(named))
        }
        if (conditions.fields.length === 0) expect(confirmed.what).toBe('nothing')
      }),
      { numRuns: 1000 },
    )
  })
})

describe('a 304', () => {
  const p = prediction('p')
  const all = compose({ stored: stored(), clientTags: ['W/"c"', '"d"'], predictions: [p, prediction('q')] })

  test.each([
    ['the own copy', '"own"', { what: 'stored' }],
    ['the own copy by its weak form', 'W/"own"', { what: 'stored' }],
    ['what the client holds, as it wrote it', '"c"', { what: 'client', tag: 'W/"c"' }],
    ['a prediction', '"p"', { what: 'prediction', prediction: p }],
    ['a prediction by its weak form', 'W/"p"', { what: 'prediction', prediction: p }],
    ['nothing by a tag that was never sent', '"z"', { what: 'nothing' }],
    ['nothing without a tag', undefined, { what: 'nothing' }],
    ['nothing with a tag without quotes', 'own', { what: 'nothing' }],
    ['nothing with two tags', '"own", "p"', { what: 'nothing' }],
    ['nothing with an empty field', '', { what: 'nothing' }],
    ['nothing in another case', '"OWN"', { what: 'nothing' }],
  ])('to a list confirms %s', (_name, tag, expected) => {
    expect(confirmedBy(all, tag)).toEqual(expected)
  })

  test.each<[string, Composed, string | undefined, string]>([
    ['the own tag', { stored: stored() }, undefined, 'stored'],
    ['the own tag, naming another', { stored: stored() }, '"z"', 'nothing'],
    ['the own tag, with half a tag', { stored: stored() }, '"own', 'nothing'],
    ['the client’s tag', { clientTags: ['"c"'] }, undefined, 'client'],
    ['two tags', { stored: stored(), clientTags: ['"c"'] }, undefined, 'nothing'],
    ['a predicted tag', { predictions: [prediction('p')] }, undefined, 'nothing'],
    [
      'a predicted tag that the client holds',
      { predictions: [prediction('p')], clientTags: ['"p"'] },
      undefined,
      'nothing',
    ],
    ['the own date', { stored: stored({ etag: undefined, lastModified: DATE }) }, undefined, 'stored'],
    ['the own date, with a tag', { stored: stored({ etag: undefined, lastModified: DATE }) }, '"z"', 'stored'],
    ['the client’s date', { clientModifiedSince: DATE }, undefined, 'client'],
    ['the client’s date, with a tag', { clientModifiedSince: DATE }, '"z"', 'client'],
    ['nothing', {}, undefined, 'nothing'],
    ['nothing, with a tag', {}, '"z"', 'nothing'],
  ])('to %s', (_name, validators, tag, what) => {
    expect(confirmedBy(compose(validators), tag).what).toBe(what)
  })

  test('without a tag says back the one that the client sent', () => {
    expect(confirmedBy(compose({ clientTags: ['W/"c"'] }), undefined)).toEqual({ what: 'client', tag: 'W/"c"' })
    expect(confirmedBy(compose({ clientModifiedSince: DATE }), '"z"')).toEqual({ what: 'client', tag: undefined })
  })
})

describe('whether a 304 leaves open which pages there are', () => {
  const LINK = '<x>; rel="next"'
  const withLink = ['link', LINK]
  const habits = { unknown: () => new LinkHabit(), sends: sending, omits: omitting }

  test.each<[string, Partial<Validation>, Record<keyof typeof habits, boolean>]>([
    ['not a full page', {}, { unknown: false, sends: false, omits: false }],
    ['not a full page, with a Link', { headers: withLink }, { unknown: true, sends: true, omits: true }],
    ['a full page', { nextPage: 'possible' }, { unknown: true, sends: false, omits: true }],
    [
      'a full page with a Link',
      { nextPage: 'possible', headers: withLink },
      { unknown: true, sends: true, omits: true },
    ],
    [
      'a full page whose Link is good still',
      { nextPage: 'possible', headers: withLink, linkGoodUntil: NOW + 1 },
      { unknown: false, sends: false, omits: false },
    ],
    [
      'a full page whose Link was good until now',
      { nextPage: 'possible', headers: withLink, linkGoodUntil: NOW },
      { unknown: true, sends: true, omits: true },
    ],
    [
      'one that says how many there are, with a Link',
      { nextPage: 'stated', headers: withLink },
      { unknown: false, sends: false, omits: false },
    ],
  ])('of the own: %s', (_name, more, expected) => {
    for (const [name, habit] of Object.entries(habits)) {
      const open = leavesLinkOpen(stored(more), undefined, habit(), NOW)
      expect([name, open]).toEqual([name, expected[name as keyof typeof habits]])
      expect(leavesLinkOpen(stored(more), LINK, habit(), NOW)).toBe(false)
    }
  })

  test.each<[string, Partial<KnownRepresentation>, Record<keyof typeof habits, boolean>]>([
    ['not a full page', {}, { unknown: false, sends: false, omits: false }],
    ['not a full page, seen with a Link', { seenWithLink: true }, { unknown: true, sends: true, omits: true }],
    ['a full page', { nextPage: 'possible' }, { unknown: true, sends: false, omits: true }],
    [
      'a full page, seen with a Link',
      { nextPage: 'possible', seenWithLink: true },
      { unknown: true, sends: true, omits: true },
    ],
    ['one that says how many there are', { nextPage: 'stated' }, { unknown: false, sends: false, omits: false }],
    [
      'one that says how many there are, seen with a Link',
      { nextPage: 'stated', seenWithLink: true },
      { unknown: true, sends: true, omits: true },
    ],
  ])('of others: %s', (_name, more, expected) => {
    for (const [name, habit] of Object.entries(habits)) {
      const open = leavesLinkOpen(prediction('p', more), undefined, habit(), NOW)
      expect([name, open]).toEqual([name, expected[name as keyof typeof habits]])
      expect(leavesLinkOpen(prediction('p', more), LINK, habit(), NOW)).toBe(false)
    }
  })
})
