import { describe, expect, test } from 'vitest'
import { clientValidators, isLeftOutOf304, isNotModified } from '../../../src/http/conditions.ts'

const NOW = Date.UTC(2026, 3, 15, 12)
const EARLIER = new Date(NOW - 60_000).toUTCString()
const LATER = new Date(NOW + 60_000).toUTCString()
const notModified = (request: string[], answer: string[]) => isNotModified(clientValidators(request), answer, NOW)

describe('a client’s own 304', () => {
  test('never for a client that sent no validator', () => {
    expect(notModified([], ['etag', '"a"', 'last-modified', EARLIER])).toBe(false)
    expect(notModified(['if-none-match', ''], ['etag', '"a"'])).toBe(false)
    expect(notModified(['if-none-match', 'a'], ['etag', 'a'])).toBe(false)
  })

  test('for any of its tags, compared weakly, over several lines', () => {
    expect(notModified(['if-none-match', '"x", W/"a"'], ['etag', '"a"'])).toBe(true)
    expect(notModified(['if-none-match', '"x"', 'if-none-match', '"a"'], ['etag', 'W/"a"'])).toBe(true)
    expect(notModified(['if-none-match', '"x"'], ['etag', '"a"'])).toBe(false)
    expect(notModified(['if-none-match', '"x"'], [])).toBe(false)
    expect(notModified(['if-none-match', '*'], [])).toBe(true)
  })

  test('a date counts only without If-None-Match, be that as broken as it may', () => {
    const answer = ['etag', '"a"', 'last-modified', EARLIER]
    expect(notModified(['if-modified-since', EARLIER], answer)).toBe(true)
    expect(notModified(['if-modified-since', LATER], answer)).toBe(true)
    expect(notModified(['if-modified-since', EARLIER], ['last-modified', LATER])).toBe(false)
    expect(notModified(['if-modified-since', LATER, 'if-none-match', '"x"'], answer)).toBe(false)
    expect(notModified(['if-modified-since', LATER, 'if-none-match', 'broken'], answer)).toBe(false)
    expect(notModified(['if-modified-since', 'yesterday'], answer)).toBe(false)
    expect(notModified(['if-modified-since', LATER], ['last-modified', 'yesterday'])).toBe(false)
    expect(notModified(['if-modified-since', LATER], [])).toBe(false)
  })

  test('leaves out what describes the body and nothing else', () => {
    const kept = ['etag', 'vary', 'cache-control', 'link', 'last-modified', 'date', 'expires', 'x-poll-interval']
    expect(kept.filter(isLeftOutOf304)).toEqual([])
    expect(['content-type', 'content-length', 'content-encoding', 'content-range'].every(isLeftOutOf304)).toBe(true)
    expect(isLeftOutOf304('content-security-policy')).toBe(false)
    expect(isLeftOutOf304('content-location')).toBe(false)
  })
})
