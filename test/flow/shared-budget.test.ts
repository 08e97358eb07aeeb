import { afterEach, expect, test } from 'vitest'
import { TOKENS } from '../../sandbox/index.ts'
import { departing, eventually } from '../support/concurrency.ts'
import { client } from '../support/pair.ts'
import { startTimed, type Timed } from '../support/timed.ts'

/** Many apps on few quotas, for whole windows, in virtual time: everything else is real. */

const WINDOW = 300
const QUOTA = 300
const APPS = 50
const WINDOWS = 3
/** What an app does with an answer before it asks again, ms. */
const THINKING = 100

let timed: Timed

async function start(settings: Record<string, string> = {}): Promise<Timed> {
  timed = await startTimed(
    {
      rateLimits: { core: QUOTA, windows: { core: WINDOW, search: 60, code_search: 60, graphql: WINDOW } },
      secondaryLimits: { concurrent: 100, pointsPerMinute: 900 },
    },
    settings,
  )
  return timed
}

afterEach(() => timed.close())

const TOKENS_OF_TWO_USERS = [TOKENS.octocat, TOKENS.octocatOauth, TOKENS.hubot]
const accountOf = (token: string) => (token === TOKENS.hubot ? 'user:hubot' : 'user:octocat')

test('50 apps with 3 tokens of 2 users for three windows: nothing but probes is refused, and all is used', async () => {
  const { time, sandbox, gateway, budgets } = await start()
  const end = time.now() + WINDOWS * WINDOW * 1000
  let asking = 0
  const served: number[] = Array(APPS).fill(0)

  /** An app that always wants more, and comes again when it is told that it may. */
  async function app(number: number): Promise<void> {
    const token = TOKENS_OF_TWO_USERS[number % 3]!
    const ask = client(gateway.api)
    // Whose token it is.
    let path = '/user'
    while (time.now() < end) {
      asking++
      const { status, headers } = await ask(path, { token, headers: { 'x-weir-client': `app-${number}` } })
      asking--
      if (status === 200) {
        served[number]!++
        path = `/users/octocat?app=${number}&page=${served[number]}`
        await time.sleep(THINKING)
        continue
      }
      expect(status).toBe(403)
      const wait =
        headers['retry-after'] === undefined
          ? Number(headers['x-ratelimit-reset']) * 1000 - time.now()
          : Number(headers['retry-after']) * 1000
      await time.sleep(Math.max(1, wait))
    }
  }

  const running = Promise.all(Array.from({ length: APPS }, (_, number) => app(number)))
  let isOver = false
  void running.then(() => {
    isOver = true
  })
  while (!isOver) {
    // Time goes on when nothing else does: all that was asked is answered, or waits for time to pass.
    await eventually(async () => {
      if (isOver) return true
      const { inFlight, waiting } = await budgets()
      return inFlight === 0 && waiting === asking
    })
    if (!isOver) time.step()
  }
  await running

  const refusals = sandbox.log.filter({ status: 403 })
  // At most one probe a window and account, and no other refusal.
  expect(refusals.length).toBeLessThanOrEqual(2 * WINDOWS)
  for (const account of ['user:octocat', 'user:hubot']) {
    const inTime = sandbox.log.filter({ account }).filter((entry) => entry.time < end)
    const used = inTime.reduce((sum, { cost }) => sum + cost, 0)
    expect(used / (WINDOWS * QUOTA), account).toBeGreaterThanOrEqual(0.99)
    expect(used, account).toBeLessThanOrEqual(WINDOWS * QUOTA)
    // Equals get equal shares: Jain's index of those who share the account.
    const equals = served.filter((_, number) => accountOf(TOKENS_OF_TWO_USERS[number % 3]!) === account)
    const sum = equals.reduce((total, each) => total + each, 0)
    const jain = sum ** 2 / (equals.length * equals.reduce((total, each) => total + each ** 2, 0))
    expect(jain, account).toBeGreaterThanOrEqual(0.99)
  }
  const { inFlight, waiting } = await budgets()
  expect({ inFlight, waiting }).toEqual({ inFlight: 0, waiting: 0 })
}, 120_000)

test('an app that is killed while it waits leaves no reservation behind', async () => {
  const settings = { WEIR_MAX_WAIT: '1h', WEIR_STALE_ON_LIMIT: '0s' }
  const { time, sandbox, gateway, ask, budgets } = await start(settings)
  const token = TOKENS.octocat
  expect((await ask('/user', { token })).status).toBe(200)
  sandbox.limits.exhaust('user:octocat')
  // The upstream's word: nothing is left.
  sandbox.limits.set('user:octocat', 'core', { used: QUOTA - 1 })
  expect((await ask('/users/octocat', { token })).headers['x-ratelimit-remaining']).toBe('0')
  const asked = sandbox.log.count
  const leavers = Array.from({ length: 10 }, (_, index) =>
    departing(gateway.origin, `/api/v3/users/octocat?page=${index}`, { authorization: `token ${token}` }),
  )
  await eventually(async () => (await budgets()).waiting === 10)
  for (const { leave } of leavers) leave()
  await eventually(async () => (await budgets()).waiting === 0)
  const left = await budgets()
  expect(left.inFlight).toBe(0)
  expect(sandbox.log.count).toBe(asked)
  const core = left.accounts.flatMap(({ budgets }) => budgets).find(({ remaining }) => remaining === 0)
  expect(core?.available).toBe(0)
  // The next window has all of its units.
  const next = ask('/users/hubot', { token })
  await eventually(async () => (await budgets()).waiting === 1)
  while ((await budgets()).waiting === 1) time.step()
  expect((await next).headers['x-ratelimit-remaining']).toBe(String(QUOTA - 1))
})
