import { expect, test } from 'vitest'
import { latencyBuckets, trafficReport } from '../../src/schema/traffic-report.ts'
import type { Event } from '../../src/schema/event.ts'
import { openTrafficMetrics } from '../../src/telemetry/open-traffic-metrics.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { toRecord } from '../harness/event-record.ts'
import { buildEvent } from '../harness/build-event.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

const everything = {
  per_consumer: true,
  status_code_metrics: true,
  latency_metrics: true,
  bandwidth_metrics: true,
}

test('metrics equal the events by route, status, source and consumer', async () => {
  const upstream = await startUpstream((request, response) => {
    response.statusCode = Number(request.url?.slice(-3))
    response.end('x'.repeat(100))
  })
  const gateway = await openGateway({
    services: [{ name: 'echo', host: '127.0.0.1', port: upstream.port }],
    routes: [
      { name: 'a', paths: ['/a'], service: 'echo' },
      { name: 'b', paths: ['/b'], service: 'echo' },
      { name: 'off', paths: ['/off'], service: 'echo' },
    ],
    consumers: { ann: { keys: ['ann-key'] }, bob: { keys: ['bob-key'] } },
    plugins: [
      { name: 'key-auth', route: 'a' },
      { name: 'prometheus', route: 'a', config: everything },
      { name: 'prometheus', route: 'b', config: { status_code_metrics: true } },
      { name: 'prometheus', route: 'off' },
    ],
  })
  const requests = ['/a/200', '/a/200', '/a/404', '/b/200', '/b/503', '/off/200']
  for (const path of requests)
    for (const apikey of ['ann-key', 'bob-key', 'wrong'])
      await gateway.ask(path, { headers: { apikey } })
  await until('all is measured', () => counted(gateway.traffic.report().routes) === 15)
  const report = gateway.traffic.report()
  const connections = gateway.proxy.connections
  expect(trafficReport.parse({ ...report, connections })).toMatchObject({ unmeasured: 0 })
  expect(connections.requests).toBe(18)
  expect(report.routes.map(({ routeName }) => routeName).toSorted()).toEqual(['a', 'b'])
  for (const route of report.routes) {
    const events = gateway.events.filter((event) => event.route === route.route)
    const isAll = route.routeName === 'a'
    const expected = countsOf(events, isAll)
    const found = route.callers.flatMap(({ consumer, codes }) =>
      triples(codes).map(([code, source, times]) => [`${consumer},${code},${source}`, times]),
    )
    expect(new Map(found as [string, number][])).toEqual(expected)
    expect(Object.keys(route.latencies)).toHaveLength(isAll ? 3 : 0)
  }
  const measured = report.routes.find(({ routeName }) => routeName === 'a')
  const events = gateway.events.filter(({ route }) => route === 'a')
  const milliseconds = (name: 'duration_us' | 'gateway_us' | 'upstream_us') =>
    events
      .filter(({ upstream_status: status }) => name !== 'upstream_us' || status > 0)
      .map((event) => event[name] / 1_000)
  expect(measured?.latencies).toEqual({
    request: histogramOf(latencyBuckets.request, milliseconds('duration_us')),
    kong: histogramOf(latencyBuckets.kong, milliseconds('gateway_us')),
    upstream: histogramOf(latencyBuckets.upstream, milliseconds('upstream_us')),
  })
  const ann = measured?.callers.find(({ name }) => name === 'ann')
  expect(ann?.egress).toBeGreaterThan(3 * 100)
  expect(ann?.ingress).toBeGreaterThan(3 * 'GET /a/200 HTTP/1.1'.length)
})

function countsOf(events: readonly Event[], isPerConsumer: boolean): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { consumer, status, upstream_status: upstream } of events) {
    const key = [isPerConsumer ? consumer : '', status, upstream > 0 ? 1 : 0].join()
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

const triples = (codes: readonly number[]): (readonly number[])[] =>
  Array.from({ length: codes.length / 3 }, (_, at) => codes.slice(at * 3, at * 3 + 3))

const counted = (routes: readonly { callers: { codes: number[] }[] }[]): number =>
  routes
    .flatMap(({ callers }) => callers.flatMap(({ codes }) => triples(codes)))
    .reduce((sum, [, , times = 0]) => sum + times, 0)

function histogramOf(bounds: readonly number[], values: readonly number[]): number[] {
  const at = (value: number): number => {
    const found = bounds.findIndex((bound) => value <= bound)
    return found < 0 ? bounds.length : found
  }
  const counts = [...bounds, 0].map((_, index) => values.filter((one) => at(one) === index).length)
  return [...counts, values.reduce((sum, value) => sum + value, 0)]
}

test('measures a limited number of routes and consumers, and counts further requests', () => {
  const metrics = openTrafficMetrics()
  const measures = { perConsumer: true, statusCodes: true, latencies: true, bandwidth: true }
  const observe = (fields: Partial<Event>): void => {
    const names = { serviceName: 's', routeName: fields.route ?? 'r' }
    metrics.observe(toRecord(buildEvent(fields)), measures, names, 1, 1)
  }
  for (let index = 0; index < 1_100; index += 1) observe({ route: `r${index}`, consumer: '' })
  expect(metrics.report()).toMatchObject({ unmeasured: 100, routes: { length: 1_000 } })
  for (let index = 0; index < 10_100; index += 1) observe({ route: 'r0', consumer: `c${index}` })
  const { unmeasured, routes } = metrics.report()
  expect([unmeasured, routes[0]?.callers.length]).toEqual([200, 10_001])
})
