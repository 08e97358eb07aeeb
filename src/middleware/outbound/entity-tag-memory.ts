import { type CredentialKind, type HashedFields, USUAL_FIELDS } from '../../github/entity-tag-rule.ts'
import { asksForRaw } from '../../github/media-type.ts'
import { RouteMemory } from './route-memory.ts'

/**
 * What the upstream's entity tags and its reading of conditions are like, learnt for each kind of route from its own
 * answers: nothing is predicted on faith, and what does not work is given up for what does.
 */
export class EntityTagMemory {
  readonly #routes: RouteMemory<EntityTagHabit>
  readonly #evidence: Record<keyof Evidence, number> = { matched: 0, differed: 0, listsIgnored: 0, unnamed: 0 }

  constructor() {
    // Whether lists are read is mostly one fact about the whole server: a route begins with what was learnt last.
    let latest: ConditionLevel = 'list'
    const noteLevel = (level: ConditionLevel) => {
      latest = level
    }
    this.#routes = new RouteMemory(() => new EntityTagHabit(latest, this.#evidence, noteLevel))
  }

  /** @param accept the request's `Accept`, lines joined */
  of(path: string, accept?: string): EntityTagHabit {
    return this.#routes.of(routeOf(path, accept))
  }

  /** The same, to note what an answer of the upstream taught. */
  learning(path: string, accept?: string): EntityTagHabit {
    return this.#routes.learning(routeOf(path, accept))
  }

  /** What the habits rest on, counted since the start; for metrics. */
  evidence(): Evidence {
    return this.#evidence
  }
}

/** A file and the JSON about it have tags of different kinds, though they are one route. */
function routeOf(path: string, accept: string | undefined): string {
  return asksForRaw(accept, path) ? `/raw${path}` : path
}

export interface Evidence {
  /** 200s whose tag was as predicted. */
  readonly matched: number
  /** 200s whose tag was another. */
  readonly differed: number
  /** 200s that carried a tag which had been sent in a list: the list was not read. */
  readonly listsIgnored: number
  /** 304s that named nothing that was sent. */
  readonly unnamed: number
}

/** How a question may be conditional: a list of tags, one tag alone, or not at all. */
export type ConditionLevel = 'list' | 'one' | 'none'

/** After so many differing tags in a row a rule that held before counts as gone. */
const DRIFTED = 3
/** 304s that named nothing, in a row, after which less is asked at a time. */
const UNNAMED = 2
/** Questions until more is tried again; doubled each time that it fails, for each try may cost a unit. */
const FIRST_PROBE = 32
const LAST_PROBE = 4096

export class EntityTagHabit {
  readonly #evidence: Record<keyof Evidence, number>
  readonly #noteLevel: (level: ConditionLevel) => void
  readonly #fields = new Map<CredentialKind, HashedFields>()
  #hasMatched = false
  #leavesTagsOut = false
  #lists: boolean | undefined
  #differedInARow = 0
  #unnamedInARow = 0
  #level: ConditionLevel
  #probeEvery = FIRST_PROBE
  #untilProbe = FIRST_PROBE
  #isProbing = false

  constructor(
    level: ConditionLevel,
    evidence: Record<keyof Evidence, number>,
    noteLevel: (level: ConditionLevel) => void,
  ) {
    this.#level = level
    this.#evidence = evidence
    this.#noteLevel = noteLevel
  }

  /**
   * Whether tags can be predicted here. Assumed until an answer says otherwise; one stray answer does not undo what held
   * before. Every 200 is looked at, so a rule that comes back is noticed by itself.
   */
  get isPredictable(): boolean {
    return !this.#leavesTagsOut && this.#differedInARow < (this.#hasMatched ? DRIFTED : 1)
  }

  /** Which request fields take part in the tags of this kind of credential. */
  fieldsOf(kind: CredentialKind): HashedFields {
    return this.#fields.get(kind) ?? USUAL_FIELDS
  }

  /** A 200 came whose tag was what these fields predict. */
  sawMatch(kind: CredentialKind, fields: HashedFields): void {
    this.#evidence.matched++
    this.#hasMatched = true
    this.#differedInARow = 0
    this.#fields.set(kind, fields)
  }

  /** A 200 came with another tag than its fields predict. */
  sawDifference(): void {
    this.#evidence.differed++
    this.#differedInARow++
  }

  /** Whether answers here can be lists, and so empty ones. Assumed until one came, and it was none. */
  get mayBeList(): boolean {
    return this.#lists !== false
  }

  /** A 200 came whose body is a list, or is not. */
  sawList(isList: boolean): void {
    this.#lists = isList || this.#lists === true
  }

  /** How the next question may be asked. Now and then more is tried than is known to work: upstreams are upgraded. */
  nextLevel(): ConditionLevel {
    if (this.#level === 'list' || this.#untilProbe-- > 0) return this.#level
    this.#untilProbe = this.#probeEvery
    this.#isProbing = true
    return this.#level === 'none' ? 'one' : 'list'
  }

  /**
   * A 304 confirmed what was sent.
   *
   * @param tags how many were sent
   * @param isTagged whether it has a tag of its own
   */
  sawNamed(level: ConditionLevel, tags: number, isTagged = true): void {
    if (isTagged) this.#leavesTagsOut = false
    this.#unnamedInARow = 0
    if (level === 'list' && tags < 2) return
    if (rank(level) > rank(this.#level)) this.#become(level, FIRST_PROBE)
  }

  /** A 200 carried a tag that was among several sent. */
  sawListIgnored(): void {
    this.#evidence.listsIgnored++
    if (this.#isNews('list') && this.#level !== 'none') this.#become('one', this.#nextProbe())
  }

  /**
   * A 304 named nothing that was sent.
   *
   * @param isTagged whether it has a tag at all: without one it is good for a caller's own tag that is sent alone, and for
   *   nothing else
   */
  sawUnnamed(level: ConditionLevel, isTagged = true): void {
    this.#evidence.unnamed++
    if (!isTagged) {
      this.#leavesTagsOut = true
      if (level === 'list' && this.#isNews(level)) this.#become('one', this.#nextProbe())
      return
    }
    if (!this.#isNews(level) || (++this.#unnamedInARow < UNNAMED && this.#level === 'list')) return
    this.#unnamedInARow = 0
    this.#become(level === 'list' ? 'one' : 'none', this.#nextProbe())
  }

  /** Questions that were out together fail together: those that come after the first tell nothing that it did not. */
  #isNews(level: ConditionLevel): boolean {
    return this.#isProbing || level === this.#level
  }

  #nextProbe(): number {
    return this.#level === 'list' ? FIRST_PROBE : Math.min(LAST_PROBE, this.#probeEvery * 2)
  }

  #become(level: ConditionLevel, probeEvery: number): void {
    this.#level = level
    this.#probeEvery = probeEvery
    this.#untilProbe = probeEvery
    this.#isProbing = false
    if (level !== 'none') this.#noteLevel(level)
  }
}

function rank(level: ConditionLevel): number {
  return level === 'list' ? 2 : level === 'one' ? 1 : 0
}
