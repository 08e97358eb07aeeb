import { describe, expect, test } from 'vitest'
import { RateLimitResources } from '../../../src/middleware/outbound/rate-limit-resources.ts'

describe('the resource that a path is charged to', () => {
  test('is what the path tells, until an answer has said it', () => {
    const resources = new RateLimitResources()
    expect(resources.of('/repos/o/r')).toBe('core')
    expect(resources.of('/search/code')).toBe('code_search')
    expect(resources.of('/search/issues')).toBe('search')
    expect(resources.of('/graphql')).toBe('graphql')
    expect(resources.of('/orgs/o/audit-log')).toBe('core')
    resources.learn('/orgs/o/audit-log', 'audit_log')
    expect(resources.of('/orgs/o/audit-log')).toBe('audit_log')
  })

  test('is learnt for its kind of route, whatever the names in it, and for no other', () => {
    const resources = new RateLimitResources()
    resources.learn('/repos/o/r/dependency-graph/sbom', 'dependency_sbom')
    expect(resources.of('/repos/another/one/dependency-graph/sbom')).toBe('dependency_sbom')
    expect(resources.of('/repos/o/r/issues')).toBe('core')
    expect(resources.of('/repos/o/r')).toBe('core')
  })

  test('is what the last answer said, also where that is what the path tells', () => {
    const resources = new RateLimitResources()
    resources.learn('/search/code', 'search')
    expect(resources.of('/search/code')).toBe('search')
    resources.learn('/search/code', 'code_search')
    expect(resources.of('/search/code')).toBe('code_search')
  })

  test('is remembered of a bounded number of routes: the one that taught nothing for longest is forgotten', () => {
    const resources = new RateLimitResources()
    resources.learn('/first', 'scim')
    for (let index = 0; index < 499; index++) resources.learn(`/made-up-${index}`, 'other')
    expect(resources.of('/first')).toBe('scim')
    resources.learn('/one-more', 'other')
    expect(resources.of('/first')).toBe('core')
    expect(resources.of('/made-up-498')).toBe('other')
  })

  test('is not forgotten for paths that are only asked about, or that tell it themselves', () => {
    const resources = new RateLimitResources()
    resources.learn('/orgs/o/audit-log', 'audit_log')
    for (let index = 0; index < 2000; index++) {
      resources.of(`/made-up-${index}/x`)
      resources.learn(`/made-up-${index}/x`, 'core')
      resources.learn(`/search/made-up-${index}/x`, 'search')
    }
    expect(resources.of('/orgs/o/audit-log')).toBe('audit_log')
  })
})
