import type { KnownWorker } from '../../cluster/node-registry.ts'
import type { EntityName } from '../../entities/entities.ts'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { latencyBuckets, type LatencyName, type RouteTraffic } from '../../schema/traffic-report.ts'
import { labelText } from './write-metrics.ts'

/** Whether the principal may read an entity of a workspace by its id; false when it does not exist. */
export type MayReadId = (entity: EntityName, workspace: string, id: string) => boolean

type Shown = { readonly worker: KnownWorker; readonly route: RouteTraffic }

const help = {
  http_requests_total: 'HTTP status codes per consumer, service and route.',
  bandwidth_bytes: 'Bytes of requests (ingress) and responses (egress).',
  kong_latency_ms: 'Milliseconds spent in the gateway.',
  upstream_latency_ms: 'Milliseconds until the head of the response of the service.',
  request_latency_ms:
    'Milliseconds from the first byte of the request to the last of the response.',
} as const

/**
 * Kong's metrics of requests in Prometheus' text format, each with the labels `node` and `worker`: a counter that sums
 * workers would fall when one of them restarts. As of events, a principal sees the routes whose service it may read, and
 * routes without a service that it may read; consumers that it may not read have no name.
 */
export function* renderTraffic(
  workers: readonly KnownWorker[],
  mayRead: MayReadId,
): CooperativeTask<string> {
  const shown: Shown[] = []
  for (const worker of workers) {
    for (const route of worker.state.traffic?.routes ?? []) {
      yield
      const { workspace, service, route: id } = route
      const isShown =
        service === '' ? mayRead('route', workspace, id) : mayRead('service', workspace, service)
      if (isShown) shown.push({ worker, route })
    }
  }
  const parts: string[] = []
  yield* renderRequests(shown, mayRead, parts)
  yield* renderBandwidth(shown, mayRead, parts)
  for (const name of ['kong', 'upstream', 'request'] as const)
    yield* renderLatency(shown, name, parts)
  return parts.join('')
}

const routeLabels = ({ worker, route }: Shown): Readonly<Record<string, string>> => ({
  service: route.serviceName,
  route: route.routeName,
  workspace: route.workspaceName,
  node: worker.node,
  worker: String(worker.worker),
})

function begin(parts: string[], name: keyof typeof help, type: string): string {
  const full = `kong_${name}`
  parts.push(`# HELP ${full} ${help[name]}\n# TYPE ${full} ${type}\n`)
  return full
}

/** Sums what has the same labels: all consumers without a name share them. */
function* callersOf(
  { route }: Shown,
  mayRead: MayReadId,
): Generator<readonly [name: string, callers: RouteTraffic['callers']]> {
  const byName = new Map<string, RouteTraffic['callers']>()
  for (const caller of route.callers) {
    const isShown = caller.consumer !== '' && mayRead('consumer', route.workspace, caller.consumer)
    const name = isShown ? caller.name : ''
    const known = byName.get(name)
    if (known === undefined) byName.set(name, [caller])
    else known.push(caller)
  }
  yield* byName
}

function* renderRequests(
  shown: readonly Shown[],
  mayRead: MayReadId,
  parts: string[],
): CooperativeTask<void> {
  const rows = shown.filter(({ route }) => route.callers.some(({ codes }) => codes.length > 0))
  if (rows.length === 0) return
  const full = begin(parts, 'http_requests_total', 'counter')
  for (const row of rows) {
    yield
    for (const [consumer, callers] of callersOf(row, mayRead)) {
      const times = new Map<string, number>()
      for (const { codes } of callers)
        for (let at = 0; at < codes.length; at += 3) {
          const key = `${codes[at]} ${codes[at + 1] === 1 ? 'service' : 'kong'}`
          times.set(key, (times.get(key) ?? 0) + (codes[at + 2] as number))
        }
      for (const [key, value] of times) {
        const [code = '', source = ''] = key.split(' ')
        const labels = labelText({ ...routeLabels(row), code, source, consumer })
        parts.push(`${full}${labels} ${value}\n`)
      }
    }
  }
}

function* renderBandwidth(
  shown: readonly Shown[],
  mayRead: MayReadId,
  parts: string[],
): CooperativeTask<void> {
  const rows = shown.filter(({ route }) =>
    route.callers.some(({ ingress, egress }) => ingress + egress > 0),
  )
  if (rows.length === 0) return
  const full = begin(parts, 'bandwidth_bytes', 'counter')
  for (const row of rows) {
    yield
    for (const [consumer, callers] of callersOf(row, mayRead))
      for (const direction of ['ingress', 'egress'] as const) {
        const bytes = callers.reduce((sum, caller) => sum + caller[direction], 0)
        const labels = labelText({ ...routeLabels(row), direction, consumer })
        if (bytes > 0) parts.push(`${full}${labels} ${bytes}\n`)
      }
  }
}

function* renderLatency(
  shown: readonly Shown[],
  name: LatencyName,
  parts: string[],
): CooperativeTask<void> {
  const bounds = latencyBuckets[name]
  const rows = shown.filter(({ route }) => route.latencies[name]?.length === bounds.length + 2)
  if (rows.length === 0) return
  const full = begin(parts, `${name}_latency_ms`, 'histogram')
  for (const row of rows) {
    yield
    const counts = row.route.latencies[name] as readonly number[]
    const labels = routeLabels(row)
    let below = 0
    for (const [at, bound] of [...bounds, '+Inf'].entries()) {
      below += counts[at] as number
      parts.push(`${full}_bucket${labelText({ ...labels, le: String(bound) })} ${below}\n`)
    }
    parts.push(
      `${full}_count${labelText(labels)} ${below}\n`,
      `${full}_sum${labelText(labels)} ${counts[bounds.length + 1] as number}\n`,
    )
  }
}
