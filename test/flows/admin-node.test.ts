import { expect, test } from 'vitest'
import { openNodeRegistry } from '../../src/cluster/node-registry.ts'
import { catalog } from '../../src/plugins/catalog.ts'
import type { CachePurge } from '../../src/schema/node-protocol.ts'
import type { UpstreamHealth } from '../../src/schema/upstream-health.ts'
import { latencyBuckets, type TrafficReport } from '../../src/schema/traffic-report.ts'
import type { ExporterStatus } from '../../src/schema/exporter.ts'
import { addPrincipal, openTestAdmin } from './admin-harness.ts'

const claims = { node: 'n1', worker: 0, zone: 'z', environment: 'test' }

test('reports the worst health of a target among workers', async () => {
  const { ask, hear } = await openWithWorkers()
  const { body: upstream } = await ask('PUT', '/upstreams/u', {})
  for (const target of ['a:1', 'b:1', 'c:1']) {
    await ask('POST', '/upstreams/u/targets', { target, weight: 10 })
  }
  hear(0, [reportOf(upstream.id, { 'a:1': 'HEALTHY', 'b:1': 'HEALTHY' })])
  hear(1, [reportOf(upstream.id, { 'a:1': 'HEALTHY', 'b:1': 'UNHEALTHY' })])
  const { body } = await ask('GET', '/upstreams/u/health')
  expect(healthIn(body.data)).toEqual({
    'a:1': ['HEALTHY', 10, 0],
    'b:1': ['UNHEALTHY', 0, 10],
    'c:1': ['HEALTHCHECKS_OFF', 0, 0],
  })
  const whole = await ask('GET', '/upstreams/u/health?balancer_health=1')
  expect(whole.body.data).toEqual({ id: upstream.id, health: 'HEALTHY' })
  hear(1, [reportOf(upstream.id, { 'a:1': 'UNHEALTHY', 'b:1': 'DNS_ERROR' })])
  const down = await ask('GET', '/upstreams/u/health?balancer_health=1')
  expect(down.body.data.health).toBe('UNHEALTHY')
  expect((await ask('GET', '/upstreams/none/health')).status).toBe(404)
})

test('serves Prometheus metrics, of upstreams only those that the principal may read', async () => {
  const admin = await openWithWorkers()
  const { body: upstream } = await admin.ask('PUT', '/upstreams/secret-pool', {})
  await admin.ask('POST', '/upstreams/secret-pool/targets', { target: 'a:1' })
  admin.hear(0, [reportOf(upstream.id, { 'a:1': 'UNHEALTHY' })])
  const { text, headers } = await admin.ask('GET', '/metrics')
  expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  for (const line of text.trimEnd().split('\n')) {
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"\n]*",?)*\})? -?[\d.e+]+)$/)
  }
  expect(text).toContain(
    'kong_upstream_target_health{upstream="secret-pool",target="a:1",address="10.0.0.1:1",state="unhealthy",subsystem="http"} 1',
  )
  expect(text).toContain('weir_entities{workspace="default",kind="upstreams"} 1')
  expect(text).toContain('weir_intake_bytes 11')
  expect(text).toContain('weir_intake_refused_batches 2')
  expect(text).toContain('weir_worker_spooled_bytes{node="n1",worker="0",zone="z"} 7')
  await admin.ask('POST', '/workspaces', { name: 'W' })
  const token = await addPrincipal(admin, {
    name: 'dev',
    workspace: 'W',
    endpoints: [{ endpoint: '*', actions: 'read' }],
  })
  const own = await admin.ask('GET', '/W/metrics', undefined, { token })
  expect([own.status, own.text.includes('secret-pool')]).toEqual([200, false])
  expect((await admin.ask('GET', '/metrics', undefined, { token })).status).toBe(403)
})

test('shows what each exporter sent and dropped to those who may read its plugin', async () => {
  const admin = await openWithWorkers()
  const { ask, hear } = admin
  const { body: plugin } = await ask('POST', '/plugins', { name: 'plain' })
  const status = { plugin: 'plain', id: plugin.id, workspace: '', queued: 3, queuedBytes: 9 }
  const { body: workspace } = await ask('GET', '/workspaces/default')
  hear(
    0,
    [],
    [{ ...status, workspace: workspace.id, sent: 7, dropped: 2, failures: 1, error: 'timeout' }],
  )
  const { text } = await ask('GET', '/metrics')
  const labels = `{plugin="plain",id="${plugin.id}",workspace="${workspace.id}",node="n1",worker="0"}`
  for (const line of ['sent_total', 'dropped_total', 'failures_total', 'queued', 'up'].map(
    (name, at) => `weir_exporter_${name}${labels} ${[7, 2, 1, 3, 0][at]}`,
  ))
    expect(text).toContain(line)
  await ask('POST', '/workspaces', { name: 'W' })
  const token = await addPrincipal(admin, {
    name: 'dev',
    workspace: 'W',
    endpoints: [{ endpoint: '*', actions: 'read' }],
  })
  const own = await ask('GET', '/W/metrics', undefined, { token })
  expect([own.status, own.text.includes('weir_exporter')]).toEqual([200, false])
})

