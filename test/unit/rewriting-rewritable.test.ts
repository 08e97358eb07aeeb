import { describe, expect, it } from 'vitest'
import { isRewritable } from '../../src/github/rewriting/index.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

function rewritable(
  path: string,
  accept?: string,
  contentType: string | undefined = JSON_TYPE,
  mediaType?: string,
): boolean {
  return isRewritable({ path, accept }, { contentType, mediaType })
}

describe('isRewritable', () => {
  it.each([
    'application/json',
    'Application/JSON;charset=utf-8',
    'application/vnd.github+json',
    'application/scim+json',
    'application/sarif+json',
  ])('JSON as %s', (type) => {
    expect(rewritable('/repos/o/r', undefined, type)).toBe(true)
  })

  it.each([
    'text/plain',
    'text/html; charset=utf-8',
    'application/jsonp',
    'application/json-seq',
    'application/octet-stream',
    'text/x; y=application/json',
    '',
  ])('not %j', (type) => {
    expect(rewritable('/repos/o/r', undefined, type)).toBe(false)
  })

  it('not without a Content-Type', () => {
    expect(
      isRewritable({ path: '/repos/o/r', accept: undefined }, { contentType: undefined, mediaType: undefined }),
    ).toBe(false)
  })

  it.each([
    undefined,
    '',
    '*/*',
    'application/json',
    'application/vnd.github+json',
    'application/vnd.github.v3+json',
    'application/vnd.github.object+json',
    'application/vnd.github.full+json',
    'application/vnd.github.text+json',
    'application/vnd.github.star+json',
    'application/vnd.github.nebula-preview+json',
    'text/html,application/xhtml+xml,*/*;q=0.8',
  ])('JSON when Accept is %j', (accept) => {
    expect(rewritable('/repos/o/r/contents/a.json', accept)).toBe(true)
  })

  const flavours = ['raw', 'html', 'diff', 'patch', 'sha']
  const written = flavours.flatMap((flavour) => [
    `application/vnd.github.${flavour}`,
    `application/vnd.github.${flavour}+json`,
    `application/vnd.github.v3.${flavour}`,
    `Application/Vnd.GitHub.V3.${flavour.toUpperCase()}+json; q=0.9`,
    `application/json, application/vnd.github.v3.${flavour}`,
  ])
  it.each(written)('a file fetched with %s stays, whatever its Content-Type claims', (accept) => {
    for (const path of [
      '/repos/o/r/contents/a.json',
      '/repos/o/r/readme',
      '/repos/o/r/git/blobs/1',
      '/gitignore/templates/C',
      '/repos/o/issues/license',
    ]) {
      expect(rewritable(path, accept)).toBe(false)
    }
  })

  it.each(['diff', 'patch', 'sha'])('%s is text even of resources that are JSON otherwise', (flavour) => {
    expect(rewritable('/repos/o/r/pulls/1', `application/vnd.github.${flavour}`)).toBe(false)
    expect(rewritable('/repos/o/r/commits/main', `application/vnd.github.${flavour}`)).toBe(false)
  })

  it('believes what the answer says about itself', () => {
    expect(rewritable('/repos/o/r/contents/a.json', '*/*', JSON_TYPE, 'github.v3; param=raw; format=json')).toBe(false)
    expect(rewritable('/repos/o/r/contents/a.json', '*/*', JSON_TYPE, 'github.v3; PARAM=Raw')).toBe(false)
    expect(rewritable('/repos/o/r/contents/a.json', '*/*', 'application/vnd.github.v3.raw+json')).toBe(false)
    expect(rewritable('/repos/o/r/contents/a.json', '*/*', JSON_TYPE, 'github.v3; format=json')).toBe(true)
    expect(rewritable('/search/code', '*/*', JSON_TYPE, 'github.v3; param=text-match; format=json')).toBe(true)
  })

  it('leaves octet streams alone: an asset may be JSON of its own', () => {
    expect(rewritable('/repos/o/r/releases/assets/1', 'application/octet-stream', 'application/json')).toBe(false)
    expect(rewritable('/repos/o/r/releases/assets/1', 'Application/Octet-Stream, */*', 'application/json')).toBe(false)
    expect(rewritable('/repos/o/r/releases/assets/1', 'application/json')).toBe(true)
  })

  it.each([
    '/issues',
    '/user/issues',
    '/orgs/o/issues',
    '/search/issues',
    '/gists/1',
    '/users/u/gists',
    '/gists/1/comments',
    '/repos/o/r/issues',
    '/repositories/1/issues/2/comments',
    '/repos/o/r/pulls/1/reviews',
    '/repos/o/r/comments/1',
    '/repos/o/r/commits/1/comments',
    '/repos/o/r/releases/tags/v1',
    '/orgs/o/teams/t/discussions/1',
  ])('%s is JSON as raw and as html', (path) => {
    expect(rewritable(path, 'application/vnd.github.raw+json')).toBe(true)
    expect(
      rewritable(path, 'application/vnd.github.v3.html+json', JSON_TYPE, 'github.v3; param=html; format=json'),
    ).toBe(true)
  })

  it.each([301, 307, 404, 422, 500])('an answer %i is GitHub’s own even where a file was asked for', (status) => {
    const question = { path: '/repos/o/r/contents/a.json', accept: 'application/vnd.github.raw' }
    expect(isRewritable(question, { contentType: JSON_TYPE, mediaType: undefined, status })).toBe(true)
    expect(isRewritable(question, { contentType: JSON_TYPE, mediaType: undefined, status: 200 })).toBe(false)
  })
})
