import fc from 'fast-check'
import { FAULTS, type Fault } from './exchange.ts'
import { HINTS, type Hint, type LimitsProfile, type RateLimited } from './limits.ts'
import { ACCEPTS, type App, COLLECTIONS, type Command, type Holding, type Plan, THINGS } from './plan.ts'
import { DIRECTIVES, type Directive } from './reading.ts'
import { RESOURCES, WRITINGS } from './resources.ts'
import type { Settings } from './rules.ts'
import { ACCOUNTS, type Level, type Profile, REPOSITORIES, type TagRule } from './world.ts'

/** Makes plans by chance. */

const PRIVATE = 'private, max-age=60, s-maxage=60'
const PUBLIC = 'public, max-age=60, s-maxage=60'
const LENIENT = 'max-age=10, public, stale-while-revalidate=60, stale-if-error=120'

const often = <T>(first: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 2 * others.length + 1, arbitrary: fc.constant(first) }, fc.constantFrom(first, ...others))

const limits: fc.Arbitrary<LimitsProfile> = fc.record({
  counts: fc.constantFrom(true, true, true, false),
  windowSeconds: fc.constantFrom(60, 120, 600, 3600),
  namesResource: fc.boolean(),
  refusesWith: fc.constantFrom(403, 429),
  chargesAddress: fc.boolean(),
})

const profile: fc.Arbitrary<Profile> = fc.record({
  rule: fc.oneof(
    { weight: 4, arbitrary: fc.constant<TagRule>('github') },
    fc.constantFrom<TagRule>('opaque', 'body', 'version', 'none'),
  ),
  readsLists: fc.constantFrom(true, true, true, false),
  tagOn304: fc.constantFrom(true, true, true, false),
  linkOn304: fc.boolean(),
  mediaTypeOn304: fc.boolean(),
  credentialed: fc.constantFrom(
    ...[PRIVATE, PRIVATE, PRIVATE, PRIVATE, PRIVATE, PRIVATE],
    ...[PUBLIC, PUBLIC, PUBLIC, LENIENT, LENIENT, LENIENT],
    'private, max-age=60, must-revalidate',
    'private, stale-while-revalidate=30',
    'no-cache',
    'no-store',
    undefined,
  ),
  anonymous: often<string | undefined>(PUBLIC, LENIENT, PRIVATE, 'max-age=20', undefined),
  onErrors: fc.boolean(),
  limits,
})

const settings: fc.Arbitrary<Settings> = fc.record({
  freshness: fc.constantFrom<Settings['freshness']>(
    { mode: 'upstream' },
    { mode: 'upstream' },
    { mode: 'upstream' },
    { mode: 'duration', milliseconds: 30_000 },
    { mode: 'duration', milliseconds: 30_000 },
    { mode: 'revalidate' },
  ),
  stale: often<Settings['stale']>(
    { milliseconds: 300_000, isSet: false },
    { milliseconds: 60_000, isSet: true },
    { milliseconds: 0, isSet: true },
  ),
})

const steps = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ max: 12, min: 4 }),
)
const caller = fc.nat({ max: 3 })
/** In the order of how often they come. */
const cast = fc.array(fc.constantFrom(0, 1, 2, 0, 1, 2, 3, 0, 1, 3, 4, 5), { minLength: 1, maxLength: 4 })
const app = fc.constantFrom<App>(0, 0, 0, 1)
const oneOf = (list: readonly unknown[]) => fc.nat({ max: list.length - 1 })

function of<Kind extends Command['kind'], Rest>(kind: Kind, rest: { [Name in keyof Rest]: fc.Arbitrary<Rest[Name]> }) {
  return fc.record({ kind: fc.constant(kind), steps, ...rest }) as fc.Arbitrary<{ kind: Kind; steps: number } & Rest>
}

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 24,
    arbitrary: of('read', {
      caller,
      resource: fc.nat({ max: 2 }),
      method: often<'GET' | 'HEAD'>('GET', 'GET', 'HEAD'),
      accept: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, oneOf(ACCEPTS)),
      apiVersion: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
      holding: often<Holding>(
        'nothing',
        'own',
        'own',
        'older',
        'several',
        'of another',
        'foreign',
        'garbage',
        'date',
        'both',
      ),
      directive: fc.oneof(
        { weight: 5, arbitrary: fc.constant(undefined) },
        { weight: 2, arbitrary: fc.constantFrom(...DIRECTIVES) },
        fc.constantFrom<Directive>('no-cache', 'no-store', 'max-age=20', 'max-stale=60'),
      ),
      times: fc.constantFrom(1, 1, 1, 2, 3),
      app,
    }),
  },
  { weight: 5, arbitrary: of('write', { caller, writing: fc.oneof(oneOf(WRITINGS), fc.constantFrom(0, 1)), app }) },
  { weight: 2, arbitrary: of('leave', { request: fc.nat({ max: 5 }) }) },
  {
    weight: 3,
    arbitrary: of('allow', {
      account: fc.constantFrom(...ACCOUNTS),
      repository: fc.constantFrom(...REPOSITORIES),
      level: fc.constantFrom<Level>('none', 'blocked', 'challenged', 'read', 'write'),
    }),
  },
  { weight: 3, arbitrary: of('change', { thing: oneOf(THINGS), value: fc.nat({ max: 2 }) }) },
  { weight: 3, arbitrary: of('grow', { thing: oneOf(COLLECTIONS), items: fc.nat({ max: 6 }) }) },
  { weight: 2, arbitrary: of('rotate', { caller, revokes: fc.boolean() }) },
  { weight: 1, arbitrary: of('rescope', { caller }) },
  { weight: 2, arbitrary: of('revoke', { caller }) },
  { weight: 4, arbitrary: of('fault', { fault: fc.constantFrom(...FAULTS) }) },
  {
    weight: 1,
    arbitrary: of('flip', { rule: fc.constantFrom<TagRule>('github', 'opaque', 'body', 'version', 'none') }),
  },
  {
    weight: 4,
    arbitrary: of('wait', { milliseconds: fc.constantFrom(400, 1_100, 15_000, 31_000, 61_000, 400_000) }),
  },
  { weight: 4, arbitrary: of('rest', {}) },
  { weight: 1, arbitrary: of('restart', {}) },
  { weight: 2, arbitrary: of('release', {}) },
)

