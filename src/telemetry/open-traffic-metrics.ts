import type { EventRecord, PartOf } from '../schema/event.ts'
import {
  latencyBuckets,
  type LatencyName,
  type RouteTraffic,
  type TrafficMetrics,
  type TrafficReport,
} from '../schema/traffic-report.ts'

/** The metrics of a worker. */
export type OpenTrafficMetrics = TrafficMetrics & {
  report(this: void): Pick<TrafficReport, 'startedAt' | 'unmeasured' | 'routes'>
}

/** Routes, and consumers of all of them, that a worker measures. */
const maxRoutes = 1_000
const maxCallers = 10_000

type CallerCounts = {
  readonly name: string
  /** By status, twice, plus one if the service answered. */
  readonly codes: Map<number, number>
  ingress: number
  egress: number
}

type RouteCounts = Omit<RouteTraffic, 'callers' | 'latencies'> & {
  readonly anybody: CallerCounts
  readonly callers: Map<string, CallerCounts>
  latencies: Readonly<Record<LatencyName, Float64Array>> | undefined
}

export function openTrafficMetrics(now: () => number = Date.now): OpenTrafficMetrics {
  const startedAt = now()
  const routes = new Map<string, RouteCounts>()
  // Places are the same object for all requests of a route, until it changes.
  const byPlace = new WeakMap<PartOf<'place'>, RouteCounts>()
  let callers = 0
  let unmeasured = 0

  const routeOf = (
    place: PartOf<'place'>,
    names: Parameters<TrafficMetrics['observe']>[2],
  ): RouteCounts | undefined => {
    const key = `${place.route} ${place.service} ${names.routeName} ${names.serviceName} ${place.workspace_name}`
    let counts = routes.get(key)
    if (counts === undefined) {
      if (routes.size >= maxRoutes) return undefined
      counts = {
        workspace: place.workspace,
        workspaceName: place.workspace_name,
        service: place.service,
        route: place.route,
        ...names,
        anybody: newCaller(''),
        callers: new Map(),
        latencies: undefined,
      }
      routes.set(key, counts)
    }
    byPlace.set(place, counts)
    return counts
  }
  const callerOf = (counts: RouteCounts, event: EventRecord): CallerCounts | undefined => {
    const { consumer, consumer_name: name } = event.caller
    if (consumer === '') return counts.anybody
    let caller = counts.callers.get(consumer)
    if (caller === undefined) {
      if (callers >= maxCallers) return undefined
      callers += 1
      caller = newCaller(name)
      counts.callers.set(consumer, caller)
    }
    return caller
  }

  return {
    observe(event, measures, names, ingress, egress) {
      const counts = byPlace.get(event.place) ?? routeOf(event.place, names)
      const caller = measures.perConsumer ? counts && callerOf(counts, event) : counts?.anybody
      if (counts === undefined || caller === undefined) {
        unmeasured += 1
        return
      }
      if (measures.statusCodes) countStatus(caller, event)
      if (measures.bandwidth) {
        caller.ingress += ingress
        caller.egress += egress
      }
      if (measures.latencies) countLatencies((counts.latencies ??= newLatencies()), event)
    },
    report: () => ({
      startedAt,
      unmeasured,
      routes: [...routes.values()].map(({ anybody, callers: known, latencies, ...names }) => ({
        ...names,
        callers: [['', anybody] as const, ...known].map(([consumer, one]) => ({
          consumer,
          name: one.name,
          codes: [...one.codes].flatMap(([code, times]) => [code >> 1, code & 1, times]),
          ingress: one.ingress,
          egress: one.egress,
        })),
        latencies:
          latencies === undefined
            ? {}
            : {
                kong: [...latencies.kong],
                upstream: [...latencies.upstream],
                request: [...latencies.request],
              },
      })),
    }),
  }
}

const newCaller = (name: string): CallerCounts => ({
  name,
  codes: new Map(),
  ingress: 0,
  egress: 0,
})

const newLatencies = (): Readonly<Record<LatencyName, Float64Array>> => ({
  kong: new Float64Array(latencyBuckets.kong.length + 2),
  upstream: new Float64Array(latencyBuckets.upstream.length + 2),
  request: new Float64Array(latencyBuckets.request.length + 2),
})

function countStatus({ codes }: CallerCounts, { status, upstream_status: upstream }: EventRecord) {
  const code = status * 2 + (upstream === 0 ? 0 : 1)
  codes.set(code, (codes.get(code) ?? 0) + 1)
}

function countLatencies(latencies: ReturnType<typeof newLatencies>, event: EventRecord): void {
  count(latencies.request, latencyBuckets.request, event.duration_us / 1_000)
  count(latencies.kong, latencyBuckets.kong, event.gateway_us / 1_000)
  if (event.upstream_status !== 0)
    count(latencies.upstream, latencyBuckets.upstream, event.upstream_us / 1_000)
}

function count(counts: Float64Array, bounds: readonly number[], value: number): void {
  let at = 0
  while (at < bounds.length && value > (bounds[at] as number)) at += 1
  counts[at] = (counts[at] as number) + 1
  counts[bounds.length + 1] = (counts[bounds.length + 1] as number) + value
}
