import { suiteTests } from '../../bench/conformance/suite.ts'

/*
 * Every test of the suite that Weir does not pass, with the reason. One that passes all the same, or that fails without
 * being here, turns weir.test.ts red.
 */

/** Tests by the reason for which they fail. */
type Reasons = Readonly<Record<string, readonly string[]>>

/** The standard demands these, as the suite reads it. */
export const required: Reasons = {
  'Fields that speak for the upstream’s own host are dropped (docs/decisions/0008-fields-of-the-upstreams-host.md).': [
    'headers-store-Clear-Site-Data',
    'headers-store-Public-Key-Pins',
    'headers-store-Set-Cookie',
    '304-etag-update-response-Clear-Site-Data',
    '304-etag-update-response-Public-Key-Pins',
    '304-etag-update-response-Set-Cookie',
  ],
  'Nobody can pass these: the origin hangs up, and the suite’s client takes the cache’s own 502 for an answer from its store. Later versions of the suite expect the 502.':
    ['stale-close-must-revalidate', 'stale-close-proxy-revalidate', 'stale-close-no-cache', 'stale-close-s-maxage=2'],
  'A 304 whose tag is not the one that was sent confirms nothing (RFC 9111 §4.3.4) and is asked again; the suite wants it believed, its later versions even with the new tag.':
    ['304-etag-update-response-ETag'],
  'The test contradicts its own title: after `Age: 0,7200` it wants the answer reused, which the title calls stale. Weir asks again whenever `Age` is not one number.':
    ['age-parse-prefix'],
}

/** A good cache does these. */
export const optimal: Reasons = {
  'There is no heuristic freshness: what the upstream gives no lifetime is asked for every time.': [
    'heuristic-200-cached',
    'heuristic-203-cached',
    'heuristic-204-cached',
    'heuristic-404-cached',
    'heuristic-405-cached',
    'heuristic-410-cached',
    'heuristic-414-cached',
    'heuristic-501-cached',
    'heuristic-599-cached',
  ],
  'Partial answers are never stored; parts are cut from complete ones.': [
    'partial-store-partial-reuse-partial',
    'partial-store-partial-reuse-partial-byterange',
    'partial-store-partial-reuse-partial-absent',
    'partial-store-partial-reuse-partial-suffix',
    'partial-store-partial-complete',
  ],
  'What one credential was answered is never reused for a request with another, or with none.': [
    'other-authorization-public',
    'other-authorization-must-revalidate',
    'other-authorization-smaxage',
  ],
  'The answer to a write is not reused as if it had been read.': ['method-POST'],
  'Which languages there are is the upstream’s to know: another wish is another question.': [
    'vary-normalise-lang-select',
  ],
  'It wants a 304 for an answer that has no Last-Modified and was made after the date that the client names: that would be wrong by RFC 9110 §13.1.3.':
    ['conditional-lm-fresh-no-lm'],
  'Set-Cookie speaks for the upstream’s own host and is dropped (docs/decisions/0008-fields-of-the-upstreams-host.md).':
    ['other-set-cookie'],
}

/** Ids of the tests that are named, in the order of the suite. */
export function named(reasons: Reasons): string[] {
  const ids = new Set(Object.values(reasons).flat())
  return suiteTests.map(({ id }) => id).filter((id) => ids.has(id))
}
