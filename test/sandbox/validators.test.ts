import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ETags, githubETag, notModified } from '../../sandbox/validators.ts'

describe("an ETag by GitHub's rule", () => {
  it('agrees with the published vector', () => {
    const tag = githubETag({ accept: '*/*', authorization: 'Bearer hunter2' }, true, Buffer.from('[]'))
    expect(tag).toBe('dd66f6cabb1424932bbaeb3d724dd153e093918307352cd8dcc70127d5b9b233')
  })

  it('takes Accept, Authorization and Cookie in this order, and nothing of what is absent', () => {
    const body = Buffer.from('{}')
    const expected = createHash('sha256').update('a:b:c:{}').digest('hex')
    expect(githubETag({ cookie: 'c', authorization: 'b', accept: 'a' }, true, body)).toBe(expected)
    expect(githubETag({ cookie: 'c' }, true, body)).toBe(createHash('sha256').update('c:{}').digest('hex'))
    expect(githubETag({ accept: '' }, true, body)).toBe(createHash('sha256').update(':{}').digest('hex'))
  })

  it('leaves out the credential where answers do not vary by it', () => {
    const expected = createHash('sha256').update('a:{}').digest('hex')
    expect(githubETag({ accept: 'a', authorization: 'b', cookie: 'c' }, false, Buffer.from('{}'))).toBe(expected)
  })

  it('is what the remembering maker makes, first and second time', () => {
    const etags = new ETags()
    const property = fc.property(
      fc.string(),
      fc.string(),
      fc.boolean(),
      fc.uint8Array(),
      (accept, authorization, by, bytes) => {
        const body = Buffer.from(bytes)
        const headers = { accept, authorization }
        const first = etags.tag('github', undefined, headers, by, body)
        return first === githubETag(headers, by, body) && etags.tag('github', undefined, headers, by, body) === first
      },
    )
    fc.assert(property)
  })
})

describe('the other rules', () => {
  const etags = new ETags()
  const body = Buffer.from('{"a":1}')
  const one = { accept: '*/*', authorization: 'token one' }
  const two = { accept: '*/*', authorization: 'token two' }

  it('opaque: stable, differs by credential, and is not the SHA-256', () => {
    const tag = etags.tag('opaque', undefined, one, true, body)
    expect(tag).toBe(etags.tag('opaque', undefined, one, true, body))
    expect(tag).not.toBe(etags.tag('opaque', undefined, two, true, body))
    expect(githubETag(one, true, body)).not.toContain(tag)
  })

  it('git: 40 hex of the body alone', () => {
    expect(etags.tag('git', undefined, one, true, Buffer.from('hello\n'))).toBe(
      'ce013625030ba8dba906f756967f9e9ca394464a',
    )
    expect(etags.tag('git', undefined, two, true, body)).toBe(etags.tag('git', undefined, one, true, body))
  })

  it('none: nothing, not even for contents', () => {
    expect(etags.tag('none', 'f'.repeat(40), one, true, body)).toBeNull()
  })
})

describe('a conditional request', () => {
  const tagText = fc.stringMatching(/^[0-9a-f]{1,64}$/)

  it('matches a tag anywhere in a list, weak or strong, where lists are read', () => {
    const property = fc.property(
      tagText,
      fc.array(tagText),
      fc.array(tagText),
      fc.boolean(),
      (tag, before, after, weak) => {
        const list = [
          ...before.map((one) => `"${one}"`),
          `${weak ? 'W/' : ''}"${tag}"`,
          ...after.map((one) => `W/"${one}"`),
        ]
        return notModified({ 'if-none-match': list.join(', ') }, tag, null, true)
      },
    )
    fc.assert(property)
  })

  it('matches no list that lacks the tag', () => {
    const property = fc.property(tagText, fc.array(tagText), (tag, others) => {
      const list = others.filter((one) => one !== tag).map((one) => `"${one}"`)
      return !notModified({ 'if-none-match': list.join(',') }, tag, null, true)
    })
    fc.assert(property)
  })

  it('compares the whole header with the one tag where lists are not read', () => {
    expect(notModified({ 'if-none-match': '"a"' }, 'a', null, false)).toBe(true)
    expect(notModified({ 'if-none-match': 'W/"a"' }, 'a', null, false)).toBe(true)
    expect(notModified({ 'if-none-match': '"a", "b"' }, 'a', null, false)).toBe(false)
    expect(notModified({ 'if-none-match': '*' }, 'a', null, false)).toBe(false)
    expect(notModified({ 'if-none-match': '*' }, 'a', null, true)).toBe(true)
  })

  it('asks If-Modified-Since only where there is no If-None-Match', () => {
    const modified = Date.UTC(2024, 0, 1)
    const since = { 'if-modified-since': new Date(modified).toUTCString() }
    expect(notModified(since, 'a', modified + 999, true)).toBe(true)
    expect(notModified(since, 'a', modified + 1000, true)).toBe(false)
    expect(notModified({ ...since, 'if-none-match': '"b"' }, 'a', modified, true)).toBe(false)
    expect(notModified({ ...since, 'if-none-match': '' }, 'a', modified, true)).toBe(false)
    expect(notModified({ 'if-modified-since': 'yesterday' }, 'a', modified, true)).toBe(false)
    expect(notModified(since, 'a', null, true)).toBe(false)
  })
})
