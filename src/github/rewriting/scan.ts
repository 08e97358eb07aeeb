import {
  APP_KEY,
  CLOSED,
  CLOSED_MAP,
  classifyKey,
  LINKS_KEY,
  LONGEST_KEY,
  NAMED_KEY,
  PAYLOAD_KEY,
  PLAIN_URL,
  URL_KEY,
} from './keys.ts'
import type { PlaceCollector } from './places.ts'
import { matchRoot, NO_MATCH, RAN_OUT, type RootBytes } from './roots.ts'
import type { RewriteRules } from './rules.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const ARRAY_OPEN = 0x5b
const ARRAY_CLOSE = 0x5d
const OBJECT_OPEN = 0x7b
const OBJECT_CLOSE = 0x7d

/** What is known of an open container. */
const IS_OBJECT = 1
const IS_PEOPLES = 2
const IS_LINKS = 4
const IS_APP = 8

/** Containers nested deeper are passed over. GitHub's answers stay below 20; memory must not grow with what is sent. */
export const DEEPEST = 100

/**
 * Reads JSON, in one piece or in several, and notes where URLs of the upstream begin.
 *
 * It does not check grammar: in JSON that is broken it finds what stood before the fault, and perhaps some after it; it never
 * throws. Each string is looked at only as far as needed to tell whether a root begins it, so that nothing has to be held but
 * an unfinished key (up to `LONGEST_KEY` bytes) or the beginning of an unfinished URL.
 */
export class UrlScanner {
  readonly #roots: RootBytes
  readonly #rules: RewriteRules
  readonly #first: number
  readonly #frames = new Uint8Array(DEEPEST + 1)
  #depth = 0
  #expectKey = false
  #keyClass = 0
  #inString = false

  constructor(roots: RootBytes, rules: RewriteRules) {
    this.#roots = roots
    this.#rules = rules
    this.#first = roots.pairs[0]?.upstream[0] ?? -1
  }

