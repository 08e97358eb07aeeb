import { describe, expect, it } from 'vitest'
import { createMetrics, type MetricsGauges } from '../../src/entry/node/metrics.ts'
import { combine } from '../../src/entry/node/telemetry.ts'
import { type OutcomeName, outcomes, type RequestEvent, type RouteName } from '../../src/outcome.ts'

const canary = 'CANARY-c0ffee'
const gauges: MetricsGauges = {
  cache: () => [
    { part: 'bodies', bytes: 1024, entries: 3 },
    { part: 'validations', bytes: 200, entries: 5 },
  ],
  entityTags: () => ({ matched: 9, differed: 1, listsIgnored: 2, unnamed: 3 }),
  upstream: () => ({ open: 4, waiting: 2 }),
  inFlight: () => 7,
  budgets: () => ({ inFlight: 11, waiting: 5, paused: 1 }),
}

function event(overrides: Partial<RequestEvent> = {}): RequestEvent {
  return {
    requestId: 'r-1',
    method: 'GET',
    route: 'api',
    path: '/api/v3/user',
    status: 200,
    outcome: 'hit',
    detail: undefined,
    failure: undefined,
    upstream: { requests: 0, cost: 0, milliseconds: 0 },
    milliseconds: 0.4,
    bytes: 100,
    aborted: false,
    credential: undefined,
    address: '203.0.113.9',
    ...overrides,
  }
}

const linesOf = (text: string) => text.split('\n').filter((line) => line.startsWith('weir_'))