test('serves the requests that workers measure to those who may read their service', async () => {
  const admin = await openWithWorkers()
  const { ask, registry } = admin
  const { body: place } = await ask('GET', '/workspaces/default')
  const { body: service } = await ask('PUT', '/services/s', { host: 'h' })
  const { body: route } = await ask('PUT', '/services/s/routes/r', { paths: ['/r'] })
  const { body: consumer } = await ask('PUT', '/consumers/ann', {})
  const caller = (id: string, name: string, count: number) => ({
    consumer: id,
    name,
    codes: [200, 1, count, 429, 0, 1],
    ingress: count,
    egress: 10,
  })
  const histogram = (length: number) => Array.from({ length }, (_, at) => at)
  const traffic: TrafficReport = {
    startedAt: 5,
    unmeasured: 3,
    connections: { accepted: 4, open: 2, requests: 9 },
    routes: [
      {
        workspace: place.id,
        workspaceName: 'default',
        service: service.id,
        serviceName: 's"1',
        route: route.id,
        routeName: 'r',
        callers: [caller('', '', 1), caller(consumer.id, 'ann', 2), caller('gone', 'bob', 4)],
        latencies: { kong: histogram(19), request: histogram(15) },
      },
    ],
  }
  const send = (state: TrafficReport) =>
    registry.receiveHeartbeat(claims, {
      revision: 1,
      spooledBytes: 7,
      exchanges: 0,
      traffic: state,
    })
  expect(send(traffic)).not.toHaveProperty('wantsTraffic')
  // A worker that is replaced reports until it has drained.
  send({ ...traffic, startedAt: 4, unmeasured: 99 })
  const { text } = await ask('GET', '/metrics')
  expect(send(traffic)).toMatchObject({ wantsTraffic: true })
  const labels = 'service="s\\"1",route="r",workspace="default",node="n1",worker="0"'
  expect(
    text.split('\n').filter((line) => /^kong_(http|band|kong_lat|request)/.test(line)),
  ).toEqual([
    `kong_http_requests_total{${labels},code="200",source="service",consumer=""} 5`,
    `kong_http_requests_total{${labels},code="429",source="kong",consumer=""} 2`,
    `kong_http_requests_total{${labels},code="200",source="service",consumer="ann"} 2`,
    `kong_http_requests_total{${labels},code="429",source="kong",consumer="ann"} 1`,
    `kong_bandwidth_bytes{${labels},direction="ingress",consumer=""} 5`,
    `kong_bandwidth_bytes{${labels},direction="egress",consumer=""} 20`,
    `kong_bandwidth_bytes{${labels},direction="ingress",consumer="ann"} 2`,
    `kong_bandwidth_bytes{${labels},direction="egress",consumer="ann"} 10`,
    ...buckets('kong', labels, latencyBuckets.kong),
    ...buckets('request', labels, latencyBuckets.request),
  ])
  expect(text).toContain('weir_prometheus_unmeasured_total{node="n1",worker="0",zone="z"} 3')
  expect(text).toContain('state="active",node="n1",worker="0",zone="z"} 2')
  await ask('POST', '/workspaces', { name: 'W' })
  const seen = async (path: string, endpoints: { endpoint: string; actions: string }[]) => {
    const name = `p${endpoints.length}`
    const token = await addPrincipal(admin, { name, workspace: 'default', endpoints })
    const answer = await ask('GET', path, undefined, { token })
    return [/kong_http_requests_total\{/.test(answer.text), answer.text.includes('"ann"')]
  }
  const metrics = { endpoint: '/metrics', actions: 'read' }
  const services = { endpoint: '/services/*', actions: 'read' }
  const consumers = { endpoint: '/consumers/*', actions: 'read' }
  expect(await seen('/metrics', [metrics])).toEqual([false, false])
  expect(await seen('/metrics', [metrics, services])).toEqual([true, false])
  expect(await seen('/metrics', [metrics, services, consumers])).toEqual([true, true])
})

/** The lines of a histogram whose counts are 0, 1, 2, … */
function buckets(name: string, labels: string, bounds: readonly number[]): string[] {
  const full = `kong_${name}_latency_ms`
  let below = 0
  const lines = [...bounds, '+Inf'].map(
    (bound, at) => `${full}_bucket{${labels},le="${bound}"} ${(below += at)}`,
  )
  return [
    ...lines,
    `${full}_count{${labels}} ${below}`,
    `${full}_sum{${labels}} ${bounds.length + 1}`,
  ]
}

test('sends a health override of a target to every worker once', async () => {
  const { ask, hear } = await openWithWorkers()
  const checks = { passive: { unhealthy: { http_failures: 1 } } }
  const { body: upstream } = await ask('PUT', '/upstreams/u', { healthchecks: checks })
  await ask('POST', '/upstreams/u/targets', { target: 'a:1' })
  await ask('PUT', '/upstreams/unchecked', {})
  await ask('POST', '/upstreams/unchecked/targets', { target: 'a:1' })
  const nothing = { targets: [] }
  expect([hear(0, []), hear(1, [])]).toEqual([nothing, nothing])
  const put = async (path: string) => (await ask('PUT', path)).status
  expect(await put('/upstreams/u/targets/a:1/unhealthy')).toBe(204)
  expect(await put('/upstreams/u/targets/a:1/10.0.0.1:1/healthy')).toBe(204)
  expect(await put('/upstreams/u/targets/none:1/healthy')).toBe(404)
  expect(await put('/upstreams/unchecked/targets/a:1/healthy')).toBe(400)
  const order = { upstream: upstream.id, target: 'a:1', address: null, healthy: false }
  const expected = { targets: [order, { ...order, address: '10.0.0.1:1', healthy: true }] }
  expect([hear(0, []), hear(1, []), hear(0, [])]).toEqual([expected, expected, nothing])
})

test('forgets a worker that sends no heartbeats', async () => {
  let now = 1_000_000
  const registry = openNodeRegistry({ now: () => now })
  registry.receiveHeartbeat(claims, { revision: 1, spooledBytes: 0, exchanges: 0 })
  now += 29_000
  expect(registry.workers()).toHaveLength(1)
  now += 2_000
  expect(registry.workers()).toEqual([])
})

test('reports sizes in the requested unit, refuses unknown ones, and counts connections', async () => {
  const { ask } = await openWithWorkers()
  const size = async (query: string) =>
    (await ask('GET', `/status${query}`)).body.memory.workers_lua_vms[0].http_allocated_gc as string
  expect(await size('')).toMatch(/^\d+\.\d\d MiB$/)
  expect(await size('?unit=k&scale=0')).toMatch(/^\d+ KiB$/)
  expect(await size('?unit=K')).toMatch(/^\d+\.\d\d KiB$/)
  expect(await ask('GET', '/status?unit=furlong')).toMatchObject({
    status: 400,
    body: { message: "invalid unit 'furlong' (expected 'b/B', 'k/K', 'm/M', or 'g/G')" },
  })
  const { server } = (await ask('GET', '/status')).body
  expect(server.connections_active).toBeGreaterThan(0)
  expect(server.connections_accepted).toBeGreaterThanOrEqual(server.connections_active)
})

/** Fields of the Admin API that Kong added lately, with its version. */
const newFields = {
  '/schemas/targets': { failover: '3.12' },
  '/schemas/upstreams': { sticky_sessions_cookie: '3.11', sticky_sessions_cookie_path: '3.11' },
} as const

test('reports the version of Kong whose newest fields it has', async () => {
  const { ask } = await openWithWorkers()
  const minor = (version: string): number => Number(version.split('.')[1])
  const { version } = (await ask('GET', '/')).body
  const versions: number[] = []
  for (const [path, fields] of Object.entries(newFields)) {
    const shown = (await ask('GET', path)).body.fields.flatMap(Object.keys)
    for (const [field, since] of Object.entries(fields)) {
      expect(shown).toContain(field)
      versions.push(minor(since))
    }
  }
  expect(minor(version)).toBe(Math.max(...versions))
})

test('serves Kong’s introspection routes', async () => {
  const { ask, hear } = await openWithWorkers()
  hear(0, [])
  expect((await ask('GET', '/clustering/data-planes')).body).toMatchObject({
    data: [{ hostname: 'n1', last_seen: 0, labels: { worker: '0', zone: 'z' } }],
    next: null,
  })
  const status = Object.values((await ask('GET', '/clustering/status')).body)
  expect(status).toMatchObject([{ hostname: 'n1' }])
  for (const [method, path, code, body] of [
    ['GET', '/timers', 200, { worker: { count: 1 } }],
    ['GET', '/status/dns', 200, { worker: { id: 0, count: 1 }, stats: {} }],
    ['DELETE', '/cache', 204, ''],
    ['DELETE', '/cache/some:key', 204, ''],
    ['GET', '/cache/some:key', 404, { message: 'Not found' }],
    ['GET', '/debug/node/log-level', 200, { message: 'log level: info' }],
    ['PUT', '/debug/node/log-level/info', 200, { message: 'log level is already info' }],
    ['PUT', '/debug/node/log-level/loud', 400, { message: 'unknown log level: loud' }],
  ] as const) {
    const answer = await ask(method, path)
    expect({ path, ...answer }).toMatchObject({ path, status: code, body })
  }
})

test('purges the caches of the workspace, recorded in the audit log', async () => {
  const purges: CachePurge[] = []
  const { ask } = await openTestAdmin({ catalog, purge: (purge) => void purges.push(purge) })
  await ask('PUT', '/workspaces/other', {})
  const config = { strategy: 'memory' }
  const { body: own } = await ask('POST', '/plugins', { name: 'proxy-cache', config })
  const { body: other } = await ask('POST', '/other/plugins', { name: 'proxy-cache', config })
  const { body: cors } = await ask('POST', '/plugins', { name: 'cors' })
  for (const [path, status] of [
    ['/proxy-cache', 204],
    ['/proxy-cache/k', 204],
    [`/proxy-cache/${own.id}/caches/k`, 204],
    [`/proxy-cache/${other.id}/caches/k`, 404],
    [`/proxy-cache/${cors.id}/caches/k`, 404],
    ['/other/proxy-cache', 204],
  ] as const)
    expect([path, (await ask('DELETE', path)).status]).toEqual([path, status])
  const one = { plugin: own.id, key: 'k' }
  expect(purges).toEqual([{ ...one, key: null }, one, one, { plugin: other.id, key: null }])
  const { body } = await ask('GET', '/audit')
  expect(JSON.stringify(body)).toContain('Cached responses are removed.')
})

test('lets only the configured pages call the Admin API, without cookies', async () => {
  const page = 'https://manager.example'
  const { ask, adminUrl } = await openTestAdmin({ corsOrigins: [page] })
  const preflight = {
    origin: page,
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'kong-admin-token',
  }
  const asked = await fetch(`${adminUrl}/services`, { method: 'OPTIONS', headers: preflight })
  expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, page])
  expect(asked.headers.get('access-control-allow-headers')).toBe('kong-admin-token')
  const from = async (origin: string, token?: string) => {
    const { status, headers } = await ask('GET', '/services', undefined, {
      headers: { origin },
      token,
    })
    return [
      status,
      headers.get('access-control-allow-origin'),
      headers.get('access-control-allow-credentials'),
    ]
  }
  expect(await from(page)).toEqual([200, page, null])
  expect(await from(page, '')).toEqual([401, page, null])
  expect(await from('https://other.example')).toEqual([200, null, null])
})