  /**
   * Scans the next bytes and adds places, as offsets in `bytes`. Returns how many bytes are done with; the rest, which is
   * empty when `last`, must be put in front of what comes next.
   */
  scan(bytes: Uint8Array, last: boolean, places: PlaceCollector): number {
    const end = bytes.length
    const view = new DataView(bytes.buffer, bytes.byteOffset, end)
    const frames = this.#frames
    const rules = this.#rules
    const first = this.#first
    let depth = this.#depth
    let frame = depth > DEEPEST ? IS_PEOPLES : frames[depth]!
    let expectKey = this.#expectKey
    // A key is classified when its value turns out to matter, which is seldom. Until then its bounds are kept; -1: none are.
    let keyClass = this.#keyClass
    let keyStart = -1
    let keyEnd = 0
    let at = 0

    if (this.#inString) {
      at = endOfString(bytes, view, 0)
      if (at > end) return this.#insideString(bytes, last)
      this.#inString = false
    }

    while (at < end) {
      const byte = bytes[at]
      if (byte === QUOTE) {
        const start = at + 1
        let inside = start
        if ((frame & (IS_OBJECT | IS_PEOPLES)) === IS_OBJECT) {
          if (expectKey) {
            let close = start
            while (close < end && bytes[close] !== QUOTE) close += bytes[close] === BACKSLASH ? 2 : 1
            if (close < end) {
              keyStart = start
              keyEnd = close
              expectKey = false
              at = close + 1
              continue
            }
            if (last) return end
            if (end - start <= LONGEST_KEY) {
              this.#save(depth, true, 0)
              return at
            }
            this.#save(depth, false, CLOSED)
            return this.#insideString(bytes, last)
          }
          if (bytes[start] === first || start === end) {
            const match = matchRoot(this.#roots, bytes, start)
            if (match !== NO_MATCH) {
              if (keyStart >= 0) {
                keyClass = classifyKey(rules.keys, bytes, keyStart, keyEnd)
                keyStart = -1
              }
              if (match === RAN_OUT) {
                if (!last) {
                  this.#save(depth, false, keyClass)
                  return at
                }
              } else if (this.#isUrl(keyClass, frame, depth)) {
                places.add(start, match >>> 8, match & 0xff)
              }
              if (match > 0) inside += match >>> 8
            }
          }
        }
        // The key has had its value; what follows a fault must not be taken for another one.
        keyStart = -1
        keyClass = 0
        at = endOfString(bytes, view, inside)
        if (at > end) {
          this.#save(depth, expectKey, keyClass)
          return this.#insideString(bytes, last)
        }
        continue
      }
      if (byte === COMMA) {
        expectKey = (frame & IS_OBJECT) !== 0
      } else if (byte === OBJECT_OPEN || byte === ARRAY_OPEN) {
        if (keyStart >= 0) {
          keyClass = classifyKey(rules.keys, bytes, keyStart, keyEnd)
          keyStart = -1
        }
        frame = this.#child(frame, keyClass, depth, byte === OBJECT_OPEN)
        depth++
        if (depth > DEEPEST) frame = IS_PEOPLES
        else frames[depth] = frame
        expectKey = (frame & IS_OBJECT) !== 0
        keyClass = 0
      } else if (byte === OBJECT_CLOSE || byte === ARRAY_CLOSE) {
        if (depth > 0) depth--
        frame = depth > DEEPEST ? IS_PEOPLES : frames[depth]!
        expectKey = false
        keyStart = -1
        keyClass = 0
      }
      at++
    }
    if (keyStart >= 0) keyClass = classifyKey(rules.keys, bytes, keyStart, keyEnd)
    this.#save(depth, expectKey, keyClass)
    return end
  }

  #isUrl(keyClass: number, frame: number, depth: number): boolean {
    if ((keyClass & CLOSED) !== 0) return false
    if (this.#rules.outermostOnly && depth !== 1) return (keyClass & NAMED_KEY) !== 0
    if ((frame & IS_LINKS) !== 0) return true
    if ((frame & IS_APP) !== 0 && (keyClass & PLAIN_URL) !== 0) return false
    return (keyClass & URL_KEY) !== 0
  }

  /** The frame of a container that begins as the value of a key of this class, or as an element of a list. */
  #child(parent: number, keyClass: number, depth: number, isObject: boolean): number {
    const kind = isObject ? IS_OBJECT : 0
    if ((parent & IS_PEOPLES) !== 0) return kind | IS_PEOPLES
    if ((keyClass & CLOSED) !== 0 && !this.#isEventPayload(keyClass, depth)) return kind | IS_PEOPLES
    if ((keyClass & CLOSED_MAP) !== 0 && isObject) return kind | IS_PEOPLES
    if ((keyClass & LINKS_KEY) !== 0) return kind | IS_LINKS
    if ((keyClass & APP_KEY) !== 0) return kind | IS_APP
    return kind
  }

  /** Whether this is the `payload` of an object in the outermost list, in an answer that lists events. */
  #isEventPayload(keyClass: number, depth: number): boolean {
    if (!this.#rules.eventPayload || (keyClass & PAYLOAD_KEY) === 0) return false
    return depth === 2 && (this.#frames[1]! & IS_OBJECT) === 0
  }

  #save(depth: number, expectKey: boolean, keyClass: number): void {
    this.#depth = depth
    this.#expectKey = expectKey
    this.#keyClass = keyClass
  }

  /** The bytes end inside a string that needs no further look; a lone backslash waits for what it escapes. */
  #insideString(bytes: Uint8Array, last: boolean): number {
    this.#inString = true
    if (last) return bytes.length
    let backslashes = 0
    while (bytes[bytes.length - 1 - backslashes] === BACKSLASH) backslashes++
    return bytes.length - (backslashes % 2)
  }
}

/**
 * Position after the closing quote of the string in which `from` lies, or beyond `bytes.length` if it does not end here. Four
 * bytes at a time: most of a body is the inside of strings, and a native search costs more to call than such a string has bytes.
 */
function endOfString(bytes: Uint8Array, view: DataView, from: number): number {
  const end = bytes.length
  const lastWord = end - 4
  let at = from
  for (;;) {
    while (at <= lastWord && !hasStop(view.getInt32(at, true))) at += 4
    const stop = Math.min(end, at + 4)
    while (at < stop) {
      const byte = bytes[at]
      if (byte === QUOTE) return at + 1
      at += byte === BACKSLASH ? 2 : 1
    }
    // After a backslash at the very end, or at it, what is escaped has not come yet.
    if (at >= end) return end + 1
  }
}

/** Whether one of four bytes is a quote or a backslash: a byte is zero where subtracting one borrows into its top bit. */
function hasStop(word: number): boolean {
  const quote = word ^ 0x22222222
  const backslash = word ^ 0x5c5c5c5c
  return ((((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash)) & 0x80808080) !== 0
}
