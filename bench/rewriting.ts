/**
 * How dear rewriting is, beside `JSON.parse` of the same bytes in the same run. Aims, for a page of 100 issues of about 262 kB
 * with 2,000 URLs: find and splice at most 2 × `JSON.parse`, splice for another public origin at most 0.7 ×.
 */
import { findUrlPlaces, rulesForPath, splice, type UrlRoots } from '../src/github/rewriting/index.ts'

const UPSTREAM = 'https://ghe.example.com'
const ROOTS: UrlRoots = {
  pairs: [
    { upstream: `${UPSTREAM}/api/v3`, path: '/api/v3' },
    { upstream: `${UPSTREAM}/api/graphql`, path: '/api/graphql' },
    { upstream: `${UPSTREAM}/api/uploads`, path: '/api/uploads' },
  ],
}

function user(login: string, id: number): object {
  const url = `${UPSTREAM}/api/v3/users/${login}`
  return {
    login,
    id,
    node_id: `MDQ6VXNlcj${id}`,
    avatar_url: `${UPSTREAM}/avatars/u/${id}?`,
    gravatar_id: '',
    url,
    html_url: `${UPSTREAM}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: 'User',
    site_admin: false,
  }
}

function issue(number: number): object {
  const repository = `${UPSTREAM}/api/v3/repos/octo-org/hello-world`
  const url = `${repository}/issues/${number}`
  return {
    url,
    repository_url: repository,
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: `${UPSTREAM}/octo-org/hello-world/issues/${number}`,
    id: 100_000 + number,
    number,
    title: `The gateway answers ${number} times`,
    user: user('octocat', 583_231),
    labels: [{ id: number, url: `${repository}/labels/bug`, name: 'bug', color: 'ee0701', default: true }],
    state: 'open',
    locked: false,
    assignee: number % 3 === 0 ? user('hubot', 480_938) : null,
    milestone: null,
    comments: number % 7,
    created_at: '2026-01-14T10:11:12Z',
    updated_at: '2026-02-14T10:11:12Z',
    closed_at: null,
    author_association: 'MEMBER',
    body: `Steps:\n1. open \`${repository}\`\n2. see "it"\n`.padEnd(280 + number, 'and nothing happens, '),
    reactions: { url: `${url}/reactions`, total_count: 0, '+1': 0, '-1': 0, laugh: 0, hooray: 0, confused: 0 },
    timeline_url: `${url}/timeline`,
  }
}

/** Median of the times of single calls, in microseconds, the subjects taking turns so that noise hits all alike. */
function medians(subjects: Record<string, () => unknown>, rounds: number): Record<string, number> {
  const times = Object.entries(subjects).map(([name, run]) => ({ name, run, samples: [] as number[] }))
  for (let round = 0; round < rounds; round++) {
    for (const { run, samples } of times) {
      const start = performance.now()
      run()
      samples.push((performance.now() - start) * 1000)
    }
  }
  const result: Record<string, number> = {}
  for (const { name, samples } of times) {
    samples.sort((a, b) => a - b)
    result[name] = samples[samples.length >> 1]!
  }
  return result
}

export function main(): void {
  const rules = rulesForPath('/repos/octo-org/hello-world/issues')
  const text = JSON.stringify(Array.from({ length: 100 }, (_, index) => issue(index + 1)))
  const body = new TextEncoder().encode(text)
  const known = findUrlPlaces(body, ROOTS, rules)
  const decoder = new TextDecoder()
  const subjects = {
    'JSON.parse of the text': () => JSON.parse(text),
    'JSON.parse of the bytes': () => JSON.parse(decoder.decode(body)),
    'find places': () => findUrlPlaces(body, ROOTS, rules),
    'find and splice': () => splice(body, findUrlPlaces(body, ROOTS, rules), 'http://127.0.0.1:8787'),
    'splice, another origin': () => splice(body, known, 'https://weir.internal.example'),
  }
  medians(subjects, 200)
  const measured = medians(subjects, 1000)
  const parse = measured['JSON.parse of the text']!
  console.log(`${body.length} bytes, ${known.count} places, ${known.byteLength} bytes to remember them`)
  for (const [name, micros] of Object.entries(measured)) {
    console.log(`${name.padEnd(26)} ${micros.toFixed(0).padStart(6)} µs  ${(micros / parse).toFixed(2)} × JSON.parse`)
  }
}

if (process.argv[1]?.endsWith('rewriting.js')) main()