const whole: fc.Arbitrary<Plan> = fc.record({
  profile,
  settings,
  focus: fc.array(fc.oneof(oneOf(RESOURCES), fc.constantFrom(0, 1, 3)), { minLength: 1, maxLength: 3 }),
  cast,
  store: often<Plan['store']>('at once', 'later'),
  maxEntryBytes: often(100_000, 300),
  bodyBytes: often(1_000_000, 1_500),
  commands: fc.array(command, { minLength: 1, maxLength: 32, size: 'max' }),
})

/** One caller and one thing that changes while several questions about it are out: answers overtake each other. */
const races: fc.Arbitrary<Plan> = fc
  .tuple(
    whole,
    fc.array(
      fc.oneof(
        {
          weight: 5,
          arbitrary: of('read', {
            caller: fc.constant(0),
            resource: fc.constant(0),
            method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD'),
            accept: fc.constant(0),
            apiVersion: fc.constant(false),
            holding: fc.constantFrom('nothing', 'nothing', 'own'),
            directive: fc.constantFrom<Directive>(undefined, undefined, undefined, 'no-cache', 'no-cache', 'no-store'),
            times: fc.constant(1),
            app: fc.constant<App>(0),
          }),
        },
        { weight: 2, arbitrary: of('change', { thing: fc.constant(0), value: fc.nat({ max: 2 }) }) },
        {
          weight: 1,
          arbitrary: of('allow', {
            account: fc.constant('ann' as const),
            repository: fc.constant('one' as const),
            level: fc.constantFrom<Level>('none', 'read', 'write'),
          }),
        },
        { weight: 1, arbitrary: of('rest', {}) },
      ),
      { minLength: 1, maxLength: 24, size: 'max' },
    ),
  )
  .map(([plan, commands]) => ({
    ...plan,
    profile: { ...plan.profile, credentialed: PUBLIC },
    settings: { ...plan.settings, freshness: { mode: 'upstream' } },
    focus: [0],
    cast: [0],
    commands,
  }))

/** Few callers who ask for little, while limits come and go. */
const limited: fc.Arbitrary<Plan> = fc
  .tuple(
    whole,
    fc.array(
      fc.oneof(
        {
          weight: 12,
          arbitrary: of('read', {
            caller,
            resource: fc.nat({ max: 2 }),
            method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD'),
            accept: fc.constant(0),
            apiVersion: fc.constant(false),
            holding: fc.constantFrom<Holding>('nothing', 'nothing', 'own'),
            directive: fc.constantFrom<Directive>(undefined, undefined, undefined, 'no-cache', 'no-store', 'max-stale'),
            times: fc.constantFrom(1, 1, 2, 3),
            app: fc.constantFrom<App>(0, 1),
          }),
        },
        { weight: 3, arbitrary: of('write', { caller, writing: fc.constantFrom(0, 1, 5), app }) },
        {
          weight: 3,
          arbitrary: of('leave over', {
            caller,
            resource: fc.constantFrom<RateLimited>('core', 'core', 'search'),
            left: fc.constantFrom(0, 0, 1, 2, 5, 1000),
          }),
        },
        {
          weight: 3,
          arbitrary: of('slow down', {
            caller,
            milliseconds: fc.constantFrom(1_500, 3_000, 4_500, 20_000, 130_000, 400_000),
            hint: fc.constantFrom<Hint>(...HINTS),
          }),
        },
        {
          weight: 2,
          arbitrary: of('fault', { fault: fc.constantFrom<Fault>('429', 'limit', 'stall', 'lost late', '500') }),
        },
        {
          weight: 6,
          arbitrary: of('wait', {
            milliseconds: fc.constantFrom(400, 1_100, 3_000, 6_000, 31_000, 61_000, 61_000, 130_000),
          }),
        },
        { weight: 4, arbitrary: of('rest', {}) },
        { weight: 2, arbitrary: of('leave', { request: fc.nat({ max: 5 }) }) },
        { weight: 2, arbitrary: of('change', { thing: fc.constantFrom(0, 2, 3), value: fc.nat({ max: 2 }) }) },
        { weight: 1, arbitrary: of('rotate', { caller, revokes: fc.boolean() }) },
        { weight: 1, arbitrary: of('revoke', { caller }) },
        { weight: 1, arbitrary: of('release', {}) },
      ),
      { minLength: 1, maxLength: 32, size: 'max' },
    ),
    fc.array(fc.constantFrom(0, 3, 5, 8), { minLength: 1, maxLength: 3 }),
    fc.array(fc.constantFrom(0, 0, 1, 2, 3, 4), { minLength: 1, maxLength: 3 }),
  )
  .map(([plan, commands, focus, cast]) => ({ ...plan, focus, cast, commands }))

export const plans: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 3, arbitrary: whole },
  { weight: 1, arbitrary: races },
  { weight: 1, arbitrary: limited },
)