async function openWithWorkers() {
  const registry = openNodeRegistry({ now: () => 0 })
  const admin = await openTestAdmin({
    workers: registry.workers,
    order: registry.order,
    wantTraffic: registry.wantTraffic,
    intake: () => ({ bytes: 11, refused: 2 }),
  })
  const hear = (worker: number, upstreams: UpstreamHealth[], exporters: ExporterStatus[] = []) =>
    registry.receiveHeartbeat(
      { ...claims, worker },
      { revision: 1, spooledBytes: 7, exchanges: 0, upstreams, exporters },
    )
  return { ...admin, hear, registry }
}

type Health = UpstreamHealth['targets'][number]['health']

const reportOf = (upstream: string, targets: Readonly<Record<string, Health>>): UpstreamHealth => ({
  upstream,
  targets: Object.entries(targets).map(([target, health]) => ({
    target,
    health,
    addresses: health === 'DNS_ERROR' ? [] : [{ ip: '10.0.0.1', port: 1, weight: 10, health }],
  })),
})

type Row = { target: string; health: Health; data: { weight: Record<string, number> } }

const healthIn = (rows: readonly Row[]) =>
  Object.fromEntries(
    rows.map(({ target, health, data: { weight } }) => [
      target,
      [health, weight['available'], weight['unavailable']],
    ]),
  )