describe('createMetrics', () => {
  it('counts requests, bytes and durations', async () => {
    const { telemetry, text } = createMetrics(gauges, '1.2.3')
    telemetry.record(event())
    telemetry.record(event({ milliseconds: 2 }))
    telemetry.record(event({ route: 'manage', outcome: 'rejected', status: 403, failure: 'forbidden', bytes: 10 }))
    const lines = linesOf(await text())
    expect(lines).toContain('weir_requests_total{route="api",outcome="hit",status_class="2xx"} 2')
    expect(lines).toContain('weir_requests_total{route="manage",outcome="rejected",status_class="4xx"} 1')
    expect(lines).toContain('weir_response_bytes_total{route="api"} 200')
    expect(lines).toContain('weir_failures_total{failure="forbidden"} 1')
    expect(lines).toContain('weir_request_duration_seconds_bucket{le="0.0005",route="api",outcome="hit"} 1')
    expect(lines).toContain('weir_request_duration_seconds_bucket{le="0.0025",route="api",outcome="hit"} 2')
    expect(lines).toContain('weir_request_duration_seconds_count{route="api",outcome="hit"} 2')
    expect(lines).toContain('weir_build_info{version="1.2.3"} 1')
    expect(lines.filter((line) => line.startsWith('weir_upstream_duration'))).toEqual([])
  })

  it('counts what asking the upstream took, all attempts', async () => {
    const { telemetry, text } = createMetrics(gauges, '1')
    telemetry.record(event({ outcome: 'revalidated', upstream: { requests: 1, cost: 0, milliseconds: 20 } }))
    telemetry.record(event({ outcome: 'filled', upstream: { requests: 2, cost: 2, milliseconds: 40 } }))
    const lines = linesOf(await text())
    expect(lines).toContain('weir_upstream_requests_total{route="api",outcome="revalidated"} 1')
    expect(lines).toContain('weir_upstream_cost_total{route="api",outcome="revalidated"} 0')
    expect(lines).toContain('weir_upstream_requests_total{route="api",outcome="filled"} 2')
    expect(lines).toContain('weir_upstream_cost_total{route="api",outcome="filled"} 2')
    expect(lines).toContain('weir_upstream_duration_seconds_bucket{le="0.025",route="api"} 1')
    expect(lines).toContain('weir_upstream_duration_seconds_sum{route="api"} 0.06')
  })

  it('counts each event once, however often it is asked', async () => {
    const { telemetry, text } = createMetrics(gauges, '1')
    telemetry.record(event({ failure: 'internal' }))
    await text()
    telemetry.record(event())
    await text()
    const lines = linesOf(await text())
    expect(lines).toContain('weir_requests_total{route="api",outcome="hit",status_class="2xx"} 2')
    expect(lines).toContain('weir_failures_total{failure="internal"} 1')
  })

  it('shows the gauges as they are when asked', async () => {
    let inFlight = 1
    const { text } = createMetrics({ ...gauges, inFlight: () => inFlight }, '1')
    await text()
    inFlight = 9
    const lines = linesOf(await text())
    expect(lines).toContain('weir_requests_in_flight 9')
    expect(lines).toContain('weir_cache_bytes{part="bodies"} 1024')
    expect(lines).toContain('weir_entity_tags_total{evidence="matched"} 9')
    expect(lines).toContain('weir_entity_tags_total{evidence="lists_ignored"} 2')
    expect(lines).toContain('weir_cache_entries{part="validations"} 5')
    expect(lines).toContain('weir_upstream_connections 4')
    expect(lines).toContain('weir_upstream_requests_waiting 2')
    expect(lines).toContain('weir_budget_requests_in_flight 11')
    expect(lines).toContain('weir_budget_requests_waiting 5')
    expect(lines).toContain('weir_paused_accounts 1')
  })

  it('asks for budgets once a scrape, and anew at the next', async () => {
    let asked = 0
    const { text } = createMetrics({ ...gauges, budgets: () => ({ inFlight: ++asked, waiting: 0, paused: 0 }) }, '1')
    await text()
    expect(linesOf(await text())).toContain('weir_budget_requests_in_flight 2')
    expect(asked).toBe(2)
  })

  it('loses no more than the gauge that fails', async () => {
    const broken = () => {
      throw new Error(canary)
    }
    const { telemetry, text } = createMetrics({ ...gauges, cache: broken, inFlight: broken, budgets: broken }, '1')
    telemetry.record(event())
    const all = await text()
    expect(all).toContain('weir_requests_total{')
    expect(all).toContain('weir_upstream_connections 4')
    expect(all).not.toMatch(/^weir_(cache_bytes|requests_in_flight|budget_requests_waiting|paused_accounts)/m)
    expect(all).not.toContain(canary)
  })

  it('forgets a part of the cache that is gone', async () => {
    let parts = gauges.cache()
    const { text } = createMetrics({ ...gauges, cache: () => parts }, '1')
    await text()
    parts = []
    expect(await text()).not.toContain('part="bodies"')
  })

  it('has the process metrics and the type that Prometheus expects', async () => {
    const { text, contentType } = createMetrics(gauges, '1')
    expect(await text()).toContain('process_resident_memory_bytes ')
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  it('takes nothing from a caller, and its series are bounded', async () => {
    const { telemetry, text } = createMetrics(gauges, '1')
    const routes: RouteName[] = ['api', 'graphql', 'uploads', 'manage', 'gateway', 'unknown']
    const names = Object.keys(outcomes) as OutcomeName[]
    for (let index = 0; index < 20_000; index++) {
      telemetry.record(
        event({
          requestId: `${canary}-${index}`,
          method: `${canary}-${index}`,
          path: `/${canary}/${index}`,
          credential: `${canary}-${index}`,
          address: `${canary}-${index}`,
          route: routes[index % 6] as RouteName,
          outcome: names[Math.floor(index / 6) % names.length] as OutcomeName,
          status: index % 1000,
        }),
      )
    }
    const all = await text()
    expect(all).not.toContain(canary)
    const series = linesOf(all).filter((line) => line.startsWith('weir_requests_total'))
    // What the comment on createMetrics promises.
    expect(names).toHaveLength(14)
    expect(series.length).toBeLessThanOrEqual(6 * 14 * 6)
    const total = series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    expect(total).toBe(20_000)
    const classes = new Set(series.map((line) => /status_class="(\w+)"/.exec(line)?.[1]))
    expect([...classes].sort()).toEqual(['1xx', '2xx', '3xx', '4xx', '5xx', 'other'])
  })

  it('puts labels that are in no closed set into one series', async () => {
    const { telemetry, text } = createMetrics(gauges, '1')
    for (const name of [`${canary}-1`, `${canary}-2`, '__proto__', 'constructor']) {
      telemetry.record(event({ route: name as RouteName, outcome: name as OutcomeName }))
    }
    const all = await text()
    expect(linesOf(all)).toContain('weir_requests_total{route="unknown",outcome="failed",status_class="2xx"} 4')
    expect(all).not.toContain(canary)
  })
})

describe('combine', () => {
  it('hands on every event, in order, and never throws', () => {
    const seen: string[] = []
    const recorder = (name: string) => ({
      record: (recorded: RequestEvent) => void seen.push(`${name} ${recorded.requestId}`),
    })
    const broken = {
      record: () => {
        throw new Error('disk full')
      },
    }
    const telemetry = combine(recorder('a'), broken, recorder('b'))
    telemetry.record(event({ requestId: '1' }))
    telemetry.record(event({ requestId: '2' }))
    expect(seen).toEqual(['a 1', 'b 1', 'a 2', 'b 2'])
  })
})
