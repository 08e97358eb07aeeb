/**
 * Points the upstream's URLs at the gateway: `Location`, `Link` and the bodies of JSON answers. Pure rules; what a person typed
 * is never touched.
 */
export { findUrlPlaces, rewriteStream } from './body.ts'
export { rewriteLink } from './link.ts'
export { routeShape } from './path.ts'
export { splice, type UrlPlaces } from './places.ts'
export { isRewritable, type RewriteAnswer, type RewriteQuestion, staysJson } from './rewritable.ts'
export { rewriteUrl, type UrlRoots } from './roots.ts'
export { type RewriteRules, rulesForPath } from './rules.ts'
