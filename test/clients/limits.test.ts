import { Octokit } from 'octokit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { describeWithTools, OCTOKIT_RB, PYGITHUB, PYTHON } from '../support/tools.ts'
import { openStage, runForJson, type Stage } from './harness.ts'

/** A refusal that the gateway makes itself is taken by real clients for what it is. */

let stage: Stage
/** Whose budget is used up, and who was told to slow down. */
const [exhausted, paused] = [TOKENS.octocat, TOKENS.hubot]

beforeAll(async () => {
  stage = await openStage({ WEIR_MAX_WAIT: '0s', WEIR_STALE_ON_LIMIT: '0s' })
  const { sandbox, gateway } = stage
  const ask = (token: string) => fetch(`${gateway.api}/user`, { headers: { authorization: `token ${token}` } })
  sandbox.limits.set('user:octocat', 'core', { used: 4999 })
  expect((await ask(exhausted)).status).toBe(200)
  sandbox.limits.pause('user:hubot', 60)
  expect((await ask(paused)).status).toBe(403)
  sandbox.log.clear()
})

afterAll(async () => {
  // All of them were answered here.
  expect(stage.sandbox.log.count).toBe(0)
  await stage.close()
})

describe('octokit', () => {
  test.each([
    ['a rate limit', exhausted, 'onRateLimit'],
    ['a secondary one', paused, 'onSecondaryRateLimit'],
  ] as const)('tells its application of %s', async (_name, auth, told) => {
    const calls: [string, number][] = []
    const note = (name: string) => (retryAfter: number) => {
      calls.push([name, retryAfter])
      return false
    }
    const octokit = new Octokit({
      auth,
      baseUrl: stage.gateway.api,
      retry: { enabled: false },
      throttle: { onRateLimit: note('onRateLimit'), onSecondaryRateLimit: note('onSecondaryRateLimit') },
      log: { debug() {}, info() {}, warn() {}, error() {} },
    })
    await expect(octokit.rest.users.getByUsername({ username: 'hubot' })).rejects.toMatchObject({ status: 403 })
    expect(calls).toEqual([[told, expect.any(Number)]])
    expect(calls[0]?.[1]).toBeGreaterThan(50)
  })
})

const PYTHON_PROGRAM = `
import json, sys
from github import Github, GithubException
def failure(token):
    try:
        Github(base_url=sys.argv[1], login_or_token=token, retry=None).get_user('hubot')
    except GithubException as error:
        return type(error).__name__
print(json.dumps([failure(token) for token in sys.argv[2:]]))
`

describeWithTools('PyGithub', [PYGITHUB], () => {
  test('raises what it raises for limits', async () => {
    const found = await runForJson(PYTHON, ['-c', PYTHON_PROGRAM, stage.gateway.api, exhausted, paused])
    expect(found).toEqual(['RateLimitExceededException', 'RateLimitExceededException'])
  })
})

const RUBY_PROGRAM = `
require 'json'
require 'octokit'
endpoint, *tokens = ARGV
failures = tokens.map do |token|
  Octokit::Client.new(api_endpoint: endpoint + '/', access_token: token).user('hubot')
rescue Octokit::Error => e
  e.class.name
end
puts JSON.generate(failures)
`

describeWithTools('octokit.rb', [OCTOKIT_RB], () => {
  test('raises what it raises for limits', async () => {
    const found = await runForJson('/usr/bin/ruby', ['-e', RUBY_PROGRAM, stage.gateway.api, exhausted, paused])
    expect(found).toEqual(['Octokit::TooManyRequests', 'Octokit::AbuseDetected'])
  })
})
